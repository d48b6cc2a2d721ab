"""Once the day has passed without an answer the person is told, once, and staff are asked why."""

import uuid
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import select

from models.request import Request
from models.staff import HumanTask
from models.vocabulary import RequestState, Right, TaskKind
from tests.world import JANE, World, open_world, prepare
from workflows import post
from workflows.documents.formats import long_date
from workflows.overdue import LATE, WITHIN, apologise
from workflows.stages import decision


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = open_world(prepare(tmp_path))
    yield made
    made.close()


def undecided(world: World) -> uuid.UUID:
    ident = world.open(Right.ERASURE)
    world.work()
    assert world.state(ident) is RequestState.DECIDING
    return ident


def late_mails(world: World) -> list[str]:
    post.send_all(world.rt)
    return [mail.body for mail in world.mailer.sent if "is late" in mail.subject]


def go_to(world: World, day: date) -> None:
    world.clock.advance(days=(day - world.rt.today()).days)


def test_nobody_is_told_while_the_day_has_not_passed(world: World) -> None:
    ident = undecided(world)
    go_to(world, world.request(ident).due_b)
    assert (apologise(world.rt), late_mails(world)) == (0, [])


def test_the_person_hears_once_where_it_stands_until_when_and_what_they_can_do(world: World) -> None:
    ident = undecided(world)
    promised = world.request(ident).due_b
    go_to(world, promised)
    world.clock.advance(days=1)
    assert [apologise(world.rt), apologise(world.rt)] == [1, 0]
    [body] = late_mails(world)
    for said in (long_date(promised, "en"), long_date(world.rt.today() + WITHIN, "en"), "waiting for a decision"):
        assert said in body
    assert "court" in body
    assert [mail.to for mail in world.mailer.sent][-1] == JANE
    with world.rt.unit() as session:
        task = session.scalars(select(HumanTask).where(HumanTask.code == LATE)).one()
        assert (task.kind, task.request_id) == (TaskKind.CHECK, ident)


def test_after_an_extension_the_later_day_counts(world: World) -> None:
    ident = undecided(world)
    with world.rt.unit() as session:
        request = session.get_one(Request, ident, with_for_update=True)
        later = decision.extend(session, world.rt, request, user="anna", reason="complexity")
    go_to(world, later)
    assert apologise(world.rt) == 0
    world.clock.advance(days=1)
    assert apologise(world.rt) == 1
    assert long_date(later, "en") in late_mails(world)[0]


def test_who_has_their_answer_hears_no_more(world: World) -> None:
    ident = world.open()
    world.work()
    assert world.state(ident) is RequestState.CLOSED
    world.clock.advance(days=100)
    assert apologise(world.rt) == 0


def test_the_sweep_tells_it(world: World) -> None:
    undecided(world)
    world.clock.advance(days=40)
    world.work()
    assert len(late_mails(world)) == 1
