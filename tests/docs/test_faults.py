"""The page of faults names tests that exist, and the page of Fideslang every key there is."""

import ast
import re
from pathlib import Path
from typing import Any

import pytest
from fideslang import models

from tests.composed import ROOT

DOCS = ROOT / "docs" / "reference"
ROW = re.compile(r"^\| (\d+) \| .+ \| .+ \| `([\w/]+\.py)::(test_\w+)` \|$", re.M)
LEVELS: dict[str, tuple[Any, ...]] = {
    "Dataset": (models.Dataset, models.DatasetMetadata),
    "Collection": (models.DatasetCollection, models.CollectionMeta),
    "Field": (models.DatasetField, models.FidesMeta),
    "References": (models.FidesDatasetReference,),
}


def _names(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def test_each_of_the_seventeen_faults_has_a_test_that_exists() -> None:
    page = (DOCS / "faults.md").read_text(encoding="utf-8")
    rows = ROW.findall(page)
    assert len(rows) == sum(line.startswith("| ") and "::" in line for line in page.splitlines())
    assert {int(number) for number, _, _ in rows} == set(range(1, 18))
    missing = [f"{file}::{name}" for _, file, name in rows if name not in _names(ROOT / "tests" / file)]
    assert missing == []


@pytest.mark.parametrize("level", LEVELS)
def test_every_key_of_fideslang_has_its_meaning_on_the_page(level: str) -> None:
    page = (DOCS / "fideslang.md").read_text(encoding="utf-8")
    part = page.partition(f"## {level}\n")[2].partition("\n## ")[0]
    told = {
        key
        for line in part.splitlines()
        if line.startswith("| `")
        for key in re.findall(r"`(\w+)`", line.split("|")[1])
    }
    known = {name for model in LEVELS[level] for name in model.model_fields} - {"fides_meta"}
    assert told == known
