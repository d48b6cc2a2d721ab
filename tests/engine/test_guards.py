"""Each guard of the engine, tried alone."""

import threading
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from models.decision import Approval, Plan, PlanItem
from models.delivery import Outbox
from models.erasure import Receipt
from models.intake import Message
from models.purge import PurgeStage
from models.request import Reminder, Request
from models.step import Effect, Step, StepAttempt
from models.vocabulary import (
    Action,
    EffectState,
    Kind,
    OutboxState,
    PlanState,
    ReceiptOutcome,
    RequestState,
    Right,
    StepState,
)
from tests.engine.invariants import contents, fingerprint
from tests.engine.machine import Killed, with_switches
from tests.world import BOB, JANE, World, make_world
from workflows import engine, mailroom, manual_holds, post, repair, sweeps
from workflows.errors import Conflict, NotAllowed, PersonMustLook
from workflows.messages import WORK
from workflows.purge.shredding import shred
from workflows.stages import decision


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """The shop, with failpoints."""
    made = with_switches(make_world(tmp_path))
    yield made
    made.close()


def deciding(world: World, who: str = JANE) -> uuid.UUID:
    """An erasure whose plan waits for people."""
    ident = world.open(Right.ERASURE, who)
    world.work()
    assert world.state(ident) is RequestState.DECIDING
    return ident


def approved(world: World) -> uuid.UUID:
    """An erasure about to begin."""
    ident = deciding(world)
    world.approve(ident)
    assert world.state(ident) is RequestState.ERASING
    return ident


def change(world: World, statement: Any) -> None:
    """Write into Vastine's own database past all its rules."""
    with world.rt.unit() as session:
        session.execute(statement)


def steps(world: World, ident: uuid.UUID, kind: Kind) -> list[Step]:
    with world.rt.unit() as session:
        return list(session.scalars(select(Step).where(Step.request_id == ident, Step.kind == kind)))


# Fence and lease


def test_a_worker_whose_lease_was_taken_over_settles_nothing(world: World) -> None:
    world.open()
    zombie = engine.claim(world.rt, WORK)
    assert zombie is not None
    world.clock.advance(seconds=61)
    sweeps.sweep(world.rt)
    second = engine.claim(world.rt, WORK)
    assert second is not None
    before = fingerprint(world)
    engine.run(world.rt, zombie)
    assert fingerprint(world) == before
    engine.run(world.rt, second)
    after = fingerprint(world)
    engine.run(world.rt, zombie)
    engine.run(world.rt, second)
    assert fingerprint(world) == after


def test_a_worker_whose_lease_was_taken_over_announces_and_erases_nothing(world: World) -> None:
    approved(world)
    zombie = engine.claim(world.rt, [Kind.ERASE.value])
    assert zombie is not None
    world.clock.advance(seconds=61)
    sweeps.sweep(world.rt)
    before = fingerprint(world), contents(world)
    engine.run(world.rt, zombie)
    assert (fingerprint(world), contents(world)) == before


def test_a_postman_whose_lease_was_taken_over_notes_nothing(world: World) -> None:
    world.open()
    mails = world.mailer.sent

    class Slow:
        def send(self, mail: Any) -> None:
            mails.append(mail)
            if len(mails) == 1:  # while the first hands it over, a second takes it over and is done
                world.clock.advance(seconds=500)
                post.send_all(replace(world.rt, worker="second"))
                self.settled = fingerprint(world)

    slow = Slow()
    post.send_all(replace(world.rt, mailer=slow), most=1)
    assert len({mail.message_id for mail in mails}) == 1
    assert len(mails) == 2
    assert fingerprint(world) == slow.settled


def test_work_that_kills_its_workers_goes_to_a_person(world: World) -> None:
    ident = world.open()
    for _ in range(3):
        world.rt.failpoint.at = "claimed"
        with pytest.raises(Killed):
            engine.drain(world.rt)
        world.clock.advance(seconds=120)
        sweeps.sweep(world.rt)
        world.clock.advance(seconds=120)
    assert [s.state for s in steps(world, ident, Kind.VERIFY)] == [StepState.NEEDS_HUMAN]


