"""The small controller with a paper archive and a system that people search, and what these people do."""

import uuid
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any, Protocol

from sqlalchemy import select

from models.request import Request
from models.staff import HumanTask, StaffUser
from models.vocabulary import TaskState
from tests.world import World, open_world, prepare, write_register
from workflows.casefile import open_key, seeds_digest
from workflows.hand import erasing, searching
from workflows.hand.answers import draft_of
from workflows.hand.orders import items_of
from workflows.runtime import Runtime

SHELVES = ("Cellar / A", "Cellar / B")

PAPER = """
source: archive
kind: paper
label: {fi: Arkisto, sv: Arkiv, en: Archive}
connection:
  keeper: archive@shop.example
  instructions: {fi: Etsi kansiot., sv: Sök mapparna., en: Look through the folders.}
  search_terms: [name, email]
  locations:
    - {room: Cellar, cabinet: A, key_holder: Janitor}
    - {room: Cellar, cabinet: B}
dataset:
  - fides_key: archive
    collections:
      - name: paper
        fields:
          - name: customer_no
            data_categories: [user.unique_id]
            fides_meta: {data_type: integer, references: [{dataset: shop, field: customer.id, direction: from}]}
          - {name: content, data_categories: [user.content], fides_meta: {data_type: string}}
          - {name: ended_on, data_categories: [user.content]}
person:
  order: 5
  collections:
    paper: {category: C17, "on": ended_on, facts: {contract_end: {field: ended_on, null: ""}}}
"""
LEDGER = """
source: ledger
kind: manual
connection:
  keeper: Bookkeeping
  instructions: {fi: Katso vihko., sv: Se häftet., en: Look into the notebook.}
dataset:
  - fides_key: ledger
    collections:
      - name: entry
        fields:
          - {name: mail, data_categories: [user.contact.email], fides_meta: {identity: email}}
          - {name: note, data_categories: [user.content]}
person:
  collections:
    entry: {category: C17}
"""
CATEGORIES = """
- {code: C01, label: {fi: Asiakastiedot, sv: Kunduppgifter, en: Customer data}, keys: [user]}
- {code: C07, label: {fi: Laskut, sv: Fakturor, en: Invoices}, keys: [user.financial]}
- {code: C17, label: {fi: Paperit, sv: Papper, en: Paper}}
"""
HOLDS = """
- id: H06
  law: {act: 588/2013, sections: ["75 c"], gdpr: ["17(3)(b)"]}
  source: Finlex
  checked_on: 2026-01-15
  categories: {C17: all}
  trigger: 'contract_end != "" && contract_end <= today'
  until: 'add_years(add_days(contract_end, -1), 6)'
  text:
    fi: Säilytämme sopimuksen {date} asti.
    sv: Vi sparar avtalet till {date}.
    en: We keep the contract until {date}.
"""


class Place(Protocol):
    """Any process over a register with such a source."""

    rt: Runtime


def open_archive(folder: Path, *sources: str, archive: str = PAPER, **parts: Any) -> World:
    """A world with these sources beside the shop: "archive", "ledger"."""
    texts = {"archive": archive, "ledger": LEDGER}
    changes = {f"sources/{name}.yaml": texts[name] for name in sources or ("archive",)}
    changes |= {"categories.yaml": CATEGORIES, "holds.yaml": HOLDS}
    environ = prepare(folder)
    write_register(folder / "register", changes)
    world = open_world(environ, **parts)
    with world.rt.unit() as session:
        for user in session.scalars(select(StaffUser)):
            user.nda_signed_on = date(2026, 1, 7)
    return world


def task_of(world: Place, request: uuid.UUID, code: str) -> HumanTask:
    """The open task of this kind."""
    with world.rt.unit() as session:
        found = session.scalars(
            select(HumanTask).where(
                HumanTask.request_id == request, HumanTask.code == code, HumanTask.state == TaskState.OPEN
            )
        ).all()
    assert len(found) == 1, [task.key for task in found]
    return found[0]


def answer(world: Place, request: uuid.UUID, given: Mapping[str, Any], *, source: str = "archive") -> None:
    """Cleo searched, and this is what she found."""
    task = task_of(world, request, searching.SEARCH)
    with world.rt.unit() as session:
        case = session.get_one(Request, request, with_for_update=True)
        key = open_key(session, world.rt, case.data_key_id)
        search = searching.search_of(session, case, source)
        assert search is not None
        seeds = searching.current_seeds(session, world.rt, case, key, source=source)
        searching.answer(
            session,
            world.rt,
            case,
            session.get_one(HumanTask, task.id),
            draft=draft_of(world.rt.register.sources[source], given, searching.draft_of(search, key)),
            revision=search.revision,
            asked=seeds_digest(seeds).hex(),
            by="cleo",
        )


def found(*records: Mapping[str, Any]) -> dict[str, Any]:
    """An answer with these records, all on the first shelf unless they say otherwise."""
    return {"found": True, "records": [{"location": SHELVES[0], **record} for record in records]}


def none(places: Sequence[str] = SHELVES) -> dict[str, Any]:
    """Nothing, in these places."""
    return {"found": False, "places": list(places)}


def numbers(world: Place, request: uuid.UUID) -> list[int]:
    """The items that people are asked to erase."""
    task = task_of(world, request, "erase_by_hand")
    with world.rt.unit() as session:
        case = session.get_one(Request, request)
        key = open_key(session, world.rt, case.data_key_id)
        return [item.row.item_no for item in items_of(session, key, task)]


def tick(
    world: Place, request: uuid.UUID, item_no: int, evidence: str = "shredded", by: str = "cleo", reason: str = ""
) -> None:
    """One person does it."""
    task = task_of(world, request, "erase_by_hand")
    with world.rt.unit() as session:
        case = session.get_one(Request, request, with_for_update=True)
        held = session.get_one(HumanTask, task.id)
        erasing.tick(session, world.rt, case, held, item_no=item_no, evidence=evidence, reason=reason, by=by)


def confirm(world: Place, request: uuid.UUID, item_no: int, by: str = "anna", **more: Any) -> None:
    """Another one looks."""
    task = task_of(world, request, "erase_by_hand")
    with world.rt.unit() as session:
        case = session.get_one(Request, request, with_for_update=True)
        held = session.get_one(HumanTask, task.id)
        erasing.confirm(session, world.rt, case, held, item_no=item_no, by=by, **{"looked": True, **more})


def leave(world: Place, request: uuid.UUID, reason: str = "the keeper is away") -> None:
    """Anna answers the person although something is not done."""
    task = task_of(world, request, "erase_by_hand")
    with world.rt.unit() as session:
        case = session.get_one(Request, request, with_for_update=True)
        erasing.leave_for_later(session, world.rt, case, session.get_one(HumanTask, task.id), reason=reason, by="anna")
