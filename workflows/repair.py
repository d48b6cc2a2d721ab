"""A step that gave up, set going again by a named person."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.session import ring
from models.staff import HumanTask
from models.step import Step
from models.vocabulary import StepState, TaskState
from workflows import audit
from workflows.errors import Conflict
from workflows.human import close_task
from workflows.runtime import Runtime


def requeue(session: Session, rt: Runtime, step: Step, *, user: str) -> None:
    """Try a step again now, with all its attempts before it; the caller holds the request's lock.

    Takes a step that waits for a person, and one that waits for its next try. Raises `Conflict` for any other.
    """
    if step.state not in (StepState.NEEDS_HUMAN, StepState.READY):
        raise Conflict("step_not_stuck", detail=f"the step is {step.state.value}; there is nothing to try again")
    step.state, step.run_at = StepState.READY, rt.now()
    step.attempts, step.crash_count = 0, 0
    step.error_class, step.error_code = None, None
    for task in session.scalars(
        select(HumanTask).where(HumanTask.step_id == step.id, HumanTask.state == TaskState.OPEN)
    ):
        close_task(session, rt, task, by=user, answer="requeued")
    facts = {"step": step.key}
    audit.record(session, "step:requeued", at=rt.now(), actor=user, request_id=step.request_id, facts=facts)
    ring(session, step.kind.value, str(step.id))
