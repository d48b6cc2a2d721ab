"""A SQL source described by Fideslang datasets, behind the `Connector` port."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from models.vocabulary import Action, ReceiptOutcome
from workflows.bookmarks import Bookmark
from workflows.connectors import sql_changing, sql_erase, sql_receipts
from workflows.connectors.dataset import build_graph
from workflows.connectors.discovery import SqlDiscovery
from workflows.connectors.listing import items_of, listable, rows_of
from workflows.connectors.sql_collect import Collect
from workflows.connectors.sql_discover import ROWS
from workflows.connectors.sql_find import find_people
from workflows.connectors.sql_grants import privileges
from workflows.connectors.sql_items import ItemMaker
from workflows.connectors.sql_schema import Schema, fingerprint, read_schema
from workflows.connectors.sql_source import SqlSource
from workflows.connectors.sql_standing import stand
from workflows.errors import PersonMustLook
from workflows.exchange import ChangedItem, ChangeItem
from workflows.listed import Listed
from workflows.ports import ErasedItem, EraseItem, Guarantee, Lead, Person, PreviewedItem, Seeds
from workflows.register.categories import category_of
from workflows.register.model import Register, SourceSpec
from workflows.rules.discovered import Discovered, FoundTable
from workflows.rules.items import Item
from workflows.rules.privileges import Privilege


class SqlConnector:
    """One database. Its schema is looked at before every use: what the dataset names must be there.

    With `erase_url` one user searches and another previews, erases and proves: neither can do the other's work.
    """

    def __init__(self, spec: SourceSpec, *, register: Register, url: str, erase_url: str = "") -> None:
        self.spec = spec
        self._register = register
        self._zone = ZoneInfo(register.controller.time_zone)
        self._graph = build_graph(spec, register)
        self.exports = self._graph.exports
        self._source = SqlSource(url, timeout_seconds=spec.timeout_seconds)
        self._eraser = SqlSource(erase_url, timeout_seconds=spec.timeout_seconds) if erase_url else self._source
        self._side_tables: tuple[str, ...] = tuple(spec.connection.get("side_tables") or ())
        self._discovery = SqlDiscovery(url)
        self._known: dict[SqlSource, Schema] = {}
        self._keeps_receipts: bool | None = None

    @property
    def guarantee(self) -> Guarantee:
        """A where receipts can be kept in the source, else C."""
        if self._keeps_receipts is None:
            with self._eraser.reading() as connection:
                self._keeps_receipts = sql_receipts.may_keep(connection)
        return "A" if self._keeps_receipts else "C"

    def entries(self) -> frozenset[str]:
        """The keys of `Seeds` that a search here can start from."""
        return self._graph.entries()

    def health(self) -> None:
        """Return if the source answers and its schema is as described, to both users; raise otherwise."""
        for source in {self._source, self._eraser}:
            with source.reading() as connection:
                self._schema(connection, source)

    def read_only(self) -> bool:
        """Whether the source is set so that nothing can be erased in it; raises as `health` does."""
        return self._eraser.read_only()

    def find(self, identifiers: Mapping[str, str]) -> list[Person]:
        """The people whose record carries any of these identifiers; a source that knows no people is not asked."""
        if not any(node.identities for node in self._graph.nodes.values()):
            return []
        with self._source.reading() as connection:
            return find_people(connection, self._schema(connection), spec=self.spec, identifiers=identifiers)

    def collect(self, seeds: Seeds, emit: Callable[[Item], None]) -> dict[str, list[Lead]]:
        """Emit every record these seeds lead to, each once; return the values that lead on to other sources."""
        return self._collect(seeds, emit, None)

    def collect_on(self, seeds: Seeds, emit: Callable[[Item], None], *, bookmark: Bookmark) -> dict[str, list[Lead]]:
        """The same, without the records of large collections that are kept already."""
        return self._collect(seeds, emit, bookmark)

    def preview(self, items: Sequence[EraseItem]) -> list[PreviewedItem]:
        """What `erase` would do, told by doing and undoing it. `refused` is also "absent" or "drifted".

        A source that is set to read only is looked at only.
        """
        if not items or self._eraser.read_only():
            with self._eraser.reading() as connection:
                return sql_erase.preview(connection, self._schema(connection, self._eraser), items, zone=self._zone)
        with self._eraser.trying() as connection:
            schema = self._schema(connection, self._eraser)
            return sql_erase.rehearse(connection, schema, items, zone=self._zone, side_tables=self._side_tables)

    def erase(self, op_id: str, fence: int, items: Sequence[EraseItem]) -> list[ErasedItem]:
        """Treat these items, all or none; the same `op_id` again answers what was done and does nothing.

        Raises `Fenced` if a call with a higher fence came first. Give all items of one source in one call,
        or those that point at others first: what a row outside the call points at is `REFUSED`.
        """
        if self.guarantee == "C":
            return self._erase_and_probe(items)
        with self._eraser.writing() as connection:
            sql_receipts.make_table(connection)
            done = sql_receipts.kept(connection, op_id, fence=fence)
            if not done:
                done = self._treat(connection, items)
                sql_receipts.keep(connection, op_id, fence=fence, outcomes=done)
        return [ErasedItem(item.item_no, done[item.item_no]) for item in items if item.item_no in done]

    def call_off(self, op_id: str, fence: int, items: Sequence[EraseItem]) -> list[ErasedItem]:
        """Keep receipts that say `KEPT`, so that `erase` with a lower fence is refused; or tell what was done."""
        if self.guarantee == "C":
            return self._as_it_is(items)
        with self._eraser.writing() as connection:
            sql_receipts.make_table(connection)
            done = sql_receipts.kept(connection, op_id, fence=fence)
            if not done:
                done = dict.fromkeys((item.item_no for item in items), ReceiptOutcome.KEPT)
                sql_receipts.keep(connection, op_id, fence=fence, outcomes=done)
        return [ErasedItem(item.item_no, done[item.item_no]) for item in items if item.item_no in done]

    def restrict(self, op_id: str, fence: int, items: Sequence[ChangeItem]) -> list[ChangedItem]:
        """Mark these records as not to be used, by the column that the register names; all or none."""
        return self._change(op_id, fence, self._restricting(items, on=True))

    def unrestrict(self, op_id: str, fence: int, items: Sequence[ChangeItem]) -> list[ChangedItem]:
        """Let these records be used again; all or none."""
        return self._change(op_id, fence, self._restricting(items, on=False))

    def rectify(self, op_id: str, fence: int, items: Sequence[ChangeItem]) -> list[ChangedItem]:
        """Give fields of these records their new values; all or none."""
        return self._change(op_id, fence, items)

    def present(self, items: Sequence[EraseItem]) -> dict[int, str]:
        """The digests of those items that still exist as records, by item number; changes nothing."""
        with self._eraser.reading() as connection:
            standings = stand(connection, self._schema(connection, self._eraser), items, zone=self._zone, lock=False)
            return {s.item.item_no: s.digest for s in standings if s.rows}

    def privileges(self) -> list[Privilege]:
        """What the user who searches and the one who erases may do too much, or too little."""
        with self._source.reading() as connection:
            schema = self._schema(connection)
        return privileges(self._source, self._eraser, graph=self._graph, schema=schema)

    def collections(self) -> list[str]:
        """The collections that `everything` reads."""
        return [name for name, node in self._graph.nodes.items() if listable(node)]

    def everything(self, collection: str) -> Iterator[Listed]:
        """Every row of a table, in one transaction in which the database stands still."""
        with self._source.reading() as connection:
            yield from rows_of(connection, self._schema(connection).bound[collection])

    def readable(self) -> dict[str, str]:
        """The collections that `records` reads, and their categories."""
        return {name: category_of(self._register, self.spec.source, name) for name in self._graph.nodes}

    def records(self, collection: str, *, before: date) -> Iterator[Item]:
        """Every row of a table as an item, of a series the days before `before`, in one transaction."""
        with self._source.reading() as connection:
            bound = self._schema(connection).bound[collection]
            maker = ItemMaker(bound, source=self.spec.source, register=self._register, zone=self._zone)
            yield from items_of(connection, bound, maker, source=self.spec.source, zone=self._zone, before=before)

    def discover(self, *, schemas: Sequence[str] = ()) -> Discovered:
        """Tables, columns and keys as they are now, described or not."""
        return self._discovery.discover(schemas=schemas)

    def look(self, tables: Iterable[FoundTable], *, today: date, rows: int = ROWS) -> list[FoundTable]:
        """The same tables with counts over a sample of so many rows each."""
        return self._discovery.look(tables, today=today, rows=rows)

    def alike(self, tables: Sequence[FoundTable], *, default: str) -> list[FoundTable]:
        """The same tables with the references that nobody declared."""
        return self._discovery.alike(tables, default=default)

    def dispose(self) -> None:
        """Close the connections."""
        self._source.dispose()
        self._eraser.dispose()
        self._discovery.dispose()

    def _collect(self, seeds: Seeds, emit: Callable[[Item], None], bookmark: Bookmark | None) -> dict[str, list[Lead]]:
        with self._source.reading() as connection:
            schema = self._schema(connection)
            collect = Collect(connection, self._graph, schema=schema, spec=self.spec, register=self._register)
            return collect.run(seeds, emit, bookmark=bookmark)

    def _restricting(self, items: Sequence[ChangeItem], *, on: bool) -> list[ChangeItem]:
        nodes = self._graph.nodes
        specs = {i.collection: nodes[i.collection].spec.restrict if i.collection in nodes else None for i in items}
        return [replace(i, values=sql_changing.restriction(specs[i.collection], on=on)) for i in items]

    def _change(self, op_id: str, fence: int, items: Sequence[ChangeItem]) -> list[ChangedItem]:
        """The same `op_id` again answers what was done, with the digests as they are now, and does nothing."""
        keeps = self.guarantee == "A"
        with self._eraser.writing() as connection:
            schema = self._schema(connection, self._eraser)
            if not keeps:
                return sql_changing.change(connection, schema, items, zone=self._zone, side_tables=self._side_tables)
            sql_receipts.make_table(connection)
            known = sql_receipts.words(connection, op_id, fence=fence)
            if known:
                now = sql_changing.digests(connection, schema, items, zone=self._zone)
                return [sql_changing.answered(no, known[no], digest) for no, digest in now.items() if no in known]
            done = sql_changing.change(connection, schema, items, zone=self._zone, side_tables=self._side_tables)
            outcomes = {changed.item_no: changed.outcome for changed in done}
            sql_receipts.keep(connection, op_id, fence=fence, outcomes=outcomes)
            return done

    def _treat(self, connection: sa.Connection, items: Sequence[EraseItem]) -> dict[int, ReceiptOutcome]:
        schema = self._schema(connection, self._eraser)
        return sql_erase.erase(connection, schema, items, zone=self._zone, side_tables=self._side_tables)

    def _erase_and_probe(self, items: Sequence[EraseItem]) -> list[ErasedItem]:
        """Where no receipt can be kept: what is gone already is `ABSENT`, and what should be gone is looked for."""
        with self._eraser.writing() as connection:
            done = self._treat(connection, items)
        erased = [item for item in items if done[item.item_no] is ReceiptOutcome.ERASED]
        if self.present(erased):
            raise PersonMustLook("still_there", detail="the source took the erasure and still has the records")
        return [ErasedItem(item.item_no, done[item.item_no]) for item in items]

    def _as_it_is(self, items: Sequence[EraseItem]) -> list[ErasedItem]:
        now = self.present(items)
        changed = {Action.MASK: ReceiptOutcome.MASKED}
        return [
            ErasedItem(
                item.item_no,
                ReceiptOutcome.ABSENT
                if item.item_no not in now
                else ReceiptOutcome.KEPT
                if now[item.item_no] == item.digest
                else changed.get(item.action, ReceiptOutcome.DRIFTED),
            )
            for item in items
        ]

    def _schema(self, connection: sa.Connection, source: SqlSource | None = None) -> Schema:
        """The schema as the user of this connection sees it."""
        source = source or self._source
        mark = fingerprint(connection, (node.schema for node in self._graph.nodes.values()))
        known = self._known.get(source)
        if known is None or not mark or known.fingerprint != mark:
            known = self._known[source] = read_schema(connection, self._graph, mark=mark)
        return known
