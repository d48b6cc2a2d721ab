"""A source that answers with nothing, and does not find the person who is in it for good, has not searched."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import func, select

from models.audit import AuditEntry
from models.base import Base
from models.collection import Finding, SourceHealth
from models.request import Request
from models.staff import HumanTask
from models.step import Step
from models.vocabulary import RequestState, Right, SourceResult, StepState, TaskState
from tests.engine.switched import Switch, switched
from tests.world import _REGISTER, EVE, JANE, World
from workflows import engine, lookout
from workflows.errors import NeverAgain
from workflows.gates import FAILURES

CANARY = "canary@shop.example"
REGISTER = {
    "controller.yaml": _REGISTER["controller.yaml"][:-1] + ", canary: {email: " + CANARY + "}}",
    "sources/shop.yaml": _REGISTER["sources/shop.yaml"] + "canary: {expect: {customer: 1}}\n",
    "sources/billing.yaml": _REGISTER["sources/billing.yaml"]
    + "canary: {identity: {email: " + CANARY + "}, expect: {invoice: 2}}\n",
}  # fmt: skip


@pytest.fixture
def house(tmp_path: Path, database_url: str) -> Iterator[tuple[World, dict[str, Switch]]]:
    """The shop and its billing, and a canary in both of them."""
    url = database_url if database_url.startswith("postgresql") else ""
    world, switches = switched(tmp_path, database_url=url, register=REGISTER)
    world.execute("shop", f"INSERT INTO customer VALUES (9, '{CANARY}', 'Canary')")
    world.execute("billing", "INSERT INTO invoice VALUES (90, 9, 'Canary', 0), (91, 9, 'Canary', 0)")
    yield world, switches
    world.close()


def go_blind(world: World) -> None:
    """Billing answers, and knows nobody any more: the canary's own records are out of sight as well."""
    world.execute("billing", "ALTER TABLE invoice RENAME TO hidden")
    world.execute("billing", "CREATE TABLE invoice AS SELECT * FROM hidden WHERE 1 = 0")


def see_again(world: World) -> None:
    world.execute("billing", "DROP TABLE invoice")
    world.execute("billing", "ALTER TABLE hidden RENAME TO invoice")


def open_tasks(world: World) -> list[str]:
    with world.rt.unit() as session:
        return list(session.scalars(select(HumanTask.code).where(HumanTask.state == TaskState.OPEN)))


def health(world: World, source: str) -> SourceHealth:
    with world.rt.unit() as session:
        return session.get_one(SourceHealth, source)


def all_rows(world: World) -> str:
    """Everything that our own database holds, as text."""
    with world.rt.unit() as session:
        return "\n".join(str(row) for table in Base.metadata.sorted_tables for row in session.execute(select(table)))


def test_a_canary_is_found_through_what_leads_to_it_once_a_day(house) -> None:
    world, switches = house
    assert lookout.look(world.rt) == {"shop": None, "billing": None}
    asked = switches["billing"].asked
    world.clock.advance(hours=10)
    assert lookout.look(world.rt) == {}
    world.clock.advance(hours=11)
    assert lookout.look(world.rt) == {"shop": None, "billing": None}
    assert switches["billing"].asked > asked


def test_a_source_that_does_not_find_its_canary_is_told_of_until_it_does(house) -> None:
    world, _ = house
    go_blind(world)
    assert lookout.look(world.rt) == {"shop": None, "billing": "canary_missing"}
    assert open_tasks(world) == ["canary_missing"]
    world.clock.advance(minutes=10)
    assert lookout.look(world.rt) == {"billing": "canary_missing"}
    with world.rt.unit() as session:
        told = select(func.count()).where(AuditEntry.event == "source:canary")
        assert session.scalar(told) == 1
    see_again(world)
    assert lookout.look(world.rt) == {"billing": None}
    assert open_tasks(world) == []


