"""Tasks about holds placed by hand: a second person is asked for, and nobody is surprised by one that ends."""

from datetime import date, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.holds import ManualHold
from models.request import Request
from models.staff import HumanTask
from models.vocabulary import RequestState, TaskKind, TaskState
from workflows.human import close_task, open_task
from workflows.runtime import Runtime

UNCONFIRMED, ENDING = "hold_unconfirmed", "hold_ends"
"""Codes of the tasks that ask for a second person, and tell that a hold is about to end."""

PATIENCE, WARNING = timedelta(days=5), timedelta(days=14)
_CODES = (UNCONFIRMED, ENDING)


def ask_for_a_second(session: Session, rt: Runtime, hold: ManualHold, case: Request | None) -> None:
    """Ask somebody to confirm what one person placed."""
    _open(session, rt, hold, case, code=UNCONFIRMED, due_on=min(rt.today() + PATIENCE, hold.until))


def close(session: Session, rt: Runtime, hold: ManualHold, *, by: str, answer: str) -> None:
    """Nobody is asked about this hold any more."""
    keys = [_key(code, hold) for code in _CODES]
    wanted = select(HumanTask).where(HumanTask.key.in_(keys), HumanTask.state == TaskState.OPEN)
    for task in session.scalars(wanted):
        if answer == "released" or task.code == UNCONFIRMED:
            close_task(session, rt, task, by=by, answer=answer)


def mind_holds(rt: Runtime) -> int:
    """Ask about holds that no second person confirmed, and tell of those that end soon; how many tasks were opened.

    A hold ends on its day whether or not somebody looked: who needs it longer places another one.
    """
    with rt.unit() as session:
        lasting = select(ManualHold).where(ManualHold.released_at.is_(None), ManualHold.until >= rt.today())
        about = select(HumanTask.key, HumanTask.state).where(HumanTask.code.in_(_CODES))
        states = {row.key: row.state for row in session.execute(about)}
        count = 0
        for hold in session.scalars(lasting).all():
            unasked = states.get(_key(UNCONFIRMED, hold)) is not TaskState.OPEN
            if hold.confirmed_by is None and unasked:  # a case that ended took its tasks along
                ask_for_a_second(session, rt, hold, case_of(session, hold))
                count += 1
            if hold.until <= rt.today() + WARNING and _key(ENDING, hold) not in states:
                _open(session, rt, hold, case_of(session, hold), code=ENDING, due_on=hold.until)
                count += 1
        return count


def case_of(session: Session, hold: ManualHold) -> Request | None:
    """The case on whose page the hold is looked at: one that is open before one that is closed."""
    rows = session.scalars(select(Request).where(Request.subject_digest == hold.subject_digest).order_by(Request.id))
    return min(rows, key=lambda case: case.state is RequestState.CLOSED, default=None)


def _key(code: str, hold: ManualHold) -> str:
    return f"{code}:{hold.id}"


def _open(session: Session, rt: Runtime, hold: ManualHold, case: Request | None, *, code: str, due_on: date) -> None:
    ident = case.id if case is not None else None
    open_task(session, rt, key=_key(code, hold), kind=TaskKind.CHECK, code=code, request_id=ident, due_on=due_on)
