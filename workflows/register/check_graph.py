"""Faults between collections: references, orders, and whether a search reaches everything about a person."""

from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter

from workflows.errors import Fault
from workflows.register.catalogue import Catalogue, Collection
from workflows.register.document import Path
from workflows.register.reading import Reading
from workflows.register.shape import nearest


def graph_faults(reading: Reading, catalogue: Catalogue) -> Iterator[Fault]:
    """Everything wrong with what leads where."""
    leads: dict[str, set[str]] = {}
    lost: set[str] = set()
    for collection in catalogue.collections.values():
        for fault in _references(collection, catalogue, leads):
            lost.add(collection.key)
            yield fault
    for word in ("after", "erase_after"):
        yield from _orders(catalogue, word)
    if catalogue.whole and catalogue.collections:
        yield from _reach(reading, catalogue, leads, lost=lost)


def _meta(raw: Mapping[str, object]) -> str:
    return "fides_meta" if "fides_meta" in raw else "fidesops_meta"


def _references(collection: Collection, catalogue: Catalogue, leads: dict[str, set[str]]) -> Iterator[Fault]:
    for column in collection.columns.values():
        raw = collection.doc.data
        for part in column.path:
            raw = raw[part]
        for n, reference in enumerate(column.meta.references or ()):
            at: Path = (*column.path, _meta(raw), "references", n)
            target, _, name = reference.field.partition(".")
            key = f"{reference.dataset}.{target}"
            if reference.dataset in catalogue.broken:
                continue
            if reference.dataset not in catalogue.datasets:
                if catalogue.whole:
                    remedy = nearest(reference.dataset, catalogue.datasets)
                    yield collection.doc.fault(
                        (*at, "dataset"), f"there is no dataset `{reference.dataset}`", remedy=remedy
                    )
                continue
            there = catalogue.collections.get(key)
            if there is None:
                known = [c.name for c in catalogue.collections.values() if c.dataset == reference.dataset]
                what = f"`{reference.dataset}` has no collection `{target}`"
                yield collection.doc.fault((*at, "field"), what, remedy=nearest(target, known))
                continue
            if name not in there.columns:
                what = f"`{key}` has no field `{name}`"
                yield collection.doc.fault((*at, "field"), what, remedy=nearest(name, there.columns))
            if there.skipped and not collection.skipped:
                what = f"`{key}` is left out by `skip_processing`, so nothing can be found through it"
                yield collection.doc.fault(at, what, remedy="remove the reference, or `skip_processing` there")
            if reference.direction != "to":
                leads.setdefault(key, set()).add(collection.key)
            if reference.direction != "from":
                leads.setdefault(collection.key, set()).add(key)


def _orders(catalogue: Catalogue, word: str) -> Iterator[Fault]:
    before: dict[str, list[str]] = {}
    for collection in catalogue.collections.values():
        meta = collection.model.fides_meta
        raw = collection.doc.data
        for part in collection.path:
            raw = raw[part]
        for n, key in enumerate((getattr(meta, word) if meta else None) or ()):
            at = (_meta(raw), word, n)
            if key in catalogue.collections:
                before.setdefault(collection.key, []).append(key)
            elif key.split(".")[0] not in catalogue.broken and (
                catalogue.whole or key.split(".")[0] in catalogue.datasets
            ):
                remedy = nearest(key, catalogue.collections)
                yield collection.fault(at, f"`{word}` names `{key}`, which does not exist", remedy=remedy)
    # In a dataset's own `after` stand datasets; their order is one of collections as well, but nothing to erase by.
    try:
        TopologicalSorter(before).prepare()
    except CycleError as error:
        loop: list[str] = error.args[1]
        collection = catalogue.collections[min(loop)]
        what = f"`{word}` goes in a circle: {' → '.join(reversed(loop))}"
        yield collection.fault((), what, remedy=f"remove one `{word}`")


def _reach(reading: Reading, catalogue: Catalogue, leads: Mapping[str, set[str]], *, lost: set[str]) -> Iterator[Fault]:
    """A collection about people that no search reaches would be left out of every answer in silence.

    `lost` ones have a reference that leads nowhere, which is told already: they count as reached.
    """
    active = [c for c in catalogue.collections.values() if not c.skipped]
    entries = {c.key for c in active if any(column.meta.identity for column in c.columns.values())}
    if not entries:
        _, doc = reading.sources[0]
        remedy = "set `identity: email` (or customer_number …) on the column that names the person"
        yield doc.fault(("dataset",), "no source has an `identity`, so no person can be found", remedy=remedy)
        return
    reached, open_ = entries | lost, [*entries, *lost]
    while open_:
        for key in leads.get(open_.pop(), set()) - reached:
            reached.add(key)
            open_.append(key)
    for collection in active:
        about_people = collection.personal or any(c.personal for c in collection.columns.values())
        if about_people and collection.key not in reached:
            what = f"`{collection.name}` has personal data, but no `identity` and no reference leads to it"
            remedy = "add the reference that leads here, or `skip_processing: true` if it is never to be searched"
            yield collection.fault((), what, remedy=remedy)
