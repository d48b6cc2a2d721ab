"""What a value is called: the names by which another system may say whose record it means.

A name is a key of seeds ("identity:<key>", "<dataset>:<collection>.<field>") or "record:<source>", the
controller's own number of a person in that source. Fields that refer to each other hold the same values, so a
field has the names of all of them.
"""

from collections.abc import Iterator, Mapping

from fideslang.models import Dataset, DatasetCollection, DatasetField

from workflows.errors import BadInput, Fault
from workflows.register.model import CollectionSpec, Register, SourceSpec
from workflows.rules.identifiers import normalise

Names = tuple[str, ...]
_IDENTITY = "identity:"


def record_name(source: str) -> str:
    """The name of a person's own number in this source."""
    return f"record:{source}"


def spelled(name: str, value: str) -> str:
    """The value in the one spelling in which two of this name can be compared."""
    plain = normalise(name.removeprefix(_IDENTITY), value) if name.startswith(_IDENTITY) else None
    return plain or value.strip().casefold()


def names_of(register: Register, *, source: str = "", field: str = "", identity: str = "") -> Names:
    """All names of what a sender calls so: an identity, a field of a source, or a source's number for the person.

    Raises `BadInput` that names what there is, if the register knows no such thing.
    """
    if identity:
        known = sorted({i for spec in register.sources.values() for _, _, f in _fields(spec) if (i := _identity(f))})
        if identity not in known:
            raise BadInput([Fault("data.identity", "no such identity in the register", _one_of(known))])
        return (_IDENTITY + identity,)
    spec = register.sources.get(source)
    if spec is None:
        raise BadInput([Fault("data.source", "no such source in the register", _one_of(register.sources))])
    fields = namable(register, source)
    if field:
        if field not in fields:
            raise BadInput([Fault("data.field", "no field of this source that leads to a person", _one_of(fields))])
        return fields[field]
    subject = spec.person.subject
    if subject is None:
        return (record_name(source),)
    return (record_name(source), *fields.get(f"{subject.collection}.{subject.key}", ()))


def namable(register: Register, source: str) -> dict[str, Names]:
    """The fields of a source by which a record or a person can be named, as "collection.field", with all their names.

    They are identities, what refers or is referred to, and the key of records that a hold looks at.
    """
    same: dict[str, set[str]] = {}
    for there, here in _references(register):
        same.setdefault(there, set()).add(here)
        same.setdefault(here, set()).add(there)
    found: dict[str, dict[str, None]] = {}
    spec = register.sources[source]
    keys = set(record_keys(spec).values())
    for dataset, collection, field in _fields(spec):
        address = f"{dataset.fides_key}:{collection.name}.{field.name}"
        names = [address] if address in same or address in keys else []
        names += sorted(same.get(address, ()))
        if identity := _identity(field):
            names.append(_IDENTITY + identity)
        if names:
            found.setdefault(f"{collection.name}.{field.name}", {}).update(dict.fromkeys(names))
    return {name: tuple(names) for name, names in found.items()}


def record_keys(spec: SourceSpec) -> dict[str, str]:
    """The address of the key of records that a hold looks at, by the collection's name in items.

    Only where one field is the whole key: nobody names a record by two values.
    """
    counts: dict[str, int] = {}
    for _, collection in _collections(spec):
        counts[collection.name] = counts.get(collection.name, 0) + 1
    found = {}
    for dataset, collection in _collections(spec):
        qualified = f"{dataset.fides_key}.{collection.name}"
        told = spec.person.collections
        said = told.get(qualified) or told.get(collection.name) or CollectionSpec()
        primary = [f.name for f in collection.fields if f.fides_meta and f.fides_meta.primary_key]
        if said.facts and said.series is None and len(primary) == 1:
            name = collection.name if counts[collection.name] == 1 else qualified
            found[name] = f"{dataset.fides_key}:{collection.name}.{primary[0]}"
    return found


def collections_of(spec: SourceSpec) -> frozenset[str]:
    """The source's collections by the names that items have."""
    names = [collection.name for _, collection in _collections(spec)]
    return frozenset(
        collection.name if names.count(collection.name) == 1 else f"{dataset.fides_key}.{collection.name}"
        for dataset, collection in _collections(spec)
    )


def _collections(spec: SourceSpec) -> Iterator[tuple[Dataset, DatasetCollection]]:
    for dataset in spec.dataset:
        for collection in dataset.collections:
            yield dataset, collection


def _fields(spec: SourceSpec) -> Iterator[tuple[Dataset, DatasetCollection, DatasetField]]:
    for dataset, collection in _collections(spec):
        for field in collection.fields:
            yield dataset, collection, field


def _identity(field: DatasetField) -> str:
    return (field.fides_meta.identity if field.fides_meta else None) or ""


def _references(register: Register) -> Iterator[tuple[str, str]]:
    for spec in register.sources.values():
        for dataset, collection, field in _fields(spec):
            here = f"{dataset.fides_key}:{collection.name}.{field.name}"
            for reference in (field.fides_meta.references if field.fides_meta else None) or ():
                name, _, rest = reference.field.partition(".")
                yield f"{reference.dataset}:{name}.{rest.split('.')[0]}", here


def _one_of(names: Mapping[str, object] | list[str]) -> str:
    return f"one of {', '.join(sorted(names))}" if names else "the register has none"
