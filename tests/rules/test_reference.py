from random import Random
from secrets import SystemRandom

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflows.rules.reference import ALPHABET, new_reference, parse_reference

references = st.builds(
    lambda seed, year: new_reference(Random(seed), year=year), st.integers(), st.integers(1000, 9999)
)
SAME = {"O": "0", "I": "1", "L": "1"}


def test_a_new_reference_says_its_year_and_reads_back_as_itself():
    reference = new_reference(SystemRandom(), year=2026)
    assert reference.startswith("TP-2026-")
    assert len(reference) == len("TP-2026-7K4M-9XQ2-H")
    assert parse_reference(reference) == reference


@given(references)
def test_the_way_of_writing_does_not_matter(reference):
    for written in (
        reference.lower(),
        reference.replace("-", ""),
        reference.replace("-", " "),
        f"  {reference}\n",
        reference.removeprefix("TP-"),
        reference.replace("0", "o").replace("1", "l"),
        reference.replace("0", "O").replace("1", "I"),
        reference.replace("-", "–"),
    ):
        assert parse_reference(written) == reference


@pytest.mark.parametrize("seed", range(5))
def test_every_single_wrong_symbol_is_noticed(seed):
    reference = new_reference(Random(seed), year=2026)
    for place, right in enumerate(reference):
        for wrong in "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ":
            if right == "-" or SAME.get(wrong, wrong) == right:
                continue
            slipped = reference[:place] + wrong + reference[place + 1 :]
            assert parse_reference(slipped) is None, slipped


@given(references)
def test_every_two_neighbours_swapped_are_noticed(reference):
    plain = reference.replace("-", "")
    for place in range(len(plain) - 1):
        a, b = plain[place], plain[place + 1]
        if a != b:
            assert parse_reference(plain[:place] + b + a + plain[place + 2 :]) is None


@given(st.text(max_size=150))
def test_any_text_gives_a_reference_or_none(text):
    found = parse_reference(text)
    assert found is None or parse_reference(found) == found


def test_the_random_part_covers_the_whole_alphabet():
    random = Random(1)
    seen = {c for _ in range(200) for c in new_reference(random, year=2026)[8:].replace("-", "")}
    assert seen == set(ALPHABET)
