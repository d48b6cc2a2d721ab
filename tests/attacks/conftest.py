"""A house for each test of an attack."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.attacks.house import House, running_house

FOLDER = Path(__file__).parent


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """They run against doors on sockets, a minute of them: too much for `make check`."""
    for item in items:
        if item.path.is_relative_to(FOLDER):
            item.add_marker(pytest.mark.slow)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """The small shop, open to the public."""
    with running_house(tmp_path) as made:
        yield made
