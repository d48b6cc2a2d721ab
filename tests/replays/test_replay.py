"""What was erased and came back is erased again, and nobody else loses anything."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from models.audit import AuditEntry
from models.decision import Plan, PlanItem
from models.delivery import Artifact
from models.erasure import Replay, Tombstone, TombstoneKind
from models.request import Request
from models.staff import HumanTask
from models.vocabulary import Belongs, RequestState, Right, TaskState
from tests.world import JANE, World, fill_source, open_world, prepare, write_register
from workflows.audit import broken_links
from workflows.belonging import Said, candidates_of, say, where_they_lie
from workflows.casefile import open_key
from workflows.errors import Conflict, NotAllowed, NotFound
from workflows.human import close_task
from workflows.manual_holds import Placing, place
from workflows.replays.opening import Opened, close_those_through, open_replays, replay
from workflows.views import find_request

SHOP = """
source: shop
kind: sql
connection: {url: {env: SHOP_URL}}
dataset:
  - fides_key: shop
    collections:
      - name: customer
        fides_meta: {masking_strategy_override: {strategy: delete}}
        fields:
          - {name: id, data_categories: [user.unique_id], fides_meta: {primary_key: true, data_type: integer}}
          - {name: email, data_categories: [user.contact.email], fides_meta: {identity: email, data_type: string}}
          - {name: name, data_categories: [user.name], fides_meta: {data_type: string}}
          - {name: created_at, data_categories: [system.operations], fides_meta: {data_type: string}}
      - name: orders
        fides_meta: {masking_strategy_override: {strategy: delete}}
        fields:
          - {name: id, data_categories: [system.operations], fides_meta: {primary_key: true, data_type: integer}}
          - name: customer_id
            data_categories: [user.unique_id]
            fides_meta: {data_type: integer, references: [{dataset: shop, field: customer.id, direction: from}]}
          - {name: note, data_categories: [user.content], fides_meta: {data_type: string}}
          - {name: created_at, data_categories: [system.operations], fides_meta: {data_type: string}}
person:
  collections:
    customer: {created: created_at}
    orders: {created: created_at}
"""
DATES = """
ALTER TABLE customer ADD COLUMN created_at VARCHAR(40);
ALTER TABLE orders ADD COLUMN created_at VARCHAR(40);
UPDATE customer SET created_at = '2024-01-05';
UPDATE orders SET created_at = '2025-01-05'
"""
SINCE = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture
def world(tmp_path: Path, database_url: str) -> Iterator[World]:
    """The shop, whose records say since when they are there, and an erasure of Jane's that is done."""
    files = {name: f"sqlite:///{tmp_path / name}.db" for name in ("shop", "billing")}
    environ = prepare(tmp_path, database_url=database_url, source_urls=files)
    write_register(tmp_path / "register", {"sources/shop.yaml": SHOP})
    fill_source(environ["SHOP_URL"], DATES)
    made = open_world(environ)
    yield made
    made.close()


def dump(world: World) -> dict[str, list[tuple[Any, ...]]]:
    """Every record of both sources."""
    return {
        f"{source}.{table}": world.rows(source, table)
        for source, table in (("shop", "customer"), ("shop", "orders"), ("billing", "invoice"))
    }


def put(world: World, table: str, rows: list[tuple[Any, ...]], source: str = "shop") -> None:
    """As a backup that is put back would."""
    for row in rows:
        values = ", ".join("NULL" if v is None else f"'{v}'" for v in row)
        world.execute(source, f"INSERT INTO {table} VALUES ({values})")


def erased(world: World, who: str = JANE) -> dict[str, list[tuple[Any, ...]]]:
    """Erase a person; how everything looked before."""
    before = dump(world)
    ident = world.open(Right.ERASURE, who)
    world.work()
    world.approve(ident)
    world.work()
    assert world.state(ident) in (RequestState.CLOSED, RequestState.HELD)
    return before


def restore(world: World, before: dict[str, list[tuple[Any, ...]]]) -> None:
    """The shop is what it was before."""
    now = dump(world)
    put(world, "customer", [row for row in before["shop.customer"] if row not in now["shop.customer"]])
    put(world, "orders", [row for row in before["shop.orders"] if row not in now["shop.orders"]])


def say_mine(world: World, reference: str) -> None:
    """A member of staff says of each doubtful record that it is the person's, the old ones and the new."""
    with world.rt.unit() as session:
        request = find_request(session, reference, lock=True)
        blobs, key = where_they_lie(session, request), open_key(session, world.rt, request.data_key_id)
        said = [
            Said(candidate.mark, Belongs.MINE, "the same person")
            for candidate in candidates_of(world.rt, request, key, blobs=blobs, verdicts={})
        ]
        if said:
            say(session, world.rt, request, user="cleo", said=said)
    world.work()


