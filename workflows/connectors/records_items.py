"""A record becomes an item: what is shown of it, its digest over the whole, what it says for the holds."""

from datetime import tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from models.vocabulary import Ownership
from workflows.connectors.dataset import Node
from workflows.connectors.records import Record
from workflows.connectors.records_found import RecordDiscovery
from workflows.connectors.records_paths import flat, shown
from workflows.connectors.sql_found import Found
from workflows.connectors.sql_pointed import Pointed
from workflows.connectors.sql_values import as_json, fact, local_day
from workflows.register.categories import category_of
from workflows.register.model import Register, SourceSpec
from workflows.rules.items import Fact, Item, digest_of


def record_digest(record: Record) -> str:
    """Over everything the source says of the record."""
    return digest_of(as_json(record.content))


class RecordItems:
    """Makes the items of one collect."""

    def __init__(self, discovery: RecordDiscovery, *, spec: SourceSpec, register: Register) -> None:
        self._found, self._spec = discovery, spec
        self._zone = ZoneInfo(register.controller.time_zone)
        self._categories = {n: category_of(register, spec.source, n) for n in discovery.schema.bound}

    def item(self, name: str, record: Record, found: Found, *, ownership: Ownership, by: Pointed) -> Item:
        """The item of this record. One of which elements were taken out belongs to others too."""
        node = self._found.schema.bound[name].node
        content, strained = self._found.strain(name, record.content)
        if strained and ownership is Ownership.OWN and node.spec.ownership == "auto":
            ownership = Ownership.SHARED
        row = found.links
        return Item(
            source=self._spec.source,
            collection=name,
            locator=record.locator,
            category=self._categories[name],
            ownership=ownership,
            digest=record_digest(record),
            fields={f: shown(content, f) for f in node.fields},
            facts=facts_of(node, record, self._zone),
            on=local_day(row[node.spec.on], self._zone) if node.spec.on else None,
            path=found.path,
            third_party=self._found.of_others(name, flat(record.content, node.spec.third_party)),
            referenced=by.anyone,
        )


def facts_of(node: Node, record: Record, zone: tzinfo) -> dict[str, Fact]:
    """What the record says for the holds; a fact that has several values can't be told."""
    specs = node.spec.facts
    fields = [f if isinstance(f, str) else f.field for f in specs.values()]
    row: dict[str, Any] = flat(record.content, fields) if specs else {}
    return {
        n: None if isinstance(row[field], tuple) else fact(n, spec, row=row, zone=zone)
        for (n, spec), field in zip(specs.items(), fields, strict=True)
    }
