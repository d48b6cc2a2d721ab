"""Broken registers, each told with file, line, fault and remedy.

A folder of the zoo holds only what differs from its base (`least` or `whole`); `expected.yaml` names
the base, the files to leave out, and every fault.
"""

import shutil
from pathlib import Path

import pytest
import yaml

from workflows.errors import BadRegister
from workflows.register.check import check_folder
from workflows.register.load import load_register

HERE = Path(__file__).parent
ZOO = sorted(p for p in (HERE / "zoo").iterdir() if p.is_dir())


def build(animal: Path, folder: Path) -> dict:
    expected = yaml.safe_load((animal / "expected.yaml").read_text(encoding="utf-8"))
    shutil.copytree(HERE / expected["base"], folder)
    for name in expected.get("remove", ()):
        (folder / name).unlink()
    shutil.copytree(animal, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("expected.yaml"))
    return expected


@pytest.mark.parametrize("animal", ZOO, ids=lambda p: p.name)
def test_each_broken_register_is_told_with_line_and_remedy(animal, tmp_path):
    expected = build(animal, tmp_path / "register")
    with pytest.raises(BadRegister) as caught:
        load_register(tmp_path / "register")
    found = [(f.where, f.what, f.remedy) for f in caught.value.faults]
    assert len(found) == len(expected["faults"]), found
    for (where, what, remedy), words in zip(found, expected["faults"], strict=True):
        assert where.endswith(words["where"])
        assert words["what"] in what
        assert words["remedy"] in remedy
        assert remedy


@pytest.mark.parametrize("base", ["least", "whole"])
def test_the_registers_the_zoo_is_bred_from_have_no_fault(base):
    assert check_folder(HERE / base) == []


def test_the_zoo_is_large_enough():
    assert len(ZOO) >= 30


def test_five_files_with_a_fault_each_give_five_faults_at_once(tmp_path):
    (animal,) = [p for p in ZOO if p.name.endswith("five-at-once")]
    build(animal, tmp_path / "register")
    files = {f.where.rpartition(":")[0] for f in check_folder(tmp_path / "register")}
    assert files == {"controller.yaml", "categories.yaml", "holds.yaml", "sources/billing.yaml", "sources/crm.yaml"}


@pytest.mark.parametrize("animal", [p for p in ZOO if "password" in p.name or "five" in p.name], ids=lambda p: p.name)
def test_a_password_is_in_no_message(animal, tmp_path):
    build(animal, tmp_path / "register")
    with pytest.raises(BadRegister) as caught:
        load_register(tmp_path / "register")
    assert "hunter2" not in str(caught.value)
    assert not any("hunter2" in f.what + f.remedy + f.where for f in caught.value.faults)
