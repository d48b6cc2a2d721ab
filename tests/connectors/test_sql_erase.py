"""Erase takes exactly what was approved, once, and nothing of anybody else."""

import dataclasses

import pytest

from models.vocabulary import Action, Ownership, ReceiptOutcome
from tests.connectors.shop import collected, dump, run_sql, seeds, shop, to_erase
from workflows.errors import Fenced, NeverAgain, PersonMustLook
from workflows.ports import ErasedItem, EraseItem
from workflows.rules.items import Item

DELETE = {"strategy": "delete"}
ALL_DELETED = {
    name: {"masking_strategy_override": DELETE}
    for name in ("customer", "orders", "order_line", "shipment", "service_request", "account", "card", "visit")
}


def outcomes(erased: list[ErasedItem]) -> set[ReceiptOutcome]:
    return {e.outcome for e in erased}


def test_the_least_register_masks_personal_fields_and_touches_no_key_and_nobody_else(shop_url: str) -> None:
    before = dump(shop_url)
    connector = shop(shop_url)
    plan = to_erase(collected(connector, seeds(email="one@shop.example")), connector)
    assert {(p.item_no, p.refused) for p in connector.preview(plan)} <= {
        (i.item_no, word) for i in plan for word in ("", "nothing_personal")
    }
    assert dump(shop_url) == before
    assert outcomes(connector.erase("op-1", 1, plan)) == {ReceiptOutcome.MASKED}
    after = dump(shop_url)
    changed = {(t, r[0]) for t in after for r in set(before[t]) - set(after[t])}
    assert changed == {
        ("customer", 1), ("orders", 10), ("orders", 11), ("order_line", 10), ("order_line", 11), ("shipment", 100),
        ("shipment", 101), ("service_request", 1), ("card", 7), ("card", 9), ("visit", "one@shop.example"),
    }  # fmt: skip
    customer = next(r for r in after["customer"] if r[0] == 1)
    assert customer[1].endswith("@poistettu.invalid")
    assert customer[2:] == ("poistettu", None, None, 1)
    assert {r[:3] for r in after["orders"]} == {r[:3] for r in before["orders"]}
    assert all("one@" not in str(rows) for rows in after.values())


def test_rows_that_are_to_be_deleted_go_children_first_and_cycles_go_whole(shop_url: str) -> None:
    before = dump(shop_url)
    connector = shop(shop_url, **ALL_DELETED)
    plan = to_erase(collected(connector, seeds(email="one@shop.example")), connector)
    assert {p.action for p in plan} == {Action.DELETE}
    assert outcomes(connector.erase("op-1", 1, plan)) == {ReceiptOutcome.ERASED}
    after = dump(shop_url)
    gone = {t: len(before[t]) - len(after[t]) for t in before}
    assert gone == {
        "address": 0, "customer": 1, "employee": 0, "orders": 2, "order_line": 3, "shipment": 2, "service_request": 1,
        "account": 1, "card": 2, "visit": 2,
    }  # fmt: skip
    assert all(set(after[t]) <= set(before[t]) for t in after)
    assert connector.present(plan) == {}


def test_a_customer_whose_orders_stay_is_refused_and_not_cascaded(shop_url: str) -> None:
    connector = shop(shop_url, customer={"masking_strategy_override": DELETE})
    items = [i for i in collected(connector, seeds(email="one@shop.example")) if i.collection == "customer"]
    before = dump(shop_url)
    plan = to_erase(items, connector)
    assert [p.refused for p in connector.preview(plan)] == ["referenced"]
    assert [e.outcome for e in connector.erase("op-1", 1, plan)] == [ReceiptOutcome.REFUSED]
    assert dump(shop_url) == before


def test_the_same_operation_again_answers_the_same_and_does_nothing(shop_url: str) -> None:
    connector = shop(shop_url)
    plan = to_erase(collected(connector, seeds(email="one@shop.example")), connector)
    first = connector.erase("op-1", 1, plan)
    after = dump(shop_url)
    assert shop(shop_url).erase("op-1", 2, plan) == first
    assert dump(shop_url) == after


def test_a_worker_that_was_overtaken_is_refused(shop_url: str) -> None:
    connector = shop(shop_url)
    plan = to_erase(collected(connector, seeds(email="one@shop.example")), connector)
    connector.erase("op-1", 5, plan)
    with pytest.raises(Fenced):
        connector.erase("op-1", 4, plan)


