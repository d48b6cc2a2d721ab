"""Notice what does not arrive and who does not work: a task, a mail to the officer every day it lasts, a banner."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Select, delete, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from models.doors import DoorCanary, Pulse
from models.staff import HumanTask
from models.vocabulary import TaskKind, TaskState
from workflows.doors import alarm
from workflows.doors.knocking import doors_of
from workflows.human import close_task, open_task
from workflows.mailboxes import FAILING, SILENT
from workflows.runtime import Runtime

SHUT = "door_silent"
IDLE = "work_silent"
ALARMS = (SHUT, IDLE, SILENT, FAILING)
"""Codes of the tasks that say that requests may be lost, or that nobody works on them."""

SWEEPS = "sweep"
_IDLE_AFTER = timedelta(minutes=15)
_PULSE_EVERY = timedelta(minutes=1)
_KEPT = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class Door:
    """How one door is doing. `code`: why what was sent last did not get in; `shut`: for longer than is usual."""

    name: str
    sent_at: datetime | None
    arrived_at: datetime | None
    code: str | None
    shut: bool
    since: datetime | None = None


def alive(rt: Runtime) -> None:
    """The work that has to be done all the time was done just now."""
    with rt.unit() as session:
        row = session.get(Pulse, SWEEPS)
        if row is None:
            session.add(Pulse(name=SWEEPS, at=rt.now()))
        elif abs(rt.now() - row.at) >= _PULSE_EVERY:
            row.at = rt.now()


def is_idle(session: Session, rt: Runtime, *, even_never: bool = False) -> bool:
    """Whether worker or schedule have stopped; one that never began counts only where it is asked for."""
    row = session.get(Pulse, SWEEPS)
    return even_never if row is None else row.at < rt.now() - _IDLE_AFTER


def standing(session: Session, rt: Runtime) -> Sequence[Door]:
    """How every open door is doing."""
    return [_door(session, rt, name) for name in doors_of(session, rt)]


def _door(session: Session, rt: Runtime, name: str) -> Door:
    here = DoorCanary.door == name
    arrived = session.execute(
        select(func.max(DoorCanary.sent_at), func.max(DoorCanary.arrived_at)).where(
            here, DoorCanary.arrived_at.is_not(None)
        )
    ).one()
    missing = [here, DoorCanary.arrived_at.is_(None)]
    if arrived[0] is not None:
        missing.append(DoorCanary.sent_at > arrived[0])
    since = session.scalar(select(func.min(DoorCanary.sent_at)).where(*missing))
    newest = select(DoorCanary).where(here).order_by(DoorCanary.sent_at.desc()).limit(1)
    last = session.scalar(newest)
    late = timedelta(hours=rt.register.controller.doors.late_hours)
    return Door(
        name,
        last.sent_at if last else None,
        arrived[1],
        last.code if last and last.arrived_at is None else None,
        shut=since is not None and since <= rt.now() - late,
        since=since,
    )


def mind(rt: Runtime, *, even_never: bool = False) -> int:
    """Open and close the tasks, and call the officer; how many alarms there are. Safe to run anywhere, any time."""
    try:
        return _mind(rt, even_never=even_never)
    except IntegrityError:  # another process opened the same alarm, or called about it, in this instant
        return _mind(rt, even_never=even_never)


def _mind(rt: Runtime, *, even_never: bool) -> int:
    with rt.unit() as session:
        doors = {door.name: door for door in standing(session, rt)}
        for door in doors.values():
            if door.shut and door.since is not None:
                _begin(session, rt, SHUT, door.name, since=door.since, facts={"mailbox": door.name})
        if is_idle(session, rt, even_never=even_never):
            row = session.get(Pulse, SWEEPS)
            _begin(session, rt, IDLE, SWEEPS, since=row.at if row else rt.now(), facts={})
        for task in session.scalars(_open((SHUT, IDLE))).all():
            name = task.key.partition(":")[2]
            shut = name in doors and doors[name].shut
            idle = task.code == IDLE and is_idle(session, rt, even_never=even_never)
            if not (shut or idle):
                close_task(session, rt, task, by="vastine", answer="settled")
        session.flush()
        alarms = session.scalars(_open(ALARMS)).all()
        for task in alarms:
            alarm.call(session, rt, task)
        return len(alarms)


def _open(codes: Sequence[str]) -> Select[HumanTask]:
    return select(HumanTask).where(HumanTask.code.in_(codes), HumanTask.state == TaskState.OPEN).order_by(HumanTask.key)


def alarms(session: Session) -> Sequence[HumanTask]:
    """What is wrong with the doors and the work now, as tasks."""
    return session.scalars(_open(ALARMS)).all()


def _begin(session: Session, rt: Runtime, code: str, name: str, *, since: datetime, facts: dict[str, str]) -> None:
    """Open the task of an alarm; a day after somebody closed it, again, if it lasts."""
    key = f"{code}:{name}"[:160]
    task = session.scalar(select(HumanTask).where(HumanTask.key == key))
    if task is not None:
        dismissed = task.done_at is not None and task.done_at >= since and rt.now() - task.done_at < timedelta(days=1)
        if task.state is TaskState.OPEN or dismissed:
            return
    open_task(
        session,
        rt,
        key=key,
        kind=TaskKind.CHECK,
        code=code,
        due_on=rt.today(),
        facts={**facts, "since": since.isoformat(timespec="minutes")},
    )


def forget(rt: Runtime) -> None:
    """Let go of canaries and calls of long ago."""
    with rt.unit() as session:
        alarm.forget(session, rt)
        session.execute(delete(DoorCanary).where(DoorCanary.sent_at < rt.now() - _KEPT))
