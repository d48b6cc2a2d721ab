"""Reading a register folder."""

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
