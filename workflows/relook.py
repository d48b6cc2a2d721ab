"""Look again at what an approved plan still keeps: what is free by now, what stays longer, what nobody can tell.

The plan itself stays as it was approved. Less than it says may always be erased, more never.
"""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.decision import Plan
from models.request import Request
from models.staff import HumanTask
from models.vocabulary import Action, TaskKind
from workflows import audit
from workflows.human import close_tasks_of, open_task
from workflows.planning import BY_HAND, Planned, is_free
from workflows.ports import RequestKey
from workflows.rules.hold_phases import free_alone, is_later
from workflows.rules.items import Verdict, canonical
from workflows.runtime import Runtime
from workflows.schedule import next_look, waiting_items
from workflows.standing import Standing, note, opened, to_tell

PATIENCE = timedelta(days=5)
"""How long staff have to find out what a source could not tell, or to erase by hand."""


@dataclass(slots=True)
class Relook:
    """What was seen: how many items are free, whole or in part, and how many of them are not what was approved."""

    free: int = 0
    changed: int = 0
    to_tell: int = 0  # items whose day is later than the person was told


def look_again(
    session: Session, rt: Runtime, request: Request, key: RequestKey, *, plan: Plan, fresh: Sequence[Planned]
) -> Relook:
    """Mark what is free, note how the rest stands, and set the day of the next look. The caller holds the lock."""
    now = {p.where: p for p in fresh}
    seen = Relook()
    later: list[date | None] = []
    unknown: set[str] = set()
    by_hand: Counter[str] = Counter()
    for item in waiting_items(session, plan):
        locator, params = opened(key, item)
        current = now.get((item.row.source, item.row.collection, canonical(locator)))
        if current is None or is_free(current):
            item.row.released_at = rt.now()
            seen.free += 1
            seen.changed += current is not None and bytes.fromhex(current.digest) != item.digest
            continue
        verdict = _as_kept(item, current.verdict, rt.today())
        masks = verdict.fields if verdict.action is Action.MASK else ()
        fields = free_alone(masks, later=item.row.later_action, scope=item.row.later_fields, gone=item.masked)
        if fields:
            seen.free += 1
            seen.changed += bytes.fromhex(current.digest) != item.digest
        if is_later(verdict.erase_on, item.erase_on):
            later.append(verdict.erase_on)
        unknown |= {hold.rule for hold in verdict.holds if hold.unknown}
        by_hand[item.row.source] += verdict.reason == BY_HAND and not verdict.holds
        note(session, key, item, verdict, fields=fields, known=params, at=rt.now())
    if seen.changed:
        return seen
    session.flush()  # what was noted is part of what waits
    waiting = [item for item in waiting_items(session, plan) if item.row.released_at is None]
    request.recheck_on = next_look(rt.today(), waiting)
    seen.to_tell = len(to_tell(waiting, rt.today()))
    _postponed(session, rt, request, later)
    ask_about(session, rt, request, unknown, due_on=rt.today() + PATIENCE)
    for source, count in by_hand.items():
        _ask_by_hand(session, rt, request, plan, source=source, count=count)
    return seen


def _as_kept(item: Standing, verdict: Verdict, today: date) -> Verdict:
    """What only people can erase has not moved: its day has come."""
    if verdict.reason == BY_HAND and not verdict.holds:
        return replace(verdict, erase_on=item.erase_on or today)
    return verdict


def _postponed(session: Session, rt: Runtime, request: Request, days: Sequence[date | None]) -> None:
    if not days:
        return
    known = [day for day in days if day is not None]
    facts = {"items": len(days), "until": max(known).isoformat() if len(known) == len(days) else None}
    audit.record(session, "plan:postponed", at=rt.now(), actor="vastine", request_id=request.id, facts=facts)


def ask_about(
    session: Session, rt: Runtime, request: Request, rules: Collection[str], *, due_on: date, at_once: bool = False
) -> None:
    """One task while a hold's facts can't be told; unless `at_once`, it comes back only some days after its answer."""
    key = f"hold_unknown:{request.id}"
    if not rules:
        close_tasks_of(session, rt, request.id, kinds={TaskKind.HOLD_UNKNOWN}, by="vastine")
    elif at_once or _is_due(session, rt, key):
        open_task(
            session,
            rt,
            key=key,
            kind=TaskKind.HOLD_UNKNOWN,
            code="hold_unknown",
            request_id=request.id,
            due_on=due_on,
            facts={"rules": sorted(rules)},
        )


def report_breach(session: Session, rt: Runtime, request: Request, found: Sequence[Planned]) -> None:
    """One task where a search met records that should have gone unasked. Source: GDPR Art. 5(1)(e), 5(2)."""
    late = Counter(item.category for item in found if item.late)
    if late:
        open_task(
            session,
            rt,
            key=f"retention:{request.id}",
            kind=TaskKind.CHECK,
            code="retention_breach",
            due_on=rt.today() + PATIENCE,
            facts=dict(sorted(late.items())),
        )


def _ask_by_hand(session: Session, rt: Runtime, request: Request, plan: Plan, *, source: str, count: int) -> None:
    key = f"by_hand:{plan.id}:{source}"
    if count and _is_due(session, rt, key):
        open_task(
            session,
            rt,
            key=key,
            kind=TaskKind.BY_HAND,
            code="erase_by_hand",
            request_id=request.id,
            due_on=rt.today() + PATIENCE,
            facts={"source": source, "items": count},
        )


def _is_due(session: Session, rt: Runtime, key: str) -> bool:
    """Whether a task is new, or was answered some days ago and still there is reason for it."""
    task = session.scalar(select(HumanTask).where(HumanTask.key == key))
    return task is None or (task.done_at is not None and task.done_at <= rt.now() - PATIENCE)
