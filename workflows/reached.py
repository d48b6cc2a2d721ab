"""Whether the mails that an erasure follows have reached somebody: what came back stops it until a person saw to it."""

import uuid
from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import bindparam, select, update
from sqlalchemy.orm import Session

from models.audit import AuditEntry
from models.delivery import Outbox
from models.request import Request
from models.session import reading, ring
from models.staff import HumanTask
from models.step import Step
from models.types import UTCDateTime
from models.vocabulary import Kind, Letter, OutboxState, Outcome, StepState, TaskKind, TaskState
from workflows.delivered import together
from workflows.errors import PersonMustLook, WaitFor
from workflows.human import open_task
from workflows.notice import told_late
from workflows.runtime import Runtime

COMPLAINED = "mail_complained"
"""Code of the task about a mail that its reader did not want: it arrived."""

NOT_SENT, CAME_BACK, NOBODY_TOLD = "mail_not_sent", "mail_came_back", "nobody_told"
_LOOK_AGAIN = 900.0
_STILL_OPEN = "wait"
_ASK_AGAIN = timedelta(days=2)
"""After so long whoever said "wait" is asked again: what waits for a word that nobody is asked for never ends."""
_FOLLOWED = (Letter.ACKNOWLEDGEMENT.value, Letter.READY.value)
_SETTLED = (OutboxState.SENT, OutboxState.UNKNOWN, OutboxState.FAILED)
_NOWHERE = "no_address"
_GO_ON = (
    update(Step)
    .where(
        Step.request_id.in_(select(Request.id).where(Request.after_request_id == bindparam("of"))),
        Step.state == StepState.READY,
        Step.error_code == NOT_SENT,
    )
    .values(run_at=bindparam("now", type_=UTCDateTime))
    .returning(Step.id)
    .execution_options(synchronize_session=False)
)


def require_reached(session: Session, rt: Runtime, request: Request) -> None:
    """Raise `WaitFor` while a mail that this erasure follows is not sent, or came back and nobody saw to it.

    These are the notice to the contact on file and, where data were asked for together with their erasure, the
    acknowledgements and the mail that says where the answer is. What the person fetched has reached them. Raises
    `PersonMustLook` where nobody could be told of the answer at all and nobody has fetched it.
    Source: GDPR Art. 12(3), 12(6).
    """
    _seen_to(session, rt, [request.id], letters=(Letter.NOTICE.value,))
    for first in together(session, request):
        _told_of(session, rt, request, first=first)


def _told_of(session: Session, rt: Runtime, request: Request, *, first: Request) -> None:
    fetched = _fetched_by(session, first)
    if "person" in fetched:
        return
    _seen_to(session, rt, [request.id, first.id], letters=_FOLLOWED)
    told = session.execute(
        select(Outbox.state, Outbox.error_code).where(
            Outbox.request_id == first.id, Outbox.letter == Letter.READY.value
        )
    ).all()
    if any(state not in _SETTLED for state, _ in told):
        raise WaitFor(NOT_SENT, after_seconds=_LOOK_AGAIN)
    if all(code == _NOWHERE for _, code in told) and not fetched and first.outcome is Outcome.DELIVERED:
        raise PersonMustLook(NOBODY_TOLD)


def gone_out(session: Session, rt: Runtime, row: Outbox, request: Request) -> None:
    """A mail of this request was sent: what waited for it may go on now. The caller holds the request's lock."""
    if row.letter == Letter.NOTICE.value:
        told_late(rt, request)
    if row.letter != Letter.READY.value:
        return
    with reading(session, Request, Step):
        moved = session.scalars(_GO_ON, {"of": request.id, "now": rt.now()}).all()
    if moved:
        ring(session, Kind.ERASE.value, "")


def _seen_to(session: Session, rt: Runtime, cases: Sequence[uuid.UUID], *, letters: Sequence[str]) -> None:
    tasks = session.scalars(
        select(HumanTask).where(
            HumanTask.request_id.in_(cases), HumanTask.kind == TaskKind.MAIL_FAILED, HumanTask.code != COMPLAINED
        )
    ).all()
    waits = [
        task
        for task in tasks
        if task.facts.get("letter") in letters and (task.state is TaskState.OPEN or task.answer == _STILL_OPEN)
    ]
    for task in waits:
        if task.done_at is not None and task.done_at <= rt.now() - _ASK_AGAIN:
            _ask_again(session, rt, task)
    if waits:
        raise WaitFor(CAME_BACK, after_seconds=_LOOK_AGAIN)


def _ask_again(session: Session, rt: Runtime, task: HumanTask) -> None:
    open_task(
        session,
        rt,
        key=task.key,
        kind=task.kind,
        code=task.code,
        request_id=task.request_id,
        step_id=task.step_id,
        message_id=task.message_id,
        due_on=task.due_on,
        facts=task.facts,
    )


def _fetched_by(session: Session, request: Request) -> set[str]:
    """Who has fetched the package: "person", or names of staff who handed it over."""
    entries = select(AuditEntry.actor).where(AuditEntry.chain == str(request.id), AuditEntry.event == "package:fetched")
    return set(session.scalars(entries))
