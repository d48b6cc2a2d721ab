"""A draft of `sources/NAME.yaml` from a picture of the live source. It holds names, types and counts; no value.

Whatever a person must look at says CHECK, and `review: needed` keeps the register from loading until they did.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from workflows.register.document import MAX_BYTES
from workflows.register.yaml_text import said, scalar
from workflows.rules.classify import Guess
from workflows.rules.discovered import FoundField
from workflows.rules.picture import Picture, Pictured, Place, Pointer

_SAFE_BYTES = MAX_BYTES * 9 // 10
_SYSTEM = "system.operations"
_BESIDE = "user"
"""What is no key and stands in a person's row is delivered and masked until somebody says otherwise."""


@dataclass(frozen=True, slots=True)
class Draft:
    """The file's text, and how much of it waits for a person."""

    text: str
    collections: int
    personal: int
    checks: int


@dataclass(frozen=True, slots=True)
class _Naming:
    """How schemas are called as datasets."""

    source: str
    default: str
    schemas: Sequence[str]

    def dataset(self, schema: str) -> str:
        """The dataset's key."""
        return self.source if len(self.schemas) <= 1 or schema == self.default else f"{self.source}_{_key(schema)}"

    def collection(self, one: Pictured, picture: Picture) -> str:
        """The collection as `person:` names it: with its dataset where two share a name."""
        name = one.table.name
        same = [p for p in picture.tables if p.table.name == name]
        return name if len(same) == 1 else f"{self.dataset(one.table.schema)}.{name}"


def draft_of(picture: Picture, *, source: str, kind: str, connection: Sequence[str], default: str = "") -> Draft:
    """The draft. `connection` are the lines under `connection:`; `default` is the schema that needs no name.

    Where reasons would make the file too long to be read again, they are left out.
    """
    draft = _draft(picture, source=source, kind=kind, connection=connection, default=default, reasons=True)
    if len(draft.text.encode()) <= _SAFE_BYTES:
        return draft
    return _draft(picture, source=source, kind=kind, connection=connection, default=default, reasons=False)


def _draft(
    picture: Picture, *, source: str, kind: str, connection: Sequence[str], default: str, reasons: bool
) -> Draft:
    schemas = list(dict.fromkeys(p.table.schema for p in picture.tables))
    naming = _Naming(source, default, schemas)
    lines = [*_head(source, kind, connection), "dataset:"]
    for schema in sorted(schemas, key=lambda s: (s != default, s)):
        mine = [p for p in picture.tables if p.table.schema == schema]
        lines.append(f"  - fides_key: {scalar(naming.dataset(schema))}")
        if schema and schema != default:
            lines.append(f"    fides_meta: {{namespace: {{schema: {scalar(schema)}}}}}")
        lines.append("    collections:")
        for one in sorted((p for p in mine if p.role != "left_out"), key=_story):
            lines += _collection(one, naming, reasons=reasons)
        rest = [p for p in mine if p.role == "left_out"]
        if rest:
            lines.append(f"      # {len(rest)} without anything that looks personal. CHECK that none is missed")
            lines += [_left_out(one) for one in rest]
    lines += _person(picture, naming)
    text = "\n".join(lines) + "\n"
    personal = sum(p.role != "left_out" for p in picture.tables)
    return Draft(text, len(picture.tables), personal, text.count("CHECK") - _MENTIONS)


def _head(source: str, kind: str, connection: Sequence[str]) -> Iterator[str]:
    yield "# A draft made from the live source. Behind each guess stands how sure it is and why."
    yield "# Go through every line marked CHECK, add what people should read (label, category), then remove `review`."
    yield f"source: {scalar(source)}"
    yield f"kind: {kind}"
    yield "review: needed"
    yield "connection:"
    yield from (f"  {line}" for line in connection)


_MENTIONS = 1  # the head speaks of the mark without being one


def _story(one: Pictured) -> tuple[int, str]:
    order = {"people": 0, "entry": 1, "theirs": 2, "above": 3, "unreached": 4}
    return order.get(one.role, 5), one.table.name


def _collection(one: Pictured, naming: _Naming, *, reasons: bool) -> Iterator[str]:
    table = one.table
    yield f"      - name: {scalar(table.name)}"
    mark = "" if one.role in ("people", "theirs") else "CHECK "
    yield f"        # {mark}{said(one.why)}"
    if table.unread:
        yield f"        # CHECK {said(table.unread)}: guessed from names alone"
    if one.role == "unreached":
        if table.view:
            yield "        fides_meta: {skip_processing: true}"
        else:
            yield "        # add the reference that leads here to one of its fields, or skip_processing: true"
    if not table.primary and not table.view and one.role != "unreached":
        yield "        # CHECK it has no primary key: erasing needs one"
    if any(_category(one, f)[:2] == (_BESIDE, "") for f in table.fields):
        yield f"        # CHECK fields that are only `{_BESIDE}`: nothing but their row says that they are personal"
    yield "        fields:"
    for field in table.fields:
        yield from _field(one, field, naming, reasons=reasons)


