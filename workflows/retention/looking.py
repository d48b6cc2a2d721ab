"""Look through the sources for records of a category whose time is over; nothing is changed.

A record is judged without knowing whose it is. Where the rules need to know, or somebody's data are held by hand, it
is judged once more person by person, and what no person leads to stays.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from models.decision import Plan, PlanItem
from models.holds import ManualHold
from models.request import Request
from models.restriction import RestrictedItem, Restriction
from models.vocabulary import Ownership, PlanState, RequestState
from workflows import gates
from workflows.casefile import open_key
from workflows.errors import BadInput, Fault, NeverAgain
from workflows.hand.places import treated_by_people
from workflows.listed import ReadsThrough
from workflows.register.categories import erasable
from workflows.retention.asked import asked_about
from workflows.retention.late import Late, Where, late_of, where_of
from workflows.retention.people import lasting, late_by_person
from workflows.rules.holds import assess
from workflows.rules.items import SUBJECT_FACTS, Item, canonical
from workflows.rules.overdue import judge_of
from workflows.rules.subject import Subject
from workflows.runtime import Runtime
from workflows.standing import open_item

NOBODY = Subject({name: None for name in SUBJECT_FACTS if name.startswith("subject_")})
"""A person of whom nothing is known: what rests on them can't be told, and what can't be told holds."""

_ANY = ""
_OLDEST = date(1900, 1, 1)


@dataclass(slots=True)
class Tally:
    """What was seen of a category in one source. `first`: since when the oldest of the late ones is late."""

    source: str
    category: str
    seen: int = 0
    late: int = 0
    held: int = 0
    unclear: int = 0  # past their time for all that is known, and nobody can tell whether something holds them
    in_case: int = 0  # past their time, and part of what somebody waits for, of an open case or a restriction
    refused: int = 0  # the source would not let them go
    first: date | None = None
    unread: tuple[str, ...] = ()  # its collections that can't be read through: of them nothing is known

    @property
    def read(self) -> bool:
        """Whether all of it could be read through."""
        return not self.unread


@dataclass(slots=True)
class Look:
    """The late records in the order in which they go, and what else was seen."""

    late: list[Late] = field(default_factory=list)
    tallies: dict[str, Tally] = field(default_factory=dict)


def look(rt: Runtime, category: str) -> Look:
    """All records of the category whose time is over and that may go.

    Raises `BadInput` for a category that has no retention rule, `WaitFor` while a source is paused or answers without
    finding: then nobody can tell what holds. Source: GDPR Art. 5(1)(e).
    """
    if category not in rt.retained:
        what = "the category has no retention rule" if category in rt.register.categories else "no such category"
        raise BadInput([Fault("category", what, "write `keeps` for it in categories.yaml")])
    with rt.unit() as session:
        gates.require(session, rt, rt.connectors)
        taken = _in_cases(session, rt)
        by_hand = session.scalar(select(ManualHold.id).where(lasting(rt, category)).limit(1)) is not None
    taken |= asked_about(rt)
    seen = Look()
    undecided: dict[Where, Tally] = {}
    order = {name: spec.person.order for name, spec in rt.register.sources.items()}
    for name in sorted(rt.connectors, key=lambda n: (order[n], n)):
        for item, late, clear in _records(rt, name, category, seen):
            tally = seen.tallies[name]
            where = where_of(item)
            if where in taken or (*where[:2], _ANY) in taken:
                tally.in_case += 1
            elif not clear or (by_hand and late is not None):
                undecided[where] = tally
            elif late is None:
                tally.held += 1
            else:
                seen.late.append(late)
    found = late_by_person(rt, category, undecided.keys()) if undecided else {}
    for where, tally in undecided.items():
        if where in found:
            seen.late.append(found[where])
        else:
            tally.unclear += 1
    seen.late.sort(key=lambda late: (order[late.source], late.where))
    _previewed(rt, seen)
    return seen


def _records(rt: Runtime, source: str, category: str, seen: Look) -> Iterator[tuple[Item, Late | None, bool]]:
    """Those past their time, what may be done with them, and whether that can be told without knowing whose it is."""
    connector = rt.connectors[source]
    if missing := unread_of(rt, source, category):
        seen.tallies[source] = Tally(source, category, unread=missing)
    if not isinstance(connector, ReadsThrough):
        return
    since = judge_of(rt.retained, subject=NOBODY, today=rt.today())
    for collection, mine in connector.readable().items():
        if mine != category:
            continue
        tally = seen.tallies.setdefault(source, Tally(source, category))
        judged = assess(
            connector.records(collection, before=_border(rt, source, collection, category)),
            rt.holds,
            today=rt.today(),
            roles=rt.roles,
            erasure_kind=rt.erasure_kind,
            subject=NOBODY,
        )
        for item, verdict in judged:
            over = since(item)
            tally.seen += 1
            if over.since is not None or over.unknown:
                unknown = over.unknown or any(hold.unknown for hold in verdict.holds)
                yield item, late_of(item, verdict, over), not unknown


def unread_of(rt: Runtime, source: str, category: str) -> tuple[str, ...]:
    """The collections of a category in a source that can't be read through: whoever keeps it has to look."""
    connector = rt.connectors[source]
    names = set(connector.readable()) if isinstance(connector, ReadsThrough) else set[str]()
    mine = erasable(rt.register, rt.register.sources[source])
    return tuple(name for name, qualified, code in mine if code == category and not {name, qualified} & names)


