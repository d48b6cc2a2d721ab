"""What is different between a source and its description: found by comparing, told in one line each.

A column that nobody described and that looks personal is the one thing that makes answers incomplete without
anybody noticing, so it is told apart from all else.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from fideslang.models import Dataset, DatasetCollection, DatasetField

from workflows.register.model import SourceSpec
from workflows.rules.discovered import Discovered, FoundField, FoundKey, FoundTable
from workflows.rules.picture import Place, guesses_of

LOST = frozenset({"table_removed", "column_removed", "not_readable"})
"""Kinds of change with which a search fails or an answer lacks something that is described."""

_NUMBERS = frozenset({"integer", "float"})


@dataclass(frozen=True, slots=True)
class Change:
    """One difference. `personal`: nobody described it, and it looks as if it were about people."""

    kind: str
    collection: str
    field: str
    what: str
    personal: bool = False


@dataclass(frozen=True, slots=True)
class _Said:
    """A collection as described, and the table it means."""

    dataset: str
    model: DatasetCollection
    place: Place
    ignored: tuple[str, ...] = ()

    @property
    def known(self) -> frozenset[str]:
        """The columns that somebody described or left out on purpose, inner fields under their dotted names."""
        return frozenset((*_names(self.model.fields), *self.ignored))

    def knows(self, name: str) -> bool:
        """Whether somebody spoke of this column, or of the object around it as a whole."""
        parts = name.split(".")
        around = any(".".join(parts[:n]) in self.known for n in range(len(parts), 0, -1))
        return around or any(known.startswith(f"{name}.") for known in self.known)

    @property
    def skipped(self) -> bool:
        """Whether it takes no part in anything."""
        return bool(self.model.fides_meta and self.model.fides_meta.skip_processing)

    @property
    def fields(self) -> Mapping[str, DatasetField]:
        """Its fields by name."""
        return {f.name: f for f in self.model.fields}


def undescribed(spec: SourceSpec, found: Discovered) -> list[FoundTable]:
    """The tables that have columns nobody described, with these columns alone: what a sample is worth taking of."""
    said = {s.place: s for s in _said(spec, found)}
    out = []
    for table in _looked_at(spec, found):
        one = said.get(table.place)
        new = tuple(f for f in table.fields if one is None or not one.knows(f.name))
        if new:
            out.append(replace(table, fields=new))
    return out


def drift(spec: SourceSpec, found: Discovered, looked: Sequence[FoundTable] = ()) -> list[Change]:
    """Every difference; `looked` are the tables of `undescribed` after a sample was counted."""
    said = {s.place: s for s in _said(spec, found)}
    live = {t.place: t for t in found.tables}
    counted = {t.place: t for t in looked}
    people = {place for place, one in said.items() if not one.skipped}
    changes: list[Change] = []
    for place, one in sorted(said.items()):
        if place not in live:
            changes += _gone(one)
        else:
            changes += _same_table(one, live[place], people=people, said=said)
    for table in undescribed(spec, found):
        changes += _new(counted.get(table.place, table), live[table.place], known=table.place in said, people=people)
    return changes


def _names(fields: Sequence[DatasetField], prefix: str = "") -> Iterator[str]:
    """Described fields; of an object its inner ones, for what else is in it nobody described."""
    for field in fields:
        if field.fields:
            yield from _names(field.fields, f"{prefix}{field.name}.")
        else:
            yield prefix + field.name


def _schema(dataset: Dataset) -> str:
    namespace = (dataset.fides_meta.namespace if dataset.fides_meta else None) or {}
    return str(namespace.get("schema") or "")


def _said(spec: SourceSpec, found: Discovered) -> Iterator[_Said]:
    for dataset in spec.dataset:
        for model in dataset.collections:
            told = spec.person.collections
            spoken = told.get(f"{dataset.fides_key}.{model.name}") or told.get(model.name)
            ignored = spoken.ignored if spoken else ()
            yield _Said(dataset.fides_key, model, (_schema(dataset) or found.default, model.name), ignored)


def _looked_at(spec: SourceSpec, found: Discovered) -> Iterator[FoundTable]:
    """Tables of the schemas that are described: what else the database holds is another source's."""
    schemas = {_schema(d) or found.default for d in spec.dataset}
    return (t for t in found.tables if t.schema in schemas)


