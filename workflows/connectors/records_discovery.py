"""Records of a service as something that can be looked around in: which fields they have, counted over a few.

A service declares no schema, so a field that few records have may be missing from what was looked at: nothing is
ever said to be gone.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import date
from itertools import islice
from typing import Any

from workflows.connectors.dataset import Node
from workflows.connectors.records import Records, Wanted
from workflows.errors import NeverAgain
from workflows.rules.detect_values import evidence_of
from workflows.rules.discovered import Discovered, FoundField, FoundTable

_FEW = 100
_DEEP = 8

Values = dict[str, list[Any]]


class RecordDiscovery:
    """Collections that can be listed, or whose canary is known, behind the `Discovers` port."""

    def __init__(
        self,
        opened: Callable[[], AbstractContextManager[Records]],
        nodes: Sequence[Node],
        *,
        known: Mapping[str, str],
    ) -> None:
        self._looking_in, self._looked_at, self._canary = opened, nodes, known

    def discover(self, *, schemas: Sequence[str] = ()) -> Discovered:  # noqa: ARG002 (services have none)
        """The fields that the first records have."""
        with self._looking_in() as records:
            return Discovered([_table(node, *self._seen_in(records, node, _FEW)) for node in self._looked_at])

    def look(self, tables: Iterable[FoundTable], *, today: date, rows: int = _FEW) -> list[FoundTable]:
        """The same with counts over the first records."""
        nodes = {node.collection: node for node in self._looked_at}
        out = []
        with self._looking_in() as records:
            for table in tables:
                values, _ = self._seen_in(records, nodes[table.name], min(rows, _FEW)) if rows else ({}, "")
                fields = (replace(f, evidence=evidence_of(values.get(f.name, ()), today=today)) for f in table.fields)
                out.append(replace(table, fields=tuple(fields)))
        return out

    def alike(self, tables: Sequence[FoundTable], *, default: str) -> list[FoundTable]:  # noqa: ARG002 (the port's shape)
        """The same: services declare no keys that a reference could lead to."""
        return list(tables)

    def _seen_in(self, records: Records, node: Node, most: int) -> tuple[Values, str]:
        """The values of the first records by dotted name, and why there are none."""
        values: Values = {}
        for wanted in (None, self._canary_in(node)):
            if wanted == {}:
                continue
            try:
                for record in islice(records.rows(node, wanted), most):
                    for name, value in _leaves(record.content):
                        values.setdefault(name, []).append(value)
            except NeverAgain as error:
                if error.code != "no_call":
                    raise
                continue
            return values, "" if values else "it gave no record to look at"
        return values, "no call lists its records"

    def _canary_in(self, node: Node) -> Wanted:
        return {f: frozenset({self._canary[i]}) for f, i in node.identities.items() if i in self._canary}


def _table(node: Node, values: Values, unread: str) -> FoundTable:
    fields = tuple(FoundField(name) for name in sorted(values))
    return FoundTable(node.collection, fields, unread=unread, loose=True)


def _leaves(value: Any, name: str = "", depth: int = 0) -> Iterator[tuple[str, Any]]:
    """What stands innermost, each under its dotted name; the elements of an array under the array's."""
    if depth > _DEEP:
        return
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _leaves(inner, f"{name}.{key}" if name else str(key), depth + 1)
    elif isinstance(value, list):
        for inner in value[:_FEW]:
            yield from _leaves(inner, name, depth + 1)
    elif name:
        yield name, value
