"""The day of arrival put right: what counts from it is reckoned anew, and the record says who, when and why."""

import uuid
from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from models.delivery import Outbox
from models.request import Reminder, Request
from models.staff import HumanTask
from models.step import Step
from models.vocabulary import Bucket, Letter, RequestState, Right
from tests.world import BOB, World, make_world
from workflows import audit, reminding
from workflows.casefile import open_key
from workflows.correcting import Correction, correct_received, corrections
from workflows.errors import BadInput, Conflict, NotAllowed
from workflows.stages import decision

WHY = "The letter lay at the front desk."
TODAY = date(2026, 3, 2)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return make_world(tmp_path)


@pytest.fixture
def case(world: World) -> uuid.UUID:
    ident = world.open(Right.ERASURE, BOB)
    world.work()
    return ident


def correct(world: World, ident: uuid.UUID, day: date, user: str = "cleo", reason: str = WHY) -> date:
    with world.rt.unit() as session:
        request = session.get_one(Request, ident, with_for_update=True)
        return correct_received(session, world.rt, request, user=user, day=day, reason=reason)


def days_ago(n: int) -> date:
    return TODAY - timedelta(days=n)


def test_an_earlier_day_moves_both_due_dates_the_tasks_and_the_urgency(world: World, case: uuid.UUID) -> None:
    assert correct(world, case, date(2026, 2, 4)) == date(2026, 3, 4)
    request = world.request(case)
    assert (request.received_on, request.due_a, request.due_b) == (date(2026, 2, 4),) + (date(2026, 3, 4),) * 2
    with world.rt.unit() as session:
        tasks = session.scalars(select(HumanTask.due_on).where(HumanTask.request_id == case)).all()
        buckets = session.scalars(select(Step.bucket).where(Step.request_id == case, Step.state == "waiting")).all()
    assert set(tasks) == {date(2026, 3, 4)}
    assert {request.bucket, *buckets} == {Bucket.OVERDUE}


def test_the_reminders_follow_the_new_day(world: World, case: uuid.UUID) -> None:
    assert reminding.remind(world.rt) == 0
    correct(world, case, date(2026, 2, 4))
    assert reminding.remind(world.rt) == 1
    with world.rt.unit() as session:
        sent = session.scalars(select(Reminder.rung).where(Reminder.sent.is_(True))).all()
        mails = session.scalars(select(Outbox.letter).where(Outbox.letter == Letter.REMINDER.value)).all()
    assert len(set(sent)) == 1
    assert mails


def test_a_later_day_is_for_the_data_protection_officer_alone(world: World) -> None:
    ident = world.open(Right.ERASURE, BOB)
    correct(world, ident, days_ago(20))
    for user in ("cleo", "ben"):
        with pytest.raises(NotAllowed) as refused:
            correct(world, ident, days_ago(10), user)
        assert refused.value.code == "later_day"
    assert world.request(ident).received_on == days_ago(20)
    correct(world, ident, days_ago(10), "anna")
    request = world.request(ident)
    assert (request.received_on, request.due_a) == (days_ago(10), date(2026, 3, 20))
    assert request.bucket == Bucket.NORMAL


def test_the_record_says_who_when_and_both_days_and_keeps_the_reason_sealed(world: World, case: uuid.UUID) -> None:
    correct(world, case, days_ago(3))
    world.clock.advance(hours=1)
    correct(world, case, days_ago(1), "anna", "It was the postmark, not the day of arrival.")
    with world.rt.unit() as session:
        request = session.get_one(Request, case)
        key = open_key(session, world.rt, request.data_key_id)
        told, plain = corrections(session, request, key), corrections(session, request)
        assert not list(audit.broken_links(session))
        kept = session.connection().exec_driver_sql("SELECT facts, sealed FROM audit").all()
    assert told[0] == Correction(told[0].at, "cleo", TODAY, days_ago(3), WHY)
    assert (told[1].by, told[1].before, told[1].after) == ("anna", days_ago(3), days_ago(1))
    assert [c.reason for c in plain] == ["", ""]
    assert "front desk" not in repr(kept)


@pytest.mark.parametrize(
    ("day", "reason", "fault"),
    [
        (TODAY + timedelta(days=1), WHY, "date_in_future"),
        (TODAY, WHY, "same_day"),
        (TODAY - timedelta(days=400), WHY, "date_too_old"),
        (days_ago(1), "late", "correction_reason"),
        (days_ago(1), "x" * 1001, "correction_reason"),
    ],
)
def test_what_can_t_be_right_is_refused_with_the_field(world: World, case: uuid.UUID, day, reason, fault) -> None:
    with pytest.raises(BadInput) as refused:
        correct(world, case, day, "anna", reason)
    assert [f.what for f in refused.value.faults] == [fault]
    assert world.request(case).received_on == TODAY


def test_nothing_arrives_after_it_was_put_on_record(world: World, case: uuid.UUID) -> None:
    world.clock.advance(days=5)
    with pytest.raises(BadInput) as refused:
        correct(world, case, TODAY + timedelta(days=2), "anna")
    assert [f.what for f in refused.value.faults] == ["after_registered"]


def test_an_extension_is_reckoned_from_the_new_day(world: World, case: uuid.UUID) -> None:
    with world.rt.unit() as session:
        decision.extend(session, world.rt, session.get_one(Request, case), user="anna", reason="complexity")
    correct(world, case, date(2026, 2, 10))
    assert world.request(case).extended_until == date(2026, 5, 11)


def test_an_extension_that_was_told_too_late_by_the_new_day_does_not_hold(world: World, case: uuid.UUID) -> None:
    with world.rt.unit() as session:
        decision.extend(session, world.rt, session.get_one(Request, case), user="anna", reason="complexity")
    correct(world, case, date(2026, 1, 12))
    request = world.request(case)
    assert (request.extended_until, request.extended_at, request.due_on) == (None, None, date(2026, 2, 12))


def test_who_may_not_work_on_cases_and_who_is_unknown_correct_nothing(world: World, case: uuid.UUID) -> None:
    for user in ("nobody", "person"):
        with pytest.raises(NotAllowed):
            correct(world, case, days_ago(1), user)


def test_an_answered_request_keeps_its_dates(world: World, case: uuid.UUID) -> None:
    world.approve(case)
    world.work()
    assert world.state(case) is RequestState.HELD
    with pytest.raises(Conflict):
        correct(world, case, days_ago(1))
