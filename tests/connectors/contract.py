"""What every kind of source promises, in one set of sentences, and a small world of each kind to hold it to them.

The world is the same everywhere: readings at three metering points, two of which are the person's for a time.
"""

import csv
import io
import json
import sqlite3
import tracemalloc
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa

from models.vocabulary import Action, Ownership, ReceiptOutcome
from tests.connectors.service import Notes
from tests.connectors.shop import dataset, field, ref, register, run_sql, source, with_driver
from tests.connectors.shop import dump as dump_sql
from tests.http_source import HttpSource, running
from workflows.connectors.csv_source import CsvConnector
from workflows.connectors.file import FileConnector
from workflows.connectors.hand import HandConnector
from workflows.connectors.http import HttpConnector
from workflows.connectors.parquet_source import ParquetConnector
from workflows.connectors.sql import SqlConnector
from workflows.errors import PersonMustLook, VastineError
from workflows.handed import HandAnswer, HandRecord
from workflows.listed import Lists, ReadsThrough
from workflows.ports import Connector, EraseItem, Lead
from workflows.register.model import SourceSpec
from workflows.rules.items import Item, canonical

ERASED, MASKED, KEPT = ReceiptOutcome.ERASED, ReceiptOutcome.MASKED, ReceiptOutcome.KEPT
ABSENT, DRIFTED = ReceiptOutcome.ABSENT, ReceiptOutcome.DRIFTED

Reading = tuple[str, str, str, str]
"""id, point, instant, note."""

MINE: Sequence[Reading] = (
    ("2", "G1", "2024-03-30T22:00:00+00:00", "first second of winter time's last day"),
    ("3", "G1", "2024-10-26T20:59:59+00:00", "last second of summer time's last whole day"),
    ("6", "G2", "2024-03-31T21:00:00+00:00", "first second of summer time's first whole day"),
    ("7", "G2", "2024-10-27T21:59:59+00:00", 'Äiti; "isä" ja pilkku, last second of the day of 25 hours'),
)
OTHERS: Sequence[Reading] = (
    ("1", "G1", "2024-03-30T21:59:59+00:00", "the tenant before"),
    ("4", "G1", "2024-10-26T21:00:00+00:00", "the tenant after"),
    ("5", "G2", "2024-03-31T20:59:59+00:00", "the tenant before"),
    ("8", "G2", "2024-10-27T22:00:00+00:00", "the tenant after"),
    ("9", "G3", "2024-06-01T12:00:00+00:00", "the neighbour"),
    ("10", "g1", "2024-06-01T12:00:00+00:00", "a point whose name looks alike"),
)
ROWS = tuple(sorted((*MINE, *OTHERS), key=lambda row: int(row[0])))
LEAD = "billing:contract.gsrn"
SEEDS = {
    LEAD: [Lead("G1", date(2024, 3, 31), date(2024, 10, 27)), Lead("G2", date(2024, 4, 1), date(2024, 10, 28))],
}
NAMES = ("id", "gsrn", "at", "note")
FIELDS = [
    field("id", "system.operations", primary_key=True),
    field("gsrn", "user.unique_id", references=[ref("contract.gsrn", dataset="billing")]),
    field("at", "user.sensor"),
    field("note", "user.content"),
]
PERSON = {"collections": {"reading": {"on": "at", "erase": "delete"}}}


def described(kind: str, **connection: Any) -> SourceSpec:
    """The source file of such a world."""
    whole = dataset({"reading": FIELDS}, key="metering")
    return source("metering", whole, kind=kind, connection=connection, person=PERSON)


@dataclass
class World:
    """One source. `dump` is all it holds; `silence` makes it unreachable."""

    kind: str
    connect: Callable[[], Connector]
    dump: Callable[[], Any]
    write: Callable[[Sequence[Reading]], None]
    silence: Callable[[], None]
    erases: bool = True

    @property
    def by_hand(self) -> bool:
        """Whether people search it."""
        return self.kind in ("manual", "paper")

    def found(self) -> list[Item]:
        """What a search finds of the person."""
        items: list[Item] = []
        self.connect().collect(SEEDS, items.append)
        return sorted(items, key=lambda item: str(item.locator.get("id")))

    def plan(self, action: Action = Action.DELETE, *fields: str) -> list[EraseItem]:
        """The plan without holds."""
        mine = [item for item in self.found() if item.ownership is Ownership.OWN]
        return [EraseItem(n, i.collection, i.locator, action, fields, i.digest) for n, i in enumerate(mine)]


