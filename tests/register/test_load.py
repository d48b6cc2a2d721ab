"""Reading a register folder."""

import shutil
from pathlib import Path

import pytest

from workflows.errors import BadRegister
from workflows.register.load import load_register

LEAST = Path(__file__).parent / "least"


def test_the_least_register_loads_without_a_fault():
    register = load_register(LEAST)
    assert register.controller.name == "Pienin Esimerkki Oy"
    assert register.controller.deadlines.country == "FI"
    assert [c.name for c in register.sources["shop"].dataset[0].collections] == ["customer", "orders"]
    assert register.sources["shop"].file == "sources/shop.yaml"
    assert len(register.digest) == 64


def test_the_old_name_of_fides_meta_is_read():
    (dataset,) = load_register(LEAST).sources["shop"].dataset
    orders = next(c for c in dataset.collections if c.name == "orders")
    assert orders.fides_meta is not None
    assert orders.fides_meta.after == ["shop.customer"]


def test_a_folder_that_is_not_there_is_a_fault(tmp_path):
    with pytest.raises(BadRegister) as caught:
        load_register(tmp_path / "nowhere")
    assert [f.what for f in caught.value.faults] == ["there is no such folder"]


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="needs a file that opens and can't be read")
def test_a_file_that_can_not_be_read_is_a_fault(tmp_path):
    shutil.copytree(LEAST, tmp_path / "r")
    (tmp_path / "r/categories.yaml").symlink_to("/proc/self/mem")
    with pytest.raises(BadRegister) as caught:
        load_register(tmp_path / "r")
    assert [(f.where, f.what) for f in caught.value.faults] == [
        ("categories.yaml:1", "the file can't be read (OSError)")
    ]


def test_the_digest_changes_with_any_file_that_counts(tmp_path):
    shutil.copytree(LEAST, tmp_path / "r")
    before = load_register(tmp_path / "r").digest
    (tmp_path / "r/README.md").write_text("not read")
    assert load_register(tmp_path / "r").digest == before
    (tmp_path / "r/letters").mkdir()
    (tmp_path / "r/letters/access.txt").write_text("own words")
    with_letter = load_register(tmp_path / "r").digest
    with (tmp_path / "r/controller.yaml").open("a") as file:
        file.write("# a remark\n")
    assert len({before, with_letter, load_register(tmp_path / "r").digest}) == 3
