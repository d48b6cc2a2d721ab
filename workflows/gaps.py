"""A source that has not answered when the answer is nearly due: a person chooses to wait or to name the gap.

Seven days before the end somebody is told of every case that waits for something outside; the task goes away by
itself when the source answers, and comes back some days after it was answered with "wait".
"""

from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.request import Request
from models.staff import HumanTask
from models.step import Step
from models.vocabulary import Kind, RequestState, StepState, TaskKind, TaskState
from workflows import gates
from workflows.human import close_task, open_task
from workflows.runtime import Runtime

ASK_BEFORE = timedelta(days=7)
NAME_IT, STILL_WAITS = "gap_or_wait", "waits_near_due"
"""A source can be left out of the answer; anything else that waits can only be waited for, or ended by hand."""
_ASK_AGAIN = timedelta(days=2)


def ask_near_the_end(rt: Runtime) -> int:
    """Open a task for each step that waits so close to the end, close those that are over; how many were opened."""
    _close_what_is_over(rt)
    waits = (
        Step.state == StepState.READY,
        Step.error_code.is_not(None),
        Step.error_code != gates.FULL,
        Request.state.not_in((RequestState.HELD, RequestState.CLOSED)),
        Request.answered_at.is_(None),
        Request.due_on <= rt.today() + ASK_BEFORE,
    )
    with rt.unit() as session:
        rows = session.execute(
            select(Step.id, Step.request_id).join(Request, Request.id == Step.request_id).where(*waits)
        ).all()
    opened = 0
    for step_id, request_id in rows:
        with rt.unit() as session:
            request = session.get_one(Request, request_id, with_for_update=True)
            step = session.scalar(select(Step).where(Step.id == step_id, Step.state == StepState.READY))
            if step is not None and step.error_code and _is_due(session, rt, step):
                _ask(session, rt, request, step)
                opened += 1
    return opened


def _is_due(session: Session, rt: Runtime, step: Step) -> bool:
    task = session.scalar(select(HumanTask).where(HumanTask.key == f"gap:{step.id}"))
    return task is None or (task.done_at is not None and task.done_at <= rt.now() - _ASK_AGAIN)


def _ask(session: Session, rt: Runtime, request: Request, step: Step) -> None:
    by_source = step.kind is Kind.COLLECT
    open_task(
        session,
        rt,
        key=f"gap:{step.id}",
        kind=TaskKind.SOURCE_FAILED if by_source else TaskKind.STEP_STUCK,
        code=NAME_IT if by_source else STILL_WAITS,
        request_id=request.id,
        step_id=step.id,
        due_on=request.due_on,
        facts={"step": step.key, "source": step.source or "", "kind": step.kind.value, "code": step.error_code},
    )


def _close_what_is_over(rt: Runtime) -> None:
    over = (
        HumanTask.state == TaskState.OPEN,
        HumanTask.code.in_((NAME_IT, STILL_WAITS)),
        Step.state.not_in((StepState.READY, StepState.RUNNING)),
    )
    with rt.unit() as session:
        rows = session.execute(
            select(HumanTask.id, HumanTask.request_id).join(Step, Step.id == HumanTask.step_id).where(*over)
        ).all()
    for ident, request_id in rows:
        with rt.unit() as session:
            session.get_one(Request, request_id, with_for_update=True)
            task = session.scalar(select(HumanTask).where(HumanTask.id == ident, HumanTask.state == TaskState.OPEN))
            if task is not None:
                close_task(session, rt, task, by="vastine", answer="settled")
