"""From seeds to all rows they lead to in one source: in batches, along the edges, until nothing new is found."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from models.vocabulary import Ownership
from workflows.connectors.dataset import Graph
from workflows.connectors.sql_found import Discovery, Found, Row
from workflows.connectors.sql_schema import DIALECT, Bound, Way
from workflows.connectors.sql_values import NO_MATCH, typed
from workflows.connectors.windows import Windows, both, of_span, union
from workflows.ports import Lead, Seeds

BINDS = 500
ROWS = 1_000
FEW = 500
Values = dict[tuple[Any, ...], Windows]
Target = tuple[str, tuple[str, ...]]
"""(collection, columns) that values are looked up in."""


class Search:
    """One search. `series` gathers what leads to series, which are never read row by row here."""

    def __init__(self, connection: sa.Connection, graph: Graph, discovery: Discovery) -> None:
        self._connection, self._graph, self._found = connection, graph, discovery
        self._pending: dict[tuple[Way, bool], Values] = {}  # (way, from an identified row)
        self._sent: dict[tuple[Way, bool], Values] = {}
        self.series: dict[Target, Values] = {}
        self._ways: dict[str, list[Way]] = {}
        for way in discovery.schema.ways:
            self._ways.setdefault(way.source, []).append(way)

    def run(self, seeds: Seeds) -> None:
        """Find everything."""
        self._start_at_identities(seeds)
        self._start_at_inlets(seeds)
        while self._pending or self._follow_reconsidered():
            (way, direct), values = self._pending.popitem()
            words = f"{way.source}.{'+'.join(way.source_fields)} → {way.target}.{'+'.join(way.target_fields)}"
            self._pull(
                (way.target, way.target_fields), values, strong=not way.up, identified=False, direct=direct, path=words
            )

    def _start_at_identities(self, seeds: Seeds) -> None:
        for name, bound in self._found.schema.bound.items():
            for column, identity in bound.node.identities.items():
                leads = seeds.get(f"identity:{identity}", ())
                words = f"{name}.{column} = {identity}"
                values = self._typed(bound, column, leads)
                self._pull((name, (column,)), values, strong=True, identified=True, direct=True, path=words)

    def _start_at_inlets(self, seeds: Seeds) -> None:
        for inlet in self._graph.inlets:
            bound = self._found.schema.bound[inlet.target]
            parts = [self._typed(bound, c, seeds.get(k, ())) for k, c in zip(inlet.keys, inlet.fields, strict=True)]
            if not all(parts):
                continue
            words = f"{' + '.join(inlet.keys)} → {inlet.target}.{'+'.join(inlet.fields)}"
            if len(parts) == 1:
                # A value that names exactly one row here points at a parent, unless the field says it is the child's.
                child = bound.node.fields[inlet.fields[0]].points
                up = frozenset(inlet.fields) in bound.uniques and not child
                target = (inlet.target, inlet.fields)
                self._pull(target, parts[0], strong=not up, identified=False, direct=False, path=words)
                continue
            for row in rows_with(self._connection, bound.table, inlet.fields[:1], values=list(parts[0])):
                if all((row[c],) in part for c, part in zip(inlet.fields, parts, strict=True)):
                    windows: Windows = None
                    for column, part in zip(inlet.fields, parts, strict=True):
                        windows = both(windows, part[(row[column],)])
                    self._admit(bound, row, windows, strong=True, identified=False, direct=False, path=words)

    def _typed(self, bound: Bound, column: str, leads: Sequence[Lead]) -> Values:
        values: Values = {}
        for lead in leads:
            value = typed(bound.table.c[column], lead.value)
            if value is not NO_MATCH:
                window = of_span(lead.start, lead.end)
                key = (value,)
                values[key] = union(values[key], window) if key in values else window
        return values

    def _pull(self, target: Target, values: Values, *, strong: bool, identified: bool, direct: bool, path: str) -> None:
        name, columns = target
        bound = self._found.schema.bound[name]
        if bound.node.spec.series:
            known = self.series.setdefault(target, {})
            for value, windows in values.items():
                known[value] = union(known[value], windows) if value in known else windows
            return
        email = identified and bound.node.identities[columns[0]] == "email"
        whole = next(iter(values.values())) if len(set(values.values())) == 1 else frozenset()
        for row in rows_with(self._connection, bound.table, columns, values=list(values), email=email):
            # A spelling that is not exactly the seed's gets a period only if all seeds share it.
            value = tuple(row[c] for c in columns)
            if value not in values and not email and _another_text(value, values):
                continue
            windows = values.get(value, whole)
            self._admit(bound, row, windows, strong=strong, identified=identified, direct=direct, path=path)

    def _admit(
        self, bound: Bound, row: Row, windows: Windows, *, strong: bool, identified: bool, direct: bool, path: str
    ) -> None:
        when = self._found.in_time(bound, row, windows)
        if when is False:
            return
        found = self._found.admit(
            bound.name,
            row,
            strong=strong,
            identified=identified,
            direct=direct,
            windows=windows,
            path=path,
            undated=when is None,
        )
        if found is not None:
            self._follow(bound.name, found)

    def _follow_reconsidered(self) -> bool:
        for name, found in list(self._found.reconsider()):
            self._follow(name, found)
        return bool(self._pending)

    def _follow(self, name: str, found: Found) -> None:
        """Note where this row's values lead; another's row leads nowhere, a parent never downwards."""
        if found.ownership is Ownership.THIRD_PARTY:
            return
        for way in self._ways.get(name, ()):
            if not (found.strong or way.up):
                continue
            value = tuple(found.links[c] for c in way.source_fields)
            if None in value:
                continue
            windows = self._found.onward(name, found, way.source_fields[0])
            slot = (way, found.identified)
            sent = self._sent.setdefault(slot, {})
            wider = union(sent[value], windows) if value in sent else windows
            if value in sent and sent[value] == wider:
                continue
            sent[value] = wider
            self._pending.setdefault(slot, {})[value] = wider


def _another_text(value: tuple[Any, ...], values: Values) -> bool:
    """Whether a database that cares less about case found a text that is not the one looked for.

    Only the spaces that CHAR columns are filled up with do not count.
    """
    if not all(isinstance(part, str) for part in value):
        return False
    plain = tuple(part.rstrip(" ") for part in value)
    return plain not in {tuple(str(part).rstrip(" ") for part in wanted) for wanted in values}


def rows_with(
    connection: sa.Connection,
    table: sa.Table,
    columns: tuple[str, ...],
    *,
    values: Sequence[tuple[Any, ...]],
    email: bool = False,
) -> Iterator[Mapping[str, Any]]:
    """Stream the rows of a table that carry one of these values in these columns, as plain dictionaries."""
    names = [c.name for c in table.columns]
    for chunk in chunks(values, max(1, BINDS // len(columns))):
        statement = sa.select(table).where(matches(table, columns, values=chunk, email=email))
        for part in _parts(connection, statement):
            for row in part:
                yield dict(zip(names, row, strict=False))


def _parts(connection: sa.Connection, statement: sa.Select[Any]) -> Iterable[Sequence[Sequence[Any]]]:
    """A few rows in one go; more than that through a cursor of the server, which takes four more round trips."""
    if connection.dialect.name != "sqlite":
        few = connection.execute(statement.limit(FEW + 1)).all()
        if len(few) <= FEW:
            return [few]
    return connection.execute(statement, execution_options={"stream_results": True}).partitions(ROWS)


def matches(
    table: sa.FromClause, columns: tuple[str, ...], *, values: Sequence[tuple[Any, ...]], email: bool = False
) -> sa.ColumnElement[bool]:
    """The condition that these columns carry one of these values; an e-mail address in any case."""
    if len(columns) > 1:
        return sa.tuple_(*(table.c[c] for c in columns)).in_(values)
    column = table.c[columns[0]]
    plain = [v[0] for v in values]
    if isinstance(table, sa.Table) and isinstance(column.type, sa.Integer) and _has_arrays(table):
        # One value however many there are: one statement to compile and prepare, not one for each number of them.
        return column == sa.any_(sa.literal(plain, postgresql.ARRAY(sa.BigInteger)))
    if email:
        return sa.or_(sa.func.lower(column).in_([str(v).lower() for v in plain]), column.in_(plain))
    return column.in_(plain)


def _has_arrays(table: sa.Table) -> bool:
    return bool(table.metadata.info.get(DIALECT) == "postgresql")


def chunks(values: Iterable[Any], size: int) -> Iterator[list[Any]]:
    """Lists of at most `size`."""
    iterator = iter(values)
    while chunk := list(islice(iterator, size)):
        yield chunk
