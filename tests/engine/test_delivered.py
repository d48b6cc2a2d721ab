"""Who asks for a copy and for erasure has the copy first, and time to look at it."""

import uuid
from dataclasses import replace

import pytest
from sqlalchemy import select

from models.request import Request
from models.staff import HumanTask
from models.step import Step
from models.vocabulary import Channel, Kind, Method, Outcome, RequestState, Right, TaskKind, TaskState
from tests.world import JANE, World, make_world
from workflows import audit, delivered, engine, human, repair
from workflows.casefile import Claim
from workflows.messages import WORK
from workflows.stages import decision, intake

S = RequestState


@pytest.fixture
def world(tmp_path):
    made = make_world(tmp_path)
    yield made
    made.close()


def asked(world: World, *rights: Right) -> dict[Right, uuid.UUID]:
    claim = Claim(identifiers={"email": JANE}, reply_to=JANE, text="Please stop marketing to me.")
    all_of = [intake.Asked(right, "en", Channel.DESK, claim, method=Method.DESK, by="cleo") for right in rights]
    with world.rt.unit() as session:
        stored, _ = intake.store(session, world.rt, channel=Channel.DESK, external_id="one", raw=b"As she said.")
        opened = intake.open_requests(session, world.rt, all_of, message=stored)
        return {one.request.right: one.request.id for one in opened}


def fetched(world: World, ident: uuid.UUID, *, by: str = "person") -> None:
    with world.rt.unit() as session:
        audit.record(session, "package:fetched", at=world.rt.now(), actor=by, request_id=ident)


def approved(world: World, *rights: Right) -> dict[Right, uuid.UUID]:
    cases = asked(world, *rights)
    world.work()
    for ident in cases.values():
        if world.state(ident) is S.DECIDING:
            world.approve(ident)
    world.work()
    return cases


def test_the_copy_is_fetched_or_a_fortnight_over_before_the_records_go(world):
    cases = approved(world, Right.ERASURE, Right.ACCESS)
    assert world.request(cases[Right.ACCESS]).outcome is Outcome.DELIVERED
    assert world.state(cases[Right.ERASURE]) is S.ERASING
    world.clock.advance(days=13)
    world.work()
    assert len(world.rows("shop", "customer")) == 3
    world.clock.advance(days=1)
    world.work()
    assert world.state(cases[Right.ERASURE]) is S.CLOSED


@pytest.mark.parametrize(("by", "state"), [("person", S.CLOSED), ("cleo", S.ERASING)])
def test_what_the_person_fetched_is_not_waited_for(world, by, state):
    cases = approved(world, Right.ACCESS, Right.ERASURE)
    fetched(world, cases[Right.ACCESS], by=by)
    world.clock.advance(hours=7)
    world.work()
    assert world.state(cases[Right.ERASURE]) is state


def test_nobody_is_waited_for_when_the_last_day_is_near(world):
    cases = asked(world, Right.ACCESS, Right.ERASURE)
    world.work()
    with world.rt.unit() as session:
        request = session.get_one(Request, cases[Right.ERASURE], with_for_update=True)
        request.due_a = world.rt.today()
    world.approve(cases[Right.ERASURE])
    world.work()
    assert world.state(cases[Right.ERASURE]) is S.CLOSED


def test_every_copy_of_the_message_is_delivered_first(world):
    cases = asked(world, Right.ACCESS, Right.PORTABILITY, Right.ERASURE)
    with world.rt.unit() as session:
        late = session.scalars(select(Step).where(Step.request_id == cases[Right.ACCESS], Step.kind == Kind.VERIFY))
        late.one().run_at = world.rt.now().replace(year=2030)
    world.work()
    assert world.request(cases[Right.PORTABILITY]).outcome is Outcome.DELIVERED
    world.approve(cases[Right.ERASURE])
    world.clock.advance(days=20)
    world.work()
    assert world.state(cases[Right.ERASURE]) is S.ERASING
    assert len(world.rows("shop", "customer")) == 3


def test_the_slowest_copy_of_the_message_lets_the_erasure_go_on(world):
    cases = asked(world, Right.ACCESS, Right.PORTABILITY, Right.ERASURE)
    slow = select(Step).where(Step.request_id == cases[Right.ACCESS], Step.kind == Kind.VERIFY)
    with world.rt.unit() as session:
        session.scalars(slow).one().run_at = world.rt.now().replace(year=2030)
    world.work()
    for copy in (Right.ACCESS, Right.PORTABILITY):
        fetched(world, cases[copy])
    world.approve(cases[Right.ERASURE])
    world.work()
    assert world.state(cases[Right.ERASURE]) is S.ERASING
    with world.rt.unit() as session:
        session.scalars(slow).one().run_at = world.rt.now()
    world.work()
    assert world.request(cases[Right.ACCESS]).outcome is Outcome.DELIVERED
    assert world.state(cases[Right.ERASURE]) is S.CLOSED


