"""A search that is cut short goes on where it stopped: no record twice, none missing, little asked again."""

import json
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, BinaryIO

import pytest
from sqlalchemy import select

from models.collection import Finding
from models.request import Request
from models.step import Step
from models.vocabulary import Kind
from tests.world import World, make_world, open_world, prepare, write_register
from workflows import answering, engine, findings, news, sweeps
from workflows.answering import Answering
from workflows.casefile import leads_of, open_key, seal_leads
from workflows.connectors import sql_leaves, sql_lookup
from workflows.ports import RequestKey
from workflows.rules.item_lines import Batch
from workflows.rules.items import Item
from workflows.stages import collection

ORDERS = 3_000
PART = 500


class Killed(BaseException):
    """The process is gone; nothing is caught, nothing put in order."""


class Deaths:
    """Counts the items of each attempt, and ends one after so many."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.added = 0
        self.after: int | None = None
        self.of = "orders"
        real = Answering.add

        def add(answer: Answering, item: Item) -> None:
            if self.added == self.after:
                raise Killed
            self.added += item.collection == self.of
            real(answer, item)

        monkeypatch.setattr(Answering, "add", add)
        batched = Answering.take

        def take(answer: Answering, batch: Batch) -> None:
            if self.after is not None and self.added + batch.count > self.after:
                raise Killed
            self.added += batch.count if batch.collection == self.of else 0
            batched(answer, batch)

        monkeypatch.setattr(Answering, "take", take)


@pytest.fixture
def deaths(monkeypatch: pytest.MonkeyPatch) -> Deaths:
    monkeypatch.setattr(answering, "PART_ITEMS", PART)
    monkeypatch.setattr(sql_lookup, "ROWS", 100)
    return Deaths(monkeypatch)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Jane has thousands of orders."""
    made = make_world(tmp_path)
    numbers = f"WITH RECURSIVE n(i) AS (SELECT 10 UNION ALL SELECT i + 1 FROM n WHERE i < {ORDERS + 9})"
    made.execute("shop", "DELETE FROM orders")
    made.execute("shop", f"INSERT INTO orders {numbers} SELECT i, 1, 'order ' || i FROM n")
    yield made
    made.close()


def begin(world: World) -> None:
    """A request whose next step is the search in the shop."""
    world.open()
    while True:
        with world.rt.unit() as session:
            if session.scalar(select(Step.id).where(Step.kind == Kind.COLLECT, Step.source == "shop")):
                return
        claimed = engine.claim(world.rt, ("verify",))
        assert claimed is not None
        engine.run(world.rt, claimed)


def attempt(world: World, deaths: Deaths, *, after: int | None, source: str = "shop") -> int:
    """One process's attempt; how many records it wrote down."""
    deaths.added, deaths.after = 0, after
    claimed = engine.claim(world.rt, ("collect",))
    assert claimed is not None
    assert claimed.lease.source == source
    try:
        engine.run(world.rt, claimed, ("collect",) if after is None else ())
    except Killed:
        world.clock.advance(seconds=61)
        sweeps.expired_leases(world.rt)
        world.clock.advance(seconds=3600)
    return deaths.added


def orders(world: World) -> list[int]:
    """The numbers of the orders in the answer, in its order."""
    with world.rt.unit() as session:
        finding = session.scalars(select(Finding).where(Finding.source == "shop")).one()
        request = session.get_one(Request, finding.request_id)
        key = open_key(session, world.rt, request.data_key_id)
        found = [i for i in findings.read_items(world.rt, key, finding.blob) if i.collection == "orders"]
        assert finding.items == len(found) + 1
        assert finding.counts["orders"] == len(found)
        assert finding.ownerships == {"own": len(found) + 1}
    return [int(i.locator["id"]) for i in found]


def parts(world: World) -> list[str]:
    return [n for n in world.rt.blobs.names() if ".cut." in n]


