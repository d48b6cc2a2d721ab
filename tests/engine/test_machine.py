"""Whatever happens, in whatever order, the engine keeps its word."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.effort import examples
from tests.engine.machine import EngineMachine, with_switches
from tests.world import make_world

COMMON = settings(
    deadline=None,
    suppress_health_check=list(HealthCheck),
    stateful_step_count=40,
    print_blob=True,
)


def test_nothing_that_can_happen_breaks_an_invariant(tmp_path: Path) -> None:
    world = with_switches(make_world(tmp_path))
    run_state_machine_as_test(lambda: EngineMachine(world), settings=settings(COMMON, max_examples=examples(25)))
    world.close()


@pytest.mark.slow
def test_nothing_that_can_happen_breaks_an_invariant_on_postgresql(
    tmp_path: Path, fresh_postgres: Callable[[], str]
) -> None:
    urls = {name: fresh_postgres() for name in ("shop", "billing")}
    world = with_switches(make_world(tmp_path, database_url=fresh_postgres(), source_urls=urls))
    run_state_machine_as_test(lambda: EngineMachine(world), settings=settings(COMMON, max_examples=10))
    world.close()
