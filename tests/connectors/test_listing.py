"""Reading a source through: since when each record is there, whose it says it is, and little memory."""

import sqlite3
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from models.vocabulary import Action
from tests.connectors.service import CALLS, MESSAGES, PAGES, TICKETS, Notes
from tests.connectors.service import service as http_service
from tests.connectors.shop import dataset, field, register, run_sql, source
from tests.http_source import ANNA, running
from workflows.connectors.csv_source import CsvConnector
from workflows.connectors.sql import SqlConnector
from workflows.errors import NeverAgain, WaitFor
from workflows.ports import EraseItem, Lead
from workflows.register.model import SourceSpec
from workflows.rules.items import Item

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


def dropped(folder: Path, text: str, *, keyed: bool = True) -> CsvConnector:
    """A drop of one file, whose lines say a day and a fact."""
    (folder / "drop").mkdir()
    (folder / "drop" / "letter.csv").write_text(text, encoding="utf-8")
    facts = {"letter": {"on": "made", "facts": {"number": "note"}, "ownership": "own"}}
    fields = FIELDS if keyed else [field("id", "system.operations"), *FIELDS[1:]]
    spec = source(
        "news",
        dataset({"letter": fields}, key="news"),
        kind="csv",
        connection={"url": (folder / "drop").as_uri(), "pattern": "letter.csv"},
        person={"collections": facts},
    )
    return CsvConnector(spec, register=register(spec), environ={})


def test_a_line_read_through_is_the_item_that_a_search_finds(tmp_path: Path) -> None:
    connector = dropped(tmp_path, "id;email;made;note\n1;a@x.example;1.5.2024;n\n2;a@x.example;;\n3;;2.5.2024;x\n")
    assert list(connector.readable()) == ["letter"]
    through = {str(i.locator): i for i in connector.records("letter", before=date.max)}
    found: list[Item] = []
    connector.collect({"identity:email": [Lead("a@x.example")]}, found.append)
    assert len(through) == 3
    assert len(found) == 2
    assert [replace(i, path="") for i in found] == [through[str(i.locator)] for i in found]


def test_lines_that_are_alike_are_one_record(tmp_path: Path) -> None:
    connector = dropped(tmp_path, "id;email;made;note\n1;;;n\n1;;;n\n2;;;n\n", keyed=False)
    items = list(connector.records("letter", before=date.max))
    assert [i.fields["id"] for i in items] == ["1", "2"]


SHOWN = {"path": "/tickets", "records": "items", "page": PAGES["cursor"]}
LISTING = {**TICKETS, "find": [*TICKETS["find"], SHOWN]}


class OnePlace(Notes):
    """A source's only place, as all workers together know it."""

    taken = False

    @contextmanager
    def place(self, source: str, slots: int) -> Iterator[Callable[[], None]]:
        if self.taken:
            raise WaitFor("slots", after_seconds=0.05)
        self.taken = True
        try:
            yield lambda: None
        finally:
            self.taken = False


def test_between_two_pages_a_service_is_free_for_others() -> None:
    """Whoever reads a source through is slow, and asks it for single records meanwhile."""
    with running() as at:
        connector = http_service(at, {"tickets": LISTING}, rate={"per_second": 1000, "burst": 100, "slots": 1})
        connector.pace(OnePlace(), Notes())
        rows = connector.everything("tickets")
        first = next(rows)
        item = EraseItem(0, "tickets", first.locator, Action.DELETE, (), "")
        assert list(connector.present([item])) == [0]
        assert len([first, *rows]) == 4
        assert connector.present([item])


def test_a_record_that_two_pages_give_is_one() -> None:
    """Pages shift while they are read."""
    with running() as at:
        connector = http_service(at, {"tickets": LISTING})
        rows = connector.everything("tickets")
        listed = [next(rows)]
        at.data["tickets"].insert(0, {**at.data["tickets"][0], "id": 9})
        listed += rows
        assert [row.locator["id"] for row in listed] == [1, 2, 3, 4]
        assert listed[0].identifiers == {"email": (ANNA,)}


def test_a_service_lists_what_a_call_finds_whole_and_lets_nothing_go_unasked_that_others_point_at() -> None:
    with running() as at:
        assert http_service(at).collections() == []
        connector = http_service(at, {"tickets": LISTING, "messages": MESSAGES, "calls": CALLS})
        assert connector.collections() == ["tickets"]
        assert connector.readable() == {}
        assert list(http_service(at, {"tickets": LISTING}).readable()) == ["tickets"]


def test_reading_a_service_through_takes_no_more_calls_than_its_file_allows() -> None:
    with running() as at:
        connector = http_service(at, {"tickets": LISTING}, limits={"calls": 1})
        with pytest.raises(NeverAgain, match="too_many_calls"):
            list(connector.everything("tickets"))
