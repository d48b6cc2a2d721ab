"""Erase: exactly the rows that were approved, as they were approved, in one transaction, or nothing.

Every statement must change as many rows as were planned. What others point at is refused, never cascaded.
"""

from collections.abc import Sequence
from datetime import tzinfo
from typing import Any

import sqlalchemy as sa

from models.vocabulary import Action, ReceiptOutcome
from workflows.connectors.sql_lookup import BINDS, chunks, matches
from workflows.connectors.sql_masking import neutral
from workflows.connectors.sql_order import waves
from workflows.connectors.sql_schema import Bound, ForeignKey, Schema
from workflows.connectors.sql_standing import Row, Standing, are, judge, stand
from workflows.errors import PersonMustLook
from workflows.ports import EraseItem, PreviewedItem

Mark = tuple[int, int]
"""(number of the standing, number of the row in it)."""


def preview(
    connection: sa.Connection, schema: Schema, items: Sequence[EraseItem], *, zone: tzinfo
) -> list[PreviewedItem]:
    """What `erase` would do with each item; changes nothing. A record masked before is "nothing_personal"."""
    standings = stand(connection, schema, items, zone=zone, lock=False)
    judge(connection, schema, standings)
    return [PreviewedItem(s.item.item_no, _word(s), s.fields if s.able else ()) for s in standings]


def _word(standing: Standing) -> str:
    if standing.refused:
        return standing.refused
    if not standing.rows:
        return "absent"
    if standing.drifted:
        return "drifted"
    return "nothing_personal" if _is_masked(standing) else ""


def _is_masked(standing: Standing) -> bool:
    """Whether masking would write what is there already: then there is nothing to do, and nothing to show for it."""
    bound, row = standing.bound, standing.rows[0]
    if bound is None or standing.item.action is not Action.MASK:
        return False
    makers = {f: neutral(bound, f) for f in standing.fields}
    return all(make is not None and row[f] == make() for f, make in makers.items())


def erase(
    connection: sa.Connection, schema: Schema, items: Sequence[EraseItem], *, zone: tzinfo
) -> dict[int, ReceiptOutcome]:
    """Treat the items in this transaction; what became of each. Raises `PersonMustLook("count_differs")`."""
    standings = stand(connection, schema, items, zone=zone, lock=True)
    judge(connection, schema, standings)
    able = [s for s in standings if s.able]
    _mask(connection, [s for s in able if s.item.action is Action.MASK])
    _delete(connection, schema, [s for s in able if s.item.action is Action.DELETE])
    return {s.item.item_no: _outcome(s) for s in standings}


def _outcome(standing: Standing) -> ReceiptOutcome:
    if standing.refused:
        return ReceiptOutcome.REFUSED
    if not standing.rows:
        return ReceiptOutcome.ABSENT
    if standing.drifted:
        return ReceiptOutcome.DRIFTED
    return ReceiptOutcome.MASKED if standing.item.action is Action.MASK else ReceiptOutcome.ERASED


def _mask(connection: sa.Connection, standings: Sequence[Standing]) -> None:
    """One prepared statement for all rows of a collection that lose the same fields."""
    groups: dict[tuple[str, tuple[str, ...]], list[Standing]] = {}
    for standing in standings:
        if standing.bound is not None:
            groups.setdefault((standing.bound.name, standing.fields), []).append(standing)
    for (_, fields), group in groups.items():
        bound = group[0].bound
        if bound is None:
            continue
        makers = {f: neutral(bound, f) for f in fields}
        if not bound.keyed:
            for standing in group:
                values = {f: make() for f, make in makers.items() if make}
                statement = sa.update(bound.table).where(are(bound, [_key(bound, standing.rows[0])])).values(values)
                _expect(connection.execute(statement).rowcount, len(standing.rows))
            continue
        condition = sa.and_(*(bound.table.c[c] == sa.bindparam(f"key_{i}") for i, c in enumerate(bound.key)))
        statement = sa.update(bound.table).where(condition)
        statement = statement.values({f: sa.bindparam(f"new_{i}") for i, f in enumerate(fields)})
        parameters = []
        for standing in group:
            one: dict[str, Any] = {f"key_{i}": standing.rows[0][c] for i, c in enumerate(bound.key)}
            one |= {f"new_{i}": make() for i, make in enumerate(makers.values()) if make}
            parameters.append(one)
        _expect(connection.execute(statement, parameters).rowcount, len(parameters))


