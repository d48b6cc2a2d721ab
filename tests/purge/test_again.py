"""Our own database was put back to an earlier day: what was let go of since goes again, by the audit record alone."""

import json
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from models.audit import AuditEntry
from models.erasure import Tombstone
from models.request import DataKey, Request
from models.vocabulary import RequestState, Right
from tests.world import BOB, JANE, World, open_world, prepare
from workers.commands.audit import _plain
from workflows.audit import broken_links
from workflows.casefile import open_claim, open_key
from workflows.errors import BadInput, NeverAgain
from workflows.purge.again import do_again
from workflows.purge.run import purge
from workflows.tombstones import Recogniser, forget_tombstones

#: Years go by night for night.
pytestmark = pytest.mark.slow


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """The shop on SQLite, whose database file can be put aside and put back."""
    made = open_world(prepare(tmp_path))
    yield made
    made.close()


def erase(world: World, who: str) -> None:
    ident = world.open(Right.ERASURE, who)
    world.work()
    world.approve(ident)
    world.work()
    assert world.state(ident) in (RequestState.CLOSED, RequestState.HELD)


def export(world: World) -> list[str]:
    """As `vastine audit export` writes it."""
    with world.rt.unit() as session:
        entries = session.scalars(select(AuditEntry).order_by(AuditEntry.chain, AuditEntry.n))
        return [json.dumps(_plain(entry)) for entry in entries]


def put_aside(world: World, folder: Path) -> None:
    source, copy = sqlite3.connect(folder / "vastine.db"), sqlite3.connect(folder / "aside.db")
    source.backup(copy)
    source.close()
    copy.close()


def put_back(world: World, folder: Path) -> None:
    world.rt.sessions.kw["bind"].dispose()
    for leftover in folder.glob("vastine.db-*"):
        leftover.unlink()
    shutil.copy(folder / "aside.db", folder / "vastine.db")


def test_keys_that_were_destroyed_since_the_copy_are_destroyed_again(world: World, tmp_path: Path) -> None:
    erase(world, JANE)
    put_aside(world, tmp_path)
    for _ in range(373):
        world.clock.advance(days=1)
        purge(world.rt)
    lines = export(world)
    put_back(world, tmp_path)
    with world.rt.unit() as session:
        request = session.scalars(select(Request)).one()
        assert open_claim(open_key(session, world.rt, request.data_key_id), request).identifiers
    assert do_again(world.rt, lines, dry_run=True).keys >= 1
    assert do_again(world.rt, lines).keys >= 1
    with world.rt.unit() as session:
        request = session.scalars(select(Request)).one()
        assert request.claim_sealed == b""
        with pytest.raises(NeverAgain):
            open_key(session, world.rt, request.data_key_id)
        assert not session.scalars(select(DataKey.id).where(DataKey.wrapped.is_not(None))).all()
        assert list(broken_links(session)) == []
    assert do_again(world.rt, lines).keys == 0


def test_erasures_since_the_copy_are_known_again(world: World, tmp_path: Path) -> None:
    put_aside(world, tmp_path)
    erase(world, JANE)
    with world.rt.unit() as session:
        before = {(t.source, t.collection, t.kind, t.digest, t.erased_at) for t in session.scalars(select(Tombstone))}
    lines = export(world)
    put_back(world, tmp_path)
    assert do_again(world.rt, lines).tombstones == len(before) > 0
    with world.rt.unit() as session:
        after = {(t.source, t.collection, t.kind, t.digest, t.erased_at) for t in session.scalars(select(Tombstone))}
    assert after == before
    assert do_again(world.rt, lines).tombstones == 0


@pytest.mark.parametrize("what", ["facts", "order", "gap", "no json"])
def test_an_export_that_is_not_as_it_was_written_is_not_believed(world: World, what: str) -> None:
    erase(world, BOB)
    lines = export(world)
    stone = next(n for n, line in enumerate(lines) if "tombstone:set" in line)
    if what == "facts":
        lines[stone] = lines[stone].replace('"source": "billing"', '"source": "another"').replace("shop", "shoq")
    elif what == "order":
        lines[stone], lines[stone - 1] = lines[stone - 1], lines[stone]
    elif what == "gap":
        del lines[stone - 1]
    else:
        lines[stone] = lines[stone][:-5]
    with world.rt.unit() as session:
        count = len(session.scalars(select(Tombstone.id)).all())
    with pytest.raises(BadInput):
        do_again(world.rt, lines)
    with world.rt.unit() as session:
        assert len(session.scalars(select(Tombstone.id)).all()) == count


def test_tombstones_are_kept_for_the_copies_and_a_month_and_then_forgotten(world: World) -> None:
    erase(world, JANE)
    world.clock.advance(days=65)
    with world.rt.unit() as session:
        assert forget_tombstones(session, world.rt.today()) == 0
    world.clock.advance(days=1)
    with world.rt.unit() as session:
        assert forget_tombstones(session, world.rt.today()) > 0


def test_a_new_master_key_changes_no_digest_and_purposes_never_meet(world: World) -> None:
    made = Recogniser(world.rt.vault, "shop")
    before = made.locator("orders", {"id": 1})
    world.rt.vault.rotate()  # type: ignore[attr-defined]
    assert made.locator("orders", {"id": 1}) == before
    others = {
        Recogniser(world.rt.vault, "billing").locator("orders", {"id": 1}),
        made.locator("order", {"id": 1}),
        made.identifier("orders", '{"id":1}'),
        made.content('orders:{"id":1}'),
        before,
    }
    assert len(others) == 5
    assert made.identifier("email", " JANE@shop.example") == made.identifier("email", JANE)
