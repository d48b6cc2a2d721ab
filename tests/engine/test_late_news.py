"""What is told between an erasure and the record of it: the record says what was done, and nothing more is done."""

import uuid
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from models.erasure import Receipt
from models.request import Request
from models.step import Effect
from models.vocabulary import EffectState, ReceiptOutcome, RequestState, Right
from tests.engine.invariants import Watch
from tests.engine.machine import Killed, with_switches
from tests.world import JANE, World, make_world
from workflows import engine, manual_holds, sweeps


@pytest.fixture
def world(tmp_path: Path) -> World:
    """The shop, with failpoints."""
    return with_switches(make_world(tmp_path))


def place_hold(world: World, ident: uuid.UUID) -> None:
    until = world.rt.today() + timedelta(days=20)
    placing = manual_holds.Placing(rule="H99", reason="legal_claim", until=until)
    with world.rt.unit() as session:
        request = session.get_one(Request, ident, with_for_update=True)
        manual_holds.place(session, world.rt, request, placing, user="cleo")


def tell_event(world: World, _ident: uuid.UUID) -> None:
    assert world.tell("1")


def erase_and_die(world: World, border: str) -> tuple[uuid.UUID, Watch]:
    """An approved erasure whose worker died at this border of the first source."""
    watch = Watch()
    watch.learn(world)
    ident = world.open(Right.ERASURE, JANE)
    world.work()
    world.approve(ident)
    world.rt.failpoint.at = border
    with pytest.raises(Killed):
        engine.drain(world.rt)
    world.clock.advance(seconds=120)
    return ident, watch


def go_on(world: World) -> None:
    for _ in range(4):
        sweeps.sweep(world.rt)
        engine.drain(world.rt)
        world.clock.advance(seconds=120)


@pytest.mark.parametrize("news", [place_hold, tell_event])
def test_what_was_erased_before_the_news_has_its_receipts_and_the_rest_is_decided_anew(world: World, news) -> None:
    ident, watch = erase_and_die(world, "erased")
    assert [row[0] for row in world.rows("billing", "invoice")] == [72, 73]
    news(world, ident)
    go_on(world)
    watch.check(world)
    with world.rt.unit() as session:
        outcomes = session.scalars(select(Receipt.outcome)).all()
        effects = session.scalars(select(Effect.state)).all()
    assert outcomes == [ReceiptOutcome.ERASED, ReceiptOutcome.ERASED]
    assert effects == [EffectState.CONFIRMED]
    assert world.state(ident) is RequestState.DECIDING
    assert len(world.rows("shop", "orders")) == 4


@pytest.mark.parametrize("news", [place_hold, tell_event])
def test_what_was_only_announced_before_the_news_is_not_erased(world: World, news) -> None:
    ident, watch = erase_and_die(world, "intended")
    news(world, ident)
    go_on(world)
    watch.check(world)
    assert len(world.rows("billing", "invoice")) == 4
    assert world.state(ident) is RequestState.DECIDING