def sql_world(folder: Path) -> World:
    """A table of SQLite."""
    url = f"sqlite:///{folder / 'metering.db'}"
    columns = "id INTEGER PRIMARY KEY, gsrn VARCHAR(18), at VARCHAR(40), note VARCHAR(9000)"

    def write(rows: Sequence[Reading]) -> None:
        with closing(sqlite3.connect(folder / "metering.db")) as connection, connection:
            connection.execute("DROP TABLE IF EXISTS reading")
            connection.execute(f"CREATE TABLE reading ({columns})")
            connection.executemany("INSERT INTO reading VALUES (?, ?, ?, ?)", rows)

    spec = described("sql")
    write(ROWS)
    return World(
        "sql",
        lambda: SqlConnector(spec, register=register(spec), url=url),
        lambda: dump_sql(url)["reading"],
        write,
        lambda: run_sql(url, "DROP TABLE reading"),
    )


def server_world(url: str) -> World:
    """A table of a database server."""
    engine = sa.create_engine(with_driver(url))
    table = sa.Table(
        "reading",
        sa.MetaData(),
        sa.Column("id", sa.Integer, primary_key=True),
        *(sa.Column(name, sa.String(size)) for name, size in (("gsrn", 18), ("at", 40), ("note", 9000))),
    )

    def write(rows: Sequence[Reading]) -> None:
        table.drop(engine, checkfirst=True)
        table.create(engine)
        with engine.begin() as connection:
            connection.execute(sa.insert(table), [dict(zip(NAMES, row, strict=True)) for row in rows])
        engine.dispose()

    spec = described("sql")
    write(ROWS)
    return World(
        "sql",
        lambda: SqlConnector(spec, register=register(spec), url=url),
        lambda: dump_sql(url)["reading"],
        write,
        lambda: run_sql(url, "DROP TABLE reading"),
    )


def csv_text(rows: Sequence[Reading], delimiter: str = ";") -> bytes:
    """A file with these readings."""
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter, lineterminator="\r\n")
    writer.writerows([NAMES, *rows])
    return out.getvalue().encode()


def csv_world(folder: Path, *, writable: bool = True) -> World:
    """A drop of one file."""
    drop = folder / "drop"
    drop.mkdir()
    file = drop / "readings.csv"
    file.write_bytes(csv_text(ROWS))
    spec = described("csv", url=str(drop), pattern="readings*.csv", writable=writable)
    return World(
        "csv",
        lambda: CsvConnector(spec, register=register(spec), environ={}),
        lambda: {p.name: p.read_bytes() for p in drop.iterdir() if not p.name.startswith(".vastine")},
        lambda rows: file.write_bytes(csv_text(rows)) and None,
        file.unlink,
        erases=writable,
    )


def file_world(folder: Path) -> World:
    """A file that is only read."""
    file = folder / "readings.txt"
    file.write_bytes(csv_text(ROWS, "|"))
    spec = described("file", path=str(file))
    return World(
        "file",
        lambda: FileConnector(spec, register=register(spec), environ={}),
        file.read_bytes,
        lambda rows: file.write_bytes(csv_text(rows, "|")) and None,
        file.unlink,
        erases=False,
    )


def http_world(service: HttpSource, *, reads_only: bool = False) -> World:
    """A service."""

    def write(rows: Sequence[Reading]) -> None:
        service.data["reading"] = [dict(zip(NAMES, row, strict=True)) for row in rows]
        service.page_size = 3 if len(rows) < 100 else 100

    write(ROWS)
    notes = Notes()
    one = {"path": "/reading/{id}"}
    page = {"cursor": {"param": "cursor", "path": "meta.next"}}
    calls = {
        "find": [
            {"path": "/reading?gsrn={gsrn}", "records": "items", "page": page},
            {"path": "/reading", "records": "items", "page": page},
        ],
        "one": one,
        **({} if reads_only else {"delete": one, "mask": {**one, "values": {"note": ""}}}),
    }
    spec = described(
        "http", base_url=service.url, health="/health", allow_private=["127.0.0.1"], collections={"reading": calls}
    )

    def connect() -> HttpConnector:
        connector = HttpConnector(spec, register=register(spec), environ={})
        connector._marks = notes
        return connector

    def silence() -> None:
        service.once("", lambda handler: handler.raw(b""), times=1000)

    return World("http", connect, lambda: service.dump()["reading"], write, silence, erases=not reads_only)


