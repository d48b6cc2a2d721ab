"""Values of Parquet columns: as Python knows them, as texts that lead, and which rows carry them."""

from collections.abc import Collection, Iterable
from typing import Any

import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.compute as pc  # type: ignore[import-untyped]

from workflows.connectors.parquet_files import plain
from workflows.errors import NeverAgain

_SMALLEST, _LARGEST = -(2**63), 2**63 - 1


def typed(kind: pa.DataType, texts: Iterable[str]) -> list[Any] | None:
    """The texts as values of a column, those that can't be left out; None where it can't be looked up by text.

    Exact: "007" is not the number 7.
    """
    kind = plain(kind)
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return [text for text in texts if "\0" not in text]
    if pa.types.is_integer(kind):
        numbers = (int(t) for t in texts if t.removeprefix("-").isdecimal() and t.isascii() and str(int(t)) == t)
        return [number for number in numbers if _SMALLEST <= number <= _LARGEST]
    return None


def decoded(table: pa.Table) -> pa.Table:
    """The table without dictionaries, which differ from one row group to the next."""
    for place, field in enumerate(table.schema):
        if pa.types.is_dictionary(field.type):
            table = table.set_column(place, field.name, table.column(place).cast(field.type.value_type))
    return table


def carries(column: pa.ChunkedArray, values: Collection[Any], *, lower: bool = False) -> pa.ChunkedArray:
    """For each row whether its value is one of these; `lower`: whatever its case."""
    kind = plain(column.type)
    whole = column.cast(kind) if kind != column.type else column
    if lower and not pa.types.is_integer(kind):
        whole = pc.utf8_lower(whole)
    if pa.types.is_integer(kind) and kind != pa.uint64():
        whole, kind = whole.cast(pa.int64()), pa.int64()
    return pc.is_in(whole, value_set=pa.array(list(values), kind))


def rows_of(table: pa.Table | pa.RecordBatch) -> list[tuple[Any, ...]]:
    """The rows as Python values. Raises `NeverAgain("bad_instant")` for instants finer than a microsecond."""
    columns = [_python(column) for column in table.columns]
    return list(zip(*columns, strict=True))


def _python(column: Any) -> list[Any]:
    kind = plain(column.type)
    if pa.types.is_timestamp(kind) and kind.unit == "ns":
        try:
            column = column.cast(pa.timestamp("us", kind.tz))
        except pa.ArrowInvalid:
            raise NeverAgain("bad_instant", detail="an instant is finer than a microsecond") from None
    return list(column.to_pylist())
