"""Write the demo register's sources: databases, files, services' records; same bytes for the same seed and day."""

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import islice
from pathlib import Path
from random import Random
from typing import Protocol

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite

from workflows.demo.archive import write_archive
from workflows.demo.channels import Channels
from workflows.demo.collection import HEADER
from workflows.demo.contracts import add_products
from workflows.demo.mailing import write_mails
from workflows.demo.metering import LoadModel
from workflows.demo.planting import plant_cast
from workflows.demo.population import add_population
from workflows.demo.tables import DATABASES
from workflows.demo.world import Point, Row, Span, World

AS_OF = date(2026, 11, 24)
COLLECTION_FILE = "perinta.txt"
_BATCH = 5_000
_SOURCE_OF = {table: source for source, meta in DATABASES.items() for table in meta.tables}

Progress = Callable[[str, int, int], None]
"""Told what is done, how much of it, and of how much."""


@dataclass(frozen=True, slots=True)
class DemoFiles:
    """Where the demo register's sources stand: source name to connection URL, or to the file's path."""

    urls: Mapping[str, str]

    def environ(self) -> dict[str, str]:
        """What `register/sources/*.yaml` reads: VASTINE_SOURCE_<NAME>_URL, and _PATH for the file."""
        return {
            f"VASTINE_SOURCE_{name.upper()}_{'URL' if name in DATABASES else 'PATH'}": where
            for name, where in self.urls.items()
        }


class _Store(Protocol):
    """One database being filled."""

    def write(self, table: str, rows: list[Row]) -> None: ...

    def close(self) -> None: ...


def build_demo(
    folder: Path,
    *,
    people: int = 2000,
    seed: int = 1,
    as_of: date = AS_OF,
    metering_days: int = 7,
    longest_days: int | None = None,
    progress: Progress | None = None,
    urls: Mapping[str, str] | None = None,
) -> DemoFiles:
    """Make all sources under `folder`; what is there already under the same names is replaced.

    `people` counts the crowd; the cast comes on top. `metering_days` are the days of values for the crowd;
    `longest_days` cuts the years of values that some of the cast have to their last days. `urls` sends a source
    ("asiakas", "laskutus", "mittaus") to another database instead of a SQLite file; its tables of these names are
    dropped first.
    """
    folder.mkdir(parents=True, exist_ok=True)
    tell = progress or (lambda _what, _done, _total: None)
    targets = {name: (urls or {}).get(name) or f"sqlite:///{(folder / name).resolve()}.db" for name in DATABASES}
    with ExitStack() as stack:
        stores: dict[str, _Store] = {}
        for name, url in targets.items():
            stores[name] = _SqliteFile(name, url) if url.startswith("sqlite:") else _Server(name, url)
            stack.callback(stores[name].close)
        writer = _Writer(stores)
        world = World(writer.add, as_of)
        add_products(world)
        plant_cast(world, Random(f"{seed}:cast"))  # noqa: S311
        writer.flush()
        add_population(world, Random(f"{seed}:people"), people=people, metering_days=metering_days)  # noqa: S311
        writer.flush()
        tell("people", people, people)
        _write_series(_cut(world.points, longest_days), stores["mittaus"], LoadModel(seed), tell=tell)
    channels = Channels(world)
    channels.cast()
    channels.crowd(Random(f"{seed}:channels"))  # noqa: S311
    channels.write(folder)
    write_mails(world, folder)
    write_archive(world, folder, LoadModel(seed))
    lines = "".join(f"{line}\n" for line in (HEADER, *world.collection))
    path = folder / COLLECTION_FILE
    path.write_bytes(lines.encode())
    return DemoFiles({**targets, "perinta": str(path.resolve())})


def _cut(points: Iterable[Point], longest_days: int | None) -> list[Point]:
    """The points in the order of the table's key."""
    ordered = sorted(points, key=lambda p: p.gsrn)
    if longest_days is None:
        return ordered
    longest = timedelta(days=longest_days)
    return [
        replace(point, spans=tuple(Span(max(s.start, s.end - longest), s.end) for s in point.spans))
        for point in ordered
    ]


def _write_series(points: list[Point], store: _Store, model: LoadModel, *, tell: Progress) -> None:
    for done, point in enumerate(points, start=1):
        rows = model.rows(point)
        while batch := list(islice(rows, _BATCH * 4)):
            store.write("sarja_15", list(batch))
        if done % 100 == 0 or done == len(points):
            tell("metering", done, len(points))


class _Writer:
    """Gathers rows and writes them in the order that foreign keys need."""

    def __init__(self, stores: Mapping[str, _Store]) -> None:
        self._stores = stores
        self._order = [t.name for meta in DATABASES.values() for t in meta.sorted_tables]
        self._rows: dict[str, list[Row]] = {name: [] for name in self._order}
        self._count = 0

    def add(self, table: str, row: Row) -> None:
        self._rows[table].append(row)
        self._count += 1
        if self._count >= _BATCH * 4:
            self.flush()

    def flush(self) -> None:
        for table in self._order:
            if self._rows[table]:
                self._stores[_SOURCE_OF[table]].write(table, self._rows[table])
                self._rows[table] = []
        self._count = 0


def _columns(name: str, table: str) -> list[str]:
    """The columns that rows bring; the marker fills itself."""
    return [c.name for c in DATABASES[name].tables[table].columns if c.name != "synth"]


class _SqliteFile:
    """A SQLite file written from nothing: fixed page size, fixed order, packed at the end."""

    def __init__(self, name: str, url: str) -> None:
        path = Path(url.removeprefix("sqlite:///"))
        for old in (path, Path(f"{path}-wal"), Path(f"{path}-shm"), Path(f"{path}-journal")):
            old.unlink(missing_ok=True)
        self._name = name
        self._db = sqlite3.connect(path, isolation_level=None)
        for pragma in ("page_size = 4096", "journal_mode = OFF", "synchronous = OFF", "foreign_keys = OFF"):
            self._db.execute(f"PRAGMA {pragma}")
        dialect = sqlite.dialect()
        for statement in _ddl(name, dialect):
            self._db.execute(statement)
        self._db.execute("BEGIN")

    def write(self, table: str, rows: list[Row]) -> None:
        columns = _columns(self._name, table)
        marks = ", ".join("?" * len(columns))
        self._db.executemany(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})", rows)

    def close(self) -> None:
        self._db.execute("COMMIT")
        self._db.execute("VACUUM")
        self._db.close()


class _Server:
    """A PostgreSQL database, filled with COPY in one transaction."""

    def __init__(self, name: str, url: str) -> None:
        self._name = name
        self._engine = sa.create_engine(url)
        self._connection = self._engine.connect()
        DATABASES[name].drop_all(self._connection)
        DATABASES[name].create_all(self._connection)

    def write(self, table: str, rows: list[Row]) -> None:
        driver = self._connection.connection.driver_connection
        if driver is None:
            raise RuntimeError("no connection")
        columns = ", ".join(_columns(self._name, table))
        with driver.cursor().copy(f"COPY {table} ({columns}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)

    def close(self) -> None:
        self._connection.commit()
        self._connection.close()
        self._engine.dispose()


def _ddl(name: str, dialect: sa.Dialect) -> Iterator[str]:
    for table in DATABASES[name].sorted_tables:
        yield str(sa.schema.CreateTable(table).compile(dialect=dialect))
        indexes: Iterable[sa.Index] = sorted(table.indexes, key=lambda i: str(i.name))
        for index in indexes:
            yield str(sa.schema.CreateIndex(index).compile(dialect=dialect))
