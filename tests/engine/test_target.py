"""The day a controller means to answer by: shown, and reminded of once, before the law's own day comes near."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from models.request import Reminder, Request
from models.vocabulary import Right
from tests.world import BOB, World, make_world
from workflows import reminding
from workflows.caseview import target_on
from workflows.stages import decision


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = make_world(tmp_path)
    yield made
    made.close()


def test_staff_are_reminded_of_their_own_day_once(world: World) -> None:
    ident = world.open(Right.ERASURE, BOB)
    world.work()
    with world.rt.unit() as session:
        day = target_on(world.rt, session.get_one(Request, ident))
    assert day is not None
    assert (day - world.rt.today()).days == world.rt.register.controller.deadlines.target_days
    world.clock.advance(days=20)
    assert reminding.remind(world.rt) == 1
    assert reminding.remind(world.rt) == 0
    with world.rt.unit() as session:
        assert session.scalars(select(Reminder.rung).where(Reminder.sent.is_(True))).all() == ["target"]


def test_a_right_with_a_target_of_its_own_goes_by_that_and_an_extension_ends_it(world: World) -> None:
    ident = world.open(Right.RESTRICTION, BOB)
    world.work()
    with world.rt.unit() as session:
        request = session.get_one(Request, ident, with_for_update=True)
        day = target_on(world.rt, request)
        assert day is not None
        assert 5 <= (day - request.received_on).days <= 9
        decision.extend(session, world.rt, request, user="anna", reason="complexity")
        assert target_on(world.rt, request) is None
