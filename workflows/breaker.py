"""Whether a source answers. An open breaker delays the source's own steps only, and costs them no attempts."""

from datetime import datetime, timedelta

from sqlalchemy import update
from sqlalchemy.orm import Session

from models.collection import SourceHealth
from models.session import reading
from models.step import Step
from models.vocabulary import StepState
from workflows.runtime import Runtime

FAILURES = 5
OPEN = timedelta(minutes=5)
_FIRST_WAIT = timedelta(seconds=5)


def trip(session: Session, rt: Runtime, source: str, code: str) -> datetime:
    """Count one failure; when to ask the source again. From the fifth on nobody asks for five minutes."""
    health = session.get(SourceHealth, source, with_for_update=True)
    if health is None:
        health = SourceHealth(source=source, failures=0)
        session.add(health)
    health.failures += 1
    health.last_code = code
    if health.failures < FAILURES:
        return rt.now() + _FIRST_WAIT * float(2 ** (health.failures - 1))
    health.open_until = rt.now() + OPEN
    session.execute(
        update(Step)
        .where(Step.source == source, Step.state == StepState.READY, Step.run_at < health.open_until)
        .values(run_at=health.open_until)
        .execution_options(synchronize_session=False)
    )
    return health.open_until


def recovered(session: Session, rt: Runtime, source: str) -> None:
    """The source answered: close its breaker, if it was open or counting."""
    with reading(session, SourceHealth):
        health = session.get(SourceHealth, source)
    if health is not None and (health.failures or health.open_until):
        health.failures, health.open_until, health.last_ok_at, health.last_code = 0, None, rt.now(), None