def test_a_search_that_was_killed_goes_on_where_it_stopped(world: World, deaths: Deaths) -> None:
    begin(world)
    assert attempt(world, deaths, after=1_790) == 1_700
    assert len(parts(world)) == 6
    assert attempt(world, deaths, after=400) == 400
    assert attempt(world, deaths, after=None) == ORDERS - 1_500
    assert sorted(orders(world)) == list(range(10, ORDERS + 10))
    assert parts(world) == []


def test_of_many_records_an_agent_gets_only_those_of_the_mandate(
    world: World, deaths: Deaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    only = lambda item: item.collection == "customer" or odd(item)  # noqa: E731
    monkeypatch.setattr(collection, "asked_about", lambda *_, **__: only)
    begin(world)
    attempt(world, deaths, after=None)
    assert sorted(orders(world)) == list(range(11, ORDERS + 10, 2))


def test_every_one_of_many_records_that_events_may_name_is_known_by_its_name(
    world: World, deaths: Deaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    named: set[tuple[str, str]] = set()
    monkeypatch.setattr(collection, "record_keys", lambda _: {"orders": "order"})
    monkeypatch.setattr(news, "add_keys", lambda _s, _rt, _r, keys: named.update(keys))
    begin(world)
    attempt(world, deaths, after=None)
    assert {key for key in named if key[0] == "order"} == {("order", str(n)) for n in range(10, ORDERS + 10)}


def odd(item: Item) -> bool:
    return int(item.locator["id"]) % 2 == 1


def test_what_was_kept_too_long_ago_is_read_anew(world: World, deaths: Deaths) -> None:
    begin(world)
    attempt(world, deaths, after=1_790)
    world.clock.advance(seconds=86_400)
    assert attempt(world, deaths, after=None) == ORDERS
    assert sorted(orders(world)) == list(range(10, ORDERS + 10))


def test_what_was_kept_of_another_search_is_read_anew(
    world: World, deaths: Deaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin(world)
    attempt(world, deaths, after=1_790)
    real = sql_leaves._mark
    monkeypatch.setattr(sql_leaves, "_mark", lambda *a: [*real(*a), "more values lead there now"])
    assert attempt(world, deaths, after=None) == ORDERS
    assert sorted(orders(world)) == list(range(10, ORDERS + 10))
    assert parts(world) == []


LETTER = """      - name: letter
        fides_meta: {masking_strategy_override: {strategy: delete}}
        fields:
          - {name: id, data_categories: [system.operations], fides_meta: {primary_key: true, data_type: integer}}
          - name: customer_no
            data_categories: [user.unique_id]
            fides_meta: {data_type: integer, references: [{dataset: shop, field: customer.id, direction: from}]}
person:
"""


def letters_world(folder: Path) -> World:
    """Billing wrote Jane thousands of letters."""
    environ = prepare(folder)
    billing = folder / "register/sources/billing.yaml"
    text = billing.read_text(encoding="utf-8").replace("person:\n", LETTER)
    write_register(folder / "register", {"sources/billing.yaml": text})
    made = open_world(environ)
    numbers = f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {ORDERS})"
    made.execute("billing", "CREATE TABLE letter (id INTEGER PRIMARY KEY, customer_no INTEGER NOT NULL)")
    made.execute("billing", f"INSERT INTO letter {numbers} SELECT i, 1 FROM n")
    return made


@pytest.mark.parametrize("told", ["another holder", "another register"])
def test_what_was_told_meanwhile_is_told_of_every_record(tmp_path: Path, deaths: Deaths, told: str) -> None:
    world = letters_world(tmp_path)
    begin(world)
    shop = engine.claim(world.rt, ("collect",))
    assert shop is not None
    engine.run(world.rt, shop)
    deaths.of = "letter"
    assert attempt(world, deaths, after=1_790, source="billing") == 1_700
    assert len(parts(world)) == 6
    if told == "another holder":
        with world.rt.unit() as session:
            finding = session.scalars(select(Finding).where(Finding.source == "shop")).one()
            key = open_key(session, world.rt, session.get_one(Request, finding.request_id).data_key_id)
            leads = dict(leads_of(key, finding.request_id, finding))
            (customer,) = leads
            leads[f"joint:{customer}"] = leads[customer]
            finding.leads_sealed = seal_leads(key, finding.request_id, "shop", leads)
    else:
        changed = world.rt.register.model_copy(update={"digest": "0" * 64})
        world.rt = replace(world.rt, register=changed)
    assert attempt(world, deaths, after=None, source="billing") == ORDERS
    with world.rt.unit() as session:
        finding = session.scalars(select(Finding).where(Finding.source == "billing")).one()
        assert finding.ownerships == {"shared" if told == "another holder" else "own": ORDERS + 2}
    assert parts(world) == []
    world.close()


def test_parts_that_a_slower_worker_forgets_in_this_moment_are_read_anew(
    world: World, deaths: Deaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin(world)
    attempt(world, deaths, after=1_790)
    real = world.rt.blobs.read

    def read(store: object, name: str, key: RequestKey) -> AbstractContextManager[BinaryIO]:
        if name.endswith(".at"):
            for part in parts(world):
                world.rt.blobs.delete(part)
        return real(name, key)

    monkeypatch.setattr(type(world.rt.blobs), "read", read)
    assert attempt(world, deaths, after=None) == ORDERS
    assert sorted(orders(world)) == list(range(10, ORDERS + 10))


def test_an_answer_that_is_settled_while_the_night_sweeps_stays(
    world: World, deaths: Deaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin(world)
    real = world.rt.blobs.names

    def names(store: object, **asked: Any) -> Iterator[str]:
        monkeypatch.undo()
        deaths.after = None
        shop = engine.claim(world.rt, ("collect",))
        assert shop is not None
        engine.run(world.rt, shop)
        for path in blobs_of(world):
            age(world, path, timedelta(days=2))  # as if its last words had long been written
        yield from real(**asked)

    monkeypatch.setattr(type(world.rt.blobs), "names", names)
    sweeps.orphan_blobs(world.rt)
    assert sorted(orders(world)) == list(range(10, ORDERS + 10))


def test_a_file_whose_row_is_on_its_way_outlives_the_night(world: World) -> None:
    begin(world)
    with world.rt.unit() as session:
        request = session.scalars(select(Request)).one()
        key = open_key(session, world.rt, request.data_key_id)
    name = f"{request.id}/attachment.1"
    with world.rt.blobs.write(name, key) as out:
        out.write(b"from the console, which is no step")
    [path] = [path for path in blobs_of(world) if path.name == "attachment.1"]
    for old, there in ((timedelta(minutes=59), True), (timedelta(minutes=61), False)):
        age(world, path, old)
        sweeps.orphan_blobs(world.rt)
        assert (name in set(world.rt.blobs.names())) is there


def blobs_of(world: World) -> list[Path]:
    folder = world.rt.blobs._folder  # type: ignore[attr-defined]
    return [path for path in folder.rglob("*") if path.is_file()]


def age(world: World, path: Path, old: timedelta) -> None:
    at = (world.rt.now() - old).timestamp()
    os.utime(path, (at, at))


def test_parts_of_two_that_overtook_each_other_do_not_mix(world: World, deaths: Deaths) -> None:
    begin(world)
    attempt(world, deaths, after=1_790)
    (first, *rest) = [n for n in parts(world) if not n.endswith(".at")]
    for name in rest:
        world.rt.blobs.delete(name)
        world.rt.blobs.delete(f"{name}.at")
    # Whoever was slower began its second part at another place.
    with world.rt.unit() as session:
        key = open_key(session, world.rt, session.scalars(select(Request)).one().data_key_id)
    with world.rt.blobs.read(first, key) as part, world.rt.blobs.read(f"{first}.at", key) as end:
        content, told = part.read(), json.loads(end.read())
    other = f"{first.rsplit('.', 2)[0]}.00001.7"
    told |= {"after": [0, 100], "place": [0, 900]}
    for name, data in ((other, content), (f"{other}.at", json.dumps(told).encode())):
        with world.rt.blobs.write(name, key) as out:
            out.write(data)
    assert attempt(world, deaths, after=None) == ORDERS - PART
    assert sorted(orders(world)) == list(range(10, ORDERS + 10))
