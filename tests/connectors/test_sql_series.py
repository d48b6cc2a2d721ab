"""Time series: a day at the controller's seat is one item, and only days of the person's own time are theirs."""

from datetime import UTC, date, datetime, timedelta

import pytest

from models.vocabulary import Action, Ownership, ReceiptOutcome
from tests.connectors.shop import KEY, collected, dataset, dump, field, ref, register, run_sql, source
from workflows.connectors.sql import SqlConnector
from workflows.ports import EraseItem, Lead

POINT = [
    field("gsrn", KEY, primary_key=True, references=[ref("contract.gsrn", dataset="billing")]),
    field("street", "user.contact.address.street"),
]
READING = [
    field("gsrn", KEY, primary_key=True, references=[ref("contract.gsrn", dataset="billing")]),
    field("at_utc", "user.sensor", primary_key=True),
    field("kwh", "user.sensor"),
]
OUTAGE = [
    field("id", "system.operations", primary_key=True),
    field("gsrn", KEY, references=[ref("contract.gsrn", dataset="billing")]),
    field("on_day", "user.sensor"),
]
PERSON = {
    "collections": {
        "point": {"category": "C04"},
        "reading": {"category": "C05", "series": {"at": "at_utc", "key": ["gsrn"], "zone": "utc"}},
        "outage": {"category": "C06", "on": "on_day"},
    }
}
LEAD = "billing:contract.gsrn"


def metering(url: str, *days: tuple[date, date]) -> SqlConnector:
    """Two metering points with hourly values over these UTC spans, at both."""
    run_sql(
        url,
        "CREATE TABLE point (gsrn VARCHAR(18) PRIMARY KEY, street VARCHAR(40));\n"
        "CREATE TABLE reading (gsrn VARCHAR(18) NOT NULL REFERENCES point (gsrn), at_utc TIMESTAMP NOT NULL,"
        " kwh NUMERIC(8, 3), PRIMARY KEY (gsrn, at_utc));\n"
        "CREATE TABLE outage (id INTEGER PRIMARY KEY, gsrn VARCHAR(18), on_day DATE);\n"
        "INSERT INTO point VALUES ('G1', 'Koivukuja 1'), ('G2', 'Mäntytie 2');\n"
        "INSERT INTO outage VALUES (1, 'G1', '2024-02-28'), (2, 'G1', '2024-02-29'), (3, 'G1', NULL),"
        " (4, 'G2', '2024-02-29')",
    )
    values = []
    for start, end in days:
        at = datetime(start.year, start.month, start.day, tzinfo=UTC)
        while at.date() < end:
            values += [f"('{g}', '{at:%Y-%m-%d %H:%M:%S}', {at.hour / 8})" for g in ("G1", "G2")]
            at += timedelta(hours=1)
    run_sql(url, "INSERT INTO reading VALUES " + ", ".join(values))
    spec = source("m", dataset({"point": POINT, "reading": READING, "outage": OUTAGE}, key="m"), person=PERSON)
    return SqlConnector(spec, register=register(spec), url=url)


def test_a_day_has_23_or_25_hours_where_summer_time_begins_or_ends(database_url: str) -> None:
    connector = metering(database_url, (date(2024, 3, 29), date(2024, 4, 2)), (date(2024, 10, 25), date(2024, 10, 30)))
    items = [i for i in collected(connector, {LEAD: [Lead("G1")]}) if i.collection == "reading"]
    hours = {i.on: len(i.series) for i in items}
    assert hours[date(2024, 3, 30)] == 24
    assert hours[date(2024, 3, 31)] == 23
    assert hours[date(2024, 10, 27)] == 25
    assert sum(hours.values()) == 9 * 24
    item = next(i for i in items if i.on == date(2024, 3, 31))
    assert item.locator == {
        "key": {"gsrn": "G1"},
        "at": "at_utc",
        "from": "2024-03-30T22:00:00+00:00",
        "to": "2024-03-31T21:00:00+00:00",
    }
    assert item.columns == ["at_utc", "kwh"]
    assert list(item.series[0]) == ["2024-03-30T22:00:00+00:00", "2.750"]
    assert item.fields == {"gsrn": "G1"}


