"""Records in Parquet files: row by row, from the row groups that can hold what is looked for."""

from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.compute as pc  # type: ignore[import-untyped]

from workflows.connectors.dataset import Node
from workflows.connectors.parquet_files import Archive, Group
from workflows.connectors.parquet_values import carries, decoded, rows_of, typed
from workflows.connectors.records import Record, Wanted, locator_of
from workflows.connectors.sql_values import as_json
from workflows.rules.items import Json, digest_of

BATCH = 4_096
Looked = Mapping[str, tuple[list[Any], bool]]
"""Column to the values looked for, of its type, and whether their case does not matter."""


class ParquetRows:
    """The records of one call. `everywhere`: records with one key may stand in several files."""

    def __init__(self, archive: Archive, *, everywhere: bool) -> None:
        self._archive, self._everywhere = archive, everywhere

    def rows(self, node: Node, wanted: Wanted | None) -> Iterator[Record]:
        """The records of a collection that carry any of these values, or all."""
        looked = self._looked(node, wanted) if wanted is not None else None
        for group in self._archive.groups(node):
            if looked is not None and not _worth(group, looked):
                continue
            with self._archive.opened(group.file) as parquet:
                for batch in parquet.iter_batches(row_groups=[group.number], batch_size=BATCH):
                    yield from self._batch(node, group, pa.Table.from_batches([batch]), looked)

    def _batch(self, node: Node, group: Group, table: pa.Table, looked: Looked | None) -> Iterator[Record]:
        table = decoded(table)
        if looked is not None:
            table = table.filter(_any(table, looked))
        names = table.schema.names
        for row in rows_of(table):
            content = dict(zip(names, row, strict=True))
            yield Record(self.locator(node, content, group.file.name), content, group.file.name)

    def locator(self, node: Node, content: Mapping[str, Any], file: str) -> dict[str, Json]:
        """What finds a record again: its key, or all it says; and its file, where another may hold the same key."""
        locator: dict[str, Json] = locator_of(node, content) or {"content": digest_of(as_json(content))}
        return {**locator, "file": file} if self._everywhere else locator

    def _looked(self, node: Node, wanted: Wanted) -> Looked | None:
        """None where a column can't be looked up by a text: then all are given."""
        schema, found = self._archive.schema(node), {}
        for column, texts in wanted.items():
            values = typed(schema.field(column).type, texts)
            if values is None:
                return None
            found[column] = (values, node.identities.get(column) == "email")
        return found


def _worth(group: Group, looked: Looked) -> bool:
    return any(values and (lower or group.may_hold(column, values)) for column, (values, lower) in looked.items())


def _any(table: pa.Table, looked: Looked) -> Any:
    mask: Any = pa.array([False] * table.num_rows)
    for column, (values, lower) in looked.items():
        mask = pc.or_(mask, carries(table[column], values))
        if lower:
            mask = pc.or_(mask, carries(table[column], values, lower=True))
    return mask