def _delete(connection: sa.Connection, schema: Schema, standings: Sequence[Standing]) -> None:
    """Children first. In a cycle the pointers that may be empty are emptied, then the rows go together."""
    if not standings:
        return
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("PRAGMA defer_foreign_keys=ON")
    elif connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SET CONSTRAINTS ALL DEFERRED")
    marks = {(i, n): row for i, s in enumerate(standings) for n, row in enumerate(s.rows)}
    points_at = _points_at(schema, standings)
    ordered, cyclic = waves(marks, points_at)
    for wave in ordered:
        _delete_rows(connection, standings, wave)
    if cyclic:
        _loosen(connection, schema, standings, marks=cyclic)
        _delete_rows(connection, standings, cyclic)


def _points_at(schema: Schema, standings: Sequence[Standing]) -> dict[Mark, set[Mark]]:
    result: dict[Mark, set[Mark]] = {}
    for fk in schema.foreign_keys:
        parents: dict[tuple[Any, ...], Mark] = {}
        for i, standing in enumerate(standings):
            if standing.bound is not None and standing.bound.table is fk.parent:
                for n, row in enumerate(standing.rows):
                    parents[tuple(row[c] for c in fk.parent_columns)] = (i, n)
        for i, standing in enumerate(standings) if parents else ():
            if standing.bound is not None and standing.bound.table is fk.child:
                for n, row in enumerate(standing.rows):
                    parent = parents.get(tuple(row[c] for c in fk.child_columns))
                    if parent is not None:
                        result.setdefault((i, n), set()).add(parent)
    return result


def _loosen(connection: sa.Connection, schema: Schema, standings: Sequence[Standing], *, marks: list[Mark]) -> None:
    """Empty the foreign keys of rows in cycles that may be NULL and are no part of the row's key."""
    for bound, rows in _by_collection(standings, marks):
        loose = {
            c
            for fk in schema.foreign_keys
            if fk.child is bound.table and _optional(bound, fk)
            for c in fk.child_columns
            if bound.table.c[c].nullable
        }
        if not loose:
            continue
        for chunk in chunks([_key(bound, row) for row in rows], max(1, BINDS // len(bound.key))):
            statement = sa.update(bound.table).where(matches(bound.table, bound.key, values=chunk))
            _expect(connection.execute(statement.values(dict.fromkeys(loose))).rowcount, len(chunk))


def _optional(bound: Bound, fk: ForeignKey) -> bool:
    return bound.keyed and not set(fk.child_columns) & set(bound.key)


def _delete_rows(connection: sa.Connection, standings: Sequence[Standing], marks: list[Mark]) -> None:
    for bound, rows in _by_collection(standings, marks):
        keys = list(dict.fromkeys(_key(bound, row) for row in rows))
        left = len(rows)
        for chunk in chunks(keys, max(1, BINDS // len(bound.key))):
            left -= connection.execute(sa.delete(bound.table).where(are(bound, chunk))).rowcount
        _expect(left, 0)


def _by_collection(standings: Sequence[Standing], marks: list[Mark]) -> list[tuple[Bound, list[Row]]]:
    groups: dict[str, tuple[Bound, list[Row]]] = {}
    for i, n in marks:
        bound = standings[i].bound
        if bound is not None:
            groups.setdefault(bound.name, (bound, []))[1].append(standings[i].rows[n])
    return list(groups.values())


def _key(bound: Bound, row: Row) -> tuple[Any, ...]:
    return tuple(row[c] for c in bound.key)


def _expect(changed: int, planned: int) -> None:
    if changed != planned:
        raise PersonMustLook("count_differs", detail="the source would change more or fewer rows than were approved")
