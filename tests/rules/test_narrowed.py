"""Which kinds of data are asked for: a list is read as meant or not at all, and nothing is lost between the parts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.vocabulary import Right
from workflows.rules.narrowed import OTHER, is_wanted, read_wanted, rest_of

KNOWN = ("C01", "C02", "C07", "C11")
CODES = st.sampled_from([*KNOWN, OTHER])
ANY = st.one_of(st.sampled_from([*KNOWN, "", "user.contact", "C99"]), st.text(max_size=8))
ACCESS = [Right.ACCESS]


def test_a_list_is_read_in_the_register_s_order_whatever_its_case():
    assert read_wanted(" c11, C07,c07 ", ACCESS, known=KNOWN) == (("C07", "C11"), [])


@pytest.mark.parametrize("text", ["", "  ", ",", "C01,C02,C07,C11", "other,C01,C02,C07,C11"])
def test_nothing_named_or_everything_is_all(text):
    assert read_wanted(text, ACCESS, known=KNOWN) == (None, [])


@pytest.mark.parametrize(
    ("text", "rights", "fault"),
    [
        ("C07,C99", [Right.ACCESS], "category_unknown"),
        ("C07", [Right.ERASURE], "categories_no_copy"),
        ("C07", [Right.MARKETING_BAN], "categories_no_copy"),
        ("C07", [Right.ACCESS, Right.ERASURE], "categories_with_erasure"),
        ("C07", [Right.PORTABILITY, Right.WITHDRAW_CONSENT], "categories_with_erasure"),
        ("C07," * 2000, [Right.ACCESS], "category_unknown"),
    ],
)
def test_what_can_not_be_narrowed_is_said_and_never_guessed(text, rights, fault):
    wanted, faults = read_wanted(text, rights, known=KNOWN)
    assert wanted is None
    assert [f.what for f in faults] == [fault]


@given(st.sets(CODES, min_size=1), ANY)
def test_every_record_is_either_asked_for_or_in_the_rest_and_never_in_both(named, category):
    rest = rest_of(named, known=KNOWN)
    assert is_wanted(named, category, known=KNOWN) != is_wanted(rest, category, known=KNOWN)


@given(st.sets(CODES, min_size=1, max_size=3))
def test_what_was_read_is_what_was_named(named):
    if not named >= set(KNOWN):
        wanted, _ = read_wanted(",".join(named), ACCESS, known=KNOWN)
        assert set(wanted or ()) == named


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text):
    wanted, faults = read_wanted(text, ACCESS, known=KNOWN)
    assert wanted is None or not faults
