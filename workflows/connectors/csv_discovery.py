"""Delimited files as something that can be looked around in: their columns, and counts over their first lines."""

import csv
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from datetime import date
from itertools import islice
from pathlib import Path
from typing import Protocol

from workflows.connectors import csv_lines as lines
from workflows.connectors.drops import Drop, chosen
from workflows.errors import NeverAgain, SourceDown, TryAgain
from workflows.register.csv_connection import CsvConnection
from workflows.register.yaml_text import flow
from workflows.rules.detect_values import evidence_of
from workflows.rules.discovered import Discovered, FoundField, FoundTable

_HEAD_BYTES = 256 << 10
"""What of a file is read to tell how it is written."""
_DELIMITERS = ";,\t|"
_SUFFIXES = (".csv", ".txt", ".tsv", ".dat")
_DIGITS = re.compile(r"\d[\d._T-]*\d|\d")


class Sheets(Protocol):
    """Collections of lines: their columns, and their first rows."""

    def columns(self) -> Mapping[str, Sequence[str]]:
        """The columns of each collection, in their order."""
        ...

    def rows(self, collection: str, most: int) -> AbstractContextManager[Iterator[Sequence[str]]]:
        """The first rows of one."""
        ...


class SheetDiscovery:
    """Any such collections, behind the `Discovers` port. A cell is a text; what it stands for its values tell."""

    def __init__(self, sheets: Sheets) -> None:
        self._sheets = sheets

    def discover(self, *, schemas: Sequence[str] = ()) -> Discovered:  # noqa: ARG002 (files have none)
        """Collections and columns as the files have them now."""
        found = self._sheets.columns().items()
        return Discovered([FoundTable(name, tuple(FoundField(c, "", "string") for c in cs)) for name, cs in found])

    def look(self, tables: Iterable[FoundTable], *, today: date, rows: int = 200) -> list[FoundTable]:
        """The same with counts over the first rows."""
        return [self._looked_at(table, today=today, rows=rows) if rows else table for table in tables]

    def alike(self, tables: Sequence[FoundTable], *, default: str) -> list[FoundTable]:  # noqa: ARG002 (the port's shape)
        """The same: files declare no keys that a reference could lead to."""
        return list(tables)

    def _looked_at(self, table: FoundTable, *, today: date, rows: int) -> FoundTable:
        names = list(self._sheets.columns()[table.name])
        try:
            with self._sheets.rows(table.name, rows) as read:
                columns = list(zip(*(row for row in islice(read, rows) if len(row) == len(names)), strict=True))
        except (NeverAgain, TryAgain) as error:
            return replace(table, unread=f"no sample could be taken ({error.code})")
        if not columns:
            return table
        found = {n: evidence_of(values, today=today) for n, values in zip(names, columns, strict=True)}
        return replace(table, fields=tuple(replace(f, evidence=found[f.name]) for f in table.fields))


class DropSheets:
    """The files of a drop that the register describes: the newest of each collection."""

    def __init__(self, drop: Drop, said: CsvConnection, *, style: lines.Style, collections: Sequence[str]) -> None:
        self._drop, self._said, self._style, self._collections = drop, said, style, collections

    def columns(self) -> Mapping[str, Sequence[str]]:
        """The columns of each collection. Raises as a search does."""
        found = {}
        for name in self._collections:
            with self._open(name) as read:
                next(iter(read), None)
                found[name] = list(read.names)
        return found

    @contextmanager
    def rows(self, collection: str, most: int) -> Iterator[Iterator[Sequence[str]]]:
        """The first rows of one."""
        with self._open(collection) as read:
            yield islice((line.cells for line in read if line.cells is not None), most)

    @contextmanager
    def _open(self, name: str) -> Iterator[lines.Lines]:
        (file,) = chosen(self._drop, self._said.pattern_of(name), newest=True, oldest=None)
        named = self._said.files[name].columns if name in self._said.files else ()
        with self._drop.open(file) as stream:
            yield lines.Lines(stream, self._style, columns=named)


@dataclass(frozen=True, slots=True)
class Style:
    """How a file is written, as far as its beginning tells."""

    encoding: str
    delimiter: str
    header: tuple[str, ...]  # empty: its first line is a record already
    width: int

    @property
    def columns(self) -> tuple[str, ...]:
        """Its columns, numbered where nothing names them."""
        return self.header or tuple(f"column_{n}" for n in range(1, self.width + 1))


