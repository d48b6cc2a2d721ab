"""Carry out an approved list: never more than it says, and of that only what is still late and free.

Each batch is announced before its source is asked and receipted after, so that a run that was killed is taken up
where it was: what was announced and not receipted is asked after first.
"""

import uuid
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from models.holds import ManualHold
from models.intake import InboundEvent
from models.retention import RetentionApproval, RetentionItem, RetentionRun, RetentionState
from models.staff import HumanTask
from models.vocabulary import ReceiptOutcome, TaskKind, TaskState
from workflows import audit, gates
from workflows.errors import Conflict, PersonMustLook, TryAgain, VastineError, WaitFor
from workflows.human import close_task, open_task
from workflows.ports import ErasedItem, EraseItem
from workflows.retention.asked import asking
from workflows.retention.late import Late, Where
from workflows.retention.lists import NEEDED, approvals, check, current, destroy
from workflows.retention.looking import look
from workflows.runtime import Runtime
from workflows.tombstones import set_tombstones

log = structlog.get_logger("vastine.retention")

NOT_DONE = "list_not_carried_out"
"""Code of the task about an approved list that a night could not carry out."""

_PASSES = (TryAgain, WaitFor, Conflict)
"""A source is silent, somebody asks, another process is at it: the next night it may be over."""
_LONGEST = timedelta(days=3)
"""Past so long after the last approval such a reason is no passing one any more."""

BATCH = 500
_ROUNDS = 10  # so deep may records point at each other
FRESH = timedelta(seconds=60)
"""How long a look is good for: what a fact in any source says now may hold records that it did not hold before."""

Opened = tuple[RetentionItem, Late]


@dataclass(frozen=True, slots=True)
class Seen:
    """The holds by hand and the requests that were there before the look: with any other it is not good any more."""

    held: frozenset[uuid.UUID]
    asking: frozenset[tuple[uuid.UUID, datetime | None]]


@dataclass(slots=True)
class Sight:
    """What is late and free as of the latest look, and what that look has taken note of."""

    still: dict[Where, Late]
    at: datetime

    @classmethod
    def now(cls, rt: Runtime, category: str) -> "Sight":
        """Look through the sources."""
        at = rt.now()  # before: what is told while we look may have come too late for it
        return cls({late.where: late for late in look(rt, category).late}, at)

    def is_stale(self, rt: Runtime) -> bool:
        """Whether it is old, or another system told us something since."""
        if rt.now() - self.at >= FRESH:
            return True
        with rt.unit() as session:
            return bool(session.scalar(select(exists().where(InboundEvent.received_at >= self.at))))


def carry_out(rt: Runtime, category: str, *, user: str) -> Counter[str]:
    """Erase what the approved list of this category names and what may still go; how many of each outcome.

    Raises `Conflict` where it is not approved by two, `PersonMustLook` where it is not what they approved.
    """
    run_id, fence = _begin(rt, category)
    _after_a_crash(rt, run_id, fence)
    seen = _seen(rt)
    sight = Sight.now(rt, category)
    for _ in range(_ROUNDS):
        waiting = _waiting(rt, run_id)
        free = [one for one in waiting if _same(one[1], sight.still.get(one[1].where))]
        done = 0
        for batch in _batches(free):
            if sight.is_stale(rt):
                sight = Sight.now(rt, category)
            still_free = [one for one in batch if _same(one[1], sight.still.get(one[1].where))]
            done += _treat(rt, run_id, fence, still_free, seen=seen) if still_free else 0
        if not done:
            break
    return _end(rt, run_id, fence, user=user)


def carry_out_approved(rt: Runtime) -> int:
    """Every list that two people have approved and nobody has carried out; how many were."""
    with rt.unit() as session:
        approved = select(RetentionRun).where(RetentionRun.state == RetentionState.APPROVED)
        last = {run.category: _last_word(session, run) for run in session.scalars(approved)}
    count = 0
    for category, (user, since) in sorted(last.items()):
        try:
            carry_out(rt, category, user=user)
            count += 1
        except VastineError as error:  # the next night tries again; one category stops no other
            _not_done(rt, category, error.code, passes=isinstance(error, _PASSES) and since > rt.now() - _LONGEST)
        except Exception as error:  # noqa: BLE001 - nor does a bug that one category alone brings out
            log.error("retention.crashed", category=category, error=type(error).__name__)
            _not_done(rt, category, "unexpected", passes=False)
    return count


def _not_done(rt: Runtime, category: str, code: str, *, passes: bool) -> None:
    log.warning("retention.not_carried_out", category=category, code=code)
    if passes:
        return
    with rt.unit() as session:
        facts = {"category": category, "error": code}
        open_task(session, rt, key=_task(category), kind=TaskKind.CHECK, code=NOT_DONE, facts=facts)


def _task(category: str) -> str:
    return f"retention:{category}"


def _last_word(session: Session, run: RetentionRun) -> tuple[str, datetime]:
    said = select(RetentionApproval.approver, RetentionApproval.at).where(RetentionApproval.run_id == run.id)
    last = session.execute(said.order_by(RetentionApproval.at.desc()).limit(1)).one_or_none()
    return (last.approver, last.at) if last is not None else ("vastine", run.frozen_at)


def _begin(rt: Runtime, category: str) -> tuple[uuid.UUID, int]:
    with rt.unit() as session:
        run = current(session, category)
        check(session, rt, run)
        if run.state is not RetentionState.APPROVED or approvals(session, run) < NEEDED:
            raise Conflict("not_approved", detail="two different people have to approve the list first")
        run.fence += 1
        return run.id, run.fence


def _seen(rt: Runtime) -> Seen:
    with rt.unit() as session:
        return Seen(_held(session), asking(session))


