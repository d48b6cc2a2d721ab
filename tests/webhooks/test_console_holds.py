"""Holds by hand at the console: placed by one, confirmed by another, and let go before their day by two."""

import re
import uuid
from collections.abc import Callable

import pytest
from sqlalchemy import select

from models.holds import ManualHold
from models.nearness import CaseNearness, Nearness
from models.vocabulary import RequestState, Right
from tests.webhooks.browsing import LOOKS, Visit, check, press
from tests.webhooks.desk import Desk, has_form
from tests.world import BOB, World

Seat = Callable[..., Desk]
WORDS = "Order 12/2026 of the district court"
GIVEN = {"hold_reason": "authority_order", "hold_words": WORDS, "hold_rule": "H99", "hold_until": "31.1.2027"}


@pytest.fixture
def erasure(desk_world: World) -> tuple[uuid.UUID, str]:
    """An erasure that waits for approvals: (id, address of its page)."""
    ident = desk_world.open(Right.ERASURE)
    desk_world.work()
    return ident, f"/requests/{desk_world.request(ident).reference}"


def place(seat: Desk, page: str, **more: str) -> int:
    return seat.send(page, f"{page}/holds", {**GIVEN, **more}).status_code


def the_hold(world: World) -> ManualHold:
    with world.rt.unit() as session:
        return session.scalars(select(ManualHold)).one()


def test_it_is_placed_confirmed_and_released_by_two_on_the_case_s_page(
    desk: Seat, desk_world: World, erasure: tuple[uuid.UUID, str]
) -> None:
    ident, page = erasure
    cleo, ben, anna = desk("cleo"), desk("ben"), desk("anna")
    assert place(cleo, page) == 302
    desk_world.work()
    here = f"{page}/holds/{the_hold(desk_world).id}"
    shown = ben.text(page)
    for words in (WORDS, "Order of an authority", "In force until 31 January 2027", "Waits for another person"):
        assert words in shown
    assert not has_form(cleo.get(page).text, f"{here}/confirm")
    assert ben.send(page, f"{here}/confirm").status_code == 302
    assert ben.send(page, f"{here}/release").status_code == 422
    assert ben.answer is not None
    assert "Choose why the hold ends." in ben.answer.text
    assert ben.send(page, f"{here}/release", {"reason": "order_lifted"}).status_code == 302
    assert not has_form(ben.get(page).text, f"{here}/release")
    assert anna.send(page, f"{here}/keep").status_code == 302
    assert ben.send(page, f"{here}/release", {"reason": "mistake"}).status_code == 302
    assert "It was placed by mistake" in anna.text(page)
    assert anna.send(page, f"{here}/release").status_code == 302
    desk_world.work()
    told = anna.text(page)
    assert "A hold was released: H99. It was placed by mistake" in told
    assert "Over (1)" in told
    assert desk_world.state(ident) is RequestState.DECIDING


def test_what_is_missing_is_said_and_nothing_typed_is_lost(desk: Seat, erasure: tuple[uuid.UUID, str]) -> None:
    _, page = erasure
    cleo = desk("cleo")
    assert place(cleo, page, hold_words="short", hold_rule="", hold_until="soon") == 422
    assert cleo.answer is not None
    for words in (
        "few words what it is about",
        "Choose a rule.",
        "Write the day as",
        ">short</textarea>",
        'value="soon"',
    ):
        assert words in cleo.answer.text
    assert place(cleo, page, hold_until="1.1.2020") == 422
    assert "still to come" in cleo.answer.text


def test_a_click_that_came_twice_places_one_hold(desk: Seat, desk_world: World, erasure: tuple[uuid.UUID, str]) -> None:
    _, page = erasure
    cleo = desk("cleo")
    fields = {**GIVEN, "csrf": cleo.token()}
    assert [cleo.post(f"{page}/holds", fields).status_code for _ in range(2)] == [302, 302]
    assert the_hold(desk_world).placed_by == "cleo"


def test_a_hold_is_not_acted_on_from_the_case_of_somebody_else(
    desk: Seat, desk_world: World, erasure: tuple[uuid.UUID, str]
) -> None:
    _, page = erasure
    other = desk_world.open(Right.ERASURE, BOB)
    desk_world.work()
    assert place(desk("cleo"), page) == 302
    ben, there = desk("ben"), f"/requests/{desk_world.request(other).reference}/holds/{the_hold(desk_world).id}"
    fields = {"csrf": ben.token(), "reason": "mistake", "seen": ""}
    assert [ben.post(f"{there}/{what}", fields).status_code for what in ("confirm", "release", "keep")] == [404] * 3
    assert the_hold(desk_world).confirmed_by is None


def test_the_page_of_all_holds_leaves_out_what_is_kept_from_the_reader(
    desk: Seat, desk_world: World, erasure: tuple[uuid.UUID, str]
) -> None:
    ident, page = erasure
    assert place(desk("cleo"), page) == 302
    reference = page.rpartition("/")[2]
    shown = desk("ben").text("/holds")
    assert reference in shown
    assert WORDS not in shown
    with desk_world.rt.unit() as session:
        row = CaseNearness(request_id=ident, name="ben", nearness=Nearness.BARRED, noted_at=desk_world.rt.now())
        session.add(row)
    assert reference not in desk("ben").text("/holds")
    assert reference in desk("anna").text("/holds")


def test_who_reads_no_records_sees_nothing_of_it(desk: Seat, erasure: tuple[uuid.UUID, str]) -> None:
    _, page = erasure
    assert place(desk("cleo"), page) == 302
    assert WORDS not in desk("otto").get(page).text


@pytest.mark.parametrize("language", ["fi", "sv"])
def test_it_is_said_in_every_language(desk: Seat, erasure: tuple[uuid.UUID, str], language: str) -> None:
    _, page = erasure
    cleo = desk("cleo", language=language)
    assert place(cleo, page) == 302
    for shown in (cleo.text(page), cleo.text("/holds"), cleo.text("/tasks")):
        assert not re.search(r"\b(holding|reason|why|done)\.[a-z]", shown)


@pytest.mark.slow
@pytest.mark.parametrize(("look", "language"), [(LOOKS[0], "fi"), (LOOKS[-1], "sv")])
def test_the_page_is_readable_at_every_step(
    desk_world: World, erasure: tuple[uuid.UUID, str], visit: Visit, look: tuple[str, int], language: str
) -> None:
    _, page = erasure
    how = {"language": language, "color_scheme": look[0], "viewport": {"width": look[1], "height": 900}}
    seat = visit("anna", **how)
    seat.goto(page)
    seat.locator("#holds summary").last.press("Enter")
    seat.fill("#f-hold_words", WORDS)
    press(seat, "#hold button")
    check(seat, "what is missing")
    seat.select_option("#f-hold_reason", "dispute")
    seat.select_option("#f-hold_rule", "H99")
    seat.fill("#f-hold_until", "2027-01-31")
    press(seat, "#hold button")
    check(seat, "placed")
    seat = visit("ben", **how)
    seat.goto("/holds")
    check(seat, "all of them")
    seat.goto(page)
    seat.locator("#holds summary").first.press("Enter")
    check(seat, "to be confirmed or released")
