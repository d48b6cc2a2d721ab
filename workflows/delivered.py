"""What was asked for together is delivered before it is erased, and the person has time to look at it.

Source: GDPR Art. 12(2), 15(1), 17(1): who asks for a copy and for erasure wants the copy first.
"""

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from models.audit import AuditEntry
from models.intake import MessageCase
from models.request import Request
from models.staff import HumanTask
from models.vocabulary import Outcome, RequestState, Right, TaskKind, TaskState
from workflows.errors import WaitFor
from workflows.human import open_task
from workflows.runtime import Runtime

BEHIND = "waits_for_delivery"
"""Why an erasure's step waits for a copy that was asked for with it."""
DELIVERIES = (Right.ACCESS, Right.PORTABILITY)
_DELIVERED = (Outcome.DELIVERED, Outcome.NOTHING_FOUND)
NO_COPY = "delivery_failed"
"""Code of the task about an erasure whose copy was never delivered."""
_GO_ON = ("done", "nothing_to_do", "answered_outside")
"""Words of a person after which the erasure goes on; "wait", or a task closed for another reason, is none."""
_LOOK_AGAIN = 6 * 3600.0
_MARGIN = timedelta(days=2)
"""So long before its last day an erasure waits for nobody."""


def require_delivered(session: Session, rt: Runtime, request: Request) -> None:
    """Raise `WaitFor` until all that was asked for with this erasure is delivered, and fetched or its days over.

    Where a delivery ended otherwise, a named person has to say that nothing is to be waited for, and how it ended
    must not change after that. Other requests of the same message count as the one the erasure was linked with.
    """
    for first in together(session, request):
        if first.state is not RequestState.CLOSED:
            raise WaitFor(BEHIND, after_seconds=_LOOK_AGAIN)  # it may close at this very moment
        if first.outcome not in _DELIVERED:
            _require_word(session, rt, request, first)
        if first.outcome is Outcome.DELIVERED and not _had_time(session, rt, first, request):
            raise WaitFor("waits_for_fetching", after_seconds=_LOOK_AGAIN)


def _require_word(session: Session, rt: Runtime, request: Request, first: Request) -> None:
    """Ask once whether the erasure may go on without this copy; raises `WaitFor` until somebody said so."""
    key = f"no_copy:{request.id}:{first.id}:{first.outcome}"
    task = session.scalar(select(HumanTask).where(HumanTask.key == key))
    if task is not None and task.state is TaskState.DONE and task.answer in _GO_ON:
        return
    if task is None or task.state is TaskState.DONE:  # closed without that word: asked again, or nothing would end it
        facts = {"case": first.reference, "outcome": str(first.outcome)}
        open_task(
            session,
            rt,
            key=key,
            kind=TaskKind.CHECK,
            code=NO_COPY,
            request_id=request.id,
            due_on=request.due_on,
            facts=facts,
        )
    raise WaitFor(NO_COPY, after_seconds=_LOOK_AGAIN)


def together(session: Session, request: Request) -> Sequence[Request]:
    """What was asked for together with it and has to come before; for a case that joined another, that other one."""
    mine = select(MessageCase.message_id).where(MessageCase.request_id == request.id)
    same = select(MessageCase.request_id).where(MessageCase.message_id.in_(mine))
    asked = Request.right.in_(DELIVERIES) & Request.id.in_(same)
    linked = Request.right.in_(DELIVERIES) & (Request.id == request.after_request_id)
    found = session.scalars(select(Request).where(asked | linked, Request.id != request.id).order_by(Request.id)).all()
    return [session.get_one(Request, one.leading_id) if one.leading_id is not None else one for one in found]


def _had_time(session: Session, rt: Runtime, first: Request, erasure: Request) -> bool:
    days = timedelta(days=rt.register.controller.delivery.keep_days_before_erasing)
    if first.closed_at is None or first.closed_at + days <= rt.now() or rt.today() >= erasure.due_on - _MARGIN:
        return True
    fetched = exists().where(AuditEntry.chain == str(first.id), AuditEntry.event == "package:fetched")
    return bool(session.scalar(select(fetched.where(AuditEntry.actor == "person"))))