def test_a_record_that_changed_after_the_approval_is_left_alone(shop_url: str) -> None:
    connector = shop(shop_url)
    plan = to_erase(collected(connector, seeds(email="one@shop.example")), connector)
    run_sql(shop_url, "UPDATE orders SET note = 'changed' WHERE id = 10;\nDELETE FROM shipment WHERE id = 101")
    erased = {plan[e.item_no].collection + str(plan[e.item_no].locator.get("id")): e.outcome
              for e in connector.erase("op-1", 1, plan)}  # fmt: skip
    assert erased["orders10"] is ReceiptOutcome.DRIFTED
    assert erased["shipment101"] is ReceiptOutcome.ABSENT
    assert erased["orders11"] is ReceiptOutcome.MASKED
    assert next(r for r in dump(shop_url)["orders"] if r[4] == "changed")[:3] == (10, 1, 2)


TRIGGERS = {
    "sqlite": "CREATE TRIGGER no BEFORE UPDATE ON card BEGIN SELECT RAISE(ABORT, 'one@shop.example'); END",
    "postgresql": "CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
    " RAISE EXCEPTION 'one@shop.example'; END $$;\n"
    "CREATE TRIGGER no BEFORE UPDATE ON card FOR EACH ROW EXECUTE FUNCTION no()",
}


def test_a_database_that_refuses_halfway_leaves_everything_unchanged(shop_url: str) -> None:
    connector = shop(shop_url)
    plan = to_erase(collected(connector, seeds(email="one@shop.example")), connector)
    run_sql(shop_url, TRIGGERS[shop_url.split(":", maxsplit=1)[0]])
    before = dump(shop_url)
    with pytest.raises(PersonMustLook) as caught:
        connector.erase("op-1", 1, plan)
    assert caught.value.code == "refused_by_source"
    assert "one@" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert dump(shop_url) == before


def test_a_lost_column_stops_everything_before_anything_is_read(shop_url: str) -> None:
    connector = shop(shop_url)
    connector.health()
    run_sql(shop_url, "ALTER TABLE customer DROP COLUMN born")
    seen: list[Item] = []
    with pytest.raises(NeverAgain) as caught:
        connector.collect(seeds(email="one@shop.example"), seen.append)
    assert caught.value.code == "schema_changed"
    assert "shop:customer.born" in caught.value.detail
    assert seen == []


def test_a_row_of_somebody_else_given_by_mistake_is_still_only_what_was_approved(shop_url: str) -> None:
    connector = shop(shop_url)
    (item,) = [i for i in collected(connector, seeds(email="two@shop.example")) if i.collection == "customer"]
    wrong = EraseItem(0, "customer", {"id": 2}, Action.MASK, ("name",), "0" * 64)
    assert [e.outcome for e in connector.erase("op-1", 1, [wrong])] == [ReceiptOutcome.DRIFTED]
    unknown = dataclasses.replace(wrong, locator={"id = 2 OR 1": 1}, digest=item.digest)
    assert [e.outcome for e in connector.erase("op-2", 1, [unknown])] == [ReceiptOutcome.REFUSED]
    assert item.ownership is Ownership.OWN


def test_an_item_given_twice_is_treated_once(shop_url: str) -> None:
    connector = shop(shop_url, **ALL_DELETED)
    plan = to_erase(collected(connector, seeds(email="one@shop.example")), connector)
    plan.append(dataclasses.replace(plan[0], item_no=len(plan)))
    erased = connector.erase("op-1", 1, plan)
    assert [e.outcome for e in erased].count(ReceiptOutcome.REFUSED) == 1
    assert erased[-1].outcome is ReceiptOutcome.REFUSED


SWALLOWING = {
    "sqlite": "CREATE TRIGGER no BEFORE UPDATE ON card WHEN old.id = 9 BEGIN SELECT RAISE(IGNORE); END",
    "postgresql": "CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
    " IF old.id = 9 THEN RETURN NULL; END IF; RETURN new; END $$;\n"
    "CREATE TRIGGER no BEFORE UPDATE ON card FOR EACH ROW EXECUTE FUNCTION no()",
}


def test_a_row_that_quietly_was_not_changed_undoes_everything(shop_url: str) -> None:
    connector = shop(shop_url)
    plan = to_erase(collected(connector, seeds(email="one@shop.example")), connector)
    run_sql(shop_url, SWALLOWING[shop_url.split(":", maxsplit=1)[0]])
    before = dump(shop_url)
    with pytest.raises(PersonMustLook) as caught:
        connector.erase("op-1", 1, plan)
    assert caught.value.code == "count_differs"
    assert dump(shop_url) == before
