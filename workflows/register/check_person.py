"""Faults of `person:`: every name in it must exist in the dataset, every fact be one that the holds know."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date

from workflows.errors import Fault
from workflows.register.catalogue import Catalogue, Collection
from workflows.register.document import Document, Path
from workflows.register.model import FactSpec, SourceSpec
from workflows.register.reading import Reading
from workflows.register.shape import nearest
from workflows.rules.items import DATE_FACTS, FACTS


def person_faults(reading: Reading, catalogue: Catalogue) -> Iterator[Fault]:
    """Everything wrong with what the register says that Fideslang can't."""
    for source, doc in reading.sources:
        collections = catalogue.of(source)
        yield from _subject(source, doc, collections)
        yield from _strength(source, doc, collections)
        for name in source.person.collections:
            at: Path = ("person", "collections", name)
            if (collection := collections.get(name)) is None:
                known = [c.name for c in collections.values()]
                yield doc.fault(at, f"the dataset has no collection `{name}`", remedy=nearest(name, known))
            else:
                yield from _fields(collection, _named(collection), at)
                yield from _facts(collection, at)


def _subject(source: SourceSpec, doc: Document, collections: Mapping[str, Collection]) -> Iterator[Fault]:
    subject = source.person.subject
    if subject is None:
        return
    at: Path = ("person", "subject")
    if (collection := collections.get(subject.collection)) is None:
        what = f"the dataset has no collection `{subject.collection}`"
        yield doc.fault((*at, "collection"), what, remedy=nearest(subject.collection, collections))
        return
    if not any(c.meta.identity for c in collection.columns.values()):
        what = f"`{subject.collection}` has no `identity`, so nobody can be found in it"
        yield doc.fault((*at, "collection"), what, remedy="set `identity: email` (or another) on a column of it")
    named: list[tuple[Path, str | None]] = [
        (("key",), subject.key),
        (("email",), subject.email),
        (("phone",), subject.phone),
        (("phone_since",), subject.phone_since),
        (("postal_since",), subject.postal_since),
        (("language",), subject.language),
        (("protected",), subject.protected),
    ]
    named += [(("name", n), field) for n, field in enumerate(subject.name)]
    named += [(("postal", n), field) for n, field in enumerate(subject.postal)]
    yield from _fields(collection, named, at)


def _strength(source: SourceSpec, doc: Document, collections: Mapping[str, Collection]) -> Iterator[Fault]:
    known = {c.meta.identity for one in collections.values() for c in one.columns.values() if c.meta.identity}
    known |= set(source.connection.get("search_terms", ()))
    for identity in source.person.strength:
        if identity not in known:
            what = f"no field of the dataset has the identity `{identity}`"
            yield doc.fault(("person", "strength", identity), what, remedy=nearest(identity, sorted(known)))


def _named(collection: Collection) -> Iterator[tuple[Path, str | None]]:
    """Every place where a collection's annotations name one of its fields."""
    spec = collection.spec
    yield ("on",), spec.on
    yield ("created",), spec.created
    for n, field in enumerate(spec.owner):
        yield ("owner", n), field
    for n, field in enumerate(spec.third_party):
        yield ("third_party", n), field
    for fact, source in spec.facts.items():
        yield ("facts", fact), source.field if isinstance(source, FactSpec) else source
    for field in spec.columns:
        yield ("columns", field), field
    if spec.restrict:
        yield ("restrict", "column"), spec.restrict.column
    if spec.series:
        yield ("series", "at"), spec.series.at
        for n, field in enumerate(spec.series.key):
            yield ("series", "key", n), field
    for field, window in spec.windows.items():
        yield ("windows", field), field
        yield ("windows", field, "start"), window.start
        yield ("windows", field, "end"), window.end


def _fields(collection: Collection, named: Iterable[tuple[Path, str | None]], at: Path) -> Iterator[Fault]:
    for path, field in named:
        if field is not None and field not in collection.columns:
            what = f"`{collection.name}` has no field `{field}`"
            yield collection.doc.fault((*at, *path), what, remedy=nearest(field, collection.columns))
    if at[-1] != "subject" and collection.spec.series and not collection.spec.series.key:
        yield collection.doc.fault((*at, "series", "key"), "`key` is empty", remedy="name the columns of one series")


def _dated(value: object) -> bool:
    """Whether this may stand for a missing date: nothing said, no text at all, or a date."""
    if not isinstance(value, str) or not value:
        return True
    try:
        return bool(date.fromisoformat(value)) and len(value) == 10
    except ValueError:
        return False


_NAMES = {str: "a text", float: "a number", bool: "true or false"}


def _facts(collection: Collection, at: Path) -> Iterator[Fault]:
    for name, said in collection.spec.facts.items():
        path: Path = (*at, "facts", name)
        expected = FACTS.get(name)
        if expected is None:
            yield collection.doc.fault(path, f"there is no fact `{name}`", remedy=nearest(name, FACTS))
            continue
        fact = said if isinstance(said, FactSpec) else FactSpec(field=said)
        column = collection.columns.get(fact.field)
        declared = (column.meta.data_type or "") if column else ""
        if fact.true_when is not None and expected is not bool:
            what = f"`{name}` is {_NAMES[expected]}, so `true_when` has no meaning"
            yield collection.doc.fault((*path, "true_when"), what, remedy="remove `true_when`")
        if expected is bool and fact.true_when is None and declared in ("string", "float", "object"):
            what = f"`{name}` is true or false, but `{fact.field}` is a {declared}"
            yield collection.doc.fault(path, what, remedy="say which of its values mean true: `true_when: [...]`")
        if name in DATE_FACTS and (declared in ("integer", "float", "boolean", "object") or not _dated(fact.null)):
            what = f"`{name}` is a date, but what stands here can't be one"
            yield collection.doc.fault(path, what, remedy='name a column with dates; a `null` is YYYY-MM-DD or ""')
            continue
        if expected is float and declared in ("boolean", "object"):
            yield collection.doc.fault(
                path, f"`{name}` is a number, but `{fact.field}` is a {declared}", remedy="name another column"
            )
        right = isinstance(fact.null, expected) or (expected is float and type(fact.null) is int)
        if fact.null is not None and not right:
            what = f"`null` of `{name}` must be {_NAMES[expected]}"
            yield collection.doc.fault((*path, "null"), what, remedy="write what a missing value means, of that type")
