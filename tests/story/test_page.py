"""The page that says which test tells which story names every test there is, and no other."""

import re

from tests.story.conftest import FOLDER
from tests.story.house import ROOT

PAGE = ROOT / "docs" / "reference" / "stories.md"
_TEST = re.compile(r"^def (test_\w+)\(", re.MULTILINE)


def test_the_page_of_the_stories_names_every_test() -> None:
    there = {
        f"{path.name}::{name}"
        for path in FOLDER.glob("test_*.py")
        if path.name not in ("test_page.py", "test_compose.py")
        for name in _TEST.findall(path.read_text(encoding="utf-8"))
    }
    rows = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("|")][2:]
    named = [found for row in rows for found in re.findall(r"`(test_\w+\.py)::(test_\w+)`", row)]
    assert sorted(f"{file}::{name}" for file, name in named) == sorted(there)
