"""What only a use allowed that was objected to is erased once the objection is upheld: decided and proven like any."""

import uuid
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select

from models.decision import PlanItem
from models.delivery import Outbox
from models.request import Request
from models.restriction import Weighed
from models.staff import HumanTask
from models.vocabulary import Outcome, RequestState, Right
from tests.world import World, make_world, open_world, prepare, write_register
from workflows import delivered
from workflows.casefile import Acted, open_key, open_proof, seal_proof
from workflows.caseview import filling
from workflows.ladder import rungs
from workflows.restricting import following, objecting
from workflows.restricting.naming import row_for

S = RequestState
CATEGORIES = """
- {code: C01, label: {fi: Asiakastiedot, sv: Kunduppgifter, en: Customer data}, keys: [user]}
- {code: C07, label: {fi: Laskut, sv: Fakturor, en: Invoices}, keys: [user.financial]}
- code: C15
  label: {fi: Kehityskopiot, sv: Utvecklingskopior, en: Copies for development}
  keys: [user.content]
  interest_only: true
  risk: high
"""


@pytest.fixture
def world(tmp_path):
    """Orders stand for copies that are held for development alone."""
    environ = prepare(tmp_path)
    folder = tmp_path / "register"
    shop = (folder / "sources/shop.yaml").read_text(encoding="utf-8")
    person = "person:\n  collections:\n    orders: {category: C15}\n"
    write_register(folder, {"categories.yaml": CATEGORIES, "sources/shop.yaml": shop.rstrip("\n") + "\n" + person})
    made = open_world(environ)
    yield made
    made.close()


def upheld(world: World, ident: uuid.UUID | None = None) -> uuid.UUID:
    ident = ident or world.open(Right.OBJECTION)
    world.work()
    with world.rt.unit() as session:
        request = session.get_one(Request, ident, with_for_update=True)
        grounds = objecting.Grounds(Weighed.STOP, "We do well without them.", "I do not want it.")
        objecting.weigh(session, world.rt, request, grounds, user="anna")
    world.approve(ident, "anna")
    world.work()
    assert world.request(ident).outcome is Outcome.STOPPED
    return ident


def follower(world: World, ident: uuid.UUID) -> Request | None:
    with world.rt.unit() as session:
        return following.follower_of(session, session.get_one(Request, ident))


def tasks(world: World) -> list[str]:
    with world.rt.unit() as session:
        return list(session.scalars(select(HumanTask.code)))


def test_an_objection_that_is_upheld_erases_what_only_the_use_allowed_and_nothing_else(world):
    objection = upheld(world)
    erasure = follower(world, objection)
    assert erasure is not None
    assert (erasure.state, erasure.received_on) == (S.DECIDING, world.rt.today())  # decided on by people
    with world.rt.unit() as session:
        assert {item.collection for item in session.scalars(select(PlanItem))} == {"orders"}
        letters = session.scalars(select(Outbox.letter).where(Outbox.request_id == erasure.id)).all()
        assert "acknowledgement" in letters
        assert filling(session, erasure) == {"objected": "1"}
    world.approve(erasure.id)
    world.work()
    assert (world.state(erasure.id), world.request(erasure.id).outcome) == (S.CLOSED, Outcome.ERASED)
    assert [row[1] for row in world.rows("shop", "orders")] == [2, 2]
    assert len(world.rows("shop", "customer")) == 3
    assert following.COPIES not in tasks(world)


def test_it_is_opened_once_however_often_the_objection_is_carried_out(world):
    objection = upheld(world)
    with world.rt.unit() as session:
        request = session.get_one(Request, objection)
        following.erase_what_only_the_use_allowed(session, world.rt, request, row_for(session, request))
        assert len(session.scalars(select(Request)).all()) == 2


def test_nothing_is_waited_for_that_an_objection_never_delivers(world):
    erasure = follower(world, upheld(world))
    assert erasure is not None
    with world.rt.unit() as session:
        assert delivered.together(session, session.get_one(Request, erasure.id)) == []


def plain(folder: Path) -> World:
    """A shop whose register names no data that rest on such an interest alone."""
    made = make_world(folder)
    upheld(made)
    return made


def test_where_the_register_names_no_such_data_a_person_looks_for_them(tmp_path):
    made = plain(tmp_path)
    with made.rt.unit() as session:
        assert len(session.scalars(select(Request)).all()) == 1
    assert tasks(made).count(following.COPIES) == 1
    made.close()


def test_whoever_objects_for_another_has_no_power_to_erase(world):
    ident = upheld(world)
    with world.rt.unit() as session:
        request = session.get_one(Request, ident)
        for row in session.scalars(select(Request).where(Request.after_request_id == ident)):
            row.after_request_id = None  # as if the first one were not there yet
        key = open_key(session, world.rt, request.data_key_id)
        proof = replace(open_proof(key, request), acted=Acted(reply=None))
        request.proof_sealed = seal_proof(key, request.id, proof)
        following.erase_what_only_the_use_allowed(session, world.rt, request, row_for(session, request))
        assert following.follower_of(session, request) is None
    assert tasks(world).count(following.COPIES) == 1


def test_a_proof_that_is_too_little_for_an_erasure_is_asked_for_anew(world, monkeypatch):
    monkeypatch.setattr(rungs, "suffices", lambda _s, _rt, request, _m: request.right is not Right.ERASURE)
    erasure = follower(world, upheld(world))
    assert erasure is not None
    assert (erasure.state, erasure.proof_sealed) == (S.VERIFYING, None)