def parquet_world(folder: Path, *, files: int = 2) -> World:
    """An archive, in one file or cut into several; small row groups, each with rows of several points."""
    archive = folder / "archive"
    archive.mkdir()
    schema = pa.schema(
        [
            pa.field("id", pa.int64(), nullable=False),
            ("gsrn", pa.dictionary(pa.int32(), pa.string())),
            ("at", pa.timestamp("us", "UTC")),
            ("note", pa.string()),
            ("tags", pa.list_(pa.string())),
        ],
        metadata={"written by": "the meters"},
    )

    def write(rows: Sequence[Reading]) -> None:
        for number in range(files):
            told = [
                {"id": int(r[0]), "gsrn": r[1], "at": datetime.fromisoformat(r[2]), "note": r[3], "tags": ["a", None]}
                for r in rows
                if int(r[0]) % files == number
            ]
            table = pa.Table.from_pylist(told, schema)
            pq.write_table(table, archive / f"part_{number}.parquet", row_group_size=2 if len(rows) < 100 else 1000)

    def dump() -> dict[str, Any]:
        tables = {p.name: pq.read_table(p) for p in sorted(archive.glob("part_*.parquet"))}
        return {name: (table.schema.to_string(), table.to_pylist()) for name, table in tables.items()}

    def silence() -> None:
        (archive / "part_0.parquet").write_bytes((archive / "part_0.parquet").read_bytes()[:-9])

    spec = described(
        "parquet", url=str(archive), pattern="part_*.parquet", writable=True, take="newest" if files == 1 else "all"
    )
    write(ROWS)
    return World("parquet", lambda: ParquetConnector(spec, register=register(spec)), dump, write, silence)


def hand_world(kind: str) -> World:
    """People who have searched; what they wrote down names the point it is about."""
    answers: list[HandAnswer] = []

    def write(rows: Sequence[Reading]) -> None:
        records = [
            HandRecord(n, "reading", dict(zip(NAMES, row, strict=True)), whose=Ownership.OWN)
            for n, row in enumerate(rows)
        ]
        answers[:] = [HandAnswer(records=tuple(records))]

    spec = described(kind)
    write(ROWS)
    return World(
        kind,
        lambda: (
            HandConnector(spec, register=register(spec)).answered(answers[0])
            if answers
            else HandConnector(spec, register=register(spec))
        ),
        lambda: json.dumps([dict(r.values) for r in answers[0].records]),
        write,
        answers.clear,
        erases=False,
    )


