"""How plan items stand in the source right now: there, gone, changed, or pointed at; and what could be done."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import tzinfo
from typing import Any

import sqlalchemy as sa

from models.vocabulary import Action
from workflows.connectors.sql_anonymise import why_not_anonymous
from workflows.connectors.sql_items import digests_of
from workflows.connectors.sql_lookup import BINDS, FOLDING, chunks, matches, picker
from workflows.connectors.sql_masking import masked_fields, neutral
from workflows.connectors.sql_schema import Bound, ForeignKey, Schema, names_of
from workflows.connectors.sql_series import Series, series_day
from workflows.connectors.sql_values import NO_MATCH, day_after, typed
from workflows.ports import EraseItem

Value = tuple[Any, ...]
Row = Mapping[str, Any]


@dataclass(slots=True)
class Standing:
    """One item and its rows in the source: one, a day's many for a series, none if it is gone."""

    item: EraseItem
    bound: Bound | None
    rows: list[Row] = field(default_factory=list)
    digest: str = ""
    refused: str = ""  # code
    fields: tuple[str, ...] = ()  # that masking will change

    @property
    def drifted(self) -> bool:
        """Whether it is not what was approved."""
        return bool(self.rows) and self.digest != self.item.digest

    @property
    def able(self) -> bool:
        """Whether it is there, unchanged and nothing speaks against treating it."""
        return bool(self.rows) and not self.drifted and not self.refused


def stand(
    connection: sa.Connection, schema: Schema, items: Sequence[EraseItem], *, zone: tzinfo, lock: bool
) -> list[Standing]:
    """Look every item up again, in order; with `lock`, nobody changes the rows until the transaction ends."""
    standings = [Standing(item, schema.bound.get(item.collection)) for item in items]
    groups: dict[str, list[Standing]] = {}
    for standing in standings:
        if standing.bound is None:
            standing.refused = "unknown_collection"
        else:
            groups.setdefault(standing.bound.name, []).append(standing)
    for name in sorted(groups):
        bound = schema.bound[name]
        if bound.node.spec.series:
            _look_at_days(connection, bound, groups[name], zone=zone, lock=lock)
        else:
            _look_at_rows(connection, bound, groups[name], lock=lock)
    return standings


def judge(connection: sa.Connection, schema: Schema, standings: Sequence[Standing]) -> None:
    """Set `refused` and `fields` by what the schema and the other rows say. Reads only."""
    seen: set[tuple[str, Value]] = set()
    for standing in standings:
        if not standing.able or standing.bound is None:
            continue
        mark = (standing.bound.name, tuple(map(repr, sorted(standing.item.locator.items()))))
        if mark in seen:
            standing.refused = "twice"
        seen.add(mark)
        if standing.bound.stuck:
            standing.refused = standing.refused or standing.bound.stuck
        if standing.item.action is Action.MASK and not standing.refused:
            _judge_mask(schema, standing.bound, standing)
        elif standing.item.action is Action.ANONYMISE and not standing.refused:
            _judge_anonymise(connection, schema, standing)
        elif standing.item.action is not Action.DELETE:
            standing.refused = standing.refused or "action"
    refuse_pointed(connection, schema, [s for s in standings if s.able and s.item.action is not Action.MASK])


def _judge_anonymise(connection: sa.Connection, schema: Schema, standing: Standing) -> None:
    """Say what is emptied, or why that would not make it anonymous."""
    if standing.bound is not None:
        rows = [dict(row) for row in standing.rows]
        standing.refused = why_not_anonymous(connection, schema, standing.bound, item=standing.item, rows=rows)
        standing.fields = standing.item.fields


def _judge_mask(schema: Schema, bound: Bound, standing: Standing) -> None:
    if bound.node.spec.series:
        standing.refused = "mask_series"
        return
    if any(name not in bound.node.fields for name in standing.item.fields):
        standing.refused = "unknown_field"
        return
    standing.fields = masked_fields(schema, bound, standing.item.fields)
    if not standing.fields:
        standing.refused = "nothing_to_mask"
    elif any(neutral(bound, name) is None for name in standing.fields):
        standing.refused = "unmaskable"


