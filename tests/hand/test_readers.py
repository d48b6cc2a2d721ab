"""Sources that programs may only read and that name who keeps them: people erase, and programs look."""

import sqlite3
import uuid
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from models.decision import PlanItem
from models.erasure import Receipt
from models.request import Request
from models.vocabulary import Action, Outcome, ReceiptOutcome, RequestState, Right
from tests.connectors.service import Notes
from tests.connectors.shop import dataset, field, register, source
from tests.hand.archive import confirm, leave, numbers, task_of, tick
from tests.http_source import ANNA, HttpSource, running
from tests.world import World, open_world, prepare, write_register
from workflows.casefile import open_key
from workflows.changing import rectify, restrict, unrestrict
from workflows.connectors.http import HttpConnector
from workflows.errors import NotAllowed, PersonMustLook
from workflows.exchange import ChangeItem
from workflows.hand.orders import items_of
from workflows.hand.watching import announce
from workflows.ports import EraseItem, Lead
from workflows.post import send_all
from workflows.wiring import connectors_of

LINES = b"mail;text\njane@shop.example;mine\nbob@shop.example;his\n"
SURVEY = """
source: survey
kind: csv
connection:
  url: {folder}
  pattern: "answers.csv"
  by_hand: {{keeper: keeper@shop.example, due_days: 3}}
dataset:
  - fides_key: survey
    collections:
      - name: answer
        fields:
          - name: mail
            data_categories: [user.contact.email]
            fides_meta: {{references: [{{dataset: shop, field: customer.email, direction: from}}]}}
          - {{name: text, data_categories: [user.content]}}
person:
  order: 5
  collections: {{answer: {{erase: delete}}}}
"""


@pytest.fixture
def drop(tmp_path: Path) -> "Kept":
    """What the survey tool dropped."""
    folder = tmp_path / "drop"
    folder.mkdir()
    return Kept(folder)


ONE_FILE = SURVEY.replace("kind: csv", "kind: file").replace('  pattern: "answers.csv"', '  delimiter: ";"')
ONE_FILE = ONE_FILE.replace("  url: {folder}", "  path: {folder}/answers.csv")


TABLE = SURVEY.replace("kind: csv", "kind: sql").replace('  pattern: "answers.csv"\n', "")
TABLE = TABLE.replace("  url: {folder}", '  url: "sqlite:///{folder}/answers.db"')
TABLE = TABLE.replace(
    "          - {{name: text",
    "          - {{name: id, data_categories: [system.operations], fides_meta: {{primary_key: true}}}}\n"
    "          - {{name: text",
)


class Kept:
    """What whoever keeps the survey has, whatever its kind."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._file, self._database = folder / "answers.csv", folder / "answers.db"
        self.put(LINES)

    def put(self, lines: bytes) -> None:
        self._file.write_bytes(lines)
        rows = [tuple(line.split(";")) for line in lines.decode().splitlines()[1:]]
        with closing(sqlite3.connect(self._database)) as database, database:
            database.execute("DROP TABLE IF EXISTS answer")
            database.execute("CREATE TABLE answer (id INTEGER PRIMARY KEY, mail TEXT, text TEXT)")
            rows = [(len(text), mail, text) for mail, text in rows]  # the same row has the same key again
            database.executemany("INSERT INTO answer VALUES (?, ?, ?)", rows)

    def lines(self) -> list[bytes]:
        """As a file, and as a table, has them."""
        with closing(sqlite3.connect(self._database)) as database:
            rows = database.execute("SELECT mail, text FROM answer ORDER BY id DESC").fetchall()
        return [self._file.read_bytes(), b"mail;text\n" + "".join(f"{m};{t}\n" for m, t in rows).encode()]


@pytest.fixture(params=[SURVEY, ONE_FILE, TABLE], ids=["csv", "file", "sql"])
def world(tmp_path: Path, drop: Kept, request: pytest.FixtureRequest) -> Iterator[World]:
    environ = prepare(tmp_path / "world")
    write_register(tmp_path / "world" / "register", {"sources/survey.yaml": request.param.format(folder=drop.folder)})
    made = open_world(environ)
    yield made
    made.close()


def erasing(world: World) -> uuid.UUID:
    """Jane's erasure, approved, as far as programs get with it."""
    request = world.open(Right.ERASURE)
    world.work()
    world.approve(request)
    world.work()
    assert world.state(request) is RequestState.ERASING
    return request


def receipts(world: World) -> list[str]:
    """What became of the survey's records."""
    with world.rt.unit() as session:
        mine = (PlanItem.plan_id == Receipt.plan_id) & (PlanItem.item_no == Receipt.item_no)
        rows = session.scalars(select(Receipt).join(PlanItem, mine).where(PlanItem.source == "survey")).all()
        return [row.outcome.value for row in rows]


def test_two_people_erase_what_a_program_may_only_read(world: World, drop: Kept) -> None:
    request = erasing(world)
    task = task_of(world, request, "erase_by_hand")
    assert (task.facts["source"], task.facts["items"]) == ("survey", 1)
    with world.rt.unit() as session:
        key = open_key(session, world.rt, session.get_one(Request, request).data_key_id)
        (item,) = items_of(session, key, task)
    assert item.action is Action.DELETE
    (number,) = numbers(world, request)
    tick(world, request, number, "deleted")
    with pytest.raises(NotAllowed, match="same_person"):
        confirm(world, request, number, by="cleo")
    drop.put(LINES.replace(b"jane@shop.example;mine\n", b""))
    confirm(world, request, number)
    world.work()
    assert world.state(request) is RequestState.CLOSED
    assert world.request(request).outcome is Outcome.ERASED
    assert receipts(world) == ["erased"]
    assert drop.lines() == [b"mail;text\nbob@shop.example;his\n"] * 2


