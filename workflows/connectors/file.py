"""A delimited text file as a source: it is scanned, and whoever keeps it erases by hand.

One file is one collection. The first line names the columns; a file without that line needs
`meta: {columns: [...]}` in its dataset, since Fideslang keeps fields in the order of their names.
"""

import csv
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path

from models.vocabulary import ReceiptOutcome
from workflows.connectors.csv_discovery import OneFile, SheetDiscovery
from workflows.connectors.csv_source import neutral_text
from workflows.connectors.dataset import Node, build_graph
from workflows.connectors.listing import listable, readable_of, record_items_of, records_of
from workflows.connectors.records import Record, Wanted, locator_of
from workflows.connectors.records_anonymise import weigh
from workflows.connectors.records_search import RecordSearch
from workflows.connectors.records_shape import named_columns
from workflows.connectors.records_standing import as_it_is, previewed, stand
from workflows.errors import BadRegister, Fault, NeverAgain, PersonMustLook, SourceDown
from workflows.listed import Listed
from workflows.ports import ErasedItem, EraseItem, Guarantee, Lead, Person, PreviewedItem, Seeds
from workflows.register.model import Register, SourceSpec
from workflows.register.secret import resolve
from workflows.rules.items import Item, digest_of

Row = Mapping[str, str]


class FileConnector(SheetDiscovery):
    """One delimited file. Reads it from beginning to end, holding one line at a time."""

    def __init__(self, spec: SourceSpec, *, register: Register, environ: Mapping[str, str]) -> None:
        self.spec, self._register = spec, register
        self._graph = build_graph(spec, register)
        self._nodes = list(self._graph.nodes.values())
        if len(self._nodes) != 1:
            raise BadRegister([Fault(spec.file or spec.source, "a file is one collection", "describe exactly one")])
        self._node = self._nodes[0]
        self._path = Path(register.folder) / resolve(spec.connection["path"], environ)
        self._delimiter = str(spec.connection.get("delimiter", "|"))
        encoding = str(spec.connection.get("encoding", "utf-8"))
        self._encoding = "utf-8-sig" if encoding.lower().replace("_", "-") in {"utf-8", "utf8"} else encoding
        self._by_people = bool(spec.connection.get("by_hand"))
        self._header = bool(spec.connection.get("header", True))
        self._search = RecordSearch(self, self._graph, spec=spec, register=register)
        super().__init__(
            OneFile(
                self._path,
                collection=self._node.collection,
                encoding=self._encoding,
                delimiter=self._delimiter,
                named=() if self._header else self._columns(),
            )
        )

    @property
    def guarantee(self) -> Guarantee:
        """D: by hand."""
        return "D"

    def entries(self) -> frozenset[str]:
        """The keys of `Seeds` that a search here can start from."""
        return self._graph.entries()

    def health(self) -> None:
        """Return if the file is there and its first line names every field of the dataset; raise otherwise."""
        next(self._rows(), None)

    def find(self, identifiers: Mapping[str, str]) -> list[Person]:  # noqa: ARG002 (the port's shape)
        """Nobody: a file knows records, not people."""
        return []

    def collect(self, seeds: Seeds, emit: Callable[[Item], None]) -> dict[str, list[Lead]]:
        """Emit every line that carries a seed in a column of its kind; return the values that lead on."""
        return self._search.collect(seeds, emit)

    def preview(self, items: Sequence[EraseItem]) -> list[PreviewedItem]:
        """What whoever keeps the file is to do; where the register names nobody, every item is `by_hand`."""
        if not self._by_people:
            return [PreviewedItem(item.item_no, "by_hand") for item in items]
        standings = stand(self, self._search.schema, items)
        weigh(self, self._search.schema, standings, neutral=neutral_text)
        return previewed(standings, neutral=neutral_text)

    def erase(self, op_id: str, fence: int, items: Sequence[EraseItem]) -> list[ErasedItem]:  # noqa: ARG002
        """Only what somebody has taken out by hand already; raises `PersonMustLook("by_hand")` while any is there."""
        standings = stand(self, self._search.schema, items) if items else []
        if any(s.records or s.refused for s in standings):  # what the register knows no more is not gone for that
            raise PersonMustLook("by_hand", detail="lines of a file are erased by whoever keeps the file")
        return [ErasedItem(item.item_no, ReceiptOutcome.ABSENT) for item in items]

    def call_off(self, op_id: str, fence: int, items: Sequence[EraseItem]) -> list[ErasedItem]:  # noqa: ARG002
        """Nothing is ever begun here; what people did is what the lines look like now."""
        if not self._by_people:
            return [ErasedItem(item.item_no, ReceiptOutcome.KEPT) for item in items]
        return as_it_is(items, self.present(items))

    def present(self, items: Sequence[EraseItem]) -> dict[int, str]:
        """The digests of those items that still exist as lines, by item number."""
        standings = stand(self, self._search.schema, items) if items else []
        return {s.item.item_no: s.digest for s in standings if s.records}

    def collections(self) -> list[str]:
        """The collections that `everything` reads."""
        return [name for name, node in self._graph.nodes.items() if listable(node)]

    def everything(self, collection: str) -> Iterator[Listed]:
        """Every line."""
        yield from records_of(self, self._graph.nodes[collection])

    def readable(self) -> dict[str, str]:
        """The collections that `records` reads, and their categories."""
        return readable_of(self._graph.nodes, source=self.spec.source, register=self._register)

    def records(self, collection: str, *, before: date) -> Iterator[Item]:  # noqa: ARG002 (no series is read so)
        """Every record of a collection as an item, file by file."""
        node = self._graph.nodes[collection]
        yield from record_items_of(self, node, source=self.spec.source, register=self._register)

    def rows(self, node: Node, wanted: Wanted | None) -> Iterator[Record]:  # noqa: ARG002 (a file is read whole)
        """Every line, as the search wants records."""
        for _, row in self._rows():
            # Without a key a line is found again by what it says; its number is another once a line before it goes.
            yield Record(locator_of(node, row) or {"content": digest_of(row)}, row)

    def once(self, node: Node) -> bool:
        """Lines without a key may be alike; they are one record."""
        return bool(node.primary)

    def _rows(self) -> Iterator[tuple[int, Row]]:
        """Lines with their numbers. Raises `SourceDown`, `NeverAgain` with codes encoding, bad_row, schema_changed."""
        number = 0
        try:
            with self._path.open(encoding=self._encoding, newline="") as file:
                reader = csv.reader(file, delimiter=self._delimiter)
                names = next(reader, []) if self._header else self._columns()
                self._check(names)
                for cells in reader:
                    number = reader.line_num
                    if not cells:
                        continue
                    if len(cells) != len(names):
                        raise NeverAgain("bad_row", detail=f"line {number} has {len(cells)} columns, not {len(names)}")
                    yield number, dict(zip(names, cells, strict=True))
        except UnicodeError:
            raise NeverAgain("encoding", detail=f"line {number + 1} or later is not {self._encoding}") from None
        except csv.Error:
            raise NeverAgain("bad_row", detail=f"line {number + 1} can't be split into columns") from None
        except OSError:
            raise SourceDown("source_down", detail="the file is not there or can't be read") from None

    def _columns(self) -> list[str]:
        meta = self.spec.dataset[0].meta or {}
        return [str(name) for name in meta.get("columns", ())]

    def _check(self, names: Sequence[str]) -> None:
        missing = sorted(set(named_columns(self._node)) - set(names))
        if missing or len(set(names)) != len(names):
            detail = "not in the file: " + ", ".join(missing) if missing else "two columns have the same name"
            raise NeverAgain("schema_changed", detail=detail)
