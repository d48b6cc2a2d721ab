"""What a collection is searched by: columns, and the values that lead to records which carry them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from workflows.connectors.dataset import Graph, Inlet
from workflows.connectors.records import Wanted
from workflows.connectors.records_paths import parts, text_of
from workflows.connectors.shares import Doubt, Shares
from workflows.connectors.sql_schema import Schema
from workflows.connectors.windows import Windows, both, of_span, union
from workflows.ports import Lead, Seeds

Values = dict[tuple[str, ...], Windows]


@dataclass(frozen=True, slots=True)
class Door:
    """Records that carry one of `values` in `columns` are found; `email`: whatever their case.

    `strong`, `identified` and `direct` say what a record found here is, as in `sql_found.Found`.
    """

    columns: tuple[str, ...]
    values: Values
    path: str
    strong: bool
    identified: bool = False
    direct: bool = False
    doubt: Doubt = Doubt.SURE  # of what is found by reference; an identity's is told value by value
    email: bool = False

    def match(self, row: Mapping[str, Any]) -> tuple[bool, Windows]:
        """Whether the row is found here, and when it is the person's."""
        hit, windows = False, frozenset[Any]()
        for combination in product(*(parts(row[c]) for c in self.columns)):
            texts = tuple(map(text_of, combination))
            value = tuple(t.lower() for t in texts) if self.email else texts
            if value in self.values:
                found = self.values[value]
                hit, windows = True, found if not hit else union(windows, found)  # type: ignore[assignment]
        return hit, windows


def outer_doors(graph: Graph, schema: Schema, seeds: Seeds, *, shares: Shares) -> Iterator[tuple[str, Door]]:
    """The doors that seeds open: (collection, door)."""
    for name, bound in schema.bound.items():
        for column, identity in bound.node.identities.items():
            email = identity == "email"
            values = _values(shares.looked_up(identity, seeds), lower=email)
            if values:
                path = f"{name}.{column} = {identity}"
                yield name, Door((column,), values, path, strong=True, identified=True, direct=True, email=email)
    for inlet in graph.inlets:
        if values := _together(inlet, seeds):
            bound = schema.bound[inlet.target]
            # A value that names exactly one row here points at a parent, unless the field says it is the child's.
            one = len(inlet.fields) == 1
            up = one and frozenset(inlet.fields) in bound.uniques and not bound.node.fields[inlet.fields[0]].points
            path = f"{' + '.join(inlet.keys)} → {inlet.target}.{'+'.join(inlet.fields)}"
            yield inlet.target, Door(inlet.fields, values, path, strong=not up)


def _values(leads: Sequence[Lead], *, lower: bool = False) -> Values:
    values: Values = {}
    for lead in leads:
        key = (lead.value.lower() if lower else lead.value,)
        window = of_span(lead.start, lead.end)
        values[key] = union(values[key], window) if key in values else window
    return values


def _together(inlet: Inlet, seeds: Seeds) -> Values:
    """Each combination of one value of every key; a composite key is looked up whole."""
    each = [_values(seeds.get(key, ())) for key in inlet.keys]
    if len(each) == 1:
        return each[0]
    values: Values = {}
    for combination in product(*(part.items() for part in each)):
        windows: Windows = None
        for _, window in combination:
            windows = both(windows, window)
        if windows is None or windows:
            values[tuple(key[0] for key, _ in combination)] = windows
    return values


def wanted(doors: Iterable[Door]) -> Wanted:
    """What a source is asked for so that these doors find all they can."""
    columns: dict[str, set[str]] = {}
    for door in doors:
        for i, column in enumerate(door.columns):
            columns.setdefault(column, set()).update(value[i] for value in door.values)
            if door.email:
                break
    return {column: frozenset(values) for column, values in columns.items()}
