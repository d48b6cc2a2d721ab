"""Which category a field belongs to."""

from pathlib import Path

import pytest

from workflows.register.categories import category_of, mapped
from workflows.register.load import load_register
from workflows.register.model import Category, Text

HERE = Path(__file__).parent
LABEL = Text(fi="a", sv="b", en="c")


@pytest.fixture(scope="module")
def whole():
    return load_register(HERE / "whole")


def test_what_the_register_says_of_a_collection_goes_first(whole):
    assert category_of(whole, "crm", "customer", field="email") == "C01"


def test_else_the_data_category_is_looked_up_in_the_categories(whole):
    assert category_of(whole, "billing", "line", field="note") == "C07"
    assert category_of(whole, "billing", "billing.line", field="note") == "C07"
    assert category_of(whole, "billing", "line") == "C07"


def test_the_longest_key_wins():
    categories = {
        "A": Category(code="A", label=LABEL, keys=("user",)),
        "B": Category(code="B", label=LABEL, keys=("user.contact.email",)),
    }
    assert mapped(categories, "user.contact.email") == "B"
    assert mapped(categories, "user.contact.phone_number") == "A"
    assert mapped(categories, "system.operations") is None


def test_without_categories_the_data_category_itself_is_the_answer():
    least = load_register(HERE / "least")
    assert category_of(least, "shop", "customer", field="email") == "user.contact.email"
    assert category_of(least, "shop", "orders") == "user.unique_id"
    assert category_of(least, "shop", "orders", field="id") == "system.operations"
    assert category_of(least, "shop", "nothing") == ""
