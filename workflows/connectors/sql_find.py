"""Who in this source carries an identifier: the people, their key, identifiers and contact on file."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import sqlalchemy as sa

from workflows.connectors.sql_lookup import rows_with
from workflows.connectors.sql_schema import Bound, Schema
from workflows.connectors.sql_values import NO_MATCH, as_json, typed
from workflows.ports import Contact, Person
from workflows.register.model import SourceSpec, SubjectSpec

PEOPLE = 100
"""More people than this behind one identifier is no identifier; nobody needs to see the rest."""
_TRUE = {"1", "true", "t", "yes", "y", "k", "kyllä", "x"}


def find_people(
    connection: sa.Connection, schema: Schema, *, spec: SourceSpec, identifiers: Mapping[str, str]
) -> list[Person]:
    """Everyone whose record carries any of the identifiers, each once, in the order of their keys."""
    subject = spec.person.subject
    if subject is not None:
        return _people(connection, schema.bound[subject.collection], spec=spec, identifiers=identifiers)
    several = [b for b in schema.bound.values() if b.node.identities and not b.node.spec.series]
    return distinct(p for b in several for p in _people(connection, b, spec=spec, identifiers=identifiers))


def distinct(found: Iterable[Person]) -> list[Person]:
    """Each person once: without `person.subject` one person's records in several collections are told apart so."""
    people: list[Person] = []
    for person in found:
        same = next((i for i, p in enumerate(people) if _same(p, person)), None)
        if same is None:
            people.append(person)
        elif len(person.identifiers) > len(people[same].identifiers) or _fuller(person, people[same]):
            people[same] = person
    return people


def _same(one: Person, other: Person) -> bool:
    """No identifier that both have differs, and at least one is the same."""
    shared = set(one.identifiers) & set(other.identifiers)
    return bool(shared) and all(one.identifiers[k].lower() == other.identifiers[k].lower() for k in shared)


def _fuller(one: Person, other: Person) -> bool:
    def parts(p: Person) -> int:
        return sum(map(bool, (p.contact.name, p.contact.email, p.contact.phone)))

    return parts(one) > parts(other)


def _people(
    connection: sa.Connection, bound: Bound, *, spec: SourceSpec, identifiers: Mapping[str, str]
) -> list[Person]:
    rows: dict[tuple[Any, ...], tuple[Mapping[str, Any], str]] = {}
    for column, identity in bound.node.identities.items():
        value = typed(bound.table.c[column], identifiers.get(identity))
        if value is NO_MATCH:
            continue
        email = identity == "email"
        for row in rows_with(connection, bound.table, (column,), values=[(value,)], email=email):
            key = tuple(row[c] for c in bound.key)
            rows.setdefault(key, (row, f"{bound.name}.{column} = {identity}"))
            if len(rows) >= PEOPLE:
                break
    people = [person_of(bound, row, spec=spec, path=path) for row, path in rows.values()]
    return sorted(people, key=lambda p: p.key)


def person_of(bound: Bound, row: Mapping[str, Any], *, spec: SourceSpec, path: str) -> Person:
    """The person whose record this is; `path` says which column matched."""
    subject = spec.person.subject or _guessed(bound)

    def text(column: str | None) -> str:
        value = row.get(column) if column else None
        return "" if value is None else str(as_json(value)).strip()

    key = text(subject.key) if spec.person.subject else "/".join(str(as_json(row[c])) for c in bound.key)
    identifiers: dict[str, str] = {}
    matched = path.partition(".")[2].partition(" ")[0]
    for column, identity in sorted(bound.node.identities.items(), key=lambda pair: pair[0] != matched):
        if value := text(column):
            identifiers.setdefault(identity, value)
    contact = Contact(
        name=" ".join(filter(None, map(text, subject.name))),
        email=text(subject.email),
        phone=text(subject.phone),
        postal=tuple(filter(None, map(text, subject.postal))),
        language=text(subject.language).lower()[:2],
        protected=text(subject.protected).lower() in _TRUE,
        phone_since=text(subject.phone_since),
        postal_since=text(subject.postal_since),
    )
    return Person(spec.source, key, identifiers, contact, path)


def _guessed(bound: Bound) -> SubjectSpec:
    """Where a collection's contact stands, by its data categories alone."""

    def under(*starts: str) -> Iterator[str]:
        for start in starts:
            for field in bound.node.fields.values():
                if any(c == start or c.startswith(start + ".") for c in field.categories):
                    yield field.name

    return SubjectSpec(
        collection=bound.name,
        key=bound.key[0],
        name=tuple(dict.fromkeys(under("user.name"))),
        email=next(
            (f for f, key in bound.node.identities.items() if key == "email"), next(under("user.contact.email"), None)
        ),
        phone=next(under("user.contact.phone_number"), None),
        postal=tuple(dict.fromkeys(under("user.contact.address"))),
    )
