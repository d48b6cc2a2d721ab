"""The connections of sources that people search: a system without a door for programs, and a paper archive."""

from collections.abc import Iterator

from pydantic import Field

from workflows.errors import Fault
from workflows.register.document import Document
from workflows.register.model import SourceSpec, Strict, Text
from workflows.register.shape import nearest
from workflows.rules.identifiers import KINDS

CONTACT_TERMS = ("name", "email", "phone", "postal")
"""Facts of the contact on file that people may be shown to look by, beside identity keys."""


class ByHand(Strict):
    """Of a source that programs may only read: who keeps it and erases in it, and how long they have."""

    keeper: str = Field(min_length=1)
    due_days: int = Field(default=5, ge=1, le=25)


class ManualConnection(Strict):
    """A system that people search: who keeps it, how to search it, what to be shown, which places to tick."""

    keeper: str
    instructions: Text
    due_days: int = Field(default=5, ge=1, le=25)
    search_terms: tuple[str, ...] = ()
    places: tuple[str, ...] = ()


class Shelf(Strict):
    """Where paper lies, and who has the key."""

    room: str
    cabinet: str = ""
    key_holder: str = ""


class PaperConnection(Strict):
    """A paper archive."""

    keeper: str
    instructions: Text
    due_days: int = Field(default=5, ge=1, le=25)
    search_terms: tuple[str, ...] = ()
    locations: tuple[Shelf, ...]


def hand_faults(source: SourceSpec, doc: Document) -> Iterator[Fault]:
    """What the shape can't tell: blanks, terms nobody knows, places named twice, fields that no form can ask for."""
    at = ("connection",)
    connection = source.connection
    keeper = str(connection["keeper"]).strip()
    if not keeper:
        remedy = "name a function, or an e-mail address that work is announced to"
        yield doc.fault((*at, "keeper"), "`keeper` is empty", remedy=remedy)
    elif "@" in keeper and (keeper.count("@") != 1 or " " in keeper or "." not in keeper.rpartition("@")[2]):
        yield doc.fault(
            (*at, "keeper"), "`keeper` is no e-mail address", remedy="write it like archive@company.example"
        )
    known = (*KINDS, *CONTACT_TERMS)
    for n, term in enumerate(connection.get("search_terms") or ()):
        if term not in known:
            what = f"nobody can be shown `{term}` to search by"
            yield doc.fault((*at, "search_terms", n), what, remedy=nearest(str(term), known))
    yield from _places(source, doc)
    for n, dataset in enumerate(source.dataset):
        for m, collection in enumerate(dataset.collections):
            for k, field in enumerate(collection.fields):
                if field.fields:
                    what = f"`{field.name}` holds other fields, and a form asks for plain ones"
                    path = ("dataset", n, "collections", m, "fields", k)
                    yield doc.fault(path, what, remedy="describe the fields inside as fields of the collection")
    for name, spec in source.person.collections.items():
        if spec.series is not None:
            what = f"`{name}` is a time series, and nobody writes that into a form"
            yield doc.fault(("person", "collections", name, "series"), what, remedy="remove `series`")


def _places(source: SourceSpec, doc: Document) -> Iterator[Fault]:
    word = "locations" if source.kind == "paper" else "places"
    raw = source.connection.get(word) or ()
    if source.kind == "paper" and not raw:
        yield doc.fault(("connection", word), "no place is named", remedy="name at least one `room`")
    seen: set[str] = set()
    for n, place in enumerate(raw):
        name = f"{place.get('room', '')} / {place.get('cabinet') or ''}" if isinstance(place, dict) else str(place)
        if not name.replace("/", "").strip():
            yield doc.fault(("connection", word, n), "this place has no name", remedy="name it, or remove it")
        elif name in seen:
            yield doc.fault(("connection", word, n), f"`{name}` is named twice", remedy="remove one of them")
        seen.add(name)
