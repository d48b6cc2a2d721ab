"""The same on MariaDB, and what only MariaDB does: equal texts that differ, tables that can't undo, zero dates."""

import threading
from typing import Any

import pytest
import sqlalchemy as sa

from models.vocabulary import Action, Ownership, ReceiptOutcome
from tests.connectors.shop import (
    DDL,
    EMAIL,
    KEY,
    ROWS,
    collected,
    dataset,
    dump,
    field,
    marks,
    ref,
    register,
    run_sql,
    seeds,
    shop,
    source,
    to_erase,
    with_driver,
)
from tests.connectors.test_sql_erase import ALL_DELETED
from tests.connectors.test_sql_rehearsal import DELETE, FIELDS, PEOPLE, PERSON, differences, plan_of, told
from workflows.connectors.sql import SqlConnector
from workflows.errors import Fenced, PersonMustLook, TryAgain
from workflows.ports import EraseItem

ERASED, MASKED, REFUSED = ReceiptOutcome.ERASED, ReceiptOutcome.MASKED, ReceiptOutcome.REFUSED
CHILD = [field("id", primary_key=True), field("person_id", KEY, references=[ref("person.id", "from", "s")])]


@pytest.fixture
def maria_shop(mariadb_url: str) -> str:
    """The shop full of people."""
    run_sql(mariadb_url, DDL + ROWS)
    return mariadb_url


def connect(url: str, collections: dict[str, Any], *, timeout_seconds: int = 60, **overrides: Any) -> SqlConnector:
    spec = source("s", dataset(collections, key="s", **overrides), timeout_seconds=timeout_seconds)
    return SqlConnector(spec, register=register(spec), url=url)


def made(url: str, *statements: str) -> None:
    run_sql(url, ";\n".join([PERSON, PEOPLE, *statements]))


def test_the_least_register_finds_masks_and_touches_nobody_else(maria_shop: str) -> None:
    before, connector = dump(maria_shop), shop(maria_shop)
    assert connector.guarantee == "A"
    items = collected(connector, seeds(email="one@shop.example"))
    assert marks(items)["customer/1"] == "own"
    plan = to_erase(items, connector)
    assert {p.refused for p in connector.preview(plan)} <= {"", "nothing_personal"}
    assert dump(maria_shop) == before
    assert {e.outcome for e in connector.erase("op-1", 1, plan)} == {MASKED}
    changed = differences(before, dump(maria_shop))
    assert set(changed) == {"customer", "orders", "order_line", "shipment", "service_request", "card", "visit"}
    assert all("one@" not in str(rows) for rows in dump(maria_shop).values())


def test_rows_that_are_to_be_deleted_go_children_first_and_cycles_go_whole(maria_shop: str) -> None:
    before, connector = dump(maria_shop), shop(maria_shop, **ALL_DELETED)
    plan = to_erase(collected(connector, seeds(email="one@shop.example")), connector)
    assert {p.refused for p in connector.preview(plan)} == {""}
    assert {e.outcome for e in connector.erase("op-1", 1, plan)} == {ERASED}
    after = dump(maria_shop)
    assert {t: len(before[t]) - len(after[t]) for t in before if before[t] != after[t]} == {
        "customer": 1, "orders": 2, "order_line": 3, "shipment": 2, "service_request": 1, "account": 1, "card": 2,
        "visit": 2,
    }  # fmt: skip
    assert connector.present(plan) == {}


def test_an_operation_happens_once_and_an_overtaken_worker_is_refused(maria_shop: str) -> None:
    connector = shop(maria_shop)
    plan = to_erase(collected(connector, seeds(email="one@shop.example")), connector)
    first = connector.erase("op-1", 5, plan)
    after = dump(maria_shop)
    assert shop(maria_shop).erase("op-1", 6, plan) == first
    assert dump(maria_shop) == after
    with pytest.raises(Fenced):
        connector.erase("op-1", 4, plan)


def test_two_workers_with_one_operation_do_it_once(maria_shop: str) -> None:
    connector = shop(maria_shop, **ALL_DELETED)
    plan = to_erase(collected(connector, seeds(email="one@shop.example")), connector)
    connector.erase("op-0", 1, [])  # the table of receipts is there
    answers: list[Any] = []
    workers = [threading.Thread(target=lambda: answers.append(shop(maria_shop).erase("op-1", 1, plan))) for _ in "ab"]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert answers[0] == answers[1]
    assert {e.outcome for e in answers[0]} == {ERASED}


