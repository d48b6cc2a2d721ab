"""The examples of the reference are registers that load."""

import re
from datetime import date
from pathlib import Path

import pytest

from workflows.register.check import advice_on, check_folder
from workflows.register.model import Category, CollectionSpec, Controller, HoldRule, SourceSpec, SubjectSpec
from workflows.register.recipients import Hook, Recipient

PAGE = (Path(__file__).parents[2] / "docs/reference/register.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"<!-- (\w+)/(\S+) -->\n```yaml\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize("register", ["least", "full"])
def test_the_examples_load_without_a_fault(register, tmp_path):
    for folder, name, text in EXAMPLES:
        path = tmp_path / folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert check_folder(tmp_path / register) == []
    assert advice_on(tmp_path / register, today=date(2026, 11, 24))


@pytest.mark.parametrize(
    "model", [Controller, Category, HoldRule, SourceSpec, SubjectSpec, CollectionSpec, Recipient, Hook]
)
def test_every_key_is_in_the_reference(model):
    missing = [name for name in model.model_fields if name != "file" and f"`{name}`" not in PAGE]
    assert missing == []
