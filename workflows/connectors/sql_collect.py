"""Collect: search, judge, emit each record once, and say which values lead on to other sources."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import tzinfo
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from models.vocabulary import Ownership
from workflows.bookmarks import Bookmark
from workflows.connectors.comparing import compare
from workflows.connectors.dataset import Graph
from workflows.connectors.joint import Joint
from workflows.connectors.shares import Doubt, Shares
from workflows.connectors.sql_found import Discovery, Found, Pile, Row, spans
from workflows.connectors.sql_items import ItemMaker, as_rows
from workflows.connectors.sql_leaves import Leaf
from workflows.connectors.sql_lookup import BINDS, chunks, rows_with
from workflows.connectors.sql_pointed import Pointed, Pointers
from workflows.connectors.sql_schema import Schema, names_of
from workflows.connectors.sql_search import Search
from workflows.connectors.sql_series import Series
from workflows.connectors.sql_values import as_json
from workflows.connectors.windows import Windows, union
from workflows.ports import Lead, Seeds
from workflows.register.model import Register, SourceSpec
from workflows.rules.items import Item, Json

Leads = dict[str, dict[str, Windows]]
TOGETHER = 20
"""From so many rows on it is quicker to write their items together than one by one."""


class Collect:
    """One collect of one source, inside one transaction."""

    def __init__(
        self, connection: sa.Connection, graph: Graph, *, schema: Schema, spec: SourceSpec, register: Register
    ) -> None:
        self._connection, self._graph, self._schema = connection, graph, schema
        self._spec, self._register = spec, register
        self._zone: tzinfo = ZoneInfo(register.controller.time_zone)
        self._leads: Leads = {}

    def run(
        self, seeds: Seeds, emit: Callable[[Item], None], *, bookmark: Bookmark | None = None
    ) -> dict[str, list[Lead]]:
        """Emit every record but those that the bookmark says to be kept; the values that lead on."""
        shares = Shares(seeds, self._spec.person.strength)
        discovery, search = self._search(seeds, shares)
        while compare(discovery):
            discovery, search = self._search(seeds, shares)
        joint = Joint(discovery, seeds, self._graph.people)
        joint_leads: Leads = {}
        pointers = Pointers(self._connection, discovery, search.leaves)
        for name, pile in discovery.piles.items():
            make = self._maker(name).item
            about_others, together = bool(pile.bound.node.spec.third_party), joint.concerns(name)
            onward = [f for e in self._graph.exports for n, _, f in [e.rpartition(".")] if n == name]
            for batch in chunks(pile.rows.values(), BINDS):
                pointed = pointers.at(pile.bound, batch)
                for found, by, row in zip(batch, pointed, self._rows(pile, batch), strict=True):
                    ownership = whose(found, by) if by.anyone else found.ownership
                    if found.doubt is Doubt.FOREIGN and ownership is Ownership.THIRD_PARTY:
                        continue  # nothing of the person's own led there, and it is another's: it has no place here
                    others = discovery.of_others(name, row) if about_others else ()
                    held = together and ownership is Ownership.OWN and joint.holds(name, row, discovery.day(name, row))
                    if held:
                        others = tuple(dict.fromkeys((*others, *joint.others(name, row))))
                    whole = Ownership.SHARED if held else ownership
                    item = make(row, ownership=whole, path=found.path, referenced=by.anyone, third_party=others)
                    if onward and ownership is Ownership.CANDIDATE:
                        item = replace(item, leads=as_json_leads(self._led(discovery, name, found, onward, {})))
                    emit(item)
                    if onward and ownership is Ownership.OWN:
                        self._led(discovery, name, found, onward, self._leads)
                        if held:
                            self._led(discovery, name, found, onward, joint_leads)
        for leaf in search.leaves.known.values():
            self._leaf(search, leaf, emit, joint=joint, bookmark=bookmark)
        self._series(search, emit, joint)
        joint_keys = {f"joint:{key}": values for key, values in joint_leads.items()}
        return as_leads(self._leads | joint_keys) | shares.leads()

    def _search(self, seeds: Seeds, shares: Shares) -> tuple[Discovery, Search]:
        discovery = Discovery(self._spec, self._graph, self._schema, seeds=seeds, zone=self._zone, shares=shares)
        search = Search(self._connection, self._graph, discovery, seeds=seeds)
        search.run(seeds)
        return discovery, search

    def _leaf(
        self, search: Search, leaf: Leaf, emit: Callable[[Item], None], *, joint: Joint, bookmark: Bookmark | None
    ) -> None:
        """The rows of a collection on which nothing hangs: they lead nowhere, and nobody else's point at them."""
        name = leaf.bound.name
        maker, discovery, names = self._maker(name), search.found, names_of(leaf.bound.table.columns)
        each = bool(leaf.bound.node.spec.third_party) or joint.concerns(name)
        for path, ownership, rows in search.leaves.rows(self._connection, leaf, bookmark):
            if not each and bookmark is not None and len(rows) >= TOGETHER and bookmark.takes(name):
                batch = maker.batch(rows, ownership=ownership, path=path)
                if batch is not None:
                    bookmark.take(batch)
                    continue
            named = as_rows(names, rows)
            if not each:
                for item in maker.items(named, ownership=ownership, path=path):
                    emit(item)
                continue
            for row in named:
                others = discovery.of_others(name, row)
                held = ownership is Ownership.OWN and joint.holds(name, row, discovery.day(name, row))
                if held:
                    others = tuple(dict.fromkeys((*others, *joint.others(name, row))))
                whole = Ownership.SHARED if held else ownership
                emit(maker.item(row, ownership=whole, path=path, referenced=False, third_party=others))

    def _maker(self, name: str) -> ItemMaker:
        bound = self._schema.bound[name]
        return ItemMaker(bound, source=self._spec.source, register=self._register, zone=self._zone)

    def _rows(self, pile: Pile, batch: list[Found]) -> Iterator[Row]:
        """The rows of a batch, in its order; those for which there was no room are read again."""
        again = [found.key for found in batch if found.row is None]
        bound = pile.bound
        read = {}
        for row in rows_with(self._connection, bound.table, bound.key, values=again) if again else ():
            read[pile.key(row)] = row
        for found in batch:
            yield found.row if found.row is not None else read[found.key]

    def _led(self, discovery: Discovery, name: str, found: Found, fields: Iterable[str], into: Leads) -> Leads:
        node = self._schema.bound[name].node
        for field in fields:
            if found.links[field] is None:
                continue
            value = str(as_json(found.links[field]))
            windows = discovery.onward(name, found, field)
            values = into.setdefault(node.address(field), {})
            values[value] = union(values[value], windows) if value in values else windows
        return into

    def _series(self, search: Search, emit: Callable[[Item], None], joint: Joint) -> None:
        """Days of series; where two ways lead to the same day it is emitted once, by the surest of them."""
        found = [
            *((t, v, False) for t, v in search.series.items()),
            *((t, v, True) for t, v in search.doubtful_series.items()),
        ]
        ways = Counter(name for (name, _), _, _ in found)
        seen: set[str] = set()
        for (name, columns), values, doubtful in found:
            bound = self._schema.bound[name]
            said = bound.node.spec.ownership
            series = Series(bound, zone=self._zone)
            maker = self._maker(name)
            for item in series.items(
                self._connection,
                columns,
                values,
                maker=maker,
                path=f"{name}.{'+'.join(columns)}",
                ownership=Ownership.OWN if said == "auto" else Ownership(said),
                source=self._spec.source,
                category=maker.category,
            ):
                if ways[name] > 1:
                    mark = f"{name} {sorted(item.locator['key'].items())} {item.locator['from']}"
                    if mark in seen:
                        continue
                    seen.add(mark)
                emit(doubted(item) if doubtful else days_together(item, name, joint))


