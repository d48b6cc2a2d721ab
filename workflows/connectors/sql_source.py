"""The way to a SQL source: engine, one transaction for reading, one for writing, and errors without values."""

import os
import re
import time
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event, exc

from workflows.connectors.sql_mysql import BY_NUMBER, MYSQL, mysql_engine
from workflows.errors import NeverAgain, PersonMustLook, SourceDown, TryAgain, VastineError

_DRIVERS = {
    # what people write -> the driver that comes with us
    "postgres": "postgresql+psycopg",
    "postgresql": "postgresql+psycopg",
    "mysql": "mysql+pymysql",
    "mariadb": "mariadb+pymysql",
}
LOCK_SECONDS = 10
CONNECT_SECONDS = 10
"""The longest wait for a connection; a source whose calls may take less is waited for no longer either."""
STEPS = 50_000


class SqlSource:
    """One database and how it may be used. Connects when first asked, and again after a fork."""

    def __init__(self, url: str, *, timeout_seconds: int) -> None:
        try:
            parsed = sa.make_url(url)
        except exc.ArgumentError:
            raise NeverAgain("bad_url", detail="connection.url is no database address") from None
        if driver := _DRIVERS.get(parsed.drivername):
            parsed = parsed.set(drivername=driver)
        self._url = parsed
        self._timeout_seconds = timeout_seconds
        self.connect_seconds = min(CONNECT_SECONDS, timeout_seconds)
        self._engine: sa.Engine | None = None
        self._pid = 0
        self.dialect = parsed.get_backend_name()

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """One read-only transaction in which the database stands still."""
        options: dict[str, Any] = {}
        if self.dialect == "postgresql":
            options = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        elif self.dialect in MYSQL:
            options = {"isolation_level": "REPEATABLE READ"}
        with self._transaction("reading", options) as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        """One transaction that may change the source; it commits when the block ends well."""
        with self._transaction("writing", {}) as connection:
            if self.dialect == "postgresql" and _forbids_writing(connection):
                raise NeverAgain("read_only", detail="the source is set to read only; nothing was changed in it")
            yield connection

    @contextmanager
    def trying(self) -> Iterator[sa.Connection]:
        """One transaction that may write and comes to nothing, however the block ends."""
        with self._transaction("writing", {}) as connection:
            yield connection
            connection.rollback()

    def read_only(self) -> bool:
        """Whether the database itself, or its file, is set to be read only; raises as `reading` does."""
        with self.reading() as connection:
            if self.dialect == "postgresql":
                return _forbids_writing(connection)
            if self.dialect == "sqlite":
                return not is_writable_file(connection)
            if self.dialect in MYSQL:
                return bool(connection.exec_driver_sql("SELECT @@global.read_only").scalar_one())
            return False

    def dispose(self) -> None:
        """Close all connections."""
        if self._engine is not None:
            self._engine.dispose()
            self._engine = None

    @contextmanager
    def _transaction(self, mode: str, options: dict[str, Any]) -> Iterator[sa.Connection]:
        if self.dialect in MYSQL and mode == "writing":
            options = {"isolation_level": "READ COMMITTED"}  # what another worker has just written is seen
        try:
            engine = self._open()
            with engine.execution_options(vastine_mode=mode, **options).begin() as connection:
                yield connection
        except exc.SQLAlchemyError as error:
            raise plain_error(error) from None

    def _open(self) -> sa.Engine:
        if self._engine is not None and self._pid != os.getpid():
            self._engine.dispose(close=False)  # the parent's sockets are the parent's
            self._engine = None
        if self._engine is None:
            self._engine, self._pid = self._create(), os.getpid()
            weakref.finalize(self, _close, self._engine, self._pid)
        path = self._url.database
        named = self.dialect == "sqlite" and path and path != ":memory:" and not path.startswith("file:")
        if named and not Path(str(path)).is_file():  # SQLite would make an empty database of it
            raise SourceDown("source_down", detail="the SQLite file of the source does not exist")
        return self._engine

    def _create(self) -> sa.Engine:
        if self.dialect == "sqlite":
            engine = sa.create_engine(self._url, hide_parameters=True, connect_args={"timeout": LOCK_SECONDS})
            _sqlite_events(engine, self._timeout_seconds)
            return engine
        if self.dialect in MYSQL:
            return mysql_engine(
                self._url,
                connect_seconds=self.connect_seconds,
                lock_seconds=LOCK_SECONDS,
                timeout_seconds=self._timeout_seconds,
            )
        arguments: dict[str, Any] = {}
        if self.dialect == "postgresql":
            milliseconds = self._timeout_seconds * 1000
            arguments = {
                "connect_timeout": self.connect_seconds,
                "application_name": "vastine",
                "options": (
                    f"-c statement_timeout={milliseconds} -c lock_timeout={min(milliseconds, LOCK_SECONDS * 1000)}"
                    " -c timezone=UTC -c row_security=off"  # rows that would be hidden are an error instead
                ),
            }
        return sa.create_engine(
            self._url, hide_parameters=True, pool_pre_ping=True, pool_size=1, connect_args=arguments
        )


def _close(engine: sa.Engine, pid: int) -> None:
    """Close the connections, in the process that opened them."""
    engine.dispose(close=os.getpid() == pid)


