"""Mistakes of a product of this kind, with the shapes of its own sample, that are never made here."""

from models.vocabulary import ReceiptOutcome
from tests.connectors.shop import (
    EMAIL,
    collected,
    dataset,
    dump,
    field,
    ref,
    register,
    run_sql,
    seeds,
    shop,
    source,
    to_erase,
)
from workflows.connectors.sql import SqlConnector

ONE = seeds(email="one@shop.example")


def test_a_table_without_a_key_loses_exactly_the_persons_rows(shop_url: str) -> None:
    connector = shop(shop_url, visit={"masking_strategy_override": {"strategy": "delete"}})
    plan = [item for item in to_erase(collected(connector, ONE), connector) if item.collection == "visit"]
    assert len(plan) == 2
    before = dump(shop_url)
    outcomes = {done.outcome for done in connector.erase("op", 1, plan)}
    assert outcomes == {ReceiptOutcome.ERASED}
    assert dump(shop_url) == {**before, "visit": [("two@shop.example", "/a")]}


def test_fields_without_a_type_are_masked_and_keep_nothing_of_what_they_were(shop_url: str) -> None:
    connector = shop(shop_url)
    plan = to_erase(collected(connector, ONE), connector)
    connector.erase("op", 1, plan)
    after = dump(shop_url)
    (mine,) = [row for row in after["customer"] if row[0] == 1]
    assert mine[2] == "poistettu"
    assert mine[1].endswith("@poistettu.invalid")
    assert "one@shop.example" not in repr(after["customer"] + after["service_request"])
    run_sql(shop_url, "UPDATE customer SET email = 'one@shop.example', name = 'Yksi Esimerkki' WHERE id = 1")
    again = to_erase(collected(connector, ONE), connector)
    connector.erase("op2", 1, again)
    (anew,) = [row for row in dump(shop_url)["customer"] if row[0] == 1]
    assert anew[1] != mine[1], "the same address masked twice gives two values: neither comes from it"


def test_a_key_is_not_masked_though_it_is_said_to_be_about_the_person(shop_url: str) -> None:
    connector = shop(shop_url)
    connector.erase("op", 1, to_erase(collected(connector, ONE), connector))
    after = dump(shop_url)
    assert [row[0] for row in after["customer"]] == [1, 2, 3, 4]
    assert [(row[0], row[1]) for row in after["orders"]] == [(10, 1), (11, 1), (20, 2)]


def test_a_reference_to_its_own_collection_is_followed_and_erased(database_url: str) -> None:
    """What hangs below the person's row goes with it, however deep, and the others' row beside it stays."""
    run_sql(
        database_url,
        "CREATE TABLE post (id INTEGER PRIMARY KEY, mail VARCHAR(80), above INTEGER REFERENCES post (id));\n"
        "INSERT INTO post VALUES (1, 'one@shop.example', NULL), (4, 'two@shop.example', NULL);\n"
        "INSERT INTO post VALUES (2, NULL, 1), (3, NULL, 2)",
    )
    above = field("above", references=[ref("post.id", direction="from")])
    fields = [field("id", primary_key=True), field("mail", EMAIL, identity="email"), above]
    spec = source("shop", dataset({"post": fields}, post={"masking_strategy_override": {"strategy": "delete"}}))
    connector = SqlConnector(spec, register=register(spec), url=database_url)
    found = collected(connector, ONE)
    assert {i.locator["id"]: i.ownership.value for i in found} == {1: "own", 2: "own", 3: "own"}
    done = connector.erase("op", 1, to_erase(found, connector))
    assert {one.outcome for one in done} == {ReceiptOutcome.ERASED}
    assert dump(database_url)["post"] == [(4, "two@shop.example", None)]
