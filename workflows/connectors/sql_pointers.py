"""Which columns of which tables point at a collection: by foreign key, or by a reference of the dataset."""

from collections.abc import Iterator
from dataclasses import dataclass

import sqlalchemy as sa

from workflows.connectors.sql_schema import Bound, Schema


@dataclass(frozen=True, slots=True)
class Pointer:
    """Columns of a child that point at columns of the collection looked at."""

    child: sa.Table
    child_columns: tuple[str, ...]
    columns: tuple[str, ...]
    node: str  # the child's collection, or "" where no dataset describes it
    followed: bool  # a strong row's children were all looked up


def pointers_of(schema: Schema, bound: Bound) -> tuple[Pointer, ...]:
    """Every one whose rows may be read."""
    return tuple(dict.fromkeys(_all(schema, bound)))


def _all(schema: Schema, bound: Bound) -> Iterator[Pointer]:
    names = {id(b.table): name for name, b in schema.bound.items()}
    down = {(w.source_fields, w.target, w.target_fields) for w in schema.ways if w.source == bound.name and not w.up}
    seen = set()
    for fk in schema.foreign_keys:
        if fk.parent is bound.table and fk.seen:
            seen.add((fk.child.key, fk.child_columns, fk.parent_columns))
            node = names.get(id(fk.child), "")
            followed = (fk.parent_columns, node, fk.child_columns) in down
            yield Pointer(fk.child, fk.child_columns, fk.parent_columns, node, followed)
    for way in schema.ways:
        if way.up and way.target == bound.name:
            end = (way.source, way.source_fields, way.target_fields)
        elif not way.up and way.source == bound.name and frozenset(way.source_fields) in bound.uniques:
            end = (way.target, way.target_fields, way.source_fields)
        else:
            continue
        child = schema.bound[end[0]].table
        if (child.key, end[1], end[2]) not in seen:
            seen.add((child.key, end[1], end[2]))
            yield Pointer(child, end[1], end[2], end[0], (end[2], end[0], end[1]) in down)
