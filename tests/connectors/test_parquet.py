"""An archive of Parquet files: searched by row groups, its days those of a database, erased by writing files anew."""

import os
import random
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from models.vocabulary import Action, Ownership, ReceiptOutcome
from tests.connectors.shop import KEY, dataset, field, ref, register, run_sql, source
from workflows.connectors import parquet_rewrite
from workflows.connectors.drops import FolderDrop
from workflows.connectors.parquet_source import ParquetConnector
from workflows.connectors.sql import SqlConnector
from workflows.errors import Fenced, NeverAgain, PersonMustLook, SourceDown, VastineError
from workflows.ports import EraseItem, Lead
from workflows.rules.items import Item

LEAD = "billing:contract.gsrn"
READING = [
    field("gsrn", KEY, primary_key=True, references=[ref("contract.gsrn", dataset="billing")]),
    field("at_utc", "user.sensor", primary_key=True),
    field("kwh", "user.sensor"),
]
SERIES = {"reading": {"category": "C05", "series": {"at": "at_utc", "key": ["gsrn"], "zone": "utc"}}}
SCHEMA = pa.schema(
    [("gsrn", pa.string()), ("at_utc", pa.timestamp("ms")), ("kwh", pa.float64())], metadata={"meters": "of the north"}
)
Row = tuple[str, datetime, float | None]


def hours(first: date, last: date, *points: str) -> list[Row]:
    """A value every hour, by point and then by time, in UTC without saying so."""
    count = int((last - first).days) * 24
    start = datetime(first.year, first.month, first.day)  # noqa: DTZ001
    return [(p, start + timedelta(hours=n), (n % 7) / 8) for p in points or ("G1", "G2", "G3") for n in range(count)]


ROWS = hours(date(2024, 3, 25), date(2024, 4, 5)) + hours(date(2024, 10, 24), date(2024, 10, 31))


def month(row: Row) -> str:
    """The file of a row: by the calendar month in UTC, so that a Finnish day may be in two."""
    return f"{row[1]:%Y-%m}.parquet"


def write(folder: Path, rows: Sequence[Row], schema: pa.Schema = SCHEMA, group: int = 50) -> None:
    """An archive by month."""
    folder.mkdir(exist_ok=True)
    for name in sorted({month(row) for row in rows}):
        mine = [dict(zip(SCHEMA.names, row, strict=True)) for row in rows if month(row) == name]
        pq.write_table(pa.Table.from_pylist(mine, schema), folder / name, row_group_size=group)


def archive(folder: Path, fields: Any = READING, person: Any = None, **connection: Any) -> ParquetConnector:
    """A connector to it."""
    said = {"url": str(folder), "pattern": "*.parquet", "writable": True, **connection}
    whole = dataset({"reading": fields}, key="m")
    spec = source("m", whole, kind="parquet", connection=said, person=person or {"collections": SERIES})
    return ParquetConnector(spec, register=register(spec))


def found(connector: Any, *leads: Lead) -> list[Item]:
    """What a search finds."""
    items: list[Item] = []
    connector.collect({LEAD: list(leads) or [Lead("G1")]}, items.append)
    return items


def plan(items: Sequence[Item]) -> list[EraseItem]:
    """All of it is to go."""
    return [EraseItem(n, i.collection, i.locator, Action.DELETE, (), i.digest) for n, i in enumerate(items)]


def dump(folder: Path) -> dict[str, Any]:
    """All that is in the files."""
    tables = {p.name: pq.read_table(p) for p in sorted(folder.glob("*.parquet"))}
    return {name: (t.schema.metadata, str(t.schema), t.to_pylist()) for name, t in tables.items()}


def rows_of(folder: Path) -> set[tuple[Any, ...]]:
    """All rows."""
    return {tuple(row.values()) for _, _, rows in dump(folder).values() for row in rows}


