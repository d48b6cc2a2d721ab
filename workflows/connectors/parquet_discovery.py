"""Parquet files as something that can be looked around in: the columns their ends name, and counts over a few rows."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]

from workflows.connectors.csv_discovery import grouped
from workflows.connectors.drops import Drop, chosen
from workflows.errors import NeverAgain, SourceDown
from workflows.register.csv_connection import FolderConnection
from workflows.register.yaml_text import flow
from workflows.rules.detect_values import LONGEST, evidence_of
from workflows.rules.discovered import Discovered, FoundField, FoundTable

ROWS = 200
Open = Callable[[], AbstractContextManager[BinaryIO]]


class ParquetDiscovery:
    """One file for each collection, behind the `Discovers` port."""

    def __init__(self, files: Mapping[str, Open]) -> None:
        self._files = files

    def discover(self, *, schemas: Sequence[str] = ()) -> Discovered:  # noqa: ARG002 (files have none)
        """Columns and types as the newest files have them. Raises as a search does."""
        tables = []
        for name, way in sorted(self._files.items()):
            with _reading(way) as file:
                tables.append(FoundTable(name, tuple(map(_field, file.schema_arrow))))
        return Discovered(tables)

    def look(self, tables: Iterable[FoundTable], *, today: date, rows: int = ROWS) -> list[FoundTable]:
        """The same with counts over the first rows."""
        return [self._looked(table, today=today, rows=rows) if rows else table for table in tables]

    def alike(self, tables: Sequence[FoundTable], *, default: str) -> list[FoundTable]:  # noqa: ARG002 (the port's shape)
        """The same: files declare no keys that a reference could lead to."""
        return list(tables)

    def _looked(self, table: FoundTable, *, today: date, rows: int) -> FoundTable:
        wanted = [f.name for f in table.fields if f.kind != "binary"]
        with _reading(self._files[table.name]) as file:
            batch = next(file.iter_batches(batch_size=rows, columns=wanted), None) if wanted else None
            if batch is None:
                return table
            values = {name: batch.column(n).to_pylist() for n, name in enumerate(batch.schema.names)}
        fields = (replace(f, evidence=_counted(f, values.get(f.name, ()), today=today)) for f in table.fields)
        return replace(table, fields=tuple(fields))


def opened(drop: Drop, said: FolderConnection, collections: Iterable[str]) -> dict[str, Open]:
    """The newest file of each collection of a drop that the register describes, to be opened."""

    def opener(name: str) -> Open:
        return lambda: drop.open(chosen(drop, said.pattern_of(name), newest=True, oldest=None)[0])

    return {name: opener(name) for name in collections}


def in_folder(path: Path) -> tuple[ParquetDiscovery, list[str]]:
    """What looks around in files that no register knows yet, and the lines of a draft under `connection:`."""
    found = grouped(path, (".parquet",))
    if not found:
        raise SourceDown("no_file", detail="there is no Parquet file here")
    told = ["# CHECK where the files are; a relative folder is beside the register", "url: drops"]
    patterns = {name: pattern for name, (pattern, _) in found.items()}
    if len(patterns) == 1:
        told.append(f"pattern: {flow(next(iter(patterns.values())))}")
    else:
        told.append(f"files: {flow({name: {'pattern': pattern} for name, pattern in patterns.items()})}")

    def opener(file: Path) -> Open:
        return lambda: file.open("rb")

    return ParquetDiscovery({name: opener(file) for name, (_, file) in found.items()}), told


@contextmanager
def _reading(way: Open) -> Iterator[pq.ParquetFile]:
    try:
        with way() as stream, pq.ParquetFile(stream) as file:
            yield file
    except (pa.ArrowException, OSError) as error:
        raise NeverAgain("not_parquet", detail=f"the file is not whole Parquet ({type(error).__name__})") from None


def _field(column: Any) -> FoundField:
    data_type, kind = _types(column.type)
    return FoundField(str(column.name), str(column.type), data_type, kind)


def _types(type_: Any) -> tuple[str, str]:
    """Fideslang's word for a type, and what it has none for."""
    for test, word, kind in _WORDS:
        if test(type_):
            return word, kind
    return "", ""


_WORDS: tuple[tuple[Callable[[Any], bool], str, str], ...] = (
    (pa.types.is_boolean, "boolean", ""),
    (pa.types.is_integer, "integer", ""),
    (pa.types.is_floating, "float", ""),
    (pa.types.is_decimal, "float", ""),
    (pa.types.is_string, "string", ""),
    (pa.types.is_large_string, "string", ""),
    (pa.types.is_dictionary, "string", ""),
    (pa.types.is_date, "", "date"),
    (pa.types.is_timestamp, "", "instant"),
    (pa.types.is_binary, "", "binary"),
    (pa.types.is_large_binary, "", "binary"),
    (pa.types.is_fixed_size_binary, "", "binary"),
)


def _counted(field: FoundField, values: Iterable[Any], *, today: date) -> Any:
    shown = (v if v is None or isinstance(v, date | int | float) else str(v)[:LONGEST] for v in values)
    return evidence_of(shown, today=today, numbers=field.data_type == "integer")
