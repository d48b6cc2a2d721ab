"""Items as lines of a blob, and the canonical JSON that digests stand on."""

import hashlib
import json
from dataclasses import FrozenInstanceError, fields, replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.vocabulary import Ownership
from workflows.rules.items import Item, canonical, digest_of, item_of

TEXTS = st.text(st.characters(codec="utf-8"), max_size=12)
EXACT = st.none() | st.booleans() | st.integers(-(2**80), 2**80) | TEXTS
"""Values that JSON writes in one way only."""
VALUES = st.recursive(
    EXACT | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)
RECORDS = st.dictionaries(TEXTS, VALUES, max_size=4)
ITEMS = st.builds(
    Item,
    source=TEXTS,
    collection=TEXTS,
    locator=RECORDS,
    category=TEXTS,
    ownership=st.sampled_from(Ownership),
    digest=TEXTS,
    fields=RECORDS,
    facts=st.dictionaries(TEXTS, EXACT, max_size=2),
    on=st.none() | st.dates(),
    path=TEXTS,
    columns=st.lists(TEXTS, max_size=2),
    series=st.lists(st.lists(VALUES, max_size=2), max_size=2),
    third_party=st.lists(TEXTS, max_size=2),
    referenced=st.booleans(),
)


@given(ITEMS)
def test_an_item_comes_back_from_its_line_as_it_was_even_with_numbers_beyond_64_bits(item: Item) -> None:
    line = item.to_json()
    assert b"\n" not in line
    assert Item.from_json(line) == item


@given(st.dictionaries(TEXTS, EXACT | st.lists(EXACT, max_size=3), max_size=4))
def test_canonical_json_is_what_pythons_own_writer_makes_with_sorted_keys_and_no_spaces(
    value: dict[str, object],
) -> None:
    expected = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    assert canonical(value) == expected
    assert digest_of(value) == hashlib.sha256(expected.encode()).hexdigest()


@given(VALUES)
def test_canonical_json_says_the_same_value_however_it_was_written(value: object) -> None:
    assert json.loads(canonical(value)) == value


def test_canonical_json_refuses_what_is_no_json() -> None:
    for value in (date(2026, 11, 24), {1, 2}, b"bytes"):
        with pytest.raises(TypeError):
            canonical({"x": value})


@given(ITEMS)
def test_the_quick_way_to_make_an_item_gives_the_same_frozen_item(item: Item) -> None:
    rest = ("columns", "series", "files", "leads")
    quick = item_of(*(getattr(item, f.name) for f in fields(Item) if f.name not in rest))
    assert type(quick) is Item
    assert quick == replace(item, columns=(), series=(), files=(), leads={})
    assert replace(quick, path="x").path == "x"
    with pytest.raises(FrozenInstanceError):
        quick.path = "other"  # type: ignore[misc]
