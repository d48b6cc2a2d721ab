"""One message as it came, shown as text and nothing else, and what a person makes of it."""

import uuid
from typing import Any

from flask import Blueprint, Response, g, redirect, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as BaseResponse

from models.intake import Message
from models.request import Request
from models.vocabulary import Channel, MessageState, Right
from webhooks.console.case import problems_of
from webhooks.console.entry import choices, read_entry
from webhooks.console.roles import RECORDS, REGISTER, allow
from webhooks.console.shell import Shell
from workflows import audit
from workflows.errors import BadInput, Fault, NotAllowed, NotFound, VastineError
from workflows.mailroom import read
from workflows.pointing import ASKS_HOW, drafted, point
from workflows.quarantine import is_guarded, require_clean
from workflows.rules.identity import NAME
from workflows.rules.mail import Understood
from workflows.rules.mail_files import HARMFUL
from workflows.rules.mail_pieces import pieces
from workflows.stages.intake import open_raw, requests_of
from workflows.thread import ENDINGS, UPLOAD
from workflows.triage import attach_to, no_request, open_from, waiting_message
from workflows.uploads import told
from workflows.views import find_request

_SHOWN = 20_000


def pages(shell: Shell) -> Blueprint:
    """Messages."""
    rt = shell.rt
    blueprint = Blueprint("triage", __name__)

    @blueprint.get("/messages/<uuid:ident>")
    @allow(RECORDS | REGISTER)
    def message(ident: uuid.UUID) -> BaseResponse:
        return _show(shell, ident)

    @blueprint.get("/messages/<uuid:ident>/raw")
    @allow(RECORDS | REGISTER)
    def raw(ident: uuid.UUID) -> BaseResponse:
        return _as_file(shell, ident)

    @blueprint.post("/messages/<uuid:ident>/open")
    @allow(REGISTER)
    def open_request(ident: uuid.UUID) -> BaseResponse:
        try:
            with rt.unit() as session:
                found = waiting_message(session, ident)
                written = read_entry(shell, user=g.user.name, channel=found.channel, arrived=found.arrived_at)
                opened = open_from(session, rt, found, written.asked, user=g.user.name)
                reference = opened[0].request.reference
        except VastineError as error:
            return _show(shell, ident, problem=error)
        return redirect(url_for("case.case", reference=reference, done="opened"))

    @blueprint.post("/messages/<uuid:ident>/attach")
    @allow(REGISTER)
    def attach(ident: uuid.UUID) -> BaseResponse:
        try:
            with rt.unit() as session:
                case = find_request(session, request.form.get("reference", ""), lock=True)
                attach_to(session, rt, waiting_message(session, ident), case, user=g.user.name)
                reference = case.reference
        except VastineError as error:
            return _show(shell, ident, problem=error)
        return redirect(url_for("case.case", reference=reference, done="attached"))

    @blueprint.post("/messages/<uuid:ident>/nothing")
    @allow(REGISTER)
    def nothing(ident: uuid.UUID) -> BaseResponse:
        try:
            if request.form.get("sure") != "yes":
                raise BadInput([Fault("sure", "nothing_not_confirmed")])
            with rt.unit() as session:
                no_request(session, rt, waiting_message(session, ident), user=g.user.name)
        except VastineError as error:
            return _show(shell, ident, problem=error)
        return redirect(url_for("tasks.tasks", done="task_done"))

    _answers(shell, blueprint)
    return blueprint


def _answers(shell: Shell, blueprint: Blueprint) -> None:
    rt = shell.rt

    @blueprint.post("/messages/<uuid:ident>/point")
    @allow(REGISTER)
    def answer_question(ident: uuid.UUID) -> BaseResponse:
        try:
            with rt.unit() as session:
                found = waiting_message(session, ident)
                point(session, rt, found, read(rt, open_raw(session, rt, found)), user=g.user.name)
        except VastineError as error:
            return _show(shell, ident, problem=error)
        return redirect(url_for("tasks.tasks", done="task_done"))


def _readable(session: Session, shell: Shell, ident: uuid.UUID, *, what: str) -> Message:
    """The message, if this role may read it; that it was read is written down.

    What belongs to a case is for those who see the case's records.
    """
    message = session.get(Message, ident)
    if message is None:
        raise NotFound("message")
    if message.state is not MessageState.TRIAGE and g.user.role not in RECORDS:
        raise NotAllowed("role")
    facts = {"what": what, "message": str(message.id)}
    at, actor = shell.rt.now(), g.user.name
    # Locked in one order, so that two readers don't wait for each other; the lock keeps a chain gapless.
    cases = sorted(request.id for request in requests_of(session, message))
    for case in cases:
        session.get(Request, case, with_for_update=True)
    chains: list[uuid.UUID | None] = [*cases] or [None]
    for chain in chains:
        audit.record(session, "case:read", at=at, actor=actor, request_id=chain, facts=facts)
    return message


def _as_file(shell: Shell, ident: uuid.UUID) -> BaseResponse:
    rt = shell.rt
    with rt.unit() as session:
        message = _readable(session, shell, ident, what="message_file")
        body = open_raw(session, rt, message)
    uploaded = message.why == UPLOAD
    try:
        require_clean(rt, [body] if uploaded else pieces(body), what=str(ident), user=g.user.name)
    except VastineError as error:
        return _show(shell, ident, problem=error)
    response = Response(body, mimetype="application/octet-stream")
    ending = ENDINGS.get(told(body)[0], "bin") if uploaded else "eml"
    response.headers["Content-Disposition"] = f'attachment; filename="message.{ending}"'
    return response


def _show(shell: Shell, ident: uuid.UUID, *, problem: VastineError | None = None) -> BaseResponse:
    rt = shell.rt
    with rt.unit() as session:
        message = _readable(session, shell, ident, what="message")
        raw = open_raw(session, rt, message)
        references = [case.reference for case in requests_of(session, message)]
    uploaded = (*told(raw), len(raw)) if message.why == UPLOAD and raw else None
    mail = None
    if message.channel is Channel.EMAIL:
        mail = read(rt, raw)
    typed: Any = request.form if problem else _guessed(mail)
    return shell.page(
        "message.html",
        status=problem.status if problem else 200,
        message=message,
        mail=mail,
        raw="" if uploaded else raw[: _SHOWN * 4].decode("utf-8", "replace")[:_SHOWN],
        cut=len(raw) > _SHOWN and not uploaded,
        uploaded=uploaded,
        references=references,
        scanned=is_guarded(rt),
        harmful=bool(mail and any(HARMFUL.intersection(a.signs) for a in mail.attachments)),
        answer=drafted(rt, mail) if mail and message.why == ASKS_HOW else None,
        waits=message.state is MessageState.TRIAGE,
        why=f"why.{message.why}",
        problems=problems_of(problem) if problem else [],
        typed=typed,
        chosen=request.form.getlist("right") if problem else [r.value for r in _likely(mail)],
        today=rt.today(),
        **choices(shell),
    )


def _likely(mail: Understood | None) -> list[Right]:
    """The rights to choose beforehand: those asked for, else those that the question is about."""
    return [r for r in Right if r in (mail.rights or mail.questions)] if mail else []


def _guessed(mail: Understood | None) -> dict[str, str]:
    """The form filled with what a machine could tell, for a person to check."""
    if mail is None:
        return {}
    claims = mail.claims()
    return {
        **claims,
        "name": claims.get(NAME, ""),
        "language": mail.language,
        "reply_to": mail.forwarded.sender if mail.forwarded else mail.sender,
        "message": mail.text[:5000],
    }
