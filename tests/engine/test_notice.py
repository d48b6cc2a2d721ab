"""The contact on file hears of what staff took somebody's word for, and has time to say that it was not them."""

from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import select, update

from models.delivery import Artifact
from models.request import Request
from models.staff import HumanTask
from models.step import Step
from models.vocabulary import Channel, Ground, Letter, RequestState, Right
from tests.world import JANE, World, open_world, prepare, write_register
from workflows import engine, post
from workflows.errors import Conflict, TryAgain
from workflows.messages import WORK
from workflows.pace import mail_waits
from workflows.stages import decision

TOLD = "Somebody asked about your data in your name"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """The shop, which gives whoever is on file a day."""
    environ = prepare(tmp_path)
    write_register(tmp_path / "register", {"controller.yaml": "{name: Shop Oy, email: office@shop.example}"})
    made = open_world(environ)
    yield made
    made.close()


def refuse(world: World, ident: UUID, ground: Ground) -> None:
    """The data protection officer refuses."""
    with world.rt.unit() as session:
        request = session.get_one(Request, ident, with_for_update=True)
        reason = "The person on file knows nothing of it."
        decision.refuse(session, world.rt, request, user="anna", ground=ground, reason=reason)


def told(world: World) -> list[str]:
    """Who got the notice."""
    post.send_all(world.rt)
    return [mail.to for mail in world.mailer.sent if mail.subject.startswith(TOLD)]


def test_an_erasure_waits_a_day_after_the_contact_on_file_was_told(world: World) -> None:
    ident = world.open(Right.ERASURE)
    world.work()
    assert told(world) == [JANE]
    world.approve(ident)
    world.work()
    before = world.rows("shop", "orders")
    assert (world.state(ident), len(before)) == (RequestState.ERASING, 4)
    world.clock.advance(hours=23)
    world.work()
    assert world.rows("shop", "orders") == before
    world.clock.advance(hours=2)
    world.work()
    assert len(world.rows("shop", "orders")) == 2
    assert world.state(ident) is RequestState.CLOSED


def test_nothing_is_given_out_before_the_day_is_over(world: World) -> None:
    ident = world.open(Right.ACCESS)
    world.work()
    assert world.state(ident) is RequestState.DELIVERING
    world.clock.advance(hours=25)
    world.work()
    assert world.state(ident) is RequestState.CLOSED


@pytest.mark.parametrize("right", [Right.ERASURE, Right.ACCESS])
def test_a_notice_that_went_out_late_gives_the_whole_day_from_then_on(world: World, right: Right) -> None:
    world.mailer.failing = [TryAgain("mail_down")] * 1000
    ident = world.open(right)
    world.work()
    if right is Right.ERASURE:
        world.approve(ident)

    def nothing_happened_in(hours: int) -> bool:
        world.clock.advance(hours=hours)
        world.work()
        waits = world.state(ident) in (RequestState.ERASING, RequestState.DELIVERING)
        return waits and len(world.rows("shop", "orders")) == 4

    assert nothing_happened_in(25)
    world.mailer.failing.clear()
    assert nothing_happened_in(2)
    assert told(world) == [JANE]
    assert nothing_happened_in(23)
    world.clock.advance(hours=2)
    world.work()
    assert world.state(ident) is RequestState.CLOSED


def test_a_notice_is_not_held_up_by_all_the_mail_that_somebody_else_brought_about(world: World) -> None:
    most = world.rt.register.controller.delivery.mails_a_day
    with world.rt.unit() as session:
        for letter in (Letter.READY, Letter.NOTICE) * (3 * most):
            mail_waits(session, world.rt, letter.value, JANE)
        assert mail_waits(session, world.rt, Letter.READY.value, JANE) > 0
    world.open(Right.ERASURE)
    world.work()
    assert told(world) == [JANE]


@pytest.mark.parametrize("right", [Right.ERASURE, Right.ACCESS])
def test_whoever_objects_in_time_stops_it_though_it_was_approved(world: World, right: Right) -> None:
    ident = world.open(right)
    world.work()
    if right is Right.ERASURE:
        world.approve(ident)
        world.work()
    assert world.state(ident) in (RequestState.ERASING, RequestState.DELIVERING)
    refuse(world, ident, Ground.NOT_IDENTIFIED)
    world.clock.advance(days=2)
    world.work()
    assert world.state(ident) is RequestState.CLOSED
    assert len(world.rows("shop", "orders")) == 4
    with world.rt.unit() as session:
        assert session.scalars(select(Artifact.name)).all() == ["letter_refusal.pdf"]


def test_only_that_it_was_somebody_else_ends_it_out_of_turn_and_only_in_time(world: World) -> None:
    ident = world.open(Right.ERASURE)
    world.work()
    world.approve(ident)
    with pytest.raises(Conflict):
        refuse(world, ident, Ground.NO_GROUND)
    world.clock.advance(hours=24)
    with pytest.raises(Conflict):
        refuse(world, ident, Ground.NOT_IDENTIFIED)


def test_what_a_code_proved_needs_no_notice_since_the_code_went_there(world: World) -> None:
    ident = world.open(desk=False, channel=Channel.PORTAL)
    engine.drain(world.rt, WORK)
    assert told(world) == []
    assert world.request(ident).objection_until is None


def test_a_notice_that_could_not_be_written_takes_nobody_the_day(world: World) -> None:
    text = Path(world.rt.register.folder) / "letters" / "notice" / "mail.en.txt"
    text.parent.mkdir(parents=True)
    text.write_text("{# version: 2 · approved by: Anna #}\nSubject: Hello\n\nSomething happened.\n")
    ident = world.open(Right.ERASURE)
    world.work()
    with world.rt.unit() as session:
        tasks = session.scalars(select(HumanTask.code).where(HumanTask.request_id == ident))
        assert "letter_contents" in tasks
    world.approve(ident)
    world.work()
    assert (world.state(ident), len(world.rows("shop", "orders"))) == (RequestState.ERASING, 4)


def test_whoever_is_not_on_file_can_be_told_nothing_and_nothing_waits(world: World) -> None:
    ident = world.open(who="nobody@elsewhere.example")
    world.work()
    assert told(world) == []
    assert world.request(ident).objection_until is None


@pytest.mark.parametrize("right", [Right.ERASURE, Right.ACCESS])
def test_the_effect_itself_waits_even_if_its_step_is_begun_early(world: World, right: Right) -> None:
    ident = world.open(right)
    world.work()
    if right is Right.ERASURE:
        world.approve(ident)
    with world.rt.unit() as session:
        session.execute(update(Step).where(Step.request_id == ident).values(run_at=world.rt.now()))
    world.work()
    assert world.state(ident) in (RequestState.ERASING, RequestState.DELIVERING)
    assert (len(world.rows("shop", "orders")), len(world.rows("billing", "invoice"))) == (4, 4)
    with world.rt.unit() as session:
        assert "objection_window" in session.scalars(select(Step.error_code).where(Step.request_id == ident)).all()


def test_a_case_that_may_still_be_disowned_takes_no_request_of_the_person_with_it(world: World) -> None:
    somebody = world.open(Right.ERASURE)
    world.work()
    herself = world.open(Right.ERASURE)
    world.work()
    assert world.request(herself).leading_id is None
    refuse(world, somebody, Ground.NOT_IDENTIFIED)
    world.work()
    assert world.state(herself) is RequestState.DECIDING
    world.clock.advance(hours=25)
    later = world.open(Right.ERASURE)
    world.work()
    assert world.request(later).leading_id == herself