def test_nothing_found_is_no_answer_while_the_canary_is_not_found(house) -> None:
    world, _ = house
    go_blind(world)
    lookout.look(world.rt)
    ident = world.open(who=EVE)
    engine.drain(world.rt)
    assert world.state(ident) is RequestState.COLLECTING
    with world.rt.unit() as session:
        finding = session.scalars(select(Finding).where(Finding.source == "billing")).one()
        assert (finding.result, finding.why) == (SourceResult.FAILED, "canary_failed")
        step = session.scalars(select(Step).where(Step.source == "billing")).one()
        assert (step.state, step.error_code) == (StepState.NEEDS_HUMAN, "canary_failed")
    assert sorted(open_tasks(world)) == ["canary_failed", "canary_missing"]
    see_again(world)
    lookout.look(world.rt)
    engine.drain(world.rt)
    assert world.state(ident) is RequestState.CLOSED
    assert open_tasks(world) == []
    with world.rt.unit() as session:
        finding = session.scalars(select(Finding).where(Finding.source == "billing")).one()
        assert (finding.result, finding.why) == (SourceResult.NONE, None)


def test_what_a_source_finds_counts_whatever_its_canary_does(house) -> None:
    world, _ = house
    world.execute("billing", "DELETE FROM invoice WHERE id >= 90")
    lookout.look(world.rt)
    ident = world.open(who=JANE)
    engine.drain(world.rt)
    assert world.state(ident) is RequestState.CLOSED


def test_nothing_is_erased_on_the_word_of_a_source_that_sees_nothing(house) -> None:
    world, _ = house
    ident = world.open(Right.ERASURE, JANE)
    engine.drain(world.rt)
    world.approve(ident)
    first = engine.claim(world.rt, ("erase",))
    assert first is not None
    engine.run(world.rt, first)
    go_blind(world)
    lookout.look(world.rt)
    before = {table: world.rows("shop", table) for table in ("customer", "orders")}
    world.clock.advance(minutes=6)
    engine.drain(world.rt)
    assert world.state(ident) is RequestState.ERASING
    assert {table: world.rows("shop", table) for table in before} == before


def test_a_canary_is_no_request_and_nothing_of_it_is_kept(house, caplog: pytest.LogCaptureFixture) -> None:
    world, _ = house
    blobs = list(world.rt.blobs.names())
    lookout.look(world.rt)
    go_blind(world)
    world.clock.advance(hours=21)
    lookout.look(world.rt)
    kept = all_rows(world)
    assert CANARY not in kept
    assert "Canary" not in kept
    assert list(world.rt.blobs.names()) == blobs
    with world.rt.unit() as session:
        assert session.scalar(select(func.count()).select_from(Request)) == 0
    assert "anary@" not in caplog.text


def test_a_garbled_answer_to_the_search_for_a_canary_is_told_by_its_code(house) -> None:
    world, switches = house
    switches["billing"].off(NeverAgain("not_json"))
    assert lookout.look(world.rt) == {"shop": None, "billing": "not_json"}
    assert health(world, "billing").canary_code == "not_json"


def test_a_silent_source_is_down_and_its_canary_is_not_judged(house) -> None:
    world, switches = house
    switches["shop"].off()
    assert lookout.look(world.rt) == {}  # and billing, to which nothing led, is not to blame
    assert health(world, "shop").failures == 1


def test_a_source_that_was_down_and_has_no_work_is_asked_whether_it_is_back(house) -> None:
    world, switches = house
    switches["billing"].off()
    for _ in range(FAILURES):
        lookout.look(world.rt)
    asked = switches["billing"].asked
    assert lookout.knock(world.rt) == 0  # its breaker is open
    assert switches["billing"].asked == asked
    world.clock.advance(minutes=6)
    assert lookout.knock(world.rt) == 0
    switches["billing"].on()
    world.clock.advance(minutes=6)
    assert lookout.knock(world.rt) == 1
    assert health(world, "billing").failures == 0


def test_a_source_without_a_canary_is_asked_once_a_day_whether_it_is_as_described(tmp_path: Path) -> None:
    world, switches = switched(tmp_path)
    assert lookout.knock(world.rt) == 2
    assert lookout.knock(world.rt) == 0
    world.clock.advance(hours=21)
    switches["billing"].off(NeverAgain("schema_changed"))
    assert lookout.knock(world.rt) == 1
    assert (health(world, "billing").failures, health(world, "billing").last_code) == (0, "schema_changed")
    switches["billing"].on()
    assert lookout.knock(world.rt) == 1
    assert health(world, "billing").last_code is None
    world.close()
