"""Addresses that may be taken for another are told from those that are only foreign."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflows.rules.identifiers import EMAIL, normalise
from workflows.rules.lookalike import looks_like_another


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
