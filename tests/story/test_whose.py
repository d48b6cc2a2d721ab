"""Two people who share a home, a contract and a meter: each gets what is theirs, and nothing of it goes alone."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from models.vocabulary import Right
from tests.connectors.shop import KEY, SYSTEM, dataset, field, ref, run_sql
from tests.connectors.test_joint import BILLING, METERING, PERSON, SERIES
from tests.connectors.test_joint import DDL as BILLED
from tests.story.house import TWO, House, open_house, prepare, records_of

CRM_DDL = """
CREATE TABLE home (id INTEGER PRIMARY KEY, street VARCHAR(40));
CREATE TABLE person (number VARCHAR(10) PRIMARY KEY, name VARCHAR(40), home_id INTEGER REFERENCES home (id));
CREATE TABLE ticket (id INTEGER PRIMARY KEY, number VARCHAR(10), handled_by VARCHAR(40), text VARCHAR(200));
INSERT INTO home VALUES (1, 'Yhteinen katu 1'), (2, 'Toinen katu 2');
INSERT INTO person VALUES ('1001', 'Maija Meikäläinen', 1), ('1002', 'Matti Meikäläinen', 1), ('1003', 'Liisa', 2);
INSERT INTO ticket VALUES (50, '1001', 'Ville Virkailija', 'Kysy naapurilta liisa@example.fi tai 040 765 4321'),
  (51, '1002', 'Ville Virkailija', 'Matin oma asia')
"""
CRM = {
    "home": [field("id", SYSTEM, primary_key=True), field("street", "user.contact.address.street")],
    "person": [
        field("number", KEY, primary_key=True, identity="customer_number"),
        field("name", "user.name"),
        field("home_id", SYSTEM, references=[ref("home.id", "to", dataset="crm")]),
    ],
    "ticket": [
        field("id", SYSTEM, primary_key=True),
        field("number", KEY, references=[ref("person.number", dataset="crm")]),
        field("handled_by", "user.name"),
        field("text", "user.content"),
    ],
}
OURS = {
    "subject": {"collection": "person", "key": "number", "name": ["name"]},
    "collections": {"ticket": {"third_party": ["handled_by"]}},
    "order": 90,
}
DELETE = {"masking_strategy_override": {"strategy": "delete"}}
MAIJA = {"customer_number": "1001"}


@pytest.fixture
def home(tmp_path: Path, database_url: str, request: pytest.FixtureRequest) -> House:
    names = ("crm", "billing", "metering")
    urls = {name: f"sqlite:///{tmp_path / name}.db" for name in names}
    if not database_url.startswith("sqlite"):
        fresh: Callable[[], str] = request.getfixturevalue("fresh_postgres")
        urls = {name: fresh() for name in names}
    statements = BILLED.split(";\n")
    run_sql(urls["crm"], CRM_DDL)
    run_sql(urls["billing"], ";\n".join(one for one in statements if "reading" not in one))
    run_sql(urls["metering"], ";\n".join(one for one in statements if "reading" in one))
    sources = {
        "crm": (dataset(CRM, key="crm", ticket=DELETE), OURS),
        "billing": (dataset(BILLING, key="billing", contract=DELETE, invoice=DELETE, note=DELETE), PERSON),
        "metering": (dataset(METERING, key="metering", reading=DELETE), SERIES),
    }
    folder = tmp_path / "register" / "sources"
    folder.mkdir(parents=True)
    controller = "name: Koti Oy\ndelivery: {objection_hours: 0}\n"
    (tmp_path / "register" / "controller.yaml").write_text(controller, encoding="utf-8")
    for name, (described, person) in sources.items():
        whole: dict[str, Any] = {"source": name, "kind": "sql", "connection": {"url": {"env": f"{name.upper()}_URL"}}}
        whole |= {"dataset": [_plain(described)], "person": person}
        (folder / f"{name}.yaml").write_text(yaml.safe_dump(whole), encoding="utf-8")
    prepare(database_url)
    environ = {
        "VASTINE_REGISTER": str(tmp_path / "register"),
        "VASTINE_DATA_DIR": str(tmp_path / "var"),
        "VASTINE_DATABASE_URL": database_url,
        **{f"{name.upper()}_URL": url for name, url in urls.items()},
    }
    return open_house(tmp_path, urls, environ)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items() if v is not None}
    return [_plain(v) for v in value] if isinstance(value, list) else value


def test_each_of_a_household_gets_their_own_part_and_no_word_of_the_others(home: House) -> None:
    reference = home.finish(MAIJA)
    assert home.ended(reference) == ("closed", "delivered")
    given = records_of(home.file(reference))
    hidden, mark = "REDACTED:third_party", "[REDACTED:third_party]"
    assert [(r["id"], r["holder"], r["second"]) for r in given["contract"]] == [(1, "1001", None), (2, hidden, "1001")]
    assert sorted(r["id"] for r in given["invoice"]) == [10, 20]
    assert sorted(r["id"] for r in given["note"]) == [100, 200]
    assert {r["kwh"] for r in given["reading"]} == {"1.000", "2.000"}, "not the tenant's before, nor the other place's"
    assert [r["street"] for r in given["home"]] == ["Yhteinen katu 1"]
    assert [(r["handled_by"], r["text"]) for r in given["ticket"]] == [(hidden, f"Kysy naapurilta {mark} tai {mark}")]
    assert "1002" not in repr(given)
    assert "Matti" not in repr(given)
    home.close()


def test_what_a_household_shares_stays_when_one_of_them_goes(home: House) -> None:
    before = home.dump()
    reference = home.ask(MAIJA, Right.ERASURE)
    home.work()
    kept = {(i["collection"], i["ownership"]) for i in home.plan(reference)["items"] if i["action"] == "keep"}
    assert {("contract", "shared"), ("note", "shared"), ("reading", "shared"), ("home", "shared")} <= kept
    home.approve(reference, *TWO)
    home.work()
    after = home.dump()
    gone = {
        (table, frozenset(row))
        for key, rows in before.items()
        for table, row in ((key[1], r) for r in rows - after[key])
    }
    lost = {(table, dict(row).get("id") or dict(row).get("number") or dict(row).get("at")) for table, row in gone}
    assert lost >= {("contract", "1"), ("note", "100"), ("invoice", "10"), ("ticket", "50"), ("person", "1001")}
    assert not lost & {("contract", "2"), ("note", "200"), ("home", "1"), ("invoice", "21"), ("person", "1002")}
    assert {table for table, _ in gone} <= {"contract", "note", "invoice", "ticket", "person", "reading"}
    assert ("reading", "2021-12-31T22:00:00Z") not in lost, "the first second of the joint contract"
    assert home.chain_is_whole()
    home.close()
