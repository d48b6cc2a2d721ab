"""Staff say of which kinds of data somebody wants a copy, or that they want all after all; no program guesses it.

What a mail says in words narrows nothing until a person has read it. Source: GDPR Art. 12(2), 15(1), recital 63.
"""

from collections.abc import Sequence

from sqlalchemy import exists, or_, select
from sqlalchemy.orm import Session

from models.intake import MessageCase
from models.request import Request
from models.vocabulary import Event, RequestState, Right, Role
from workflows import audit, lifecycle
from workflows.errors import BadInput, Conflict
from workflows.restricting.naming import staff_of
from workflows.rules.narrowed import NARROWABLE, read_wanted
from workflows.runtime import Runtime

_MAY = (Role.CASEWORKER, Role.APPROVER, Role.DPO)
_ERASING = (Right.ERASURE, Right.WITHDRAW_CONSENT)
_SEARCHING = (RequestState.COLLECTING, RequestState.ASSESSING)
_BEFORE = (RequestState.RECEIVED, RequestState.VERIFYING, RequestState.DECIDING)


def narrow(session: Session, rt: Runtime, request: Request, *, user: str, categories: Sequence[str]) -> None:
    """Give a copy of these categories only; of all where none is named. What was searched is searched anew.

    The caller holds the request's lock. Raises `BadInput` (field categories), `NotAllowed` for the role, `Conflict`
    once it went out, while the sources are searched, where another request for everything ended in this one, or where
    what is left out is about to be erased.
    """
    staff_of(session, user, roles=_MAY)
    require_narrowable(request)
    wanted, faults = read_wanted(",".join(categories), [request.right], known=rt.register.categories)
    if faults:
        raise BadInput(faults)
    if wanted is not None and _is_erased_after(session, request):
        raise Conflict("categories_with_erasure", detail="what is left out of the copy is about to be erased")
    if wanted is not None and _answers_another(session, request):
        raise Conflict("categories_joined", detail="another request for everything ended in this one")
    request.categories = list(wanted) if wanted is not None else None
    facts = {"categories": request.categories}
    audit.record(session, "request:narrowed", at=rt.now(), actor=user, request_id=request.id, facts=facts)
    session.flush()
    if request.state is RequestState.DECIDING:
        lifecycle.advance(session, rt, request, Event.RECHECK, actor=user)


def may_narrow(request: Request) -> bool:
    """Whether what the copy is about can be said now."""
    return request.right in NARROWABLE and request.state in _BEFORE


def require_narrowable(request: Request) -> None:
    """Raise `Conflict` where it can't."""
    if request.right in NARROWABLE and request.state in _SEARCHING:
        raise Conflict("searching", detail="the sources are being searched; try again in a moment")
    if not may_narrow(request):
        raise Conflict("not_narrowable", detail="only a copy that has not gone out yet can be narrowed")


def _answers_another(session: Session, request: Request) -> bool:
    """Whether the person asked once more, for everything, and has no other answer to that; nor what is erased after."""
    return bool(session.scalar(select(exists().where(Request.leading_id == request.id))))


def _is_erased_after(session: Session, request: Request) -> bool:
    """Whether an erasure that was asked for together with the copy waits for it."""
    mine = select(MessageCase.message_id).where(MessageCase.request_id == request.id)
    same = select(MessageCase.request_id).where(MessageCase.message_id.in_(mine))
    linked = or_(Request.after_request_id == request.id, Request.id.in_(same))
    waits = exists().where(linked, Request.right.in_(_ERASING), Request.state != RequestState.CLOSED)
    return bool(session.scalar(select(waits)))