def _border(rt: Runtime, source: str, collection: str, category: str) -> date:
    """The first day whose data can't be late, where the rule asks for nothing but the day; else tomorrow."""
    today = rt.today()
    if not rt.retained[category].names <= {"on", "today", "category"}:
        return today + timedelta(days=1)
    since = judge_of(rt.retained, subject=NOBODY, today=today)

    def late(day: date) -> bool:
        item = Item(source, collection, {}, category, Ownership.OWN, "", {}, {"on": day.isoformat()})
        return since(item).since is not None

    low, high = _OLDEST.toordinal(), today.toordinal() + 1
    while low < high:
        middle = (low + high) // 2
        low, high = (middle + 1, high) if late(date.fromordinal(middle)) else (low, middle)
    return date.fromordinal(low)


def _in_cases(session: Session, rt: Runtime) -> set[Where]:
    """Records of open cases, which go by their own plan, and those that are restricted."""
    restricted = select(RestrictedItem.plan_id).join(Restriction, Restriction.id == RestrictedItem.restriction_id)
    by_plan = set(session.scalars(restricted.where(Restriction.ended_at.is_(None))))
    open_plan = Plan.state.in_((PlanState.FROZEN, PlanState.APPROVED)) & (Request.state != RequestState.CLOSED)
    rows = session.execute(
        select(PlanItem, Request.data_key_id)
        .join(Plan, Plan.id == PlanItem.plan_id)
        .join(Request, Request.id == Plan.request_id)
        .where(or_(open_plan, Plan.id.in_(by_plan)))
    )
    taken = set()
    for item, key_id in rows:
        try:
            locator, _ = open_item(open_key(session, rt, key_id), item)
        except NeverAgain:  # its case was let go, and which record it was nobody can tell: none of its kind goes
            taken.add((item.source, item.collection, _ANY))
            continue
        taken.add((item.source, item.collection, canonical(locator)))
    return taken


def _previewed(rt: Runtime, seen: Look) -> None:
    """Leave out what its source would not let go, and count what stays."""
    refused: set[Where] = set()
    for name in {late.source for late in seen.late}:
        mine = [late for late in seen.late if late.source == name]
        if treated_by_people(rt.register.sources[name], rt.connectors[name]):  # they are asked for a case, not a list
            refused.update(late.where for late in mine)
            seen.tallies[name].refused += len(mine)
            continue
        for answer in rt.connectors[name].preview([late.order(n) for n, late in enumerate(mine)]):
            if answer.refused:
                refused.add(mine[answer.item_no].where)
                seen.tallies[name].refused += answer.refused != "nothing_personal"
    seen.late = [late for late in seen.late if late.where not in refused]
    for late in seen.late:
        tally = seen.tallies[late.source]
        tally.late += 1
        tally.first = min(tally.first or late.since, late.since)
