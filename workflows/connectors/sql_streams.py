"""Reading all rows of a large collection in an order, so that whoever was cut short can begin at any place in it."""

from collections.abc import Iterator, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from workflows.connectors import sql_lookup
from workflows.connectors.sql_lookup import (
    ORDERED,
    Tuples,
    Value,
    beyond,
    given,
    pages,
    spelled_out,
    statements,
    streamed,
    written,
)
from workflows.connectors.sql_mysql import MYSQL
from workflows.connectors.sql_schema import DIALECT


def few_with(
    connection: sa.Connection, table: sa.Table, columns: tuple[str, ...], *, values: Sequence[Value]
) -> Tuples | None:
    """The rows that carry one of these values; None if they are more than `sql_lookup.FEW`."""
    if spelled_out(table, columns):
        return None
    rows = connection.execute(statements(table, columns)[1], given(table, columns, values)).all()
    if len(rows) > sql_lookup.FEW:
        return None
    as_written = written(connection, table, columns, values=values)
    return as_written(rows) if as_written else rows


def ordered_key(table: sa.Table) -> tuple[sa.Column[Any], ...]:
    """The primary key that rows can be read in order of, beginning anywhere; none where that is not sure."""
    key = tuple(table.primary_key.columns)
    plain = all(
        isinstance(c.type, (sa.Integer, sa.VARCHAR, sa.NVARCHAR, sa.TEXT)) and not isinstance(c.type, postgresql.CITEXT)
        for c in key
    )
    return key if plain and table.metadata.info.get(DIALECT) in ORDERED else ()


def in_order(
    connection: sa.Connection,
    table: sa.Table,
    columns: tuple[str, ...],
    *,
    values: Sequence[Value],
    after: Sequence[Any] | None,
) -> Iterator[Tuples]:
    """The rows that carry one of these values in the order of `ordered_key`, some at a time, those after one key."""
    whole = statements(table, columns)[0]
    if after is not None:
        whole = whole.where(beyond(table, after))
    binds = given(table, columns, values)
    if connection.dialect.name in MYSQL:
        parts = pages(connection, table, whole, binds=binds)
    else:
        parts = streamed(connection, table, whole.order_by(*table.primary_key.columns), binds=binds)
    as_written = written(connection, table, columns, values=values)
    yield from map(as_written, parts) if as_written else parts
