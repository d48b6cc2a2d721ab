"""A source that a person paused is left alone until they say so, or until the pause's last day is over."""

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from models.audit import AuditEntry
from models.collection import SourceHealth
from models.staff import StaffUser
from models.step import Step
from models.verification import Challenge
from models.vocabulary import RequestState, Right, Role, StepState
from tests.engine.switched import Switch, switched
from tests.world import JANE, World
from workflows import engine, pausing, sweeps
from workflows.errors import BadInput, Conflict, NotAllowed, NotFound


@pytest.fixture
def house(tmp_path: Path, database_url: str) -> Iterator[tuple[World, dict[str, Switch]]]:
    """The shop and its billing, each behind a switch that counts how often it is asked."""
    world, switches = switched(tmp_path, database_url=database_url if database_url.startswith("postgresql") else "")
    yield world, switches
    world.close()


def pause(
    world: World, source: str = "billing", *, user: str = "cleo", reason: str = "new release", until: date | None = None
) -> None:
    with world.rt.unit() as session:
        pausing.pause(session, world.rt, source, user=user, reason=reason, until=until)


def resume(world: World, source: str = "billing", *, user: str = "cleo") -> None:
    with world.rt.unit() as session:
        pausing.resume(session, world.rt, source, user=user)


def challenges(world: World) -> int:
    with world.rt.unit() as session:
        return len(session.scalars(select(Challenge.id)).all())


def open_steps(world: World, source: str) -> list[Step]:
    with world.rt.unit() as session:
        waits = Step.state.in_((StepState.READY, StepState.NEEDS_HUMAN))
        return list(session.scalars(select(Step).where(Step.source == source, waits)))


def work_for_days(world: World, days: int) -> None:
    for _ in range(days):
        world.clock.advance(hours=24)
        sweeps.sweep(world.rt)
        engine.drain(world.rt)


def test_nobody_asks_a_paused_source_and_its_steps_wait_without_an_attempt(house) -> None:
    world, switches = house
    pause(world)
    ident = world.open(who=JANE)
    engine.drain(world.rt)
    work_for_days(world, 3)
    assert switches["billing"].asked == 0
    (step,) = open_steps(world, "billing")
    assert (step.state, step.attempts, step.error_code) == (StepState.READY, 0, "paused")
    assert world.state(ident) is RequestState.COLLECTING
    resume(world)
    engine.drain(world.rt)
    assert world.state(ident) is RequestState.CLOSED
    assert switches["billing"].asked == 1


def test_what_waits_already_when_a_source_is_paused_waits_on(house) -> None:
    world, switches = house
    ident = world.open(who=JANE)
    while not open_steps(world, "billing"):
        claimed = engine.claim(world.rt, ("verify", "collect"))
        assert claimed is not None
        engine.run(world.rt, claimed)
    pause(world)
    engine.drain(world.rt)
    assert (switches["billing"].asked, world.state(ident)) == (0, RequestState.COLLECTING)


def test_a_pause_ends_by_itself_after_its_last_day(house) -> None:
    world, switches = house
    pause(world, until=world.rt.today() + timedelta(days=1))
    ident = world.open(who=JANE)
    engine.drain(world.rt)
    work_for_days(world, 1)
    assert (switches["billing"].asked, world.state(ident)) == (0, RequestState.COLLECTING)
    work_for_days(world, 1)
    assert world.state(ident) is RequestState.CLOSED
    with world.rt.unit() as session:
        assert session.get_one(SourceHealth, "billing").paused_by is None
        told = select(AuditEntry.event, AuditEntry.actor).order_by(AuditEntry.n)
        facts = session.execute(told.where(AuditEntry.event.in_(("source:paused", "source:resumed"))))
        assert list(map(tuple, facts)) == [("source:paused", "cleo"), ("source:resumed", "vastine")]


def test_who_somebody_is_is_not_decided_while_a_source_that_knows_people_is_paused(house) -> None:
    world, _ = house
    pause(world, "shop")
    ident = world.open(who=JANE, desk=False)
    work_for_days(world, 40)
    assert world.state(ident) is RequestState.VERIFYING  # and not refused as somebody who did not prove who they are
    assert challenges(world) == 0
    resume(world, "shop")
    world.clock.advance(minutes=6)
    engine.drain(world.rt)
    assert challenges(world) == 1


def test_nothing_is_erased_while_a_source_that_decides_holds_is_paused(house) -> None:
    world, switches = house
    ident = world.open(Right.ERASURE, JANE)
    engine.drain(world.rt)
    world.approve(ident)
    first = engine.claim(world.rt, ("erase",))
    assert first is not None
    assert first.lease.source == "billing"
    engine.run(world.rt, first)
    pause(world)  # it has no step of this case any more, but says what holds the rest
    before = {table: world.rows("shop", table) for table in ("customer", "orders")}
    switches["billing"].asked = 0
    work_for_days(world, 2)
    assert world.state(ident) is RequestState.ERASING
    assert {table: world.rows("shop", table) for table in before} == before
    assert switches["billing"].asked == 0
    resume(world)
    world.clock.advance(minutes=6)
    engine.drain(world.rt)
    assert world.state(ident) is RequestState.CLOSED


def test_an_erasure_is_not_called_proven_while_a_source_is_paused(house) -> None:
    world, switches = house
    ident = world.open(Right.ERASURE, JANE)
    engine.drain(world.rt)
    world.approve(ident)
    engine.drain(world.rt, ("erase",), follow=("erase",))
    assert world.state(ident) is RequestState.PROVING
    pause(world, "shop")
    asked = switches["shop"].asked
    work_for_days(world, 2)
    assert (world.state(ident), switches["shop"].asked) == (RequestState.PROVING, asked)


@pytest.mark.parametrize(
    ("given", "error", "code"),
    [
        ({"source": "nowhere"}, NotFound, "source"),
        ({"user": "nobody"}, NotAllowed, "unknown_user"),
        ({"user": "ida"}, NotAllowed, "role"),
        ({"reason": "  "}, BadInput, "bad_input"),
        ({"reason": "x" * 201}, BadInput, "bad_input"),
    ],
)
def test_only_those_who_work_on_cases_or_machines_may_pause_and_they_say_why(house, given, error, code) -> None:
    world, _ = house
    with world.rt.unit() as session:
        session.add(StaffUser(name="ida", role=Role.INTAKE, display_name="Ida", created_at=world.rt.now()))
    with pytest.raises(error) as caught:
        pause(world, **given)
    assert caught.value.code == code


def test_a_pause_has_one_owner_and_a_last_day_that_is_not_over(house) -> None:
    world, _ = house
    with pytest.raises(Conflict):
        resume(world)
    pause(world)
    with pytest.raises(Conflict):
        pause(world, user="anna")
    resume(world)
    with pytest.raises(BadInput):
        pause(world, until=world.rt.today() - timedelta(days=1))
