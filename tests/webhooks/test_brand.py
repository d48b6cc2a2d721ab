"""Whatever colour a controller has, its links and buttons can be read."""

import re

from hypothesis import given
from hypothesis import strategies as st

from webhooks.brand import DARK, PAPER, brand_sheet, contrast, parse, readable

PART = st.integers(0, 255)


@given(st.tuples(PART, PART, PART))
def test_any_colour_becomes_one_that_can_be_read(colour: tuple[int, int, int]) -> None:
    for ground in (PAPER, DARK, (255, 255, 255), (18, 24, 29)):
        assert contrast(readable(colour, PAPER if sum(ground) > 300 else DARK), ground) >= 4.5


@given(st.tuples(PART, PART, PART))
def test_a_colour_that_can_be_read_is_left_as_it_is(colour: tuple[int, int, int]) -> None:
    if contrast(colour, PAPER) >= 4.5:
        assert readable(colour, PAPER) == colour


@given(st.text(max_size=30))
def test_no_text_gets_into_the_sheet(text: str) -> None:
    sheet = brand_sheet(text)
    assert re.fullmatch(r"[\w\s#:;,{}()@-]*", sheet)
    if parse(text) is None:
        assert "#0b5c8a" in sheet
