"""The records found so far, judged like rows of a database; a link holds several values where arrays do."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import tzinfo
from functools import partial
from itertools import product
from typing import Any

from models.vocabulary import Ownership
from workflows.connectors.dataset import Graph
from workflows.connectors.records import Record
from workflows.connectors.records_doors import Door
from workflows.connectors.records_paths import flat, parts, strained, text_of
from workflows.connectors.records_shape import LOCATOR
from workflows.connectors.shares import Doubt, Shares
from workflows.connectors.sql_found import BUFFERED_ROWS, Discovery, Found, Key, Pile, Row
from workflows.connectors.sql_roles import Roles
from workflows.connectors.sql_schema import Schema
from workflows.connectors.sql_values import as_json
from workflows.connectors.windows import Windows, union
from workflows.errors import NeverAgain, TryAgain
from workflows.ports import Seeds
from workflows.register.model import SourceSpec
from workflows.rules.items import canonical, digest_of


class RecordDiscovery(Discovery):
    """Everything found in one collect of a source of records."""

    def __init__(
        self, spec: SourceSpec, graph: Graph, schema: Schema, *, seeds: Seeds, zone: tzinfo, shares: Shares
    ) -> None:
        super().__init__(spec, graph, schema, seeds=seeds, zone=zone, shares=shares)
        self._columns = {n: [c.name for c in b.table.columns if c.name != LOCATOR] for n, b in schema.bound.items()}
        self._kept: dict[str, list[Record]] = {}
        self._room = BUFFERED_ROWS
        self._digests: dict[str, dict[Key, str]] = {}

    def links(self, name: str, record: Record) -> dict[str, Any]:
        """The record's links by column. Raises `NeverAgain("bad_key")` where a part of its primary key is missing."""
        bound = self.schema.bound[name]
        row = flat(record.content, self._columns[name])
        if not bound.keyed:
            row[LOCATOR] = canonical(record.locator)
        elif any(row[c] is None or isinstance(row[c], tuple) for c in bound.key):
            raise NeverAgain("bad_key", detail=f"a record of {name} has no single value in its primary key")
        return row

    def key(self, name: str, row: Row) -> Key:
        """What tells this record from all others of its collection."""
        return tuple(row[c] for c in self.schema.bound[name].key)

    def combinations(self, row: Row, columns: Sequence[str]) -> Iterator[tuple[str, ...]]:
        """Each way in which the row carries a value in all of these columns, as texts."""
        return (tuple(map(text_of, one)) for one in product(*(parts(row[c]) for c in columns)))

    def note(self, name: str, record: Record, row: Row, *, door: Door, windows: Windows, undated: bool) -> Found | None:
        """File a record that was found behind a door; the `Found` if it is new or stronger than before, else None."""
        pile, key = self.piles[name], self.key(name, row)
        self.same(name, key, record)
        found = pile.rows.get(key)
        if found is None:
            links = {c: row[c] for c in pile.roles.links} | ({LOCATOR: row[LOCATOR]} if LOCATOR in row else {})
            found = Found(
                key,
                links,
                None,
                door.strong,
                door.identified,
                door.direct,
                windows,
                door.path,
                undated,
                self.doubts(name, door, row),
            )
            pile.rows[key] = found
            if self._room > 0:
                self._room -= 1
                self._kept.setdefault(name, []).append(record)
        elif not stronger(found, door, windows, undated=undated, doubt=self.doubts(name, door, row)):
            return None
        found.ownership = self._judge(pile, found)
        self._teach(pile, found)
        return found

    def doubts(self, name: str, door: Door, row: Row) -> Doubt:
        """How sure it is that a record behind this door is the person's."""
        if not door.identified:
            return door.doubt
        (column,) = door.columns
        found = (value for value in parts(row[column]) if door.match({column: value})[0])
        return min((self.doubt(name, column, {**row, column: value}) for value in found), default=Doubt.FOREIGN)

    def values(self, link: Any) -> tuple[Any, ...]:
        """The values of a link as texts."""
        return tuple(map(text_of, parts(link)))

    def same(self, name: str, key: Key, record: Record) -> None:
        """Raises `TryAgain("key_not_unique")` where another record with this key was read before."""
        digest = digest_of(as_json(record.content))
        if self._digests.setdefault(name, {}).setdefault(key, digest) != digest:
            raise TryAgain("key_not_unique", detail=f"two records of {name} with one key, or one that changes")

    def kept(self, name: str) -> list[Record]:
        """Those of the records found that there was room for, whole."""
        return self._kept.get(name, [])

    def weigh(self, name: str, found: Found) -> Found:
        """The same with its ownership, filed nowhere: it teaches nothing and leads nowhere inside the source."""
        found.ownership = self._judge(self.piles[name], found)
        return found

    def reconsider(self) -> Iterator[tuple[str, Found]]:
        """Records that seemed another's and, by what was learnt since, are the person's after all."""
        for name, pile in self.piles.items():
            for found in pile.rows.values():
                if found.ownership is Ownership.THIRD_PARTY:
                    found.ownership = self._judge(pile, found)
                    if found.ownership is not Ownership.THIRD_PARTY:
                        self._teach(pile, found)
                        yield name, found

    def strain(self, name: str, content: Mapping[str, Any]) -> tuple[Any, bool]:
        """The content without elements of arrays that carry another's values, and whether there were any.

        Where the dataset says `return_all_elements` they all stay.
        """
        pile = self.piles[name]
        fields = pile.bound.node.fields
        tests = {
            column: partial(self._mine, pile.roles, column)
            for column, meanings in pile.roles.meanings.items()
            if meanings and column in fields and not fields[column].all_elements
            if "." in column or isinstance(content.get(column), list)
        }
        return strained(content, tests) if tests else (content, False)

    def _mine(self, roles: Roles, column: str, value: Any) -> bool:
        return any(
            (text_of(one).lower() if key == "identity:email" else text_of(one)) in self._known.get(key, ())
            for one in parts(value)
            for key in roles.meanings[column]
        )

    def _anothers_child(self, roles: Roles, found: Found) -> bool:
        if found.strong:
            return False
        values = ((parts(found.links[c]), key) for c, key in roles.below)
        return any(v and not any(text_of(one) in self._known.get(key, ()) for one in v) for v, key in values)

    def _teach(self, pile: Pile, found: Found) -> None:
        """What a record of the person tells, as for rows: who is named twice in it teaches no identity."""
        book = self._book(found)
        if book is None:
            return
        for column, key in pile.roles.taught:
            for value in parts(found.links[column]):
                self._know_column(book, key, text_of(value))
        if pile.roles.is_subject if self.subject else found.identified:
            for column, key in pile.roles.taught_identities:
                if len(values := parts(found.links[column])) == 1:
                    self._know_column(book, key, text_of(values[0]))


def stronger(old: Found, door: Door, windows: Windows, *, undated: bool, doubt: Doubt) -> bool:
    """Note that a record was found behind one more door; whether that says more than was known."""
    before = (old.strong, old.identified, old.direct, old.undated, old.windows, old.doubt)
    if doubt < old.doubt:
        old.doubt, old.path = doubt, door.path
    old.strong, old.identified = old.strong or door.strong, old.identified or door.identified
    old.direct, old.undated = old.direct or door.direct, old.undated and undated
    old.windows = union(old.windows, windows)
    return before != (old.strong, old.identified, old.direct, old.undated, old.windows, old.doubt)
