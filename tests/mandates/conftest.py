"""The shop, once for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.world import World, make_world, open_world, prepare, write_register


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """The shop and its billing."""
    made = make_world(tmp_path)
    yield made
    made.close()


@pytest.fixture
def patient(tmp_path: Path) -> Iterator[World]:
    """The shop, which gives whoever is on file three days to object."""
    environ = prepare(tmp_path)
    controller = "{name: Shop Oy, email: office@shop.example, delivery: {objection_hours: 72}}"
    write_register(tmp_path / "register", {"controller.yaml": controller})
    made = open_world(environ)
    yield made
    made.close()
