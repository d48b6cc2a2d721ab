"""A folder of Parquet files as a source: records and time series, read by row groups, erased by writing files anew."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import unquote, urlsplit
from zoneinfo import ZoneInfo

import pyarrow as pa  # type: ignore[import-untyped]

from models.vocabulary import Ownership
from workflows.connectors.dataset import Node, build_graph
from workflows.connectors.drop_erasing import Changes, DropErasing
from workflows.connectors.drops import Dropped, FolderDrop, chosen
from workflows.connectors.listing import listable, readable_of, record_items_of, records_of
from workflows.connectors.parquet_discovery import ParquetDiscovery, opened
from workflows.connectors.parquet_files import Archive, plain
from workflows.connectors.parquet_rewrite import judge_days, judge_rows, rewrite
from workflows.connectors.parquet_rows import ParquetRows
from workflows.connectors.parquet_series import ParquetSeries
from workflows.connectors.records import Record, Wanted
from workflows.connectors.records_doors import Values
from workflows.connectors.records_search import RecordSearch
from workflows.connectors.sql_masking import WORD
from workflows.connectors.sql_series import series_day, spans
from workflows.connectors.sql_values import day_after, fact
from workflows.connectors.windows import merged
from workflows.listed import Listed
from workflows.ports import ErasedItem, EraseItem, Guarantee, Lead, Person, PreviewedItem, Seeds
from workflows.register.categories import category_of
from workflows.register.model import Register, SourceSpec
from workflows.register.parquet_connection import ParquetConnection
from workflows.rules.items import Item, canonical, digest_of


class ParquetConnector(ParquetDiscovery):
    """One folder. Nothing is held between calls."""

    def __init__(self, spec: SourceSpec, *, register: Register) -> None:
        self.spec = spec
        self._register = register
        self._said = ParquetConnection.model_validate(dict(spec.connection))
        self._graph = build_graph(spec, register)
        url = urlsplit(self._said.url)
        path = unquote(url.path) if url.scheme == "file" else self._said.url
        self._drop = FolderDrop(Path(register.folder) / path)
        self._newest = self._said.take == "newest"
        super().__init__(opened(self._drop, self._said, (n.collection for n in self._graph.nodes.values())))

    @property
    def guarantee(self) -> Guarantee:
        """A where all is in one file, B where it may be in several, D where we may not write."""
        return self._call().erasing(()).guarantee

    def entries(self) -> frozenset[str]:
        """The keys of `Seeds` that a search here can start from."""
        return self._graph.entries()

    def health(self) -> None:
        """Return if every collection has files, fresh enough, whole at their ends and as described; raise otherwise."""
        call = self._call()
        for node in self._graph.nodes.values():
            call.archive.groups(node)

    def find(self, identifiers: Mapping[str, str]) -> list[Person]:
        """The people whose record carries any of these identifiers."""
        return self._call().search.find(identifiers)

    def collect(self, seeds: Seeds, emit: Callable[[Item], None]) -> dict[str, list[Lead]]:
        """Emit every record and every day that these seeds lead to; return the values that lead on."""
        return self._call().search.collect(seeds, emit)

    def preview(self, items: Sequence[EraseItem]) -> list[PreviewedItem]:
        """What `erase` would do; changes nothing."""
        return self._call().erasing(items).preview(items)

    def erase(self, op_id: str, fence: int, items: Sequence[EraseItem]) -> list[ErasedItem]:
        """Write the files anew without these records and days, or with fields emptied."""
        return self._call().erasing(items).erase(op_id, fence, items)

    def call_off(self, op_id: str, fence: int, items: Sequence[EraseItem]) -> list[ErasedItem]:
        """See to it that this operation will not happen any more, and tell what it has done already."""
        return self._call().erasing(items).call_off(op_id, fence, items)

    def present(self, items: Sequence[EraseItem]) -> dict[int, str]:
        """The digests of those items that still exist, by item number."""
        return self._call().erasing(items).present(items)

    def collections(self) -> list[str]:
        """The collections that `everything` reads."""
        return [name for name, node in self._graph.nodes.items() if listable(node)]

    def everything(self, collection: str) -> Iterator[Listed]:
        """Every record of a collection, file by file."""
        yield from records_of(self._call(), self._graph.nodes[collection])

    def readable(self) -> dict[str, str]:
        """The collections that `records` reads, and their categories; days of a series are not read so."""
        return readable_of(self._graph.nodes, source=self.spec.source, register=self._register)

    def records(self, collection: str, *, before: date) -> Iterator[Item]:  # noqa: ARG002 (no series is read so)
        """Every record of a collection as an item, file by file."""
        node = self._graph.nodes[collection]
        yield from record_items_of(self._call(), node, source=self.spec.source, register=self._register)

    def _call(self) -> "_Call":
        return _Call(self.spec, self._register, self._graph.nodes, said=self._said, drop=self._drop)


class _Call:
    """What one call knows of the files."""

    def __init__(
        self,
        spec: SourceSpec,
        register: Register,
        nodes: Mapping[str, Node],
        *,
        said: ParquetConnection,
        drop: FolderDrop,
    ) -> None:
        self._spec, self._register, self._nodes, self._said, self._drop = spec, register, nodes, said, drop
        self._zone = ZoneInfo(register.controller.time_zone)
        self._newest = said.take == "newest"
        self.archive = Archive(drop, self._files)
        self._rows = ParquetRows(self.archive, everywhere=not self._newest)
        self._items: Sequence[EraseItem] = ()
        self._told: set[str] = set()  # days that were emitted
        graph = build_graph(spec, register)
        self.search = RecordSearch(self, graph, spec=spec, register=register, series=self._days, keyed=self._newest)

    def _files(self, node: Node) -> list[Dropped]:
        pattern = self._said.pattern_of(node.collection)
        return chosen(self._drop, pattern, newest=self._newest, oldest=self._said.oldest)

    def erasing(self, items: Sequence[EraseItem]) -> DropErasing:
        """What erases these items, or looks at them."""
        self._items = items
        return DropErasing(
            self._drop,
            self,
            self.search.schema,
            rewrite=self._rewrite,
            neutral=self._neutral,
            writable=self._said.writable,
            by_people=self._said.by_hand is not None,
            one_file=self._newest and len(self._nodes) == 1,
            lost=self._lost,
        )

    # As the search and the erasing want records

    def rows(self, node: Node, wanted: Wanted | None) -> Iterator[Record]:
        """Records that carry any of these values; of a series days, all of these values' or those of the items."""
        if node.spec.series is None:
            yield from self._rows.rows(node, wanted)
        elif wanted is None:
            yield from self._days_of_items(node)
        else:
            series = self._series(node)
            for column, values in wanted.items():
                for value in sorted(values):
                    for day in series.days([column], [value], span=(None, None)):
                        yield Record(series.locator(day), dict(zip(series.series.spec.key, day.key, strict=True)))

    def once(self, node: Node) -> bool:
        """Rows without a key may be alike; they are one record."""
        return bool(node.primary)

    def _days_of_items(self, node: Node) -> Iterator[Record]:
        series = self._series(node)
        by_key: dict[tuple[str, ...], dict[str, date]] = {}
        for item in self._items:
            if item.collection == node.name and {"key", "at", "from", "to"} <= set(item.locator):
                key = tuple(str(item.locator["key"].get(c, "")) for c in series.series.spec.key)
                by_key.setdefault(key, {})[canonical(item.locator)] = series_day(item.locator, self._zone)
        for key, days in by_key.items():
            for span in merged((day, day_after(day)) for day in days.values()):
                for found in series.days(series.series.spec.key, key, span=span):
                    locator = series.locator(found)
                    if canonical(locator) in days:
                        yield Record(locator, series.series.content(found), found.raw[0][-1])

    def _lost(self, items: Sequence[EraseItem]) -> set[int]:
        lost: set[int] = set()
        for name, node in self._nodes.items():
            held = {i.item_no: i.locator["file"] for i in items if i.collection == name and i.locator.get("file")}
            names = self.archive.names(node) if held else ()
            lost |= {number for number, file in held.items() if file not in names}
        return lost

    def _series(self, node: Node) -> ParquetSeries:
        return ParquetSeries(self.archive, node, zone=self._zone, everywhere=not self._newest)

    def _days(self, name: str, columns: tuple[str, ...], values: Values, emit: Callable[[Item], None]) -> None:
        node = self._nodes[name]
        series = self._series(node)
        category = category_of(self._register, self._spec.source, name)
        path = f"{name}.{'+'.join(columns)}"
        said = node.spec.ownership
        ownership = Ownership.OWN if said == "auto" else Ownership(said)
        for value, windows in sorted(values.items()):
            for span in spans(windows):
                for day in series.days(columns, value, span=span):
                    locator = series.locator(day)
                    mark = digest_of([name, locator])
                    if mark in self._told:
                        continue  # two ways led to it
                    self._told.add(mark)
                    first = dict(zip(series.series.names, day.raw[0], strict=False))
                    facts = {n: fact(n, one, row=first, zone=self._zone) for n, one in node.spec.facts.items()}
                    item = series.series.item(
                        day,
                        facts=facts,
                        path=path,
                        ownership=ownership,
                        source=self._spec.source,
                        category=category,
                    )
                    emit(replace(item, locator=locator))

    def _rewrite(self, collection: str, file: Dropped, changes: Changes, out: BinaryIO) -> int:
        node = self._nodes[collection]
        judge = (
            judge_rows(self._rows, node, file.name, changes)
            if node.spec.series is None
            else judge_days(self._series(node), changes)
        )

        def neutral(column: str) -> Any:
            make = self._neutral(node, column)
            return make() if make is not None else None

        with self.archive.opened(file) as old:
            return rewrite(old, out, judge, neutral)

    def _neutral(self, node: Node, name: str) -> Callable[[], Any] | None:
        """Nothing where a column may hold nothing, else an empty text; numbers that must be there stay."""
        told, field = self.archive.schema(node).field(name), node.fields[name]
        text = pa.types.is_string(plain(told.type)) or pa.types.is_large_string(plain(told.type))
        if text and field.strategy == "string_rewrite":
            return lambda: (field.rewrite or WORD)[: field.length]
        if told.nullable:
            return lambda: None
        return str if text else None
