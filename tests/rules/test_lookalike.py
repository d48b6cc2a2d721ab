"""Addresses that may be taken for another are told from those that are only foreign."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflows.rules.identifiers import EMAIL, normalise
from workflows.rules.lookalike import looks_like_another, near, neighbours


@pytest.mark.parametrize(
    "address",
    ["jаne@shop.example", "jane@shоp.example", "jane@xn--shp-tec.example", "jane@аррӏе.example", "a@xn--\x00.fi"],
)
def test_letters_of_another_script_may_be_taken_for_ours(address: str) -> None:
    assert looks_like_another(normalise(EMAIL, address) or address)


@pytest.mark.parametrize(
    "address", ["jane@shop.example", "äijä@öljy.fi", "straße@straße.example", "jane+tag@sub.shop.example", "", "@"]
)
def test_an_address_in_latin_letters_is_what_it_looks_like(address: str) -> None:
    assert not looks_like_another(normalise(EMAIL, address) or address)


@given(st.text())
def test_any_text_has_an_answer(address: str) -> None:
    assert looks_like_another(address) in (True, False)


@pytest.mark.parametrize(
    ("given", "how"),
    [
        ("jаne@shop.example", "letters"),
        ("jane@sh0p.example", "letters"),
        ("jane@shоp.example", "letters"),
        ("jane+news@shop.example", "tag"),
        ("j.ane@shop.example", "dots"),
        ("jnae@shop.example", "one_letter"),
        ("janee@shop.example", "one_letter"),
        ("jan@shop.example", "one_letter"),
        ("jane@shopp.example", "one_letter"),
        ("jame@shop.example", "one_letter"),
        ("jane@shop.example", None),
        ("bob@shop.example", None),
        ("jane@evil.example", None),
        ("", None),
    ],
)
def test_how_an_address_is_nearly_the_one_on_file_is_told(given: str, how: str | None) -> None:
    assert near(normalise(EMAIL, given) or given, "jane@shop.example") == how


@given(st.emails(), st.emails())
def test_nearness_is_mutual_and_no_address_is_near_to_itself(one: str, other: str) -> None:
    assert near(one, other) == near(other, one)
    assert near(one, one) is None
    assert one not in neighbours(one)
    assert len(neighbours(one)) <= 4
