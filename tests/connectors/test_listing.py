"""Reading a source through: since when each record is there, whose it says it is, and little memory."""

import sqlite3
import tracemalloc
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.connectors.shop import dataset, field, register, run_sql, source
from workflows.connectors.csv_source import CsvConnector
from workflows.connectors.sql import SqlConnector
from workflows.register.model import SourceSpec

FIELDS = [
    field("id", "system.operations", primary_key=True),
    field("email", "user.contact.email", identity="email"),
    field("made", "system.operations"),
    field("note", "user.content"),
]


def described(kind: str, **connection: Any) -> SourceSpec:
    person = {"collections": {"letter": {"created": "made"}}}
    return source("news", dataset({"letter": FIELDS}, key="news"), kind=kind, connection=connection, person=person)


def listed(connector: SqlConnector | CsvConnector) -> list[tuple[object, object, object]]:
    assert connector.collections() == ["letter"]
    return [(dict(row.locator), dict(row.identifiers), row.created) for row in connector.everything("letter")]


def test_a_table_tells_day_instant_or_nothing(tmp_path: Path) -> None:
    url, spec = f"sqlite:///{tmp_path / 'news.db'}", described("sql")
    run_sql(url, "CREATE TABLE letter (id INTEGER PRIMARY KEY, email TEXT, made TEXT, note TEXT)")
    rows = "(1, 'a@x.example', '2024-05-01', 'n'), (2, NULL, '2024-05-01T10:00:00+00:00', 'n'), (3, '', 'spring', 'n')"
    run_sql(url, f"INSERT INTO letter VALUES {rows}")
    assert listed(SqlConnector(spec, register=register(spec), url=url)) == [
        ({"id": 1}, {"email": ("a@x.example",)}, date(2024, 5, 1)),
        ({"id": 2}, {}, datetime(2024, 5, 1, 10, tzinfo=UTC)),
        ({"id": 3}, {}, None),
    ]


def test_so_does_a_table_of_postgresql_with_columns_of_those_types(fresh_postgres: Callable[[], str]) -> None:
    url, spec = fresh_postgres(), described("sql")
    run_sql(url, "CREATE TABLE letter (id INTEGER PRIMARY KEY, email TEXT, made TIMESTAMPTZ, note TEXT)")
    run_sql(url, "INSERT INTO letter VALUES (1, 'a@x.example', '2024-05-01 10:00+00', 'n'), (2, NULL, NULL, 'n')")
    connector = SqlConnector(spec, register=register(spec), url=url)
    assert listed(connector) == [
        ({"id": 1}, {"email": ("a@x.example",)}, datetime(2024, 5, 1, 10, tzinfo=UTC)),
        ({"id": 2}, {}, None),
    ]
    connector.dispose()


def test_so_do_the_lines_of_a_file(tmp_path: Path) -> None:
    drop = tmp_path / "drop"
    drop.mkdir()
    text = "id;email;made;note\n1;a@x.example;1.5.2024;n\n2;;;n\n"
    (drop / "letter.csv").write_text(text, encoding="utf-8")
    spec = described("csv", url=drop.as_uri(), files={"letter": {"pattern": "letter.csv"}}, delimiter=";")
    found = listed(CsvConnector(spec, register=register(spec), environ={}))
    assert [(identifiers, created) for _, identifiers, created in found] == [
        ({"email": ("a@x.example",)}, date(2024, 5, 1)),
        ({}, None),
    ]


def test_ten_times_as_many_records_take_no_more_memory(tmp_path: Path) -> None:
    spec = described("sql")

    def peak(count: int) -> int:
        path = tmp_path / f"{count}.db"
        with closing(sqlite3.connect(path)) as database, database:
            database.execute("CREATE TABLE letter (id INTEGER PRIMARY KEY, email TEXT, made TEXT, note TEXT)")
            rows = ((n, f"p{n}@x.example", "2024-05-01", "n" * 50) for n in range(count))
            database.executemany("INSERT INTO letter VALUES (?, ?, ?, ?)", rows)
        connector = SqlConnector(spec, register=register(spec), url=f"sqlite:///{path}")
        assert sum(1 for _ in connector.everything("letter")) == count
        tracemalloc.start()
        try:
            assert sum(1 for _ in connector.everything("letter")) == count
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    assert peak(50_000) < 2 * peak(5_000)


@pytest.mark.parametrize("name", ["customer", "unknown"])
def test_a_collection_that_is_none_is_a_mistake_of_ours(tmp_path: Path, name: str) -> None:
    url, spec = f"sqlite:///{tmp_path / 'news.db'}", described("sql")
    run_sql(url, "CREATE TABLE letter (id INTEGER PRIMARY KEY, email TEXT, made TEXT, note TEXT)")
    with pytest.raises(KeyError):
        list(SqlConnector(spec, register=register(spec), url=url).everything(name))
