"""Refusing as unfounded or excessive at the console: a case on record, a fee, a second person."""

import re
import uuid
from collections.abc import Callable

import pytest
from flask import Flask
from sqlalchemy import select

from models.decision import Approval
from models.vocabulary import Outcome, RequestState, Right
from tests.webhooks.desk import Desk, has_form
from tests.world import BOB, World

Seat = Callable[..., Desk]
CASE = {
    "case_ground": "excessive",
    "case_evidence": "The same was asked and answered three times this month; nothing has changed.",
    "case_reason": "You got the same answer three days ago and nothing has changed.",
    "case_fee": "unsuitable",
}


@pytest.fixture
def erasure(desk_world: World) -> tuple[uuid.UUID, str]:
    """An erasure of Bob's, who asked for his data five days before: (id, address of its page)."""
    desk_world.open(Right.ACCESS, BOB)
    desk_world.work()
    desk_world.clock.advance(days=5)
    ident = desk_world.open(Right.ERASURE, BOB)
    desk_world.work()
    assert desk_world.state(ident) is RequestState.DECIDING
    return ident, f"/requests/{desk_world.request(ident).reference}"


def prepare(seat: Desk, page: str, **more: str) -> int:
    return seat.send(page, f"{page}/refusal", {**CASE, **more}).status_code


def agree(seat: Desk, page: str) -> int:
    return seat.send(page, f"{page}/refusal/agree", {"reference": page.rpartition("/")[2]}).status_code


def test_the_plain_refusal_does_not_offer_what_needs_two_people(desk: Seat, erasure: tuple[uuid.UUID, str]) -> None:
    shown = desk("anna").get(erasure[1]).text
    plain = shown[shown.index('id="refuse"') : shown.index("</form>", shown.index('id="refuse"'))]
    assert 'value="legal_claim"' in plain
    assert "unfounded" not in plain
    assert "excessive" not in plain


def test_two_people_refuse_on_facts_that_the_page_shows(
    desk: Seat, desk_world: World, erasure: tuple[uuid.UUID, str]
) -> None:
    ident, page = erasure
    cleo, anna, ben = desk("cleo"), desk("anna"), desk("ben")
    assert "5 days before" in cleo.text(page)
    assert prepare(cleo, page) == 302
    shown = cleo.text(page)
    assert CASE["case_evidence"] in shown
    assert "Another person must agree" in shown
    assert not has_form(cleo.get(page).text, f"{page}/refusal/agree")
    assert agree(ben, page) == 403  # neither of the two is the officer
    assert desk_world.state(ident) is RequestState.DECIDING
    assert anna.send(page, f"{page}/refusal/agree", {"reference": "other"}).status_code == 422
    assert agree(anna, page) == 302
    desk_world.work()
    assert desk_world.request(ident).outcome is Outcome.REFUSED
    assert len(desk_world.rows("billing", "invoice")) == 4


def test_no_plan_is_approved_while_a_refusal_is_being_settled(
    desk: Seat, desk_world: World, erasure: tuple[uuid.UUID, str]
) -> None:
    _, page = erasure
    anna, ben = desk("anna"), desk("ben")
    before = anna.get(page).text
    fields = {"reference": page.rpartition("/")[2], "csrf": anna.token()}
    fields["plan_hash"] = before.split('name="plan_hash" value="')[1].split('"')[0]
    assert prepare(ben, page) == 302
    answer = anna.post(f"{page}/approve", fields)
    assert answer.status_code == 409
    assert "being settled" in answer.text
    with desk_world.rt.unit() as session:
        assert not session.scalars(select(Approval)).all()
    assert ben.send(page, f"{page}/refusal/drop").status_code == 302
    assert anna.post(f"{page}/approve", fields).status_code == 302


def test_what_is_missing_in_a_case_is_said_and_nothing_typed_is_lost(
    desk: Seat, erasure: tuple[uuid.UUID, str]
) -> None:
    _, page = erasure
    cleo = desk("cleo")
    assert prepare(cleo, page, case_evidence="short", case_fee="", case_ground="legal_claim") == 422
    assert cleo.answer is not None
    for words in ("at least 40 characters", "Announce a fee first", "Refuse on this ground directly", "short"):
        assert words in cleo.answer.text
    assert prepare(cleo, page, case_fee="declined") == 422


@pytest.mark.parametrize("language", ["fi", "sv", "en"])
def test_the_case_is_shown_in_every_language_and_only_to_who_may_read_records(
    desk: Seat, console: Flask, erasure: tuple[uuid.UUID, str], language: str
) -> None:
    _, page = erasure
    cleo = desk("cleo", language=language)
    assert prepare(cleo, page) == 302
    assert not re.search(r"\b(refusal|refuse|done)\.[a-z]", cleo.text(page))
    assert CASE["case_evidence"] not in desk("otto").text(page)
