"""A house for each test of an attack."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.attacks.house import House, running_house


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """The small shop, open to the public."""
    with running_house(tmp_path) as made:
        yield made
