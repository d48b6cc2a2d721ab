"""From Fideslang datasets to a graph: what a source's collections are and how one leads to another.

An edge says: values of these fields lead to rows that carry them in those fields. `direction: from` makes one
edge towards the field that declares it, `to` one away from it, none makes both. In a table a nested field counts
for its column. Where records are documents, the innermost fields count, under dotted names.
"""

from collections.abc import Iterator, Set
from dataclasses import dataclass

from fideslang.models import Dataset, DatasetCollection, DatasetField

from workflows.connectors.graph import NOTHING, Edge, FieldNode, Graph, Inlet, Node
from workflows.errors import BadRegister, Fault
from workflows.register.kinds import kinds
from workflows.register.model import Register, SourceSpec

__all__ = ["NOTHING", "Edge", "FieldNode", "Graph", "Inlet", "Node", "build_graph", "nodes_of"]


@dataclass(frozen=True, slots=True)
class _Step:
    """One directed reference between two places, each (dataset, collection, field)."""

    start: tuple[str, str, str]
    end: tuple[str, str, str]


def build_graph(spec: SourceSpec, register: Register) -> Graph:
    """The graph of one source, with its borders to all others of the register.

    Raises `BadRegister` if a reference inside this source names what is not there.
    """
    nodes = nodes_of(spec)
    places = {(n.dataset, n.collection): n for n in nodes.values()}
    mine = {d.fides_key for d in spec.dataset}
    others = [s for s in register.sources.values() if s.source != spec.source]
    deep = {d.fides_key for s in (spec, *others) if _nested(s) for d in s.dataset}
    steps = dict.fromkeys(step for s in (spec, *others) for d in s.dataset for step in _steps(d, deep))
    skipped = {(d.fides_key, c.name) for d in spec.dataset for c in d.collections if _skipped(c)}
    faults: list[Fault] = []
    edges: list[Edge] = []
    incoming: list[tuple[tuple[str, str, str], Node, str]] = []
    exports: set[str] = set()
    for step in steps:
        ends = [place for place in (step.start, step.end) if place[0] in mine]
        if any(place[:2] in skipped for place in ends):
            continue
        lost = [p for p in ends if p[:2] not in places or p[2] not in places[p[:2]].fields]
        if lost:
            where = spec.file or spec.source
            faults += [Fault(where, f"a reference names {_words(p)}, which is not in it") for p in lost]
            continue
        start, end = places.get(step.start[:2]), places.get(step.end[:2])
        if start and end:
            edges.append(Edge(start.name, (step.start[2],), end.name, (step.end[2],)))
        elif end:
            incoming.append((step.start, end, step.end[2]))
        elif start:
            exports.add(f"{start.name}.{step.start[2]}")
    if faults:
        raise BadRegister(faults)
    people = frozenset(key for s in (spec, *others) for key in _numbers(s))
    recipes = tuple(r for r in register.recipes if r.approved and r.source == spec.source)
    return Graph(nodes, tuple(edges), tuple(_inlets(incoming, register)), frozenset(exports), people, recipes)


def nodes_of(spec: SourceSpec) -> dict[str, Node]:
    """The collections of a source by the name that items use, without those that are to be skipped."""
    counts: dict[str, int] = {}
    for dataset in spec.dataset:
        for collection in dataset.collections:
            counts[collection.name] = counts.get(collection.name, 0) + 1
    nodes = {}
    for dataset in spec.dataset:
        namespace = (dataset.fides_meta.namespace if dataset.fides_meta else None) or {}
        for collection in dataset.collections:
            if _skipped(collection):
                continue
            qualified = f"{dataset.fides_key}.{collection.name}"
            name = collection.name if counts[collection.name] == 1 else qualified
            meta = collection.fides_meta
            override = meta.masking_strategy_override if meta else None
            collections = spec.person.collections
            nodes[name] = Node(
                name=name,
                dataset=dataset.fides_key,
                collection=collection.name,
                schema=namespace.get("schema"),
                fields={f.name: f for f in _fields(collection, nested=_nested(spec))},
                categories=tuple(collection.data_categories or ()),
                spec=collections.get(qualified) or collections.get(collection.name) or NOTHING,
                strategy=override.strategy if override else "",
                erase_after=tuple((meta.erase_after if meta else None) or ()),
            )
    return nodes


def _skipped(collection: DatasetCollection) -> bool:
    return bool(collection.fides_meta and collection.fides_meta.skip_processing)


