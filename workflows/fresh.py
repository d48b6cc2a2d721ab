"""Look again, right before erasing: what the holds rest on as the sources have it now."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from models.holds import ManualHold
from models.request import Request
from models.session import reading
from models.vocabulary import Action
from workflows.casefile import seeds_for
from workflows.errors import SourceDown, TryAgain
from workflows.findings import read_items
from workflows.planning import Planned, verdicts
from workflows.ports import Connector, EraseItem, Lead, RequestKey
from workflows.restriction import HELD_BY, wanted_kept
from workflows.rules.holds import ManualHoldFacts
from workflows.rules.items import Item, canonical
from workflows.runtime import Runtime

_UNRELEASED = select(ManualHold).where(ManualHold.subject_digest == bindparam("of"), ManualHold.released_at.is_(None))


def decides_holds(rt: Runtime, source: str) -> bool:
    """Whether this source tells anything that can change and that a hold rests on: more than a datum's own day."""
    collections = rt.register.sources[source].person.collections.values()
    return any(set(c.facts) - {"on"} for c in collections)


def fresh_items(
    rt: Runtime,
    source: str,
    *,
    seeds: Mapping[str, list[Lead]],
    blobs: Mapping[str, str | None],
    key: RequestKey,
    connectors: Mapping[str, Connector] | None = None,
) -> list[Item]:
    """All items as the sources that decide holds have them now, and those of `source` as they were found.

    `connectors`: the sources as they are for this request, where people search some of them.
    Without the rows of series, so that it stays small. Raises `TryAgain` if one of those sources is silent:
    then nothing is erased yet.
    """
    items: list[Item] = []

    def keep(item: Item) -> None:
        # One empty row stands for a day's rows: rules keep or let go a day as a whole.
        items.append(replace(item, series=((),) if item.series else (), columns=()))

    for name, connector in (connectors or rt.connectors).items():
        usable = seeds_for(seeds, connector.entries())
        if decides_holds(rt, name):
            if usable:
                try:
                    connector.collect(usable, keep)
                except SourceDown as down:
                    if name == source:
                        raise
                    raise TryAgain("hold_facts_unavailable") from down
        elif name == source:
            for item in read_items(rt, key, blobs.get(name)):
                keep(item)
    return items


def manual_holds(session: Session, rt: Runtime, request: Request) -> tuple[ManualHoldFacts, ...]:
    """Holds placed by hand on this person that are not released, and what somebody asked us to keep."""
    with reading(session, ManualHold):
        rows = session.scalars(_UNRELEASED, {"of": request.subject_digest}).all()
    holds = tuple(ManualHoldFacts(rule=h.rule, category=h.category, until=h.until) for h in rows)
    wanted = wanted_kept(session, rt)
    return holds if wanted is None else (*holds, ManualHoldFacts(rule=HELD_BY, until=None, of=wanted))


def newly_held(
    rt: Runtime,
    source: str,
    items: Sequence[EraseItem],
    *,
    fresh: Sequence[Item],
    manual: Sequence[ManualHoldFacts],
    present: Collection[int],
) -> list[int]:
    """Those items that may not be treated as approved any more, by number.

    `present` are those that the source still has. One that is gone is no matter; one that is there and was not
    found by the fresh look has holds that nobody can tell, and what can't be told holds.
    """
    now = {p.where: p for p in verdicts(rt, list(fresh), manual)}
    held = []
    for item in items:
        current = now.get((source, item.collection, canonical(item.locator)))
        if item.item_no in present if current is None else not _still_allowed(item, current):
            held.append(item.item_no)
    return held


def _still_allowed(item: EraseItem, current: Planned) -> bool:
    verdict = current.verdict
    if verdict.action in (Action.DELETE, Action.ANONYMISE):  # nothing holds any of it
        return True
    if verdict.action is Action.MASK and item.action is Action.MASK:
        return set(item.fields) <= set(verdict.fields)
    return False
