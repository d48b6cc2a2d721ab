"""Searches that people do: asked once, answered whole, packed, asked again for new values."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from models.collection import Finding
from models.vocabulary import Outcome, RequestState, Right, SourceResult
from tests.hand.archive import SHELVES, answer, found, none, open_archive, task_of
from tests.world import World
from workflows.errors import BadInput


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = open_archive(tmp_path)
    yield made
    made.close()


def finding(world, request, source="archive"):
    with world.rt.unit() as session:
        return session.scalar(select(Finding).where(Finding.request_id == request, Finding.source == source))


def test_a_search_waits_for_people_and_the_case_goes_on_with_their_answer(world):
    request = world.open()
    world.work()
    assert world.state(request) is RequestState.COLLECTING
    assert task_of(world, request, "search_by_hand").due_on is not None
    answer(world, request, found({"values": {"content": "a contract", "customer_no": "1"}}))
    world.work()
    assert world.state(request) is RequestState.CLOSED
    assert world.request(request).outcome is Outcome.DELIVERED
    assert finding(world, request).result is SourceResult.FOUND


def test_none_needs_a_tick_of_every_place(world):
    request = world.open()
    world.work()
    with pytest.raises(BadInput, match="places_missing"):
        answer(world, request, none(SHELVES[:1]))
    answer(world, request, none())
    world.work()
    assert finding(world, request).result is SourceResult.NONE


def test_a_paper_that_names_another_customer_is_not_the_person_s(world):
    request = world.open()
    world.work()
    answer(world, request, found({"values": {"content": "his", "customer_no": "2"}}))
    world.work()
    assert finding(world, request).ownerships == {"third_party": 1}


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({}, "say_found_or_none"),
        ({"found": True}, "found_without_records"),
        ({"found": False, "records": [{"values": {"content": "x"}}], "places": SHELVES}, "none_with_records"),
        (found({"values": {}}), "record_empty"),
        (found({"values": {"ended_on": "1.2.2025"}}), "not_a_date"),
        (found({"values": {"customer_no": "one"}}), "not_a_number"),
        (found({"values": {"content": "x"}, "location": "somewhere"}), "location_missing"),
        (found({"values": {"content": "x" * 5000}}), "too_long"),
        (found({"values": {"other": "x"}}), "no_such_field"),
        (found({"values": {"content": "x"}, "collection": "other"}), "no_such_collection"),
        (found({"values": {"content": "x"}, "pages": "-1"}), "not_a_number"),
        (found({"values": {"content": "x"}, "whose": "nobody"}), "not_allowed"),
    ],
)
def test_a_garbled_answer_never_passes_as_a_whole_one(world, given, code):
    request = world.open()
    world.work()
    with pytest.raises(BadInput) as caught:
        answer(world, request, given)
    assert code in {fault.what for fault in caught.value.faults}
    world.work()
    assert world.state(request) is RequestState.COLLECTING


def test_an_erasure_that_finds_nothing_anywhere_ends_without_a_plan(world):
    request = world.open(Right.ERASURE, "nobody@shop.example")
    world.work()
    assert world.state(request) is not RequestState.ERASING
