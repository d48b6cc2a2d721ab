"""The pages that are the same for everybody: start, accessibility, and what machines look for."""

from datetime import timedelta

from flask import Blueprint, Response, current_app, g, redirect, request, url_for
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response as AnyResponse

from models.vocabulary import Right
from webhooks.brand import brand_sheet
from webhooks.portal.house import house, language, page, words
from workflows.rules.reference import parse_reference

bp = Blueprint("pages", __name__)

RIGHTS = (
    Right.ACCESS,
    Right.PORTABILITY,
    Right.RECTIFICATION,
    Right.ERASURE,
    Right.RESTRICTION,
    Right.OBJECTION,
    Right.MARKETING_BAN,
    Right.WITHDRAW_CONSENT,
)
"""What the form offers, in this order."""


@bp.app_url_value_preprocessor
def take_language(_endpoint: str | None, values: dict[str, str] | None) -> None:
    """Remember the address's language; one that this controller does not answer in is no page."""
    if values and "lang" in values:
        if values["lang"] not in house().languages:
            raise NotFound
        g.language = values["lang"]


@bp.get("/")
def choose_language() -> AnyResponse:
    """To the start page in the reader's language."""
    answer = redirect(url_for("pages.start", lang=language()), 302)
    answer.headers["Vary"] = "Accept-Language"
    return answer


@bp.get("/<lang>/")
def start(lang: str) -> Response:  # noqa: ARG001
    """What one may ask, and the way to begin."""
    return page("start", rights=RIGHTS)


@bp.post("/<lang>/reference")
def have_reference(lang: str) -> Response:  # noqa: ARG001
    """Where help is for somebody who has only a reference: it alone opens nothing, and whether it exists isn't told."""
    given = request.form.get("reference", "")
    reference = parse_reference(given)
    if reference is None:
        errors = [("reference", words()("fault.reference"))]
        return page("start", status=422, rights=RIGHTS, errors=errors, reference=given[:40])
    return page("reference", reference=reference)


@bp.get("/<lang>/start")
def start_with(lang: str) -> AnyResponse:
    """An address for other sites to link to: `?right=` begins the form with that right chosen."""
    if request.args.get("right", "") in {r.value for r in RIGHTS}:
        return redirect(url_for("form.begin", lang=lang, right=request.args["right"]))
    return redirect(url_for("pages.start", lang=lang))


@bp.get("/dsar/<right>")
def by_right(right: str) -> AnyResponse:
    """The address that never changes, as wallets and registers name it; `?src=` is ignored.

    Source: Reg. (EU) 910/2014 Art. 5a(5)(a)(ix).
    """
    if right not in {r.value for r in RIGHTS}:
        raise NotFound
    answer = redirect(url_for("form.begin", lang=language(), right=right))
    answer.headers["Vary"] = "Accept-Language"
    return answer


@bp.get("/<lang>/paper")
def paper(lang: str) -> Response:  # noqa: ARG001
    """The form to print and fill in by hand; `?size=large` in large print."""
    return page("paper", rights=RIGHTS, large=request.args.get("size") == "large")


@bp.get("/brand.css")
def brand() -> Response:
    """The controller's colour."""
    sheet = Response(brand_sheet(house().rt.register.controller.brand_colour), mimetype="text/css")
    sheet.headers["Cache-Control"] = "public, max-age=3600"
    return sheet


@bp.get("/healthz")
def health() -> Response:
    """200 while the database answers; says nothing about anything else."""
    try:
        with house().rt.sessions() as session:
            session.execute(text("SELECT 1"))
    except SQLAlchemyError:
        current_app.logger.warning("the database does not answer")
        return Response("unavailable\n", status=503, mimetype="text/plain")
    return Response("ok\n", mimetype="text/plain")


@bp.get("/robots.txt")
def robots() -> Response:
    """Only the start pages are for search engines."""
    rules = "".join(f"Allow: /{code}/$\n" for code in house().languages)
    return Response(f"User-agent: *\n{rules}Disallow: /\n", mimetype="text/plain")


@bp.get("/.well-known/security.txt")
def security_txt() -> Response:
    """Whom to tell about a weakness. Source: RFC 9116."""
    rt = house().rt
    controller = rt.register.controller
    contact = controller.dpo.email or controller.email
    if not contact and not controller.website:
        raise NotFound
    expires = (rt.now() + timedelta(days=180)).replace(hour=0, minute=0, second=0, microsecond=0)
    lines = [
        f"Contact: {'mailto:' + contact if contact else controller.website}",
        f"Expires: {expires.isoformat().replace('+00:00', 'Z')}",
        f"Preferred-Languages: {', '.join(house().languages)}",
        f"Canonical: {rt.settings.public_url}/.well-known/security.txt",
    ]
    return Response("\n".join(lines) + "\n", mimetype="text/plain")
