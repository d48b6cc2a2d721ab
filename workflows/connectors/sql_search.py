"""From seeds to all rows they lead to in one source: in batches, along the edges, until nothing new is found."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from models.vocabulary import Ownership
from workflows.connectors.dataset import Graph
from workflows.connectors.shares import Doubt
from workflows.connectors.sql_found import Discovery, Found, Reached, Row
from workflows.connectors.sql_leaves import Leaves
from workflows.connectors.sql_lookup import another_text, batches_with, picker, rows_with
from workflows.connectors.sql_schema import Bound, Way
from workflows.connectors.sql_values import NO_MATCH, typed
from workflows.connectors.windows import Windows, both, of_span, union
from workflows.ports import Lead, Seeds

Values = dict[tuple[Any, ...], Windows]
Target = tuple[str, tuple[str, ...]]
"""(collection, columns) that values are looked up in."""
Slot = tuple[Way, bool, Doubt]
"""A way, whether it goes out from identified rows, and the doubt about them."""


class Search:
    """One search. `series` and `leaves` gather what leads to series and leaves, which are not read here."""

    def __init__(self, connection: sa.Connection, graph: Graph, discovery: Discovery, *, seeds: Seeds) -> None:
        self._connection, self._graph, self.found = connection, graph, discovery
        self.leaves = Leaves(discovery, graph, seeds)
        self._pending: dict[Slot, Values] = {}
        self._sent: dict[Slot, Values] = {}
        self.series: dict[Target, Values] = {}
        self.doubtful_series: dict[Target, Values] = {}  # that only candidates lead to
        self._ways: dict[str, list[Way]] = {}
        for way in discovery.schema.ways:
            self._ways.setdefault(way.source, []).append(way)

    def run(self, seeds: Seeds) -> None:
        """Find everything."""
        self._start_at_identities(seeds)
        self._start_at_inlets(seeds)
        while self._pending or self._follow_reconsidered():
            (way, direct, doubt), values = self._pending.popitem()
            words = f"{way.source}.{'+'.join(way.source_fields)} → {way.target}.{'+'.join(way.target_fields)}"
            reached = Reached(words, strong=not way.up, identified=False, direct=direct, doubt=doubt)
            self._pull((way.target, way.target_fields), values, reached)

    def _start_at_identities(self, seeds: Seeds) -> None:
        for name, bound in self.found.schema.bound.items():
            for column, identity in bound.node.identities.items():
                leads = self.found.shares.looked_up(identity, seeds)
                words = f"{name}.{column} = {identity}"
                values = self._typed(bound, column, leads)
                self._pull((name, (column,)), values, Reached(words, strong=True, identified=True, direct=True))

    def _start_at_inlets(self, seeds: Seeds) -> None:
        for inlet in self._graph.inlets:
            bound = self.found.schema.bound[inlet.target]
            parts = [self._typed(bound, c, seeds.get(k, ())) for k, c in zip(inlet.keys, inlet.fields, strict=True)]
            if not all(parts):
                continue
            words = f"{' + '.join(inlet.keys)} → {inlet.target}.{'+'.join(inlet.fields)}"
            if len(parts) == 1:
                # A value that names exactly one row here points at a parent, unless the field says it is the child's.
                child = bound.node.fields[inlet.fields[0]].points
                up = frozenset(inlet.fields) in bound.uniques and not child
                target = (inlet.target, inlet.fields)
                self._pull(target, parts[0], Reached(words, strong=not up, identified=False, direct=False))
                continue
            for row in rows_with(self._connection, bound.table, inlet.fields[:1], values=list(parts[0])):
                if all((row[c],) in part for c, part in zip(inlet.fields, parts, strict=True)):
                    windows: Windows = None
                    for column, part in zip(inlet.fields, parts, strict=True):
                        windows = both(windows, part[(row[column],)])
                    self._admit(bound, [row], windows, Reached(words, strong=True, identified=False, direct=False))

    def _typed(self, bound: Bound, column: str, leads: Sequence[Lead]) -> Values:
        values: Values = {}
        for lead in leads:
            value = typed(bound.table.c[column], lead.value)
            if value is not NO_MATCH:
                window = of_span(lead.start, lead.end)
                key = (value,)
                values[key] = union(values[key], window) if key in values else window
        return values

    def _pull(self, target: Target, values: Values, reached: Reached) -> None:
        name, columns = target
        bound = self.found.schema.bound[name]
        if bound.node.spec.series:
            known = (self.doubtful_series if reached.doubt else self.series).setdefault(target, {})
            for value, windows in values.items():
                known[value] = union(known[value], windows) if value in known else windows
            return
        if self.leaves.take(name, values, reached=reached):
            return
        email = reached.identified and bound.node.identities[columns[0]] == "email"
        alike = len(set(values.values())) == 1
        whole = next(iter(values.values())) if alike else frozenset()
        pick = picker(columns)
        first, parts = columns[0], {v[0] for v in values} if len(columns) == 1 else set[Any]()
        for rows in batches_with(self._connection, bound.table, columns, values=list(values), email=email):
            kept = rows
            if not email and not all(r[first] in parts for r in rows):
                kept = [r for r in rows if pick(r) in values or not another_text(pick(r), values)]
            if reached.identified and self.found.shares.any_doubt(bound.node.identities[first]):
                for row in kept:
                    doubt = self.found.doubt(name, first, row)
                    self._admit(bound, [row], values.get(pick(row), whole), replace(reached, doubt=doubt))
                continue
            if alike:
                self._admit(bound, kept, whole, reached)
                continue
            # A spelling that is not exactly the seed's gets a period only if all seeds share it.
            for row in kept:
                self._admit(bound, [row], values.get(pick(row), whole), reached)

    def _admit(self, bound: Bound, rows: Sequence[Row], windows: Windows, reached: Reached) -> None:
        if windows is None or bound.node.spec.on is None:
            self._follow(bound.name, self.found.admit_all(bound.name, rows, windows, reached))
            return
        for row in rows:
            when = self.found.in_time(bound, row, windows)
            if when is not False:
                found = self.found.admit_all(bound.name, [row], windows, reached, undated=when is None)
                self._follow(bound.name, found)

    def _follow_reconsidered(self) -> bool:
        for name, found in list(self.found.reconsider()):
            self._follow(name, [found])
        return bool(self._pending)

    def _follow(self, name: str, rows: Sequence[Found]) -> None:
        """Note where these rows' values lead; another's row leads nowhere, a parent never downwards."""
        mine = [found for found in rows if found.ownership is not Ownership.THIRD_PARTY]
        for way in self._ways.get(name, ()) if mine else ():
            pick, first = picker(way.source_fields), way.source_fields[0]
            always = first not in self.found.schema.bound[name].node.spec.windows
            for identified, doubt in {(found.identified, found.doubt) for found in mine}:
                slot = (way, identified, doubt)
                sent = self._sent.setdefault(slot, {})
                fresh: Values = {}
                for found in mine:
                    if found.identified is not identified or found.doubt is not doubt or not (found.strong or way.up):
                        continue
                    value = pick(found.links)
                    if None in value:
                        continue
                    wider = found.windows if always else self.found.onward(name, found, first)
                    if value in sent:
                        wider = union(sent[value], wider)
                        if sent[value] == wider:
                            continue
                    sent[value] = fresh[value] = wider
                if fresh:
                    self._pending.setdefault(slot, {}).update(fresh)