def carried_out(world: World, opened: Opened, *users: str) -> None:
    """The cases of a replay are worked, approved by one person each, and worked to their ends."""
    world.work()
    for reference in opened.references:
        with world.rt.unit() as session:
            ident = find_request(session, reference).id
        say_mine(world, reference)
        world.approve(ident, *(users or ("anna",)))
    world.work()
    close_those_through(world.rt)


def test_an_erasure_leaves_digests_and_nothing_that_can_be_read(world: World) -> None:
    erased(world)
    with world.rt.unit() as session:
        stones = session.scalars(select(Tombstone)).all()
        told = str([entry.facts for entry in session.scalars(select(AuditEntry))])
    kinds = [(stone.source, stone.collection, stone.kind) for stone in stones]
    assert kinds.count(("shop", "orders", TombstoneKind.LOCATOR)) == 2
    assert kinds.count(("shop", "customer", TombstoneKind.IDENTIFIER)) == 1
    assert JANE not in told
    assert len({stone.digest for stone in stones}) == len(stones)


def test_what_a_backup_brought_back_goes_again_and_the_source_is_as_it_was_after_the_erasure(world: World) -> None:
    before = erased(world)
    after, mails = dump(world), len(world.mailer.sent)
    restore(world, before)
    assert dump(world)["shop.customer"] == before["shop.customer"]
    opened = replay(world.rt, "shop", SINCE, user="cleo")
    assert len(opened.references) == 1
    with world.rt.unit() as session:
        assert open_replays(session) == {"shop"}
    carried_out(world, opened)
    assert dump(world) == after
    with world.rt.unit() as session:
        assert open_replays(session) == set()
        assert list(broken_links(session)) == []
    assert len(world.mailer.sent) == mails


def test_a_dry_run_counts_and_opens_nothing(world: World) -> None:
    restore(world, erased(world))
    seen = replay(world.rt, "shop", SINCE, user="", dry_run=True).seen
    assert (seen.scanned, len(seen.hits), seen.younger) == (7, 3, 0)
    with world.rt.unit() as session:
        assert session.scalars(select(Replay)).all() == []


def test_who_came_back_as_a_customer_keeps_the_new_account(world: World) -> None:
    before = erased(world)
    put(world, "customer", [(9, JANE, "Jane again", "2026-03-20")])
    put(world, "orders", [(90, 9, "new", "2026-03-21")])
    after = dump(world)
    restore(world, before)
    world.clock.advance(days=30)
    opened = replay(world.rt, "shop", SINCE, user="cleo")
    assert opened.seen.younger == 1
    carried_out(world, opened)
    assert dump(world) == after


def test_a_feed_that_brings_a_person_back_under_another_number_is_recognised_by_what_names_them(world: World) -> None:
    erased(world)
    after = dump(world)
    put(world, "customer", [(77, "JANE@shop.example", "J", "2023-05-05")])
    opened = replay(world.rt, "shop", SINCE, user="cleo")
    assert [hit.row.locator for hit in opened.seen.hits] == [{"id": 77}]
    carried_out(world, opened)
    assert dump(world) == after


def test_records_without_a_day_are_left_to_a_person(world: World) -> None:
    before = erased(world)
    after = dump(world)
    restore(world, before)
    world.execute("shop", "UPDATE orders SET created_at = NULL WHERE customer_id = 1")
    world.execute("shop", "UPDATE customer SET created_at = NULL WHERE id = 1")
    opened = replay(world.rt, "shop", SINCE, user="cleo")
    assert (opened.seen.undated, opened.references) == (3, ())
    assert dump(world)["shop.orders"][0][1] == 1
    with world.rt.unit() as session:
        assert open_replays(session) == {"shop"}
        task = session.scalars(select(HumanTask).where(HumanTask.state == TaskState.OPEN)).one()
        assert (task.code, task.facts["undated"]) == ("replay_rest", 3)
        close_task(session, world.rt, task, by="anna", answer="done")
    close_those_through(world.rt)
    again = replay(world.rt, "shop", SINCE, user="anna", undated=True)
    carried_out(world, again)
    assert [row[:2] for row in dump(world)["shop.orders"]] == [row[:2] for row in after["shop.orders"]]


def test_a_record_without_a_day_stays_though_others_of_the_person_go(world: World) -> None:
    restore(world, erased(world))
    world.execute("shop", "UPDATE orders SET created_at = NULL WHERE id = 2")
    opened = replay(world.rt, "shop", SINCE, user="cleo")
    carried_out(world, opened)
    assert [row[0] for row in dump(world)["shop.orders"]] == [2, 3, 4]


