"""Days of a time series in Parquet files, in order of time, however the files are cut and sorted.

Row groups are read in the order of their first instants, and only those that can hold the series. What is later than
the next row group's first instant waits, so that no more is held than overlaps; where a file does not tell the bounds
of its row groups, the rows of the series in it are held together.
"""

from collections.abc import Generator, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any, TypeVar, cast

import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.compute as pc  # type: ignore[import-untyped]
import sqlalchemy as sa

from workflows.connectors.dataset import Node
from workflows.connectors.parquet_files import EPOCH, MICROSECOND, Archive, Group, microseconds, plain
from workflows.connectors.parquet_values import carries, decoded, rows_of, typed
from workflows.connectors.sql_schema import Bound
from workflows.connectors.sql_series import DayRows, Series
from workflows.connectors.sql_values import as_instant, midnight
from workflows.connectors.windows import Span
from workflows.errors import NeverAgain
from workflows.rules.items import Json

R = TypeVar("R")
_AT, _FILE = "\x00at", "\x00file"
_HOUR = timedelta(hours=1) // MICROSECOND


@dataclass(slots=True)
class _Opened:
    """The file that was read last: the next row group is often in it."""

    stack: ExitStack
    name: str = ""
    parquet: Any = None

    def of(self, archive: Archive, group: Group) -> Any:
        if self.name != group.file.name:
            self.stack.close()
            self.parquet = self.stack.enter_context(archive.opened(group.file))
            self.name = group.file.name
        return self.parquet


