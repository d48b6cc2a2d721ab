"""What does looking around in a large schema cost beside the driver's own read of the same catalogue and rows?"""

import statistics
import time
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import psycopg
from psycopg import sql

from bench.place import Place
from bench.report import Report, spread
from workflows.connectors.discovery import SqlDiscovery
from workflows.connectors.sql_discover import ROWS
from workflows.register.draft import draft_of
from workflows.rules.picture import picture_of

TABLES = 500
COLUMNS = 12
TIMES = 7
_CATALOGUE = """
SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid
WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND a.attnum > 0 AND NOT a.attisdropped
"""
_KEYS = """
SELECT k.conrelid::regclass::text, k.contype, k.conkey, k.confrelid::regclass::text, k.confkey
FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = 'public' AND k.contype IN ('p', 'f')
"""


def measure(place: Place) -> Report:
    """A schema of five hundred tables: its catalogue, a sample of each table, and the finished draft."""
    report = Report(f"Looking around in {TABLES} tables of {COLUMNS} columns, beside the driver alone")
    url = place.postgres.create_database()
    _fill(url)
    discovery = SqlDiscovery(url)
    with psycopg.connect(url) as connection:
        discovery.discover()
        ours, theirs = _in_turn(discovery.discover, lambda: _catalogue(connection))
        ratio = statistics.median(ours) / statistics.median(theirs)
        report.add("catalogue: as many times the driver's own read", ratio, "x", aim=20, told=spread(ours))
        whole, raw = _in_turn(lambda: _scan(discovery), lambda: _read(connection))
        ratio = statistics.median(whole) / statistics.median(raw)
        report.add(
            "whole scan: as many times reading catalogue and rows", ratio, "x", aim=15, told=spread(whole, "s", times=1)
        )
        report.add("whole scan of 500 tables", statistics.median(whole), "s", aim=15)
    report.add("memory of the process", _resident_mib(), "MiB", aim=400)
    discovery.dispose()
    text = _scan(SqlDiscovery(url))
    report.notes.append(f"{ROWS} rows of each table are counted; the draft has {len(text) // 1024} KiB")
    return report


def _scan(discovery: SqlDiscovery) -> str:
    found = discovery.discover()
    looked = discovery.look(found.tables, today=date(2026, 11, 24))
    picture = picture_of(discovery.alike(looked, default=found.default))
    return draft_of(picture, source="bench", kind="sql", connection=["url: {env: X}"], default=found.default).text


def _catalogue(connection: psycopg.Connection) -> int:
    rows = len(connection.execute(_CATALOGUE).fetchall()) + len(connection.execute(_KEYS).fetchall())
    connection.rollback()
    return rows


def _read(connection: psycopg.Connection) -> None:
    _catalogue(connection)
    for name in _names():
        half = sql.SQL("SELECT * FROM {} ORDER BY id {} LIMIT {}")
        for order in ("ASC", "DESC"):
            statement = half.format(sql.Identifier(name), sql.SQL(order), sql.Literal(ROWS // 2))
            connection.execute(statement).fetchall()
    connection.rollback()


def _names() -> Iterator[str]:
    return ("customer" if n == 0 else f"part_{n:03d}" for n in range(TABLES))


def _fill(url: str) -> None:
    """A customer, and tables below it in a tree, each with contact data, codes, numbers, texts and dates."""
    with psycopg.connect(url) as connection:
        for n, name in enumerate(_names()):
            parent = "" if n == 0 else f", FOREIGN KEY (parent_id) REFERENCES {list(_names())[(n - 1) // 4]} (id)"
            connection.execute(
                f"CREATE TABLE {name} (id integer PRIMARY KEY, parent_id integer, email varchar(80), phone varchar(20),"
                " first_name varchar(40), last_name varchar(40), street varchar(80), postcode varchar(5),"
                f" born date, status varchar(10), amount numeric(10, 2), note text{parent})"
            )
            connection.execute(
                f"INSERT INTO {name} SELECT n, n, 'p' || n || '@mail.example', '040' || (1000000 + n * 7),"
                " 'Aino', 'Esimerkki', 'Kotikatu ' || n, lpad(n::text, 5, '0'), date '1950-01-01' + n * 20,"
                " (ARRAY['OPEN', 'PAID'])[1 + n % 2], n * 1.5, 'Kaikki on kunnossa ja rivi on numero ' || n"
                " FROM generate_series(1, 300) n"
            )
        connection.commit()
        connection.autocommit = True
        connection.execute("ANALYZE")


def _in_turn(ours: Callable[[], object], theirs: Callable[[], object]) -> tuple[list[float], list[float]]:
    """Both ways in turn, so that whatever else the machine does slows both."""
    mine: list[float] = []
    other: list[float] = []
    for _ in range(TIMES):
        for way, times in ((ours, mine), (theirs, other)):
            start = time.perf_counter()
            way()
            times.append(time.perf_counter() - start)
    return mine, other


def _resident_mib() -> float:
    fields = Path("/proc/self/status").read_text(encoding="ascii")
    return int(next(line for line in fields.splitlines() if line.startswith("VmHWM")).split()[1]) / 1024
