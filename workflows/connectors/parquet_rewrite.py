"""A Parquet file written anew without some rows, or with some values taken, and compared with what it was.

Row group by row group: what stays has the same columns, types, order and metadata. Before the new file takes the old
one's place, it is read again and held against the old one value by value.
"""

import json
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping
from typing import Any, BinaryIO

import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.compute as pc  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]

from workflows.connectors.dataset import Node
from workflows.connectors.parquet_files import plain, readable
from workflows.connectors.parquet_rows import ParquetRows
from workflows.connectors.parquet_series import ParquetSeries, instant_of
from workflows.connectors.parquet_values import decoded, rows_of
from workflows.connectors.sql_values import as_json
from workflows.errors import PersonMustLook
from workflows.rules.items import canonical

Changes = Mapping[str, tuple[str, ...] | None]
Neutral = Callable[[str], Any]
"""Column to what a masked value becomes."""


class Touched:
    """How many records change in a file; a day of a series is one, however many rows it has."""

    def __init__(self) -> None:
        self.records = 0
        self._days: set[str] = set()

    def day(self, mark: str) -> None:
        """A row of this day goes; the day counts once."""
        if mark not in self._days:
            self._days.add(mark)
            self.records += 1


Judge = Callable[[pa.Table, Touched], dict[int, tuple[str, ...] | None]]


def judge_rows(rows: ParquetRows, node: Node, file: str, changes: Changes) -> Judge:
    """Records, each by its locator."""

    def judged(table: pa.Table, touched: Touched) -> dict[int, tuple[str, ...] | None]:
        part = decoded(table.select(list(node.primary)) if node.primary else table)
        found: dict[int, tuple[str, ...] | None] = {}
        for n, row in enumerate(rows_of(part)):
            content = dict(zip(part.schema.names, row, strict=True))
            mark = canonical(rows.locator(node, content, file))
            if mark in changes:
                found[n] = changes[mark]
                touched.records += 1
        return found

    return judged


def judge_days(series: ParquetSeries, changes: Changes) -> Judge:
    """Rows of a series, by the days they are in."""
    spec = series.series.spec
    by_key: dict[str, list[tuple[int, int, str]]] = {}
    for mark in changes:
        locator = json.loads(mark)
        key = canonical([locator["key"][c] for c in spec.key])
        by_key.setdefault(key, []).append((instant_of(locator["from"]), instant_of(locator["to"]), mark))
    for days in by_key.values():
        days.sort()

    def judged(table: pa.Table, touched: Touched) -> dict[int, tuple[str, ...] | None]:
        found: dict[int, tuple[str, ...] | None] = {}
        keys = rows_of(decoded(table.select(list(spec.key))))
        marks = {key: canonical([as_json(v) for v in key]) for key in set(keys)}
        if not by_key.keys() & set(marks.values()):
            return found
        instants = series.instants(table[spec.at]).to_pylist()
        for n, key in enumerate(keys):
            days = by_key.get(marks[key], [])
            place = bisect_right(days, (instants[n], 2**63, "")) - 1
            if place >= 0 and days[place][0] <= instants[n] < days[place][1]:
                found[n] = None
                touched.day(days[place][2])
        return found

    return judged


def rewrite(old: pq.ParquetFile, out: BinaryIO, judge: Judge, neutral: Neutral) -> int:
    """Write the file anew; how many records changed. Raises `PersonMustLook("not_the_same")`, and then it is no file.

    `out` must be readable: what was written is read again and compared.
    """
    touched = Touched()
    with pq.ParquetWriter(out, old.schema_arrow, **_manner(old)) as writer:
        for kept in _kept(old, judge, neutral, touched):
            if kept.num_rows:
                writer.write_table(kept, row_group_size=kept.num_rows)
    out.flush()
    with readable(out) as new:
        _compare(new, old, _kept(old, judge, neutral, Touched()))
    out.seek(0, 2)
    return touched.records


def _kept(old: pq.ParquetFile, judge: Judge, neutral: Neutral, touched: Touched) -> Iterator[pa.Table]:
    for number in range(old.num_row_groups):
        table = old.read_row_group(number)
        yield _without(table, judge(table, touched), neutral)


def _without(table: pa.Table, changes: Mapping[int, tuple[str, ...] | None], neutral: Neutral) -> pa.Table:
    for column in sorted({name for fields in changes.values() for name in fields or ()}):
        mask = pa.array([column in (changes.get(n) or ()) for n in range(table.num_rows)])
        field = table.schema.field(column)
        kind = plain(field.type)
        masked = pc.if_else(mask, pa.scalar(neutral(column), kind), table[column].cast(kind))
        if kind != field.type:
            masked = masked.dictionary_encode().cast(field.type)
        table = table.set_column(table.schema.get_field_index(column), field, masked)
    gone = {n for n, fields in changes.items() if fields is None}
    return table.filter(pa.array([n not in gone for n in range(table.num_rows)])) if gone else table


def _compare(new: pq.ParquetFile, old: pq.ParquetFile, kept: Iterator[pa.Table]) -> None:
    """Raises unless the new file says exactly what is to stay."""
    same = new.schema_arrow.equals(old.schema_arrow, check_metadata=True)
    number = 0
    for table in kept:
        if table.num_rows and same:
            same = number < new.num_row_groups and _same(new.read_row_group(number), table)
            number += 1
    if not same or number != new.num_row_groups:
        raise PersonMustLook("not_the_same", detail="the file written anew is not what it should be")


def _same(one: pa.Table, other: pa.Table) -> bool:
    return one.num_rows == other.num_rows and all(
        _same_column(a, b) for a, b in zip(one.columns, other.columns, strict=True)
    )


def _same_column(one: pa.ChunkedArray, other: pa.ChunkedArray) -> bool:
    """Floats by their bits: what is no number is not equal to itself. Nested values as texts, for the same reason."""
    sizes = {pa.float16(): pa.int16(), pa.float32(): pa.int32(), pa.float64(): pa.int64()}
    kind = one.type
    if pa.types.is_nested(kind):
        return repr(one.to_pylist()) == repr(other.to_pylist())
    if pa.types.is_dictionary(kind):
        one, other = one.cast(kind.value_type), other.cast(kind.value_type)
    if kind in sizes:
        one, other = one.combine_chunks().view(sizes[kind]), other.combine_chunks().view(sizes[kind])
    return bool(one.equals(other))


def _manner(old: pq.ParquetFile) -> dict[str, Any]:
    """How the file was written, as far as it tells."""
    manner: dict[str, Any] = {"version": "2.6", "write_page_checksum": True, "store_schema": True}
    if old.num_row_groups:
        group = old.metadata.row_group(0)
        columns = [group.column(n) for n in range(group.num_columns)]
        known = {c.path_in_schema: c.compression for c in columns if c.compression != "UNCOMPRESSED"}
        manner["compression"] = {c.path_in_schema: known.get(c.path_in_schema, "NONE") for c in columns}
        manner["use_deprecated_int96_timestamps"] = any(c.physical_type == "INT96" for c in columns)
    return manner
