"""Lines of a file as requests: what is wrong is named by its line and field, and no value is ever repeated."""

import csv
import io
from contextlib import suppress
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.vocabulary import Right
from tests.effort import examples
from workflows.errors import BadInput
from workflows.rules.bulk import COLUMNS, Line, read_lines

TODAY = date(2026, 3, 2)
MANDATES = ("power", "guardian")


def read(text: str, **columns: str) -> list[Line]:
    return list(read_lines(text, columns=columns, today=TODAY, mandates=MANDATES))


def test_a_line_says_who_asks_what_and_since_when() -> None:
    (line,) = read(
        "\ufeffKey;Right;Name;Email;Received_on;Channel\r\nK1;access+erasure;Jane;Jane@Shop.Example;1.3.2026;phone\r\n"
    )
    assert line.form is not None
    assert (line.number, line.key, line.channel, line.faults) == (2, "K1", "phone", ())
    assert line.form.rights == (Right.ACCESS, Right.ERASURE)
    assert line.form.identifiers == {"email": "jane@shop.example"}
    assert line.form.received_on == date(2026, 3, 1)


def test_who_acts_for_another_is_on_the_line_too() -> None:
    (line,) = read("right,name,mandate,mandate_name,mandate_until\naccess,Jane,guardian,Joe,2026-12-31\n")
    assert line.form is not None
    assert (line.form.on_behalf, line.until) == (True, date(2026, 12, 31))


@pytest.mark.parametrize(
    ("row", "field"),
    [
        ("erase-all,Jane,,,,,", "right"),
        ("access,,,,,,", "email"),
        ("access,Jane,jane(at)shop,,,,", "email"),
        ("access,Jane,,2027-01-01,,,", "received_on"),
        ("access,Jane,,,fax,,", "channel"),
        ("access,Jane,,,,cousin,", "mandate"),
        ("access,Jane,,,,,soon", "mandate_until"),
        ("access,Jane,,,,,,one too many", "line"),
    ],
)
def test_what_is_wrong_with_a_line_is_named_by_its_field(row: str, field: str) -> None:
    (line,) = read(f"right,name,email,received_on,channel,mandate,mandate_until\n{row}\n")
    assert [fault.where for fault in line.faults] == [field]
    told = " ".join(f"{fault.what} {fault.remedy}" for fault in line.faults)
    assert "Jane" not in told
    assert "jane(at)shop" not in told


def test_columns_of_another_name_are_mapped() -> None:
    (line,) = read("Oikeus|Asiakas\naccess|Jane\n", right="oikeus", name="Asiakas")
    assert line.form is not None
    assert line.form.name == "Jane"


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("", {}),
        ("name,email\nJane,\n", {}),
        ("right,shoe_size\naccess,40\n", {}),
        ("right,right\naccess,erasure\n", {}),
        ("right,name\naccess,Jane\n", {"name": "Kunde"}),
        ("right,name\naccess,Jane\n", {"shoe_size": "name"}),
        ('right,name\naccess,"Jane\n', {}),
        ("right,name\n" + "access,Jane\n" * 10_001, {}),
    ],
)
def test_a_file_that_can_not_be_read_as_a_whole_is_refused_as_a_whole(text: str, columns: dict[str, str]) -> None:
    with pytest.raises(BadInput):
        read(text, **columns)


def test_empty_lines_say_nothing_and_lines_are_numbered_as_in_the_file() -> None:
    assert [line.number for line in read('right,message,name\n\n,,\naccess,"two\nlines",Jane\naccess,,Joe\n')] == [5, 6]


@pytest.mark.parametrize(
    ("row", "to"),
    [
        ("jane@shop.example,,,", "jane@shop.example"),
        ("jane@shop.example,other@shop.example,,", "other@shop.example"),
        ("jane@shop.example,,yes,", ""),
        ("jane@shop.example,,,Joe@Law.Example", "joe@law.example"),
        ("jane@shop.example,other@shop.example,yes,joe@law.example", "other@shop.example"),
    ],
)
def test_who_asks_for_another_is_written_to_and_not_the_person_it_is_about(row: str, to: str) -> None:
    (line,) = read(f"right,email,reply_to,on_behalf,mandate_email\naccess,{row}\n")
    assert (line.faults, line.reply_to) == ((), to)


def test_without_a_key_a_line_is_known_by_all_it_says() -> None:
    one, two, same = read("right,name\naccess,Jane\naccess,Joe\naccess,Jane\n")
    assert one.key == same.key != two.key
    assert one.said == same.said != two.said


@settings(max_examples=examples(200), deadline=None)
@given(
    st.lists(st.lists(st.text(max_size=20), min_size=1, max_size=len(COLUMNS)), max_size=5), st.permutations(COLUMNS)
)
def test_whatever_stands_in_the_cells_each_line_is_understood_or_has_faults(
    rows: list[list[str]], header: list[str]
) -> None:
    out = io.StringIO()
    csv.writer(out).writerows([header, *rows])
    try:
        lines = read(out.getvalue())
    except BadInput:
        return
    assert all(line.form is not None or line.faults for line in lines)


@settings(max_examples=examples(200), deadline=None)
@given(st.text(max_size=300))
def test_whatever_a_file_holds_it_is_read_or_refused(text: str) -> None:
    with suppress(BadInput):
        assert all(line.form is not None or line.faults for line in read(text))
