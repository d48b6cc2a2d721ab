"""The page of the guards names modules and tests that exist."""

import ast
import re
from functools import cache
from pathlib import Path

from tests.composed import ROOT

PAGE = (ROOT / "docs" / "reference" / "guards.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| (?!Guard|-)(.+?) \| `([\w/]+\.py)` \| `([\w/]+\.py)::(test_\w+)` \|$", re.M)


@cache
def names_in(path: Path) -> frozenset[str]:
    """The names of a module's tests."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


def test_every_row_of_the_page_is_understood() -> None:
    rows = [line for line in PAGE.splitlines() if line.startswith("| ") and "`" in line]
    assert len(ROW.findall(PAGE)) == len(rows) >= 60


def test_every_test_that_the_page_names_exists() -> None:
    missing = [
        f"{file}::{name}"
        for _, _, file, name in ROW.findall(PAGE)
        if not (ROOT / "tests" / file).is_file() or name not in names_in(ROOT / "tests" / file)
    ]
    assert missing == []


def test_every_module_that_the_page_names_exists() -> None:
    assert [module for _, module, _, _ in ROW.findall(PAGE) if not (ROOT / module).is_file()] == []
