"""What happens to a step that failed: try later, wait for a source, or ask a person. Never lost."""

import random
from datetime import timedelta

import structlog
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from models.intake import InboundEvent
from models.request import Request
from models.session import ring
from models.step import Step
from models.vocabulary import Event, Kind, StepState, TaskKind
from workflows import audit, breaker
from workflows.errors import SourceDown, TryAgain, VastineError, WaitFor
from workflows.human import open_task
from workflows.runtime import Runtime

log = structlog.get_logger("vastine.setbacks")

MAX_ATTEMPTS = 12
MAX_CRASHES = 3
BASE_SECONDS, CAP_SECONDS = 5.0, 3600.0
_LONGEST_WAIT = 86_400.0
WORKS = "source_works"
"""Why a step waits whose source works on a job."""


def set_back(session: Session, rt: Runtime, request: Request, step: Step, error: VastineError) -> Event | None:
    """Decide what a failed step does next, under the request's lock.

    `SourceDown` costs no attempts: the source's breaker decides when it is asked again. `TryAgain`
    backs off with full jitter. Anything else, or too many attempts, goes to a person.
    """
    step.error_class, step.error_code = type(error).__name__, error.code
    if isinstance(error, WaitFor):
        step.attempts = max(0, step.attempts - 1)
        step.state = StepState.WAITING if error.after_seconds is None else StepState.READY
        if error.after_seconds is not None:
            step.run_at = rt.now() + timedelta(seconds=backoff_seconds(0, error.after_seconds))
        return None
    if isinstance(error, SourceDown) and step.source:
        step.attempts = max(0, step.attempts - 1)
        step.state = StepState.READY
        step.run_at = breaker.trip(session, rt, step.source, error.code)
        return rt.stages[step.kind].gave_up(session, rt, request, step, error)
    if isinstance(error, TryAgain) and step.attempts < MAX_ATTEMPTS:
        step.state = StepState.READY
        step.run_at = rt.now() + timedelta(seconds=backoff_seconds(step.attempts, error.after_seconds))
        return None
    step.state = StepState.NEEDS_HUMAN
    event = rt.stages[step.kind].gave_up(session, rt, request, step, error)
    _ask(session, rt, request, step, error.code)
    return event


def hasten(session: Session, rt: Runtime, source: str, *, ident: str) -> bool:
    """A source rang that it is done with something: look now at what waits for it; False for an id that came before.

    What it said is not read: how a job stands only the source's own answer tells. A source that is down, paused or
    asked too often waits as long as before.
    """
    sender = f"job:{source}"[:64]
    known = select(InboundEvent.id).where(InboundEvent.sender == sender, InboundEvent.external_id == ident)
    if session.scalar(known) is not None:
        return False
    at = rt.now()
    session.add(InboundEvent(sender=sender, external_id=ident, event="job", received_at=at, settled_at=at))
    waits = (Step.source == source, Step.state == StepState.READY, Step.error_code == WORKS)
    session.execute(update(Step).where(*waits, Step.kind == Kind.ERASE, Step.run_at > at).values(run_at=at))
    ring(session, Kind.ERASE.value, "")
    return True


def quarantine(session: Session, rt: Runtime, request: Request, step: Step) -> None:
    """A step whose worker died three times running: a person must look before it kills another."""
    step.state, step.error_class, step.error_code = StepState.NEEDS_HUMAN, "Crashed", "crashed"
    _ask(session, rt, request, step, "crashed")


def _ask(session: Session, rt: Runtime, request: Request, step: Step, code: str) -> None:
    kind = TaskKind.SOURCE_FAILED if step.source else TaskKind.STEP_STUCK
    open_task(
        session,
        rt,
        key=f"step:{step.id}",
        kind=kind,
        code=code,
        request_id=request.id,
        step_id=step.id,
        due_on=request.due_on,
        facts={"step": step.key, "source": step.source or "", "kind": step.kind.value},
    )
    audit.record(
        session,
        "step:stuck",
        at=rt.now(),
        actor="vastine",
        request_id=request.id,
        facts={"step": step.key, "code": code},
    )


def backoff_seconds(attempts: int, asked: float | None = None) -> float:
    """Full jitter between nothing and a bound that doubles; what the other side asked for comes first."""
    if asked is not None:
        return min(max(asked, 1.0), _LONGEST_WAIT)
    bound = min(CAP_SECONDS, BASE_SECONDS * 2.0 ** min(attempts, 20))
    return 1.0 + random.random() * bound  # noqa: S311  # spreads load, guards nothing
