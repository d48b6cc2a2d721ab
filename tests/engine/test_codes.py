"""One-time codes to one contact: so many in an hour, whatever asks for them, and nothing outside shows it."""

import uuid
from pathlib import Path

import pytest
from sqlalchemy import select

from models.request import Request
from models.verification import Challenge, Pace
from models.vocabulary import Channel, RequestState
from tests.world import BOB, JANE, World, make_world, open_world
from workflows import answer, pace
from workflows.stages import verification

MOST = 6


@pytest.fixture
def world(tmp_path: Path) -> World:
    return make_world(tmp_path)


def ask(world: World, who: str = JANE) -> uuid.UUID:
    ident = world.open(who=who, desk=False, channel=Channel.PORTAL)
    world.work()
    return ident


def codes_to(world: World, who: str) -> int:
    return sum(mail.to == who and any(c.isdigit() for c in mail.body) for mail in world.mailer.sent)


def challenges(world: World, ident: uuid.UUID) -> list[Challenge]:
    with world.rt.unit() as session:
        return list(session.scalars(select(Challenge).where(Challenge.request_id == ident)))


def test_many_forms_with_one_name_send_one_contact_a_few_codes_an_hour(world: World) -> None:
    cases = [ask(world) for _ in range(MOST + 3)]
    assert codes_to(world, JANE) == MOST
    for case in cases:  # to the outside all look the same
        (challenge,) = challenges(world, case)
        assert (challenge.tries_left, world.state(case)) == (5, RequestState.VERIFYING)
    assert challenges(world, cases[-1])[0].code_digest is None
    ask(world, BOB)
    assert codes_to(world, BOB) == 1
    world.clock.advance(hours=1)
    with world.rt.unit() as session:
        verification.again(session, world.rt, session.get_one(Request, cases[-1], with_for_update=True))
    world.work()
    assert codes_to(world, JANE) == MOST + 1


def test_codes_to_fetch_an_answer_count_with_the_others(world: World) -> None:
    for _ in range(MOST - 1):
        ask(world)
    done = world.open(who=JANE)
    world.work()
    before = codes_to(world, JANE)
    for _ in range(3):
        with world.rt.unit() as session:
            answer.send_code(session, world.rt, session.get_one(Request, done, with_for_update=True))
    world.work()
    assert codes_to(world, JANE) - before == 1
    assert [c.code_digest is None for c in challenges(world, done)] == [False, True, True]
    assert {m.subject for m in world.mailer.sent if "Code to open" in m.subject}


def test_the_count_outlives_the_process_and_holds_no_address(world: World) -> None:
    for _ in range(MOST):
        ask(world)
    other = open_world(world.environ, clock=world.clock, mailer=world.mailer)
    with other.rt.unit() as session:
        assert not pace.may_send_code(session, other.rt, JANE.upper())
        assert pace.may_send_code(session, other.rt, BOB)
    with other.rt.unit() as session:
        kept = session.connection().exec_driver_sql("SELECT * FROM paces").all()
        assert JANE not in repr(kept)
        assert session.scalars(select(Pace.scope)).first() == pace.CODES
    other.close()


def test_the_record_says_whether_a_code_went_out(world: World) -> None:
    from models.audit import AuditEntry

    known, unknown = ask(world), ask(world, "nobody@shop.example")
    with world.rt.unit() as session:
        rows = session.scalars(select(AuditEntry).where(AuditEntry.event == "identity:challenged"))
        told = {row.request_id: row.facts["sent"] for row in rows}
    assert told == {known: True, unknown: False}
