"""A drop of delimited files as a source: each collection of the dataset is the files that fit its pattern."""

import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any, BinaryIO

from workflows.connectors.csv_discovery import DropSheets, SheetDiscovery
from workflows.connectors.csv_lines import Line, Lines, Style
from workflows.connectors.dataset import Node, build_graph
from workflows.connectors.drop_erasing import Changes, DropErasing
from workflows.connectors.drop_place import drop_of
from workflows.connectors.drops import Dropped, chosen
from workflows.connectors.listing import listable, readable_of, record_items_of, records_of
from workflows.connectors.records import Record, Wanted, locator_of
from workflows.connectors.records_search import RecordSearch
from workflows.connectors.records_shape import named_columns
from workflows.connectors.sql_masking import WORD
from workflows.errors import NeverAgain
from workflows.listed import Listed
from workflows.ports import ErasedItem, EraseItem, Guarantee, Lead, Person, PreviewedItem, Seeds
from workflows.register.csv_connection import CsvConnection
from workflows.register.model import Register, SourceSpec
from workflows.rules.items import Item, Json, canonical, digest_of


class CsvConnector(SheetDiscovery):
    """One drop. Files are read line by line, from beginning to end."""

    def __init__(self, spec: SourceSpec, *, register: Register, environ: Mapping[str, str]) -> None:
        self.spec, self._register = spec, register
        self._said = CsvConnection.model_validate(dict(spec.connection))
        self._graph = build_graph(spec, register)
        self._drop = drop_of(self._said, spec=spec, register=register, environ=environ)
        self._style = Style(
            encoding=self._said.encoding,
            delimiter=self._said.delimiter,
            header=self._said.header,
            end_marker=self._said.end_marker or "",
            may_be_empty=self._said.may_be_empty,
        )
        names = sorted({node.collection for node in self._graph.nodes.values()})
        super().__init__(DropSheets(self._drop, self._said, style=self._style, collections=names))
        self._newest = self._said.take == "newest"
        self._search = RecordSearch(self, self._graph, spec=spec, register=register, keyed=self._newest)
        self._erasing = DropErasing(
            self._drop,
            self,
            self._search.schema,
            rewrite=self._rewrite,
            neutral=neutral_text,
            writable=self._said.writable,
            by_people=self._said.by_hand is not None,
            one_file=self._newest and len(self._graph.nodes) == 1,
            lost=self._lost,
        )

    @property
    def guarantee(self) -> Guarantee:
        """In a folder we may write to A for one file and B for several, C on other such drops, else D."""
        return self._erasing.guarantee

    def entries(self) -> frozenset[str]:
        """The keys of `Seeds` that a search here can start from."""
        return self._graph.entries()

    def health(self) -> None:
        """Return if every collection has a file, fresh enough and beginning as described; raise otherwise."""
        for node in self._graph.nodes.values():
            for file in self._files(node):
                with self._drop.open(file) as stream:
                    lines = self._lines(node, file, stream)
                    next(iter(lines), None)
                    self._check(node, lines)

    def find(self, identifiers: Mapping[str, str]) -> list[Person]:
        """The people whose record carries any of these identifiers."""
        return self._search.find(identifiers)

    def collect(self, seeds: Seeds, emit: Callable[[Item], None]) -> dict[str, list[Lead]]:
        """Emit every record these seeds lead to, each once; return the values that lead on to other sources."""
        return self._search.collect(seeds, emit)

    def preview(self, items: Sequence[EraseItem]) -> list[PreviewedItem]:
        """What `erase` would do; changes nothing."""
        return self._erasing.preview(items)

    def erase(self, op_id: str, fence: int, items: Sequence[EraseItem]) -> list[ErasedItem]:
        """Write the files anew without these records, or with their fields emptied."""
        return self._erasing.erase(op_id, fence, items)

    def call_off(self, op_id: str, fence: int, items: Sequence[EraseItem]) -> list[ErasedItem]:
        """See to it that this operation will not happen any more, and tell what it has done already."""
        return self._erasing.call_off(op_id, fence, items)

    def present(self, items: Sequence[EraseItem]) -> dict[int, str]:
        """The digests of those items that still exist as records, by item number."""
        return self._erasing.present(items)

    def collections(self) -> list[str]:
        """The collections that `everything` reads."""
        return [name for name, node in self._graph.nodes.items() if listable(node)]

    def everything(self, collection: str) -> Iterator[Listed]:
        """Every record of a collection, file by file."""
        yield from records_of(self, self._graph.nodes[collection])

    def readable(self) -> dict[str, str]:
        """The collections that `records` reads, and their categories."""
        return readable_of(self._graph.nodes, source=self.spec.source, register=self._register)

    def records(self, collection: str, *, before: date) -> Iterator[Item]:  # noqa: ARG002 (no series is read so)
        """Every record of a collection as an item, file by file."""
        node = self._graph.nodes[collection]
        yield from record_items_of(self, node, source=self.spec.source, register=self._register)

    def rows(self, node: Node, wanted: Wanted | None) -> Iterator[Record]:
        """The records of a collection, file by file, in the order of their names."""
        for file in self._files(node):
            with self._drop.open(file) as stream:
                lines = self._lines(node, file, stream)
                places = None if self._style.header or wanted is None else _places(lines, wanted)
                for line in lines:
                    if line.cells is None:
                        self._check(node, lines)
                        places = _places(lines, wanted) if wanted is not None else None
                    elif places is None or _carries(line.cells, places):
                        yield self._record(node, file, lines, line)

    def once(self, node: Node) -> bool:
        """Lines without a key may be alike; they are one record."""
        return bool(node.primary)

    def _lost(self, items: Sequence[EraseItem]) -> set[int]:
        lost: set[int] = set()
        for name, node in self._graph.nodes.items():
            held = {i.item_no: str(i.locator["file"]) for i in items if i.collection == name and "file" in i.locator}
            names = {f.name for f in self._files(node)} if held else set()
            lost |= {number for number, file in held.items() if file not in names}
        return lost

    def _files(self, node: Node) -> list[Dropped]:
        pattern = self._said.pattern_of(node.collection)
        return chosen(self._drop, pattern, newest=self._newest, oldest=self._said.oldest)

    def _lines(self, node: Node, file: Dropped, stream: BinaryIO) -> Lines:
        files = self._said.files.get(node.collection)
        columns = files.columns if files else ()
        lines = Lines(stream, self._style, columns=columns, emptied=lambda: self._erasing.wrote(file))
        if not self._style.header:
            self._check(node, lines)
        return lines

    @staticmethod
    def _check(node: Node, lines: Lines) -> None:
        names = lines.names
        missing = sorted(set(named_columns(node)) - set(names))
        if missing or len(set(names)) != len(names):
            detail = "not in the file: " + ", ".join(missing) if missing else "two columns have the same name"
            raise NeverAgain("schema_changed", detail=detail)

    def _record(self, node: Node, file: Dropped, lines: Lines, line: Line) -> Record:
        content = dict(zip(lines.names, line.cells or (), strict=True))
        # Without a key a line is found again by what it says; its number is another once a line before it goes.
        locator: dict[str, Json] = locator_of(node, content) or {"content": digest_of(content)}
        return Record(locator if self._newest else {**locator, "file": file.name}, content, file.name)

    def _rewrite(self, collection: str, file: Dropped, changes: Changes, out: BinaryIO) -> int:
        node = self._graph.nodes[collection]
        changed = gone = 0
        with self._drop.open(file) as stream:
            lines = self._lines(node, file, stream)
            for line in lines:
                if line.cells is None:
                    out.write(lines.ending(line, fewer=gone) if lines.is_marker(line) else line.raw)
                    continue
                mark = canonical(self._record(node, file, lines, line).locator)
                if mark not in changes:
                    out.write(line.raw)
                    continue
                changed += 1
                fields = changes[mark]
                if fields is None:
                    gone += 1
                    continue
                makers = {f: neutral_text(node, f) for f in fields}
                cells = [make() if (make := makers.get(n)) else c for n, c in zip(lines.names, line.cells, strict=True)]
                out.write(lines.changed(line, cells))
        return changed


def neutral_text(node: Node, name: str) -> Callable[[], Any] | None:
    """Nothing, unless the dataset wants a word or a token; all columns of a file are texts."""
    field = node.fields[name]
    if field.strategy == "string_rewrite":
        return lambda: (field.rewrite or WORD)[: field.length]
    if field.strategy == "random_string_rewrite":
        return lambda: secrets.token_hex(16)[: field.length]
    return str


def _places(lines: Lines, wanted: Wanted) -> list[tuple[int, frozenset[str]]]:
    return [(lines.names.index(column), values) for column, values in wanted.items()]


def _carries(cells: Sequence[str], places: list[tuple[int, frozenset[str]]]) -> bool:
    return any(cells[i] in values or cells[i].lower() in values for i, values in places)
