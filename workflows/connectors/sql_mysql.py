"""What is peculiar to MariaDB and MySQL: how a session is opened, and what their errors mean."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event

from workflows.errors import NeverAgain, PersonMustLook, SourceDown, TryAgain, VastineError

MYSQL = frozenset({"mysql", "mariadb"})
"""The names of their dialects."""

BY_NUMBER: Mapping[int, tuple[type[VastineError], str]] = {
    # error number -> what it means for us
    1205: (TryAgain, "locked"),
    1213: (TryAgain, "locked"),
    1969: (TryAgain, "timeout"),
    3024: (TryAgain, "timeout"),
    1317: (TryAgain, "timeout"),
    1290: (NeverAgain, "read_only"),
    1792: (NeverAgain, "read_only"),
    1142: (NeverAgain, "not_permitted"),
    1143: (NeverAgain, "not_permitted"),
    1044: (NeverAgain, "not_permitted"),
    1045: (NeverAgain, "not_permitted"),
    1698: (NeverAgain, "not_permitted"),
    1049: (NeverAgain, "no_database"),
    1054: (NeverAgain, "schema_changed"),
    1146: (NeverAgain, "schema_changed"),
    1040: (SourceDown, "source_down"),
    1053: (SourceDown, "source_down"),
    1927: (SourceDown, "source_down"),
    2002: (SourceDown, "source_down"),
    2003: (SourceDown, "source_down"),
    2006: (SourceDown, "source_down"),
    2013: (SourceDown, "source_down"),
    1644: (PersonMustLook, "refused_by_source"),
    1406: (PersonMustLook, "refused_by_source"),
    4025: (PersonMustLook, "refused_by_source"),
    3819: (PersonMustLook, "refused_by_source"),
}


def mysql_engine(url: sa.URL, *, connect_seconds: int, lock_seconds: int, timeout_seconds: int) -> sa.Engine:
    """Sessions in UTC that refuse what they would have to cut, and give up on what takes too long.

    Nothing is streamed: another question in the middle of a stream would lose the rest of it without a word.
    """
    arguments: dict[str, Any] = {
        "connect_timeout": connect_seconds,
        "read_timeout": timeout_seconds + connect_seconds,
        "write_timeout": timeout_seconds + connect_seconds,
        "charset": "utf8mb4",
        "init_command": (
            "SET time_zone = '+00:00', sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION',"
            f" innodb_lock_wait_timeout = {min(lock_seconds, timeout_seconds)}"
        ),
    }
    engine = sa.create_engine(url, hide_parameters=True, pool_pre_ping=True, pool_size=1, connect_args=arguments)
    engine.dialect.supports_server_side_cursors = False

    @event.listens_for(engine, "connect")
    def connected(dbapi_connection: Any, _record: Any) -> None:
        with dbapi_connection.cursor() as cursor:
            if "MariaDB" in dbapi_connection.get_server_info():
                cursor.execute(f"SET max_statement_time = {timeout_seconds}")
            else:
                cursor.execute(f"SET max_execution_time = {timeout_seconds * 1000}")

    @event.listens_for(engine, "begin")
    def begin(connection: sa.Connection) -> None:
        reading = connection.get_execution_options().get("vastine_mode") == "reading"
        connection.exec_driver_sql("START TRANSACTION " + ("READ ONLY" if reading else "READ WRITE"))

    return engine


def sees_all(connection: sa.Connection) -> bool:
    """Whether nothing of the database is hidden from this user: no trigger, and no table whose rows might point.

    What such a table's keys cascade to is counted nowhere, so it must be known before.
    """
    grants = [str(row[0]).upper() for row in connection.exec_driver_sql("SHOW GRANTS")]
    places = {f"ON `{str(connection.dialect.default_schema_name).upper()}`.*", "ON *.*"}
    wide = " ".join(g.split(" TO ")[0] for g in grants if any(place in g for place in places))
    return "ALL PRIVILEGES" in wide or ("SELECT" in wide and "TRIGGER" in wide)


def may_create(connection: sa.Connection) -> bool:
    """Whether this user may make a table in the database."""
    grants = [str(row[0]).upper() for row in connection.exec_driver_sql("SHOW GRANTS")]
    places = {f"ON `{str(connection.dialect.default_schema_name).upper()}`.*", "ON *.*"}
    wide = " ".join(g.split(" TO ")[0] for g in grants if any(place in g for place in places))
    return "ALL PRIVILEGES" in wide or ("CREATE" in wide and "INSERT" in wide)
