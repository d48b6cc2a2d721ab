"""Whether a source takes another step now: it may be paused, down, or have all its places taken.

A step that may not begin waits; that costs it no attempts, and whoever opens the gate again wakes it. A wait is
bounded by an hour all the same, so that a waking that got lost loses no more than that.
"""

import uuid
from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import Exists, bindparam, exists, false, func, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from models.collection import SourceHealth
from models.session import reading, ring
from models.step import Step
from models.vocabulary import StepState
from workflows.errors import WaitFor
from workflows.runtime import Runtime

FAILURES = 5
PAUSED, DOWN, FULL, BLIND = "paused", "source_down", "slots", "canary_failed"
"""Why a step waits for its source, as its `error_code` says it."""
_ASK_AGAIN_SECONDS = 300.0
_LOOK_AGAIN = timedelta(seconds=30)
_LONGEST = timedelta(hours=1)
_SHUT = select(SourceHealth).where(
    SourceHealth.source.in_(bindparam("sources", expanding=True)),
    or_(SourceHealth.paused_at.is_not(None), SourceHealth.canary_code.is_not(None)),
)


def watched(source: object) -> Exists:
    """Whether a source's gate has to be looked at: the statement that finds a step asks along."""
    return exists().where(
        SourceHealth.source == source, or_(SourceHealth.paused_at.is_not(None), SourceHealth.failures >= FAILURES)
    )


_WATCHED = select(watched(bindparam("source")))


def is_watched(session: Session, source: str) -> bool:
    """Whether this source's gate has to be looked at."""
    with reading(session, SourceHealth):
        return bool(session.scalar(_WATCHED, {"source": source}))


def require(session: Session, rt: Runtime, sources: Collection[str]) -> None:
    """Raise `WaitFor` while one of these sources is paused, or answers without finding its canary.

    For work that rests on what several sources say: silence of one must not pass for an answer.
    """
    with reading(session, SourceHealth):
        rows = session.scalars(_SHUT, {"sources": list(sources)}).all()
    for row in rows:
        if is_paused(rt, row):
            raise WaitFor(PAUSED, after_seconds=_ASK_AGAIN_SECONDS)
        if is_blind(rt, row):
            raise WaitFor(BLIND, after_seconds=_ASK_AGAIN_SECONDS)


def knowing_people(rt: Runtime) -> set[str]:
    """The sources that a person can be looked up in."""
    return {name for name, c in rt.connectors.items() if any(e.startswith("identity:") for e in c.entries())}


def row_of(session: Session, source: str) -> SourceHealth:
    """The source's row, locked; made if there is none."""
    with reading(session, SourceHealth):  # what waits to be written of the row would be read over
        row = session.get(SourceHealth, source, with_for_update=True, populate_existing=True)
    if row is None:
        insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
        session.execute(insert(SourceHealth).values(source=source, failures=0).on_conflict_do_nothing())
        row = session.get_one(SourceHealth, source, with_for_update=True, populate_existing=True)
    return row


def is_limited(rt: Runtime, source: str) -> bool:
    """Whether the register says how many steps of the source may run at a time."""
    return source in rt.register.sources and rt.register.sources[source].slots is not None


def shut(session: Session, rt: Runtime, source: str, step_id: uuid.UUID) -> bool:
    """Whether this step has to wait; then all of the source that are due do, and are moved on. Else it may begin.

    The caller begins it in the same transaction: until that is over nobody else is let in.
    """
    row = row_of(session, source)
    if is_paused(rt, row):
        hold_back(session, rt, source, code=PAUSED, until=rt.now() + _LONGEST)
        return True
    if row.failures >= FAILURES:
        until = row.open_until if row.open_until and row.open_until > rt.now() else None
        if until is None and row.probe not in (None, step_id) and _runs(session, row.probe):
            until = rt.now() + _LOOK_AGAIN
        if until is not None:
            hold_back(session, rt, source, code=DOWN, until=until)
            return True
        row.probe = step_id
    if is_limited(rt, source) and _running(session, source) >= (rt.register.sources[source].slots or 0):
        hold_back(session, rt, source, code=FULL, until=rt.now() + _LOOK_AGAIN)
        return True
    return False


def is_paused(rt: Runtime, row: SourceHealth | None) -> bool:
    """Whether a person stopped the source; a pause ends by itself after its last day."""
    return (
        row is not None and row.paused_at is not None and (row.paused_until is None or row.paused_until >= rt.today())
    )


def is_blind(rt: Runtime, row: SourceHealth | None) -> bool:
    """Whether the source answered the last time, but without the person who is in it for good."""
    canary = rt.register.sources[row.source].canary if row is not None and row.source in rt.register.sources else None
    return row is not None and canary is not None and row.canary_code is not None


def is_down(row: SourceHealth | None) -> bool:
    """Whether the source failed so often that only one step at a time tries it."""
    return row is not None and row.failures >= FAILURES


def hold_back(session: Session, rt: Runtime, source: str, *, code: str, until: datetime) -> None:
    """Move on what would begin before `until`. Steps that somebody else is just claiming meet the gate themselves."""
    until = min(until, rt.now() + _LONGEST)
    some = (
        select(Step.id)
        .where(Step.source == source, Step.state == StepState.READY, Step.run_at < until)
        .with_for_update(skip_locked=True)
    )
    session.execute(
        update(Step)
        .where(Step.id.in_(some))
        .values(run_at=until, error_class="WaitFor", error_code=code)
        .execution_options(synchronize_session=False)
    )


def wake(session: Session, rt: Runtime, source: str, *codes: str, most: int | None = None) -> None:
    """Let steps that wait at the gate for one of these reasons go now, the most urgent first, and ring for them."""
    some = (
        select(Step.id, Step.kind)
        .where(
            Step.source == source,
            Step.state == StepState.READY,
            or_(Step.error_code.in_(codes), Step.error_class == "SourceDown" if DOWN in codes else false()),
            Step.run_at > rt.now(),
        )
        .order_by(Step.bucket, Step.rank.desc(), Step.id)
        .limit(most)
        .with_for_update(skip_locked=True)
    )
    rows = session.execute(some).all()
    if not rows:
        return
    session.execute(
        update(Step)
        .where(Step.id.in_([row.id for row in rows]))
        .values(run_at=rt.now())
        .execution_options(synchronize_session=False)
    )
    for kind in {row.kind for row in rows}:
        ring(session, kind.value, "")


def _runs(session: Session, step_id: uuid.UUID | None) -> bool:
    return bool(session.scalar(select(exists().where(Step.id == step_id, Step.state == StepState.RUNNING))))


def _running(session: Session, source: str) -> int:
    return session.scalar(select(func.count()).where(Step.state == StepState.RUNNING, Step.source == source)) or 0
