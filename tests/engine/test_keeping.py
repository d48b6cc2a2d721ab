"""A lease is kept while the work lasts, so that long work is not begun a second time; a lost one is not taken back."""

import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from models.step import Step
from tests.world import World, make_world
from workflows import engine, lease, sweeps
from workflows.engine import Claimed
from workflows.messages import WORK

_LONGEST_SECONDS = 20.0


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """The shop, where a lease is renewed every tenth of a second."""
    monkeypatch.setattr(lease, "_third", lambda: 0.1)
    made = make_world(tmp_path)
    yield made
    made.close()


def claim(world: World) -> Claimed:
    claimed = engine.claim(world.rt, WORK)
    assert claimed is not None
    return claimed


def until(world: World, claimed: Claimed) -> datetime | None:
    with world.rt.unit() as session:
        return session.get_one(Step, claimed.lease.step_id).lease_until


def wait_for(true: Callable[[], bool]) -> bool:
    end = time.monotonic() + _LONGEST_SECONDS
    while time.monotonic() < end and not true():
        time.sleep(0.02)
    return true()


def test_work_longer_than_a_lease_stays_with_its_worker(world: World) -> None:
    world.open()
    claimed = claim(world)
    with lease.kept(world.rt, claimed.lease):
        for _ in range(3):
            world.clock.advance(seconds=45)
            assert wait_for(lambda: until(world, claimed) == world.rt.now() + lease.LEASE)
            sweeps.sweep(world.rt)
    engine.run(world.rt, claimed)
    with world.rt.unit() as session:
        assert session.get_one(Step, claimed.lease.step_id).fence == claimed.lease.fence


def test_a_lease_that_was_lost_is_not_taken_back(world: World) -> None:
    world.open()
    first = claim(world)
    world.clock.advance(seconds=61)
    sweeps.sweep(world.rt)
    second = claim(world)
    world.clock.advance(seconds=1)
    third = until(world, second)
    lease._renew(world.rt, first.lease)
    assert until(world, second) == third
    lease._renew(world.rt, second.lease)
    assert until(world, second) == world.rt.now() + timedelta(seconds=60)
