"""The day has passed without an answer: the person is told where it stands, until when, and what they can do."""

import uuid
from dataclasses import replace
from datetime import date, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models.request import Request
from models.staff import HumanTask
from models.vocabulary import Letter, RequestState, TaskKind
from workflows.casefile import open_claim, open_key, open_proof
from workflows.caseview import case_facts
from workflows.human import open_task
from workflows.outbox import queue_mail
from workflows.runtime import Runtime

LATE = "late"
"""Code of the task that asks staff to find out why."""

WITHIN = timedelta(days=14)
"""The day that the letter promises, counted from the one on which it is written."""

_ANSWERED = (RequestState.CLOSED, RequestState.HELD)
_PROMISED = func.coalesce(Request.suspended_b, Request.extended_until, Request.due_b)


def apologise(rt: Runtime) -> int:
    """Tell everybody whose day has passed, once for each day that was promised; how many were told.

    Nobody is told of a case that nobody asked for. Source: GDPR Art. 12(3)-(4), 5(1)(a).
    """
    waits = (Request.answered_at.is_(None), Request.replay_id.is_(None), Request.state.not_in(_ANSWERED))
    with rt.unit() as session:
        late = session.execute(select(Request.id, _PROMISED).where(*waits, rt.today() > _PROMISED)).all()
        told = _told(session, [_task_key(ident, day) for ident, day in late])
    return sum(_tell(rt, ident) for ident, day in late if _task_key(ident, day) not in told)


def _told(session: Session, keys: list[str]) -> set[str]:
    known: set[str] = set()
    for first in range(0, len(keys), 500):
        known |= set(session.scalars(select(HumanTask.key).where(HumanTask.key.in_(keys[first : first + 500]))))
    return known


def _task_key(ident: uuid.UUID, promised: date) -> str:
    return f"{LATE}:{ident}:{promised.isoformat()}"


def _tell(rt: Runtime, ident: uuid.UUID) -> int:
    with rt.unit() as session:
        # An answer may go out in this instant: whoever gives it holds the request too.
        request = session.get_one(Request, ident, with_for_update=True)
        promised = request.suspended_b or request.extended_until or request.due_b
        over = request.answered_at is not None or request.state in _ANSWERED or promised >= rt.today()
        if over or _told(session, [_task_key(ident, promised)]):
            return 0
        open_task(
            session,
            rt,
            key=_task_key(ident, promised),
            kind=TaskKind.CHECK,
            code=LATE,
            request_id=request.id,
            due_on=rt.today(),
            facts={"promised": promised.isoformat()},
        )
        key = open_key(session, rt, request.data_key_id)
        # Nobody proven: it says nothing about anybody and goes where the request came from.
        to = open_proof(key, request).reply.email if request.proof_sealed else open_claim(key, request).reply_to
        case = case_facts(rt, request, key, name="", stage=request.state.value, answer_by=rt.today() + WITHIN)
        case = replace(case, extended_until=None, due_b=promised)
        queue_mail(session, rt, request, key, letter=Letter.LATE, to=to, case=case, occurrence=promised.isoformat())
        return 1
