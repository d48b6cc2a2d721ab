"""The form as short pages. What was answered travels signed from page to page; no address holds anything personal.

Without a script and without a cookie: every page is a POST of the one before it, so that going back, changing the
language and coming again after a mistake lose nothing that was typed.
"""

import secrets
from collections.abc import Mapping, Sequence

from flask import Blueprint, Response, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from models.vocabulary import Right
from webhooks.intake.acceptance import accept
from webhooks.kinds import kinds_of_data
from webhooks.portal.house import house, language, network, page, words
from webhooks.portal.pages import RIGHTS
from workflows.errors import BadInput, Fault
from workflows.pace import Limit
from workflows.register.mandates import mandate_kinds
from workflows.rules.form import MESSAGE_CHARACTERS, FormRequest, understand_form
from workflows.rules.form_items import KINDS, count_of, field_names, items_in
from workflows.rules.form_items import MOST as MOST_ITEMS
from workflows.rules.narrowed import NARROWABLE, in_order

bp = Blueprint("form", __name__)

PAGES = ("right", "who", "mandate", "items", "message", "check")
FIELDS: Mapping[str, tuple[str, ...]] = {
    "right": ("right",),
    "who": ("on_behalf", "name", "email", "phone_number", "customer_number", "gsrn", "invoice_number"),
    "mandate": ("mandate_kind", "holder_name", "holder_email", "holder_phone"),
    "items": field_names(MOST_ITEMS),
    "message": ("copy_of", "categories", "message", "restriction_ground", "reply_by", "large", "no_ban"),
    "check": (),
}
SENDING = Limit("form", most=20)
_LIFE_SECONDS = 24 * 3600
_LONGEST = {"message": 4 * MESSAGE_CHARACTERS + 1}  # one more than is ever accepted
_LONGEST_FIELD = 1000

GROUNDS = ("accuracy", "unlawful", "claim", "objection")
"""Why somebody may want their data restricted. Source: GDPR Art. 18(1)."""


@bp.get("/<lang>/request")
def begin(lang: str) -> Response:  # noqa: ARG001
    """The first page, with a number of its own that makes a form sent twice one form."""
    wished = request.args.get("right", "")
    answers = {"nonce": secrets.token_urlsafe(16)}
    if wished in {r.value for r in RIGHTS}:
        answers["right"] = wished
    return show("right", answers)


@bp.get("/<lang>/request/<name>")
def again(lang: str, name: str) -> AnyResponse:  # noqa: ARG001
    """A page in the middle has no address of its own to come to."""
    return redirect(url_for("form.begin", lang=lang))


@bp.post("/<lang>/request/<name>")
def step(lang: str, name: str) -> AnyResponse:
    """Take the answers of one page and show the page asked for."""
    answers = read_answers()
    if name not in PAGES or answers is None:
        return page("expired", status=400)
    go = request.form.get("go", "next")
    for field in FIELDS[name]:
        if name == "items" and field not in request.form:
            continue  # no place for it on the page yet
        if field == "categories":  # as many as there are: one that is cut off would be missing from the copy
            answers[field] = ",".join(in_order(request.form.getlist(field), house().rt.register.categories))
            continue
        answers[field] = request.form.get(field, "")[: _LONGEST.get(field, _LONGEST_FIELD)]
    if name == "check" and go == "next":
        return send(lang, answers)
    if go == "more" and name == "items":
        answers["items"] = str(min(count_of(answers) + 1, MOST_ITEMS))
    errors = faults(answers, FIELDS[name]) if go == "next" else []
    return show(name if errors else _following(name, go, answers), answers, errors=errors)


def _following(name: str, go: str, answers: Mapping[str, str]) -> str:
    """The page that comes after this one, by the button that was pressed."""
    if go in ("stay", "more"):
        return name
    pages = pages_of(answers)
    if name not in pages:
        return "who"
    if go == "back":
        return pages[max(pages.index(name) - 1, 0)]
    if go.startswith("change-"):
        wished = go.removeprefix("change-")
        return wished if wished in pages else name
    if name == "who" and "mandate" in pages and not answers.get("mandate_kind"):
        return "mandate"
    return "check" if answers.get("checked") else pages[min(pages.index(name) + 1, len(pages) - 1)]


def pages_of(answers: Mapping[str, str]) -> tuple[str, ...]:
    """The pages of this form: who asks for themselves is not asked by what right, nor everybody what is wrong."""
    left_out = set() if answers.get("on_behalf") == "yes" else {"mandate"}
    if answers.get("right") != Right.RECTIFICATION:
        left_out.add("items")
    return tuple(name for name in PAGES if name not in left_out)


