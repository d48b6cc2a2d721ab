"""Faults of one source: its name, how it is reached, and what its dataset says of each collection."""

from collections.abc import Iterator
from typing import Any

from workflows.errors import Fault
from workflows.register.catalogue import Catalogue, Collection, Column
from workflows.register.categories import mapped
from workflows.register.check_controller import blank_texts, likely_slip
from workflows.register.check_flat import FLAT, flat_faults
from workflows.register.check_masking import masking_faults
from workflows.register.document import Document
from workflows.register.kinds import kinds
from workflows.register.model import SourceSpec
from workflows.register.reading import Reading
from workflows.register.shape import nearest, shaped


def source_faults(reading: Reading, catalogue: Catalogue) -> Iterator[Fault]:
    """Everything wrong within one source file each."""
    names: dict[str, str] = {}
    keys: dict[str, str] = {}
    for source, doc in reading.sources:
        stem = doc.file.removeprefix("sources/").removesuffix(".yaml")
        if source.source in names:
            what = f"the source `{source.source}` is already in {names[source.source]}"
            yield doc.fault(("source",), what, remedy="give one of them another name")
        elif source.source != stem:
            what = f"`source` is `{source.source}` but the file is {stem}.yaml"
            yield doc.fault(("source",), what, remedy=f"name the file {source.source}.yaml, or the source `{stem}`")
        names.setdefault(source.source, doc.file)
        if not source.dataset:
            yield doc.fault(("dataset",), "`dataset` is empty", remedy="describe at least one dataset")
        if source.review == "needed":
            remedy = "go through every line marked CHECK, then remove `review`"
            yield doc.fault(("review",), "this is a draft that nobody has gone through", remedy=remedy)
        for n, raw in enumerate(doc.data["dataset"]):
            key = str(raw["fides_key"])
            if key in keys:
                what = f"the dataset `{key}` is already in {keys[key]}"
                yield doc.fault(("dataset", n, "fides_key"), what, remedy="give one of them another fides_key")
            keys.setdefault(key, doc.file)
        yield from _connection(source, doc)
        yield from blank_texts(source, doc, ())
    for collection in catalogue.collections.values():
        for column in collection.columns.values():
            yield from _column(collection, column)
        yield from _categories(reading, collection)


def _connection(source: SourceSpec, doc: Document) -> Iterator[Fault]:
    if source.kind not in kinds():
        yield doc.fault(("kind",), "`kind` has a word that is not allowed", remedy=_kind_meant(source.kind))
        return
    kind = kinds()[source.kind]
    data = doc.data["connection"]
    if kind.connection.model_fields.keys() <= FLAT:
        yield from flat_faults(kind.connection, data, doc)
    else:
        _, faults = shaped(kind.connection, doc, ("connection",), data=data)
        yield from faults
        if faults:
            return
    yield from kind.faults(source, doc)


def _kind_meant(word: str) -> str:
    close = nearest(word, kinds())
    return close if close.startswith("did you mean") else f"write one of {' or '.join(map(repr, sorted(kinds())))}"


def _column(collection: Collection, column: Column) -> Iterator[Fault]:
    doc, meta = collection.doc, column.meta
    raw: Any = doc.data
    for part in column.path:
        raw = raw[part]
    meta_key = "fides_meta" if "fides_meta" in raw else "fidesops_meta"
    if "fides_meta" in raw and "fidesops_meta" in raw:
        what = f"`{column.name}` has both `fides_meta` and `fidesops_meta`"
        yield doc.fault((*column.path, "fidesops_meta"), what, remedy="merge them; only `fides_meta` would count")
    if column.model.fields and (meta.identity or meta.references or meta.primary_key):
        what = f"`{column.name}` holds other fields, so `identity`, `references` and `primary_key` have no effect on it"
        yield doc.fault((*column.path, meta_key), what, remedy="set them on the fields inside")
    if override := meta.masking_strategy_override:
        at = (*column.path, meta_key, "masking_strategy_override")
        yield from masking_faults(override, doc, at)
    for n, key in enumerate(column.model.data_categories or ()):
        if slip := likely_slip(key):
            at = (*column.path, "data_categories", n)
            yield doc.fault(at, f"`{key}` is no Fideslang data category", remedy=slip)


def _categories(reading: Reading, collection: Collection) -> Iterator[Fault]:
    """Where there are categories, whatever is about a person has one: its purpose and basis go into the answer."""
    if not reading.categories_whole or collection.skipped:
        return
    if said := collection.spec.category:
        if said not in reading.categories:
            at = ("person", "collections", collection.said_as, "category")
            remedy = nearest(said, reading.categories) if reading.categories else "write it into categories.yaml"
            yield collection.doc.fault(at, f"there is no category `{said}`", remedy=remedy)
        return
    if not reading.categories:
        return
    keys = {key: (*c.path, "data_categories") for c in collection.columns.values() for key in c.personal}
    keys |= dict.fromkeys(collection.personal, (*collection.path, "data_categories"))
    for key, path in sorted(keys.items()):
        if mapped(reading.categories, key) is None and not likely_slip(key):
            remedy = f"add it to a category's `keys`, or set `category` for `{collection.name}` under `person`"
            yield collection.doc.fault(path, f"no category covers `{key}`", remedy=remedy)
