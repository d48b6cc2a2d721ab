"""What a database's own catalogue says of its tables beside their columns: what they are, and what may be seen."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from workflows.connectors.sql_mysql import MYSQL, sees_all
from workflows.connectors.sql_values import TEMPORAL


@dataclass(frozen=True, slots=True)
class Relation:
    """One table or view as its reader sees it."""

    stuck: str = ""  # code: why nothing can be erased in it
    partition: bool = False  # of another table, which stands for it
    secured: bool = False  # row level security hides rows of it
    hidden: frozenset[str] = frozenset()  # columns that may not be read


ORDINARY = Relation()

_POSTGRESQL = """
SELECT c.relname, c.relkind, c.relispartition, row_security_active(c.oid),
    array_agg(a.attname::text) FILTER (WHERE NOT has_column_privilege(c.oid, a.attnum, 'SELECT'))
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE n.nspname = :schema AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
GROUP BY c.oid
"""
_MYSQL = """
SELECT t.table_name, t.table_type, t.engine,
    EXISTS (SELECT 1 FROM information_schema.triggers g
        WHERE g.event_object_schema = t.table_schema AND g.event_object_table = t.table_name)
FROM information_schema.tables t WHERE t.table_schema = :schema
"""
TRANSACTIONAL = frozenset({"innodb", "rocksdb", "tokudb", "ndbcluster"})
"""Engines of MariaDB and MySQL that can undo."""


def relations(connection: sa.Connection, schema: str | None) -> Mapping[str, Relation]:
    """The tables and views of a schema that are no ordinary tables, and those that can't be seen whole."""
    name = schema or connection.dialect.default_schema_name
    if connection.dialect.name == "postgresql":
        rows = connection.execute(sa.text(_POSTGRESQL), {"schema": name})
        return {
            row[0]: Relation(
                stuck="" if row[1] in ("r", "p") else "view",  # what a foreign table does can't be undone
                partition=bool(row[2]),
                secured=bool(row[3]),
                hidden=frozenset(row[4] or ()),
            )
            for row in rows
        }
    if connection.dialect.name in MYSQL:
        tables = connection.execute(sa.text(_MYSQL), {"schema": name}).all()
        lasting = any(_stuck(str(kind), engine) == "not_transactional" for _, kind, engine, _ in tables)
        seen = sees_all(connection)
        return {
            table: Relation(
                # What a trigger writes to a table that can't undo would stay, even when it was only tried.
                stuck=_stuck(str(kind), engine)
                or ("not_transactional" if lasting and triggers else "")
                or ("" if seen else "not_permitted")
            )
            for table, kind, engine, triggers in tables
        }
    return {view: Relation(stuck="view") for view in sa.inspect(connection).get_view_names(schema)}


def _stuck(kind: str, engine: str | None) -> str:
    if "VIEW" in kind.upper():
        return "view"
    return "" if (engine or "").lower() in TRANSACTIONAL else "not_transactional"


def as_kept(inspector: Any, _table: sa.Table, column: Any) -> None:
    """Read SQLite's dates and decimals as they are kept: as any text, and as floats. No value is no JSON `null`."""
    kind = column["type"]
    if isinstance(kind, sa.JSON):
        kind.none_as_null = True
    if inspector.dialect.name != "sqlite":
        return
    if isinstance(kind, (sa.DateTime, sa.Date)):
        column["info"] = {TEMPORAL: True}
        column["type"] = sa.String()
    elif isinstance(kind, sa.Time):
        column["type"] = sa.String()
    elif isinstance(kind, sa.Numeric) and not isinstance(kind, sa.Float):
        column["type"] = sa.Numeric(kind.precision, kind.scale, asdecimal=False)


def pointing_schemas(connection: sa.Connection) -> set[str | None]:
    """Other schemas with foreign keys: their rows may point at ours."""
    if connection.dialect.name != "postgresql":
        return set()
    rows = connection.execute(
        sa.text(
            "SELECT DISTINCT n.nspname FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid"
            " JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_class p ON p.oid = k.confrelid"
            " WHERE k.contype = 'f' AND p.relnamespace <> c.relnamespace"
        )
    )
    default = connection.dialect.default_schema_name
    return {None if row[0] == default else row[0] for row in rows}


@dataclass(frozen=True, slots=True)
class Uniques:
    """What must not be there twice."""

    keys: frozenset[frozenset[str]]  # columns that together name one row
    distinct: frozenset[str]  # columns whose values must differ, at least between some rows
    nulls_alike: frozenset[str]  # of those, where two rows without a value are alike too


def uniques_of(connection: sa.Connection, table: sa.Table) -> Uniques:
    """From constraints and indexes, also those over a part of the rows."""
    dialect = connection.dialect.name
    keys: set[frozenset[str]] = set()
    distinct: set[str] = set()
    nulls_alike: set[str] = set()
    for constraint in table.constraints:
        if isinstance(constraint, (sa.UniqueConstraint, sa.PrimaryKeyConstraint)):
            names = frozenset(str(c.name) for c in constraint.columns)
            keys.add(names)
            if dialect == "mssql" or constraint.dialect_kwargs.get("postgresql_nulls_not_distinct"):
                nulls_alike |= names
    for index in table.indexes:
        if not index.unique:
            continue
        named = frozenset(str(e.name) for e in index.expressions if isinstance(e, sa.Column))
        expressions = [str(e) for e in index.expressions if not isinstance(e, sa.Column)]
        within = {str(c.name) for c in table.columns if any(str(c.name) in words for words in expressions)}
        partial = index.dialect_kwargs.get(f"{dialect}_where") is not None
        if not partial and not expressions:
            keys.add(named)
        distinct |= named | within
        if dialect == "mssql" or index.dialect_kwargs.get("postgresql_nulls_not_distinct"):
            nulls_alike |= named | within
    if dialect == "sqlite":
        keys |= _sqlite_uniques(connection, table, partial=False)
        distinct |= {name for names in _sqlite_uniques(connection, table, partial=True) for name in names}
    whole = frozenset(k for k in keys if k)
    return Uniques(whole, frozenset(distinct.union(*whole)), frozenset(nulls_alike))


def _sqlite_uniques(connection: sa.Connection, table: sa.Table, *, partial: bool) -> set[frozenset[str]]:
    """SQLAlchemy reads them off the text of CREATE TABLE and misses `x VARCHAR(8) UNIQUE`; SQLite itself knows."""
    indexes = sa.text('SELECT name FROM pragma_index_list(:name) WHERE "unique" AND partial = :partial')
    columns = sa.text("SELECT name FROM pragma_index_info(:name)")
    found = set()
    for (index,) in connection.execute(indexes, {"name": table.name, "partial": int(partial)}).all():
        names = {row[0] for row in connection.execute(columns, {"name": index})}
        if None not in names:  # an expression has no name
            found.add(frozenset(names))
    return found
