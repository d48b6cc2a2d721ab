"""Collect finds what is the person's, and says of everything else whose it is."""

import copy
from typing import Any

import pytest

from models.vocabulary import Ownership
from tests.connectors.shop import (
    COLLECTIONS,
    KEY,
    collected,
    dataset,
    field,
    marks,
    ref,
    register,
    run_sql,
    seeds,
    shop,
    source,
)
from workflows.connectors.sql import SqlConnector
from workflows.ports import Lead


def test_a_customer_gets_own_rows_and_the_shared_home_is_marked_shared(shop_url: str) -> None:
    found = marks(collected(shop(shop_url), seeds(email="one@shop.example")))
    assert found == {
        "customer/1": "own",
        "address/1": "shared*",
        "address/2": "third_party*",
        "orders/10": "own",
        "orders/11": "own",
        "order_line/10-1": "own",
        "order_line/10-2": "own",
        "order_line/11-1": "own",
        "shipment/100": "own",
        "shipment/101": "own",
        "service_request/1": "own",
        "account/1": "own",
        "card/7": "own",
        "card/9": "own",
        "visit/one@shop.example-/a": "own",
        "visit/one@shop.example-/b": "own",
    }


def test_an_employee_does_not_get_the_customers_they_served(shop_url: str) -> None:
    found = marks(collected(shop(shop_url), seeds(email="boss@shop.example")))
    assert found == {
        "employee/1": "own*",
        "employee/2": "third_party",
        "address/2": "shared*",
        "service_request/1": "third_party",
        "service_request/2": "third_party",
        "service_request/3": "own",
    }


def test_find_names_the_person_once_with_contact_as_on_file(shop_url: str) -> None:
    people = shop(shop_url).find({"email": "ONE@shop.example"})
    assert [(p.key, p.identifiers, p.contact.name, p.contact.email) for p in people] == [
        ("1", {"email": "one@shop.example"}, "Yksi Esimerkki", "one@shop.example")
    ]
    assert shop(shop_url).find({"email": "nobody@shop.example"}) == []
    assert shop(shop_url).find({}) == []


def connected(url: str, collections: dict[str, Any], person: dict[str, Any] | None = None) -> SqlConnector:
    spec = source("shop", dataset(collections), person=person)
    return SqlConnector(spec, register=register(spec), url=url)


@pytest.mark.parametrize("direction", [None, "from"])
def test_a_shared_home_never_leads_to_the_others_who_live_there(shop_url: str, direction: str | None) -> None:
    collections = copy.deepcopy(COLLECTIONS)
    collections["address"][0] = field("id", primary_key=True, references=[ref("customer.address_id", direction)])
    collections["customer"][-1] = field("address_id", references=[ref("address.id", None)])
    found = marks(collected(connected(shop_url, collections), seeds(email="one@shop.example")))
    assert [key for key in found if key.startswith("customer/")] == ["customer/1"]
    assert found["address/1"] == "shared*"


def test_a_composite_reference_is_followed_whole_and_not_column_by_column(shop_url: str) -> None:
    run_sql(shop_url, "UPDATE shipment SET line_no = 1 WHERE id = 101")
    found = marks(collected(shop(shop_url), seeds(email="one@shop.example")))
    assert {key for key in found if key.startswith("shipment/")} == {"shipment/100", "shipment/101"}


def test_a_composite_key_the_database_does_not_declare_is_followed_whole_too(database_url: str) -> None:
    run_sql(
        database_url,
        "CREATE TABLE customer (id INTEGER PRIMARY KEY, email VARCHAR(80));\n"
        "CREATE TABLE line (customer_id INTEGER, no INTEGER, PRIMARY KEY (customer_id, no));\n"
        "CREATE TABLE part (id INTEGER PRIMARY KEY, customer_id INTEGER, no INTEGER, text VARCHAR(9));\n"
        "INSERT INTO customer VALUES (1, 'one@shop.example'), (2, 'two@shop.example');\n"
        "INSERT INTO line VALUES (1, 1), (2, 1), (2, 2);\nINSERT INTO part VALUES (1, 1, 1, 'mine'), (2, 2, 1, 'hers')",
    )
    collections = {
        "customer": [
            field("id", KEY, primary_key=True),
            field("email", "user.contact.email", identity="email"),
        ],
        "line": [
            field("customer_id", primary_key=True, references=[ref("customer.id")]),
            field("no", primary_key=True),
        ],
        "part": [
            field("id", primary_key=True),
            field("customer_id", references=[ref("line.customer_id")]),
            field("no", references=[ref("line.no")]),
            field("text", "user.content"),
        ],
    }
    found = marks(collected(connected(database_url, collections), seeds(email="one@shop.example")))
    assert found == {"customer/1": "own", "line/1-1": "own", "part/1": "own"}