# The join


@pytest.mark.slow
def test_the_two_last_sources_can_not_both_overlook_that_they_are_the_last(
    tmp_path: Path, fresh_postgres: Callable[[], str]
) -> None:
    urls = {name: fresh_postgres() for name in ("shop", "billing")}
    world = with_switches(make_world(tmp_path, database_url=fresh_postgres(), source_urls=urls))
    ident = deciding(world)
    with world.rt.unit() as session:
        request = session.get_one(Request, ident, with_for_update=True)
        until = world.rt.today() + timedelta(days=9)
        placing = manual_holds.Placing(rule="H99", reason="legal_claim", until=until)
        manual_holds.place(session, world.rt, request, placing, user="cleo")
    claims = [engine.claim(world.rt, WORK), engine.claim(world.rt, WORK)]
    assert [c.lease.kind for c in claims if c] == [Kind.COLLECT, Kind.COLLECT]
    both = threading.Barrier(2)

    def meet(name: str) -> None:
        if name == "settling":
            try:
                both.wait(1.0)  # only without the lock do both come here before one of them is through
            except threading.BrokenBarrierError:
                return

    rt = replace(world.rt, failpoint=meet)
    threads = [threading.Thread(target=engine.run, args=(rt, claim)) for claim in claims]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert world.state(ident) is RequestState.ASSESSING
    assert len(steps(world, ident, Kind.ASSESS)) == 2  # the first plan's, and this one
    world.close()


# What an erasure rests on


def test_an_erasure_is_announced_before_it_happens(world: World) -> None:
    approved(world)
    world.rt.failpoint.at = "intended"
    with pytest.raises(Killed):
        engine.drain(world.rt)
    with world.rt.unit() as session:
        assert session.scalars(select(Effect.state)).all() == [EffectState.INTENDED]
    assert len(world.rows("billing", "invoice")) == 4


def nothing_is_erased(world: World, ident: uuid.UUID, *, code: str = "") -> None:
    """Drain: whatever the step says, the sources are as they were."""
    before = contents(world)
    engine.drain(world.rt)
    assert contents(world) == before
    if code:
        (step,) = steps(world, ident, Kind.ERASE)
        assert (step.state, step.error_code) == (StepState.NEEDS_HUMAN, code)


@pytest.mark.parametrize(
    "tampered",
    [
        {"item_digest": b"0" * 32},
        {"action": Action.DELETE},
        {"fields": ["id"]},
        {"source": "billing"},
        {"collection": "orders"},
        {"holds": [{"rule": "H06", "until": None, "unknown": False, "keeps": []}]},
        {"reason": "other"},
    ],
)
def test_a_plan_that_is_not_the_approved_one_any_more_erases_nothing(world: World, tampered: dict[str, Any]) -> None:
    ident = approved(world)
    mask = select(PlanItem.item_no).where(PlanItem.collection == "customer")
    change(world, sa.update(PlanItem).where(PlanItem.item_no.in_(mask)).values(**tampered))
    nothing_is_erased(world, ident, code="plan_tampered")


def test_an_item_taken_from_the_plan_erases_nothing(world: World) -> None:
    ident = approved(world)
    change(world, sa.delete(PlanItem).where(PlanItem.collection == "orders"))
    nothing_is_erased(world, ident, code="plan_tampered")


def test_a_plan_with_too_few_approvals_erases_nothing_whatever_its_state_says(world: World) -> None:
    ident = approved(world)
    change(world, sa.delete(Approval).where(Approval.approver == "ben"))
    nothing_is_erased(world, ident, code="approvals_missing")


