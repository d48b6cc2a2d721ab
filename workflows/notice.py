"""Whoever is on file hears of a request that was proven without them, before anything is given out or erased."""

from datetime import timedelta

from sqlalchemy.orm import Session

from models.request import Request
from models.vocabulary import Letter, Method, RequestState
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
    case = case_facts(rt, request, key, name="", objection_until=until)
    to = proof.contact.email
    queue_mail(session, rt, request, key, letter=Letter.NOTICE, to=to, case=case, occurrence="proven")
    if to:  # also where its text could not be written: staff are told, and have that time to reach the person
        request.objection_until = until


def may_object(rt: Runtime, request: Request) -> bool:
    """Whether the person on file may still stop what has begun in their name: nothing was given out or erased."""
    open_still = request.objection_until is not None and rt.now() < request.objection_until
    return open_still and request.state in STOPPABLE


def require_no_objection(rt: Runtime, request: Request) -> None:
    """Raise `WaitFor` while the person on file may still say that it was not them."""
    if request.objection_until is not None and rt.now() < request.objection_until:
        left = (request.objection_until - rt.now()).total_seconds()
        raise WaitFor("objection_window", after_seconds=left)