def _nested(spec: SourceSpec) -> bool:
    kind = kinds().get(spec.kind)
    return kind is not None and kind.nested


def _fields(collection: DatasetCollection, *, nested: bool) -> Iterator[FieldNode]:
    for name, field, everything in _leaves(collection.fields) if nested else _columns(collection.fields):
        yield _field(name, field, everything=everything)


def _columns(fields: list[DatasetField]) -> Iterator[tuple[str, DatasetField, bool]]:
    return ((field.name, field, False) for field in fields)


def _leaves(
    fields: list[DatasetField], prefix: str = "", *, everything: bool = False
) -> Iterator[tuple[str, DatasetField, bool]]:
    """The innermost fields by dotted name, and whether all elements of the arrays around them are wanted."""
    for field in fields:
        every = everything or bool(field.fides_meta and field.fides_meta.return_all_elements)
        if field.fields:
            yield from _leaves(field.fields, f"{prefix}{field.name}.", everything=every)
        else:
            yield prefix + field.name, field, every


def _field(name: str, field: DatasetField, *, everything: bool) -> FieldNode:
    meta = field.fides_meta
    categories = tuple(dict.fromkeys(_categories(field)))
    if meta is None:
        return FieldNode(name, categories, all_elements=everything)
    override = meta.masking_strategy_override
    configuration = override.configuration or {} if override else {}
    return FieldNode(
        name=name,
        categories=categories,
        identity=meta.identity or "",
        primary=bool(meta.primary_key),
        read_only=bool(meta.read_only),
        length=meta.length,
        strategy=override.strategy if override else "",
        rewrite=str(configuration.get("rewrite_value", "")),
        configuration=configuration,
        refers=bool(meta.references),
        points=any(r.direction and r.direction.value == "from" for r in meta.references or ()),
        all_elements=everything,
    )


def _categories(field: DatasetField) -> Iterator[str]:
    yield from field.data_categories or ()
    for inner in field.fields or ():
        yield from _categories(inner)


def _steps(dataset: Dataset, deep: Set[str]) -> Iterator[_Step]:
    for collection in dataset.collections:
        fields = _leaves(collection.fields) if dataset.fides_key in deep else _columns(collection.fields)
        for path, field, _ in fields:
            here = (dataset.fides_key, collection.name, path)
            for reference in (field.fides_meta.references if field.fides_meta else None) or ():
                name, _, rest = reference.field.partition(".")
                there = (reference.dataset, name, rest if reference.dataset in deep else rest.split(".")[0])
                direction = reference.direction.value if reference.direction else None
                if direction != "to":
                    yield _Step(there, here)
                if direction != "from":
                    yield _Step(here, there)


def _numbers(spec: SourceSpec) -> Iterator[str]:
    """The fields that are a person's number: the subject's, or primary keys that are `user.unique_id`."""
    subject = spec.person.subject
    for node in nodes_of(spec).values():
        if subject is not None:
            if subject.collection in (node.name, node.collection):
                yield node.address(subject.key)
        elif node.of_people:
            yield node.address(node.primary[0])


def _inlets(incoming: list[tuple[tuple[str, str, str], Node, str]], register: Register) -> Iterator[Inlet]:
    """One inlet per reference; one for all of them together where they make up a composite primary key.

    Taken one by one, the second column of (order, line) would lead to everybody's first lines.
    """
    groups: dict[tuple[str, str, str], list[tuple[str, str]]] = {}
    for (dataset, collection, field), node, target in incoming:
        groups.setdefault((dataset, collection, node.name), []).append((field, target))
    primaries = {
        (d.fides_key, c.name): {f.name for f in _fields(c, nested=_nested(s)) if f.primary}
        for s in register.sources.values()
        for d in s.dataset
        for c in d.collections
    }
    for (dataset, collection, target), pairs in groups.items():
        key = primaries.get((dataset, collection), set())
        parts = [pair for pair in pairs if pair[0] in key]
        whole = len(key) > 1 and len(parts) == len(key) and {p[0] for p in parts} == key
        if whole:
            yield Inlet(
                tuple(f"{dataset}:{collection}.{f}" for f, _ in parts), target, tuple(field for _, field in parts)
            )
        for field, mine in pairs:
            if not (whole and (field, mine) in parts):
                yield Inlet((f"{dataset}:{collection}.{field}",), target, (mine,))


def _words(place: tuple[str, str, str]) -> str:
    return f"{place[0]}:{place[1]}.{place[2]}"
