"""The page of a mandate: what has to be seen, by whom it was, and what follows from it."""

from collections.abc import Callable
from typing import Any

from flask import Blueprint, g, redirect, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as BaseResponse

from models.mandate import AnswerTo, Mandate
from models.request import Request
from models.vocabulary import RequestState
from webhooks.console.case import problems_of
from webhooks.console.mandate_form import METHODS, fields_of, read_terms
from webhooks.console.roles import DECIDE, WORK, allow
from webhooks.console.shell import Shell
from workflows import acting, audit
from workflows.casefile import open_claim, open_key
from workflows.errors import BadInput, Fault, NotFound, VastineError
from workflows.mandates import checking, ending
from workflows.mandates.seen import ticked
from workflows.mandates.terms import Terms, offered
from workflows.ports import RequestKey
from workflows.register.mandates import ESTATE, mandate_kinds
from workflows.rules.mandates import Standing
from workflows.uploads import uploads_of
from workflows.views import find_request

Work = Callable[[Session, Request], str]
DONE = ("saved", "accepted", "one_more", "confirmed", "refused", "themselves", "estate", "revoked")


def pages(shell: Shell) -> Blueprint:
    """The check list, and what staff say of it."""
    rt = shell.rt
    blueprint = Blueprint("mandate", __name__)

    @blueprint.get("/requests/<reference>/mandate")
    @allow(WORK)
    def mandate(reference: str) -> BaseResponse:
        return _show(shell, reference)

    @blueprint.post("/requests/<reference>/mandate/check")
    @allow(WORK)
    def check(reference: str) -> BaseResponse:
        def work(session: Session, case: Request) -> str:
            kind, codes = request.form.get("kind", ""), request.form.getlist("check")[:50]
            if request.form.get("go") == "save":
                checking.tick(session, rt, case, user=g.user.name, kind=kind, codes=codes)
                return "saved"
            if request.form.get("go") == "estate":
                checking.tick(session, rt, case, user=g.user.name, kind=kind, codes=codes)
                checking.estate(session, rt, case, user=g.user.name)
                return "estate"
            left = checking.accept(session, rt, case, user=g.user.name, terms=read_terms())
            return "one_more" if left else "accepted"

        return _act(shell, reference, work, form="check")

    @blueprint.post("/requests/<reference>/mandate/confirm")
    @allow(DECIDE)
    def confirm(reference: str) -> BaseResponse:
        def work(session: Session, case: Request) -> str:
            checking.confirm(session, rt, case, user=g.user.name, digest=request.form.get("digest", ""))
            return "confirmed"

        return _act(shell, reference, work, form="confirm")

    @blueprint.post("/requests/<reference>/mandate/end")
    @allow(WORK)
    def end(reference: str) -> BaseResponse:
        def work(session: Session, case: Request) -> str:
            return _end(session, shell, case)

        return _act(shell, reference, work, form=request.form.get("go", ""))

    return blueprint


def _end(session: Session, shell: Shell, case: Request) -> str:
    rt, user, go = shell.rt, g.user.name, request.form.get("go", "")
    if go == "refuse":
        checking.refuse(session, rt, case, user=user, reason=request.form.get("reason", "")[:5000])
        return "refused"
    if go == "themselves":
        checking.themselves(session, rt, case, user=user, reason=request.form.get("own_reason", "")[:5000])
        return "themselves"
    if go == "revoke":
        ending.revoke(session, rt, case, user=user, reason=request.form.get("revoke_reason", "")[:5000])
        return "revoked"
    raise BadInput([Fault("go", "answer_missing")])


def _act(shell: Shell, reference: str, work: Work, *, form: str) -> BaseResponse:
    try:
        with shell.rt.unit() as session:
            case = find_request(session, reference, lock=True)
            done = work(session, case)
            known, left = case.reference, acting.mandate_of(session, case) is not None
    except VastineError as error:
        return _show(shell, reference, problem=error, form=form)
    if not left:
        return redirect(url_for("case.case", reference=known, done="task_done"))
    return redirect(url_for("mandate.mandate", reference=known, done=done))


