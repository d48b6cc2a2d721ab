"""A copy of some data only, asked for in the form, and the rest of it asked for later with one button."""

import pytest
from sqlalchemy import func, select

from models.intake import Message
from models.request import DataKey, Request
from models.vocabulary import Outcome
from tests.webhooks.visitor import HELPER, Caller, code_in_mail, reference_of
from tests.world import JANE, World
from workflows.acting import holder_of, mandate_of
from workflows.casefile import open_claim, open_key
from workflows.views import find_request

PART = {"email": JANE, "copy_of": "some"}


def request_at(world: World, page: str) -> Request:
    with world.rt.unit() as session:
        return find_request(session, reference_of(page))


def test_everything_is_chosen_until_somebody_says_otherwise(world: World, caller: Caller) -> None:
    assert request_at(world, caller.ask(email=JANE)).categories is None
    ticked_beside_all = request_at(world, caller.ask(email=JANE, categories="C07"))
    assert ticked_beside_all.categories is None
    every = request_at(world, caller.ask(**PART, categories=["C01", "C07", "other"]))  # type: ignore[arg-type]
    assert every.categories is None


@pytest.mark.parametrize("lang", ["fi", "sv", "en"])
def test_what_is_ticked_is_asked_for_shown_before_it_is_sent_and_on_the_page(
    world: World, caller: Caller, lang: str
) -> None:
    label = {"fi": "Laskut", "sv": "Fakturor", "en": "Invoices"}[lang]
    caller.get(f"/{lang}/request")
    for name in ("right", "who", "message"):
        fields = {"right": "access", **PART, "categories": ["C07"], "state": caller.state, "go": "next"}
        caller.post(f"/{lang}/request/{name}", fields)
    assert f'<dd class="typed">{label}</dd>' in caller.answer.text
    caller.post(f"/{lang}/request/check", {"state": caller.state, "go": "next"})
    page = caller.answer.headers["Location"]
    assert request_at(world, page).categories == ["C07"]
    assert f"<dd>{label}</dd>" in caller.get(page).text


@pytest.mark.parametrize("ticks", [{}, {"categories": "C99"}])
def test_some_without_a_tick_asks_what_is_wanted(world: World, caller: Caller, ticks: dict[str, str]) -> None:
    caller.fill("en", right="access", **PART, **ticks)
    assert caller.answer.status_code == 422
    assert 'href="#categories">Tick at least one kind of data' in caller.answer.text
    with world.rt.unit() as session:
        assert session.scalar(select(func.count()).select_from(Request)) == 0


def test_no_tick_is_lost_however_many_there_are(world: World, caller: Caller) -> None:
    page = caller.ask(**PART, categories=[*["C07"] * 300, "C01"])  # type: ignore[arg-type]
    assert request_at(world, page).categories is None  # these two are all there are


def test_an_erasure_is_never_of_what_was_ticked_before_the_wish_changed(world: World, caller: Caller) -> None:
    page = caller.ask(**PART, categories="C07", right="erasure")
    assert request_at(world, page).categories is None


def test_the_rest_is_a_request_of_its_own_that_has_to_be_proven_and_is_opened_once(
    world: World, caller: Caller
) -> None:
    first = caller.ask(**PART, categories="C07")
    assert caller.post(f"{first}/code", {"code": code_in_mail(world, JANE)}).status_code == 303
    world.work()
    assert request_at(world, first).outcome is Outcome.DELIVERED
    world.clock.advance(days=20)
    caller.get(first)
    rest = caller.post(f"{first}/rest").headers["Location"]
    assert caller.post(f"{first}/rest").headers["Location"] == rest
    opened = request_at(world, rest)
    assert opened.categories == ["C01", "other"]
    assert (opened.verified_at, opened.received_on) == (None, world.rt.today())
    assert "Only these data" in caller.get(rest).text
    stranger = Caller(caller.client.application)
    assert stranger.post(f"{first[:-1]}x/rest").status_code == 404
    assert caller.post(f"{rest}/code", {"code": code_in_mail(world, JANE)}).status_code == 303
    world.work()
    assert request_at(world, rest).outcome is Outcome.DELIVERED


def test_who_asked_for_everything_is_offered_no_rest(world: World, caller: Caller) -> None:
    page = caller.ask(email=JANE)
    assert "/rest" not in caller.get(page).text
    assert caller.post(f"{page}/rest").status_code == 404
    with world.rt.unit() as session:
        assert session.scalar(select(func.count()).select_from(Message)) == 1


def test_nothing_is_offered_once_what_they_said_is_forgotten(world: World, caller: Caller) -> None:
    page = caller.ask(**PART, categories="C07")
    with world.rt.unit() as session:
        key = session.get_one(DataKey, find_request(session, reference_of(page)).data_key_id)
        key.wrapped, key.destroyed_at = None, world.rt.now()
    assert "/rest" not in caller.get(page).text
    assert caller.post(f"{page}/rest").status_code == 404


def test_who_acts_for_another_does_so_for_the_rest_too(world: World, caller: Caller) -> None:
    first = caller.ask(**PART, categories="C07", on_behalf="yes")
    rest = caller.post(f"{first}/rest").headers["Location"]
    with world.rt.unit() as session:
        request = find_request(session, reference_of(rest))
        key, mandate = open_key(session, world.rt, request.data_key_id), mandate_of(session, request)
        assert open_claim(key, request).for_another
        assert mandate is not None
        assert (mandate.kind, holder_of(key, mandate).email) == (HELPER["mandate_kind"], HELPER["holder_email"])