def doubted(item: Item) -> Item:
    """A day that only a candidate leads to is a candidate, unless the register says that it is another's."""
    return item if item.ownership is Ownership.THIRD_PARTY else replace(item, ownership=Ownership.CANDIDATE)


def days_together(item: Item, name: str, joint: Joint) -> Item:
    """A day of a series that is held together with somebody is shared."""
    key = item.locator["key"]
    held = item.ownership is Ownership.OWN and any(joint.covers(name, c, key[c], item.on) for c in key)
    return replace(item, ownership=Ownership.SHARED) if held else item


def whose(found: Found, by: Pointed) -> Ownership:
    """Whose a row is at last: a parent that others point at too is shared.

    It is another's if no record of the person itself points at it and another person's does: the address
    a parcel was once sent to is not the sender's home.
    """
    if found.ownership in (Ownership.THIRD_PARTY, Ownership.SHARED) or found.strong or not by.anyone:
        return found.ownership
    if by.people and not found.direct:
        return Ownership.THIRD_PARTY
    return Ownership.CANDIDATE if found.ownership is Ownership.CANDIDATE else Ownership.SHARED


def as_leads(found: Leads) -> dict[str, list[Lead]]:
    """Values with their windows as leads."""
    return {
        key: [Lead(value, start, end) for value, windows in values.items() for start, end in spans(windows)]
        for key, values in found.items()
    }


def as_json_leads(found: Leads) -> dict[str, list[list[Json]]]:
    """The same as an item carries them."""
    return {
        key: [[lead.value, *(d.isoformat() if d else None for d in (lead.start, lead.end))] for lead in leads]
        for key, leads in as_leads(found).items()
    }