def test_an_erasure_that_looked_just_before_the_copy_was_delivered_looks_again(world):
    cases, plain, done = asked(world, Right.ACCESS, Right.ERASURE), world.rt, []

    def deliver(name: str) -> None:
        if name == "worked" and not done:
            done.append(engine.drain(plain, ("deliver", "close")))

    engine.drain(plain, [kind for kind in WORK if kind not in ("deliver", "close")])
    world.approve(cases[Right.ERASURE])
    engine.drain(replace(plain, failpoint=deliver), ("erase",))
    assert world.request(cases[Right.ACCESS]).outcome is Outcome.DELIVERED
    fetched(world, cases[Right.ACCESS])
    world.clock.advance(hours=7)
    world.work()
    assert world.state(cases[Right.ERASURE]) is S.CLOSED


def test_a_copy_that_joined_an_earlier_request_is_delivered_with_that_one(world):
    early = world.open(Right.ACCESS, JANE)
    kinds = [kind for kind in WORK if kind not in ("deliver", "close")]
    engine.drain(world.rt, kinds)
    cases = asked(world, Right.ACCESS, Right.ERASURE)
    engine.drain(world.rt, kinds)
    assert world.request(cases[Right.ACCESS]).leading_id == early
    world.approve(cases[Right.ERASURE])
    engine.drain(world.rt, [kind for kind in WORK if kind != "deliver"])
    assert world.state(cases[Right.ERASURE]) is S.ERASING
    world.work()
    assert len(world.rows("shop", "customer")) == 3  # nobody has fetched it
    fetched(world, early)
    world.clock.advance(hours=7)
    world.work()
    assert world.state(cases[Right.ERASURE]) is S.CLOSED


def test_a_ban_in_the_same_message_is_nothing_to_wait_for(world):
    cases = approved(world, Right.ACCESS, Right.MARKETING_BAN, Right.ERASURE)
    fetched(world, cases[Right.ACCESS])
    world.clock.advance(hours=7)
    world.work()
    assert world.request(cases[Right.MARKETING_BAN]).outcome is Outcome.BANNED
    assert world.state(cases[Right.ERASURE]) is S.CLOSED


def says(world: World, ident: uuid.UUID, answer: str) -> None:
    with world.rt.unit() as session:
        task = session.scalars(
            select(HumanTask).where(HumanTask.request_id == ident, HumanTask.code == delivered.NO_COPY)
        ).one()
        assert task.state is TaskState.OPEN
        repair.close_by_word(session, world.rt, task, by="anna", answer=answer)


def still_there(world: World) -> bool:
    return any(JANE in row for row in world.rows("shop", "customer"))


@pytest.mark.parametrize(
    ("answer", "state"), [("wait", S.ERASING), ("settled", S.ERASING), ("answered_outside", S.CLOSED)]
)
def test_an_erasure_whose_copy_never_came_goes_on_at_the_word_of_a_named_person_alone(world, answer, state):
    cases = asked(world, Right.ACCESS, Right.ERASURE)
    with world.rt.unit() as session:
        request = session.get_one(Request, cases[Right.ACCESS], with_for_update=True)
        decision.withdraw(session, world.rt, request, actor="person")
    world.work()
    world.approve(cases[Right.ERASURE])
    world.work()
    world.clock.advance(hours=7)
    world.work()
    assert world.state(cases[Right.ERASURE]) is S.ERASING
    assert still_there(world)
    if answer == "settled":  # by whatever else closes the tasks of a case: nobody has said anything
        with world.rt.unit() as session:
            human.close_tasks_of(session, world.rt, cases[Right.ERASURE], kinds={TaskKind.CHECK}, by="anna")
    else:
        says(world, cases[Right.ERASURE], answer)
    world.clock.advance(hours=7)
    world.work()
    assert world.state(cases[Right.ERASURE]) is state
    assert still_there(world) is (state is not S.CLOSED)
    if state is not S.CLOSED:  # asked again, so that somebody can say so later
        says(world, cases[Right.ERASURE], "done")
        world.clock.advance(hours=7)
        world.work()
        assert world.state(cases[Right.ERASURE]) is S.CLOSED