def test_a_hold_placed_after_the_approval_keeps_everything(world: World) -> None:
    ident = approved(world)
    with world.rt.unit() as session:
        request = session.get_one(Request, ident, with_for_update=True)
        until = world.rt.today() + timedelta(days=9)
        placing = manual_holds.Placing(rule="H99", reason="legal_claim", until=until)
        manual_holds.place(session, world.rt, request, placing, user="cleo")
    nothing_is_erased(world, ident)
    assert world.state(ident) is RequestState.DECIDING


def test_a_fact_that_begins_a_hold_after_the_approval_keeps_what_it_holds(world: World) -> None:
    ident = approved(world)
    world.execute("billing", "UPDATE invoice SET owed = 7 WHERE id = 71")
    nothing_is_erased(world, ident)
    assert world.state(ident) is RequestState.DECIDING


def test_news_about_the_person_after_the_approval_is_looked_at_first(world: World) -> None:
    ident = approved(world)
    assert world.tell("1", "collection.opened")
    nothing_is_erased(world, ident)
    assert world.state(ident) is RequestState.DECIDING


def test_a_record_that_changed_after_the_approval_is_not_erased_on_the_old_word(world: World) -> None:
    ident = approved(world)
    world.execute("shop", "UPDATE orders SET note = 'other' WHERE id = 1")
    engine.drain(world.rt)
    assert len(world.rows("shop", "orders")) == 4
    assert world.state(ident) is RequestState.DECIDING
    world.approve(ident)
    world.work()
    assert world.state(ident) is RequestState.CLOSED
    assert [row[0] for row in world.rows("shop", "orders")] == [3, 4]


def test_a_record_that_changes_in_the_last_moment_is_left_alone_and_not_forgotten(world: World) -> None:
    ident = approved(world)
    announced = []

    def change_it(name: str) -> None:
        announced.append(name)
        if name == "intended" and announced.count(name) == 2:  # billing comes first
            world.execute("shop", "UPDATE orders SET note = 'other' WHERE id = 1")

    engine.drain(replace(world.rt, failpoint=change_it))
    assert (1, 1, "other") in world.rows("shop", "orders")
    with world.rt.unit() as session:
        assert ReceiptOutcome.DRIFTED in session.scalars(select(Receipt.outcome)).all()
    # Its customer is masked by now, so no search leads to it any more: a person must.
    step = steps(world, ident, Kind.ASSESS)[-1]
    assert (step.state, step.error_code) == (StepState.NEEDS_HUMAN, "records_astray")
    world.execute("shop", "DELETE FROM orders WHERE id = 1")
    set_going(world)
    assert world.state(ident) is RequestState.CLOSED


def set_going(world: World) -> None:
    with world.rt.unit() as session:
        for step in session.scalars(select(Step).where(Step.state == StepState.NEEDS_HUMAN)):
            session.get_one(Request, step.request_id, with_for_update=True)
            repair.requeue(session, world.rt, step, user="cleo")
    world.work()


def nights(world: World, number: int) -> None:
    for _ in range(number):
        world.clock.advance(days=1)
        sweeps.rechecks(world.rt)
        world.work()


def test_what_is_held_is_found_again_although_what_led_there_is_masked(world: World) -> None:
    ident = deciding(world, BOB)
    world.approve(ident)
    world.work()
    assert world.state(ident) is RequestState.HELD
    assert world.rows("shop", "customer")[1] == (2, None, "poistettu")
    nights(world, 15)
    assert world.state(ident) is RequestState.HELD
    assert [row[0] for row in world.rows("billing", "invoice")] == [70, 71, 72]
    world.execute("billing", "UPDATE invoice SET owed = 0 WHERE id = 72")
    nights(world, 1)
    world.approve(ident)  # paid is changed: people decide on it as it is now
    world.work()
    assert world.state(ident) is RequestState.CLOSED
    assert [row[0] for row in world.rows("billing", "invoice")] == [70, 71]


# People


def approve(world: World, ident: uuid.UUID, user: str, plan_hash: str | None = None) -> int:
    with world.rt.unit() as session:
        request = session.get_one(Request, ident, with_for_update=True)
        return decision.approve(session, world.rt, request, user=user, plan_hash=plan_hash)


