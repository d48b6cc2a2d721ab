"""Faults of canaries: who is to be found, and where."""

from collections.abc import Iterator, Mapping
from typing import Any

from workflows.errors import Fault
from workflows.register.catalogue import Catalogue
from workflows.register.document import Document
from workflows.register.reading import Reading
from workflows.register.shape import nearest

_BY_HAND = ("manual", "paper")


def canary_faults(reading: Reading, catalogue: Catalogue) -> Iterator[Fault]:
    """Everything wrong with the people who are in the sources for good."""
    columns = [column for c in catalogue.collections.values() for column in c.columns.values()]
    keys = {column.meta.identity for column in columns if column.meta.identity}
    common: Mapping[str, str] = reading.controller.canary if reading.controller else {}
    if reading.controller and catalogue.whole:
        yield from _identity(reading.documents["controller.yaml"], ("canary",), common, keys)
    for source, doc in reading.sources:
        if source.canary is None:
            continue
        if source.kind in _BY_HAND:
            what = "people search this source, so no canary is looked for in it"
            yield doc.fault(("canary",), what, remedy="take `canary` away")
            continue
        if not source.canary.identity and not common:
            what = "the canary names nobody, and controller.yaml has no `canary` either"
            yield doc.fault(("canary",), what, remedy="write `identity: {customer_number: …}`")
        if catalogue.whole:
            yield from _identity(doc, ("canary", "identity"), source.canary.identity, keys)
        known = catalogue.of(source)
        for name in source.canary.expect:
            if name not in known:
                what = f"the canary expects records of `{name}`, which this source does not have"
                yield doc.fault(("canary", "expect", name), what, remedy=nearest(name, known))


def _identity(doc: Document, at: tuple[Any, ...], identity: Mapping[str, str], keys: set[str]) -> Iterator[Fault]:
    for name in identity:
        if name not in keys:
            what = f"no field of any source carries the identity `{name}`"
            yield doc.fault((*at, name), what, remedy=nearest(name, keys))