@pytest.mark.parametrize(("mine", "theirs"), [("Mäki", "Maki"), ("A-1", "Ä-1"), ("straße 1", "strase 1"), ("é", "e")])
def test_a_text_that_this_database_takes_for_equal_is_not_another_persons(
    mariadb_url: str, mine: str, theirs: str
) -> None:
    run_sql(
        mariadb_url,
        "CREATE TABLE person (id INTEGER PRIMARY KEY, code VARCHAR(20), note VARCHAR(20));\n"
        f"INSERT INTO person VALUES (1, '{mine}', 'mine'), (2, '{theirs}', 'hers')",
    )
    fields = [field("id", KEY, primary_key=True), field("code", KEY, identity="code"), field("note", "user.content")]
    connector = connect(mariadb_url, {"person": fields})
    assert set(marks(collected(connector, seeds(code=mine)))) == {"person/1"}
    assert set(marks(collected(connector, seeds(code=theirs)))) == {"person/2"}


def test_an_address_is_found_however_it_is_written_and_an_accent_makes_another(mariadb_url: str) -> None:
    made(mariadb_url, "UPDATE person SET email = 'One@Shop.example'")
    run_sql(mariadb_url, "UPDATE person SET email = 'öne@shop.example' WHERE id = 2")
    items = collected(connect(mariadb_url, {"person": FIELDS}), seeds(email="ONE@shop.example"))
    assert [(i.locator["id"], i.ownership) for i in items] == [(1, Ownership.OWN)]


@pytest.mark.parametrize("action", ["RESTRICT", "CASCADE", "SET NULL"])
def test_a_row_that_points_in_other_letters_is_still_one_that_points(mariadb_url: str, action: str) -> None:
    run_sql(
        mariadb_url,
        "CREATE TABLE person (code VARCHAR(20) PRIMARY KEY, email VARCHAR(80));\n"
        f"CREATE TABLE thing (id INTEGER PRIMARY KEY, person VARCHAR(20) REFERENCES person (code)"
        f" ON DELETE {action});\n"
        "INSERT INTO person VALUES ('ÄB1', 'one@shop.example');\nINSERT INTO thing VALUES (7, 'äb1 ')",
    )
    fields = [field("code", KEY, primary_key=True), field("email", EMAIL, identity="email")]
    connector = connect(mariadb_url, {"person": fields}, person=DELETE)
    items = collected(connector, seeds(email="one@shop.example"))
    plan = [EraseItem(0, "person", items[0].locator, Action.DELETE, (), items[0].digest)]
    assert told(mariadb_url, connector, plan) == ["referenced"]
    before = dump(mariadb_url)
    assert [e.outcome for e in connector.erase("op", 1, plan)] == [REFUSED]
    assert dump(mariadb_url) == before


def test_a_table_that_cannot_undo_is_searched_and_not_erased_in(mariadb_url: str) -> None:
    made(mariadb_url, "ALTER TABLE person ENGINE = MyISAM")
    connector = connect(mariadb_url, {"person": FIELDS})
    plan = plan_of(connector)
    assert told(mariadb_url, connector, plan) == ["not_transactional"]
    assert [e.outcome for e in connector.erase("op", 1, plan)] == [REFUSED]


def test_what_a_trigger_writes_to_a_table_that_cannot_undo_is_not_even_tried(mariadb_url: str) -> None:
    made(
        mariadb_url,
        "ALTER TABLE history ENGINE = MyISAM",
        "CREATE TRIGGER t AFTER UPDATE ON person FOR EACH ROW INSERT INTO history VALUES (old.id, old.note)",
    )
    connector = connect(mariadb_url, {"person": FIELDS})
    assert told(mariadb_url, connector, plan_of(connector)) == ["not_transactional"]


@pytest.mark.parametrize(
    ("event", "body", "code"),
    [
        ("AFTER UPDATE", "INSERT INTO history VALUES (old.id, old.note)", "side_effects"),
        ("BEFORE UPDATE", "SET new.note = old.note", "source_keeps"),
        ("BEFORE UPDATE", "SIGNAL SQLSTATE '45000'", "trigger"),
        ("BEFORE UPDATE", "SET new.changed = 'now'", ""),
    ],
)
def test_what_triggers_do_is_told_before_the_approval(mariadb_url: str, event: str, body: str, code: str) -> None:
    made(mariadb_url, f"CREATE TRIGGER t {event} ON person FOR EACH ROW {body}")
    connector = connect(mariadb_url, {"person": FIELDS})
    plan = plan_of(connector)
    assert told(mariadb_url, connector, plan) == [code]
    before = dump(mariadb_url)
    if code:
        with pytest.raises(PersonMustLook):
            connector.erase("op", 1, plan)
        assert dump(mariadb_url) == before
    else:
        connector.erase("op", 1, plan)
        assert differences(before, dump(mariadb_url))["person"][1] == [(1, None, None, "now")]


