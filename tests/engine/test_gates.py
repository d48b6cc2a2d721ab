"""A source that is down or full delays its own steps, costs them nothing, and lets them go again by itself."""

import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from models.collection import SourceHealth
from models.step import Step, StepAttempt
from models.vocabulary import RequestState, StepState
from tests.engine.switched import Switch, switched
from tests.world import _REGISTER, World
from workflows import engine, sweeps
from workflows.errors import NeverAgain, SourceDown
from workflows.messages import WORK

TWO_PLACES = {"sources/billing.yaml": _REGISTER["sources/billing.yaml"] + "slots: 2\n"}


@pytest.fixture
def house(tmp_path: Path, database_url: str) -> Iterator[tuple[World, dict[str, Switch]]]:
    """The shop and its billing, each behind a switch; two places at billing."""
    url = database_url if database_url.startswith("postgresql") else ""
    world, switches = switched(tmp_path, database_url=url, register=TWO_PLACES)
    yield world, switches
    world.close()


def steps(world: World, source: str, *states: StepState) -> list[Step]:
    with world.rt.unit() as session:
        query = select(Step).where(Step.source == source).order_by(Step.id)
        return list(session.scalars(query.where(Step.state.in_(states)) if states else query))


def health(world: World, source: str) -> SourceHealth:
    with world.rt.unit() as session:
        return session.get_one(SourceHealth, source)


def many(world: World, count: int) -> list[uuid.UUID]:
    """Requests of as many people, each with an invoice: those of one person would be joined."""
    first = max(row[0] for row in world.rows("shop", "customer")) + 1
    for n in range(first, first + count):
        world.execute("shop", f"INSERT INTO customer VALUES ({n}, 'p{n}@shop.example', 'P{n}')")
        world.execute("billing", f"INSERT INTO invoice VALUES ({1000 + n}, {n}, 'P{n}', 0)")
    return [world.open(who=f"p{n}@shop.example") for n in range(first, first + count)]


def go_down(world: World, switch: Switch) -> None:
    """Five failures in a row."""
    switch.off()
    many(world, 6)
    engine.drain(world.rt)
    world.clock.advance(seconds=30)
    engine.drain(world.rt)


def begin(world: World, source: str) -> list[engine.Claimed]:
    """Work on everything but this source's steps; those that could begin, begun and held by their workers."""
    begun = []
    while (claimed := engine.claim(world.rt, WORK)) is not None:
        if claimed.lease.source == source:
            begun.append(claimed)
        else:
            engine.run(world.rt, claimed)
    return begun


def test_from_the_fifth_failure_on_nobody_asks_a_source_while_its_breaker_is_open(house) -> None:
    world, switches = house
    go_down(world, switches["billing"])
    asked = switches["billing"].asked
    assert asked == 5
    many(world, 3)  # new cases meet the open breaker too
    for _ in range(4):
        world.clock.advance(seconds=50)
        engine.drain(world.rt)
    assert switches["billing"].asked == asked
    waiting = steps(world, "billing", StepState.READY)
    assert len(waiting) == 9
    assert {step.attempts for step in waiting} == {0}
    assert {step.error_code for step in waiting} == {"source_down"}


def test_one_step_alone_tries_a_source_that_was_down_and_the_others_go_on_when_it_answers(house) -> None:
    world, switches = house
    go_down(world, switches["billing"])
    tried: list[int] = []
    world.clock.advance(minutes=6)

    def meanwhile() -> None:
        # While this one tries, another worker finds nothing of this source to do.
        switches["billing"].before = lambda: None
        tried.append(engine.drain(world.rt, ("collect",)))

    asked, switches["billing"].before = switches["billing"].asked, meanwhile
    engine.drain(world.rt)
    assert (tried, switches["billing"].asked) == ([0], asked + 1)
    switches["billing"].on()
    world.clock.advance(minutes=6)
    engine.drain(world.rt)
    assert health(world, "billing").failures == 0
    assert not steps(world, "billing", StepState.READY, StepState.RUNNING)


def test_an_answer_wakes_what_waited_for_it_at_once(house) -> None:
    world, switches = house
    go_down(world, switches["billing"])
    world.clock.advance(minutes=6)
    (probe,) = begin(world, "billing")
    assert len(steps(world, "billing", StepState.READY)) == 5
    switches["billing"].on()
    engine.run(world.rt, probe)
    engine.drain(world.rt)
    assert not steps(world, "billing", StepState.READY, StepState.RUNNING)


def test_a_step_that_a_case_has_just_come_to_waits_as_well(house) -> None:
    world, switches = house
    go_down(world, switches["shop"])
    asked = switches["shop"].asked
    ident = many(world, 1)[0]
    engine.drain(world.rt)  # the very transaction that proves who asks adds the search, and would begin it
    assert (world.state(ident), switches["shop"].asked) == (RequestState.COLLECTING, asked)


