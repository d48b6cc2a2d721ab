"""What somebody approves when they approve a list: which records, why, and since when; every look is on record."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.retention import RetentionApproval, RetentionRun, RetentionState
from workflows import audit
from workflows.retention.late import Late
from workflows.retention.lists import check, current
from workflows.runtime import Runtime
from workflows.stages.decision import decider


@dataclass(frozen=True, slots=True)
class Group:
    """Records of one collection that are treated alike. `first` and `last`: since when their time is over."""

    source: str
    collection: str
    action: str
    fields: tuple[str, ...]
    count: int
    first: date
    last: date


@dataclass(frozen=True, slots=True)
class Shown:
    """A list that waits. `records`: as many of them as were asked for, each by what finds it in its source."""

    plan_hash: str
    state: RetentionState
    items: int
    as_of: date
    prepared_by: str
    approved_by: Sequence[str]
    until: str
    source: str
    checked_on: date
    groups: Sequence[Group]
    records: Sequence[Mapping[str, Any]]


def show(rt: Runtime, category: str, *, user: str, offset: int = 0, most: int = 0) -> Shown:
    """The list of this category, for somebody who may approve it.

    Raises `NotFound` where none waits, `NotAllowed` for the role, `PersonMustLook` if it is not what its hash is over.
    """
    with rt.unit() as session:
        decider(session, user)
        run = current(session, category)
        late = [one for _, one in check(session, rt, run)]
        names = select(RetentionApproval.approver).where(
            RetentionApproval.run_id == run.id, RetentionApproval.plan_hash == run.plan_hash
        )
        given = session.scalars(names.order_by(RetentionApproval.at)).all()
        facts = {"category": category, "hash": run.plan_hash.hex(), "from": offset, "most": most}
        audit.record(session, "retention:shown", at=rt.now(), actor=user, facts=facts)
        keeps = rt.register.categories[category].keeps if category in rt.register.categories else None
        return Shown(
            plan_hash=run.plan_hash.hex(),
            state=run.state,
            items=run.item_count,
            as_of=run.as_of,
            prepared_by=run.prepared_by,
            approved_by=given,
            until=keeps.until if keeps else "",
            source=keeps.source if keeps else "",
            checked_on=keeps.checked_on if keeps else run.as_of,
            groups=_groups(late),
            records=[_record(one) for one in late[offset : offset + most]],
        )


def waiting(session: Session, category: str) -> RetentionState | None:
    """How the list of a category stands that is not through; None where there is none."""
    states = (RetentionState.FROZEN, RetentionState.APPROVED)
    return session.scalar(
        select(RetentionRun.state).where(RetentionRun.category == category, RetentionRun.state.in_(states))
    )


def _groups(late: Sequence[Late]) -> list[Group]:
    alike = [(one.source, one.collection, one.action.value, one.fields) for one in late]
    counts = Counter(alike)
    days: dict[Any, list[date]] = {}
    for key, one in zip(alike, late, strict=True):
        days.setdefault(key, []).append(one.since)
    return [Group(*key, count=n, first=min(days[key]), last=max(days[key])) for key, n in sorted(counts.items())]


def _record(one: Late) -> dict[str, Any]:
    return {
        "source": one.source,
        "collection": one.collection,
        "record": dict(one.locator),
        "since": one.since,
        "action": one.action.value,
    }
