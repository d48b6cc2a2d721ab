"""The same person asks the same again: one case, one answer, the earliest day, and nobody's identity taken over."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import select

from models.audit import AuditEntry
from models.decision import Plan
from models.delivery import Artifact
from models.request import Request
from models.vocabulary import Channel, Method, Outcome, RequestState, Right
from tests.world import BOB, JANE, World, make_world
from workflows import engine
from workflows.casefile import Claim
from workflows.stages import decision, intake


@pytest.fixture
def world(database_url: str, tmp_path: Path) -> Iterator[World]:
    """The shop."""
    made = make_world(tmp_path, database_url=database_url)
    yield made
    made.close()


def at_the_desk(world: World, right: Right = Right.ERASURE, who: str = JANE, *, on: date | None = None) -> UUID:
    """Somebody asks at the desk; the paper says when they did."""
    claim = Claim(identifiers={"email": who}, reply_to="asks@elsewhere.example")
    asked = intake.Asked(right, "en", Channel.LETTER, claim, method=Method.DESK, by="cleo", received_on=on)
    with world.rt.unit() as session:
        ident = intake.open_request(session, world.rt, asked).request.id
    engine.drain(world.rt, ("verify",))  # before anything else goes on
    return ident


def worked(world: World, right: Right = Right.ERASURE, who: str = JANE, *, on: date | None = None) -> UUID:
    """The same, and all that can be done for it."""
    ident = at_the_desk(world, right, who, on=on)
    world.work()
    return ident


def events(world: World, ident: UUID) -> list[str]:
    with world.rt.unit() as session:
        return list(session.scalars(select(AuditEntry.event).where(AuditEntry.request_id == ident)))


def letters(world: World, ident: UUID) -> list[str]:
    with world.rt.unit() as session:
        return list(session.scalars(select(Artifact.name).where(Artifact.request_id == ident)))


def test_a_second_request_of_a_person_joins_the_first_which_keeps_the_earliest_day(world: World) -> None:
    first = worked(world)
    due = world.request(first).due_a
    earlier = world.rt.today() - timedelta(days=9)
    second = worked(world, on=earlier)
    joined, leading = world.request(second), world.request(first)
    assert (joined.state, joined.outcome, joined.leading_id) == (RequestState.CLOSED, Outcome.DUPLICATE, first)
    assert leading.state is RequestState.DECIDING
    assert leading.received_on == earlier
    assert leading.due_a < due
    assert letters(world, second) == ["letter_duplicate.pdf"]
    assert "request:merged" in events(world, second)
    assert "request:joined" in events(world, first)
    with world.rt.unit() as session:
        assert not session.scalars(select(Plan).where(Plan.request_id == second)).all()


def test_a_later_one_changes_no_day_of_the_case_it_joins(world: World) -> None:
    first = worked(world)
    before = world.request(first)
    world.clock.advance(days=3)
    worked(world)
    assert (world.request(first).received_on, world.request(first).due_a) == (before.received_on, before.due_a)


def test_what_arrives_after_the_approval_is_noted_and_nothing_is_erased_twice(world: World) -> None:
    first = worked(world)
    world.approve(first)
    second = at_the_desk(world)
    world.work()
    assert world.request(second).outcome is Outcome.DUPLICATE
    assert events(world, second).count("erasure:intended") == 0
    assert world.state(first) is RequestState.CLOSED


def test_whoever_asks_again_after_the_answer_gets_an_answer_of_today(world: World) -> None:
    first = worked(world, Right.ACCESS)
    assert world.state(first) is RequestState.CLOSED
    second = worked(world, Right.ACCESS)
    assert world.request(second).leading_id is None
    assert "package.zip" in letters(world, second)


def test_another_right_or_another_person_is_another_case(world: World) -> None:
    worked(world, Right.ERASURE)
    for right, who in ((Right.ACCESS, JANE), (Right.ERASURE, BOB)):
        other = worked(world, right, who)
        assert world.request(other).leading_id is None
        assert world.request(other).outcome is not Outcome.DUPLICATE


def test_an_unproven_request_joins_nothing_and_is_proven_by_nothing_but_itself(world: World) -> None:
    first = worked(world)
    second = world.open(Right.ERASURE, JANE, desk=False, channel=Channel.PORTAL)
    world.work()
    waiting = world.request(second)
    assert (waiting.state, waiting.proof_sealed, waiting.leading_id) == (RequestState.VERIFYING, None, None)
    assert "request:joined" not in events(world, first)


def test_a_person_never_joins_a_case_that_nobody_was_proven_for(world: World) -> None:
    waiting = world.open(Right.ERASURE, JANE, desk=False, channel=Channel.PORTAL)
    world.work()
    proven = worked(world)
    assert world.request(proven).leading_id is None
    assert world.state(proven) is RequestState.DECIDING
    assert world.state(waiting) is RequestState.VERIFYING


def test_a_case_that_was_withdrawn_leads_no_other(world: World) -> None:
    first = worked(world)
    with world.rt.unit() as session:
        request = session.get_one(Request, first, with_for_update=True)
        decision.withdraw(session, world.rt, request, actor="person")
    second = worked(world)
    assert world.request(second).leading_id is None
    assert world.state(second) is RequestState.DECIDING
    assert letters(world, first) == ["letter_withdrawn.pdf"]


@pytest.mark.slow
def test_two_that_are_proven_at_the_same_moment_see_each_other(
    fresh_postgres: Callable[[], str], tmp_path: Path
) -> None:
    world = make_world(tmp_path, database_url=fresh_postgres())
    idents = {world.open(Right.ERASURE), world.open(Right.ERASURE)}
    almost, go_on = threading.Event(), threading.Event()

    def stop(name: str) -> None:
        if name == "settling" and not almost.is_set():
            almost.set()
            go_on.wait(2)

    first = threading.Thread(target=engine.drain, args=(replace(world.rt, failpoint=stop), ("verify",)), daemon=True)
    first.start()
    assert almost.wait(20)
    second = threading.Thread(target=engine.drain, args=(world.rt, ("verify",)), daemon=True)
    second.start()
    second.join(0.5)  # the first has not committed: whoever does not wait for it can't know of it
    go_on.set()
    first.join(20)
    second.join(20)
    world.work()
    outcomes = [world.request(ident).outcome for ident in idents]
    world.close()
    assert outcomes.count(Outcome.DUPLICATE) == 1
