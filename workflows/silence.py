"""Questions that the person did not answer: after a while a member of staff says what becomes of the request."""

from datetime import date, timedelta

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from models.asking import Ask, AskKind
from models.request import Request
from models.session import reading
from models.staff import HumanTask
from models.vocabulary import RequestState, TaskKind, TaskState
from workflows.human import close_task, open_task
from workflows.rules.deadlines import received_on
from workflows.runtime import Runtime

SILENT = "no_answer"
"""Code of the task that a question opens once its answer is late."""
PATIENCE = timedelta(days=14)
_MARGIN = timedelta(days=3)
_SILENT_OF = select(HumanTask).where(
    HumanTask.request_id == bindparam("of"), HumanTask.code == SILENT, HumanTask.state == TaskState.OPEN
)


def answer_by(request: Request, asked_on: date) -> date:
    """The last day on which an answer is of use, so that it can still be worked on."""
    return min(asked_on + PATIENCE, request.due_on - _MARGIN)


def mind(rt: Runtime) -> int:
    """Open a task, once, for a question that nobody answered in time, while its request can still be answered.

    Who they are is another matter (`sweeps.unidentified`): here a person says whether to answer the request as it is
    understood, to extend, or to refuse it for want of what was asked. Source: GDPR Art. 12(2), 12(4).
    """
    ended = (RequestState.CLOSED, RequestState.CLOSING)
    waits = (Ask.answered_at.is_(None), Ask.kind != AskKind.IDENTITY, Request.answered_at.is_(None))
    open_ones = (*waits, Request.state.not_in(ended))
    with rt.unit() as session:
        tasked = set(session.scalars(select(HumanTask.key).where(HumanTask.code == SILENT)))
        rows = session.execute(select(Ask, Request).join(Request, Request.id == Ask.request_id).where(*open_ones)).all()
        late = [
            (a.id, r.id)
            for a, r in rows
            if rt.today() > answer_by(r, received_on(a.asked_at, rt.register.controller.time_zone))
        ]
    count = 0
    for ident, request_id in late:
        if f"{SILENT}:{ident}" in tasked:
            continue
        with rt.unit() as session:
            # An answer may come in this instant: whoever takes it holds the request too.
            request = session.get_one(Request, request_id, with_for_update=True)
            row = session.get_one(Ask, ident, populate_existing=True)
            if row.answered_at is not None or request.answered_at is not None or request.state in ended:
                continue
            open_task(
                session,
                rt,
                key=f"{SILENT}:{ident}",
                kind=TaskKind.CHECK,
                code=SILENT,
                request_id=request.id,
                due_on=request.due_on,
                facts={"kind": row.kind.value},
            )
            count += 1
    return count


def settled(session: Session, rt: Runtime, request: Request) -> None:
    """The request is answered: nobody has to see to what the person did not say."""
    with reading(session, HumanTask):
        tasks = session.scalars(_SILENT_OF, {"of": request.id}).all()
    for task in tasks:
        close_task(session, rt, task, by="vastine", answer="settled")


def over(session: Session, rt: Runtime, row: Ask, *, by: str) -> None:
    """The question is answered."""
    open_one = (HumanTask.key == f"{SILENT}:{row.id}", HumanTask.state == TaskState.OPEN)
    if (task := session.scalar(select(HumanTask).where(*open_one))) is not None:
        close_task(session, rt, task, by=by, answer="answered")
