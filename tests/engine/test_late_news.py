"""What is told between an erasure and the record of it: the record says what was done, and nothing more is done."""

import re
import subprocess
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
from workflows import answer, engine, manual_holds, sweeps
from workflows.errors import Conflict
from workflows.stages import decision
from workflows.stages.by_hand import answer_by_hand


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


def take_back(world: World, ident: uuid.UUID) -> None:
    with world.rt.unit() as session:
        decision.withdraw(session, world.rt, session.get_one(Request, ident, with_for_update=True), actor="cleo")


def answer_it(world: World, ident: uuid.UUID) -> None:
    with world.rt.unit() as session:
        request = session.get_one(Request, ident, with_for_update=True)
        words = "We stop here, as we agreed on the telephone today."
        answer_by_hand(session, world.rt, request, user="cleo", letter="answer", words=words)


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


@pytest.mark.parametrize(("ends", "letter"), [(take_back, "withdrawn"), (answer_it, "answer")])
def test_a_case_that_ends_half_erased_tells_what_is_gone(world: World, ends, letter: str) -> None:
    ident, _ = erase_and_die(world, "erased")
    tell_event(world, ident)
    go_on(world)
    assert world.state(ident) is RequestState.DECIDING
    ends(world, ident)
    world.work()
    assert world.state(ident) is RequestState.CLOSED
    with world.rt.unit() as session:
        request = session.get_one(Request, ident)
        row, key = answer.fetch(session, world.rt, request, f"letter_{letter}.pdf", actor="person")
        with world.rt.blobs.read(row.blob, key) as stream:
            pdf = stream.read()
    said = subprocess.run(["pdftotext", "-layout", "-", "-"], input=pdf, capture_output=True, check=True).stdout
    assert re.search(r"What had been done before this\s+Result\s+Records\s+Erased\s+2", said.decode())


def test_who_has_an_answer_is_not_answered_by_hand_while_what_was_kept_is_looked_at(world: World) -> None:
    ident, _ = erase_and_die(world, "erased")
    go_on(world)
    with world.rt.unit() as session:
        request = session.get_one(Request, ident, with_for_update=True)
        request.state = RequestState.COLLECTING  # as it is for a minute whenever a hold is looked at again
    before = world.request(ident).outcome
    with pytest.raises(Conflict, match="answered"):
        answer_it(world, ident)
    assert (world.state(ident), world.request(ident).outcome) == (RequestState.COLLECTING, before)
