"""Cells: no spreadsheet runs them, every text comes back, nothing of another person stays."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflows.documents.cells import REDACTED, csv_cell, csv_line, redact

TEXT = st.text(alphabet=st.characters(blacklist_categories=("Cs",), blacklist_characters="\x00"))


@pytest.mark.parametrize(
    "attack",
    [
        "=1+1",
        "+1+1",
        "-1+1",
        "@SUM(A1)",
        "\t=1+1",
        "\r=1",
        "\n=1",
        " =1+1",
        "\N{NO-BREAK SPACE}=1",
        "＝1+1",
        "＋1",
        "－1",
        "＠x",
        "-cmd|' /C calc'!A0",
        "|calc",
        '=HYPERLINK("http://x")',
        "+358401234567",
    ],
)
def test_a_text_that_could_be_a_formula_is_disarmed(attack):
    (read,) = next(csv.reader(io.StringIO(csv_line([attack]).decode(), newline="")))
    assert read == "'" + attack


@pytest.mark.parametrize("number", ["-1", "-12.50", "-0,5", "-1e-5", "12", "0"])
def test_a_negative_number_stays_a_number(number):
    assert csv_cell(number) == f'"{number}"'


def test_null_and_the_empty_text_are_told_apart():
    assert csv_line([None, "", 0, False]) == b',"","0","false"\r\n'


@given(st.lists(st.one_of(TEXT, st.integers(), st.booleans()), min_size=1))
def test_every_line_comes_back_as_it_was(values):
    (read,) = csv.reader(io.StringIO(csv_line(values).decode(), newline=""))
    assert len(read) == len(values)
    for was, got in zip(values, read, strict=True):
        if isinstance(was, str):
            assert got in {was, "'" + was}
            assert not got.lstrip(" ").startswith(("=", "+", "@", "\t", "\r"))


@given(
    st.dictionaries(st.sampled_from("abc"), st.one_of(TEXT, st.integers(), st.none())), st.sets(st.sampled_from("abc"))
)
def test_a_named_field_loses_its_value_and_no_other_does(fields, names):
    kept, count = redact(fields, sorted(names))
    for name, value in fields.items():
        hidden = name in names and value not in (None, "")
        assert kept[name] == (REDACTED if hidden else value)
    assert count == sum(name in names and value not in (None, "") for name, value in fields.items())


def test_a_field_inside_another_is_reached_and_the_original_stays():
    fields = {"address": {"street": "Katu 1", "co": "Naapuri"}, "people": [{"name": "A"}, {"name": "B"}], "x.y": "Z"}
    kept, count = redact(fields, ["address.co", "people.name", "x.y", "missing.deep"])
    assert kept == {
        "address": {"street": "Katu 1", "co": REDACTED},
        "people": [{"name": REDACTED}, {"name": REDACTED}],
        "x.y": REDACTED,
    }
    assert count == 4
    assert fields["address"]["co"] == "Naapuri"


def test_a_field_that_is_not_the_shape_we_were_told_is_hidden_whole():
    assert redact({"address": "Katu 1, Naapuri"}, ["address.co"]) == ({"address": REDACTED}, 1)
