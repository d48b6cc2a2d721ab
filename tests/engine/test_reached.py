"""What came back stops the erasure that was to follow it, until a person saw to it."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import delete, select

from models.delivery import Outbox
from models.request import Request
from models.staff import HumanTask
from models.step import Step
from models.vocabulary import (
    Channel,
    Kind,
    Letter,
    Method,
    OutboxState,
    RequestState,
    Right,
    StepState,
    TaskKind,
    TaskState,
)
from tests.engine.test_returned_mail import FAILED, report
from tests.world import JANE, World, open_world, prepare, write_register
from workflows import answer, engine, mailroom, outbox, posting, repair
from workflows.casefile import Claim
from workflows.stages import intake

ALL = (4, 4)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    environ = prepare(tmp_path)
    controller = (
        "{name: Shop Oy, email: office@shop.example, delivery: {objection_hours: 0, keep_days_before_erasing: 0}}"
    )
    write_register(tmp_path / "register", {"controller.yaml": controller})
    made = open_world(environ)
    yield made
    made.close()


def both(world: World, *, who: str = JANE) -> tuple[uuid.UUID, uuid.UUID]:
    """Data asked for together with their erasure; the access case and the erasure, both seen at the desk."""
    claim = Claim(identifiers={"email": who}, reply_to="asks@elsewhere.example")
    wishes = [
        intake.Asked(right, "en", Channel.DESK, claim, method=Method.DESK, by="cleo")
        for right in (Right.ACCESS, Right.ERASURE)
    ]
    with world.rt.unit() as session:
        first = intake.open_request(session, world.rt, wishes[0]).request
        return first.id, intake.open_request(session, world.rt, wishes[1], after=first).request.id


def rows(world: World) -> tuple[int, int]:
    return len(world.rows("shop", "orders")), len(world.rows("billing", "invoice"))


def comes_back(world: World, case: uuid.UUID, letter: Letter) -> None:
    with world.rt.unit() as session:
        row = session.scalars(select(Outbox).where(Outbox.request_id == case, Outbox.letter == letter.value)).one()
    got = mailroom.receive(world.rt, report(FAILED, f"<{row.id}@shop.example>").replace(b"<report@", b"<r2@"))
    assert got.why == "mail_bounced"


def see_to(world: World, case: uuid.UUID, said: str) -> None:
    with world.rt.unit() as session:
        found = select(HumanTask).where(HumanTask.request_id == case, HumanTask.kind == TaskKind.MAIL_FAILED)
        task = session.scalars(found.where(HumanTask.state == TaskState.OPEN)).one()
        repair.close_by_word(session, world.rt, task, by="anna", answer=said)


def waits_for(world: World, case: uuid.UUID) -> list[str | None]:
    with world.rt.unit() as session:
        steps = select(Step).where(Step.request_id == case, Step.kind == Kind.ERASE)
        return [step.error_code for step in session.scalars(steps) if step.state is not StepState.DONE]


@pytest.mark.parametrize("letter", [Letter.READY, Letter.ACKNOWLEDGEMENT])
def test_an_erasure_does_not_follow_an_answer_whose_mail_came_back(world: World, letter: Letter) -> None:
    first, erasure = both(world)
    world.work()
    assert world.state(first) is RequestState.CLOSED
    comes_back(world, first, letter)
    world.approve(erasure)
    world.work()
    assert (rows(world), waits_for(world, erasure)) == (ALL, ["mail_came_back"])
    see_to(world, first, "wait")  # they still look for the person
    world.clock.advance(hours=1)
    world.work()
    assert rows(world) == ALL


def test_who_said_that_an_erasure_waits_is_asked_again(world: World) -> None:
    first, erasure = both(world)
    world.work()
    comes_back(world, first, Letter.READY)
    world.approve(erasure)
    world.work()
    see_to(world, first, "wait")
    mine = select(HumanTask).where(HumanTask.request_id == first, HumanTask.kind == TaskKind.MAIL_FAILED)
    for days, state in ((1, TaskState.DONE), (2, TaskState.OPEN)):
        world.clock.advance(days=days)
        world.work()
        with world.rt.unit() as session:
            task = session.scalars(mine).one()
            assert (task.state, task.facts["letter"]) == (state, Letter.READY.value)
    assert (rows(world), waits_for(world, erasure)) == (ALL, ["mail_came_back"])
    see_to(world, first, "answered_outside")
    world.clock.advance(hours=1)
    world.work()
    assert (rows(world), world.state(erasure)) == ((2, 2), RequestState.CLOSED)


def test_it_goes_on_once_somebody_says_that_the_person_has_it(world: World) -> None:
    first, erasure = both(world)
    world.work()
    comes_back(world, first, Letter.READY)
    world.approve(erasure)
    world.work()
    see_to(world, first, "answered_outside")
    world.clock.advance(hours=1)
    world.work()
    assert world.state(erasure) is RequestState.CLOSED
    assert rows(world) == (2, 2)


def test_what_the_person_fetched_has_reached_them_whatever_came_back(world: World) -> None:
    first, erasure = both(world)
    world.work()
    comes_back(world, first, Letter.READY)
    with world.rt.unit() as session:
        answer.fetch(session, world.rt, session.get_one(Request, first), answer.PACKAGE, actor="person")
    world.approve(erasure)
    world.work()
    assert rows(world) == (2, 2)


def test_a_mail_that_has_not_gone_out_yet_is_waited_for(world: World) -> None:
    first, erasure = both(world)
    engine.drain(world.rt)  # nobody carries the mail away
    assert world.state(first) is RequestState.CLOSED
    world.approve(erasure)
    engine.drain(world.rt)
    assert (rows(world), waits_for(world, erasure)) == (ALL, ["mail_not_sent"])
    world.work()
    assert rows(world) == (2, 2)


def test_an_erasure_goes_on_as_soon_as_the_letter_it_waits_for_is_posted(world: World) -> None:
    first, erasure = both(world)
    engine.drain(world.rt)
    with world.rt.unit() as session:  # as it is where no address is on file
        case = session.get_one(Request, first)
        row = session.scalars(select(Outbox).where(Outbox.request_id == first, Outbox.letter == Letter.READY)).one()
        row.state = OutboxState.PAPER
        outbox._ask_to_post(session, world.rt, case, row)
    world.approve(erasure)
    world.work()
    assert (rows(world), waits_for(world, erasure)) == (ALL, ["mail_not_sent"])
    with world.rt.unit() as session:
        case = session.get_one(Request, first, with_for_update=True)
        task = session.scalars(select(HumanTask).where(HumanTask.code == outbox.PRINT)).one()
        posting.posted(session, world.rt, case, task, how="posted", user="cleo")
    world.work()  # in this very minute
    assert rows(world) == (2, 2)


def test_where_nobody_could_be_told_a_person_has_to_hand_the_answer_over_first(world: World) -> None:
    first, erasure = both(world)
    world.work()
    with world.rt.unit() as session:  # as it is where no address is on file
        session.execute(delete(Outbox).where(Outbox.request_id == first, Outbox.letter == Letter.READY.value))
    world.approve(erasure)
    world.work()
    assert (rows(world), waits_for(world, erasure)) == (ALL, ["nobody_told"])
    with world.rt.unit() as session:
        answer.fetch(session, world.rt, session.get_one(Request, first), answer.PACKAGE, actor="cleo")
        repair.requeue(
            session, world.rt, session.scalars(select(Step).where(Step.error_code == "nobody_told")).one(), user="cleo"
        )
    world.work()
    assert rows(world) == (2, 2)


def test_no_erasure_while_the_person_on_file_could_not_be_told_of_it(world: World) -> None:
    alone = world.open(Right.ERASURE)
    world.work()
    comes_back(world, alone, Letter.NOTICE)
    world.approve(alone)
    world.work()
    assert (rows(world), waits_for(world, alone)) == (ALL, ["mail_came_back"])
    see_to(world, alone, "done")
    world.clock.advance(hours=1)
    world.work()
    assert rows(world) == (2, 2)
