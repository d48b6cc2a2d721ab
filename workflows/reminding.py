"""Tell staff what is due: one rung of the ladder a request, each once, however often and wherever this runs."""

from datetime import date

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from models.delivery import Outbox
from models.request import Reminder, Request
from models.staff import HumanTask, StaffUser
from models.vocabulary import Letter, OutboxState, RequestState, Right, Role, TaskKind, TaskState
from workflows import audit
from workflows.casefile import open_key
from workflows.caseview import case_facts, target_on
from workflows.gaps import NAME_IT
from workflows.outbox import queue_mail
from workflows.rules.reminders import DueRungs, ReminderFacts, Rung, due_rungs
from workflows.runtime import Runtime

ROLES = {
    "caseworker": Role.CASEWORKER,
    "dpo": Role.DPO,
    "deputy": Role.APPROVER,
    "manager": Role.ADMIN,
    "management": Role.ADMIN,
}
"""Which members of staff a recipient of the ladder means."""


def remind(rt: Runtime) -> int:
    """Write what is due into the outbox; how many rungs were climbed."""
    with rt.unit() as session:
        ids = session.scalars(
            select(Request.id).where(Request.state.not_in((RequestState.HELD, RequestState.CLOSED)))
        ).all()
    return sum(_remind_one(rt, ident) for ident in ids)


def _remind_one(rt: Runtime, ident: object) -> int:
    with rt.unit() as session:
        request = session.get_one(Request, ident, with_for_update=True)
        known = set(
            session.execute(
                select(Reminder.rung, Reminder.due_on).where(Reminder.request_id == request.id).distinct()
            ).all()
        )
        due = due_rungs(_facts(session, rt, request), rt.today(), known)
        for rung in due.supersede:
            _write(session, rt, request, rung, sent=False)
        if due.send is None:
            return 0
        _write(session, rt, request, due.send, sent=True)
        _mail(session, rt, request, due)
        audit.record(
            session,
            "reminder:sent",
            at=rt.now(),
            actor="vastine",
            request_id=request.id,
            facts={"rung": due.send.name, "counted_from": due.send.counted_from.isoformat()},
        )
        return 1


def _facts(session: Session, rt: Runtime, request: Request) -> ReminderFacts:
    tasks = session.scalar(
        select(
            exists().where(
                HumanTask.request_id == request.id,
                HumanTask.state == TaskState.OPEN,
                HumanTask.kind.in_((TaskKind.SOURCE_FAILED, TaskKind.STEP_STUCK, TaskKind.BY_HAND, TaskKind.RESIDUE)),
            )
        )
    )
    silent = session.scalar(
        select(
            exists().where(
                HumanTask.request_id == request.id, HumanTask.state == TaskState.OPEN, HumanTask.code == NAME_IT
            )
        )
    )
    mailed = session.scalar(
        select(
            exists().where(
                Outbox.request_id == request.id,
                Outbox.letter == Letter.ACKNOWLEDGEMENT.value,
                Outbox.state != OutboxState.PAPER,
            )
        )
    )
    return ReminderFacts(
        received_on=request.received_on,
        due_a=request.due_on,
        state=request.state,
        acknowledged=bool(mailed) or request.verified_at is not None,
        extended=request.extended_at is not None,
        open_tasks=bool(tasks),
        source_silent=bool(silent),
        needs_decision=request.right is Right.ERASURE or request.state is RequestState.DECIDING,
        target_on=target_on(rt, request),
        country=rt.register.controller.deadlines.country,
    )


def _write(session: Session, rt: Runtime, request: Request, rung: Rung, *, sent: bool) -> None:
    for recipient in rung.recipients:
        session.add(
            Reminder(
                request_id=request.id,
                rung=rung.name,
                recipient=recipient,
                due_on=rung.counted_from,
                created_at=rt.now(),
                sent=sent,
            )
        )


def _mail(session: Session, rt: Runtime, request: Request, due: DueRungs) -> None:
    rung = due.send
    if rung is None:
        return
    roles = {ROLES[r] for r in rung.recipients}
    key = open_key(session, rt, request.data_key_id)
    staff = session.scalars(
        select(StaffUser).where(
            StaffUser.role.in_(roles), StaffUser.disabled_at.is_(None), StaffUser.email.is_not(None)
        )
    )
    link = f"{rt.settings.console_url}/requests/{request.reference}"
    day = target_on(rt, request)
    case = case_facts(rt, request, key, name="", link=link, extra={"target_on": day.isoformat()} if day else {})
    for user in staff:
        occurrence = f"{rung.name}:{_day(rung.counted_from)}:{user.name}"
        queue_mail(
            session, rt, request, key, letter=Letter.REMINDER, to=user.email or "", case=case, occurrence=occurrence
        )


def _day(day: date) -> str:
    return day.isoformat()
