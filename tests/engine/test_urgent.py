"""Whoever follows a case lets a more urgent one go first, on both databases."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from models.request import Request
from models.step import Step
from models.vocabulary import Bucket, RequestState
from tests.world import World, open_world, prepare
from workflows import engine
from workflows.messages import WORK


@pytest.fixture
def world(tmp_path: Path, database_url: str) -> Iterator[World]:
    made = open_world(prepare(tmp_path, database_url=database_url if database_url.startswith("postgresql") else ""))
    yield made
    made.close()


def test_a_worker_leaves_the_case_it_follows_for_one_that_is_nearly_due(world: World) -> None:
    first = world.open(who="ann@shop.example")
    claimed = engine.claim(world.rt, WORK)
    assert claimed is not None
    second = world.open(who="bob@shop.example")
    with world.rt.unit() as session:
        session.get_one(Request, second).bucket = Bucket.OVERDUE
        session.scalars(select(Step).where(Step.request_id == second)).one().bucket = Bucket.OVERDUE
    assert engine.run(world.rt, claimed, WORK) is None
    assert world.state(first) is RequestState.COLLECTING
    urgent = engine.claim(world.rt, WORK)
    assert urgent is not None
    assert urgent.lease.request_id == second


def test_a_worker_stays_with_the_case_it_follows_while_all_others_are_as_urgent(world: World) -> None:
    first = world.open(who="ann@shop.example")
    claimed = engine.claim(world.rt, WORK)
    assert claimed is not None
    world.open(who="bob@shop.example")
    following = engine.run(world.rt, claimed, WORK)
    assert following is not None
    assert following.lease.request_id == first
