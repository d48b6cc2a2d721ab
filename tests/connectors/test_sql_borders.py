"""Where one source ends: other databases, read-only ones, silent ones, workers that die before they can tell."""

import os
import signal
import socket
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from models.vocabulary import Action, Ownership, ReceiptOutcome
from tests.connectors.shop import (
    DDL,
    KEY,
    ROWS,
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
from workflows.connectors.sql_source import SqlSource
from workflows.errors import BadRegister, NeverAgain, SourceDown, TryAgain
from workflows.ports import EraseItem, Lead
from workflows.rules.items import Item

CRM = [
    field("no", KEY, primary_key=True, identity="customer_no"),
    field("email", "user.contact.email", identity="email"),
]
CONTRACT = [
    field("id", "user.account", primary_key=True),
    field("customer_no", KEY, references=[ref("customer.no", dataset="crm")]),
    field("gsrn", KEY),
    field("starts", "user.account"),
    field("ends", "user.account"),
]
POINT = [field("gsrn", KEY, primary_key=True, references=[ref("contract.gsrn", dataset="billing")])]


def test_a_search_goes_on_from_one_database_to_the_next(fresh_postgres: Any, tmp_path: Path) -> None:
    crm_url, billing_url = f"sqlite:///{tmp_path / 'crm.db'}", fresh_postgres()
    (tmp_path / "crm.db").touch()
    run_sql(
        crm_url,
        "CREATE TABLE customer (no INTEGER PRIMARY KEY, email TEXT);\n"
        "INSERT INTO customer VALUES (1, 'One@shop.example'), (2, 'two@shop.example')",
    )
    run_sql(
        billing_url,
        "CREATE TABLE contract (id INTEGER PRIMARY KEY, customer_no VARCHAR(9), gsrn VARCHAR(18), starts DATE,"
        " ends DATE);\n"
        "INSERT INTO contract VALUES (10, '1', 'G1', '2023-01-01', '2024-02-29'), (11, '1', 'G1', '2024-06-01', NULL),"
        " (20, '2', 'G1', '2024-02-29', '2024-06-01'), (21, '01', 'G9', '2024-01-01', NULL)",
    )
    person = {"collections": {"contract": {"windows": {"gsrn": {"start": "starts", "end": "ends"}}}}}
    specs = [
        source("crm", dataset({"customer": CRM}, key="crm")),
        source("billing", dataset({"contract": CONTRACT}, key="billing"), person=person),
        source("metering", dataset({"point": POINT}, key="metering")),
    ]
    whole = register(*specs)
    crm = SqlConnector(specs[0], register=whole, url=crm_url)
    billing = SqlConnector(specs[1], register=whole, url=billing_url)
    assert (crm.exports, billing.exports) == ({"customer.no"}, {"contract.gsrn"})
    assert billing.entries() == {"crm:customer.no", "joint:crm:customer.no"}
    leads = crm.collect(seeds(email="one@shop.example"), [].append)
    assert leads == {"crm:customer.no": [Lead("1")]}
    found: list[Item] = []
    assert billing.collect(leads, found.append) == {
        "billing:contract.gsrn": [
            Lead("G1", date(2023, 1, 1), date(2024, 2, 29)),
            Lead("G1", date(2024, 6, 1), None),
        ]
    }
    assert [i.locator for i in found] == [{"id": 10}, {"id": 11}]


def test_the_same_row_has_the_same_digest_in_both_databases(fresh_postgres: Any, tmp_path: Path) -> None:
    (tmp_path / "shop.db").touch()
    digests = []
    for url in (f"sqlite:///{tmp_path / 'shop.db'}", fresh_postgres()):
        run_sql(url, DDL + ROWS)
        items = collected(shop(url), seeds(email="one@shop.example"))
        digests.append({(i.collection, str(i.locator)): (i.digest, i.fields) for i in items})
    assert digests[0] == digests[1]


def test_a_read_only_database_is_searched_and_never_said_to_be_erased(tmp_path: Path) -> None:
    (tmp_path / "shop.db").touch()
    run_sql(f"sqlite:///{tmp_path / 'shop.db'}", DDL + ROWS)
    connector = shop(f"sqlite:///file:{tmp_path / 'shop.db'}?mode=ro&uri=true")
    plan = to_erase(collected(connector, seeds(email="one@shop.example")), connector)
    assert connector.guarantee == "C"
    with pytest.raises(NeverAgain) as caught:
        connector.erase("op", 1, plan)
    assert caught.value.code == "read_only"


def test_a_role_that_may_only_read_is_refused_and_one_without_create_erases_without_receipts(postgres_url: str) -> None:
    run_sql(
        postgres_url,
        DDL + ROWS + "DROP ROLE IF EXISTS vastine_reader;\nCREATE ROLE vastine_reader LOGIN;\n"
        "REVOKE CREATE ON SCHEMA public FROM PUBLIC;\nGRANT SELECT ON ALL TABLES IN SCHEMA public TO vastine_reader",
    )
    url = sa.make_url(postgres_url).set(username="vastine_reader").render_as_string(hide_password=False)
    connector = shop(url)
    plan = to_erase(collected(connector, seeds(email="one@shop.example")), connector)
    before = dump(postgres_url)
    with pytest.raises(NeverAgain) as caught:
        connector.erase("op", 1, plan)
    assert caught.value.code == "read_only"
    assert dump(postgres_url) == before
    run_sql(postgres_url, "GRANT UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO vastine_reader")
    assert connector.guarantee == "C"
    assert {e.outcome for e in connector.erase("op", 1, plan)} == {ReceiptOutcome.MASKED}
    after = dump(postgres_url)
    assert ReceiptOutcome.DRIFTED in {e.outcome for e in connector.erase("op", 2, plan)}
    assert dump(postgres_url) == after
    run_sql(postgres_url, "DROP OWNED BY vastine_reader;\nDROP ROLE vastine_reader")


@pytest.mark.parametrize(
    "how", ["ALTER DATABASE {db} SET default_transaction_read_only = on", "ALTER ROLE {me} IN DATABASE {db} SET {on}"]
)
def test_a_database_that_is_set_to_read_only_stops_an_erasure_before_it_begins(postgres_url: str, how: str) -> None:
    run_sql(postgres_url, DDL + ROWS)
    connector = shop(postgres_url)
    plan = to_erase(collected(connector, seeds(email="one@shop.example")), connector)
    before, url = dump(postgres_url), sa.make_url(postgres_url)
    names = {"db": f'"{url.database}"', "me": f'"{url.username}"', "on": "default_transaction_read_only = on"}
    assert not connector.read_only()
    run_sql(postgres_url, how.format(**names))
    for attempt in (connector, shop(postgres_url)):  # a connection from before, and one that sees the setting
        assert attempt.read_only()
        attempt.health()  # it can be searched all the same
        with pytest.raises(NeverAgain) as caught:
            attempt.erase("op", 1, plan)
        assert (caught.value.code, "read only" in caught.value.detail) == ("read_only", True)
        attempt.dispose()
    undo = how.format(**names).replace("= on", "= off")
    run_sql(postgres_url, f"SET TRANSACTION READ WRITE;\n{undo}")
    assert dump(postgres_url) == before
    assert {e.outcome for e in connector.erase("op", 1, plan)} <= {ReceiptOutcome.ERASED, ReceiptOutcome.MASKED}
    connector.dispose()


def test_a_source_that_is_not_there_is_down_and_no_file_is_made_of_it(tmp_path: Path) -> None:
    for url in (f"sqlite:///{tmp_path / 'no.db'}", "postgresql://nobody@127.0.0.1:1/none"):
        with pytest.raises(SourceDown) as caught:
            shop(url).health()
        assert "nobody" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_rows_that_somebody_holds_are_tried_again_later(shop_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workflows.connectors.sql_source.LOCK_SECONDS", 1)
    connector = shop(shop_url)
    plan = to_erase(collected(connector, seeds(email="one@shop.example")), connector)
    engine = sa.create_engine(shop_url.replace("postgresql://", "postgresql+psycopg://"))
    with engine.begin() as other:
        other.exec_driver_sql("UPDATE orders SET note = 'busy'")
        with pytest.raises(TryAgain) as caught:
            connector.erase("op", 1, plan)
        assert caught.value.code == "locked"
    engine.dispose()


ENDLESS = {
    "sqlite": "CREATE VIEW slow AS WITH RECURSIVE n(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n)"
    " SELECT id, 'x' AS email FROM n",
    "postgresql": "CREATE VIEW slow AS SELECT 1 AS id, 'x' AS email FROM pg_sleep(60)",
}


def test_a_source_that_never_finishes_is_given_up_and_tried_later(database_url: str, tmp_path: Path) -> None:
    (tmp_path / "vastine.db").touch()
    run_sql(database_url, ENDLESS[database_url.split(":", maxsplit=1)[0]])
    slow = [field("id", primary_key=True), field("email", "user.contact.email", identity="email")]
    spec = source("s", dataset({"slow": slow}, key="s"), timeout_seconds=1)
    with pytest.raises(TryAgain) as caught:
        SqlConnector(spec, register=register(spec), url=database_url).collect(seeds(email="x"), [].append)
    assert caught.value.code == "timeout"


def test_a_worker_killed_after_the_commit_has_erased_once(shop_url: str) -> None:
    connector = shop(shop_url)
    plan = to_erase(collected(connector, seeds(email="one@shop.example")), connector)
    connector.dispose()
    child = os.fork()
    if child == 0:
        shop(shop_url).erase("op", 1, plan)
        os.kill(os.getpid(), signal.SIGKILL)
    assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL
    after = dump(shop_url)
    assert {e.outcome for e in shop(shop_url).erase("op", 2, plan)} == {ReceiptOutcome.MASKED}
    assert dump(shop_url) == after


def test_a_connector_goes_on_working_in_a_forked_worker(shop_url: str) -> None:
    connector = shop(shop_url)
    connector.health()
    child = os.fork()
    if child == 0:
        connector.health()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    connector.health()


def test_a_reference_to_what_is_not_there_is_named(tmp_path: Path) -> None:
    spec = source("s", dataset({"a": [field("x", references=[ref("b.y", dataset="s")])]}, key="s"))
    with pytest.raises(BadRegister) as caught:
        SqlConnector(spec, register=register(spec), url=f"sqlite:///{tmp_path / 's.db'}")
    assert "s:b.y" in caught.value.detail


def test_a_table_no_dataset_describes_protects_the_row_it_points_at(shop_url: str) -> None:
    run_sql(
        shop_url,
        "CREATE TABLE ledger (id INTEGER PRIMARY KEY, card_id INTEGER REFERENCES card (id) ON DELETE CASCADE);\n"
        "INSERT INTO ledger VALUES (1, 9)",
    )
    connector = shop(shop_url, card={"masking_strategy_override": {"strategy": "delete"}})
    items = [i for i in collected(connector, seeds(email="one@shop.example")) if i.collection == "card"]
    assert {(i.locator["id"], i.referenced) for i in items} == {(7, False), (9, True)}
    plan = [EraseItem(0, "card", {"id": 9}, Action.DELETE, (), next(i.digest for i in items if i.referenced))]
    assert [p.refused for p in connector.preview(plan)] == ["referenced"]
    assert [e.outcome for e in connector.erase("op", 1, plan)] == [ReceiptOutcome.REFUSED]
    assert dump(shop_url)["ledger"] == [(1, 9)]


def test_a_row_below_another_persons_row_is_not_ours_because_ours_points_at_it(shop_url: str) -> None:
    run_sql(shop_url, "UPDATE account SET main_card_id = 8 WHERE id = 1")  # another customer's card
    found = {(i.collection, i.locator.get("id")): i for i in collected(shop(shop_url), seeds(email="one@shop.example"))}
    assert found["card", 8].ownership is Ownership.THIRD_PARTY
    assert {("account", 2), ("customer", 2)}.isdisjoint(found)


@pytest.mark.slow
def test_a_database_that_takes_calls_and_says_nothing_is_waited_for_no_longer_than_a_call_may_take() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"postgresql://nobody@127.0.0.1:{silent.getsockname()[1]}/nothing"
        source = SqlSource(url, timeout_seconds=2)
        assert source.connect_seconds == 2
        with pytest.raises(SourceDown), source.reading():
            pass
