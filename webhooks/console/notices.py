"""Notices to recipients: those that wait, and one of them with what a person can say of it."""

import uuid
from collections.abc import Callable

from flask import Blueprint, g, redirect, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as BaseResponse

from models.notices import OVER, Excuse, Notice
from webhooks.console.case import problems_of
from webhooks.console.roles import DECIDE, NAMES, WORK, allow
from webhooks.console.shell import Shell
from workflows import audit
from workflows.casefile import open_key
from workflows.errors import BadInput, Fault, VastineError
from workflows.nearness import hidden_from
from workflows.recipients import answering
from workflows.recipients.content import open_content
from workflows.recipients.listed import name_of, open_notices

Work = Callable[[Session, Notice], None]


def pages(shell: Shell) -> Blueprint:
    """The list, one notice, and three words on it."""
    rt = shell.rt
    blueprint = Blueprint("notices", __name__)

    @blueprint.get("/notices")
    @allow(NAMES)
    def notices() -> BaseResponse:
        with rt.unit() as session:
            hidden = hidden_from(session, g.user.name)
            found = [(n, ref) for n, ref in open_notices(session) if n.request_id not in hidden]
            rows = [(n, ref, name_of(rt, n.recipient)) for n, ref in found]
        return shell.page("notices.html", rows=rows)

    @blueprint.get("/notices/<uuid:ident>")
    @allow(NAMES)
    def notice(ident: uuid.UUID) -> BaseResponse:
        return _show(shell, ident)

    @blueprint.post("/notices/<uuid:ident>/told")
    @allow(WORK)
    def told(ident: uuid.UUID) -> BaseResponse:
        return _act(shell, ident, lambda s, n: answering.told_by_hand(s, rt, n, by=g.user.name))

    @blueprint.post("/notices/<uuid:ident>/acknowledged")
    @allow(WORK)
    def acknowledged(ident: uuid.UUID) -> BaseResponse:
        return _act(shell, ident, lambda s, n: answering.acknowledge(s, rt, n, by=g.user.name))

    @blueprint.post("/notices/<uuid:ident>/excuse")
    @allow(DECIDE)
    def excuse(ident: uuid.UUID) -> BaseResponse:
        def work(session: Session, row: Notice) -> None:
            why = request.form.get("why", "")
            if why not in {word.value for word in Excuse}:
                raise BadInput([Fault("why", "answer_missing")])
            reason = request.form.get("reason", "")[:5000]
            answering.excuse(session, rt, row, by=g.user.name, why=Excuse(why), reason=reason)

        return _act(shell, ident, work)

    return blueprint


def _act(shell: Shell, ident: uuid.UUID, work: Work) -> BaseResponse:
    try:
        with shell.rt.unit() as session:
            row, _ = answering.locked_notice(session, ident)
            work(session, row)
    except VastineError as error:
        return _show(shell, ident, problem=error)
    return redirect(url_for("notices.notice", ident=ident))


def _show(shell: Shell, ident: uuid.UUID, *, problem: VastineError | None = None) -> BaseResponse:
    rt, lang = shell.rt, g.t.language
    with rt.unit() as session:
        row, case = answering.locked_notice(session, ident)
        looked = {"what": "notice", "recipient": row.recipient}
        audit.record(session, "case:read", at=rt.now(), actor=g.user.name, request_id=case.id, facts=looked)
        content = open_content(open_key(session, rt, case.data_key_id), row) if row.content_sealed else None
        reason = answering.reason_of(session, rt, row, case)
    return shell.page(
        "notice.html",
        status=problem.status if problem else 200,
        notice=row,
        name=name_of(rt, row.recipient),
        reference=case.reference,
        content=content,
        categories=[shell.catalogue.category_label(code, lang) or code for code in row.categories],
        reason=reason,
        over=row.state in OVER,
        excuses=[word.value for word in Excuse],
        problems=problems_of(problem) if problem else [],
    )
