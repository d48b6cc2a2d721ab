"""Erasing by hand: two people for every item, and not done is never called done."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from models.collection import Finding
from models.erasure import Receipt
from models.request import Request
from models.vocabulary import Outcome, ReceiptOutcome, RequestState, Right, SourceResult
from tests.hand.archive import PAPER, answer, confirm, found, leave, none, numbers, open_archive, task_of, tick
from tests.world import World
from workflows.casefile import open_key
from workflows.errors import BadInput, Conflict, NotAllowed
from workflows.hand.searching import search_of
from workflows.hand.sources import bound
from workflows.stages.collection import skip_source

NOTE = {"values": {"content": "a loose note"}}
CONTRACT = {"values": {"content": "a contract", "ended_on": "2025-03-01"}}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = open_archive(tmp_path)
    yield made
    made.close()


def approved(world, *records):
    request = world.open(Right.ERASURE)
    world.work()
    answer(world, request, found(*records))
    world.work()
    world.approve(request)
    world.work()
    return request


def outcomes(world):
    with world.rt.unit() as session:
        return sorted(r.outcome.value for r in session.scalars(select(Receipt)))


def test_paper_is_shredded_by_two_people_and_proven(world):
    request = approved(world, NOTE)
    assert world.state(request) is RequestState.ERASING
    (item,) = numbers(world, request)
    tick(world, request, item)
    world.work()
    assert world.state(request) is RequestState.ERASING, "one person is not enough"
    with pytest.raises(NotAllowed, match="same_person"):
        confirm(world, request, item, by="cleo")
    confirm(world, request, item)
    world.work()
    assert world.state(request) is RequestState.CLOSED
    assert world.request(request).outcome is Outcome.ERASED


def test_a_labelled_contract_is_kept_under_its_rule_with_its_date(world):
    request = approved(world, NOTE, CONTRACT)
    (item,) = numbers(world, request)
    tick(world, request, item)
    confirm(world, request, item)
    world.work()
    assert world.state(request) is RequestState.HELD
    assert world.request(request).outcome is Outcome.PARTLY_ERASED
    assert world.request(request).recheck_on.isoformat() == "2031-03-01"


def test_what_is_not_found_is_absent_with_a_reason(world):
    request = approved(world, NOTE)
    (item,) = numbers(world, request)
    with pytest.raises(BadInput, match="reason_missing"):
        tick(world, request, item, "not_found")
    tick(world, request, item, "not_found", reason="the folder was empty")
    confirm(world, request, item)
    world.work()
    assert ReceiptOutcome.ABSENT.value in outcomes(world)
    assert world.state(request) is RequestState.CLOSED


def test_what_is_left_for_later_is_never_called_done(world):
    request = approved(world, NOTE, {"values": {"content": "another"}})
    first, _ = numbers(world, request)
    tick(world, request, first)
    with pytest.raises(Conflict, match="unconfirmed"):
        leave(world, request)
    confirm(world, request, first)
    leave(world, request)
    world.work()
    assert world.state(request) is RequestState.HELD
    assert world.request(request).outcome is Outcome.PARTLY_ERASED
    assert ReceiptOutcome.REFUSED.value in outcomes(world)
    world.clock.advance(days=2)
    world.work()
    assert world.state(request) is RequestState.ERASING, "it is asked for again"
    (item,) = numbers(world, request)
    with pytest.raises(Conflict, match="answered_already"):
        leave(world, request)
    tick(world, request, item)
    confirm(world, request, item)
    world.work()
    assert world.state(request) is RequestState.CLOSED
    assert world.request(request).outcome is Outcome.ERASED


def test_a_sign_off_without_looking_needs_a_reason(world):
    request = approved(world, NOTE)
    (item,) = numbers(world, request)
    with pytest.raises(Conflict, match="not_ticked"):
        confirm(world, request, item)
    tick(world, request, item)
    with pytest.raises(BadInput, match="reason_missing"):
        confirm(world, request, item, looked=False)
    confirm(world, request, item, looked=False, reason="the shredder's certificate is enough")
    world.work()
    assert world.state(request) is RequestState.CLOSED
    assert task_of is not None


NUMBERED = """
      - name: letter
        fields:
          - {name: number, data_categories: [system.operations], fides_meta: {primary_key: true, data_type: string}}
          - {name: text, data_categories: [user.content]}
          - name: customer_no
            data_categories: [user.unique_id]
            fides_meta: {data_type: integer, references: [{dataset: shop, field: customer.id, direction: from}]}
      - name: contract
        fields:
          - {name: number, data_categories: [system.operations], fides_meta: {primary_key: true, data_type: string}}
          - {name: text, data_categories: [user.content]}
          - {name: over_on, data_categories: [user.content]}
          - name: customer_no
            data_categories: [user.unique_id]
            fides_meta: {data_type: integer, references: [{dataset: shop, field: customer.id, direction: from}]}
