"""The whole demo company: one that all rows share, each with people of its own, and copies for rows that change it."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from models.vocabulary import Right
from tests.matrix.company import company_in, finish, make_template
from tests.story.house import ROOT, House

Played = Callable[[str, Right], str]


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_template(ROOT / "register", tmp_path_factory.mktemp("matrix"))


@pytest.fixture(scope="session")
def house(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Shared: a test asks here for people whom no other test asks about, and changes nothing behind their backs."""
    folder = tmp_path_factory.mktemp("company") / "copy"
    shutil.copytree(template, folder)
    with company_in(folder) as made:
        yield made


@pytest.fixture
def own(template: Path, tmp_path: Path) -> Iterator[House]:
    """A company of the test's own."""
    folder = tmp_path / "copy"
    shutil.copytree(template, folder)
    with company_in(folder) as made:
        yield made


@pytest.fixture(scope="session")
def played(house: House) -> Played:
    """A request of one of the cast from the desk to its end, once; rows about the same case look at the same one."""
    ended: dict[tuple[str, Right], str] = {}

    def play(who: str, right: Right) -> str:
        if (who, right) not in ended:
            ended[who, right] = finish(house, who, right)
        return ended[who, right]

    return play
