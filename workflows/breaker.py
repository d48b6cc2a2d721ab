"""Whether a source answers. An open breaker delays the source's own steps only, and costs them no attempts.

It opens at the fifth failure in a row. When its time is over one step tries the source and the others still wait;
what came of that one decides for all.
"""

from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from models.collection import SourceHealth
from models.session import reading
from workflows import gates
from workflows.gates import FAILURES
from workflows.runtime import Runtime

OPEN = timedelta(minutes=5)
_FIRST_WAIT = timedelta(seconds=5)


def trip(session: Session, rt: Runtime, source: str, code: str) -> datetime:
    """Count one failure; when to ask the source again. From the fifth on nobody asks for five minutes."""
    health = gates.row_of(session, source)
    health.failures += 1
    health.last_code, health.probe = code, None
    if health.failures < FAILURES:
        return rt.now() + _FIRST_WAIT * float(2 ** (health.failures - 1))
    health.open_until = rt.now() + OPEN
    gates.hold_back(session, rt, source, code=gates.DOWN, until=health.open_until)
    return health.open_until


def recovered(session: Session, rt: Runtime, source: str) -> None:
    """The source answered: close its breaker, if it was open or counting, and let go what waited for that."""
    with reading(session, SourceHealth):
        health = session.get(SourceHealth, source)
    if health is None or not (health.failures or health.open_until):
        return
    health = gates.row_of(session, source)
    health.failures, health.open_until, health.probe = 0, None, None
    health.last_ok_at, health.last_code = rt.now(), None
    gates.wake(session, rt, source, gates.DOWN)
