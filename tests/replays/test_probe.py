"""What was erased and is there again is noticed the next day."""

from pathlib import Path

import pytest
from sqlalchemy import select

from models.staff import HumanTask
from models.vocabulary import TaskState
from tests.replays.test_replay import SINCE, dump, erased, put
from tests.world import JANE, World, make_world
from workflows.human import close_task
from workflows.purge.run import purge
from workflows.replays.opening import replay
from workflows.replays.probing import probe
from workflows.sourceview import show_sources


@pytest.fixture
def shop(tmp_path: Path) -> World:
    """The shop, from whose two sources Jane was erased."""
    return make_world(tmp_path)


def tasks(world: World) -> list[HumanTask]:
    with world.rt.unit() as session:
        return list(session.scalars(select(HumanTask).where(HumanTask.code == "erased_again")))


def test_a_day_on_which_nothing_came_back_asks_nobody(shop: World) -> None:
    erased(shop)
    assert probe(shop.rt) == {}
    assert tasks(shop) == []


def test_records_that_are_there_again_become_one_task_that_a_person_closes_for_good(shop: World) -> None:
    before = dump(shop)
    erased(shop)
    for row in before["billing.invoice"][:2]:
        shop.execute("billing", f"INSERT INTO invoice VALUES ({row[0]}, {row[1]}, '{row[2]}', {row[3]})")
    assert probe(shop.rt) == {"billing": 2}
    assert probe(shop.rt) == {"billing": 2}
    (task,) = tasks(shop)
    assert (task.facts["source"], task.facts["records"]) == ("billing", 2)
    assert JANE not in str(task.facts)
    with shop.rt.unit() as session:
        close_task(session, shop.rt, session.get_one(HumanTask, task.id), by="anna", answer="done")
    probe(shop.rt)
    assert [found.state for found in tasks(shop)] == [TaskState.DONE]


def test_a_source_that_is_away_is_asked_another_day(shop: World, tmp_path: Path) -> None:
    erased(shop)
    (tmp_path / "billing.db").rename(tmp_path / "elsewhere.db")
    assert probe(shop.rt) == {}


def test_while_a_replay_is_open_the_source_says_so_and_is_not_reported_again(shop: World) -> None:
    before = erased(shop)
    put(shop, "orders", before["shop.orders"][:2])
    assert probe(shop.rt) == {"shop": 2}
    replay(shop.rt, "shop", SINCE, user="anna")
    with shop.rt.unit() as session:
        assert {row["source"]: row["replay_open"] for row in show_sources(session, shop.rt)} == {
            "shop": True,
            "billing": False,
        }
    assert probe(shop.rt) == {}


def test_what_can_no_longer_be_opened_is_no_longer_asked_for(shop: World) -> None:
    erased(shop)
    for _ in range(375):
        shop.clock.advance(days=1)
        purge(shop.rt)
    shop.execute("billing", "INSERT INTO invoice VALUES (70, 1, 'Jane', 0)")
    assert probe(shop.rt) == {}
