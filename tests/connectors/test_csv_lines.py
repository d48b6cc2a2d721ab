"""Lines of delimited text: read exactly, refused where anything is not what it should be."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflows.connectors.csv_lines import LONGEST, Lines, Style
from workflows.errors import NeverAgain, TryAgain


def read(data: bytes, **style: object) -> tuple[Lines, list[list[str]]]:
    lines = Lines(io.BytesIO(data), Style(**style))  # type: ignore[arg-type]
    return lines, [line.cells for line in lines if line.cells is not None]


TEXTS = st.text(st.characters(codec="iso-8859-1", exclude_characters="\x00", exclude_categories=["Cc"]), max_size=12)


@given(
    st.lists(st.lists(TEXTS, min_size=3, max_size=3), min_size=1, max_size=6),
    st.sampled_from(["utf-8", "utf-8-sig", "iso-8859-1", "windows-1252"]),
    st.sampled_from(["\n", "\r\n"]),
)
def test_what_a_writer_wrote_is_read_and_its_bytes_are_all_there(
    rows: list[list[str]], encoding: str, ending: str
) -> None:
    out = io.StringIO()
    writer = csv.writer(out, delimiter=";", lineterminator=ending)
    writer.writerow(["a", "b", "c"])
    writer.writerows(rows)
    try:
        data = out.getvalue().encode(encoding)
    except UnicodeError:
        return
    lines = Lines(io.BytesIO(data), Style(encoding=encoding))
    try:
        found = list(lines)
    except NeverAgain as error:
        # Two letters side by side that are UTF-8 by accident: told, not guessed.
        if error.code == "encoding" and encoding not in {"utf-8", "utf-8-sig"}:
            return
        raise
    assert b"".join(line.raw for line in found) == data
    assert [line.cells for line in found if line.cells is not None] == rows


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused_by_code(data: bytes) -> None:
    try:
        read(data)
    except (NeverAgain, TryAgain) as error:
        if error.code not in {"encoding", "bad_row", "empty_file"}:
            raise


@pytest.mark.parametrize(
    ("data", "style", "code"),
    [
        ("a;b\nÄiti;1\n".encode("latin-1"), {}, "encoding"),
        ("a;b\nÄiti;1\n".encode(), {"encoding": "iso-8859-1"}, "encoding"),
        ("a;b\nhinta €;1\n".encode("windows-1252"), {"encoding": "iso-8859-1"}, "encoding"),
        (b"a;b\n\x81;1\n", {"encoding": "windows-1252"}, "encoding"),
        (b"a;b\n1;2;3\n", {}, "bad_row"),
        (b"a;b\n1\n", {}, "bad_row"),
        (b'a;b\n"1;2\n3;4\n', {}, "bad_row"),
        (b'a;b\n"1"x;2\n', {}, "bad_row"),
        (b"a;b\n1;\0\n", {}, "bad_row"),
        (b"a;b\n" + b"x" * (LONGEST + 2) + b";1\n", {}, "bad_row"),
        (b"<html><body>Sign in</body></html>", {}, "empty_file"),
        (b"", {}, "empty_file"),
        (b"", {"may_be_empty": True}, "empty_file"),
        (b"a;b\n", {}, "empty_file"),
        (b"a;b\n1;2\n", {"end_marker": "#END"}, "unfinished"),
        (b"a;b\n1;2\n#EN", {"end_marker": "#END"}, "unfinished"),
        (b"a;b\n1;2\n#END 2\n", {"end_marker": "#END {rows}"}, "row_count"),
        (b"a;b\n#END 0\n", {"end_marker": "#END {rows}"}, "empty_file"),
    ],
)
def test_a_file_that_is_not_whole_or_not_as_described_is_refused(
    data: bytes, style: dict[str, object], code: str
) -> None:
    with pytest.raises((NeverAgain, TryAgain)) as caught:
        read(data, **style)
    assert caught.value.code == code


def test_the_line_is_told_and_nothing_that_stands_in_it() -> None:
    with pytest.raises(NeverAgain) as caught:
        read("a;b\nok;1\nSalainen Äiti;2\n".encode("latin-1"))
    assert "line 3" in str(caught.value)
    assert "Salainen" not in str(caught.value)


def test_an_empty_file_may_be_an_answer_where_the_register_says_so() -> None:
    assert read(b"a;b\n", may_be_empty=True)[1] == []
    assert read(b"a;b\n#END 0\n", may_be_empty=True, end_marker="#END {rows}")[1] == []


def test_the_end_marker_is_no_record_and_its_count_follows() -> None:
    lines, cells = read(b"a;b\n1;2\n3;4\n#END;002\n", end_marker="#END;{rows}")
    assert cells == [["1", "2"], ["3", "4"]]
    *_, last = Lines(io.BytesIO(b"a;b\n1;2\n3;4\n#END;002\n"), Style(end_marker="#END;{rows}"))
    assert lines.ending(last, fewer=1) == b"#END;001\n"


def test_a_changed_line_keeps_its_ending_and_refuses_what_it_cant_write() -> None:
    lines = Lines(io.BytesIO(b"a;b\r\nx;1\r\n"), Style(encoding="iso-8859-1"))
    _, line = list(lines)
    assert lines.changed(line, ["", "a;b"]) == b';"a;b"\r\n'
    with pytest.raises(NeverAgain, match="encoding"):
        lines.changed(line, ["€", ""])
