"""A row becomes an item: its values as JSON, its digest, its locator, what it says for the holds."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import tzinfo
from itertools import repeat
from typing import Any

import sqlalchemy as sa

from models.vocabulary import Ownership
from workflows.connectors.sql_schema import Bound, names_of
from workflows.connectors.sql_values import as_json, encoded, encoder, fact, local_day
from workflows.register.categories import category_of
from workflows.register.model import Register
from workflows.rules.item_lines import Alike, Batch, Parts, batch_of, each_as_json, each_digest
from workflows.rules.items import Fact, Item, Json, digest_of, item_of


class ItemMaker:
    """Makes the items of one collection."""

    def __init__(self, bound: Bound, *, source: str, register: Register, zone: tzinfo) -> None:
        node = bound.node
        self._bound, self._source, self._zone = bound, source, zone
        self.category = category_of(register, source, node.name)
        self._changing = changing(bound.table)
        plain = set(names_of(bound.table.columns)) - {name for name, _ in self._changing}
        self._fields = [name for name in names_of(bound.table.columns) if name in node.fields]
        self._all_fields = len(self._fields) == len(bound.table.columns)
        self._plain_key = bound.key if plain.issuperset(bound.key) else ()

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
        return next(self.items([row], ownership=ownership, path=path, referenced=referenced, third_party=third_party))

    def items(
        self,
        rows: Iterable[Mapping[str, Any]],
        *,
        ownership: Ownership,
        path: str,
        referenced: bool = False,
        third_party: tuple[str, ...] = (),
    ) -> Iterator[Item]:
        """The items of these rows, of which all that is told besides is the same."""
        bound, spec, changing, fields = self._bound, self._bound.node.spec, self._changing, self._fields
        source, name, category, key, every = self._source, bound.name, self.category, self._plain_key, self._all_fields
        only = key[0] if len(key) == 1 else ""
        for row in rows:
            whole = row
            if changing:
                whole = dict(row)
                for c, encode in changing:
                    whole[c] = encode(row[c])
            locator = {only: row[only]} if only else {c: row[c] for c in key} or locator_of(bound, row)
            yield item_of(
                source,
                name,
                locator,
                category,
                ownership,
                digest_of(whole),
                whole if every else {c: whole[c] for c in fields},
                self.facts(row) if spec.facts else {},
                local_day(row[spec.on], self._zone) if spec.on else None,
                path,
                third_party,
                referenced,
            )

    def batch(self, rows: Sequence[Sequence[Any]], *, ownership: Ownership, path: str) -> Batch | None:
        """The items of these rows, of which nobody else's point at any, as the lines they are kept in.

        Column by column, without making an item of each. None where one of them has to be written by itself.
        """
        spec, names = self._bound.node.spec, names_of(self._bound.table.columns)
        raw = dict(zip(names, zip(*rows, strict=True), strict=True))
        whole: dict[str, Sequence[Json]] = {**raw}
        for name, encode in self._changing:
            whole[name] = encoded(encode, raw[name])
        key = {c: raw[c] if self._plain_key else list(map(as_json, raw[c])) for c in self._bound.key}
        facts = [self.facts(dict(zip(names, row, strict=True))) for row in rows] if spec.facts else None
        days = [_day_text(value, self._zone) for value in raw[spec.on]] if spec.on else None
        try:
            contents = each_as_json(as_objects(whole))
            parts = Parts(
                digests=each_digest(contents),
                fields=contents if self._all_fields else each_as_json(as_objects({c: whole[c] for c in self._fields})),
                locators=each_as_json(as_objects(key)),
                facts=None if facts is None else each_as_json(facts),
                days=None if days is None else each_as_json(days),
            )
        except TypeError:
            return None
        alike = Alike(
            source=self._source, collection=self._bound.name, category=self.category, ownership=ownership, path=path
        )
        return batch_of(alike, parts)

    def facts(self, row: Mapping[str, Any]) -> dict[str, Fact]:
        """What this row says for the holds."""
        return {name: fact(name, spec, row=row, zone=self._zone) for name, spec in self._bound.node.spec.facts.items()}


def as_objects(columns: Mapping[str, Sequence[Json]]) -> list[dict[str, Json]]:
    """Rows out of their columns."""
    return list(map(dict, map(zip, repeat(tuple(columns)), zip(*columns.values(), strict=True))))


def _day_text(value: Any, zone: tzinfo) -> str | None:
    day = local_day(value, zone)
    return day.isoformat() if day is not None else None


def encoders(table: sa.Table) -> dict[str, Any]:
    """For each column of the table, in order, how its values become JSON."""
    return dict(zip(names_of(table.columns), map(encoder, table.columns), strict=True))


def changing(table: sa.Table) -> list[tuple[str, Callable[[Any], Json]]]:
    """Those of its columns whose values are not JSON as they are, and how they become it.

    Whole numbers and texts are: most columns, and no call for each of their values.
    """
    plain = {c.name for c in table.columns if isinstance(c.type, (sa.Integer, sa.String)) and not c.info}
    return [(name, one) for name, one in encoders(table).items() if name not in plain]


def digests_of(table: sa.Table) -> Callable[[Mapping[str, Any]], str]:
    """Makes the digest of a row's whole content."""
    encode = changing(table)

    def digest(row: Mapping[str, Any]) -> str:
        whole = dict(row)
        for c, one in encode:
            whole[c] = one(row[c])
        return digest_of(whole)

    return digest


def locator_of(bound: Bound, row: Mapping[str, Any]) -> dict[str, Json]:
    """What finds this row again: its key's columns, as they stand in the source."""
    return {c: as_json(row[c]) for c in bound.key}


def as_rows(names: Iterable[str], rows: Iterable[Any]) -> list[dict[str, Any]]:
    """Driver rows as plain dictionaries."""
    columns = list(names)
    return [dict(zip(columns, row, strict=True)) for row in rows]