def _held(session: Session) -> frozenset[uuid.UUID]:
    return frozenset(session.scalars(select(ManualHold.id)))


def _same(approved: Late, now: Late | None) -> bool:
    return now is not None and (now.digest, now.action, now.fields) == (
        approved.digest,
        approved.action,
        approved.fields,
    )


def _waiting(rt: Runtime, run_id: uuid.UUID) -> list[Opened]:
    with rt.unit() as session:
        items = check(session, rt, session.get_one(RetentionRun, run_id))
        return [one for one in items if one[0].outcome is None]


def _batches(items: Sequence[Opened]) -> list[list[Opened]]:
    batches: list[list[Opened]] = []
    for one in items:
        if batches and batches[-1][0][0].source == one[0].source and len(batches[-1]) < BATCH:
            batches[-1].append(one)
        else:
            batches.append([one])
    return batches


def _treat(rt: Runtime, run_id: uuid.UUID, fence: int, batch: Sequence[Opened], *, seen: Seen) -> int:
    """Announce, erase, receipt; how many records were treated.

    Raises `TryAgain` once anybody's data are held anew or somebody asks, `WaitFor` once a source is paused.
    """
    source = batch[0][0].source
    op_id = f"retention:{run_id}:{batch[0][0].item_no}:{fence}:{uuid.uuid4().hex[:8]}"
    orders = {row.item_no: late.order(row.item_no) for row, late in batch}
    with rt.unit() as session:
        run = _ours(session, run_id, fence)
        gates.require(session, rt, rt.connectors)
        if _held(session) - seen.held:
            raise TryAgain("hold_placed", detail="somebody's data were held meanwhile; carry the list out again")
        if asking(session) - seen.asking:
            raise TryAgain("request_came", detail="somebody asked meanwhile; carry the list out again")
        for row, _ in batch:
            mine = session.get_one(RetentionItem, (run_id, row.item_no))
            mine.op_id = op_id
        facts = {"category": run.category, "source": source, "items": len(batch), "hash": run.plan_hash.hex()}
        audit.record(session, "retention:intended", at=rt.now(), actor="vastine", facts=facts)
    rt.failpoint("intended")
    erased = rt.connectors[source].erase(op_id, fence, list(orders.values()))
    rt.failpoint("erased")
    return _receipt(rt, run_id, fence, orders, erased)


def _receipt(
    rt: Runtime, run_id: uuid.UUID, fence: int, orders: dict[int, EraseItem], erased: Sequence[ErasedItem]
) -> int:
    """One receipt for each that was treated. What its source refused, or was kept from, waits for another round.

    Raises `Conflict` once somebody else carries the list out: they have asked the source what became of these.
    """
    done = [e for e in erased if e.outcome not in (ReceiptOutcome.REFUSED, ReceiptOutcome.KEPT)]
    with rt.unit() as session:
        _ours(session, run_id, fence)
        said = {e.item_no: e.outcome for e in done}
        rows = [session.get_one(RetentionItem, (run_id, number)) for number in orders]
        for row in rows:
            row.outcome, row.at = said.get(row.item_no), rt.now() if row.item_no in said else None
            row.op_id = row.op_id if row.item_no in said else None
        set_tombstones(session, rt, None, source=rows[0].source, items=orders, erased=done, seeds={})
    return len(done)


def _after_a_crash(rt: Runtime, run_id: uuid.UUID, fence: int) -> None:
    """Ask each source what became of what was announced to it and never receipted, and call the rest off."""
    open_ops: dict[str, list[Opened]] = {}
    for one in _waiting(rt, run_id):
        if one[0].op_id:
            open_ops.setdefault(one[0].op_id, []).append(one)
    for op_id, batch in open_ops.items():
        source = batch[0][0].source
        if source not in rt.connectors:
            raise PersonMustLook("source_not_in_register")  # nobody else knows what became of it
        orders = {row.item_no: late.order(row.item_no) for row, late in batch}
        told = rt.connectors[source].call_off(op_id, fence, list(orders.values()))
        _receipt(rt, run_id, fence, orders, told)


def _ours(session: Session, run_id: uuid.UUID, fence: int) -> RetentionRun:
    run = session.get_one(RetentionRun, run_id, with_for_update=True)
    if run.fence != fence or run.state is not RetentionState.APPROVED:
        raise Conflict("overtaken", detail="somebody else carries this list out")
    return run


def _end(rt: Runtime, run_id: uuid.UUID, fence: int, *, user: str) -> Counter[str]:
    """What is not treated by now stays: it is held, or not what was approved. Another list may find it."""
    with rt.unit() as session:
        run = _ours(session, run_id, fence)
        rows = _rows(session, run_id)
        if any(row.op_id and row.outcome is None for row in rows):
            raise PersonMustLook("erasure_unknown")
        for row in rows:
            if row.outcome is None:
                row.outcome, row.at = ReceiptOutcome.KEPT, rt.now()
        counts = Counter(row.outcome.value for row in rows if row.outcome)
        run.state, run.done_at = RetentionState.DONE, rt.now()
        destroy(session, rt, run)
        facts = {"category": run.category, "hash": run.plan_hash.hex(), "outcomes": dict(counts)}
        audit.record(session, "retention:done", at=rt.now(), actor=user, facts=facts)
        mine = select(HumanTask).where(HumanTask.key == _task(run.category), HumanTask.state == TaskState.OPEN)
        for task in session.scalars(mine):
            close_task(session, rt, task, by="vastine", answer="settled")
        return counts


def _rows(session: Session, run_id: uuid.UUID) -> list[RetentionItem]:
    return list(session.scalars(select(RetentionItem).where(RetentionItem.run_id == run_id)))


__all__ = ["BATCH", "carry_out"]
