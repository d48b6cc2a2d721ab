"""Claim → work → settle: runs one step at a time, durably, on PostgreSQL and SQLite alike.

A claim raises the step's fence and sets a lease; the work runs with no transaction open; settling is
refused to any fence but the last. A step may therefore be worked twice but is settled once. Which step
runs, the database says: the most urgent bucket first, then the request nearest its end. A worker then
follows that request, as long as it can do the next step and nothing more urgent is ready.
"""

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from models.request import Request
from models.session import ring
from models.step import Step, StepAttempt
from models.vocabulary import Kind, StepState
from workflows import audit, gates, ledger, lifecycle
from workflows.casefile import seen_key
from workflows.errors import Fenced, NeverAgain, VastineError
from workflows.lease import LEASE, kept
from workflows.messages import WORK
from workflows.runtime import Runtime
from workflows.setbacks import set_back
from workflows.work import Lease

log = structlog.get_logger("vastine.engine")


@dataclass(frozen=True, slots=True)
class Claimed:
    """A step this worker holds, with the plain data its work needs; or why that data could not be read."""

    lease: Lease
    inputs: Any
    error: VastineError | None = None


def drain(
    rt: Runtime,
    kinds: Collection[str] = WORK,
    *,
    follow: Collection[str] | None = None,
    budget_seconds: float = 25.0,
) -> int:
    """Run steps of these kinds until none is due or the budget is spent; how many were run.

    A request that was begun is followed through the kinds in `follow` (all of `kinds` if None) to where it
    has to wait, whatever the budget says. What is left when the budget is spent is rung for again.
    """
    end, count = time.monotonic() + budget_seconds, 0
    claimed = claim(rt, kinds)
    while claimed is not None:
        count += 1
        claimed = run(rt, claimed, kinds if follow is None else follow)
        if claimed is None:
            if time.monotonic() > end:
                for kind in kinds:
                    rt.bell.ring(kind, "")
                break
            claimed = claim(rt, kinds)
    return count


def claim(rt: Runtime, kinds: Collection[str]) -> Claimed | None:
    """Take the most urgent due step whose source takes one, or None."""
    with rt.unit() as session:
        step_id = _most_urgent(session, rt, kinds)
        if step_id is None:
            return None
        claimed = _take(session, rt, step_id)
    rt.failpoint("claimed")
    return claimed


def _most_urgent(session: Session, rt: Runtime, kinds: Collection[str]) -> Any:
    """One kind at a time, so that the index alone answers. Every turn of the loop moves a source's steps on."""
    while True:
        best = None
        for kind in kinds:
            row = session.execute(ledger.DUE, {"kind": kind, "now": rt.now()}).one_or_none()
            if row and (best is None or (row.bucket, -row.rank, row.run_at) < (best.bucket, -best.rank, best.run_at)):
                best = row
        if best is None or not _must_wait(session, rt, best):
            return best and best.id


def _must_wait(session: Session, rt: Runtime, row: Any) -> bool:
    gated = row.source is not None and (row.watched or gates.is_limited(rt, row.source))
    return gated and gates.shut(session, rt, row.source, row.id)


def _take(session: Session, rt: Runtime, step_id: Any) -> Claimed:
    # The crash counter goes up here and comes down only with a recorded outcome: work that kills its
    # process is counted even though it can never say so itself.
    step = session.scalars(ledger.TAKE, {"this": step_id, "worker": rt.worker, "until": rt.now() + LEASE}).one()
    return _prepared(session, rt, session.get_one(Request, step.request_id), step)


def _prepared(session: Session, rt: Runtime, request: Request, step: Step) -> Claimed:
    lease = Lease(
        step_id=step.id,
        request_id=step.request_id,
        kind=step.kind,
        key=step.key,
        source=step.source,
        fence=step.fence,
        attempts=step.attempts,
        bucket=step.bucket,
    )
    try:
        if step.kind is Kind.VERIFY:  # who somebody is rests on every source that knows people
            gates.require(session, rt, gates.knowing_people(rt))
        return Claimed(lease, rt.stages[step.kind].prepare(session, rt, request, step))
    except VastineError as error:
        return Claimed(lease, None, error)
    except SQLAlchemyError:
        raise
    except Exception as error:  # noqa: BLE001  # a bug in one case must not stop the claims of all the others
        log.error("step.not_prepared", kind=step.kind.value, step=str(step.id), error=type(error).__name__)
        return Claimed(lease, None, NeverAgain("unexpected", detail=type(error).__name__))


def run(rt: Runtime, claimed: Claimed, kinds: Collection[str] = ()) -> Claimed | None:
    """Do the work and settle it; the next step of the same request, claimed, if this worker may go on with it."""
    lease, error, result = claimed.lease, claimed.error, None
    stage = rt.stages[lease.kind]
    if error is None:
        try:
            with kept(rt, lease):
                result = stage.work(rt, lease, claimed.inputs)
        except Fenced:
            log.info("step.fenced", kind=lease.kind.value, step=str(lease.step_id), fence=lease.fence)
            return None
        except VastineError as caught:
            error = caught
        except Exception as caught:  # noqa: BLE001  # a bug must not take the worker or the request with it
            log.error("step.crashed", kind=lease.kind.value, step=str(lease.step_id), error=type(caught).__name__)
            error = NeverAgain("unexpected", detail=type(caught).__name__)
    rt.failpoint("worked")
    try:
        follow = _written(rt, claimed, result, error, kinds)
    except Fenced:
        log.info("step.fenced", kind=lease.kind.value, step=str(lease.step_id), fence=lease.fence)
        return None
    rt.failpoint("settled")
    return follow


