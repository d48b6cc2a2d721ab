"""What the columns of a collection are to a search: worked out once, asked for every row."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from workflows.connectors.dataset import Graph
from workflows.connectors.sql_schema import Bound, Schema
from workflows.register.model import SubjectSpec
from workflows.rules.strength import Strength


@dataclass(frozen=True, slots=True)
class Roles:
    """`links`: the columns that lead on or tell whose a row is; pairs are (column, key of what its value is)."""

    links: tuple[str, ...]
    identities: dict[str, str]  # column -> identity
    meanings: dict[str, tuple[str, ...]]  # column -> what its value is a value of
    taught: tuple[tuple[str, str], ...]  # what a row of the person makes known
    taught_identities: tuple[tuple[str, str], ...]  # what the person's own record makes known
    below: tuple[tuple[str, str], ...]  # the parents that a row hangs below
    numbers: tuple[tuple[str, str], ...]  # the person's own number: another number is another person
    certain: tuple[tuple[str, str], ...]  # columns with an identity that names one person only
    people: bool  # each row is a person's own record
    is_subject: bool
    plain: bool  # nothing in a row can tell that it is another's


def roles_of(
    bound: Bound, graph: Graph, schema: Schema, *, subject: SubjectSpec | None, strength: Callable[[str], Strength]
) -> Roles:
    """The roles of one collection's columns.

    Where no subject is named, a collection whose primary key is something about a person (`user.unique_id`) has one
    row for each person.
    """
    node = bound.node
    identities = node.identities
    is_subject = bool(subject and subject.collection == node.name)
    number = [subject.key] if subject and is_subject else list(bound.key) if len(bound.key) == 1 else []
    numbers = tuple((c, f"identity:{identities[c]}") for c in number if c in identities)
    counts = list(identities.values())
    return Roles(
        links=tuple(_links(bound, graph, schema, number=number)),
        identities=identities,
        meanings={c.name: tuple(_meanings(bound, graph, schema, column=c.name)) for c in bound.table.columns},
        taught=tuple(_taught(bound, schema)),
        taught_identities=tuple((c, f"identity:{i}") for c, i in identities.items() if counts.count(i) == 1),
        below=tuple(_below(bound, schema)),
        numbers=numbers,
        certain=tuple((c, i) for c, i in identities.items() if strength(i) == "strong"),
        people=is_subject if subject else node.of_people,
        is_subject=is_subject,
        plain=not (identities or node.spec.owner or node.spec.ownership != "auto"),
    )


def _links(bound: Bound, graph: Graph, schema: Schema, *, number: list[str]) -> Iterator[str]:
    node, spec = bound.node, bound.node.spec
    names = {*bound.key, *node.identities, *spec.owner, *spec.windows, *number}
    names |= {c for w in spec.windows.values() for c in (w.start, w.end)}
    names |= {f for way in schema.ways if way.source == node.name for f in way.source_fields}
    names |= {f for way in schema.ways if way.target == node.name for f in way.target_fields}
    names |= {f for inlet in graph.inlets if inlet.target == node.name for f in inlet.fields}
    names |= {f for export in graph.exports for n, _, f in [export.rpartition(".")] if n == node.name}
    names |= {c for fk in schema.foreign_keys if fk.parent is bound.table for c in fk.parent_columns}
    names |= {c for fk in schema.foreign_keys if fk.child is bound.table for c in fk.child_columns}
    return (c.name for c in bound.table.columns if c.name in names)


def _meanings(bound: Bound, graph: Graph, schema: Schema, *, column: str) -> Iterator[str]:
    """An identity, a field here that the column refers to, or one elsewhere."""
    node = bound.node
    if identity := node.identities.get(column):
        yield f"identity:{identity}"
    for way in schema.ways:
        if way.target == node.name and way.target_fields == (column,):
            yield schema.bound[way.source].node.address(way.source_fields[0])
        if way.source == node.name and way.up and way.source_fields == (column,):
            yield schema.bound[way.target].node.address(way.target_fields[0])
    for inlet in graph.inlets:
        if inlet.target == node.name and inlet.fields == (column,):
            yield inlet.keys[0]


def _taught(bound: Bound, schema: Schema) -> Iterator[tuple[str, str]]:
    """The columns that others refer to."""
    for way in schema.ways:
        fields = way.target_fields if way.up else way.source_fields
        if bound.name == (way.target if way.up else way.source) and len(fields) == 1:
            yield fields[0], bound.node.address(fields[0])


def _below(bound: Bound, schema: Schema) -> Iterator[tuple[str, str]]:
    for way in schema.ways:
        parent = schema.bound[way.source]
        points = way.target == bound.name and not way.up and frozenset(way.source_fields) in parent.uniques
        if points and len(way.target_fields) == 1 and frozenset(way.target_fields) not in bound.uniques:
            yield way.target_fields[0], parent.node.address(way.source_fields[0])
