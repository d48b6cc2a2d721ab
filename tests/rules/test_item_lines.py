"""Items that are written together are written as each would be by itself, to the letter."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.vocabulary import Ownership
from tests.effort import examples
from workflows.rules.item_lines import Alike, Parts, batch_of, each_as_json, each_digest
from workflows.rules.items import Item, canonical, digest_of

plain = st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | st.text()
value = st.recursive(plain, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3))
row = st.dictionaries(st.text(), value, max_size=4)


@settings(max_examples=examples(100), deadline=None)
@given(values=st.lists(value, max_size=5))
def test_each_value_is_written_as_by_itself(values: list[Any]) -> None:
    try:
        written = each_as_json(values)
    except TypeError:
        return
    assert written == [canonical(one).encode() for one in values]
    assert [digest.decode() for digest in each_digest(written)] == list(map(digest_of, values))


def test_line_breaks_and_commas_in_texts_part_nothing() -> None:
    values = ["a\n,b", ",\n,", "\n", {"\n,": ",\n"}, "],\n,["]
    assert list(map(json.loads, each_as_json(values))) == values


def test_what_can_only_be_written_patiently_is_refused() -> None:
    for rare in (2**70, "\ud800", date(2024, 1, 1), Decimal(1), datetime(2024, 1, 1, tzinfo=UTC)):
        with pytest.raises(TypeError):
            each_as_json([1, {"rare": rare}])


@settings(max_examples=examples(60), deadline=None)
@given(
    rows=st.lists(st.tuples(row, row, row, st.none() | st.dates()), min_size=1, max_size=4),
    words=st.tuples(*[st.text()] * 4),
    ownership=st.sampled_from(Ownership),
)
def test_a_batch_is_the_lines_of_its_items(rows: list[Any], words: tuple[str, ...], ownership: Ownership) -> None:
    source, collection, category, path = words
    items = [
        Item(source, collection, key, category, ownership, digest_of(fields), fields, facts, on, path)
        for fields, key, facts, on in rows
    ]
    alike = Alike(source=source, collection=collection, category=category, ownership=ownership, path=path)
    fields, keys, facts, days = zip(*rows, strict=True)
    try:
        contents = each_as_json(fields)
        parts = Parts(
            digests=each_digest(contents),
            fields=contents,
            locators=each_as_json(keys),
            facts=each_as_json(facts) if any(facts) else None,
            days=each_as_json([on and on.isoformat() for on in days]) if any(days) else None,
        )
        batch = batch_of(alike, parts)
    except TypeError:
        return
    assert batch.lines == b"".join(item.to_json() + b"\n" for item in items)
    assert (batch.collection, batch.ownership, batch.count) == (collection, ownership, len(items))


def test_a_batch_of_unequal_parts_is_refused() -> None:
    alike = Alike(source="s", collection="c", category="k", ownership=Ownership.OWN, path="p")
    whole = {"digests": [b"0"] * 2, "fields": [b"{}"] * 2, "locators": [b"{}"] * 2}
    for name in whole:
        with pytest.raises(ValueError, match="equally many"):
            batch_of(alike, Parts(**{**whole, name: whole[name][:1]}))
    with pytest.raises(ValueError, match="equally many"):
        batch_of(alike, Parts(**whole, days=[b"null"]))
