"""Identifiers come to one spelling, and different ones never to the same."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflows.rules.identifiers import KINDS, clean, normalise


@pytest.mark.parametrize(
    ("kind", "given_", "wanted"),
    [
        ("email", " Matti.Meikäläinen@Esimerkki.example ", "matti.meikäläinen@esimerkki.example"),
        ("email", "a@Ääkkönen.example", "a@xn--kknen-fraa0m.example"),
        ("email", "a@straße.example", "a@xn--strae-oqa.example"),
        ("email", "a@b", None),
        ("email", "a b@c.example", None),
        ("email", "a@c.example\r\nBcc: x@y.example", None),
        ("email", "a@@c.example", None),
        ("email", "@c.example", None),
        ("email", "a" * 65 + "@c.example", None),
        ("phone_number", "040 123 4567", "+358401234567"),
        ("phone_number", "+46 70 123 45 67", "+46701234567"),
        ("phone_number", "00358 40 1234567", "+358401234567"),
        ("phone_number", "12", None),
        ("phone_number", "soita", None),
        ("national_id", "070358-9020", "070358-9020"),
        ("national_id", "301174y917w", "301174Y917W"),
        ("national_id", "070358–9020", "070358-9020"),
        ("national_id", "070358-9021", None),
        ("national_id", "0703589020", None),
        ("gsrn", "6499 9900 0000 0000 13", "649999000000000013"),
        ("gsrn", "649999000000000014", None),
        ("reference_number", "10000 04270", "1000004270"),
        ("reference_number", "10000 04271", None),
        ("business_id", "9000137-2", "9000137-2"),
        ("business_id", "90001372", "9000137-2"),
        ("business_id", "9000137-3", None),
        ("customer_number", " 10 0042 ", "100042"),
        ("customer_number", "", None),
        ("loyalty", "ab-1", "AB-1"),
    ],
)
def test_an_identifier_has_one_spelling(kind, given_, wanted):
    assert normalise(kind, given_) == wanted


def test_look_alike_addresses_stay_different():
    there = normalise("email", "pekka@esimerkki.example")
    for other in ("рekka@esimerkki.example", "pekka@еsimerkki.example", "pekka@esirnerkki.example"):
        assert normalise("email", other) not in (None, there)
    assert normalise("email", "strasse@a.example") != normalise("email", "straße@a.example")


def test_the_separator_of_a_personal_identity_code_counts():
    assert normalise("national_id", "010136X901T") != normalise("national_id", "010136-901T")


@given(st.sampled_from(KINDS), st.text(max_size=400))
def test_any_text_is_read_without_error_and_reading_twice_changes_nothing(kind, text):
    value = normalise(kind, text)
    assert value is None or normalise(kind, value) == value


@given(st.text(max_size=200))
def test_cleaning_leaves_no_control_characters(text):
    cleaned = clean(text)
    assert clean(cleaned) == cleaned
    assert not set(cleaned) & {"\r", "\x00", "\u202e", "\u2066", "\x1b"}
