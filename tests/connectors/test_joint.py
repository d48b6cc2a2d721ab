"""A contract that two people hold: each sees it without the other's number, and neither can have it erased alone."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from models.vocabulary import Ownership
from tests.connectors.household import records_of
from tests.connectors.shop import KEY, SYSTEM, dataset, field, ref, register, run_sql, source
from workflows.connectors.sql import SqlConnector
from workflows.ports import Lead
from workflows.register.model import Register, SourceSpec
from workflows.rules.items import Item

DDL = """
CREATE TABLE contract (
  id INTEGER PRIMARY KEY, holder VARCHAR(10), second VARCHAR(10), gsrn VARCHAR(20), since DATE, until DATE);
CREATE TABLE invoice (id INTEGER PRIMARY KEY, contract_id INTEGER REFERENCES contract (id), payer VARCHAR(10));
CREATE TABLE note (id INTEGER PRIMARY KEY, contract_id INTEGER REFERENCES contract (id), text VARCHAR(40));
CREATE TABLE reading (gsrn VARCHAR(20), at VARCHAR(30), kwh NUMERIC(8, 3), PRIMARY KEY (gsrn, at));
INSERT INTO contract VALUES (1, '1001', NULL, 'G1', '2020-01-01', '2022-01-01'),
  (2, '1002', '1001', 'G1', '2022-01-01', NULL), (3, '1002', NULL, 'G2', '2020-01-01', NULL);
INSERT INTO invoice VALUES (10, 1, '1001'), (20, 2, '1001'), (21, 2, '1002'), (30, 3, '1002');
INSERT INTO note VALUES (100, 1, 'hers alone'), (200, 2, 'of both'), (300, 3, 'his alone');
INSERT INTO reading VALUES ('G1', '2021-12-31T21:45:00Z', 1), ('G1', '2021-12-31T22:00:00Z', 2),
  ('G1', '2019-06-01T00:00:00Z', 3), ('G2', '2021-06-01T00:00:00Z', 4)
