"""Who in a source of records carries an identifier: by the same rules as in a database."""

from collections.abc import Mapping
from typing import Any

from workflows.connectors.records import Records
from workflows.connectors.records_doors import Door, Values, wanted
from workflows.connectors.records_paths import flat, parts, text_of
from workflows.connectors.records_shape import LOCATOR
from workflows.connectors.sql_find import PEOPLE, distinct, person_of
from workflows.connectors.sql_schema import Bound, Schema
from workflows.ports import Person
from workflows.register.model import SourceSpec
from workflows.rules.items import canonical


def people_of(records: Records, schema: Schema, *, spec: SourceSpec, identifiers: Mapping[str, str]) -> list[Person]:
    """Everyone whose record carries any of the identifiers, each once, in the order of their keys."""
    subject = spec.person.subject
    if subject is not None:
        return _people(records, schema.bound[subject.collection], spec=spec, identifiers=identifiers)
    several = [b for b in schema.bound.values() if b.node.identities and not b.node.spec.series]
    return distinct(p for b in several for p in _people(records, b, spec=spec, identifiers=identifiers))


def _people(records: Records, bound: Bound, *, spec: SourceSpec, identifiers: Mapping[str, str]) -> list[Person]:
    doors = []
    for column, identity in bound.node.identities.items():
        if value := identifiers.get(identity):
            email = identity == "email"
            values: Values = {(value.lower() if email else value,): None}
            path = f"{bound.name}.{column} = {identity}"
            doors.append(Door((column,), dict.fromkeys(values), path, strong=True, identified=True, email=email))
    if not doors:
        return []
    columns = [c.name for c in bound.table.columns]
    people: dict[str, Person] = {}
    for record in records.rows(bound.node, wanted(doors)):
        row: dict[str, Any] = flat(record.content, columns)
        row[LOCATOR] = canonical(record.locator)
        path = next((door.path for door in doors if door.match(row)[0]), "")
        if not path:
            continue
        plain = {c: text_of(parts(v)[0]) if parts(v) else None for c, v in row.items()}
        person = person_of(bound, plain, spec=spec, path=path)
        people.setdefault(person.key, person)
        if len(people) >= PEOPLE:
            break
    return sorted(people.values(), key=lambda p: p.key)