def _gone(one: _Said) -> Iterator[Change]:
    if not one.skipped:
        yield Change("table_removed", one.model.name, "", "the table is described and is not there")


def _same_table(one: _Said, table: FoundTable, *, people: set[Place], said: Mapping[Place, _Said]) -> Iterator[Change]:
    name = one.model.name
    if one.skipped or table.loose:
        return
    for field in one.fields.values():
        column = table.field(field.name)
        if column is None:
            yield Change("column_removed", name, field.name, "the column is described and is not there")
            continue
        if not column.readable:
            yield Change("not_readable", name, field.name, "this user may not read it any more")
        yield from _typed(name, field, column)
    described = [f.name for f in one.fields.values() if f.fides_meta and f.fides_meta.primary_key]
    if described and table.primary and set(described) != set(table.primary):
        what = f"the primary key is {', '.join(table.primary)}, described is {', '.join(described)}"
        yield Change("key_changed", name, "", what)
    for key in table.keys:
        target = (key.schema, key.table)
        follows = target in people and target != table.place and key.columns[0] in one.fields
        if follows and not _refers(one, said[target], key) and not _led_to(one.fields[key.columns[0]]):
            what = f"a foreign key to `{key.table}.{', '.join(key.targets)}` that no reference describes"
            yield Change("new_reference", name, ", ".join(key.columns), what)


def _typed(name: str, field: DatasetField, column: FoundField) -> Iterator[Change]:
    """Types where the source declares any: in a file every cell is a text."""
    meta = field.fides_meta
    wanted = (meta.data_type or "") if meta else ""
    if (
        wanted
        and column.type
        and column.data_type
        and wanted != column.data_type
        and {wanted, column.data_type} != _NUMBERS
    ):
        what = f"described as {wanted}, and it is {column.type or column.data_type}"
        yield Change("type_changed", name, field.name, what)
    length = meta.length if meta else None
    if length and column.length and column.length != length:
        shorter = ": what is written over a value may not fit" if column.length < length else ""
        what = f"described with length {length}, and it is {column.length}{shorter}"
        yield Change("length_changed", name, field.name, what)


def _refers(one: _Said, other: _Said, key: FoundKey) -> bool:
    """Whether a reference, declared on either side, describes this foreign key."""
    here, there = f"{one.model.name}.{key.columns[0]}", f"{other.model.name}.{key.targets[0]}"
    for start, column, end, wanted in ((one, key.columns[0], other, there), (other, key.targets[0], one, here)):
        field = start.fields.get(column)
        for reference in (field.fides_meta.references if field and field.fides_meta else None) or ():
            if (reference.dataset, reference.field) == (end.dataset, wanted):
                return True
    return False


def _led_to(field: DatasetField) -> bool:
    """Whether somebody decided already what leads to this column."""
    return bool(field.fides_meta and field.fides_meta.references)


def _new(new: FoundTable, whole: FoundTable, *, known: bool, people: set[Place]) -> Iterator[Change]:
    """Columns nobody described: each that looks personal by itself, the rest of a new table in one line."""
    guesses = guesses_of(replace(whole, fields=new.fields) if not known else new)
    pointing = {c: k.table for k in whole.keys for c in k.columns if (k.schema, k.table) in people}
    plain = []
    kind = "column_added" if known else "table_added"
    for field in new.fields:
        guess = guesses[field.name]
        if guess.personal:
            yield Change(kind, whole.name, field.name, f"{guess.category} {guess.confidence:.2f}: {guess.reason}", True)
        elif field.name in pointing:
            what = f"its rows point at `{pointing[field.name]}`, which is described"
            yield Change(kind, whole.name, field.name, what, True)
        elif known:
            yield Change(kind, whole.name, field.name, f"{field.type}; {guess.reason}".removeprefix("; "))
        else:
            plain.append(field.name)
    if not known and len(plain) == len(new.fields):
        kind_of = "view" if whole.view else "table"
        what = f"a {kind_of} of {len(plain)} columns that nobody described; none looks personal"
        yield Change(kind, whole.name, "", what)
