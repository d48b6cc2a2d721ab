"""Engines, sessions and the one place that commits."""

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import Connection
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.orm import Session, sessionmaker

Publish = Callable[[str, str], None]
"""`publish(kind, step_id)`: rings a bell; must never raise and never wait longer than a second."""

_LOCK_TIMEOUT_MS = 5000
_IDLE_TIMEOUT_MS = 30000
_IDLE_SECONDS = 1.0


def open_engine(url: str, *, pool_size: int = 5) -> Engine:
    """An engine for Vastine's own database, PostgreSQL or SQLite, with the settings durability rests on.

    Parameters never appear in error messages: they hold personal data.
    """
    if url.startswith("postgresql://"):
        url = url.replace("postgresql://", "postgresql+psycopg://", 1)
    if url.startswith("sqlite"):
        engine = create_engine(url, hide_parameters=True, connect_args={"timeout": 30, "check_same_thread": False})
        event.listen(engine, "connect", _configure_sqlite)
        event.listen(engine, "begin", _begin_immediate)
        return engine
    options = (
        f"-c lock_timeout={_LOCK_TIMEOUT_MS} -c idle_in_transaction_session_timeout={_IDLE_TIMEOUT_MS} -c timezone=UTC"
    )
    engine = create_engine(
        url,
        hide_parameters=True,
        pool_size=pool_size,
        connect_args={"options": options, "connect_timeout": 10},
    )
    _ask_the_idle(engine)
    return engine


def _ask_the_idle(engine: Engine) -> None:
    """Ask a connection that nobody used for a while whether it still stands: its server may have been restarted.

    As `pool_pre_ping` does, but that asks at every transaction, and commits each time it has asked.
    """

    @event.listens_for(engine, "checkin")
    def note(_connection: Any, record: Any) -> None:
        record.info["used_at"] = time.monotonic()

    @event.listens_for(engine, "checkout")
    def ask(connection: Any, record: Any, _proxy: Any) -> None:
        if time.monotonic() - record.info.get("used_at", time.monotonic()) < _IDLE_SECONDS:
            return
        try:
            engine.dialect.do_ping(connection)
        except engine.dialect.loaded_dbapi.Error:
            raise InvalidatePoolError from None


def _configure_sqlite(connection: sqlite3.Connection, _record: Any) -> None:
    # The driver's own transaction handling starts transactions late; ours are BEGIN IMMEDIATE.
    connection.isolation_level = None
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        "busy_timeout=30000",
        "secure_delete=ON",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin_immediate(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def open_sessions(engine: Engine) -> sessionmaker[Session]:
    """Sessions that keep loaded values after the commit, so that plain data may be read from them."""
    return sessionmaker(engine, expire_on_commit=False)


def ring(session: Session, kind: str, step_id: str) -> None:
    """Note a bell to be rung after the commit; several of one kind ring once."""
    session.info.setdefault("bells", {})[kind] = step_id


def after_commit(session: Session, work: Callable[[], None]) -> None:
    """Note what can't be rolled back, to be done once the rest is safe: it must be repeatable and must not raise.

    A process that dies in between leaves it undone; a sweep has to find that.
    """
    session.info.setdefault("after_commit", []).append(work)


@contextmanager
def reading(session: Session, *tables: type, besides: object = None) -> Iterator[None]:
    """Read these tables; of what waits to be written, all goes first if some of it belongs to one of them.

    Where none does, it waits on and is written in fewer statements: of a request that changes three times in
    one transaction the last state is written once. `besides`: a row of which the caller knows that the reading
    leaves it out, whatever of it is to be written.
    """
    waiting = (row for rows in (session.new, session.dirty, session.deleted) for row in rows)
    if any(isinstance(row, tables) and row is not besides for row in waiting):
        session.flush()
    with session.no_autoflush:
        yield


@contextmanager
def unit_of_work(sessions: sessionmaker[Session], publish: Publish) -> Iterator[Session]:
    """One border, one transaction: commit or roll back everything, then let the bells ring.

    The bells ring only after the commit, so nobody is called to work that was rolled back; a bell that
    can't be rung is the sweep's to notice.
    """
    with sessions.begin() as session:
        yield session
        bells: dict[str, str] = session.info.pop("bells", {})
        noted: list[Callable[[], None]] = session.info.pop("after_commit", [])
    for kind, step_id in bells.items():
        publish(kind, step_id)
    for work in noted:
        work()
