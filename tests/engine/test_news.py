"""Whose case an event concerns: all that was proven or found leads to it, whatever came first."""

import uuid
from pathlib import Path

import pytest
from sqlalchemy import func, select

from models.audit import AuditEntry
from models.intake import CaseKey, EventCase, InboundEvent
from models.request import Request
from models.vocabulary import RequestState, Right
from tests.world import BOB, EVE, JANE, World, make_world
from workflows import engine, news, sweeps
from workflows.stages import decision

CUSTOMER, INVOICE = "shop:customer.id", "billing:invoice.id"


@pytest.fixture
def world(tmp_path: Path) -> World:
    return make_world(tmp_path)


def deciding(world: World, who: str, right: Right = Right.ERASURE) -> uuid.UUID:
    ident = world.open(right, who)
    world.work()
    return ident


def held(world: World, who: str) -> uuid.UUID:
    """An erasure that was carried out but for what is still owed."""
    ident = deciding(world, who)
    world.approve(ident)
    world.work()
    assert world.state(ident) is RequestState.HELD
    world.execute("shop", "UPDATE customer SET email = 'bob@shop.example', name = 'Bob' WHERE id = 2")  # he is back
    return ident


def told_of(world: World, ident: uuid.UUID) -> list[str]:
    """The events that the case's record names, in their order."""
    with world.rt.unit() as session:
        rows = session.scalars(
            select(AuditEntry)
            .where(AuditEntry.chain == str(ident), AuditEntry.event == "hold:event")
            .order_by(AuditEntry.n)
        )
        return [row.facts["event"] for row in rows]


def counted(world: World, table: type) -> int:
    with world.rt.unit() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def rows_of(world: World) -> str:
    """All that the tables of events hold, as text."""
    with world.rt.unit() as session:
        connection = session.connection()
        names = ("inbound_events", "event_keys", "case_keys", "event_cases")
        return repr([connection.exec_driver_sql(f"SELECT * FROM {name}").all() for name in names])


@pytest.mark.parametrize(("name", "value"), [(INVOICE, "72"), (CUSTOMER, "2"), ("identity:email", BOB)])
def test_an_event_reaches_every_case_of_the_person_each_once(world: World, name: str, value: str) -> None:
    one, other, stranger = held(world, BOB), deciding(world, BOB), deciding(world, JANE)
    world.clock.advance(minutes=10)
    world.tell(value, name=name)
    assert sweeps.sweep(world.rt)["rechecks"] == 2
    world.work()
    deciders = [world.state(i) for i in (other, stranger)]
    assert (world.state(one), deciders) == (RequestState.HELD, [RequestState.DECIDING] * 2)
    assert [told_of(world, i) for i in (one, other, stranger)] == [["invoice.opened"], ["invoice.opened"], []]
    world.clock.advance(minutes=10)
    assert sweeps.sweep(world.rt)["rechecks"] == 0


def test_a_case_that_took_notice_does_not_take_the_news_from_another(world: World) -> None:
    waiting, approved = held(world, BOB), deciding(world, BOB)
    world.execute("shop", "INSERT INTO orders VALUES (9, 2, 'new')")
    world.approve(approved)
    world.clock.advance(minutes=10)
    world.tell("2")
    sweeps.rechecks(world.rt)
    engine.drain(world.rt)
    assert (world.state(approved), world.state(waiting)) == (RequestState.DECIDING, RequestState.HELD)
    assert told_of(world, approved) == told_of(world, waiting) == ["invoice.opened"]
    assert 9 in [row[0] for row in world.rows("shop", "orders")]


def test_the_values_themselves_are_kept_nowhere(world: World) -> None:
    deciding(world, BOB)
    world.tell("secret-4711", name="identity:email")
    text = rows_of(world)
    assert "secret-4711" not in text
    assert BOB not in text


def test_an_event_that_concerns_nobody_is_kept_and_counted(world: World) -> None:
    world.tell("77")
    world.clock.advance(minutes=10)
    assert sweeps.sweep(world.rt)["rechecks"] == 0
    with world.rt.unit() as session:
        assert news.counts(session) == (1, 1)
        assert session.scalars(select(InboundEvent.settled_at)).one() is not None


def test_an_event_told_before_the_case_was_collected_stands_in_its_record(world: World) -> None:
    world.tell("72", "collection.opened", name=INVOICE)
    world.clock.advance(days=20)
    sweeps.sweep(world.rt)
    ident = deciding(world, BOB)
    assert told_of(world, ident) == ["collection.opened"]
    assert sweeps.sweep(world.rt)["rechecks"] == 0  # the search came after it
    with world.rt.unit() as session:
        assert news.counts(session) == (1, 0)


def test_an_event_older_than_thirty_days_is_forgotten(world: World) -> None:
    world.tell("72", name=INVOICE)
    world.clock.advance(days=31)
    sweeps.sweep(world.rt)
    assert told_of(world, deciding(world, BOB)) == []
    assert news.forget(world.rt) == 1
    assert counted(world, InboundEvent) == 0


def test_an_event_told_while_the_sources_are_read_is_looked_at_afterwards(world: World) -> None:
    world.tell("2")
    ident = world.open(Right.ERASURE, BOB)
    engine.drain(world.rt, ("verify",), follow=("verify",))
    world.clock.advance(minutes=10)
    world.tell("72", "collection.opened", ident="2", name=INVOICE)  # no key of the case names an invoice yet
    world.clock.advance(minutes=2)
    sweeps.sweep(world.rt)
    with world.rt.unit() as session:
        settled = session.scalars(select(InboundEvent.settled_at).order_by(InboundEvent.external_id)).all()
    assert [s is not None for s in settled] == [False, True]
    world.work()
    assert told_of(world, ident) == ["invoice.opened", "collection.opened"]
    assert world.state(ident) is RequestState.DECIDING


def test_events_out_of_their_order_end_as_the_source_has_it(world: World) -> None:
    ident = deciding(world, BOB)
    world.clock.advance(minutes=10)
    world.execute("billing", "UPDATE invoice SET owed = 0")
    world.tell("72", "invoice.paid", ident="2", name=INVOICE)
    world.work()
    world.tell("72", "invoice.opened", ident="1", name=INVOICE)
    world.work()
    assert told_of(world, ident) == ["invoice.paid", "invoice.opened"]
    world.approve(ident)
    world.work()
    assert world.state(ident) is RequestState.CLOSED  # nothing held it


def test_what_led_to_a_person_only_in_the_past_names_somebody_else_now(world: World) -> None:
    from datetime import timedelta

    from workflows.ports import Lead

    today = world.rt.today()
    ended, ends = Lead("a", end=today - timedelta(days=40)), Lead("b", end=today - timedelta(days=10))
    assert news.named_by({"x": [ended, ends, Lead("c")]}, today) == {("x", "b"), ("x", "c")}


def test_the_keys_of_a_closed_case_are_forgotten(world: World) -> None:
    closed, waiting = deciding(world, EVE), deciding(world, BOB)
    with world.rt.unit() as session:
        request = session.get_one(Request, closed, with_for_update=True)
        decision.withdraw(session, world.rt, request, actor="cleo")
    world.work()
    assert world.state(closed) is RequestState.CLOSED
    world.tell("3")
    news.forget(world.rt)
    with world.rt.unit() as session:
        assert set(session.scalars(select(CaseKey.request_id))) == {waiting}
    world.clock.advance(minutes=10)
    sweeps.sweep(world.rt)
    assert counted(world, EventCase) == 0