"""
NUMBER = ref("person.number", dataset="crm")
CRM = {"person": [field("number", KEY, primary_key=True, identity="customer_number"), field("name", "user.name")]}
BILLING: dict[str, Any] = {
    "contract": [
        field("id", SYSTEM, primary_key=True),
        field("holder", KEY, references=[NUMBER]),
        field("second", KEY, references=[NUMBER]),
        field("gsrn", KEY),
        field("since", "user.behavior"),
        field("until", "user.behavior"),
    ],
    "invoice": [
        field("id", SYSTEM, primary_key=True),
        field("contract_id", SYSTEM, references=[ref("contract.id", dataset="billing")]),
        field("payer", KEY, references=[NUMBER]),
    ],
    "note": [
        field("id", SYSTEM, primary_key=True),
        field("contract_id", SYSTEM, references=[ref("contract.id", dataset="billing")]),
        field("text", "user.content"),
    ],
}
METERING = {
    "reading": [
        field("gsrn", KEY, primary_key=True, references=[ref("contract.gsrn", dataset="billing")]),
        field("at", SYSTEM, primary_key=True),
        field("kwh", "user.behavior"),
    ]
}
PERSON = {
    "collections": {
        "contract": {"windows": {"gsrn": {"start": "since", "end": "until"}}},
        "invoice": {"owner": ["payer"]},
    }
}
SERIES = {"collections": {"reading": {"series": {"at": "at", "key": ["gsrn"], "zone": "utc"}}}}
MAIJA = {"crm:person.number": [Lead("1001")]}


def whole() -> tuple[Register, SourceSpec, SourceSpec]:
    crm = source("crm", dataset(CRM, key="crm"), person={"subject": {"collection": "person", "key": "number"}})
    billing = source("billing", dataset(BILLING, key="billing"), person=PERSON)
    metering = source("metering", dataset(METERING, key="metering"), person=SERIES)
    return register(crm, billing, metering), billing, metering


@pytest.fixture
def url(database_url: str) -> str:
    run_sql(database_url, DDL)
    return database_url


@pytest.fixture(params=["database", "records"])
def billing(request: pytest.FixtureRequest, url: str) -> Callable[..., Any]:
    register_, spec, _ = whole()
    if request.param == "records":
        return records_of(url, spec, register_).collect
    return SqlConnector(spec, register=register_, url=url).collect


def test_of_a_joint_contract_each_sees_it_and_none_of_it_is_theirs_to_erase(billing: Callable[..., Any]) -> None:
    items: list[Item] = []
    billing(MAIJA, items.append)
    assert {f"{i.collection}/{i.locator['id']}": i.ownership for i in items} == {
        "contract/1": Ownership.OWN,
        "contract/2": Ownership.SHARED,
        "invoice/10": Ownership.OWN,
        "invoice/20": Ownership.OWN,
        "invoice/21": Ownership.THIRD_PARTY,
        "note/100": Ownership.OWN,
        "note/200": Ownership.SHARED,
    }
    (joint,) = [i for i in items if i.collection == "contract" and i.locator["id"] == 2]
    assert list(joint.third_party) == ["holder"], "the other's number is withheld though nobody said so"


def test_what_a_joint_contract_leads_to_is_told_as_held_together(billing: Callable[..., Any]) -> None:
    leads = billing(MAIJA, lambda _: None)
    spans = {(lead.value, lead.start, lead.end) for lead in leads["billing:contract.gsrn"]}
    assert spans == {("G1", date(2020, 1, 1), date(2022, 1, 1)), ("G1", date(2022, 1, 1), None)}
    assert [(lead.value, lead.start) for lead in leads["joint:billing:contract.gsrn"]] == [("G1", date(2022, 1, 1))]


def test_the_days_of_a_joint_contract_are_shared_and_those_before_it_are_not(url: str) -> None:
    register_, spec, metering = whole()
    leads = SqlConnector(spec, register=register_, url=url).collect(MAIJA, lambda _: None)
    connector = SqlConnector(metering, register=register_, url=url)
    seeds = {key: values for key, values in leads.items() if key in connector.entries()}
    items: list[Item] = []
    connector.collect(seeds, items.append)
    assert {i.on: i.ownership for i in items} == {
        date(2021, 12, 31): Ownership.OWN,
        date(2022, 1, 1): Ownership.SHARED,
    }


def test_a_day_that_is_the_persons_and_a_candidates_is_told_once_and_as_the_persons(url: str) -> None:
    meter = source(
        "metering",
        dataset(
            {
                "place": [
                    field("id", SYSTEM, primary_key=True),
                    field("email", "user.contact.email", identity="email"),
                    field("gsrn", KEY),
                ],
                "reading": [
                    field("gsrn", KEY, primary_key=True, references=[ref("place.gsrn", dataset="metering")]),
                    field("at", SYSTEM, primary_key=True),
                    field("kwh", "user.behavior"),
                ],
            },
            key="metering",
        ),
        person={**SERIES, "strength": {"email": "weak"}},
    )
    run_sql(
        url,
        "CREATE TABLE place (id INTEGER PRIMARY KEY, email VARCHAR(40), gsrn VARCHAR(20));\n"
        "INSERT INTO place VALUES (1, 'maija@example.fi', 'G1'), (2, 'home@example.fi', 'G1'), "
        "(3, 'home@example.fi', 'G2')",
    )
    seeds = {"identity:email": [Lead("maija@example.fi")], "shared:email": [Lead("home@example.fi")]}
    items: list[Item] = []
    SqlConnector(meter, register=register(meter), url=url).collect(seeds, items.append)
    days = [(i.locator["key"]["gsrn"], i.on, i.ownership) for i in items if i.collection == "reading"]
    assert len(days) == len(set(days)) == 4
    assert {(gsrn, whose) for gsrn, _, whose in days} == {("G1", Ownership.OWN), ("G2", Ownership.CANDIDATE)}
