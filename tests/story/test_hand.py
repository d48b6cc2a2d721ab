"""Papers and a notebook that people search and erase, beside the demo company's systems."""

import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from models.vocabulary import Right, Role
from tests.hand.archive import LEDGER, PAPER, answer, confirm, found, leave, none, numbers, tick
from tests.story.house import ROOT, TWO, House
from workflows import views
from workflows.staffing import add_user

SHOP_FIELD = "{dataset: shop, field: customer.id, direction: from}"
DEMO_FIELD = "{dataset: asiakas, field: asiakas.asnro, direction: from}"
CONTRACTS = """      - name: contract
        fields:
          - {name: text, data_categories: [user.content], fides_meta: {data_type: string}}
          - name: number
            data_categories: [user.unique_id]
            fides_meta: {data_type: integer, references: [{dataset: asiakas, field: asiakas.asnro, direction: from}]}
          - {name: over_on, data_categories: [user.content], fides_meta: {data_type: string}}
person:
"""
RULES = """    contract: {category: C03, "on": over_on, facts: {contract_end: {field: over_on, null: ""}}}
"""
ARCHIVE = PAPER.replace("person:\n", CONTRACTS) + RULES
NOTE = {"collection": "paper", "values": {"content": "a loose note"}}
CONTRACT = {"collection": "contract", "values": {"text": "a contract", "over_on": "2026-03-01"}}
WHO = "same-name-2"


@pytest.fixture
def settle(move_in_here: Callable[..., House], tmp_path: Path) -> Callable[..., House]:
    """A function that opens the house with this source beside its systems, and the two who work at it."""

    def open_with(name: str, text: str) -> House:
        folder = tmp_path / "register"
        shutil.copytree(ROOT / "register", folder)
        text = text.replace(SHOP_FIELD, DEMO_FIELD)
        (folder / "sources" / f"{name}.yaml").write_text(text, encoding="utf-8")
        house = move_in_here(folder)
        with house.rt.unit() as session:
            for who, role in (("cleo", Role.CASEWORKER), ("anna", Role.DPO)):
                add_user(session, house.rt, who, role=role, nda_signed_on=date(2026, 1, 7))
        return house

    return open_with


def ident(house: House, reference: str) -> Any:
    with house.rt.unit() as session:
        return views.find_request(session, reference).id


def approved(house: House, *records: dict[str, Any]) -> tuple[str, Any]:
    """An erasure for which these papers were found, up to the work by hand."""
    reference = house.ask(WHO, Right.ERASURE)
    house.work()
    request = ident(house, reference)
    assert house.state(reference) == "collecting", "nobody searched yet"
    answer(house, request, found(*records))
    house.work()
    house.approve(reference, *TWO)
    house.work()
    return reference, request


def papers(house: House, reference: str) -> list[dict[str, Any]]:
    return [item for item in house.plan(reference)["items"] if item["source"] == "archive"]


def test_a_paper_contract_is_kept_with_its_date_and_a_loose_note_is_shredded_by_two(
    settle: Callable[..., House],
) -> None:
    house = settle("archive", ARCHIVE)
    reference, request = approved(house, NOTE, CONTRACT)
    (item,) = numbers(house, request)
    assert house.state(reference) == "erasing"
    (kept,) = [paper for paper in papers(house, reference) if paper["holds"]]
    assert (kept["collection"], kept["holds"], kept["until"]) == ("contract", ["H06"], "2032-02-28")
    tick(house, request, item)
    house.work()
    assert house.state(reference) == "erasing", "one person is not enough"
    confirm(house, request, item)
    house.work()
    assert house.ended(reference) == ("held", "partly_erased")
    assert house.chain_is_whole()


def test_a_notebook_with_nothing_in_it_is_an_answer_like_any_other(settle: Callable[..., House]) -> None:
    house = settle("ledger", LEDGER)
    reference = house.ask(WHO)
    house.work()
    assert house.state(reference) == "collecting"
    answer(house, ident(house, reference), none(["ledger"]), source="ledger")
    house.work()
    assert house.ended(reference) == ("closed", "delivered")
    assert {s["source"]: s["result"] for s in house.show(reference)["sources"]}["ledger"] == "none"


def test_a_paper_nobody_got_to_is_told_as_not_done(settle: Callable[..., House]) -> None:
    house = settle("archive", ARCHIVE)
    reference, request = approved(house, NOTE, {**NOTE, "values": {"content": "another"}})
    first, second = numbers(house, request)
    tick(house, request, first)
    confirm(house, request, first)
    leave(house, request)
    house.work()
    assert house.ended(reference) == ("held", "partly_erased")
    house.clock.advance(days=2)
    house.work()
    assert house.state(reference) == "erasing", "it is asked for again"
    assert numbers(house, request) == [second]
    assert house.chain_is_whole()
