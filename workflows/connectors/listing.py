"""Every record of a collection, whoever it is about: as far as it takes to recognise one, or as an item; streamed."""

from collections.abc import Iterator, Mapping
from datetime import date, tzinfo
from hashlib import sha256
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from models.vocabulary import Ownership
from workflows.connectors.dataset import Node
from workflows.connectors.records import Record, Records
from workflows.connectors.records_items import facts_of, record_digest
from workflows.connectors.records_paths import flat, parts, shown, text_of
from workflows.connectors.sql_items import ItemMaker, locator_of
from workflows.connectors.sql_schema import Bound
from workflows.connectors.sql_series import Series
from workflows.connectors.sql_values import as_instant, as_json, local_day
from workflows.listed import Listed
from workflows.register.categories import category_of
from workflows.register.model import Register
from workflows.rules.items import Item, canonical

_ROWS = 1_000


def listable(node: Node) -> bool:
    """Whether its records can be told one from the other. Days of a series are no records of the source."""
    return node.spec.series is None


def rows_of(connection: sa.Connection, bound: Bound) -> Iterator[Listed]:
    """The rows of a table, read a thousand at a time; only the columns that are needed."""
    node = bound.node
    wanted = dict.fromkeys([*bound.key, *node.identities, *([node.spec.created] if node.spec.created else [])])
    statement = sa.select(*(bound.table.c[name] for name in wanted))
    result = connection.execution_options(stream_results=True, yield_per=_ROWS).execute(statement)
    for plain in result.mappings():
        row = dict(plain)
        found = {
            identity: (str(as_json(row[column])),)
            for column, identity in node.identities.items()
            if row[column] not in (None, "")
        }
        yield Listed(node.name, locator_of(bound, row), found, _created(row, node))


def items_of(
    connection: sa.Connection, bound: Bound, maker: ItemMaker, *, source: str, zone: tzinfo, before: date
) -> Iterator[Item]:
    """The rows of a table as items; those of a series day by day, and only the days before `before`."""
    if bound.node.spec.series is not None:
        series = Series(bound, zone=zone)
        for day in series.days(connection, sa.true(), span=(None, before)):
            facts = maker.facts(dict(zip(series.names, day.raw[0], strict=True)))
            yield series.item(
                day, facts=facts, path="", ownership=Ownership.OWN, source=source, category=maker.category
            )
        return
    statement = sa.select(*bound.table.columns)
    result = connection.execution_options(stream_results=True, yield_per=_ROWS).execute(statement)
    for row in result.mappings():
        yield maker.item(dict(row), ownership=Ownership.OWN, path="", referenced=False, third_party=())


def records_of(records: Records, node: Node) -> Iterator[Listed]:
    """The records of anything that is no database."""
    columns = [*node.identities, *([node.spec.created] if node.spec.created else [])]
    for record in each_once(records, node):
        row = flat(record.content, columns)
        found = {
            identity: tuple(text for one in parts(row[column]) if one is not None and (text := text_of(one)))
            for column, identity in node.identities.items()
        }
        yield Listed(node.name, record.locator, {k: v for k, v in found.items() if v}, _created(row, node))


def each_once(records: Records, node: Node) -> Iterator[Record]:
    """All records of a collection. Lines that are alike are one; pages that shift while they are read repeat some."""
    told = set[bytes]()
    for record in records.rows(node, None):
        if not records.once(node):
            mark = sha256(canonical(record.locator).encode()).digest()
            if mark in told:
                continue
            told.add(mark)
        yield record


def readable_of(nodes: Mapping[str, Node], *, source: str, register: Register) -> dict[str, str]:
    """The collections of anything that is no database whose records can be read one by one, and their categories."""
    return {name: category_of(register, source, name) for name, node in nodes.items() if listable(node)}


def record_items_of(records: Records, node: Node, *, source: str, register: Register) -> Iterator[Item]:
    """The records of anything that is no database as items; whose they are is not looked at."""
    zone, category = ZoneInfo(register.controller.time_zone), category_of(register, source, node.name)
    on = node.spec.on
    for record in each_once(records, node):
        yield Item(
            source=source,
            collection=node.name,
            locator=record.locator,
            category=category,
            ownership=Ownership.OWN,
            digest=record_digest(record),
            fields={f: shown(record.content, f) for f in node.fields},
            facts=facts_of(node, record, zone),
            on=local_day(flat(record.content, [on])[on], zone) if on else None,
        )


def _created(row: Mapping[str, Any], node: Node) -> Any:
    value = row[node.spec.created] if node.spec.created else None
    return None if isinstance(value, tuple) else as_instant(value)
