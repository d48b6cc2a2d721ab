"""Series: every row is there, in UTC and local time, through both changes of the clock."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from models.vocabulary import Ownership
from workflows.documents.series import SeriesReader
from workflows.documents.spool import PLAIN_BYTES, Spool
from workflows.register.model import CollectionSpec, ColumnSpec, SeriesSpec
from workflows.rules.items import Item

HELSINKI = ZoneInfo("Europe/Helsinki")


def day(ats, key="649", unit=None, values=None):
    rows = [[at, (values or ["0.5"] * len(ats))[n], "OK"] for n, at in enumerate(ats)]
    locator = {"key": {"point": key}, "at": "at"}
    return Item("m", "r", locator, "C05", Ownership.OWN, "0" * 64, {}, columns=["at", "kwh", "status"], series=rows)


def reader(zone, unit="kWh"):
    spec = SeriesSpec(at="at", key=("point",), zone=zone)
    return SeriesReader(CollectionSpec(series=spec, columns={"kwh": ColumnSpec(unit=unit)}), HELSINKI)


def test_a_naive_utc_instant_becomes_local_time_with_its_offset():
    r = reader("utc")
    item = day(["2026-01-01T00:00:00"])
    assert r.columns(item) == ["point", "start_utc", "start_local", "kwh", "status"]
    assert list(r.rows(item)) == [["649", "2026-01-01T00:00:00Z", "2026-01-01T02:00:00+02:00", "0.5", "OK"]]


def test_the_doubled_hour_of_autumn_is_two_hours():
    r = reader("local")
    quarters = [f"2026-10-25T{h:02d}:{m:02d}:00" for h in (2, 3, 3, 4) for m in (0, 15, 30, 45)]
    rows = list(r.rows(day(quarters)))
    instants = [datetime.fromisoformat(row[1]) for row in rows]
    assert all(b - a == timedelta(minutes=15) for a, b in pairwise(instants))
    assert rows[4][2].endswith("+03:00")
    assert rows[8][2].endswith("+02:00")


def test_days_of_25_and_23_hours_keep_all_their_rows():
    for first, hours in ((datetime(2026, 10, 24, 21, tzinfo=UTC), 25), (datetime(2026, 3, 28, 22, tzinfo=UTC), 23)):
        ats = [(first + timedelta(hours=n)).isoformat() for n in range(hours)]
        rows = list(reader("utc").rows(day(ats)))
        assert len(rows) == hours
        assert len({row[1] for row in rows}) == hours
        assert rows[0][2][:10] == rows[-1][2][:10]


def test_an_instant_that_can_not_be_read_is_delivered_as_it_is():
    rows = list(reader("utc").rows(day(["yesterday", None, "2026-01-01T00:00:00Z"])))
    assert [row[1:3] for row in rows][:2] == [[None, "yesterday"], [None, None]]
    assert len(rows) == 3


def test_quarters_of_one_hour_count_as_one_hour_of_habit():
    r = reader("utc")
    list(r.rows(day([f"2026-01-05T10:{m:02d}:00Z" for m in (0, 15, 30, 45)])))
    list(r.rows(day([f"2026-01-12T10:{m:02d}:00Z" for m in (0, 15, 30, 45)])))
    assert r.monthly["kwh"] == {(2026, 1): 4.0}
    assert r.hourly["kwh"] == {(0, 12): [4.0, 2]}


def test_what_can_not_be_added_up_gets_no_chart():
    r = reader("utc", unit="°C")
    list(r.rows(day(["2026-01-05T10:00:00Z"])))
    assert not r.monthly


def test_values_that_are_no_finite_numbers_are_left_out_of_sums():
    r = reader("utc")
    values = ["nan", "inf", "", "1.5"]
    list(r.rows(day([f"2026-01-05T10:{m:02d}:00Z" for m in (0, 15, 30, 45)], values=values)))
    assert r.monthly["kwh"] == {(2026, 1): 1.5}


def test_a_spool_gives_back_what_it_was_given_small_and_large():
    for size in (0, 1, PLAIN_BYTES - 1, PLAIN_BYTES, PLAIN_BYTES * 5 + 3):
        spool, data = Spool(), bytes(n % 251 for n in range(size))
        for n in range(0, size, 1000):
            spool.write(data[n : n + 1000])
        assert b"".join(spool.chunks()) == data
        assert b"".join(spool.chunks()) == data
        assert spool.size_bytes == size