def test_one_person_is_one_approval_however_often(world: World) -> None:
    ident = deciding(world)
    assert [approve(world, ident, "anna") for _ in range(3)] == [1, 1, 1]
    assert world.state(ident) is RequestState.DECIDING


def test_who_prepared_a_plan_does_not_approve_it(world: World) -> None:
    ident = deciding(world)
    change(world, sa.update(Plan).values(prepared_by="anna"))
    with pytest.raises(NotAllowed):
        approve(world, ident, "anna")


def test_who_may_not_decide_does_not_approve(world: World) -> None:
    ident = deciding(world)
    with pytest.raises(NotAllowed):
        approve(world, ident, "cleo")


def test_an_approval_is_for_the_plan_that_was_looked_at(world: World) -> None:
    ident = deciding(world)
    with pytest.raises(Conflict):
        approve(world, ident, "anna", "0" * 64)


def test_a_new_plan_has_no_approvals(world: World) -> None:
    ident = deciding(world)
    approve(world, ident, "anna")
    world.execute("shop", "INSERT INTO orders VALUES (9, 1, 'third')")
    with world.rt.unit() as session:
        request = session.get_one(Request, ident, with_for_update=True)
        until = world.rt.today() + timedelta(days=9)
        placing = manual_holds.Placing(rule="H99", reason="legal_claim", until=until)
        manual_holds.place(session, world.rt, request, placing, user="cleo")
    world.work()
    assert approve(world, ident, "ben") == 1


# Keys that make a thing exist once