class Folder:
    """Files of a folder, or one file, that no register knows yet. Of those that differ by digits alone: the last."""

    def __init__(self, path: Path) -> None:
        self._files = grouped(path, _SUFFIXES)
        if not self._files:
            raise SourceDown("no_file", detail="there is no delimited file here")
        self._styles = {name: style_of(file) for name, (_, file) in self._files.items()}

    def connection(self) -> list[str]:
        """The lines under `connection:` of a draft."""
        first = next(iter(self._styles.values()))
        told = ["# CHECK where the files are dropped; a relative folder is beside the register", "url: drops"]
        patterns = {name: pattern for name, (pattern, _) in self._files.items()}
        if len(patterns) == 1 and first.header:
            told.append(f"pattern: {flow(next(iter(patterns.values())))}")
        else:
            files: dict[str, dict[str, object]] = {
                name: {"pattern": pattern} | ({} if first.header else {"columns": list(self._styles[name].columns)})
                for name, pattern in patterns.items()
            }
            told.append(f"files: {flow(files)}")
        told += [f"encoding: {first.encoding}", f"delimiter: {flow(first.delimiter)}"]
        if not first.header:
            told += ["# CHECK no line names the columns; call them what they are", "header: false"]
        others = [n for n, s in self._styles.items() if (s.encoding, s.delimiter) != (first.encoding, first.delimiter)]
        if others:
            told.append(f"# CHECK written in another way, so a source of its own: {', '.join(map(flow, others))}")
        return told

    def columns(self) -> Mapping[str, Sequence[str]]:
        """The columns of each collection."""
        return {name: style.columns for name, style in self._styles.items()}

    def rows(self, collection: str, most: int) -> AbstractContextManager[Iterator[Sequence[str]]]:
        """The first rows of one."""
        return _opened(self._files[collection][1], self._styles[collection], most)


def grouped(path: Path, suffixes: Sequence[str]) -> dict[str, tuple[str, Path]]:
    """The file itself, or those of a folder: name to pattern and file, the last of those that differ by digits."""
    if path.is_file():
        return {_called(path): (path.name, path)}
    last = {}
    for file in sorted(path.glob("*")):
        if file.is_file() and file.suffix.casefold() in suffixes:
            last[_DIGITS.sub("*", file.stem) + file.suffix] = file
    return {_called(file): (pattern, file) for pattern, file in last.items()}


class OneFile:
    """The one file of a source; `named` are its columns where no line of it names them."""

    def __init__(self, path: Path, *, collection: str, encoding: str, delimiter: str, named: Sequence[str]) -> None:
        self._path, self._collection, self._named = path, collection, tuple(named)
        self._encoding, self._delimiter = encoding, delimiter

    def columns(self) -> Mapping[str, Sequence[str]]:
        """Its columns. Raises as a search does."""
        with _opened(self._path, self._style(()), 1) as read:
            return {self._collection: self._named or next(read, [])}

    def rows(self, collection: str, most: int) -> AbstractContextManager[Iterator[Sequence[str]]]:
        """Its first rows."""
        return _opened(self._path, self._style(() if self._named else tuple(self.columns()[collection])), most)

    def _style(self, header: tuple[str, ...]) -> Style:
        return Style(self._encoding, self._delimiter, header, len(header))


def style_of(path: Path) -> Style:
    """How a file is written. Raises `SourceDown` where it can't be read, `NeverAgain` where it is no text."""
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
    except OSError as error:
        raise SourceDown("no_file", detail=f"the file can't be read ({type(error).__name__})") from None
    if b"\0" in head:
        raise NeverAgain("not_text", detail="the file is no delimited text")
    encoding = _encoding(head[: head.rfind(b"\n") + 1] or head)
    first = head.decode(encoding, "replace").removeprefix("\ufeff").splitlines()[:50]
    if not first:
        raise NeverAgain("empty_file", detail="the file is empty")
    delimiter = max(_DELIMITERS, key=lambda d: (_steady(first, d), first[0].count(d)))
    try:
        cells = next(csv.reader(first[:1], delimiter=delimiter), [])
    except csv.Error:
        cells = []
    named = bool(cells) and len(set(cells)) == len(cells) and all(c.strip() and not _is_value(c) for c in cells)
    return Style(encoding, delimiter, tuple(cells) if named else (), len(cells))


def _steady(rows: Sequence[str], delimiter: str) -> int:
    """On how many lines the delimiter stands as often as on the first."""
    wanted = rows[0].count(delimiter)
    return sum(row.count(delimiter) == wanted for row in rows) if wanted else 0


def _encoding(head: bytes) -> str:
    try:
        head.decode("utf-8")
    except UnicodeDecodeError:
        return "windows-1252" if re.search(rb"[\x80-\x9f]", head) else "iso-8859-1"
    return "utf-8"


def _is_value(cell: str) -> bool:
    """A name of a column holds no digits but at its end, and no address."""
    return "@" in cell or bool(re.match(r"[\d+\-]", cell)) or len(cell) > 60


def _called(path: Path) -> str:
    return re.sub(r"[^\w]+", "_", _DIGITS.sub("", path.stem)).strip("_").casefold() or "records"


@contextmanager
def _opened(path: Path, style: Style, most: int) -> Iterator[Iterator[Sequence[str]]]:
    """The first rows of a file. Raises `SourceDown` where it can't be read."""
    try:
        opened = path.open("r", encoding=style.encoding, errors="replace", newline="")
    except OSError:
        raise SourceDown("source_down", detail="the file is not there or can't be read") from None
    with opened as text:
        reader = csv.reader((line.removeprefix("\ufeff") for line in text), delimiter=style.delimiter)
        yield _rows(islice(reader, 1 if style.header else 0, None), most)


def _rows(reader: Iterable[list[str]], most: int) -> Iterator[Sequence[str]]:
    try:
        yield from islice((row for row in reader if row), most)
    except csv.Error:
        raise NeverAgain("bad_row", detail="a line can't be split into columns") from None