def _field(one: Pictured, field: FoundField, naming: _Naming, *, reasons: bool) -> Iterator[str]:
    category, why, sure = _category(one, field)
    if not reasons and not any(p.column == field.name for p in one.pointers):
        told = ", ".join(_meta(one, field))
        short = f", fides_meta: {{{told}}}" if told else ""
        end = "" if sure else "  # CHECK"
        yield f"          - {{name: {scalar(field.name)}, data_categories: [{category}]{short}}}{end}"
        return
    yield f"          - name: {scalar(field.name)}" + (f"  # {said(field.type)}" if field.type else "")
    mark = "" if sure else "CHECK "
    comment = f"  # {mark}{said(why)}" if reasons and why else "  # CHECK" if mark else ""
    yield f"            data_categories: [{category}]{comment}"
    pointers = [p for p in one.pointers if p.column == field.name]
    active = [p for p in pointers if p.active and _referable(p)]
    meta = list(_meta(one, field))
    if active:
        told = ", ".join(_reference(p, naming) for p in active)
        yield "            fides_meta:"
        yield from (f"              {part}" for part in meta)
        yield f"              references: [{told}]"
        marks = {"from": "", "to": "CHECK "}
        yield from (f"              # {marks[p.direction]}{said(p.reason)}" for p in active)
    elif meta:
        yield f"            fides_meta: {{{', '.join(meta)}}}"
    for pointer in pointers:
        if not _referable(pointer):
            yield f"            # CHECK {said(pointer.reason)}, but a name with a dot in it can't be referred to"
        elif not pointer.active:
            yield f"            # CHECK references: [{_reference(pointer, naming)}]  # {said(pointer.reason)}"


def _category(one: Pictured, field: FoundField) -> tuple[str, str, bool]:
    """The category of a field, why, and whether nobody needs to look at it."""
    guess: Guess = one.guesses[field.name]
    if not field.readable:
        return (guess.category if guess.personal else _BESIDE), "this user may not read it", False
    if guess.personal:
        return guess.category, f"{guess.confidence:.2f}: {guess.reason}", guess.sure
    if field.primary or any(p.column == field.name for p in one.pointers) or _points(one, field.name):
        return _SYSTEM, "", True
    if one.role in ("people", "theirs", "entry"):
        return _BESIDE, (f"{guess.confidence:.2f}: {guess.reason}" if guess.confidence else ""), not guess.confidence
    return _SYSTEM, (f"{guess.confidence:.2f}: {guess.reason}" if guess.confidence else ""), not guess.confidence


def _points(one: Pictured, column: str) -> bool:
    return any(column in key.columns for key in one.table.keys)


def _meta(one: Pictured, field: FoundField) -> Iterator[str]:
    if field.primary:
        yield "primary_key: true"
    if identity := one.identities.get(field.name):
        yield f"identity: {identity}"
    if field.data_type:
        yield f"data_type: {scalar(field.data_type)}"
    if field.length:
        yield f"length: {field.length}"


def _reference(pointer: Pointer, naming: _Naming) -> str:
    schema, table = pointer.place
    there = scalar(f"{table}.{pointer.target}")
    return f"{{dataset: {scalar(naming.dataset(schema))}, field: {there}, direction: {pointer.direction}}}"


def _referable(pointer: Pointer) -> bool:
    """Whether `collection.field` says what is meant."""
    return "." not in pointer.place[1] + pointer.target


def _left_out(one: Pictured) -> str:
    fields = ", ".join(f"{{name: {scalar(f.name)}}}" for f in one.table.fields)
    return f"      - {{name: {scalar(one.table.name)}, fides_meta: {{skip_processing: true}}, fields: [{fields}]}}"


def _person(picture: Picture, naming: _Naming) -> Iterator[str]:
    one = picture.people
    if one is None:
        yield "# CHECK no table looks like the people's own; if there is one, name it under person.subject"
        return
    columns: Mapping[str, str] = {meaning: column for column, meaning in one.identities.items()}
    yield "person:"
    yield "  subject:  # CHECK how a person is found and reached"
    yield f"    collection: {scalar(naming.collection(one, picture))}"
    yield f"    key: {scalar(columns['customer_number'])}"
    names = _listed(one, ("first_name",), ("last_name",)) or _listed(one, ("full_name", "name"))
    if names:
        yield f"    name: [{names}]"
    for word, meaning in (("email", "email"), ("phone", "phone_number"), ("language", "language")):
        if column := one.best(meaning):
            yield f"    {word}: {scalar(column)}"
    if postal := _listed(one, ("street",), ("postcode",), ("city",)):
        yield f"    postal: [{postal}]"
    if column := one.best("protected"):
        yield f"    protected: {scalar(column)}"


def _listed(one: Pictured, *meanings: Iterable[str]) -> str:
    return ", ".join(scalar(c) for group in meanings if (c := one.best(*group)) is not None)


def _key(schema: str) -> str:
    return "".join(c if c.isascii() and (c.isalnum() or c in "_.-") else "_" for c in schema) or "schema"


__all__ = ["Draft", "Place", "draft_of"]
