"""Collections on which nothing hangs: their rows are not kept while the search goes on, but streamed at its end.

What leads to such a collection is gathered by value. A person may have a million rows there, and all that has to be
remembered of them is by which values of the person they were reached.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any

import sqlalchemy as sa

from models.vocabulary import Ownership
from workflows.bookmarks import Bookmark
from workflows.connectors.dataset import Graph
from workflows.connectors.sql_found import Discovery, Reached, Row
from workflows.connectors.sql_lookup import BINDS, Tuples, another_text, chunks, kept_with, picker, tuples_with
from workflows.connectors.sql_pointers import pointers_of
from workflows.connectors.sql_schema import Bound, names_of
from workflows.connectors.sql_streams import few_with, in_order, ordered_key
from workflows.connectors.sql_values import as_json, typed
from workflows.connectors.windows import Windows, union
from workflows.ports import Seeds
from workflows.rules.items import Json, canonical

Value = tuple[Any, ...]
Values = dict[Value, Windows]
Told = tuple[str, Ownership, Tuples]


@dataclass(slots=True)
class Leaf:
    """One such collection: the columns it is reached by, and the values found so far with the way to each."""

    bound: Bound
    columns: tuple[str, ...]
    values: Values = field(default_factory=dict)
    paths: dict[Value, str] = field(default_factory=dict)


class Leaves:
    """Those of one search."""

    def __init__(self, discovery: Discovery, graph: Graph, seeds: Seeds) -> None:
        self._found = discovery
        doubted = any(
            discovery.shares.any_doubt(identity) and discovery.shares.looked_up(identity, seeds)
            for node in graph.nodes.values()
            for identity in node.identities.values()
        )
        # Of what may be somebody else's each row must be known, for what it points at may be theirs as well.
        self.known = {} if doubted else dict(_leaves(discovery, graph))

    def take(self, name: str, values: Mapping[Value, Windows], *, reached: Reached) -> bool:
        """Note that these values lead here; whether this collection is streamed at the end."""
        leaf = self.known.get(name)
        if leaf is None:
            return False
        for value, windows in values.items():
            leaf.values[value] = union(leaf.values[value], windows) if value in leaf.values else windows
            leaf.paths.setdefault(value, reached.path)
        return True

    def owns(self, name: str, row: Row) -> bool:
        """Whether this row, of which at least `needed` is known, is the person's."""
        leaf = self.known[name]
        value = picker(leaf.columns)(row)
        return value in leaf.values and bool(self._found.in_time(leaf.bound, row, leaf.values[value]))

    def needed(self, name: str) -> tuple[str, ...]:
        """The columns that `owns` looks at; none where the collection is not streamed."""
        leaf = self.known.get(name)
        if leaf is None:
            return ()
        on = leaf.bound.node.spec.on
        return tuple(dict.fromkeys((*leaf.columns, *((on,) if on else ()))))

    def rows(self, connection: sa.Connection, leaf: Leaf, bookmark: Bookmark | None = None) -> Iterator[Told]:
        """The rows of a collection, each once, some at a time: how they were reached, whose they are, and they.

        Of each row the values in the order of the table's columns. With a bookmark, only what is not kept already.
        """
        table, size = leaf.bound.table, max(1, BINDS // len(leaf.columns))
        odd: set[Value] = set()
        if bookmark is not None:
            yield from self._resumed(connection, leaf, bookmark, odd=odd)
            return
        for chunk in chunks(leaf.values, size):
            for rows in tuples_with(connection, table, leaf.columns, values=chunk):
                yield from self._told(leaf, chunk, rows, odd=odd)

    def _resumed(self, connection: sa.Connection, leaf: Leaf, bookmark: Bookmark, *, odd: set[Value]) -> Iterator[Told]:
        """Places are [chunk] or [chunk, key of its last row]; what is small is not worth one."""
        table, columns, key = leaf.bound.table, leaf.columns, ordered_key(leaf.bound.table)
        several = list(chunks(sorted(leaf.values, key=_sorted_by), max(1, BINDS // len(columns))))
        begun = len(several) > 1
        first, *last = (bookmark.after(leaf.bound.name, _mark(leaf, key)) or [0]) if begun else [0]
        for n, chunk in enumerate(several):
            few = few_with(connection, table, columns, values=chunk) if n >= first and not last else None
            if few is None and not begun:
                begun = True
                first, *last = bookmark.after(leaf.bound.name, _mark(leaf, key)) or [0]
            if n < first:
                continue
            if few is not None:
                batches: Iterable[Tuples] = [few]
            elif key:
                after = [typed(c, v) for c, v in zip(key, last, strict=True)] if last else None
                batches, last = in_order(connection, table, columns, values=chunk, after=after), []
            else:
                batches = tuples_with(connection, table, columns, values=chunk)
            for rows in batches:
                yield from self._told(leaf, chunk, rows, odd=odd)
                if few is None and key and rows and not odd and (place := _place(key, as_row(leaf, rows[-1]))):
                    bookmark.reached([n, *place])
            if begun and not odd:  # of a row that is spelled otherwise no other attempt would know that it came
                bookmark.reached([n + 1])
        if begun:
            bookmark.done()

    def _told(self, leaf: Leaf, chunk: Sequence[Value], rows: Tuples, *, odd: set[Value]) -> Iterator[Told]:
        on, wanted, places = leaf.bound.node.spec.on, set(chunk), places_of(leaf)
        path, windows = leaf.paths[chunk[0]], leaf.values[chunk[0]]
        alike = all(leaf.paths[v] == path and leaf.values[v] == windows for v in chunk)
        mine = rows
        if not wanted.issuperset(zip(*(map(itemgetter(i), rows) for i in places), strict=True)):
            mine = [
                row
                for row in rows
                if tuple(row[i] for i in places) in wanted or _spelled_otherwise(leaf, as_row(leaf, row), wanted, odd)
            ]
        if alike and (windows is None or on is None):
            yield path, Ownership.OWN, mine
        else:
            yield from self._dated(leaf, mine, windows if alike else frozenset())

    def _dated(self, leaf: Leaf, rows: Tuples, usual: Windows) -> Iterator[Told]:
        """Row by row: one outside the person's time is another's, and so is one that does not say when it was."""
        places = places_of(leaf)
        for row in rows:
            value = tuple(row[i] for i in places)
            when = self._found.in_time(leaf.bound, as_row(leaf, row), leaf.values.get(value, usual))
            if when is not False:
                path = leaf.paths.get(value) or next(iter(leaf.paths.values()))
                yield path, Ownership.THIRD_PARTY if when is None else Ownership.OWN, [row]


def places_of(leaf: Leaf) -> list[int]:
    """Where in a row the columns are that the collection is reached by."""
    names = names_of(leaf.bound.table.columns)
    return [names.index(c) for c in leaf.columns]


def as_row(leaf: Leaf, values: Sequence[Any]) -> Row:
    """A row by the names of its columns."""
    return dict(zip(names_of(leaf.bound.table.columns), values, strict=True))


def _sorted_by(value: Value) -> str:
    return canonical(list(map(as_json, value)))


def _mark(leaf: Leaf, key: Sequence[sa.Column[Any]]) -> Json:
    """What is searched for, in which days, by which ways and in which order: the same only if the same would come."""
    values = [
        [list(map(as_json, value)), windows is None, sorted(map(str, windows or ())), leaf.paths[value]]
        for value, windows in sorted(leaf.values.items(), key=lambda pair: _sorted_by(pair[0]))
    ]
    return [list(leaf.columns), [[c.name, str(c.type)] for c in key], values]


def _place(key: Sequence[sa.Column[Any]], row: Row) -> list[Json]:
    """The key of a row as JSON; nothing where it would not be found again by that."""
    values = [as_json(row[c.name]) for c in key]
    same = all(typed(c, v) == row[c.name] for c, v in zip(key, values, strict=True))
    return values if same else []


def _spelled_otherwise(leaf: Leaf, row: Row, wanted: set[Value], odd: set[Value]) -> bool:
    """Whether a row that the database takes for one with these values is one, and comes for the first time."""
    value, key = picker(leaf.columns)(row), picker(leaf.bound.key)(row)
    if value in leaf.values or key in odd or another_text(value, wanted):
        return False
    odd.add(key)
    return True


def _leaves(discovery: Discovery, graph: Graph) -> Iterator[tuple[str, Leaf]]:
    for name, bound in discovery.schema.bound.items():
        columns = kept_with(bound.table, ("leaf", name), lambda n=name: _reached_by(n, discovery, graph))  # type: ignore[misc]
        if columns:
            yield name, Leaf(bound, columns)


def _reached_by(name: str, discovery: Discovery, graph: Graph) -> tuple[str, ...]:
    """The columns by which alone a collection is reached; none where its rows have to be kept.

    They have to where a row may tell whose it is, lead on to others, or be pointed at; and where it can be
    reached in two ways, for then it would be streamed twice.
    """
    schema, bound = discovery.schema, discovery.schema.bound[name]
    roles, spec = discovery.piles[name].roles, bound.node.spec
    ways = [way for way in schema.ways if way.target == name]
    inlets = [inlet for inlet in graph.inlets if inlet.target == name]
    targets = {way.target_fields for way in ways} | {inlet.fields for inlet in inlets}
    if len(targets) != 1 or spec.series or not roles.plain or roles.is_subject or roles.taught:
        return ()
    if any(way.up for way in ways) or any(way.source == name for way in schema.ways):
        return ()
    if any(len(inlet.keys) > 1 or schema.up(name, inlet.fields) for inlet in inlets):
        return ()
    if any(export.rpartition(".")[0] == name for export in graph.exports) or pointers_of(schema, bound):
        return ()
    (columns,) = targets
    return columns
