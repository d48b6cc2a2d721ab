"""Other people's addresses and numbers in free text are taken out, the person's and the company's own stay."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflows.rules.mentions import Mentions

MINE = {"email": ["maija@example.fi"], "phone_number": ["+358401234567"], "national_id": ["010180-9026"]}
MENTIONS = Mentions(MINE, ["asiakaspalvelu@yhtio.example", "020 123 4567"])


@pytest.mark.parametrize(
    ("text", "left", "count"),
    [
        ("Soita naapurille matti@example.fi.", "Soita naapurille ▇.", 1),
        ("Minun: Maija@Example.FI, hänen: matti@example.fi", "Minun: Maija@Example.FI, hänen: ▇", 1),
        ("Puh. 040 765 4321 tai 040-1234567", "Puh. ▇ tai 040-1234567", 1),
        ("Numerot +358 50 123 4567 ja +46 8 505 10 00", "Numerot ▇ ja ▇", 2),
        ("hetu 020281-935Y, minun 010180-9026", "hetu ▇, minun 010180-9026", 1),
        ("Kirjoita asiakaspalvelu@yhtio.example tai soita 020 123 4567", None, 0),
        ("<matti@example.fi>", "<▇>", 1),
        ("matti@example.fi", None, 0),
        ("Lasku 1234567890, viite 2016 1234 5671", None, 0),
        ("GSRN 643007572012345678 ja 12.03.2024 klo 09.30", None, 0),
        ("Summa 1 234 567,89 euroa", None, 0),
        ("Tilinumero FI21 1234 5600 0007 85", None, 0),
        ("040 1234567 040 7654321", "040 1234567 ▇", 1),
        ("040 765 4321 12.3. mennessä", "▇ 12.3. mennessä", 1),
        ("hetu 020281-9352 ei ole oikea", None, 0),
        ("Nimi ja katu: Matti Meikäläinen, Kotikatu 1", None, 0),
        ("", None, 0),
    ],
)
def test_what_is_somebody_elses_goes_and_nothing_else(text: str, left: str | None, count: int) -> None:
    assert MENTIONS.masked(text, "▇") == (text if left is None else left, count)


def test_texts_inside_lists_and_objects_are_looked_at_too() -> None:
    value = {"messages": [{"text": "kysy matti@example.fi", "n": 1}, {"text": "ei mitään"}], "ok": True}
    assert MENTIONS.strained(value, "▇") == (
        {"messages": [{"text": "kysy ▇", "n": 1}, {"text": "ei mitään"}], "ok": True},
        1,
    )
    same, count = MENTIONS.strained({"a": ["x"]}, "▇")
    assert (same, count) == ({"a": ["x"]}, 0)


@given(st.text(max_size=200), st.sampled_from(["matti@example.fi", "+358 50 123 4567", "020281-935Y"]))
def test_whatever_stands_around_it_a_mention_does_not_stay(around: str, mention: str) -> None:
    left, count = MENTIONS.masked(f"! {around} {mention} {around} !", "▇")
    assert mention not in left
    assert count >= 1


@given(st.text())
def test_no_text_is_too_strange_and_a_second_pass_changes_nothing(text: str) -> None:
    once, _ = MENTIONS.masked(text, "▇")
    assert MENTIONS.masked(once, "▇") == (once, 0)
