"""Steps that wait for people go on when these have done their part."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.request import Request
from models.session import ring
from models.step import Step
from models.vocabulary import Kind, StepState
from workflows.runtime import Runtime


def wake(session: Session, rt: Runtime, request: Request, source: str, *, kind: Kind) -> None:
    """Let the step of this kind that waits for people at this source look again. The caller holds the lock."""
    waiting = select(Step).where(
        Step.request_id == request.id, Step.kind == kind, Step.source == source, Step.state == StepState.WAITING
    )
    for step in session.scalars(waiting):
        step.state, step.run_at = StepState.READY, rt.now()
        ring(session, step.kind.value, "")
