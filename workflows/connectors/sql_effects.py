"""What a transaction really changed, by the database's own count: rows that triggers and cascades took as well.

PostgreSQL counts by table. SQLite and MariaDB count all tables together; of SQLite the tables that a trigger
may write are known besides. What is counted must be what was planned, or the records stay as they are.
"""

import sqlite3
from collections.abc import Iterable, Mapping
from typing import Any

import sqlalchemy as sa

from workflows.connectors.sql_mysql import MYSQL
from workflows.errors import NeverAgain, PersonMustLook

Counts = Mapping[str, tuple[int, int, int]]
"""Table, as `schema.table` where the database has schemas, to rows inserted, updated and deleted."""

ALL = ""
"""The table of a count that is of all tables together."""

_POSTGRESQL = """
SELECT n.nspname || '.' || r.relname, sum(x.ins)::bigint, sum(x.upd)::bigint, sum(x.del)::bigint
FROM (
    SELECT c.oid, pg_stat_get_xact_tuples_inserted(c.oid) AS ins, pg_stat_get_xact_tuples_updated(c.oid) AS upd,
        pg_stat_get_xact_tuples_deleted(c.oid) AS del
    FROM pg_class c WHERE c.relkind IN ('r', 't') AND c.oid >= 16384
) x
JOIN pg_class r ON r.oid = coalesce(pg_partition_root(x.oid)::oid, x.oid)
JOIN pg_namespace n ON n.oid = r.relnamespace
WHERE x.ins + x.upd + x.del > 0 AND r.relkind <> 't'
GROUP BY 1
"""
_HANDLERS = ("Handler_write", "Handler_update", "Handler_delete")
_WRITES = {sqlite3.SQLITE_INSERT, sqlite3.SQLITE_UPDATE, sqlite3.SQLITE_DELETE}


class Effects:
    """Counts what happens in a transaction between `start` and `check`.

    `side_tables` may be written as well: the register says that what triggers write there is no copy of a record.
    """

    def __init__(self, connection: sa.Connection, side_tables: Iterable[str] = ()) -> None:
        self._connection, self._dialect = connection, connection.dialect.name
        self._aside = {self._qualified(name) for name in side_tables}
        self._planned: dict[str, list[int]] = {}
        self._before: Counts = {}
        self._may_write: set[str] = set()
        self._by_triggers: set[str] = set()

    def start(self) -> None:
        """Forget what was planned and counted before."""
        self._planned, self._may_write, self._by_triggers = {}, set(), set()
        if self._dialect == "sqlite":
            _raw(self._connection).set_authorizer(self._note)
        self._before = self._counted()

    def updated(self, table: sa.Table, rows: int) -> None:
        """So many rows were updated as planned."""
        self._plan(table)[1] += rows

    def deleted(self, table: sa.Table, rows: int) -> None:
        """So many rows were deleted as planned."""
        self._plan(table)[2] += rows

    def check(self) -> None:
        """Raises `PersonMustLook("side_effects")` if anything else changed."""
        after = self._counted()
        if self._dialect == "sqlite":
            _raw(self._connection).set_authorizer(None)
        changed = {
            table: tuple(n - m for n, m in zip(counts, self._before.get(table, (0, 0, 0)), strict=True))
            for table, counts in after.items()
        }
        changed = {table: counts for table, counts in changed.items() if any(counts)}
        planned = {table: tuple(counts) for table, counts in self._planned.items() if any(counts)}
        if self._dialect == "postgresql":
            changed = {table: counts for table, counts in changed.items() if table not in self._aside}
            if planned and not changed:
                raise NeverAgain("cannot_count", detail="the source counts no changes: set track_counts to on in it")
        elif self._dialect == "sqlite" or self._dialect in MYSQL:
            whole = tuple(map(sum, zip(*planned.values(), strict=True))) if planned else (0, 0, 0)
            planned = {ALL: (sum(whole),)} if any(whole) else {}
            changed = {ALL: (sum(changed[ALL]),)} if ALL in changed else {}
            if self._only_aside():
                return
        else:
            return  # it can't be counted
        if changed != planned:
            raise PersonMustLook("side_effects", detail="the source would change more than was approved")

    def _only_aside(self) -> bool:
        """Whether triggers write to tables only that the register names. SQLite alone can tell which they may."""
        strange = self._by_triggers | (self._may_write - set(self._planned))
        return bool(strange) and strange <= self._aside

    def _plan(self, table: sa.Table) -> list[int]:
        return self._planned.setdefault(self._qualified(table.fullname), [0, 0, 0])

    def _qualified(self, name: str) -> str:
        if self._dialect == "postgresql" and "." not in name:
            return f"{self._connection.dialect.default_schema_name}.{name}"
        return name

    def _note(self, action: int, table: str | None, _column: object, _database: object, trigger: object) -> int:
        """What SQLite asks when it prepares a statement, for every table that it or its triggers may write."""
        if action in _WRITES and table and not table.startswith("sqlite_"):
            (self._by_triggers if trigger else self._may_write).add(table)
        return sqlite3.SQLITE_OK

    def _counted(self) -> Counts:
        if self._dialect == "postgresql":
            return {row[0]: (row[1], row[2], row[3]) for row in self._connection.exec_driver_sql(_POSTGRESQL)}
        if self._dialect == "sqlite":
            return {ALL: (_raw(self._connection).total_changes, 0, 0)}
        if self._dialect in MYSQL:
            names = ", ".join(f"'{name}'" for name in _HANDLERS)
            rows = self._connection.exec_driver_sql(f"SHOW SESSION STATUS WHERE Variable_name IN ({names})").all()
            by_name = {str(name): int(value) for name, value in rows}
            return {ALL: (by_name["Handler_write"], by_name["Handler_update"], by_name["Handler_delete"])}
        return {}


def _raw(connection: sa.Connection) -> Any:
    return connection.connection.dbapi_connection