def test_the_days_are_those_that_a_database_would_tell(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    told = [dict(zip(SCHEMA.names, row, strict=True)) for row in ROWS]
    pq.write_table(pa.Table.from_pylist(told, SCHEMA), tmp_path / "a" / "all.parquet", row_group_size=50)
    url = f"sqlite:///{tmp_path / 'm.db'}"
    values = ", ".join(f"('{g}', '{at:%Y-%m-%d %H:%M:%S}', {kwh})" for g, at, kwh in ROWS)
    run_sql(url, "CREATE TABLE reading (gsrn VARCHAR(18), at_utc TIMESTAMP, kwh FLOAT, PRIMARY KEY (gsrn, at_utc))")
    run_sql(url, f"INSERT INTO reading VALUES {values}")
    spec = source("m", dataset({"reading": READING}, key="m"), person={"collections": SERIES})
    database = SqlConnector(spec, register=register(spec), url=url)
    for leads in (
        [Lead("G1")],
        [Lead("G1"), Lead("G3")],
        [Lead("G2", date(2024, 3, 31), date(2024, 4, 2)), Lead("G2", date(2024, 10, 27), date(2024, 10, 28))],
        [Lead("G2", None, date(2024, 3, 27)), Lead("nothing")],
    ):
        told, expected = found(archive(tmp_path / "a", take="newest"), *leads), found(database, *leads)
        assert [(i.on, i.locator, i.digest, i.series) for i in told] == [
            (i.on, i.locator, i.digest, i.series) for i in expected
        ]
        assert told


def test_a_day_has_23_or_25_hours_and_is_a_record_in_each_of_its_files(tmp_path: Path) -> None:
    write(tmp_path / "a", ROWS)
    items = found(archive(tmp_path / "a"))
    length = {day: sum(len(i.series) for i in items if i.on == day) for day in {i.on for i in items}}
    parts = [(i.locator["file"], len(i.series)) for i in items if i.on == date(2024, 4, 1)]
    assert parts == [("2024-03.parquet", 3), ("2024-04.parquet", 21)]
    assert (length[date(2024, 3, 31)], length[date(2024, 4, 1)], length[date(2024, 10, 27)]) == (23, 24, 25)


ORDERS: dict[str, Callable[[list[Row]], list[Row]]] = {
    "by point": sorted,
    "by time": lambda rows: sorted(rows, key=lambda row: row[1]),
    "backwards": lambda rows: sorted(rows, reverse=True),
    "shuffled": lambda rows: random.Random(7).sample(rows, len(rows)),
}


@pytest.mark.parametrize("order", ORDERS)
def test_however_the_files_are_sorted_the_days_are_the_same(tmp_path: Path, order: str) -> None:
    write(tmp_path / "a", sorted(ROWS))
    write(tmp_path / "b", ORDERS[order](ROWS))
    for lead in (Lead("G2"), Lead("G2", date(2024, 3, 30), date(2024, 4, 2))):
        days = [(i.on, i.digest) for i in found(archive(tmp_path / "b"), lead)]
        assert days == [(i.on, i.digest) for i in found(archive(tmp_path / "a"), lead)]
        assert days == sorted(days)


TYPES: dict[str, tuple[pa.DataType, str, Callable[[datetime], Any]]] = {
    "instants in UTC": (pa.timestamp("us", "UTC"), "utc", lambda at: at.replace(tzinfo=UTC)),
    "instants elsewhere": (pa.timestamp("s", "Europe/Helsinki"), "utc", lambda at: at.replace(tzinfo=UTC)),
    "texts": (pa.string(), "utc", lambda at: at.isoformat()),
    "nanoseconds": (pa.timestamp("ns"), "utc", lambda at: at),
}


@pytest.mark.parametrize("how", TYPES)
def test_an_instant_is_the_same_however_it_is_kept(tmp_path: Path, how: str) -> None:
    write(tmp_path / "a", ROWS)
    kind, zone, change = TYPES[how]
    rows = [(g, change(at), kwh) for g, at, kwh in ROWS]
    schema = pa.schema([("gsrn", pa.string()), ("at_utc", kind), ("kwh", pa.float64())])
    told = [dict(zip(SCHEMA.names, row, strict=True)) for row in rows]
    (tmp_path / "b").mkdir()
    pq.write_table(pa.Table.from_pylist(told, schema), tmp_path / "b" / "all.parquet", row_group_size=90)
    person = {"collections": {"reading": {"series": {"at": "at_utc", "key": ["gsrn"], "zone": zone}}}}
    told_rows = [row[0] for i in found(archive(tmp_path / "b", person=person)) for row in i.series]
    assert told_rows == [row[0] for i in found(archive(tmp_path / "a")) for row in i.series]


def test_erasing_days_takes_these_days_at_this_point_and_nothing_else(tmp_path: Path) -> None:
    write(tmp_path / "a", ROWS)
    connector = archive(tmp_path / "a")
    items = plan(found(connector, Lead("G1", date(2024, 3, 31), date(2024, 4, 2))))
    before, rows = dump(tmp_path / "a"), rows_of(tmp_path / "a")
    assert [p.refused for p in connector.preview(items)] == ["", "", ""]
    assert dump(tmp_path / "a") == before
    assert [d.outcome for d in connector.erase("op", 1, items)] == [ReceiptOutcome.ERASED] * 3
    gone = sorted(rows - rows_of(tmp_path / "a"))
    assert {row[0] for row in gone} == {"G1"}
    assert (str(gone[0][1]), str(gone[-1][1]), len(gone)) == ("2024-03-30 22:00:00", "2024-04-01 20:00:00", 47)
    after = dump(tmp_path / "a")
    for name, (metadata, schema, told) in after.items():
        assert (metadata, schema) == before[name][:2]
        assert told == [row for row in before[name][2] if tuple(row.values()) not in gone]
    assert after["2024-10.parquet"] == before["2024-10.parquet"]
    assert connector.present(items) == {}
    assert [d.outcome for d in connector.erase("op-2", 1, items)] == [ReceiptOutcome.ABSENT] * 3


def test_a_value_that_came_late_makes_the_day_drift(tmp_path: Path) -> None:
    write(tmp_path / "a", ROWS)
    items = plan(found(archive(tmp_path / "a"), Lead("G1", date(2024, 3, 30), date(2024, 4, 1))))
    write(tmp_path / "a", [*ROWS, ("G1", datetime(2024, 3, 30, 10, 30), 1.0)])  # noqa: DTZ001
    assert [p.refused for p in archive(tmp_path / "a").preview(items)] == ["drifted", ""]
    done = [d.outcome for d in archive(tmp_path / "a").erase("op", 1, items)]
    assert done == [ReceiptOutcome.DRIFTED, ReceiptOutcome.ERASED]


def test_row_groups_of_others_are_not_even_read(tmp_path: Path) -> None:
    write(tmp_path / "a", sorted(ROWS), group=24)
    whole = found(archive(tmp_path / "a"))
    file = tmp_path / "a" / "2024-10.parquet"
    metadata = pq.read_metadata(file)
    others = [g for n in range(metadata.num_row_groups) if (g := metadata.row_group(n)).column(0).statistics.min > "G1"]
    raw = bytearray(file.read_bytes())
    for group in others:
        start = group.column(2).dictionary_page_offset or group.column(2).data_page_offset
        raw[start : start + 12] = b"\xff" * 12
    file.write_bytes(bytes(raw))
    assert found(archive(tmp_path / "a")) == whole
    with pytest.raises(NeverAgain, match="bad_file"):
        found(archive(tmp_path / "a"), Lead("G2"))


def damaged(change: Callable[[bytes], bytes]) -> Callable[[Path], None]:
    """One of the files, changed."""

    def apply(folder: Path) -> None:
        file = folder / "2024-03.parquet"
        file.write_bytes(change(file.read_bytes()))

    return apply


def rewritten(schema: pa.Schema, **columns: Any) -> Callable[[Path], None]:
    """One of the files, with other columns."""

    def apply(folder: Path) -> None:
        table = pq.read_table(folder / "2024-03.parquet")
        told = [{**row, **{name: make(row) for name, make in columns.items()}} for row in table.to_pylist()]
        pq.write_table(pa.Table.from_pylist(told, schema), folder / "2024-03.parquet")

    return apply


KWH = SCHEMA.get_field_index("kwh")
FAULTS: dict[str, tuple[Callable[[Path], None], str]] = {
    "cut off": (damaged(lambda raw: raw[:-200]), "unfinished"),
    "cut off in its last byte": (damaged(lambda raw: raw[:-1]), "unfinished"),
    "empty": (damaged(lambda raw: b""), "unfinished"),
    "a page of the web": (damaged(lambda raw: b"<html>" + b"x" * 500), "unfinished"),
    "its ends alone": (damaged(lambda raw: b"PAR1PAR1"), "bad_file"),
    "an end that lies": (damaged(lambda raw: raw[:-8] + b"\xff\xff\xff\x7fPAR1"), "bad_file"),
    "its middle lost": (damaged(lambda raw: raw[: len(raw) // 3] + raw[len(raw) // 2 :]), "bad_file"),
    "a column lost": (rewritten(SCHEMA.remove(KWH)), "schema_changed"),
    "a column renamed": (
        rewritten(SCHEMA.set(KWH, pa.field("kw", pa.float64())), kw=lambda row: 1.0),
        "schema_changed",
    ),
    "a type changed": (
        rewritten(SCHEMA.set(KWH, pa.field("kwh", pa.string())), kwh=lambda row: str(row["kwh"])),
        "schema_changed",
    ),
    "a column with columns": (
        rewritten(SCHEMA.set(KWH, pa.field("kwh", pa.list_(pa.float64()))), kwh=lambda row: [1.0]),
        "nested_column",
    ),
    "an instant missing": (rewritten(SCHEMA, at_utc=lambda row: None), "bad_instant"),
    "gone": (lambda folder: [p.unlink() for p in folder.glob("*.parquet")] and None, "no_file"),
    "all gone": (lambda folder: folder.rename(folder.with_name("elsewhere")) and None, "source_down"),
}


@pytest.mark.parametrize("what", FAULTS)
def test_a_file_that_is_not_what_it_should_be_fails_the_search_with_a_code(tmp_path: Path, what: str) -> None:
    write(tmp_path / "a", ROWS)
    items = plan(found(archive(tmp_path / "a"), Lead("G1", date(2024, 3, 27), date(2024, 3, 29))))
    change, code = FAULTS[what]
    change(tmp_path / "a")
    for call in (
        lambda: found(archive(tmp_path / "a")),
        lambda: archive(tmp_path / "a").present(items),
        lambda: archive(tmp_path / "a").erase("op", 1, items),
    ):
        with pytest.raises(VastineError, match=f"^{code}: ") as caught:
            call()
        assert "G1" not in repr(caught.value)
        assert "2024-03" not in repr(caught.value)


def test_an_archive_that_nobody_adds_to_any_more_is_silent(tmp_path: Path) -> None:
    write(tmp_path / "a", ROWS)
    for file in (tmp_path / "a").iterdir():
        os.utime(file, (0, 0))
    with pytest.raises(SourceDown, match="stale"):
        archive(tmp_path / "a", expect_every="1h").health()


def test_any_flipped_bit_of_a_column_is_noticed_or_changes_the_digest(tmp_path: Path) -> None:
    write(tmp_path / "a", ROWS[:264], group=264)
    (tmp_path / "b").mkdir()
    whole = [(i.on, i.digest) for i in found(archive(tmp_path / "a"))]
    raw = (tmp_path / "a" / "2024-03.parquet").read_bytes()
    for place in range(4, len(raw) - 8, 97):
        (tmp_path / "b" / "2024-03.parquet").write_bytes(raw[:place] + bytes([raw[place] ^ 0x10]) + raw[place + 1 :])
        try:
            found(archive(tmp_path / "b"))
        except VastineError:
            continue  # any other exception would be a fault of ours
    assert whole


class StoppedError(Exception):
    """The process died here."""


def test_who_comes_again_after_a_crash_between_two_files_goes_on_from_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "a", ROWS)
    items = plan(found(archive(tmp_path / "a")))
    assert archive(tmp_path / "a").guarantee == "B"
    rows, real, done = rows_of(tmp_path / "a"), FolderDrop.replace, []

    def dies(self: FolderDrop, file: Any, *args: Any, **kwargs: Any) -> Any:
        if done:
            raise StoppedError
        done.append(file.name)
        return real(self, file, *args, **kwargs)

    monkeypatch.setattr(FolderDrop, "replace", dies)
    with pytest.raises(StoppedError):
        archive(tmp_path / "a").erase("op", 1, items)
    monkeypatch.setattr(FolderDrop, "replace", real)
    assert len(done) == 1
    told = {d.outcome for d in archive(tmp_path / "a").erase("op", 2, items)}
    assert told <= {ReceiptOutcome.ERASED}
    assert rows_of(tmp_path / "a") == {row for row in rows if row[0] != "G1"}
    with pytest.raises(Fenced):
        archive(tmp_path / "a").erase("op", 1, items)


def test_a_file_that_came_out_otherwise_is_never_put_in_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "a", ROWS)
    items = plan(found(archive(tmp_path / "a"), Lead("G1", date(2024, 3, 27), date(2024, 3, 28))))
    before = {p.name: p.read_bytes() for p in (tmp_path / "a").glob("*.parquet")}

    class Careless(pq.ParquetWriter):
        """Loses a row."""

        def write_table(self, table: pa.Table, row_group_size: int | None = None) -> None:
            super().write_table(table.slice(1), row_group_size)

    monkeypatch.setattr(parquet_rewrite.pq, "ParquetWriter", Careless)
    with pytest.raises(PersonMustLook, match="not_the_same"):
        archive(tmp_path / "a").erase("op", 1, items)
    assert {p.name: p.read_bytes() for p in (tmp_path / "a").glob("*.parquet")} == before


def test_what_is_no_number_and_what_is_compressed_stay_as_they_are(tmp_path: Path) -> None:
    folder = tmp_path / "a"
    folder.mkdir()
    rows = [{"gsrn": g, "at_utc": at, "kwh": float("nan") if n % 3 else None} for n, (g, at, _) in enumerate(ROWS)]
    pq.write_table(pa.Table.from_pylist(rows, SCHEMA), folder / "x.parquet", compression="zstd", row_group_size=100)
    items = plan(found(archive(folder), Lead("G2", date(2024, 3, 27), date(2024, 3, 28))))
    archive(folder).erase("op", 1, items)
    told = pq.read_metadata(folder / "x.parquet")
    assert told.num_rows == len(ROWS) - 24
    assert {told.row_group(0).column(n).compression for n in range(3)} == {"ZSTD"}


def test_a_file_that_was_merged_into_another_is_not_taken_for_erased(tmp_path: Path) -> None:
    write(tmp_path / "a", ROWS)
    items = plan(found(archive(tmp_path / "a"), Lead("G2", date(2024, 3, 27), date(2024, 3, 28))))
    (tmp_path / "a" / "2024-03.parquet").rename(tmp_path / "a" / "2024.parquet")
    for call in (archive(tmp_path / "a").present, archive(tmp_path / "a").preview):
        with pytest.raises(PersonMustLook, match="file_gone"):
            call(items)
    with pytest.raises(PersonMustLook, match="file_gone"):
        archive(tmp_path / "a").erase("op", 1, items)


def test_a_day_that_two_ways_lead_to_is_told_once_and_is_whose_the_register_says(tmp_path: Path) -> None:
    folder = tmp_path / "a"
    folder.mkdir()
    rows = [{"gsrn": g, "customer": "7", "at_utc": at, "kwh": kwh} for g, at, kwh in ROWS if g != "G3"]
    schema = SCHEMA.append(pa.field("customer", pa.string()))
    pq.write_table(pa.Table.from_pylist(rows, schema), folder / "x.parquet")
    fields = [*READING, field("customer", KEY, identity="customer_number")]
    person = {"collections": {"reading": {**SERIES["reading"], "ownership": "shared"}}}
    items: list[Item] = []
    seeds = {LEAD: [Lead("G1")], "identity:customer_number": [Lead("7")]}
    archive(folder, fields, person).collect(seeds, items.append)
    assert len({str(i.locator) for i in items}) == len(items) == 2 * len(found(archive(folder, fields, person)))
    assert {i.ownership for i in items} == {Ownership.SHARED}