def test_what_the_source_still_shows_is_never_called_erased(world: World, drop: Kept) -> None:
    request = erasing(world)
    (number,) = numbers(world, request)
    tick(world, request, number, "deleted")
    confirm(world, request, number)
    world.work()
    assert world.state(request) is RequestState.ERASING
    assert receipts(world) == []
    drop.put(LINES.replace(b"jane@shop.example;mine\n", b""))
    world.clock.advance(hours=7)
    world.work()
    assert world.state(request) is RequestState.CLOSED
    assert receipts(world) == ["erased"]


def test_a_line_nobody_got_to_is_told_as_not_done(world: World, drop: Kept) -> None:
    request = erasing(world)
    leave(world, request)
    world.work()
    assert world.request(request).outcome is Outcome.PARTLY_ERASED
    assert drop.lines() == [LINES] * 2


def test_the_keeper_hears_of_the_work(world: World) -> None:
    erasing(world)
    announce(world.rt)
    send_all(world.rt)
    assert [m.to for m in world.mailer.sent if m.to.startswith("keeper")] == ["keeper@shop.example"]


def reader(at: HttpSource, **connection: Any) -> HttpConnector:
    """A service that is only read."""
    calls = {
        "find": [{"path": "/tickets?requester={identity:email}", "records": "items", "page": {"link_header": True}}]
    }
    said = {
        "base_url": at.url,
        "health": "/health",
        "allow_private": ["127.0.0.1"],
        "collections": {"tickets": {**calls, "one": {"path": "/tickets/{id}"}}},
        **connection,
    }
    fields = [
        field("id", "system.operations", primary_key=True),
        {"name": "requester", "fields": [field("email", "user.contact.email", identity="email")]},
    ]
    spec = source("service", dataset({"tickets": fields}, key="service"), kind="http", connection=said)
    connector = HttpConnector(spec, register=register(spec), environ={})
    connector._marks = Notes()
    return connector


def test_a_service_that_is_only_read_previews_what_people_are_to_do() -> None:
    with running() as service:
        by_people = reader(service, by_hand={"keeper": "Desk"})
        items: list[Any] = []
        by_people.collect({"identity:email": [Lead(ANNA)]}, items.append)
        plan = [EraseItem(n, i.collection, i.locator, Action.DELETE, (), i.digest) for n, i in enumerate(items)]
        assert by_people.guarantee == "D"
        assert [p.refused for p in by_people.preview(plan)] == [""] * 3
        assert [p.refused for p in reader(service).preview(plan)] == ["by_hand"] * 3
        del service.data["tickets"][0]
        assert [p.refused for p in by_people.preview(plan)] == ["absent", "", ""]
        told = [d.outcome for d in by_people.call_off("op", 1, plan)]
        assert told == [ReceiptOutcome.ABSENT, ReceiptOutcome.KEPT, ReceiptOutcome.KEPT]
        assert service.made("DELETE") == []


def test_a_database_that_people_erase_in_is_never_written_to(tmp_path: Path) -> None:
    """Whatever it is asked: it may be a replica, or a user who may only read."""
    drop = Kept(tmp_path)
    connection = {"url": f"sqlite:///{tmp_path}/answers.db", "by_hand": {"keeper": "Desk"}}
    fields = [field("id", primary_key=True), field("mail", "user.contact.email", identity="email"), field("text")]
    spec = source("survey", dataset({"answer": fields}, key="survey"), kind="sql", connection=connection)
    connector = connectors_of(register(spec), {})["survey"]
    items: list[Any] = []
    connector.collect({"identity:email": [Lead("jane@shop.example")]}, items.append)
    (found,) = items
    plan = [EraseItem(0, found.collection, found.locator, Action.DELETE, (), found.digest)]
    assert connector.guarantee == "D"
    assert [p.refused for p in connector.preview(plan)] == [""]
    assert [p.refused for p in connector.preview([replace(plan[0], action=Action.ANONYMISE)])] != [""]
    with pytest.raises(PersonMustLook, match="by_hand"):
        connector.erase("op", 1, plan)
    assert [d.outcome for d in connector.call_off("op", 1, plan)] == [ReceiptOutcome.KEPT]
    change = ChangeItem(0, found.collection, found.locator, found.digest, {"text": "another"})
    for what, code in ((restrict, "restrict_by_hand"), (unrestrict, "restrict_by_hand"), (rectify, "rectify_by_hand")):
        with pytest.raises(PersonMustLook, match=code):
            what(connector, "op", 1, items=[change])
    assert drop.lines() == [LINES] * 2
    lost = [replace(plan[0], collection="visit")]
    assert [d.outcome for d in connector.call_off("op", 1, lost)] == [ReceiptOutcome.KEPT]
    drop.put(LINES.replace(b"jane@shop.example;mine\n", b""))
    assert [d.outcome for d in connector.erase("op", 1, plan)] == [ReceiptOutcome.ABSENT]