def _twice(world: World, model: type[Any], **other: Any) -> None:
    """Insert a copy of some row of this table, with these values changed."""
    with world.rt.sessions.kw["bind"].begin() as connection:
        row = dict(connection.execute(select(model.__table__).limit(1)).mappings().one())
        connection.execute(sa.insert(model.__table__).values({**row, **other}))


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def full(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A world with a row of each kind, for tests that change nothing."""
    url = ""
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres_server").create_database()
    world = with_switches(make_world(tmp_path_factory.mktemp("full"), database_url=url))
    ident = approved(world)
    mailroom.receive(world.rt, b"From: a@elsewhere.example\r\nMessage-ID: <1@elsewhere.example>\r\n\r\nHello\r\n")
    with world.rt.unit() as session:
        day = world.rt.today()
        session.add(
            Reminder(request_id=ident, rung="x", recipient="dpo", due_on=day, created_at=world.rt.now(), sent=True)
        )
    world.work()
    yield world
    world.close()
    if url:
        request.getfixturevalue("postgres_server").drop_database(url)


@pytest.mark.parametrize(
    ("model", "other"),
    [
        (Step, {"id": uuid.UUID(int=1)}),
        (StepAttempt, {"result": "again"}),
        (Effect, {"kind": "again"}),
        (Plan, {"id": uuid.UUID(int=1), "state": PlanState.VOID}),
        (Approval, {}),
        (Receipt, {"fence": 99}),
        (Outbox, {"id": uuid.UUID(int=1)}),
        (Message, {"id": uuid.UUID(int=1)}),
        (Reminder, {"id": uuid.UUID(int=1)}),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else "",
)
def test_the_database_itself_refuses_a_second_one(full: World, model: type[Any], other: dict[str, Any]) -> None:
    with pytest.raises(IntegrityError):
        _twice(full, model, **other)


def test_an_approval_of_another_plan_can_not_even_be_written(world: World) -> None:
    approved(world)
    with pytest.raises(IntegrityError):
        _twice(world, Approval, approver="cleo", plan_hash=b"0" * 32)


def test_the_same_mail_twice_is_one_message(world: World) -> None:
    raw = b"From: a@elsewhere.example\r\nMessage-ID: <1@elsewhere.example>\r\n\r\nPlease send me all my data.\r\n"
    first, again = mailroom.receive(world.rt, raw), mailroom.receive(world.rt, raw)
    assert (first.new, again.new) == (True, False)
    assert first.message_id == again.message_id


def test_a_mail_that_another_process_takes_in_at_the_same_instant_is_looked_for_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw = b"From: a@elsewhere.example\r\nMessage-ID: <1@elsewhere.example>\r\n\r\nPlease send me all my data.\r\n"
    first, whole = mailroom.receive(world.rt, raw), mailroom.store
    calls: list[int] = []

    def store(*args: Any, **named: Any) -> tuple[Message, bool]:
        calls.append(1)
        if len(calls) == 1:  # it was not there to be seen yet, and is when this one is written
            raise IntegrityError("INSERT", {}, Exception())
        return whole(*args, **named)

    monkeypatch.setattr(mailroom, "store", store)
    assert mailroom.receive(world.rt, raw).message_id == first.message_id


def test_a_mail_with_the_name_of_another_one_is_a_message_of_its_own(world: World) -> None:
    raw = b"From: a@elsewhere.example\r\nMessage-ID: <1@elsewhere.example>\r\n\r\nPlease send me all my data.\r\n"
    other = raw.replace(b"send me", b"delete")
    first, second = mailroom.receive(world.rt, raw), mailroom.receive(world.rt, other)
    assert second.new
    assert second.message_id != first.message_id
    again = mailroom.receive(world.rt, other)
    assert (again.new, again.message_id) == (False, second.message_id)
    assert mailroom.receive(world.rt, b"Received: by x\r\n" + raw).message_id == first.message_id


def test_a_name_of_a_mail_that_was_destroyed_keeps_no_other_mail_out(world: World) -> None:
    raw = b"From: a@elsewhere.example\r\nMessage-ID: <1@elsewhere.example>\r\n\r\nPlease send me all my data.\r\n"
    first = mailroom.receive(world.rt, raw)
    with world.rt.unit() as session:
        shred(session, world.rt, PurgeStage.MESSAGE, first.message_id)
    assert mailroom.receive(world.rt, raw).message_id == first.message_id
    again = mailroom.receive(world.rt, b"Received: by x\r\n" + raw)
    assert again.new
    assert again.message_id != first.message_id


def test_a_link_is_not_sent_again_without_asking(world: World) -> None:
    ident = world.open()
    engine.drain(world.rt)
    for _ in range(3):
        world.rt.failpoint.at = "mail_sent"
        with pytest.raises(Killed):
            post.send_all(world.rt)
    world.clock.advance(seconds=500)
    post.send_all(world.rt)
    with world.rt.unit() as session:
        states = dict(session.execute(select(Outbox.letter, Outbox.state).where(Outbox.request_id == ident)).all())
    sent = OutboxState.SENT
    assert states == {"acknowledgement": sent, "notice": sent, "ready": OutboxState.UNKNOWN}
    assert sorted(mail.subject.split(" (")[0] for mail in world.mailer.sent) == [
        "Somebody asked about your data in your name",
        "Somebody asked about your data in your name",
        "We have received your request",
        "We have received your request",
        "Your answer can be fetched",
    ]


def test_what_can_not_be_begun_goes_to_a_person_and_nothing_of_the_step_is_written(world: World) -> None:
    def broken(*_: Any) -> Any:
        raise PersonMustLook("not_begun")

    good, world.rt = world.rt, replace(world.rt, entries={**world.rt.entries, RequestState.COLLECTING: broken})
    ident = world.open()
    world.work()
    assert world.state(ident) is RequestState.VERIFYING
    [step] = steps(world, ident, Kind.VERIFY)
    assert (step.state, step.error_code) == (StepState.NEEDS_HUMAN, "not_begun")
    world.rt = good
    with world.rt.unit() as session:
        session.get_one(Request, ident, with_for_update=True)
        repair.requeue(session, world.rt, session.get_one(Step, step.id), user="anna")
    world.work()
    assert world.state(ident) is RequestState.CLOSED
