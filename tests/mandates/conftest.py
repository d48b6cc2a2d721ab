"""The shop, once for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.world import World, make_world


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """The shop and its billing."""
    made = make_world(tmp_path)
    yield made
    made.close()
