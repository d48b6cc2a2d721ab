"""References that a database does not declare: names that fit, and values that exist on the other side.

The database compares the values; none of them leaves it.
"""

from collections.abc import Sequence
from dataclasses import replace

import sqlalchemy as sa
from sqlalchemy import exc

from workflows.connectors.sql_source import SqlSource
from workflows.rules.discovered import FoundTable, Likeness
from workflows.rules.picture import likely_targets

VALUES = 100
"""Values of a column that are looked for in the other table."""
MOST = 2000
"""Pairs of columns that are tried in one source; a schema of thousands must not take an hour."""


def with_likenesses(source: SqlSource, tables: Sequence[FoundTable], *, default: str) -> list[FoundTable]:
    """The same tables, each with the references that nobody declared but that its names and values speak for."""
    found: dict[tuple[str, str], list[Likeness]] = {}
    pairs = likely_targets(tables)[:MOST]
    if not pairs:
        return list(tables)
    with source.reading() as connection:
        for table, column, other, target, reason in pairs:
            counted = _counted(connection, (table, column.name), (other, target), default=default)
            if counted is None:
                continue
            tried, held = counted
            if tried == 0 or held * 2 >= tried:
                like = Likeness(column.name, other.schema, other.name, target, reason, tried, held)
                found.setdefault(table.place, []).append(like)
    return [replace(t, alike=tuple(found.get(t.place, ()))) for t in tables]


def _counted(
    connection: sa.Connection, start: tuple[FoundTable, str], end: tuple[FoundTable, str], *, default: str
) -> tuple[int, int] | None:
    """How many sampled values there are, and how many of them are keys over there; None if it can't be told."""
    here, there = (
        sa.table(t.name, sa.column(name), schema=None if t.schema == default else t.schema) for t, name in (start, end)
    )
    few = sa.select(here.c[start[1]].label("v")).where(here.c[start[1]].is_not(None)).limit(VALUES).subquery()
    held = sa.exists().where(there.c[end[1]] == few.c.v)
    statement = sa.select(sa.func.count(), sa.func.sum(sa.case((held, 1), else_=0))).select_from(few)
    try:
        with connection.begin_nested():
            tried, found = connection.execute(statement).one()
    except exc.DBAPIError as error:
        if error.connection_invalidated:
            raise
        return None
    return int(tried), int(found or 0)