person:
  collections:
    letter: {category: C17}
    contract: {category: C17, "on": over_on, facts: {contract_end: {field: over_on, null: ""}}}
"""


def test_a_shredded_letter_takes_no_contract_of_the_same_number_with_it(tmp_path):
    begin = PAPER[: PAPER.index("      - name: paper")]
    world = open_archive(tmp_path, archive=begin + NUMBERED.lstrip("\n"))
    request = approved(
        world,
        {"collection": "letter", "values": {"number": "5", "text": "a letter"}},
        {"collection": "contract", "values": {"number": "5", "text": "a contract", "over_on": "2025-03-01"}},
    )
    (item,) = numbers(world, request)
    tick(world, request, item)
    confirm(world, request, item)
    world.work()
    assert world.state(request) is RequestState.HELD
    world.clock.advance(days=1)
    with world.rt.unit() as session:
        case = session.get_one(Request, request)
        paper = bound(session, world.rt, case, open_key(session, world.rt, case.data_key_id))["archive"]
    left = []
    paper.collect({}, left.append)
    assert [found.collection for found in left] == ["contract"], "the contract is still there"
    world.close()


def test_an_erasure_ends_although_nobody_searched_a_source_that_was_left_out(tmp_path):
    world = open_archive(tmp_path, "ledger")
    request = world.open(Right.ERASURE)
    world.work()
    assert world.state(request) is RequestState.COLLECTING
    with world.rt.unit() as session:
        case = session.get_one(Request, request, with_for_update=True)
        skip_source(session, world.rt, case, "ledger", user="anna")
    world.work()
    world.approve(request)
    world.work()
    assert world.state(request) in (RequestState.HELD, RequestState.CLOSED)
    with world.rt.unit() as session:
        left = session.scalar(select(Finding).where(Finding.request_id == request, Finding.source == "ledger"))
        assert left.result is SourceResult.FAILED, "the gap stays a gap"
    world.close()


def test_a_record_that_people_do_not_find_again_stops_no_case(tmp_path):
    world = open_archive(tmp_path)
    request = approved(world, CONTRACT, NOTE)
    (item,) = numbers(world, request)
    tick(world, request, item)
    confirm(world, request, item)
    world.work()
    assert world.state(request) is RequestState.HELD
    with world.rt.unit() as session:
        case = session.get_one(Request, request, with_for_update=True)
        search = search_of(session, case, "archive")
        search.answered_digest = b"of other values"  # more is to be looked for than before
    world.clock.advance(days=2000)
    world.work()
    assert world.state(request) is RequestState.COLLECTING
    answer(world, request, none())
    world.work()
    assert world.state(request) is not RequestState.ASSESSING
    world.close()


def test_nobody_is_asked_to_look_for_nothing(world):
    found = []
    assert world.rt.connectors["archive"].collect({}, found.append) == {}
    assert found == []
