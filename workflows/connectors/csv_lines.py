"""Delimited text line by line, each with the bytes it was: what is not touched can be written back as it stood."""

import csv
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from io import StringIO
from typing import BinaryIO

from workflows.errors import NeverAgain, TryAgain

LONGEST = 1 << 20
"""Bytes of one record; a quote that is never closed would swallow the file."""
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Style:
    """How the files of a drop are written."""

    encoding: str = "utf-8"
    delimiter: str = ";"
    header: bool = True
    end_marker: str = ""  # the last line; {rows} stands for the number of records
    may_be_empty: bool = False


@dataclass(slots=True)
class Line:
    """One record with its bytes; `cells` is None for the header, blank lines and the end marker."""

    number: int
    raw: bytes
    cells: list[str] | None


class Lines:
    """The lines of one file. `names` are its columns: as the header says, or as given.

    `emptied` is asked of a file without records: whether we took the last of them out ourselves.
    """

    def __init__(
        self,
        stream: BinaryIO,
        style: Style,
        *,
        columns: Sequence[str] = (),
        emptied: Callable[[], bool] = lambda: False,
    ) -> None:
        self._stream, self._style, self._emptied = stream, style, emptied
        self.names: list[str] = list(columns)
        self._utf8 = style.encoding.lower().replace("_", "-") in {"utf-8", "utf8", "utf-8-sig"}
        self._encoding = "utf-8" if self._utf8 else style.encoding
        self._taken: list[bytes] = []
        self._size = self._number = 0
        self._marker = _pattern(style.end_marker) if style.end_marker else None

    def __iter__(self) -> Iterator[Line]:
        """Every line, in order; a file that ends too early raises before its end.

        Raises `NeverAgain` with codes encoding and bad_row, `TryAgain` with empty_file, unfinished and row_count.
        """
        reader = csv.reader(self._decoded(), delimiter=self._style.delimiter, strict=True)
        records, pending = 0, None
        try:
            if self._style.header:
                self.names = next(reader, [])
                if not self.names:
                    raise TryAgain("empty_file", detail="the file is empty")
                yield Line(1, self._take(), None)
            for cells in reader:
                line = Line(self._number, self._take(), cells or None)
                if pending is not None:
                    records += self._whole(pending)
                    yield pending
                pending = line
                if pending.cells is None:
                    yield pending
                    pending = None
        except csv.Error:
            raise NeverAgain("bad_row", detail=f"line {self._number} can't be split into columns") from None
        if self._marker is not None:
            self._ended(pending, records)
            if pending is not None:
                yield Line(pending.number, pending.raw, None)
        elif pending is not None:
            records += self._whole(pending)
            yield pending
        if not records and not self._style.may_be_empty and not self._emptied():
            raise TryAgain("empty_file", detail="the file holds no record")

    def changed(self, line: Line, cells: Sequence[str]) -> bytes:
        """The line with other cells, ended as it was. Raises `NeverAgain("encoding")` where a character has no byte."""
        ending = b"\r\n" if line.raw.endswith(b"\r\n") else b"\n" if line.raw.endswith(b"\n") else b""
        out = StringIO()
        csv.writer(out, delimiter=self._style.delimiter, lineterminator="").writerow(cells)
        try:
            return out.getvalue().encode(self._encoding) + ending
        except UnicodeError:
            raise NeverAgain("encoding", detail=f"line {line.number} can't be written as {self._encoding}") from None

    def ending(self, line: Line, *, fewer: int) -> bytes:
        """The end marker with so many records less."""
        text = line.raw.decode(self._encoding)
        match = self._marker.match(text) if self._marker is not None else None
        if match is None or "rows" not in match.groupdict():
            return line.raw
        count = str(int(match["rows"]) - fewer).zfill(len(match["rows"]) if match["rows"].startswith("0") else 1)
        return (text[: match.start("rows")] + count + text[match.end("rows") :]).encode(self._encoding)

    def is_marker(self, line: Line) -> bool:
        """Whether this is the end marker."""
        return line.cells is None and self._marker is not None and line.number > 1 and bool(line.raw.strip())

    def _whole(self, line: Line) -> int:
        if line.cells is not None and len(line.cells) != len(self.names):
            what = f"line {line.number} has {len(line.cells)} columns, not {len(self.names)}"
            raise NeverAgain("bad_row", detail=what)
        return 1

    def _ended(self, last: Line | None, records: int) -> None:
        text = last.raw.decode(self._encoding).rstrip("\r\n") if last is not None else ""
        match = self._marker.fullmatch(text) if self._marker is not None else None
        if match is None:
            raise TryAgain("unfinished", detail="the file does not end with its end marker")
        if "rows" in match.groupdict() and int(match["rows"]) != records:
            raise TryAgain("row_count", detail="the file holds more or fewer records than it says")

    def _take(self) -> bytes:
        raw = self._taken[0] if len(self._taken) == 1 else b"".join(self._taken)
        self._taken.clear()
        self._size = 0
        return raw

    def _decoded(self) -> Iterator[str]:
        first = True
        while raw := self._stream.readline(LONGEST + 1):
            self._number += 1
            self._taken.append(raw)
            self._size += len(raw)
            if self._size > LONGEST:
                raise NeverAgain("bad_row", detail=f"line {self._number} or its record is too long")
            if first and self._utf8 and raw.startswith(_BOM):
                yield self._text(raw[len(_BOM) :])
            else:
                yield self._text(raw)
            first = False

    def _text(self, raw: bytes) -> str:
        if raw.isascii():
            if b"\0" in raw:
                raise NeverAgain("bad_row", detail=f"line {self._number} holds a null character")
            return raw.decode("ascii")
        try:
            text = raw.decode(self._encoding)
            lost = not self._utf8 and (text.encode(self._encoding) != raw or _controls(text))
        except UnicodeError:
            lost, text = True, ""
        if lost:
            raise NeverAgain("encoding", detail=f"line {self._number} is not {self._encoding}")
        if not self._utf8 and _is_utf8(raw):
            raise NeverAgain("encoding", detail=f"line {self._number} is UTF-8, not {self._encoding}")
        return text


def _controls(text: str) -> bool:
    """Characters between 80 and 9F are in no text: the file is of another encoding."""
    return any("\x80" <= c <= "\x9f" for c in text)


def _is_utf8(raw: bytes) -> bool:
    """No word of a language we know is UTF-8 by accident: its letters would be two signs that never meet."""
    try:
        raw.decode("utf-8")
    except UnicodeError:
        return False
    return True


def _pattern(marker: str) -> re.Pattern[str]:
    before, found, after = marker.partition("{rows}")
    return re.compile(re.escape(before) + (r"(?P<rows>\d{1,12})" + re.escape(after) if found else ""))