def _sqlite_events(engine: sa.Engine, timeout_seconds: int) -> None:
    """Real transactions, enforced foreign keys, no writing while reading, and an end to endless statements."""

    @event.listens_for(engine, "connect")
    def connected(dbapi_connection: Any, _record: Any) -> None:
        dbapi_connection.isolation_level = None  # we say BEGIN ourselves
        dbapi_connection.execute("PRAGMA foreign_keys=ON")

    @event.listens_for(engine, "begin")
    def begin(connection: sa.Connection) -> None:
        writing = connection.get_execution_options().get("vastine_mode") == "writing"
        connection.exec_driver_sql(f"PRAGMA query_only={'OFF' if writing else 'ON'}")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")

    @event.listens_for(engine, "before_cursor_execute")
    def starts(connection: sa.Connection, *_rest: object) -> None:
        raw = connection.connection.dbapi_connection
        if raw is not None:
            raw.set_progress_handler(_Patience(timeout_seconds).over, STEPS)


class _Patience:
    """Counts the time SQLite works on one statement, not the time we take over its rows."""

    def __init__(self, seconds: float) -> None:
        self._left, self._last = seconds, time.monotonic()

    def over(self) -> int:
        """Called by SQLite every so often; anything but 0 interrupts it."""
        now = time.monotonic()
        self._left -= min(now - self._last, 0.25)
        self._last = now
        return int(self._left < 0)


_READ_ONLY = """
SELECT pg_is_in_recovery()
    OR current_setting('default_transaction_read_only')::boolean
    OR coalesce((
        SELECT split_part(setting, '=', 2)::boolean
        FROM pg_db_role_setting, unnest(setconfig) AS setting
        WHERE setting LIKE 'default_transaction_read_only=%%'
          AND setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
          AND setrole IN (0, (SELECT oid FROM pg_roles WHERE rolname = session_user))
        ORDER BY setrole <> 0 DESC, setdatabase <> 0 DESC
        LIMIT 1
    ), false)
"""


def _forbids_writing(connection: sa.Connection) -> bool:
    """Whether whoever keeps the database set it to be read only.

    The setting is only a default, and SQLAlchemy says READ WRITE on a connection that has read before: the server
    would not stop us. It shows in new connections, ours may be older: so its catalogue is asked too.
    """
    return bool(connection.exec_driver_sql(_READ_ONLY).scalar_one())


def is_writable_file(connection: sa.Connection) -> bool:
    """Whether a SQLite file, and the folder where its journal goes, may be written."""
    path = connection.engine.url.database or ""
    plain = path.split("?")[0].removeprefix("file:")
    writable = plain in {"", ":memory:"} or (os.access(plain, os.W_OK) and os.access(Path(plain).parent, os.W_OK))
    return writable and "mode=ro" not in path and connection.engine.url.query.get("mode") != "ro"


_BY_STATE: tuple[tuple[str, type[VastineError], str], ...] = (
    # first letters of SQLSTATE -> what it means for us
    ("57014", TryAgain, "timeout"),
    ("55P03", TryAgain, "locked"),
    ("40", TryAgain, "locked"),
    ("25006", NeverAgain, "read_only"),
    ("42501", NeverAgain, "read_only"),
    ("42", NeverAgain, "schema_changed"),
    ("3F", NeverAgain, "schema_changed"),
    ("28", NeverAgain, "not_permitted"),
    ("3D", NeverAgain, "no_database"),
    ("23", PersonMustLook, "refused_by_source"),
    ("P0", PersonMustLook, "refused_by_source"),
    ("08", SourceDown, "source_down"),
    ("57", SourceDown, "source_down"),
    ("53", SourceDown, "source_down"),
)
_BY_WORDS: tuple[tuple[str, type[VastineError], str], ...] = (
    # SQLite and connection failures say it in words only
    (r"locked|busy", TryAgain, "locked"),
    (r"interrupted", TryAgain, "timeout"),
    (r"readonly", NeverAgain, "read_only"),
    (r"no such (table|column)", NeverAgain, "schema_changed"),
    (r"not a database|malformed", NeverAgain, "no_database"),
    (r"password authentication|role .* does not exist", NeverAgain, "not_permitted"),
)


def plain_error(error: exc.SQLAlchemyError) -> VastineError:  # noqa: PLR0911 (a table of cases)
    """The database's error as one of ours: a code, never its text, which may quote a row."""
    if isinstance(error, exc.NoSuchTableError):
        return NeverAgain("schema_changed", detail="a table of the dataset is not in the database")
    if not isinstance(error, exc.DBAPIError):
        return NeverAgain("source_error", detail=f"the source could not be read ({type(error).__name__})")
    state = getattr(error.orig, "sqlstate", None) or ""
    words = str(error.orig)
    number = error.orig.args[0] if error.orig is not None and error.orig.args else None
    if isinstance(number, int) and number in BY_NUMBER:
        kind, code = BY_NUMBER[number]
        return kind(code, detail=f"the source answered {number}")
    for start, kind, code in _BY_STATE:
        if state and state.startswith(start):
            return kind(code, detail=f"the source answered {state}")
    for pattern, kind, code in () if state else _BY_WORDS:
        if re.search(pattern, words):
            return kind(code)
    if isinstance(error, exc.IntegrityError):
        return PersonMustLook("refused_by_source", detail="a rule of the source forbids it")
    if not state and (error.connection_invalidated or isinstance(error, (exc.OperationalError, exc.InterfaceError))):
        return SourceDown("source_down", detail="the source does not answer")
    return NeverAgain("source_error", detail=f"the source answered {state or type(error).__name__}")
