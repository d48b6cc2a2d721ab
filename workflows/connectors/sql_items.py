"""A row becomes an item: its values as JSON, its digest, its locator, what it says for the holds."""

from collections.abc import Iterable, Mapping
from datetime import tzinfo
from typing import Any

import sqlalchemy as sa

from models.vocabulary import Ownership
from workflows.connectors.sql_schema import Bound
from workflows.connectors.sql_values import as_json, encoder, fact, local_day
from workflows.register.categories import category_of
from workflows.register.model import Register
from workflows.rules.items import Fact, Item, Json, digest_of


class ItemMaker:
    """Makes the items of one collection."""

    def __init__(self, bound: Bound, *, source: str, register: Register, zone: tzinfo) -> None:
        node = bound.node
        self._bound, self._source, self._zone = bound, source, zone
        self.category = category_of(register, source, node.name)
        # Whole numbers and texts are JSON already: most columns, and no call for each of their values.
        self._changing = [
            (c.name, encoder(c))
            for c in bound.table.columns
            if not isinstance(c.type, (sa.Integer, sa.String)) or c.info
        ]
        self._fields = [c.name for c in bound.table.columns if c.name in node.fields]

    def item(
        self,
        row: Mapping[str, Any],
        *,
        ownership: Ownership,
        path: str,
        referenced: bool,
        third_party: tuple[str, ...],
    ) -> Item:
        """The item of this row; `third_party` are the columns about somebody else."""
        node = self._bound.node
        whole = {**row, **{c: encode(row[c]) for c, encode in self._changing}}
        return Item(
            source=self._source,
            collection=node.name,
            locator=locator_of(self._bound, row),
            category=self.category,
            ownership=ownership,
            digest=digest_of(whole),
            fields={c: whole[c] for c in self._fields},
            facts=self.facts(row) if node.spec.facts else {},
            on=local_day(row[node.spec.on], self._zone) if node.spec.on else None,
            path=path,
            third_party=third_party,
            referenced=referenced,
        )

    def facts(self, row: Mapping[str, Any]) -> dict[str, Fact]:
        """What this row says for the holds."""
        return {name: fact(name, spec, row=row, zone=self._zone) for name, spec in self._bound.node.spec.facts.items()}


def encoders(table: sa.Table) -> dict[str, Any]:
    """For each column of the table, in order, how its values become JSON."""
    return {c.name: encoder(c) for c in table.columns}


def locator_of(bound: Bound, row: Mapping[str, Any]) -> dict[str, Json]:
    """What finds this row again: its key's columns, as they stand in the source."""
    return {c: as_json(row[c]) for c in bound.key}


def row_digest(row: Mapping[str, Any], encode: Mapping[str, Any]) -> str:
    """The digest of a row's whole content."""
    return digest_of({c: one(row[c]) for c, one in encode.items()})


def as_rows(names: Iterable[str], rows: Iterable[Any]) -> list[dict[str, Any]]:
    """Driver rows as plain dictionaries."""
    columns = list(names)
    return [dict(zip(columns, row, strict=True)) for row in rows]
