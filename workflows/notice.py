"""Whoever is on file hears of a request that was proven without them, before anything is given out or erased."""

from datetime import timedelta

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from models.delivery import Outbox
from models.request import Request
from models.vocabulary import Letter, Method, OutboxState, RequestState
from workflows.casefile import Proof
from workflows.caseview import case_facts
from workflows.errors import WaitFor
from workflows.outbox import queue_mail
from workflows.ports import RequestKey
from workflows.runtime import Runtime

BY_STAFF = (Method.DESK, Method.CALL_BACK)
STOPPABLE = (
    RequestState.COLLECTING,
    RequestState.ASSESSING,
    RequestState.DECIDING,
    RequestState.DELIVERING,
    RequestState.ERASING,
    RequestState.CHANGING,
)


_LOOK_AGAIN = 900.0
_PROMPT = timedelta(minutes=15)
"""A notice that went out as soon as this keeps the time that its own words name."""
_ON_ITS_WAY = (OutboxState.READY, OutboxState.SENDING)


def tell(session: Session, rt: Runtime, request: Request, key: RequestKey, proof: Proof) -> None:
    """Tell the contact on file that somebody was taken for them without it, and give them time to object.

    A code needs no notice: it went to that contact itself. Where there is no address on file, nobody can be told
    by mail, and staff who saw the person are all there is.
    Source: GDPR Art. 12(6), 32(1).
    """
    if request.verified_method is Method.CODE or not proof.key:
        return
    hours = rt.register.controller.delivery.objection_hours
    until = rt.now() + timedelta(hours=hours) if hours else None
    acts = {"acts": "1"} if proof.acted is not None else {}
    case = case_facts(rt, request, key, name="", objection_until=until, extra=acts)
    to = proof.contact.email
    queue_mail(session, rt, request, key, letter=Letter.NOTICE, to=to, case=case, occurrence="proven")
    if to:  # also where its text could not be written: staff are told, and have that time to reach the person
        request.objection_until = until


def may_object(rt: Runtime, request: Request) -> bool:
    """Whether the person on file may still stop what has begun in their name: nothing was given out or erased."""
    open_still = request.objection_until is not None and rt.now() < request.objection_until
    return open_still and request.state in STOPPABLE


def require_no_objection(session: Session, rt: Runtime, request: Request) -> None:
    """Raise `WaitFor` while the person on file may still say that it was not them, or was not told of it yet."""
    if (wait := wait_of(session, rt, request)) is not None:
        raise wait


def wait_of(session: Session, rt: Runtime, request: Request) -> WaitFor | None:
    """What would be raised now; None where nothing waits for the person on file."""
    if request.objection_until is None:
        return None
    if rt.now() < request.objection_until:
        return WaitFor("objection_window", after_seconds=(request.objection_until - rt.now()).total_seconds())
    unsent = (Outbox.request_id == request.id, Outbox.letter == Letter.NOTICE.value, Outbox.state.in_(_ON_ITS_WAY))
    if session.scalar(select(exists().where(*unsent))):
        return WaitFor("notice_not_sent", after_seconds=_LOOK_AGAIN)
    return None


def told_late(rt: Runtime, request: Request) -> None:
    """A notice went out: where that took long, whoever was told has the whole time from now on, not what was left."""
    if request.objection_until is None or request.state not in STOPPABLE:
        return
    until = rt.now() + timedelta(hours=rt.register.controller.delivery.objection_hours)
    if until - request.objection_until > _PROMPT:
        request.objection_until = until