def test_the_very_day_of_the_erasure_is_no_proof_of_age(world: World) -> None:
    before = erased(world)
    restore(world, before)
    world.execute("shop", "UPDATE customer SET created_at = '2026-03-02' WHERE id = 1")
    world.execute("shop", "DELETE FROM orders WHERE customer_id = 1")
    assert replay(world.rt, "shop", SINCE, user="", dry_run=True).seen.undated == 1


def test_an_erasure_before_the_instant_is_not_done_again(world: World) -> None:
    restore(world, erased(world))
    seen = replay(world.rt, "shop", world.rt.now() + timedelta(hours=1), user="", dry_run=True).seen
    assert seen.hits == []


def test_records_of_others_and_of_other_sources_are_in_no_plan_but_to_stay(world: World) -> None:
    before = erased(world)
    put(world, "invoice", [row for row in before["billing.invoice"] if row[1] == 1], source="billing")
    restore(world, before)
    opened = replay(world.rt, "shop", SINCE, user="cleo")
    world.work()
    with world.rt.unit() as session:
        ident = find_request(session, opened.references[0]).id
        mine = select(PlanItem).join(Plan, Plan.id == PlanItem.plan_id).where(Plan.request_id == ident)
        planned = {(item.source, item.action.value, item.reason) for item in session.scalars(mine)}
    assert ("billing", "keep", "not_replayed") in planned
    assert {action for source, action, _ in planned if source == "shop"} == {"delete"}
    world.approve(ident, "ben")
    world.work()
    assert dump(world)["billing.invoice"] == before["billing.invoice"]
    assert [row for row in dump(world)["shop.orders"] if row[1] == 2] == before["shop.orders"][2:]


def test_a_hold_that_began_since_keeps_what_came_back(world: World) -> None:
    before = erased(world)
    restore(world, before)
    opened = replay(world.rt, "shop", SINCE, user="cleo")
    world.work()
    with world.rt.unit() as session:
        request = find_request(session, opened.references[0], lock=True)
        placing = Placing(rule="H99", reason="dispute", until=world.rt.today() + timedelta(days=90))
        place(session, world.rt, request, placing, user="anna")
        ident = request.id
    world.work()
    world.approve(ident, "ben")
    world.work()
    assert dump(world)["shop.customer"] == before["shop.customer"]
    assert world.state(ident) is RequestState.HELD


def test_one_person_approves_what_two_approved_before(world: World) -> None:
    restore(world, erased(world))
    opened = replay(world.rt, "shop", SINCE, user="cleo")
    world.work()
    with world.rt.unit() as session:
        request = find_request(session, opened.references[0])
        ident = request.id
    world.approve(ident, "ben")
    assert world.state(ident) is RequestState.ERASING


def test_a_replay_needs_somebody_who_may_and_waits_for_the_one_before(world: World) -> None:
    restore(world, erased(world))
    with pytest.raises(NotAllowed):
        replay(world.rt, "shop", SINCE, user="nobody")
    with pytest.raises(NotFound):
        replay(world.rt, "shelf", SINCE, user="anna")
    replay(world.rt, "shop", SINCE, user="anna")
    with pytest.raises(Conflict):
        replay(world.rt, "shop", SINCE, user="anna")


def test_a_masked_record_is_recognised_by_what_it_says_again(tmp_path: Path) -> None:
    environ = prepare(tmp_path)
    text = SHOP.replace("        fides_meta: {masking_strategy_override: {strategy: delete}}\n", "", 1)
    write_register(tmp_path / "register", {"sources/shop.yaml": text})
    fill_source(environ["SHOP_URL"], DATES)
    world = open_world(environ)
    try:
        erased(world)
        after = dump(world)
        assert not replay(world.rt, "shop", SINCE, user="", dry_run=True).seen.hits
        world.execute("shop", f"UPDATE customer SET email = '{JANE}', name = 'Jane' WHERE id = 1")
        opened = replay(world.rt, "shop", SINCE, user="cleo")
        assert [hit.row.collection for hit in opened.seen.hits] == ["customer"]
        carried_out(world, opened)
        assert dump(world) == after
    finally:
        world.close()


def test_the_case_of_a_replay_belongs_to_nobody_who_asked(world: World) -> None:
    restore(world, erased(world))
    opened = replay(world.rt, "shop", SINCE, user="cleo")
    carried_out(world, opened)
    with world.rt.unit() as session:
        request = session.scalars(select(Request).where(Request.reference == opened.references[0])).one()
        assert request.replay_id == opened.replay_id
        assert request.state is RequestState.CLOSED
        assert not session.scalars(select(Artifact.name).where(Artifact.request_id == request.id)).all()