def _show(shell: Shell, reference: str, *, problem: VastineError | None = None, form: str = "") -> BaseResponse:
    rt = shell.rt
    with rt.unit() as session:
        case = find_request(session, reference, lock=True)
        row = acting.mandate_of(session, case)
        if row is None:
            raise NotFound("mandate", detail="nobody acts for another in this case")
        looked = {"what": "mandate"}
        audit.record(session, "case:read", at=rt.now(), actor=g.user.name, request_id=case.id, facts=looked)
        facts = _facts(session, shell, case, row)
    done = request.args.get("done", "")
    return shell.page(
        "mandate.html",
        status=problem.status if problem else 200,
        problems=problems_of(problem) if problem else [],
        form=form,
        done=done if done in DONE else "",
        **facts,
    )


def _facts(session: Session, shell: Shell, case: Request, row: Mandate) -> dict[str, Any]:
    rt, language = shell.rt, g.t.language
    key = open_key(session, rt, case.data_key_id)
    asked = request.values.get("kind", "")
    kind = mandate_kinds().get(asked if asked in mandate_kinds() else row.kind)
    if kind is None:
        raise NotFound("mandate_kind", detail="this kind of mandate is not known here")
    seen = ticked(session, case)
    typed = request.form if request.method == "POST" else _known(key, case, row)
    lines = [
        {"code": line.code, "text": line.text.get(language), "seen": seen.get(line.code)}
        for line in kind.lines
        if line.code
        in {known.code for known in kind.check_list().lines if not known.rights or case.right in known.rights}
    ]
    standing = acting.standing_of(rt, case, row)
    proven = case.proof_sealed is not None
    return {
        "reference": case.reference,
        "right": case.right.value,
        "row": row,
        "standing": standing.value,
        "holder": acting.holder_of(key, row),
        "kind": kind.id,
        "kinds": [(known.id, known.title.get(language)) for known in mandate_kinds().values()],
        "law": kind.law,
        "lines": lines,
        "documents": [(str(one.id), one.arrived_at) for one in uploads_of(session, case)],
        "rights": [right.value for right in kind.rights],
        "categories": [(code, category.label.get(language)) for code, category in rt.register.categories.items()],
        "two": case.right in kind.two_people,
        "of_minor": kind.of_minor,
        "dead": kind.id == ESTATE,
        "offer": _offer(shell, offered(key, row)),
        "digest": row.offer_digest.hex() if row.offer_digest else "",
        "mine": row.offered_by == g.user.name,
        "typed": typed,
        "chosen": {name: _chosen(name, row) for name in ("check", "rights", "categories")},
        "methods": [method.value for method in METHODS],
        "answers": [to.value for to in AnswerTo],
        "verifying": case.state is RequestState.VERIFYING and not proven,
        "acceptable": (case.state is RequestState.VERIFYING and not proven)
        or (proven and standing is not Standing.LIVE),
        "live": standing in (Standing.LIVE, Standing.NOT_YET),
    }


def _known(key: RequestKey, case: Request, row: Mandate) -> dict[str, str]:
    """What the form is filled with at first: who acts as they said, and whom it is about as they said."""
    holder, claim = acting.holder_of(key, row), open_claim(key, case)
    return {
        "holder_name": holder.name,
        "holder_email": holder.email,
        "holder_phone": holder.phone,
        "answer_to": row.answer_to.value,
        "until": row.valid_until.isoformat() if row.valid_until else "",
        **{name: claim.identifiers.get(name, "") for name in fields_of()},
    }


def _chosen(name: str, row: Mandate) -> list[str]:
    if request.method == "POST":
        return request.form.getlist(name)
    if name == "categories":
        return list(row.categories or ())
    return [] if name == "check" else list(row.rights) if row.proven_at else []


def _offer(shell: Shell, terms: Terms | None) -> dict[str, Any] | None:
    """What the second person reads before they agree."""
    if terms is None:
        return None
    kind, scope = mandate_kinds()[terms.kind], terms.scope(shell.rt.today())
    labels = shell.rt.register.categories
    return {
        "kind": kind.title.get(g.t.language),
        "lines": [line.text.get(g.t.language) for line in kind.lines if line.code in terms.ticked],
        "identifiers": terms.identifiers,
        "method": terms.method.value,
        "holder": terms.holder,
        "answer_to": terms.answer_to.value,
        "rights": sorted(right.value for right in terms.rights),
        "categories": [labels[c].label.get(g.t.language) for c in sorted(terms.categories or ()) if c in labels],
        "until": scope.until_on,
    }
