"""The page about the kinds of source: its examples load, and it names every key."""

import re
from pathlib import Path

import pytest

from workflows.register.check import check_folder
from workflows.register.kind_models import KINDS
from workflows.register.shape import nested

PAGE = (Path(__file__).parents[2] / "docs/reference/sources.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"<!-- kinds/(\S+) -->\n```yaml\n(.*?)```", PAGE, re.DOTALL)


def test_the_examples_load_without_a_fault(tmp_path):
    (tmp_path / "controller.yaml").write_text("name: Company Ltd\n", encoding="utf-8")
    (tmp_path / "sources").mkdir()
    for name, text in EXAMPLES:
        (tmp_path / name).write_text(text, encoding="utf-8")
    assert len(EXAMPLES) == 5
    assert check_folder(tmp_path) == []


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_every_key_of_a_connection_is_on_the_page(kind):
    models = [kind.connection]
    for field in kind.connection.model_fields.values():
        inner = nested(field.annotation)
        if inner is not None and inner.__module__ == kind.connection.__module__:
            models.append(inner)
    missing = [name for model in models for name in model.model_fields if f"`{name}`" not in PAGE]
    assert missing == []
    assert f"`{kind.name}`" in PAGE


def test_every_kind_the_page_names_exists():
    named = set(re.findall(r"^\| `(\w+)` \| .* \| [ABCD]", PAGE, re.MULTILINE))
    assert named == {kind.name for kind in KINDS}
