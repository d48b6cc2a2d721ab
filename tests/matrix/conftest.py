"""The whole demo company: one that all rows share, each with people of its own, and copies for rows that change it."""

import shutil
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import pytest

from models.vocabulary import Right
from tests.matrix.company import LOOKED_AT, company_in, finish, make_template
from tests.matrix.row import Row
from tests.story.house import ROOT, House

Played = Callable[[str, Right], str]


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, object, object]:
    """A test that never compares its own row with what it saw fails: the page would say what nobody checked."""
    row = getattr(pyfuncitem.function, "row", None)
    if not isinstance(row, Row):
        return (yield)
    LOOKED_AT.discard(row.number)
    result = yield
    assert row.number in LOOKED_AT, f"{pyfuncitem.name} does not check its row"
    return result


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
