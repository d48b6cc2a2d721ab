"""A delimited text file as a source: it is scanned, and whoever keeps it erases by hand.

One file is one collection. The first line names the columns; a file without that line needs
`meta: {columns: [...]}` in its dataset, since Fideslang keeps fields in the order of their names.
"""

import csv
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

from models.vocabulary import Ownership, ReceiptOutcome
from workflows.connectors.dataset import build_graph
from workflows.connectors.sql_values import fact, local_day
from workflows.connectors.windows import ALWAYS, Windows, both, covers, of_span, union
from workflows.errors import BadRegister, Fault, NeverAgain, PersonMustLook, SourceDown
from workflows.ports import ErasedItem, EraseItem, Guarantee, Lead, Person, PreviewedItem, Seeds
from workflows.register.categories import category_of
from workflows.register.model import Register, SourceSpec
from workflows.register.secret import resolve
from workflows.rules.items import Item, Json, digest_of

Row = Mapping[str, str]
Known = dict[str, dict[str, Windows]]


@dataclass(frozen=True, slots=True)
class WayIn:
    """Columns that seeds are looked for in: what their values are values of, and the values looked for."""

    columns: tuple[str, ...]
    keys: tuple[str, ...]
    values: tuple[dict[str, Windows], ...]


class FileConnector:
    """One delimited file. Reads it from beginning to end, holding one line at a time."""

    def __init__(self, spec: SourceSpec, *, register: Register, environ: Mapping[str, str]) -> None:
        self.spec = spec
        self._register = register
        self._zone = ZoneInfo(register.controller.time_zone)
        self._graph = build_graph(spec, register)
        self._nodes = list(self._graph.nodes.values())
        if len(self._nodes) != 1:
            raise BadRegister([Fault(spec.file or spec.source, "a file is one collection", "describe exactly one")])
        self._node = self._nodes[0]
        self._path = Path(register.folder) / resolve(spec.connection["path"], environ)
        self._delimiter = str(spec.connection.get("delimiter", "|"))
        encoding = str(spec.connection.get("encoding", "utf-8"))
        self._encoding = "utf-8-sig" if encoding.lower().replace("_", "-") in {"utf-8", "utf8"} else encoding
        self._header = bool(spec.connection.get("header", True))
        self._category = category_of(register, spec.source, self._node.name)

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
        leads: Known = {}
        ways = self._ways(seeds)
        for number, row in self._rows():
            match = self._match(ways, row)
            if match is None:
                continue
            windows, path, identified = match
            ownership = self._whose(ways, row, windows, identified=identified)
            if ownership is None:
                continue
            emit(self._item(number, row, ownership=ownership, path=path))
            if ownership is Ownership.OWN:
                self._lead(leads, row, windows)
        return {
            key: [Lead(value, *span) for value, windows in values.items() for span in windows or ((None, None),)]
            for key, values in leads.items()
        }

    def preview(self, items: Sequence[EraseItem]) -> list[PreviewedItem]:
        """Every item is for a person to erase."""
        return [PreviewedItem(item.item_no, "by_hand") for item in items]

    def erase(self, op_id: str, fence: int, items: Sequence[EraseItem]) -> list[ErasedItem]:  # noqa: ARG002
        """Only what somebody has taken out by hand already; raises `PersonMustLook("by_hand")` while any is there."""
        if self.present(items):
            raise PersonMustLook("by_hand", detail="lines of a file are erased by whoever keeps the file")
        return [ErasedItem(item.item_no, ReceiptOutcome.ABSENT) for item in items]

    def call_off(self, op_id: str, fence: int, items: Sequence[EraseItem]) -> list[ErasedItem]:  # noqa: ARG002
        """Nothing is ever begun here."""
        return [ErasedItem(item.item_no, ReceiptOutcome.KEPT) for item in items]

    def present(self, items: Sequence[EraseItem]) -> dict[int, str]:
        """The digests of those items that still exist as lines, by item number."""
        wanted = {digest_of(dict(item.locator)): item.item_no for item in items}
        found = {}
        for number, row in self._rows() if wanted else ():
            item_no = wanted.get(digest_of(self._locator(number, row)))
            if item_no is not None:
                found[item_no] = digest_of(dict(row))
        return found

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
        spec = self._node.spec
        wanted = {*self._node.fields, *spec.owner, *([spec.on] if spec.on else [])}
        wanted |= {f if isinstance(f, str) else f.field for f in spec.facts.values()}
        missing = sorted(wanted - set(names))
        if missing or len(set(names)) != len(names):
            detail = "not in the file: " + ", ".join(missing) if missing else "two columns have the same name"
            raise NeverAgain("schema_changed", detail=detail)

    def _ways(self, seeds: Seeds) -> list[WayIn]:
        ways: list[WayIn] = []
        kinds: list[tuple[tuple[str, ...], tuple[str, ...]]] = [
            ((c,), (f"identity:{key}",)) for c, key in self._node.identities.items()
        ]
        kinds += [(inlet.fields, inlet.keys) for inlet in self._graph.inlets]
        for columns, keys in kinds:
            values: list[dict[str, Windows]] = []
            for key in keys:
                one: dict[str, Windows] = {}
                for lead in seeds.get(key, ()):
                    value, window = _spelled(key, lead.value), of_span(lead.start, lead.end)
                    one[value] = union(one[value], window) if value in one else window
                values.append(one)
            ways.append(WayIn(columns, keys, tuple(values)))
        return ways

    def _match(self, ways: list[WayIn], row: Row) -> tuple[Windows, str, bool] | None:
        """When, and by what, the line belongs to the seeds; None if it does not."""
        windows: Windows = frozenset()
        path, identified = "", False
        for way in ways:
            columns, keys, values = way.columns, way.keys, way.values
            cells = [_spelled(k, row[c]) for c, k in zip(columns, keys, strict=True)]
            if any(not cell or cell not in one for cell, one in zip(cells, values, strict=True)):
                continue
            here = ALWAYS
            for cell, one in zip(cells, values, strict=True):
                here = both(here, one[cell])
            windows = union(windows, here)
            path = path or f"{' + '.join(keys)} → {self._node.name}.{'+'.join(columns)}"
            identified = identified or keys[0].startswith("identity:")
        return (windows, path, identified) if path else None

    def _whose(
        self,
        ways: list[WayIn],
        row: Row,
        windows: Windows,
        *,
        identified: bool,
    ) -> Ownership | None:
        """None where the line's day lies outside the person's time."""
        spec = self._node.spec
        if windows is not None and spec.on:
            day = local_day(row[spec.on], self._zone)
            if day is None:
                return Ownership.THIRD_PARTY
            if not covers(windows, day):
                return None
        if spec.ownership != "auto":
            return Ownership(spec.ownership)
        columns = spec.owner or (() if identified else tuple(self._node.identities))
        named = [c for c in columns if row[c]]
        mine = [any((c,) == w.columns and _spelled(w.keys[0], row[c]) in w.values[0] for w in ways) for c in named]
        fits = all(mine) if spec.owner else any(mine) or not named
        return Ownership.OWN if fits else Ownership.THIRD_PARTY

    def _item(self, number: int, row: Row, *, ownership: Ownership, path: str) -> Item:
        spec = self._node.spec
        told = {name: value or None for name, value in row.items()}
        return Item(
            source=self.spec.source,
            collection=self._node.name,
            locator=self._locator(number, row),
            category=self._category,
            ownership=ownership,
            digest=digest_of(dict(row)),
            fields={name: value for name, value in row.items() if name in self._node.fields},
            facts={name: fact(name, one, row=told, zone=self._zone) for name, one in spec.facts.items()},
            on=local_day(row[spec.on], self._zone) if spec.on else None,
            path=path,
            third_party=spec.third_party,
        )

    def _locator(self, number: int, row: Row) -> dict[str, Json]:
        primary = self._node.primary
        return {c: row[c] for c in primary} if primary else {"line": number}

    def _lead(self, leads: Known, row: Row, windows: Windows) -> None:
        for export in self._graph.exports:
            field = export.rpartition(".")[2]
            if not row[field]:
                continue
            window = self._node.spec.windows.get(field)
            when = windows
            if window is not None:
                ends = [local_day(row[c], self._zone) for c in (window.start, window.end)]
                when = both(windows, of_span(ends[0], ends[1]))
            values = leads.setdefault(self._node.address(field), {})
            values[row[field]] = union(values[row[field]], when) if row[field] in values else when


def _spelled(key: str, value: str) -> str:
    return value.lower() if key == "identity:email" else value
