"""Holding part of an answer back at the console: a ground, a reason, and somebody else who approves the rest."""

import uuid
from collections.abc import Callable

import pytest
from sqlalchemy import func, select

from models.audit import AuditEntry
from models.nearness import CaseNearness, Nearness
from models.refusing import Withholding
from models.vocabulary import Outcome, RequestState, Right
from tests.webhooks.desk import Desk, has_form
from tests.world import World

Seat = Callable[..., Desk]
WHY = "It would put somebody else in danger."
GIVEN = {"back_category": "C07", "back_ground": "rights_of_others", "back_reason": WHY}


@pytest.fixture
def answer(desk_world: World) -> tuple[uuid.UUID, str]:
    """An answer that nobody has begun to work on: (id, address of its page)."""
    ident = desk_world.open(Right.ACCESS)
    return ident, f"/requests/{desk_world.request(ident).reference}"


def hold_back(seat: Desk, page: str, **more: str) -> int:
    return seat.send(page, f"{page}/withhold", {**GIVEN, **more}).status_code


def approve(seat: Desk, page: str) -> int:
    return seat.send(page, f"{page}/approve", {"reference": page.rpartition("/")[2]}).status_code


def noted(world: World) -> int:
    with world.rt.unit() as session:
        said = select(func.count()).where(AuditEntry.event == "request:withheld")
        return session.scalar(said) or 0


def test_one_holds_back_and_another_lets_the_rest_go(
    desk: Seat, desk_world: World, answer: tuple[uuid.UUID, str]
) -> None:
    ident, page = answer
    ben, anna = desk("ben"), desk("anna")
    assert hold_back(ben, page) == 302
    shown = ben.text(page)
    assert WHY in shown
    assert "Held back by ben" in shown
    desk_world.work()
    assert desk_world.state(ident) is RequestState.DECIDING
    assert approve(ben, page) == 403
    assert approve(anna, page) == 302
    desk_world.work()
    assert desk_world.request(ident).outcome is Outcome.DELIVERED
    gone = ben.get(page).text
    assert WHY in gone
    assert not has_form(gone, f"{page}/withhold")


def test_the_same_click_twice_is_one_word(desk: Seat, desk_world: World, answer: tuple[uuid.UUID, str]) -> None:
    _, page = answer
    ben = desk("ben")
    fields = {**GIVEN, "csrf": ben.token(), "seen:C07": ""}
    assert [ben.post(f"{page}/withhold", fields).status_code for _ in range(2)] == [302, 302]
    assert noted(desk_world) == 1


def test_a_form_from_before_somebody_said_otherwise_changes_nothing(
    desk: Seat, desk_world: World, answer: tuple[uuid.UUID, str]
) -> None:
    ident, page = answer
    ben, anna = desk("ben"), desk("anna")
    old = {**GIVEN, "csrf": anna.token(), "seen:C07": "", "back_reason": "Another reason in words."}
    assert hold_back(ben, page) == 302
    assert anna.post(f"{page}/withhold", old).status_code == 409
    assert anna.answer is not None
    assert "Another reason in words." in anna.answer.text
    gives = {"csrf": anna.token(), "category": "C07", "seen": "2020-01-01T00:00:00+00:00"}
    assert anna.post(f"{page}/withhold/give", gives).status_code == 409
    with desk_world.rt.unit() as session:
        assert session.get_one(Withholding, (ident, "C07")).withheld_by == "ben"
    assert anna.send(page, f"{page}/withhold/give").status_code == 302
    assert "Nothing is held back." in anna.text(page)


def test_what_is_missing_is_said_and_nothing_typed_is_lost(desk: Seat, answer: tuple[uuid.UUID, str]) -> None:
    _, page = answer
    ben = desk("ben")
    assert hold_back(ben, page, back_category="", back_reason="brief") == 422
    assert ben.answer is not None
    assert 'value="rights_of_others" selected' in ben.answer.text
    assert ">brief</textarea>" in ben.answer.text
    assert hold_back(ben, page, back_ground="legal_claim") == 422
    assert "no part of an answer" in ben.answer.text
    assert hold_back(ben, page, back_ground="excessive") == 422


def test_who_does_not_decide_sees_it_and_who_reads_no_records_does_not(
    desk: Seat, answer: tuple[uuid.UUID, str]
) -> None:
    _, page = answer
    assert hold_back(desk("ben"), page) == 302
    cleo = desk("cleo").get(page).text
    assert WHY in cleo
    assert not has_form(cleo, f"{page}/withhold")
    assert WHY not in desk("otto").get(page).text


def test_nobody_holds_back_in_a_case_that_is_their_own(
    desk: Seat, desk_world: World, answer: tuple[uuid.UUID, str]
) -> None:
    ident, page = answer
    ben = desk("ben")
    token = ben.token()
    with desk_world.rt.unit() as session:
        row = CaseNearness(request_id=ident, name="ben", nearness=Nearness.OWN, noted_at=desk_world.rt.now())
        session.add(row)
    assert ben.post(f"{page}/withhold", {**GIVEN, "csrf": token, "seen:C07": ""}).status_code == 404
    assert noted(desk_world) == 0


@pytest.mark.parametrize("language", ["fi", "sv"])
def test_it_is_said_in_every_language(desk: Seat, answer: tuple[uuid.UUID, str], language: str) -> None:
    _, page = answer
    ben = desk("ben", language=language)
    assert hold_back(ben, page) == 302
    assert "withhold." not in ben.text(page)