def send(lang: str, answers: dict[str, str]) -> AnyResponse:
    """Record the request and go to its own page, which is the receipt."""
    try:
        understood = _understood(answers)
    except BadInput:
        wrong = next(name for name in pages_of(answers) if name == PAGES[-1] or faults(answers, FIELDS[name]))
        return show(wrong, answers, errors=faults(answers, FIELDS[wrong]))
    kept = {k: v for k, v in answers.items() if k not in ("nonce", "checked") and v}
    sent = {**kept, "language": lang}
    done = accept(house().rt, understood, sent, nonce=answers["nonce"], limit=SENDING, whose=network())
    if done.too_often:
        return show("check", answers, errors=[("", words()("form.too_often"))], status=429)
    if not done.reference:
        return redirect(url_for("form.received", lang=lang), 303)
    return redirect(url_for("status.show", lang=lang, reference=done.reference, secret=done.secret), 303)


@bp.get("/<lang>/received")
def received(lang: str) -> Response:  # noqa: ARG001
    """The receipt of a message that a person reads first."""
    return page("received")


def read_answers() -> dict[str, str] | None:
    """The answers so far, if it was we who signed them not too long ago."""
    state = house().forms.read(request.form.get("state", ""), max_age_seconds=_LIFE_SECONDS)
    if not isinstance(state, dict) or not state.get("nonce"):
        return None
    return {str(k): str(v) for k, v in state.items()}


def show(
    name: str, answers: dict[str, str], *, errors: Sequence[tuple[str, str]] = (), status: int | None = None
) -> Response:
    """One page of the form."""
    if name == "check":
        answers["checked"] = "1"
    answer = page(
        f"form_{name}",
        status=status or (422 if errors else 200),
        form_page=name,
        answers=answers,
        errors=list(errors),
        wrong=dict(errors),
        state=house().forms.sign(answers),
        rights=RIGHTS,
        kinds=[(kind.id, kind.title.get(language())) for kind in mandate_kinds().values()],
        number=pages_of(answers).index(name) + 1 if name in pages_of(answers) else 1,
        pages=len(pages_of(answers)),
        longest_message=MESSAGE_CHARACTERS,
        items=count_of(answers),
        most_items=MOST_ITEMS,
        item_kinds=KINDS,
        grounds=GROUNDS,
        kinds_of_data=kinds(answers),
        ticked=answers.get("categories", "").split(","),
        kept=kept_by_law() if answers.get("right") == Right.ERASURE else [],
    )
    # Kept by this browser alone, so that its Back button shows the page instead of asking to send it again.
    answer.headers["Cache-Control"] = "private, no-cache"
    return answer


def faults(answers: Mapping[str, str], fields: Sequence[str]) -> list[tuple[str, str]]:
    """(field, what to mend) of these fields."""
    try:
        _understood(answers)
    except BadInput as wrong:
        t = words()
        return [(f.where, t(f"fault.{f.what}")) for f in wrong.faults if f.where in fields]
    return []


def _understood(answers: Mapping[str, str]) -> FormRequest:
    asked = {field: answers.get(field, "") for name in pages_of(answers) for field in FIELDS[name]}
    if asked["right"] not in {r.value for r in Right}:
        asked["right"] = "unknown" if asked["right"].strip() else ""
    if asked["right"] == Right.RESTRICTION and asked["restriction_ground"] in GROUNDS:
        ground = words()(f"restriction_ground.{asked['restriction_ground']}")
        asked["message"] = f"{ground}\n\n{asked['message']}".strip()
    wrong: list[Fault] = []
    asked["categories"] = ticked(answers, wrong)
    try:
        known = house().rt.register.categories
        understood = understand_form({**asked, "language": language()}, categories=known)
    except BadInput as mistakes:
        wrong += mistakes.faults
    if "items" in pages_of(answers):
        try:
            items_in(answers)
        except BadInput as mistakes:
            wrong += mistakes.faults
    if wrong:
        raise BadInput(wrong)
    return understood


def kinds(answers: Mapping[str, str]) -> list[tuple[str, str]]:
    """The kinds of data of which this form may ask for a copy; none where it asks for something else."""
    if answers.get("right") not in NARROWABLE:
        return []
    taken_along = answers.get("right") == Right.PORTABILITY
    return kinds_of_data(house().rt, words(), provided_only=taken_along)


def ticked(answers: Mapping[str, str], wrong: list[Fault]) -> str:
    """What was ticked, where some of it was asked for; "" for all. Ticks beside "everything" count for nothing."""
    if answers.get("copy_of") != "some":
        return ""
    offered = {code for code, _ in kinds(answers)}
    codes = [code for code in answers.get("categories", "").split(",") if code in offered]
    if offered and not codes:
        wrong.append(Fault("categories", "categories_missing"))
    return ",".join(codes) if set(codes) != offered else ""


def kept_by_law() -> list[str]:
    """What laws in force may make us keep for a while, as the register's rules say; sorted labels."""
    rt = house().rt
    rules = [rule for rule in rt.register.holds if rule.active]
    codes = {code for rule in rules for code in rule.categories}
    known = rt.register.categories
    return sorted({known[code].label.get(language()) for code in codes if code in known})
