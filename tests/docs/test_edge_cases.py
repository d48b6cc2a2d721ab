"""The page of the edge cases has every number once and names tests that exist."""

import re

from tests.composed import ROOT
from tests.docs.test_guards import names_in

PAGE = (ROOT / "docs" / "reference" / "edge-cases.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| (\d+) \| [^|]+ \| (?:`([\w/]+\.py)::(test_\w+)`|–) \| ([^|]+) \|$", re.M)


def test_every_case_from_1_to_100_has_its_row() -> None:
    assert [int(number) for number, *_ in ROW.findall(PAGE)] == list(range(1, 101))


def test_a_case_without_a_test_says_where_it_belongs_or_that_it_is_not_covered() -> None:
    bare = [(number, outcome) for number, file, _, outcome in ROW.findall(PAGE) if not file]
    assert [number for number, outcome in bare if not outcome.startswith(("belongs to ", "not covered"))] == []


def test_every_test_that_the_page_names_exists() -> None:
    named = [(file, name) for _, file, name, _ in ROW.findall(PAGE) if file]
    assert [f"{f}::{n}" for f, n in named if n not in names_in(ROOT / "tests" / f)] == []