def test_days_of_the_tenant_before_and_after_are_not_emitted(database_url: str) -> None:
    connector = metering(database_url, (date(2024, 2, 26), date(2024, 3, 4)))
    items = collected(connector, {LEAD: [Lead("G1", date(2024, 2, 29), date(2024, 3, 2))]})
    days = [i.on for i in items if i.collection == "reading"]
    assert days == [date(2024, 2, 29), date(2024, 3, 1)]
    outages = {(i.locator["id"], i.ownership) for i in items if i.collection == "outage"}
    assert outages == {(2, Ownership.OWN), (3, Ownership.THIRD_PARTY)}  # nobody knows when the third one was
    (point,) = [i for i in items if i.collection == "point"]
    assert (point.ownership, point.referenced) == (Ownership.OWN, True)


def test_two_contracts_at_one_place_leave_out_the_time_between(database_url: str) -> None:
    connector = metering(database_url, (date(2024, 2, 20), date(2024, 3, 10)))
    leads = [Lead("G1", date(2024, 2, 22), date(2024, 2, 24)), Lead("G1", date(2024, 3, 1), date(2024, 3, 2))]
    days = [i.on for i in collected(connector, {LEAD: leads}) if i.collection == "reading"]
    assert days == [date(2024, 2, 22), date(2024, 2, 23), date(2024, 3, 1)]


def plan_of(connector: SqlConnector, lead: Lead) -> list[EraseItem]:
    items = [i for i in collected(connector, {LEAD: [lead]}) if i.collection == "reading"]
    return [EraseItem(n, "reading", i.locator, Action.DELETE, (), i.digest) for n, i in enumerate(items)]


def test_erasing_a_day_takes_that_day_at_that_place_and_nothing_else(database_url: str) -> None:
    connector = metering(database_url, (date(2024, 3, 29), date(2024, 4, 2)))
    plan = plan_of(connector, Lead("G1", date(2024, 3, 31), date(2024, 4, 1)))
    before = dump(database_url)
    assert connector.present(plan) == {0: plan[0].digest}
    assert [e.outcome for e in connector.erase("op", 1, plan)] == [ReceiptOutcome.ERASED]
    gone = sorted(str(r[1])[:16] for r in set(before["reading"]) - set(dump(database_url)["reading"]))
    assert (len(gone), gone[0], gone[-1]) == (23, "2024-03-30 22:00", "2024-03-31 20:00")
    assert connector.present(plan) == {}
    assert [e.outcome for e in connector.erase("op-2", 1, plan)] == [ReceiptOutcome.ABSENT]


def test_a_value_that_came_late_makes_the_day_drift(database_url: str) -> None:
    connector = metering(database_url, (date(2024, 3, 29), date(2024, 4, 2)))
    plan = plan_of(connector, Lead("G1", date(2024, 3, 30), date(2024, 4, 1)))
    run_sql(database_url, "INSERT INTO reading VALUES ('G1', '2024-03-30 10:30:00', 1)")
    assert [e.outcome for e in connector.erase("op", 1, plan)] == [ReceiptOutcome.DRIFTED, ReceiptOutcome.ERASED]


@pytest.mark.parametrize("change", ["DELETE FROM reading", "UPDATE reading SET kwh = kwh + 1"])
def test_a_value_that_went_or_was_put_right_makes_the_day_drift(database_url: str, change: str) -> None:
    connector = metering(database_url, (date(2024, 3, 29), date(2024, 4, 2)))
    plan = plan_of(connector, Lead("G1", date(2024, 3, 30), date(2024, 4, 1)))
    run_sql(database_url, f"{change} WHERE at_utc = '2024-03-30 10:00:00' AND gsrn = 'G1'")
    assert [e.outcome for e in connector.erase("op", 1, plan)] == [ReceiptOutcome.DRIFTED, ReceiptOutcome.ERASED]


def test_the_same_day_has_the_same_digest_in_both_databases(fresh_postgres, tmp_path) -> None:
    (tmp_path / "m.db").touch()
    days = (date(2024, 3, 29), date(2024, 4, 2))
    plans = [plan_of(metering(url, days), Lead("G1")) for url in (f"sqlite:///{tmp_path / 'm.db'}", fresh_postgres())]
    assert plans[0] == plans[1]


@pytest.mark.parametrize("value", ["", "G1' OR '1'='1", "G1\x00", "g1", " G1"])
def test_a_seed_leads_only_to_exactly_its_value(database_url: str, value: str) -> None:
    connector = metering(database_url, (date(2024, 3, 29), date(2024, 3, 30)))
    assert collected(connector, {LEAD: [Lead(value)]}) == []