def _look_at_rows(connection: sa.Connection, bound: Bound, standings: list[Standing], *, lock: bool) -> None:
    """Rows by key, many at once; a collection without a key is compared column by column."""
    digest, key = digests_of(bound.table), picker(bound.key)
    names = names_of(bound.table.columns)
    wanted: dict[Value, list[Standing]] = {}
    for standing in standings:
        locator = standing.item.locator
        if set(locator) != set(bound.key):
            standing.refused = "unknown_locator"
            continue
        value = tuple(None if locator[c] is None else typed(bound.table.c[c], locator[c]) for c in bound.key)
        if NO_MATCH not in value:
            wanted.setdefault(value, []).append(standing)
    for chunk in chunks(sorted(wanted, key=repr), max(1, BINDS // len(bound.key))):
        statement = sa.select(bound.table).where(are(bound, chunk)).order_by(*(bound.table.c[c] for c in bound.key))
        for row in connection.execute(locked(statement, bound.table) if lock else statement):
            whole = dict(zip(names, row, strict=True))
            for standing in wanted.get(key(whole), ()):
                standing.rows.append(whole)
                standing.digest = digest(whole)


def locked(statement: sa.Select[Any], table: sa.Table) -> sa.Select[Any]:
    """The same, and nobody else changes these rows until the transaction ends."""
    return statement.with_for_update().with_hint(table, "WITH (UPDLOCK, HOLDLOCK, ROWLOCK)", "mssql")


def are(bound: Bound, values: Sequence[Value]) -> sa.ColumnElement[bool]:
    """The condition that finds exactly these rows; NULL is a value like others where there is no key."""
    if bound.keyed:
        return matches(bound.table, bound.key, values=values)
    return sa.or_(
        *(
            sa.and_(*(bound.table.c[c].is_not_distinct_from(v) for c, v in zip(bound.key, value, strict=True)))
            for value in values
        )
    )


def _look_at_days(
    connection: sa.Connection, bound: Bound, standings: list[Standing], *, zone: tzinfo, lock: bool
) -> None:
    series = Series(bound, zone=zone)
    for standing in standings:
        locator = standing.item.locator
        key = locator.get("key")
        if not isinstance(key, dict) or set(key) != set(series.spec.key) or locator.get("at") != series.spec.at:
            standing.refused = "unknown_locator"
            continue
        value = tuple(typed(bound.table.c[c], key[c]) for c in series.spec.key)
        if NO_MATCH in value:
            continue
        day = series_day(locator, zone)
        where = matches(bound.table, series.spec.key, values=[value])
        for found in series.days(connection, where, span=(day, day_after(day)), lock=lock):
            standing.digest = series.digest(found)
            standing.rows = [dict(zip(series.names, row, strict=True)) for row in found.raw]


def refuse_pointed(connection: sa.Connection, schema: Schema, deletes: Sequence[Standing]) -> None:
    """Refuse what rows outside the batch point at, and then what only refused rows of the batch point at.

    Counting is enough: if more rows point at a row than the batch deletes, somebody is left pointing.
    """
    of: dict[int, list[Standing]] = {}
    for standing in deletes:
        if standing.bound is not None:
            of.setdefault(id(standing.bound.table), []).append(standing)
    # Who may not be seen pointing is found by the rehearsal, and by the count of the erasure itself.
    pointers = [fk for fk in (*schema.foreign_keys, *_undeclared(schema)) if id(fk.parent) in of and fk.seen]
    outside = {fk: _counts(connection, fk, of[id(fk.parent)]) for fk in dict.fromkeys(pointers)}
    changed = True
    while changed:
        changed = False
        for fk, counts in outside.items():
            inside: dict[Value, int] = {}
            for standing in of.get(id(fk.child), ()):
                for value in _values(standing, fk.child, fk.child_columns) if standing.able else ():
                    inside[value] = inside.get(value, 0) + 1
            for standing in of[id(fk.parent)]:
                values = list(_values(standing, fk.parent, fk.parent_columns)) if standing.able else []
                if any(counts.get(v, 0) > inside.get(v, 0) for v in values):
                    standing.refused, changed = "referenced", True


def _undeclared(schema: Schema) -> Iterator[ForeignKey]:
    """References of the dataset that the database does not know as foreign keys: rows point all the same."""
    for way in schema.ways:
        start, end = schema.bound[way.source], schema.bound[way.target]
        if way.up:
            yield ForeignKey(start.table, way.source_fields, end.table, way.target_fields, "")
        elif frozenset(way.source_fields) in start.uniques:
            yield ForeignKey(end.table, way.target_fields, start.table, way.source_fields, "")


def _counts(connection: sa.Connection, fk: ForeignKey, deletes: Sequence[Standing]) -> dict[Value, int]:
    """How many rows point at each row that is to be deleted."""
    wanted = dict.fromkeys(v for s in deletes for v in _values(s, fk.parent, fk.parent_columns))
    columns = [fk.child.c[c] for c in fk.child_columns]
    counts: dict[Value, int] = {}
    for chunk in chunks(wanted, max(1, BINDS // len(columns))):
        statement = sa.select(*columns, sa.func.count()).where(matches(fk.child, fk.child_columns, values=chunk))
        if connection.dialect.name in FOLDING:
            # There "a" may point at "A": the database says whom each row points at, in the words of that row.
            parent = fk.parent.alias()
            columns = [parent.c[c] for c in fk.parent_columns]
            pairs = zip(fk.child_columns, columns, strict=True)
            joined = fk.child.join(parent, sa.and_(*(fk.child.c[c] == column for c, column in pairs)))
            statement = sa.select(*columns, sa.func.count()).select_from(joined)
            statement = statement.where(matches(fk.child, fk.child_columns, values=chunk))
        for row in connection.execute(statement.group_by(*columns)):
            counts[tuple(row[:-1])] = row[-1]
    return counts


def _values(standing: Standing, table: sa.Table, columns: Sequence[str]) -> Iterator[Value]:
    if standing.bound is None or standing.bound.table is not table:
        return
    pick = picker(columns)
    for row in standing.rows:
        value = pick(row)
        if None not in value:
            yield value
