"""A record that only the person's own held records point at goes with the last of them, on their day."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from models.decision import Plan, PlanItem
from models.staff import HumanTask
from models.vocabulary import Action, PlanState, RequestState, Right, TaskKind, TaskState
from tests.world import BOB, JANE, World, fill_source, open_world, prepare, write_register
from workflows.sweeps import rechecks

_HOLDS = """
- id: H06
  law: {act: 728/2003, sections: ["4"], gdpr: ["17(3)(e)"]}
  source: Finlex
  checked_on: 2026-01-15
  categories: {C07: all}
  trigger: open_balance > 0.0
  until: '""'
  text: {fi: Lasku on maksamatta., sv: Fakturan är obetald., en: The invoice is not paid.}
- id: H97
  law: {act: 1336/1997, sections: ["2:10"], gdpr: ["17(3)(b)"]}
  source: Finlex
  checked_on: 2026-01-15
  categories: {C07: all}
  trigger: on != ""
  until: add_years(on, 1)
  text: {fi: Kirjanpitoa varten., sv: För bokföringen., en: For the books.}
"""
_SHOP = """
source: shop
kind: sql
connection: {url: {env: SHOP_URL}}
dataset:
  - fides_key: shop
    collections:
      - name: customer
        fides_meta: {masking_strategy_override: {strategy: delete}}
        fields:
          - {name: id, data_categories: [user.unique_id], fides_meta: {primary_key: true, data_type: integer}}
          - {name: email, data_categories: [user.contact.email], fides_meta: {identity: email, data_type: string}}
          - {name: name, data_categories: [user.name], fides_meta: {data_type: string}}
      - name: orders
        fides_meta: {masking_strategy_override: {strategy: delete}}
        fields:
          - {name: id, data_categories: [system.operations], fides_meta: {primary_key: true, data_type: integer}}
          - name: customer_id
            data_categories: [user.unique_id]
            fides_meta: {data_type: integer, references: [{dataset: shop, field: customer.id, direction: from}]}
          - {name: note, data_categories: [user.content], fides_meta: {data_type: string}}
          - {name: shipped_on, data_categories: [user.content], fides_meta: {data_type: string}}
          - {name: owed, data_categories: [user.financial], fides_meta: {data_type: float}}
person:
  collections:
    orders: {category: C07, on: shipped_on, facts: {open_balance: owed, "on": shipped_on}}
"""
_ORDERS = """
ALTER TABLE orders ADD COLUMN shipped_on DATE;
ALTER TABLE orders ADD COLUMN owed NUMERIC(10, 2);
UPDATE orders SET owed = 0, shipped_on = '2026-03-05';
UPDATE orders SET shipped_on = '2026-06-05' WHERE id IN (2, 4)
"""


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """The shop, whose orders are kept for a year each, and whose customers only because orders point at them."""
    environ = prepare(tmp_path)
    write_register(tmp_path / "register", {"holds.yaml": _HOLDS, "sources/shop.yaml": _SHOP})
    fill_source(environ["SHOP_URL"], _ORDERS)
    made = open_world(environ)
    yield made
    made.close()


def kept(world: World, ident: UUID) -> dict[str, list[tuple[Any, ...]]]:
    """(action, reason, day) of the items of each collection in the plan that counts."""
    found: dict[str, list[tuple[Any, ...]]] = {}
    with world.rt.unit() as session:
        plan = select(Plan.id).where(Plan.request_id == ident, Plan.state != PlanState.VOID).scalar_subquery()
        for item in session.scalars(select(PlanItem).where(PlanItem.plan_id == plan).order_by(PlanItem.item_no)):
            found.setdefault(item.collection, []).append((item.action, item.reason, item.erase_on))
    return found


def morning(world: World, day: date) -> None:
    """It is the morning of this day, and what is kept has been looked at."""
    world.clock.set(datetime(day.year, day.month, day.day, 4, 0, tzinfo=UTC))
    rechecks(world.rt, every=True)
    world.work()


def begun(world: World, who: str) -> UUID:
    """An erasure that was approved and carried out as far as it may be today."""
    ident = world.open(Right.ERASURE, who)
    world.work()
    world.approve(ident)
    world.work()
    return ident


def test_the_parent_of_held_records_is_kept_until_the_last_of_them_goes_and_goes_with_it(world: World) -> None:
    ident = begun(world, JANE)
    assert world.state(ident) is RequestState.HELD
    plan = kept(world, ident)
    assert plan["customer"] == [(Action.KEEP, "own_record", date(2027, 6, 6))]
    assert sorted(day for _, _, day in plan["orders"]) == [date(2027, 3, 6), date(2027, 6, 6)]
    morning(world, date(2027, 3, 6))
    assert [row[0] for row in world.rows("shop", "orders") if row[1] == 1] == [2]
    assert 1 in [row[0] for row in world.rows("shop", "customer")]
    morning(world, date(2027, 6, 6))
    assert not [row for row in world.rows("shop", "orders") if row[1] == 1]
    assert [row[0] for row in world.rows("shop", "customer")] == [2, 3]
    assert world.state(ident) is RequestState.CLOSED


def test_a_parent_has_no_day_while_one_of_its_records_has_none(world: World) -> None:
    world.execute("shop", "UPDATE orders SET owed = 40 WHERE id = 3")
    ident = begun(world, BOB)
    assert kept(world, ident)["customer"] == [(Action.KEEP, "own_record", None)]
    morning(world, date(2027, 6, 6))
    assert [row[0] for row in world.rows("shop", "orders") if row[1] == 2] == [3]
    world.execute("shop", "UPDATE orders SET owed = 0 WHERE id = 3")
    morning(world, date(2027, 6, 7))
    # The order is not what was approved, it owed something then: a person decides again.
    assert world.state(ident) is RequestState.DECIDING
    world.approve(ident)
    world.work()
    assert 2 not in [row[0] for row in world.rows("shop", "customer")]


def test_what_becomes_unknown_while_it_is_kept_stays_kept_and_staff_are_asked_again_until_it_is_known(
    world: World,
) -> None:
    ident = begun(world, JANE)
    world.execute("shop", "UPDATE orders SET owed = NULL WHERE id = 1")

    def asked() -> list[TaskState]:
        with world.rt.unit() as session:
            tasks = select(HumanTask.state).where(
                HumanTask.kind == TaskKind.HOLD_UNKNOWN, HumanTask.request_id == ident
            )
            return list(session.scalars(tasks))

    assert asked() == []
    morning(world, date(2027, 3, 6))
    assert [row[0] for row in world.rows("shop", "orders") if row[1] == 1] == [1, 2]
    assert asked() == [TaskState.OPEN]
    morning(world, date(2027, 3, 7))
    assert asked() == [TaskState.OPEN]
    world.execute("shop", "UPDATE orders SET owed = 0 WHERE id = 1")
    morning(world, date(2027, 3, 8))
    assert asked() == [TaskState.DONE]