def test_where_the_persons_number_is_given_a_shared_mailbox_does_not_make_two_people_one(shop_url: str) -> None:
    run_sql(shop_url, "UPDATE service_request SET email = 'family@shop.example' WHERE id IN (1, 2)")
    collections = copy.deepcopy(COLLECTIONS)
    collections["service_request"][0] = field("id", primary_key=True, identity="request_no")
    person = {"subject": {"collection": "service_request", "key": "id"}}
    connector = connected(shop_url, collections, person)
    both = collected(connector, seeds(email="family@shop.example"))
    assert {i.ownership for i in both} == {Ownership.CANDIDATE}
    items = collected(connector, {**seeds(email="family@shop.example"), "identity:request_no": [Lead("1")]})
    assert {i.locator["id"]: i.ownership for i in items if i.collection == "service_request"} == {
        1: Ownership.OWN,
        2: Ownership.THIRD_PARTY,
    }
    assert [p.key for p in connector.find({"email": "family@shop.example"})] == ["1", "2"]


def test_facts_are_told_in_their_types_and_unknown_where_the_source_is_silent(shop_url: str) -> None:
    facts = {
        "amount": "total",
        "on": "on_day",
        "number": {"field": "note", "null": "without"},
        "disputed": {"field": "note", "true_when": ["first"]},
    }
    run_sql(
        shop_url, "ALTER TABLE orders ADD COLUMN on_day DATE;\nUPDATE orders SET on_day = '2024-02-29' WHERE id = 10"
    )
    collections = copy.deepcopy(COLLECTIONS)
    collections["orders"].append(field("on_day"))
    connector = connected(shop_url, collections, {"collections": {"orders": {"facts": facts, "on": "on_day"}}})
    items = {
        i.locator["id"]: i for i in collected(connector, seeds(email="one@shop.example")) if i.collection == "orders"
    }
    assert items[10].facts == {"amount": 12.5, "on": "2024-02-29", "number": "first", "disputed": True}
    assert items[11].facts == {"amount": 7.0, "on": None, "number": "without", "disputed": None}
    assert str(items[10].on) == "2024-02-29"
    assert items[10].fields["total"] == "12.50"


def test_more_rows_than_are_held_are_still_each_emitted_once(shop_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = collected(shop(shop_url), seeds(email="one@shop.example"))
    for name, value in {"sql_found.BUFFERED_ROWS": 2, "sql_lookup.FEW": 1, "sql_lookup.BINDS": 2}.items():
        monkeypatch.setattr(f"workflows.connectors.{name}", value)
    monkeypatch.setattr("workflows.connectors.sql_collect.BINDS", 3)
    again = collected(shop(shop_url), seeds(email="one@shop.example"))

    def lines(items: list[Any]) -> list[bytes]:
        return sorted(i.to_json() for i in items)

    assert lines(again) == lines(whole)


def test_a_column_that_does_not_care_about_case_still_gives_only_the_exact_value(database_url: str) -> None:
    kind = "VARCHAR(20) COLLATE NOCASE"
    if database_url.startswith("postgresql"):
        run_sql(
            database_url, "CREATE COLLATION lax (provider = icu, locale = 'und-u-ks-level2', deterministic = false)"
        )
        kind = "VARCHAR(20) COLLATE lax"
    run_sql(
        database_url,
        f"CREATE TABLE member (id INTEGER PRIMARY KEY, card {kind});\nINSERT INTO member VALUES (1, 'Ab1'), (2, 'AB1')",
    )
    member = [field("id", primary_key=True), field("card", "user.unique_id", identity="loyalty_id")]
    found = collected(connected(database_url, {"member": member}), seeds(loyalty_id="Ab1"))
    assert [i.locator for i in found] == [{"id": 1}]


def test_what_only_a_parent_of_ours_points_at_counts_as_pointed_at_by_others(database_url: str) -> None:
    run_sql(
        database_url,
        "CREATE TABLE town (id INTEGER PRIMARY KEY, name VARCHAR(20));\n"
        "CREATE TABLE home (id INTEGER PRIMARY KEY, town_id INTEGER REFERENCES town (id), street VARCHAR(20));\n"
        "CREATE TABLE customer (id INTEGER PRIMARY KEY, email VARCHAR(80), home_id INTEGER REFERENCES home (id));\n"
        "INSERT INTO town VALUES (1, 'Vaasa');\nINSERT INTO home VALUES (1, 1, 'Kotikatu 1');\n"
        "INSERT INTO customer VALUES (1, 'one@shop.example', 1)",
    )
    collections = {
        "town": [field("id", primary_key=True), field("name", "user.contact.address.city")],
        "home": [
            field("id", primary_key=True),
            field("town_id", references=[ref("town.id", "to")]),
            field("street", "user.contact.address.street"),
        ],
        "customer": [
            field("id", KEY, primary_key=True),
            field("email", "user.contact.email", identity="email"),
            field("home_id", references=[ref("home.id", "to")]),
        ],
    }
    found = marks(collected(connected(database_url, collections), seeds(email="one@shop.example")))
    assert found == {"customer/1": "own", "home/1": "own", "town/1": "shared*"}


def test_the_lines_of_records_are_written_the_quick_way_in_which_only_plain_texts_are_keys(shop_url: str) -> None:
    items = collected(shop(shop_url), seeds(email="one@shop.example"))
    assert items
    assert not [i.collection for i in items if i.to_json()[:1] != b"{"]
    assert {type(name) for i in items for name in (*i.fields, *i.locator)} == {str}