class Contract:
    """The sentences. Whoever holds a kind to them gives `world`."""

    def test_what_can_be_read_through_lists_each_record_once_where_a_search_finds_it(self, world: World) -> None:
        """Of a stranger too: what came back has no name that could be looked for."""
        source = world.connect()
        if not isinstance(source, Lists):
            pytest.skip("whoever keeps it has to look")
        listed = [row.locator for name in source.collections() for row in source.everything(name)]
        assert len(listed) == len(ROWS) == len({canonical(locator) for locator in listed})
        assert {canonical(item.locator) for item in world.found()} <= {canonical(locator) for locator in listed}

    def test_what_can_be_read_through_fails_clearly_where_it_is_away(self, world: World) -> None:
        """Nothing at all would pass for "nobody came back"."""
        source = world.connect()
        if not isinstance(source, Lists):
            pytest.skip("whoever keeps it has to look")
        world.silence()
        with pytest.raises(VastineError):
            [row for name in source.collections() for row in source.everything(name)]

    def test_a_record_read_through_is_the_very_item_that_a_search_finds(self, world: World) -> None:
        """Its digest too, or a list of what is past its time would find every record changed."""
        source = world.connect()
        if not isinstance(source, ReadsThrough):
            pytest.skip("whoever keeps it has to look")
        through = {canonical(i.locator): i for n in source.readable() for i in source.records(n, before=date.max)}
        assert len(through) == len(ROWS)
        mine = [item for item in world.found() if item.ownership is Ownership.OWN]
        assert [replace(item, path="") for item in mine] == [through[canonical(item.locator)] for item in mine]

    def test_it_finds_what_it_should_and_nothing_of_anybody_else(self, world: World) -> None:
        before = world.dump()
        items = world.found()
        mine = {str(i.locator["id"]): i.fields for i in items if i.ownership is Ownership.OWN}
        assert {(n, *(f[c] for c in NAMES[1:])) for n, f in mine.items()} == set(MINE)
        assert {i.ownership for i in items} <= {Ownership.OWN, Ownership.THIRD_PARTY}
        assert world.dump() == before

    def test_a_place_is_the_person_s_from_midnight_to_midnight_over_both_clock_changes(self, world: World) -> None:
        assert [str(i.locator["id"]) for i in world.found() if i.ownership is Ownership.OWN] == ["2", "3", "6", "7"]
        days = [i.on for i in world.found() if i.ownership is Ownership.OWN]
        assert days == [date(2024, 3, 31), date(2024, 10, 26), date(2024, 4, 1), date(2024, 10, 27)]

    @pytest.mark.parametrize("value", ["", "G1' OR '1'='1", "G1\x00", "G%", "*", " G1", "../G1", "G1;G2"])
    def test_a_seed_leads_only_to_exactly_its_value(self, world: World, value: str) -> None:
        items: list[Item] = []
        world.connect().collect({LEAD: [Lead(value)]}, items.append)
        if not (world.by_hand and value == " G1"):  # people write spaces
            assert [i for i in items if i.ownership is Ownership.OWN] == []

    def test_nothing_to_look_for_is_not_looked_for(self, world: World) -> None:
        items: list[Item] = []
        assert world.connect().collect({}, items.append) == {}
        assert world.by_hand or items == []  # what people found they found; then it is nobody's
        assert {i.ownership for i in items} <= {Ownership.THIRD_PARTY}

    def test_a_digest_is_the_same_at_every_search_and_another_after_any_change(self, world: World) -> None:
        first = {str(i.locator["id"]): i.digest for i in world.found()}
        assert {str(i.locator["id"]): i.digest for i in world.found()} == first
        world.write([(*row[:3], row[3] + ("." if row[0] == "3" else "")) for row in ROWS])
        again = {str(i.locator["id"]): i.digest for i in world.found()}
        assert {n for n in first if again[n] != first[n]} == {"3"}

    def test_what_was_found_is_told_as_present_by_its_digest(self, world: World) -> None:
        plan = world.plan()
        assert world.connect().present(plan) == {item.item_no: item.digest for item in plan}
        world.write([row for row in ROWS if row[0] != "3"])
        assert world.connect().present(plan).keys() == {0, 2, 3}

    def test_the_preview_lists_exactly_what_the_erasure_does(self, world: World) -> None:
        plan = world.plan()[:3]
        before = world.dump()
        told = world.connect().preview(plan)
        assert world.dump() == before
        if not world.erases:
            return
        assert [p.refused for p in told] == [""] * 3
        assert [d.outcome for d in world.connect().erase("op", 1, plan)] == [ERASED] * 3
        after = world.dump()
        world.write([row for row in ROWS if row[0] not in ("2", "3", "6")])
        assert after == world.dump()
        assert world.connect().present(plan) == {}

    def test_masking_takes_the_field_and_nothing_else(self, world: World) -> None:
        if not world.erases:
            pytest.skip("people do it")
        plan = world.plan(Action.MASK, "note")
        told = world.connect().preview(plan)
        assert [(p.refused, tuple(p.fields)) for p in told] == [("", ("note",))] * 4
        assert [d.outcome for d in world.connect().erase("op", 1, plan)] == [MASKED] * 4
        mine = {row[0] for row in MINE}
        items: list[Item] = []
        world.connect().collect({LEAD: [Lead(p) for p in ("G1", "G2", "G3", "g1")]}, items.append)
        told_now = {str(i.locator["id"]): tuple(i.fields[c] for c in NAMES[1:]) for i in items}
        assert {n: row[:2] for n, row in told_now.items()} == {row[0]: row[1:3] for row in ROWS}
        assert {n for n, row in told_now.items() if row[2] in ("", None)} == mine

    def test_a_record_that_changed_is_left_alone(self, world: World) -> None:
        plan = world.plan()
        world.write([(*row[:3], row[3] + ("!" if row[0] == "3" else "")) for row in ROWS])
        if not world.erases:
            return
        before = world.dump()
        assert [p.refused for p in world.connect().preview(plan)] == ["", "drifted", "", ""]
        assert world.dump() == before
        done = [d.outcome for d in world.connect().erase("op", 1, plan)]
        assert done == [ERASED, DRIFTED, ERASED, ERASED]
        assert world.connect().present(plan).keys() == {1}

    def test_what_somebody_else_erased_is_absent(self, world: World) -> None:
        if not world.erases:
            pytest.skip("people do it")
        plan = world.plan()
        world.write([row for row in ROWS if row[0] != "3"])
        assert [p.refused for p in world.connect().preview(plan)] == ["", "absent", "", ""]
        assert [d.outcome for d in world.connect().erase("op", 1, plan)] == [ERASED, ABSENT, ERASED, ERASED]

    def test_an_erasure_done_is_not_done_again(self, world: World) -> None:
        if not world.erases:
            pytest.skip("people do it")
        plan = world.plan()[:2]
        world.connect().erase("op", 1, plan)
        after = world.dump()
        assert [d.outcome for d in world.connect().erase("op", 2, plan)] in ([ERASED] * 2, [ABSENT] * 2)
        assert world.dump() == after

    def test_what_was_called_off_first_is_kept_or_was_never_begun(self, world: World) -> None:
        plan = world.plan()
        before = world.dump()
        assert [d.outcome for d in world.connect().call_off("op", 2, plan)] == [KEPT] * 4
        assert world.dump() == before
        if world.erases and world.connect().guarantee in ("A", "B"):
            assert [d.outcome for d in world.connect().erase("op", 3, plan)] == [KEPT] * 4
            assert world.dump() == before

    def test_calling_off_too_late_tells_what_was_done(self, world: World) -> None:
        if not world.erases:
            pytest.skip("people do it")
        plan = world.plan()
        world.connect().erase("op", 1, plan)
        assert {d.outcome for d in world.connect().call_off("op", 2, plan)} <= {ERASED, ABSENT}

    def test_what_people_do_is_never_done_by_program(self, world: World) -> None:
        if world.erases:
            assert world.connect().guarantee in ("A", "B", "C")
            return
        plan, before = world.plan(), world.dump()
        assert world.connect().guarantee == "D"
        with pytest.raises(PersonMustLook, match="by_hand"):
            world.connect().erase("op", 1, plan)
        assert world.dump() == before

    def test_an_item_of_an_unknown_place_is_refused(self, world: World) -> None:
        if not world.erases:
            pytest.skip("people do it")
        stray = EraseItem(0, "gone", {"id": "2"}, Action.DELETE, (), "00")
        before = world.dump()
        (told,) = world.connect().preview([stray])
        assert told.refused == "unknown_collection"
        assert [d.outcome for d in world.connect().erase("op", 1, [stray])] == [ReceiptOutcome.REFUSED]
        assert world.dump() == before

    def test_a_silent_source_fails_clearly_and_says_nothing_of_anybody(self, world: World) -> None:
        plan = world.plan()
        world.silence()
        calls: list[Callable[[], object]] = [
            lambda: world.connect().collect(SEEDS, lambda item: None),
            lambda: world.connect().present(plan),
        ]
        if not world.by_hand:
            calls.append(lambda: world.connect().health())
        if world.erases:
            calls += [lambda: world.connect().preview(plan), lambda: world.connect().erase("op", 1, plan)]
        for call in calls:
            with pytest.raises(VastineError) as caught:
                call()
            said = f"{caught.value!r}{caught.value}{caught.value.__cause__!r}{caught.value.__context__!r}"
            assert caught.value.code
            for row in MINE:
                assert row[1] not in f"{caught.value!r}{caught.value}"
                assert row[3] not in said

    @pytest.mark.slow
    def test_twenty_million_bytes_of_one_person_pass_through_and_are_not_held(self, world: World) -> None:
        if world.by_hand:
            pytest.skip("people write down what fits into a form")
        note = "x" * 2_000
        world.write([(str(n), "G1", "2024-06-01T12:00:00+00:00", note) for n in range(1, 10_001)])
        seen = 0

        def emit(item: Item) -> None:
            nonlocal seen
            seen += len(str(item.fields["note"]))

        connector = world.connect()
        tracemalloc.start()
        try:
            connector.collect({LEAD: [Lead("G1")]}, emit)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert seen == 10_000 * 2_000
        assert peak < 14_000_000


__all__ = [
    "Contract",
    "World",
    "csv_world",
    "file_world",
    "hand_world",
    "http_world",
    "parquet_world",
    "running",
    "sql_world",
]
