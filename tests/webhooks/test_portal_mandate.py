"""Acting for somebody else at the portal: a page of its own, no script, and nothing proven by it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from models.mandate import Mandate, MandateState
from models.request import Request
from models.vocabulary import RequestState
from tests.webhooks.visitor import HELPER, PERSON, Caller, reference_of
from tests.world import JANE, World, make_world
from webhooks.public import create_app
from workflows.acting import holder_of
from workflows.casefile import open_claim, open_key


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = make_world(tmp_path)
    yield made
    made.close()


@pytest.fixture
def caller(world: World) -> Caller:
    return Caller(create_app(world.rt))


@pytest.mark.parametrize(
    ("lang", "kind"),
    [("fi", "guardian"), ("sv", "trustee"), ("en", "lawyer"), ("fi", "power"), ("sv", "company"), ("en", "estate")],
)
def test_who_acts_for_another_says_by_what_right_and_is_asked_for_it(
    world: World, caller: Caller, lang: str, kind: str
) -> None:
    page = caller.ask(lang, on_behalf="yes", mandate_kind=kind)
    world.work()
    with world.rt.unit() as session:
        request = session.scalars(select(Request).where(Request.reference == reference_of(page))).one()
        row = session.get_one(Mandate, request.id)
        key = open_key(session, world.rt, request.data_key_id)
        holder, claim = holder_of(key, row), open_claim(key, request)
    assert (row.kind, row.state, request.state) == (kind, MandateState.CLAIMED, RequestState.VERIFYING)
    assert (holder.name, holder.email) == (HELPER["holder_name"], HELPER["holder_email"])
    assert (claim.name, claim.identifiers, claim.for_another) == ("Jane", {"email": JANE}, True)
    assert {mail.to for mail in world.mailer.sent} == {HELPER["holder_email"]}
    assert 'name="code"' not in caller.get(page).text


def test_who_asks_for_themselves_never_sees_that_page(caller: Caller) -> None:
    caller.fill("en", **PERSON)
    assert caller.answer.status_code == 303
    caller.get("/en/request")
    caller.post("/en/request/right", {"right": "access", "state": caller.state, "go": "next"})
    caller.post("/en/request/who", {**PERSON, "state": caller.state, "go": "next"})
    assert "By what right" not in caller.answer.text


@pytest.mark.parametrize(
    ("lang", "missing"), [("fi", "mandate_kind"), ("sv", "holder_name"), ("en", "holder_email"), ("en", "mandate_kind")]
)
def test_what_is_missing_is_said_beside_its_field(caller: Caller, missing: str, lang: str) -> None:
    caller.fill(lang, **{**PERSON, "on_behalf": "yes", missing: ""})
    assert caller.answer.status_code == 422
    assert f'id="{missing}-error"' in caller.answer.text


def test_who_changes_their_mind_loses_nothing_and_is_not_asked_again(caller: Caller) -> None:
    caller.get("/en/request")
    caller.post("/en/request/right", {"right": "access", "state": caller.state, "go": "next"})
    caller.post("/en/request/who", {**PERSON, "on_behalf": "yes", "state": caller.state, "go": "next"})
    assert "By what right" in caller.answer.text
    caller.post("/en/request/mandate", {**HELPER, "state": caller.state, "go": "back"})
    caller.post("/en/request/who", {**PERSON, "on_behalf": "", "state": caller.state, "go": "next"})
    assert "By what right" not in caller.answer.text
    caller.post("/en/request/mandate", {**HELPER, "state": caller.state, "go": "next"})  # a page that is not theirs
    assert caller.answer.status_code == 200
