"""The page of the attacks has every row and every number, and names the tests that there are, no more and no less."""

import re

from tests.composed import ROOT
from tests.docs.test_guards import names_in

FOLDER = ROOT / "tests" / "attacks"
PAGE = (ROOT / "docs" / "reference" / "attacks.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| (\d+) \| [^|]+ \| `([\w/]+\.py)::(test_\w+)` \| [^|]+ \|$", re.M)
SEC = re.compile(r"^\| SEC-(\d\d) \| [^|]+ \| `([\w/]+\.py)::(test_\w+)` \|$", re.M)
ANY = re.compile(r"^\| .+ \| `([\w/]+\.py)::(test_\w+)` \|", re.M)
WANTED = {*range(1, 11), *range(18, 24), *range(38, 46)}


def marked(kind: str) -> set[tuple[int, str, str]]:
    """(number, module, test) of every test that carries such a mark."""
    return {
        (int(number), f"attacks/{path.name}", name)
        for path in FOLDER.glob("test_*.py")
        for name in names_in(path)
        for number in re.findall(rf"(?:^test|_){kind}_(\d\d)(?=_)", name)
    }


def test_every_row_from_1_to_28_has_its_tests_and_every_test_its_row() -> None:
    told = {(int(number), file, name) for number, file, name in ROW.findall(PAGE)}
    assert {number for number, *_ in told} == set(range(1, 29))
    assert told == marked("row")


def test_every_requirement_has_its_tests_and_every_test_its_requirement() -> None:
    told = {(int(number), file, name) for number, file, name in SEC.findall(PAGE)}
    assert {number for number, *_ in told} == WANTED
    assert told == marked("sec")


def test_every_test_that_the_page_names_exists_and_every_line_is_understood() -> None:
    named = ANY.findall(PAGE)
    assert len(named) == len([line for line in PAGE.splitlines() if line.startswith("| ") and "::" in line])
    assert [f"{file}::{name}" for file, name in named if name not in names_in(ROOT / "tests" / file)] == []
