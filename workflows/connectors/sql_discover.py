"""A live database as it is: tables, columns and keys from its catalogue, and counts over a bounded sample.

Sampled values live in the few lines that count them, one table at a time, and go nowhere else: not into what is
returned, not into a message, not into a log.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy import exc
from sqlalchemy.engine.interfaces import ReflectedColumn
from sqlalchemy.engine.reflection import Inspector, ObjectKind

from workflows.connectors.sql_schema import RECEIPTS
from workflows.connectors.sql_source import SqlSource
from workflows.rules.detect_values import LONGEST, evidence_of
from workflows.rules.discovered import Discovered, FoundField, FoundKey, FoundTable

ROWS = 200
"""Rows of a table that are looked at."""
_TOGETHER = 20
"""Tables that share a savepoint; one of them that fails is looked at again by itself."""
_SYSTEM = ("information_schema", "mysql", "performance_schema", "sys", "INFORMATION_SCHEMA")
_UNREADABLE = """
SELECT n.nspname, c.relname, a.attname
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname = ANY(:schemas)
  AND NOT (has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT'))
  AND NOT (has_schema_privilege(n.oid, 'USAGE') AND has_column_privilege(c.oid, a.attnum, 'SELECT'))
"""
_PARTITIONS = """
SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relispartition AND n.nspname = ANY(:schemas)
"""


def catalogue(source: SqlSource, *, schemas: Sequence[str] = ()) -> Discovered:
    """Every table and view of these schemas, of all that are not the database's own where none is named.

    The schema that the database uses by itself is called by its name, on SQLite by "". Raises as a search does.
    """
    with source.reading() as connection:
        inspector = sa.inspect(connection)
        default = _default(connection)
        found: list[FoundTable] = []
        wanted = list(schemas) or _schemas(inspector, connection)
        for schema in wanted:
            found += _tables(inspector, None if schema == default else schema, default=default)
        return Discovered(_readable(connection, _whole(connection, found, wanted), wanted), default)


def look(source: SqlSource, tables: Iterable[FoundTable], *, rows: int = ROWS, today: date) -> Iterator[FoundTable]:
    """The same tables with what a sample of their columns tells; `unread` says why one has none."""
    waiting = list(tables)
    with source.reading() as connection:
        for start in range(0, len(waiting), _TOGETHER):
            some = waiting[start : start + _TOGETHER]
            try:
                with connection.begin_nested():
                    found = [_looked_at(connection, table, rows=rows, today=today) for table in some]
            except exc.DBAPIError as error:
                if error.connection_invalidated:
                    raise
                found = [_alone(connection, table, rows=rows, today=today) for table in some]
            yield from found


def _alone(connection: sa.Connection, table: FoundTable, *, rows: int, today: date) -> FoundTable:
    """One table whose failure costs no other its sample."""
    try:
        with connection.begin_nested():
            return _looked_at(connection, table, rows=rows, today=today)
    except exc.DBAPIError as error:
        if error.connection_invalidated:
            raise
        return replace(table, unread=f"no sample could be taken ({type(error.orig).__name__})")


def _looked_at(connection: sa.Connection, table: FoundTable, *, rows: int, today: date) -> FoundTable:
    wanted = [f for f in table.fields if f.readable and f.kind != "binary"]
    if not wanted:
        closed = any(not f.readable for f in table.fields)
        return replace(table, unread="this user may not read it" if closed else "")
    found = _sampled(connection, table, wanted, rows=rows, today=today)
    return replace(table, fields=tuple(found.get(f.name, f) for f in table.fields))


def _default(connection: sa.Connection) -> str:
    return "" if connection.dialect.name == "sqlite" else str(connection.dialect.default_schema_name or "")


def _schemas(inspector: Inspector, connection: sa.Connection) -> list[str]:
    if connection.dialect.name == "sqlite":
        return [""]
    if connection.dialect.name in ("mysql", "mariadb"):
        return [_default(connection)]
    return [s for s in inspector.get_schema_names() if s not in _SYSTEM and not s.startswith("pg_")]


def _tables(inspector: Inspector, schema: str | None, *, default: str) -> Iterator[FoundTable]:
    columns = inspector.get_multi_columns(schema=schema, kind=ObjectKind.ANY)
    primary = inspector.get_multi_pk_constraint(schema=schema, kind=ObjectKind.TABLE)
    foreign = inspector.get_multi_foreign_keys(schema=schema, kind=ObjectKind.TABLE)
    for place, found in sorted(columns.items(), key=lambda pair: pair[0][1]):
        name = place[1]
        if name == RECEIPTS:
            continue
        keyed = primary.get(place)
        parts = set(keyed["constrained_columns"]) if keyed else set()
        keys = (
            FoundKey(
                tuple(map(str, key["constrained_columns"])),
                str(key["referred_schema"] or (default if schema is None else schema)),
                str(key["referred_table"]),
                tuple(map(str, key["referred_columns"])),
            )
            for key in foreign.get(place, ())
        )
        yield FoundTable(
            name=str(name),
            schema=default if schema is None else schema,
            fields=tuple(_field(column, primary=column["name"] in parts) for column in found),
            keys=tuple(sorted(keys, key=lambda k: (k.columns, k.table))),
            view=keyed is None,
        )


def _field(column: ReflectedColumn, *, primary: bool) -> FoundField:
    type_ = column["type"]
    data_type, kind = _types(type_)
    length = getattr(type_, "length", None) if data_type == "string" else None
    return FoundField(
        name=str(column["name"]),
        type=_told(type_),
        data_type=data_type,
        kind=kind,
        length=length if isinstance(length, int) and length > 0 else None,
        primary=primary,
    )


def _told(type_: Any) -> str:
    try:
        return str(type_)
    except (exc.SQLAlchemyError, NotImplementedError):
        return type(type_).__name__.upper()


def _types(type_: Any) -> tuple[str, str]:  # noqa: PLR0911 (a table of cases)
    """Fideslang's word for a type, and what it has none for."""
    if isinstance(type_, sa.ARRAY):
        return f"{_types(type_.item_type)[0] or 'string'}[]", ""
    if isinstance(type_, sa.Boolean):
        return "boolean", ""
    if isinstance(type_, sa.Integer):
        return "integer", ""
    if isinstance(type_, sa.Numeric):  # floats included
        whole = type_.precision is not None and type_.scale == 0
        return ("integer" if whole else "float"), ""
    if isinstance(type_, sa.DateTime):
        return "", "instant"
    if isinstance(type_, sa.Date):
        return "", "date"
    if isinstance(type_, sa.LargeBinary):
        return "", "binary"
    if isinstance(type_, (sa.String, sa.Enum)):
        return "string", ""
    return "", ""


def _whole(connection: sa.Connection, tables: list[FoundTable], schemas: Sequence[str]) -> list[FoundTable]:
    """Without the parts of partitioned tables: their rows are the whole's, and each month brings another one."""
    if connection.dialect.name != "postgresql":
        return tables
    rows = connection.execute(sa.text(_PARTITIONS), {"schemas": list(schemas)}).all()
    parts = {(str(schema), str(name)) for schema, name in rows}
    return [table for table in tables if table.place not in parts]


def _readable(connection: sa.Connection, tables: list[FoundTable], schemas: Sequence[str]) -> list[FoundTable]:
    """Mark the columns that this user may not read; only PostgreSQL lists what it then refuses."""
    if connection.dialect.name != "postgresql":
        return tables
    rows = connection.execute(sa.text(_UNREADABLE), {"schemas": list(schemas)}).all()
    closed = {(str(schema), str(table), str(column)) for schema, table, column in rows}
    if not closed:
        return tables
    return [
        replace(t, fields=tuple(replace(f, readable=(*t.place, f.name) not in closed) for f in t.fields))
        for t in tables
    ]


def _sampled(
    connection: sa.Connection, table: FoundTable, wanted: Sequence[FoundField], *, rows: int, today: date
) -> Mapping[str, FoundField]:
    """The first rows and the last by key: old rows and new ones are often filled in differently."""
    schema = None if table.schema == _default(connection) else table.schema
    thing = sa.table(table.name, *(sa.column(f.name) for f in table.fields), schema=schema)
    picked = [_short(connection, thing.c[f.name], f).label(f"c{n}") for n, f in enumerate(wanted)]
    ordered = [thing.c[f.name].desc() for f in wanted if f.primary]
    ordered = ordered if len(ordered) == len(table.primary) else []  # an order by a closed column would be refused
    first = sa.select(*picked).limit(rows - rows // 2 if ordered else rows)
    if not ordered:
        taken = list(connection.execute(first))
    else:
        last = sa.select(*picked).order_by(*ordered).limit(rows // 2)
        both = sa.union_all(sa.select(first.subquery()), sa.select(last.subquery()))
        taken = list(dict.fromkeys(connection.execute(both)))  # a small table's rows are among both
    columns = zip(*taken, strict=True) if taken else ((),) * len(wanted)
    return {
        field.name: replace(field, evidence=evidence_of(values, today=today, numbers=field.data_type == "integer"))
        for field, values in zip(wanted, columns, strict=True)
    }


def _short(connection: sa.Connection, column: sa.ColumnElement[Any], field: FoundField) -> sa.ColumnElement[Any]:
    """Only the beginning of a long text is fetched; what is neither number nor date is fetched as text."""
    if connection.dialect.name == "sqlite":  # any type may stand in any column there
        return sa.func.substr(column, 1, LONGEST)
    if field.data_type == "string" and field.length is not None and field.length <= LONGEST:
        return column
    if field.data_type in ("integer", "float", "boolean") or field.kind:
        return column
    return sa.func.substr(sa.cast(column, sa.Text), 1, LONGEST)
