"""The page of the sources: how each is doing, and the switch that pauses one."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import select

from models.collection import SourceHealth
from models.step import Step
from models.vocabulary import RequestState, StepState
from tests.webhooks.desk import EVERY_ROLE, Desk, has_form
from tests.world import BOB, EVE, JANE, World
from webhooks.console import roles

Seat = Callable[..., Desk]
PAUSE = "/sources/billing/pause"
RESUME = "/sources/billing/resume"


def down(world: World, source: str, *, failures: int = 5, minutes: int = 5) -> None:
    with world.rt.unit() as session:
        until = world.rt.now() + timedelta(minutes=minutes)
        session.add(SourceHealth(source=source, failures=failures, open_until=until, last_code="source_down"))


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("fi", ("Ei vastaa", "Ei vielä kysytty")),
        ("sv", ("Svarar inte", "Inte tillfrågad ännu")),
        ("en", ("Does not answer", "Not asked yet")),
    ],
)
def test_the_page_tells_how_every_source_is_doing(desk_world: World, desk: Seat, language: str, words) -> None:
    down(desk_world, "billing")
    text = desk("anna", language=language).text("/sources")
    for word in words:
        assert word in text


def test_a_source_is_paused_with_a_reason_and_shown_so_everywhere(desk_world: World, desk: Seat) -> None:
    cleo = desk("cleo")
    answer = cleo.send("/sources", PAUSE, {"reason": "new release <b>", "until": "31.12.2099"})
    assert answer.status_code == 302
    ident = desk_world.open(who=JANE)
    desk_world.work()
    assert desk_world.state(ident) is RequestState.COLLECTING
    page = cleo.text("/sources")
    assert "new release <b>" in page
    assert "cleo" in page
    assert "31 December 2099" in page
    assert "Paused: Billing" in cleo.text("/")
    assert "Paused by a member of staff." in cleo.text(f"/requests/{desk_world.request(ident).reference}")
    assert cleo.send("/sources", RESUME).status_code == 302
    desk_world.work()
    assert desk_world.state(ident) is RequestState.CLOSED
    assert "Paused: Billing" not in cleo.text("/")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"reason": ""}, "Say in a few words"),
        ({"reason": "x" * 201}, "200 characters"),
        ({"reason": "ok", "until": "1.1.2001"}, "over already"),
        ({"reason": "ok", "until": "soon"}, "Write the day as"),
    ],
)
def test_a_pause_that_says_too_little_is_not_made(
    desk_world: World, desk: Seat, given: dict[str, str], words: str
) -> None:
    seat = desk("ada")
    assert seat.send("/sources", PAUSE, given).status_code == 422
    assert seat.answer is not None
    assert words in seat.answer.text
    with desk_world.rt.unit() as session:
        assert session.scalars(select(SourceHealth.paused_by)).all() in ([], [None])


def test_a_second_pause_and_a_resume_of_what_goes_on_are_told_as_such(desk: Seat) -> None:
    seat = desk("anna")
    token = seat.token()
    assert seat.post(RESUME, {"csrf": token}).status_code == 409
    seat.post(PAUSE, {"csrf": token, "reason": "moved"})
    assert seat.post(PAUSE, {"csrf": token, "reason": "moved"}).status_code == 409
    assert seat.post("/sources/nothing/pause", {"csrf": token, "reason": "moved"}).status_code == 404


@pytest.mark.parametrize("name", EVERY_ROLE)
def test_only_those_who_may_pause_are_offered_it(desk: Seat, name: str) -> None:
    assert has_form(desk(name).get("/sources").text, PAUSE) == (EVERY_ROLE[name] in roles.PAUSE)


def test_work_that_waits_is_counted_with_its_nearest_end(desk_world: World, desk: Seat) -> None:
    desk("cleo").send("/sources", PAUSE, {"reason": "moved"})
    for who in (JANE, BOB, EVE):
        desk_world.open(who=who)
    desk_world.work()
    with desk_world.rt.unit() as session:
        waiting = session.scalars(select(Step).where(Step.source == "billing", Step.state == StepState.READY)).all()
    assert len(waiting) == 3
    assert "3 " in desk("cleo").text("/sources")


def test_the_places_of_a_source_are_drawn_and_told(desk_world: World, desk: Seat) -> None:
    page = desk("anna").get("/sources").text
    assert "<svg" not in page  # no source of this register limits its places
    assert page.count('<th scope="row">') == 2