class ParquetSeries:
    """One series collection; `days` gives what is in it. Raw rows end with the name of their file.

    `everywhere`: there may be several files. Each is written anew by itself, so a day that is in two of them, cut at
    another midnight than ours, counts as two records.
    """

    def __init__(self, archive: Archive, node: Node, *, zone: tzinfo, everywhere: bool) -> None:
        self._archive, self._node, self._zone, self._everywhere = archive, node, zone, everywhere
        self._schema = archive.schema(node)
        columns = (sa.Column(name, sa.String) for name in self._schema.names)
        table = sa.Table(node.name, sa.MetaData(), *columns)
        self.series = Series(Bound(node, table, (), keyed=False, uniques=frozenset()), zone=zone)

    def days(self, columns: Sequence[str], value: Sequence[str], *, span: Span) -> Iterator[DayRows]:
        """The days within [start, end) of what carries this value in these columns, each whole."""
        wanted = [typed(self._schema.field(c).type, [v]) for c, v in zip(columns, value, strict=True)]
        if any(values is None for values in wanted):
            raise NeverAgain("no_lookup", detail=f"{self._node.name} is found by a column that is no text or number")
        if not all(wanted):
            return
        by_column = {c: values or [] for c, values in zip(columns, wanted, strict=True)}
        pending: dict[tuple[Any, ...], list[Sequence[Any]]] = {}
        keys = [self.series.names.index(c) for c in self.series.spec.key]
        for rows in self._slices(by_column, span):
            for row in rows:
                key = tuple(row[i] for i in keys)
                if None in key:
                    raise NeverAgain("bad_key", detail=f"a row of {self._node.name} names no series")
                pending.setdefault(key, []).append(row)
            for key, several in pending.items():
                pending[key] = yield from self._by_file(self.series.cut(several, span=span, last=False))
        for several in pending.values():
            yield from self._by_file(self.series.cut(several, span=span, last=True))

    def locator(self, day: DayRows) -> dict[str, Json]:
        """What finds this day again."""
        locator = self.series.locator(day)
        return {**locator, "file": day.raw[0][-1]} if self._everywhere else locator

    @staticmethod
    def _by_file(days: Generator[DayRows, None, R]) -> Generator[DayRows, None, R]:
        """Each day, or its part in each file."""
        while True:
            try:
                day = next(days)
            except StopIteration as end:
                return cast("R", end.value)
            for name in sorted({row[-1] for row in day.raw}):
                mine = [n for n, row in enumerate(day.raw) if row[-1] == name]
                if len(mine) == len(day.raw):
                    yield day
                    continue
                columns: list[Sequence[Json]] = [[column[n] for n in mine] for column in day.columns]
                yield DayRows(day.key, day.day, columns, [day.raw[n] for n in mine])

    def _slices(self, wanted: dict[str, list[Any]], span: Span) -> Iterator[list[Sequence[Any]]]:
        """Rows in order of time, some at a time."""
        groups = sorted(self._due(wanted, span), key=lambda pair: (pair[0], pair[1].file.name, pair[1].number))
        held: pa.Table | None = None
        with ExitStack() as stack:
            opened = _Opened(stack)
            for n, (_, group) in enumerate(groups):
                found = self._read(opened.of(self._archive, group), group, wanted, span)
                held = found if held is None else pa.concat_tables([held, found])
                if n + 1 < len(groups):
                    ready = held.filter(pc.less(held[_AT], groups[n + 1][0]))
                    held = held.filter(pc.greater_equal(held[_AT], groups[n + 1][0]))
                    if ready.num_rows:
                        yield self._ordered(ready)
        if held is not None and held.num_rows:
            yield self._ordered(held)

    def _due(self, wanted: dict[str, list[Any]], span: Span) -> Iterator[tuple[int, Group]]:
        """The row groups that can hold any of it, each with an instant before which it holds nothing."""
        first, last = self._about(span)
        at = self.series.spec.at
        for group in self._archive.groups(self._node):
            if not all(group.may_hold(column, values) for column, values in wanted.items()):
                continue
            low, high = (microseconds(b, self.series.naive) for b in group.bounds.get(at, (None, None)))
            if low is None or high is None:
                yield _EVER, group
            elif low - _HOUR < last and high + _HOUR >= first:
                yield low - _HOUR, group  # an hour that is left out in spring makes local times run back

    def _about(self, span: Span) -> tuple[int, int]:
        ends = [(midnight(day, self._zone) - EPOCH) // MICROSECOND if day is not None else None for day in span]
        return ends[0] if ends[0] is not None else _EVER, ends[1] if ends[1] is not None else -_EVER

    def _read(self, parquet: Any, group: Group, wanted: dict[str, list[Any]], span: Span) -> pa.Table:
        first, last = self._about(span)
        kept = []
        for batch in parquet.iter_batches(row_groups=[group.number], batch_size=16_384):
            part = decoded(pa.Table.from_batches([batch]))
            for column, values in wanted.items():
                part = part.filter(carries(part[column], values))
            if part.num_rows:
                part = part.append_column(_AT, self.instants(part[self.series.spec.at]))
                inside = pc.and_(pc.greater_equal(part[_AT], first - _DAY), pc.less(part[_AT], last + _DAY))
                part = part.filter(inside)
                kept.append(part.append_column(_FILE, pa.array([group.file.name] * part.num_rows, pa.string())))
        nothing = self._nothing()
        return pa.concat_tables([nothing, *(part.cast(nothing.schema) for part in kept)])

    def _nothing(self) -> pa.Table:
        fields = [pa.field(field.name, plain(field.type)) for field in self._schema]
        return pa.schema([*fields, pa.field(_AT, pa.int64()), pa.field(_FILE, pa.string())]).empty_table()

    def instants(self, column: pa.ChunkedArray) -> pa.Array:
        """In microseconds since 1970. Raises `NeverAgain("bad_instant")` where one is missing or is none."""
        kind = plain(column.type)
        if column.null_count:
            raise self._no_instant()
        if pa.types.is_timestamp(kind) and (kind.tz or self.series.naive is UTC):
            try:
                return column.cast(kind).cast(pa.timestamp("us", kind.tz)).cast(pa.int64()).combine_chunks()
            except pa.ArrowInvalid:
                raise self._no_instant() from None
        told = [microseconds(as_instant(value), self.series.naive) for (value,) in rows_of(pa.table({"at": column}))]
        if None in told:
            raise self._no_instant()
        return pa.array(told, pa.int64())

    def _no_instant(self) -> NeverAgain:
        return NeverAgain("bad_instant", detail=f"{self._node.name}.{self.series.spec.at} holds what is no instant")

    def _ordered(self, table: pa.Table) -> list[Sequence[Any]]:
        """The rows in order of time, their instants as texts in UTC, or as days."""
        table = table.take(pc.sort_indices(table, sort_keys=[(_AT, "ascending")]))
        at = self.series.spec.at
        if not pa.types.is_date(plain(self._schema.field(at).type)) and not self._days_only(table[at]):
            place = table.schema.get_field_index(at)
            table = table.set_column(place, at, _spelled(table[_AT]))
        return list(rows_of(table.drop_columns([_AT])))

    @staticmethod
    def _days_only(column: pa.ChunkedArray) -> bool:
        return bool(pa.types.is_string(plain(column.type)) and len(str(column[0])) == len("2024-01-01"))


_EVER = -(2**62)
_DAY = timedelta(days=1) // MICROSECOND


def _spelled(instants: pa.ChunkedArray) -> pa.Array:
    whole = pc.all(pc.equal(pc.multiply(pc.divide(instants, 1_000_000), 1_000_000), instants)).as_py()
    if not whole:
        return pa.array([(EPOCH + us * MICROSECOND).isoformat(sep=" ") for us in instants.to_pylist()], pa.string())
    seconds = pc.divide(instants, 1_000_000).cast(pa.timestamp("s")).cast(pa.string())
    return pc.binary_join_element_wise(seconds, "+00", "")


def instant_of(text: str) -> int:
    """The ISO text of an instant in microseconds since 1970."""
    return (datetime.fromisoformat(text) - EPOCH) // MICROSECOND
