"""Parquet files of one source: opened, held to what the dataset says of them, and which row groups are worth reading.

A file that is not whole, whose columns are not those described or not those of the files beside it, fails the source.
"""

import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any, BinaryIO

import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]

from workflows.connectors.dataset import Node
from workflows.connectors.drops import Dropped, FolderDrop
from workflows.connectors.records_shape import named_columns
from workflows.errors import NeverAgain, TryAgain

_LARGEST = 1 << 30
"""Bytes of one row group: a few hundred times what writers make by default."""
_BUFFER = 1 << 20
_MAGIC = b"PAR1"
MICROSECOND = timedelta(microseconds=1)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Group:
    """One row group: its place, and between which values each column's lie, where the file says so."""

    file: Dropped
    number: int
    rows: int
    bounds: Mapping[str, tuple[Any, Any]]

    def may_hold(self, column: str, values: Any) -> bool:
        """Whether any of these values, of the column's own type, can be in it."""
        if column not in self.bounds:
            return True
        low, high = self.bounds[column]
        return any(low <= value <= high for value in values)


class Archive:
    """The files of one call. What was read of their ends is kept while the call lasts."""

    def __init__(self, drop: FolderDrop, files_of: Callable[[Node], list[Dropped]]) -> None:
        self._drop, self._files_of = drop, files_of
        self._groups: dict[tuple[str, Dropped], tuple[Group, ...]] = {}
        self._schemas: dict[str, pa.Schema] = {}
        self._files: dict[str, list[Dropped]] = {}

    def schema(self, node: Node) -> pa.Schema:
        """The columns of a collection."""
        if node.name not in self._schemas:
            self.groups(node)
        return self._schemas[node.name]

    def groups(self, node: Node) -> list[Group]:
        """Every row group of a collection, file by file. Each file is held to what is said of it."""
        if node.name not in self._files:
            self._files[node.name] = self._files_of(node)
        return [group for file in self._files[node.name] for group in self._known(node, file)]

    def names(self, node: Node) -> set[str]:
        """The files of a collection."""
        self.groups(node)
        return {file.name for file in self._files[node.name]}

    def _known(self, node: Node, file: Dropped) -> tuple[Group, ...]:
        key = (node.name, file)
        if key not in self._groups:
            with self.opened(file) as parquet:
                self._check(node, parquet.schema_arrow)
                self._groups[key] = tuple(_groups(file, parquet, named_columns(node)))
        return self._groups[key]

    @contextmanager
    def opened(self, file: Dropped) -> Iterator[pq.ParquetFile]:
        """One file. Raises `TryAgain("unfinished")` where its end is not there yet, `NeverAgain("bad_file")`."""
        with self._drop.open(file) as stream, readable(stream) as parquet:
            yield parquet

    def _check(self, node: Node, schema: pa.Schema) -> None:
        missing = sorted(set(named_columns(node)) - set(schema.names))
        if missing or len(set(schema.names)) != len(schema.names):
            detail = "not in the file: " + ", ".join(missing) if missing else "two columns have the same name"
            raise NeverAgain("schema_changed", detail=detail)
        nested = [name for name in named_columns(node) if pa.types.is_nested(schema.field(name).type)]
        if nested:
            raise NeverAgain("nested_column", detail="columns that hold columns: " + ", ".join(nested))
        first = self._schemas.setdefault(node.name, schema)
        if [(f.name, plain(f.type)) for f in first] != [(f.name, plain(f.type)) for f in schema]:
            raise NeverAgain("schema_changed", detail=f"files of {node.name} have different columns or types")


def plain(kind: pa.DataType) -> pa.DataType:
    """The type without how it is stored."""
    return kind.value_type if pa.types.is_dictionary(kind) else kind


@contextmanager
def readable(stream: BinaryIO) -> Iterator[pq.ParquetFile]:
    """A file, with whatever goes wrong in it told by code and without its words."""
    stream.seek(-len(_MAGIC), 2) if stream.seek(0, 2) > 2 * len(_MAGIC) else stream.seek(0)
    if stream.read(len(_MAGIC)) != _MAGIC:
        raise TryAgain("unfinished", detail="a file does not end as Parquet ends: it is still written, or cut off")
    stream.seek(0)
    try:
        with pq.ParquetFile(stream, buffer_size=_BUFFER, page_checksum_verification=True) as parquet:
            yield parquet
    except (pa.ArrowException, OSError, ValueError, zlib.error, EOFError, OverflowError, MemoryError):
        raise NeverAgain("bad_file", detail="a file is damaged and can't be read to its end") from None


def _groups(file: Dropped, parquet: pq.ParquetFile, columns: tuple[str, ...]) -> Iterator[Group]:
    metadata = parquet.metadata
    room = file.size - len(_MAGIC) - 4 - metadata.serialized_size
    for number in range(metadata.num_row_groups):
        group = metadata.row_group(number)
        if group.total_byte_size > _LARGEST:
            raise NeverAgain("too_large", detail="a row group holds more than a gigabyte")
        bounds = {}
        for place in range(group.num_columns):
            column = group.column(place)
            told = column.statistics
            start = column.dictionary_page_offset if column.has_dictionary_page else column.data_page_offset
            if start is None or start + column.total_compressed_size > room:
                raise NeverAgain("bad_file", detail="a file is shorter than it says")
            if column.path_in_schema in columns and told is not None and told.has_min_max:
                bounds[column.path_in_schema] = (told.min, told.max)
        yield Group(file, number, group.num_rows, bounds)


def microseconds(value: Any, zone: tzinfo) -> int | None:
    """An instant or a day, as statistics tell it, in microseconds since 1970; None where it is neither."""
    if isinstance(value, datetime):
        aware = value if value.tzinfo else value.replace(tzinfo=zone)
        return (aware - EPOCH) // MICROSECOND
    if isinstance(value, date):
        return (datetime.combine(value, time(), tzinfo=UTC) - EPOCH) // MICROSECOND
    return None