def _written(
    rt: Runtime, claimed: Claimed, result: Any, error: VastineError | None, kinds: Collection[str]
) -> Claimed | None:
    """Settle in one transaction; where what is to follow can't be begun, nothing of it stands and the error does."""
    try:
        with rt.unit() as session:
            follow = _settle(session, rt, claimed, result, error, kinds)
            rt.failpoint("settling")
            return follow
    except VastineError as caught:
        if error is not None or isinstance(caught, Fenced):
            raise
        log.warning("step.not_settled", kind=claimed.lease.kind.value, code=caught.code)
        return _written(rt, claimed, None, caught, kinds)


def _settle(
    session: Session,
    rt: Runtime,
    claimed: Claimed,
    result: Any,
    error: VastineError | None,
    kinds: Collection[str],
) -> Claimed | None:
    lease = claimed.lease
    request, key = session.execute(ledger.LOCK, {"this": lease.request_id}).one()
    seen_key(session, key)
    urgent = None
    if error is None:
        step, urgent = _ended(session, rt, lease)
    else:
        step = held(session, lease)
    stage = rt.stages[lease.kind]
    step.lease_until, step.lease_owner, step.crash_count = None, None, 0
    session.add(
        StepAttempt(
            step_id=step.id,
            fence=step.fence,
            worker=rt.worker,
            ended_at=rt.now(),
            result="done" if error is None else type(error).__name__,
            error_code=error.code if error else None,
        )
    )
    if error is not None:
        event = set_back(session, rt, request, step, error)
    else:
        event = stage.settle(session, rt, request, step, claimed.inputs, result)
    if event is not None:
        lifecycle.advance(session, rt, request, event)
    if step.source is not None and gates.is_limited(rt, step.source):
        gates.wake(session, rt, step.source, gates.FULL, most=1)
    if not kinds:
        return None
    begun = lifecycle.begun(session, request)
    if begun is None:
        return _follow(session, rt, request, kinds)
    return _go_on(session, rt, request, [step for step in begun if step.kind.value in kinds], urgent=urgent)


def _ended(session: Session, rt: Runtime, lease: Lease) -> tuple[Step, tuple[int, bool]]:
    """Ask whether the lease is still the last one and write that its work is done, in one statement.

    It reads what else the settling needs to know: the chain's last entry, the request's other steps, and whether
    anything more urgent than this step's bucket is due. The stage may say otherwise before the commit, such as that
    the step waits. Raises `Fenced`.
    """
    who = {"this": lease.step_id, "last": lease.fence, "now": rt.now(), "than": lease.bucket}
    of = {"of": lease.request_id, "chain": str(lease.request_id)}
    row = session.execute(ledger.END, who | of).one_or_none()
    if row is None:
        raise Fenced
    step, n, digest, urgent, keys, others = row
    audit.seen_head(session, lease.request_id, n, digest)
    lifecycle.note_ended(session, lease.request_id, lifecycle.Ended(step, keys.split(ledger.KEYS), others))
    return step, (lease.bucket, urgent)


def held(session: Session, lease: Lease) -> Step:
    """The step, locked, if the lease is still its last one; raises `Fenced` otherwise."""
    step = session.scalar(
        select(Step)
        .where(Step.id == lease.step_id, Step.fence == lease.fence, Step.state == StepState.RUNNING)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if step is None:
        raise Fenced
    return step


def _go_on(
    session: Session, rt: Runtime, request: Request, begun: Sequence[Step], *, urgent: tuple[int, bool] | None
) -> Claimed | None:
    """Claim one of the steps that this very transaction adds: it is written as claimed, never as waiting.

    `urgent`: whether anything of a lower bucket than this one was due when the transaction began.
    """
    due = sorted((s for s in begun if s.state is StepState.READY and s.run_at <= rt.now()), key=lambda s: s.run_at)
    if not due:
        return None
    step = due[0]
    if step.source is not None and _waits_at_once(session, rt, step):
        return _follow(session, rt, request, [s.kind.value for s in begun])
    if urgent is None or urgent[0] != step.bucket:
        urgent = (step.bucket, bool(session.scalar(ledger.URGENT, {"bucket": step.bucket, "now": rt.now()})))
    if urgent[1]:
        ring(session, step.kind.value, "")
        return None
    if len(due) == 1:
        _not_needed(session, step.kind)
    step.state, step.lease_owner, step.lease_until = StepState.RUNNING, rt.worker, rt.now() + LEASE
    step.fence, step.attempts, step.crash_count = 1, 1, 1
    return _prepared(session, rt, request, step)


def _waits_at_once(session: Session, rt: Runtime, step: Step) -> bool:
    """Whether a step that was just added has to wait at its source's gate."""
    if not gates.is_limited(rt, str(step.source)) and not gates.is_watched(session, str(step.source)):
        return False
    session.flush()
    if not gates.shut(session, rt, str(step.source), step.id):
        return False
    session.refresh(step)
    return True


def _not_needed(session: Session, kind: Kind) -> None:
    """Nobody else is needed: the bell that adding the step had hung up would wake a worker for nothing."""
    session.info.get("bells", {}).pop(kind.value, None)


def _follow(session: Session, rt: Runtime, request: Request, kinds: Collection[str]) -> Claimed | None:
    session.flush()
    who = {"request": request.id, "kinds": list(kinds), "now": rt.now()}
    mine = session.execute(ledger.MINE, who).all()
    while mine and _must_wait(session, rt, mine[0]):
        mine = session.execute(ledger.MINE, who).all()
    if not mine:
        return None
    if mine[0].urgent:
        ring(session, mine[0].kind.value, "")
        return None
    if len(mine) == 1:
        _not_needed(session, mine[0].kind)
    return _take(session, rt, mine[0].id)