def test_a_probe_whose_worker_died_hands_the_trying_to_another(house) -> None:
    world, switches = house
    go_down(world, switches["billing"])
    world.clock.advance(minutes=6)
    claimed = engine.claim(world.rt, ("collect",))
    assert claimed is not None
    assert health(world, "billing").probe == claimed.lease.step_id
    assert engine.claim(world.rt, ("collect",)) is None
    switches["billing"].on()
    world.clock.advance(minutes=5)
    sweeps.sweep(world.rt)
    world.clock.advance(seconds=30)
    engine.drain(world.rt)
    assert not steps(world, "billing", StepState.READY, StepState.RUNNING)


def test_a_record_that_a_source_refuses_never_opens_its_breaker(house) -> None:
    world, switches = house
    switches["billing"].off(NeverAgain("http_404"))
    many(world, 7)
    engine.drain(world.rt)
    assert switches["billing"].asked == 7
    assert len(steps(world, "billing", StepState.NEEDS_HUMAN)) == 7
    switches["billing"].on()
    last = many(world, 1)[0]
    engine.drain(world.rt)
    assert world.state(last) is RequestState.CLOSED


def test_an_answer_between_failures_begins_the_count_anew(house) -> None:
    world, switches = house
    for _ in range(3):
        switches["billing"].off()
        many(world, 4)
        engine.drain(world.rt)
        switches["billing"].on()
        world.clock.advance(minutes=2)
        engine.drain(world.rt)
    with world.rt.unit() as session:
        failed = session.scalars(select(StepAttempt.step_id).where(StepAttempt.result == "SourceDown")).all()
    assert len(failed) == 12
    assert not steps(world, "billing", StepState.READY)


def test_no_more_steps_of_a_source_run_at_a_time_than_it_has_places(house) -> None:
    world, _ = house
    many(world, 5)
    assert len(begin(world, "billing")) == 2
    waiting = steps(world, "billing", StepState.READY)
    assert len(waiting) == 3
    assert {(step.attempts, step.error_code) for step in waiting} == {(0, "slots")}


def test_a_place_that_is_left_goes_at_once_to_the_most_urgent_that_waits_for_it(house) -> None:
    world, _ = house
    idents = many(world, 5)
    held = begin(world, "billing")
    waiting = steps(world, "billing", StepState.READY)
    with world.rt.unit() as session:
        session.get_one(Step, waiting[-1].id).bucket = 0
    engine.run(world.rt, held[0])
    (next_one,) = begin(world, "billing")
    assert next_one.lease.step_id == waiting[-1].id
    for claimed in (held[1], next_one):
        engine.run(world.rt, claimed)
    engine.drain(world.rt)
    assert {world.state(ident) for ident in idents} == {RequestState.CLOSED}
    assert {step.attempts for step in steps(world, "billing")} == {1}


def test_a_worker_that_follows_a_case_waits_for_a_place_like_any_other(house) -> None:
    world, _ = house
    many(world, 3)
    held = begin(world, "billing")
    assert len(held) == 2
    (last,) = many(world, 1)
    engine.drain(world.rt)
    assert world.state(last) is RequestState.COLLECTING
    assert len(steps(world, "billing", StepState.RUNNING)) == 2


def test_a_source_that_is_down_leaves_the_others_alone(house) -> None:
    world, switches = house
    go_down(world, switches["billing"])
    switches["shop"].asked = 0
    many(world, 3)
    engine.drain(world.rt)
    assert switches["shop"].asked >= 3
    assert not steps(world, "shop", StepState.READY, StepState.NEEDS_HUMAN)
    assert isinstance(switches["billing"].error, SourceDown)


def test_many_workers_at_once_take_no_more_places_than_there_are(house) -> None:
    world, switches = house
    idents = many(world, 12)
    inside, most, lock = [0], [0], threading.Lock()
    real = switches["billing"].real.collect_on  # type: ignore[attr-defined]

    def collect_on(*given: Any, **named: Any) -> Any:
        with lock:
            inside[0] += 1
            most[0] = max(most[0], inside[0])
        try:
            time.sleep(0.02)
            return real(*given, **named)
        finally:
            with lock:
                inside[0] -= 1

    switches["billing"].real.collect_on = collect_on  # type: ignore[attr-defined]

    def work() -> None:
        for _ in range(40):
            engine.drain(world.rt)
            time.sleep(0.01)

    workers = [threading.Thread(target=work) for _ in range(5)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    world.clock.advance(minutes=2)
    engine.drain(world.rt)
    assert {world.state(ident) for ident in idents} == {RequestState.CLOSED}
    assert 1 <= most[0] <= 2
    assert {step.attempts for step in steps(world, "billing")} == {1}
