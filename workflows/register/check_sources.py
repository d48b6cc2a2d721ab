"""Faults of one source: its name, how it is reached, and what its dataset says of each collection."""

from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from workflows.errors import Fault
from workflows.register.catalogue import Catalogue, Collection, Column
from workflows.register.categories import mapped
from workflows.register.check_controller import blank_texts, likely_slip
from workflows.register.document import Document
from workflows.register.model import SourceSpec
from workflows.register.reading import Reading
from workflows.register.shape import nearest

CONNECTION_KEYS: Mapping[str, tuple[str, ...]] = {
    "sql": ("url", "password"),
    "file": ("path", "delimiter", "encoding", "header"),
}
"""What `connection` may hold; the first of each is required."""

_MASKING = ("null_rewrite", "string_rewrite", "random_string_rewrite")
_REVERSIBLE = ("hash", "hmac", "aes_encrypt")


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
    known = CONNECTION_KEYS[source.kind]
    connection = source.connection
    for key in connection:
        if key not in known:
            yield doc.fault(("connection", key), f"unknown key `{key}`", remedy=nearest(key, known))
    if connection.get(known[0]) in (None, ""):
        yield doc.fault(
            ("connection", known[0]), f"`{known[0]}` is missing", remedy=f"add `{known[0]}:` under `connection`"
        )
    for key, value in connection.items():
        if key not in known or key == "header" or isinstance(value, str) or value is None:
            continue
        if key in ("delimiter", "encoding"):
            yield doc.fault(("connection", key), f"`{key}` must be a text", remedy="write it here, in quotes")
        elif not isinstance(value, Mapping):
            remedy = "write a text, or {env: NAME} or {file: PATH}"
            yield doc.fault(("connection", key), f"`{key}` must be a text", remedy=remedy)
    if source.kind == "sql":
        yield from _sql(connection, doc)
    else:
        yield from _file(source, doc)


def _sql(connection: Mapping[str, Any], doc: Document) -> Iterator[Fault]:
    if isinstance(url := connection.get("url"), str):
        try:
            make_url(url).get_dialect()
        except NoSuchModuleError:
            remedy = "begin it with postgresql:// or sqlite:///, or install the driver"
            yield doc.fault(("connection", "url"), "there is no driver for this kind of `url`", remedy=remedy)
        except (ArgumentError, ValueError, ImportError):
            return  # not a URL at all is told where its secrets are looked at


def _file(source: SourceSpec, doc: Document) -> Iterator[Fault]:
    connection = source.connection
    delimiter = connection.get("delimiter", "|")
    if isinstance(delimiter, str) and (len(delimiter) != 1 or delimiter in '"\r\n'):
        yield doc.fault(("connection", "delimiter"), "`delimiter` must be one character", remedy='write "|" or ";"')
    encoding = connection.get("encoding", "utf-8")
    try:
        if isinstance(encoding, str):
            bytes(4).decode(encoding)  # of no bytes at all Python does not look the encoding up
    except (LookupError, ValueError):
        remedy = "write utf-8, iso-8859-1 or windows-1252"
        yield doc.fault(("connection", "encoding"), "`encoding` is not known", remedy=remedy)
    if not isinstance(connection.get("header", True), bool):
        yield doc.fault(("connection", "header"), "`header` must be true or false", remedy="write true or false")
    collections = [c for d in source.dataset for c in d.collections]
    if source.dataset and len(collections) != 1:
        what = f"a file is one collection, and {len(collections)} are described"
        yield doc.fault(("dataset",), what, remedy="write a source for each file")
    elif source.dataset and connection.get("header") is False:
        columns = (source.dataset[0].meta or {}).get("columns")
        named = [str(c) for c in columns] if isinstance(columns, list) else []
        if not named or len(set(named)) != len(named) or not {f.name for f in collections[0].fields} <= set(named):
            what = "a file without a header needs its columns in their order"
            remedy = "name all of them, each once, under `meta: {columns: [...]}` of the dataset"
            yield doc.fault(("dataset", 0), what, remedy=remedy)


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
        if override.strategy in _REVERSIBLE:
            what = f"`{override.strategy}` can be undone with its key, so it does not erase"
            yield doc.fault(at, what, remedy="write null_rewrite or string_rewrite")
        elif override.strategy not in _MASKING:
            what = f"`{override.strategy}` is no masking strategy of a field"
            kept = "write `read_only: true` to keep the value" if override.strategy == "preserve" else ""
            yield doc.fault(at, what, remedy=kept or nearest(override.strategy, _MASKING))
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
