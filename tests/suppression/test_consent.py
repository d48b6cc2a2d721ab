"""A consent that is withdrawn bans at once, and opens an erasure of what nothing else allowed."""

import uuid
from typing import Any

import pytest
from sqlalchemy import select

from models.decision import PlanItem
from models.request import Request
from models.staff import HumanTask
from models.suppression import BanRow
from models.vocabulary import Ban, Channel, Method, Outcome, RequestState, Right
from tests.world import EVE, JANE, World, open_world, prepare, write_register
from workflows.banning import ban_with_erasure, told_of_bans
from workflows.casefile import Claim, open_key
from workflows.stages import intake
from workflows.suppression import banned, lift_bans
from workflows.sweeps import unidentified

S = RequestState
CATEGORIES = """
- {code: C01, label: {fi: Asiakastiedot, sv: Kunduppgifter, en: Customer data}, keys: [user]}
- {code: C07, label: {fi: Laskut, sv: Fakturor, en: Invoices}, keys: [user.financial]}
- code: C13
  label: {fi: Uutiskirje, sv: Nyhetsbrev, en: Newsletter}
  keys: [user.content]
  consent_only: true
"""


@pytest.fixture
def world(tmp_path):
    """Orders stand for what rests on consent."""
    environ = prepare(tmp_path)
    folder = tmp_path / "register"
    shop = (folder / "sources/shop.yaml").read_text(encoding="utf-8")
    person = "person:\n  collections:\n    orders: {category: C13}\n"
    write_register(folder, {"categories.yaml": CATEGORIES, "sources/shop.yaml": shop.rstrip("\n") + "\n" + person})
    made = open_world(environ)
    yield made
    made.close()


def withdrawn(world: World, *others: Right, seen: bool = True) -> dict[Right, uuid.UUID]:
    claim = Claim(identifiers={"email": JANE}, reply_to=JANE, text="I withdraw my consent")
    method, by = (Method.DESK, "cleo") if seen else (None, "person")
    asked = [
        intake.Asked(right, "en", Channel.DESK, claim, method=method, by=by)
        for right in (Right.WITHDRAW_CONSENT, *others)
    ]
    with world.rt.unit() as session:
        stored, _ = intake.store(session, world.rt, channel=Channel.DESK, external_id="one", raw=b"As she said.")
        intake.open_requests(session, world.rt, asked, message=stored)
        rows = session.scalars(select(Request)).all()
        return {row.right: row.id for row in rows}


def test_what_rested_on_the_consent_alone_is_erased_and_nothing_else(world):
    cases = withdrawn(world)
    world.work()
    assert world.request(cases[Right.WITHDRAW_CONSENT]).outcome is Outcome.BANNED
    erasure = cases[Right.ERASURE]
    with world.rt.unit() as session:
        assert {item.collection for item in session.scalars(select(PlanItem))} == {"orders"}
    world.approve(erasure)
    world.work()
    assert (world.state(erasure), world.request(erasure).outcome) == (S.CLOSED, Outcome.ERASED)
    assert [row[1] for row in world.rows("shop", "orders")] == [2, 2]
    assert len(world.rows("shop", "customer")) == 3
    assert len(world.rows("billing", "invoice")) == 4


def test_a_copy_that_was_asked_for_too_comes_first(world):
    cases = withdrawn(world, Right.ACCESS)
    assert world.request(cases[Right.ERASURE]).after_request_id == cases[Right.ACCESS]
    assert world.request(cases[Right.WITHDRAW_CONSENT]).after_request_id is None


def test_who_asks_for_everything_to_be_erased_needs_no_second_case_for_that(world):
    cases = withdrawn(world, Right.ERASURE)
    assert world.request(cases[Right.ERASURE]).categories is None
    with world.rt.unit() as session:
        assert len(session.scalars(select(Request)).all()) == 2


def test_an_erasure_of_everything_does_not_join_the_narrow_one(world):
    narrow = withdrawn(world)[Right.ERASURE]
    world.work()
    whole = world.open(Right.ERASURE, JANE)
    world.work()
    assert world.request(whole).leading_id is None
    assert (world.state(narrow), world.state(whole)) == (S.DECIDING, S.DECIDING)


def test_who_does_not_prove_to_be_the_person_leaves_it_to_a_person_to_look(world):
    cases = withdrawn(world, seen=False)
    world.work()
    world.clock.advance(days=28)
    unidentified(world.rt)
    world.work()
    assert world.request(cases[Right.ERASURE]).outcome is Outcome.NOT_IDENTIFIED
    with world.rt.unit() as session:
        assert "consent_data" in set(session.scalars(select(HumanTask.code)))


def erased(world: World, **said: Any) -> tuple[uuid.UUID, list[tuple[Ban, str]]]:
    """An erasure of everything Jane has, to its end, and what it banned."""
    claim = Claim(identifiers={"email": JANE}, reply_to=JANE, text="Erase it all.", **said)
    asked = intake.Asked(Right.ERASURE, "en", Channel.DESK, claim, method=Method.DESK, by="cleo")
    with world.rt.unit() as session:
        ident = intake.open_request(session, world.rt, asked).request.id
    world.work()
    world.approve(ident)
    world.work()
    assert world.state(ident) is S.CLOSED
    with world.rt.unit() as session:
        rows = session.scalars(select(BanRow).where(BanRow.request_id == ident))
        return ident, sorted((row.ban, row.identity) for row in rows)


def listed(world: World, *contacts: str) -> list[bool | None]:
    with world.rt.unit() as session:
        return banned(session, world.rt, Ban.ELECTRONIC, [[("email", contact)] for contact in contacts])


def test_whoever_has_what_rests_on_consent_erased_is_not_written_to_after_the_next_import(world):
    ident, bans = erased(world)
    assert bans == [(Ban.ELECTRONIC, "email")]
    assert listed(world, JANE, EVE) == [True, False]
    with world.rt.unit() as session:
        request = session.get_one(Request, ident)
        key = open_key(session, world.rt, request.data_key_id)
        assert told_of_bans(session, request, key) == {}  # its letter said so; a later one does not again


def test_who_says_that_they_want_no_ban_gets_none(world):
    assert erased(world, no_ban=True)[1] == []
    assert listed(world, JANE) == [False]


def test_an_erasure_that_takes_nothing_that_rests_on_consent_bans_nothing(world):
    world.execute("shop", "DELETE FROM orders")
    assert erased(world)[1] == []


def test_an_erasure_that_is_done_again_bans_nothing(world):
    ident, _ = erased(world)
    with world.rt.unit() as session:
        lift_bans(session, world.rt, bans=[Ban.ELECTRONIC], contacts={"email": JANE}, by="anna", proof="paper 7")
        request = session.get_one(Request, ident)
        key = open_key(session, world.rt, request.data_key_id)
        request.replay_id = uuid.uuid4()
        with session.no_autoflush:
            ban_with_erasure(session, world.rt, request, key, categories=["C13"])
            session.expire(request)
    assert listed(world, JANE) == [False]