TYPES = [
    ("DATE NOT NULL", "'1980-02-29'", "1900-01-01"),
    ("DATETIME NOT NULL", "'1980-02-29 10:00'", "1900-01-01 00:00:00"),
    ("TIMESTAMP NOT NULL", "'1980-02-29 10:00'", "1970-01-02 00:00:00"),
    ("TINYINT(1) NOT NULL", "1", "0"),
    ("DECIMAL(10, 2) NOT NULL", "7.5", "0.00"),
    ("BLOB NOT NULL", "'x'", "b''"),
    ("CHAR(12) NOT NULL", "'Yksi'", "poistettu"),
    ("ENUM('a', 'b')", "'a'", "None"),
    ("VARCHAR(9) AS (left(note, 9)) STORED", "", "None"),
]


@pytest.mark.parametrize(("kind", "value", "expected"), TYPES)
def test_every_type_is_masked_with_its_own_kind_of_nothing(
    mariadb_url: str, kind: str, value: str, expected: str
) -> None:
    run_sql(
        mariadb_url,
        f"CREATE TABLE person (id INTEGER PRIMARY KEY, email VARCHAR(80), note VARCHAR(40), x {kind});\n"
        f"INSERT INTO person (id, email, note{', x' if value else ''})"
        f" VALUES (1, 'one@shop.example', 'mine'{', ' + value if value else ''})",
    )
    connector = connect(mariadb_url, {"person": [*FIELDS[:3], field("x", "user.content")]})
    plan = plan_of(connector)
    assert told(mariadb_url, connector, plan) == [""]
    assert [e.outcome for e in connector.erase("op", 1, plan)] == [MASKED]
    assert str(dump(mariadb_url)["person"][0][3]) == expected


def test_a_date_of_zeros_is_a_value_like_others(mariadb_url: str) -> None:
    run_sql(
        mariadb_url,
        "CREATE TABLE person (id INTEGER PRIMARY KEY, email VARCHAR(80), born DATE, seen DATETIME);\n"
        "SET SESSION sql_mode = '';\n"
        "INSERT INTO person VALUES (1, 'one@shop.example', '0000-00-00', '0000-00-00 00:00:00')",
    )
    fields = [*FIELDS[:2], field("born", "user.content"), field("seen", "user.content")]
    connector = connect(mariadb_url, {"person": fields}, person=DELETE)
    plan = plan_of(connector)
    assert told(mariadb_url, connector, plan) == [""]
    assert [e.outcome for e in connector.erase("op", 1, plan)] == [ERASED]


def test_a_user_from_whom_tables_may_be_hidden_erases_nothing(mariadb_url: str) -> None:
    made(
        mariadb_url,
        "CREATE TABLE secret (id INTEGER PRIMARY KEY, person_id INTEGER REFERENCES person (id) ON DELETE CASCADE)",
        "INSERT INTO secret VALUES (7, 1)",
    )
    name, database = "u" + mariadb_url.rsplit("_", 1)[1], mariadb_url.rsplit("/", 1)[1]
    run_sql(mariadb_url, f"CREATE USER {name}")
    run_sql(mariadb_url, f"GRANT SELECT, UPDATE, DELETE ON {database}.person TO {name}")
    url = sa.make_url(mariadb_url).set(username=name).render_as_string()
    connector = connect(url, {"person": FIELDS}, person=DELETE)
    assert told(mariadb_url, connector, plan_of(connector)) == ["not_permitted"]
    connector.dispose()
    run_sql(mariadb_url, f"DROP USER {name}")


def test_a_row_that_somebody_holds_is_waited_for_and_tried_again(mariadb_url: str) -> None:
    made(mariadb_url)
    connector = connect(mariadb_url, {"person": FIELDS}, timeout_seconds=1)
    plan = plan_of(connector)
    engine = sa.create_engine(with_driver(mariadb_url))
    with engine.begin() as connection:
        connection.exec_driver_sql("SELECT * FROM person WHERE id = 1 FOR UPDATE")
        with pytest.raises(TryAgain):
            connector.preview(plan)
    engine.dispose()
    assert told(mariadb_url, connector, plan) == [""]


def test_many_rows_of_one_person_come_page_by_page_and_each_once(mariadb_url: str) -> None:
    rows = ", ".join(f"({a}, 'k{b}', 1)" for a in range(50) for b in range(60))
    made(
        mariadb_url,
        "CREATE TABLE thing (a INTEGER, b VARCHAR(9), person_id INTEGER NOT NULL REFERENCES person (id),"
        " PRIMARY KEY (a, b))",
        f"INSERT INTO thing VALUES {rows}",
    )
    fields = [
        field("a", primary_key=True),
        field("b", primary_key=True),
        field("person_id", KEY, references=[ref("person.id", "from", "s")]),
    ]
    items = collected(connect(mariadb_url, {"person": FIELDS, "thing": fields}), seeds(email="one@shop.example"))
    found = [(i.locator["a"], i.locator["b"]) for i in items if i.collection == "thing"]
    assert (len(found), len(set(found))) == (3_000, 3_000)
