"""Faults of the calls of a `kind: http` source: what they ask by, and whether they could find and erase at all."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

from fideslang.models import DatasetCollection, DatasetField, FidesMeta

from workflows.errors import Fault
from workflows.register.document import Document, Path
from workflows.register.http_connection import Find, HttpCollection, HttpConnection, Job, Page, Spelling
from workflows.register.model import SourceSpec
from workflows.register.shape import nearest

_HOLE = re.compile(r"\{([^{}|]*)(?:\|([^{}]*))?\}")
_STYLES = ("number", "offset", "cursor", "next_url", "link_header")
_AT: Path = ("connection", "collections")


@dataclass(frozen=True, slots=True)
class Told:
    """One collection of the dataset with what is to be called for it. `fields` are the innermost, by dotted name."""

    doc: Document
    name: str
    at: Path
    spec: HttpCollection
    fields: Mapping[str, FidesMeta]
    arrays: frozenset[str] = frozenset()  # fields that are, or stand in, what is declared as an array

    @property
    def key(self) -> set[str]:
        """The primary key."""
        return {name for name, meta in self.fields.items() if meta.primary_key}

    @property
    def identities(self) -> dict[str, str]:
        """`identity:…` to the first field with it."""
        found: dict[str, str] = {}
        for name, meta in self.fields.items():
            if meta.identity:
                found.setdefault(f"identity:{meta.identity}", name)
        return found

    def fault(self, path: Sequence[Any], what: str, remedy: str) -> Fault:
        """A fault below this collection's part of `connection`."""
        return self.doc.fault((*self.at, *path), what, remedy=remedy)


def call_faults(source: SourceSpec, doc: Document, connection: HttpConnection) -> Iterator[Fault]:
    """Everything wrong with the calls."""
    known: dict[str, DatasetCollection] = {}
    for dataset in source.dataset:
        for collection in dataset.collections:
            known[collection.name] = known[f"{dataset.fides_key}.{collection.name}"] = collection
    for name in connection.collections:
        if name not in known:
            remedy = nearest(name, (c.name for d in source.dataset for c in d.collections))
            yield doc.fault((*_AT, name), f"the dataset has no collection `{name}`", remedy=remedy)
    for dataset in source.dataset:
        for collection in dataset.collections:
            if collection.fides_meta and collection.fides_meta.skip_processing:
                continue
            qualified = f"{dataset.fides_key}.{collection.name}"
            said = next((n for n in (qualified, collection.name) if n in connection.collections), None)
            if said is None:
                what = f"nothing says what to call for `{collection.name}`"
                yield doc.fault(_AT, what, remedy=f"add `{collection.name}:` with `find:` under `collections`")
                continue
            spec = connection.collections[said]
            fields, arrays = dict(_leaves(collection.fields)), frozenset(_in_arrays(collection.fields))
            yield from _collection(Told(doc, collection.name, (*_AT, said), spec, fields, arrays))


def _leaves(fields: Sequence[DatasetField], prefix: str = "") -> Iterator[tuple[str, FidesMeta]]:
    for field in fields:
        if field.fields:
            yield from _leaves(field.fields, f"{prefix}{field.name}.")
        else:
            yield prefix + field.name, field.fides_meta or FidesMeta()


def _in_arrays(fields: Sequence[DatasetField], prefix: str = "", *, around: bool = False) -> Iterator[str]:
    for field in fields:
        declared = (field.fides_meta.data_type if field.fides_meta else None) or ""
        inside = around or declared.endswith("[]")
        if field.fields:
            yield from _in_arrays(field.fields, f"{prefix}{field.name}.", around=inside)
        elif inside:
            yield prefix + field.name


def _collection(told: Told) -> Iterator[Fault]:
    spec = told.spec
    if not told.key:
        what = f"`{told.name}` has no primary key, so none of its records could be found again"
        yield told.fault((), what, "set `primary_key: true` on a field of it")
    yield from _ways_in(told)
    for n, find in enumerate(spec.find):
        yield from _find(told, n, find)
    for key, call in (("one", spec.one), ("delete", spec.delete), ("mask", spec.mask)):
        if call is None:
            continue
        if key != "one" and spec.one is None:
            what = f"`{key}` needs `one`: a record is looked at before and after it is erased"
            yield told.fault((key,), what, "add `one: {path: …}`")
        texts = [call.path, *_texts(getattr(call, "body", None))]
        for hole, _ in (found for text in texts for found in _HOLE.findall(text)):
            if hole not in told.key:
                remedy = f"write {{{nearest_of(hole, told.key)}}}"
                yield told.fault((key,), f"`{{{hole}}}` is no part of the primary key of `{told.name}`", remedy)
        yield from _job(told, key, getattr(call, "job", None))
    yield from _named(told)


def nearest_of(word: str, known: set[str]) -> str:
    """The word that was probably meant, or one that could be."""
    close = nearest(word, known)
    return close.split("`")[1] if "did you mean" in close else ", ".join(sorted(known)) or "a field"


