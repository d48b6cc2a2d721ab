"""The case waits for a member of staff to look who asks."""

from sqlalchemy.orm import Session

from models.request import Request
from models.step import Step
from models.vocabulary import StepState, TaskKind
from workflows.human import open_task
from workflows.runtime import Runtime


def wait_for_staff(session: Session, rt: Runtime, request: Request, step: Step, *, code: str) -> None:
    """The step waits, and a task says why."""
    step.state, step.done_at = StepState.WAITING, None
    open_task(
        session,
        rt,
        key=f"identify:{request.id}",
        kind=TaskKind.IDENTIFY,
        code=code,
        request_id=request.id,
        step_id=step.id,
        due_on=request.due_on,
    )