def _ways_in(told: Told) -> Iterator[Fault]:
    """What leads to records must be something they can be asked by."""
    asked = [{told.identities.get(hole, hole) for hole, _ in _holes(find)} for find in told.spec.find]
    if any(not columns for columns in asked):
        return
    by = set().union(*asked)
    for name, meta in told.fields.items():
        towards = any(r.direction is None or r.direction.value != "to" for r in meta.references or ())
        if (meta.identity or towards) and name not in by:
            what = f"`{name}` leads to records of `{told.name}`, and no call asks by it"
            yield told.fault(("find",), what, f"add a `find` with `{{{name}}}` in its path, or one without holes")


def _find(told: Told, n: int, find: Find) -> Iterator[Fault]:
    columns = set()
    for hole, spelling in _holes(find):
        column = told.identities.get(hole, hole)
        columns.add(column)
        if column not in told.fields:
            remedy = nearest(hole, {*told.fields, *told.identities})
            yield told.fault(("find", n), f"`{{{hole}}}` is no field of `{told.name}`", remedy)
        if spelling and spelling not in get_args(Spelling):
            what = f"`{spelling}` is no way to spell a value"
            yield told.fault(("find", n), what, nearest(spelling, get_args(Spelling)))
    if find.answers == "believed" and not columns <= told.key:
        what = "what an answer is believed by must be part of the primary key, since the record does not tell it"
        remedy = f"set `primary_key: true` on {', '.join(sorted(columns - told.key))}"
        yield told.fault(("find", n, "answers"), what, remedy)
    if not find.whole and told.spec.one is None:
        yield told.fault(
            ("find", n, "whole"), "a summary needs `one`, to read each record whole", "add `one: {path: …}`"
        )
    if find.method == "GET" and find.body is not None:
        yield told.fault(("find", n, "body"), "a GET has no body", "write `method: POST`, or put it into the path")
    if find.page is not None:
        yield from _page(told, n, find.page)


def _page(told: Told, n: int, page: Page) -> Iterator[Fault]:
    styles = [style for style in _STYLES if getattr(page, style)]
    if len(styles) != 1:
        what = (
            "`page` says no way to go on" if not styles else f"`page` says several ways to go on: {', '.join(styles)}"
        )
        yield told.fault(("find", n, "page"), what, f"write exactly one of {', '.join(_STYLES)}")


def _job(told: Told, key: str, job: Job | None) -> Iterator[Fault]:
    if job is not None and bool(job.id) != bool(job.path):
        what = "`id` says which job it is and `path` where to look it up: one needs the other"
        yield told.fault((key, "job"), what, "write both, or none where the service sends `Location`")
    elif job is not None and job.path and ("{job}" not in job.path or not job.path.startswith("/")):
        yield told.fault((key, "job", "path"), "`path` has no place for the job", "write it like /jobs/{job}")


def _named(told: Told) -> Iterator[Fault]:
    """Every other place that names a field."""
    spec = told.spec
    named: list[tuple[tuple[Any, ...], str]] = [(("spelled", name), name) for name in spec.spelled]
    named += [(("times", name), name) for name in spec.times]
    named += [(("mask", "values", name), name) for name in (spec.mask.values if spec.mask else ())]
    for n, file in enumerate(spec.files):
        named += [(("files", n, "url"), file.url)]
    for path, name in named:
        if name not in told.fields:
            yield told.fault(path, f"`{told.name}` has no field `{name}`", nearest(name, told.fields))
    for name in spec.spelled:
        if name in told.fields and not told.fields[name].identity:
            yield told.fault(
                ("spelled", name), f"`{name}` is no identity", "set `identity:` on the field in the dataset"
            )
    for name in spec.mask.values if spec.mask else ():
        if name in told.key or (name in told.fields and told.fields[name].read_only):
            yield told.fault(
                ("mask", "values", name), f"`{name}` is a key or read only, and is never masked", "remove it"
            )
        elif name in told.arrays:
            what = f"`{name}` is in an array, which is not masked: elements of others would go with it"
            yield told.fault(("mask", "values", name), what, "remove it, and give the collection `delete`")
    for name in spec.volatile:
        if name in told.fields:
            what = f"`{name}` is delivered, and what is volatile is left out of the record"
            yield told.fault(("volatile",), what, "remove it from the dataset or from `volatile`")


def unlisted(connection: HttpConnection, *names: str) -> bool:
    """Whether no call finds all records of a collection, by whichever of its names."""
    said = next((connection.collections[name] for name in names if name in connection.collections), None)
    return said is None or all(_holes(find) for find in said.find)


def _holes(find: Find) -> list[tuple[str, str]]:
    return [
        (name.strip(), spelling) for text in (find.path, *_texts(find.body)) for name, spelling in _HOLE.findall(text)
    ]


def _texts(body: Any) -> Iterator[str]:
    if isinstance(body, str):
        yield body
    elif isinstance(body, Mapping):
        for inner in body.values():
            yield from _texts(inner)
    elif isinstance(body, (list, tuple)):
        for inner in body:
            yield from _texts(inner)
