"""What an archive of mail needs under `connection`, and what can be wrong with it."""

from collections.abc import Iterator, Mapping

from pydantic import Field

from workflows.errors import Fault
from workflows.register.document import Document, Path
from workflows.register.model import Secret, SourceSpec, Strict
from workflows.register.shape import nearest
from workflows.rules.identifiers import CUSTOMER_NUMBER, EMAIL, KINDS, PHONE

FIELDS: Mapping[str, str] = {
    "message_id": "the message's own number",
    "date": "when it was sent",
    "from": "who wrote it",
    "to": "whom it was sent to",
    "subject": "its subject",
    "text": "what was written",
    "quoted": "what it quotes of others",
}
"""Fields that the one collection of a mailbox may have, and what each holds."""


class MailboxConnection(Strict):
    """An account that is read over IMAP, and what is searched in it for what."""

    url: str | Secret
    password: Secret | None = None
    folders: tuple[str, ...] = Field(min_length=1)
    since_days: int | None = Field(default=None, ge=1, le=36_500)
    search: tuple[str, ...] = (EMAIL, CUSTOMER_NUMBER, PHONE)
    most_mb: float = Field(default=25.0, gt=0, le=25)
    writable: bool = False
    trash: str = ""


def mailbox_faults(source: SourceSpec, doc: Document) -> Iterator[Fault]:
    """What the shape can't tell: folders named twice or erased into, nothing to search by, fields no message has."""
    at = ("connection",)
    folders = [str(one) for one in source.connection.get("folders") or ()]
    for n, name in enumerate(folders):
        if not name.strip():
            yield doc.fault((*at, "folders", n), "this folder has no name", remedy="name it, or remove it")
        elif name in folders[:n]:
            yield doc.fault((*at, "folders", n), f"`{name}` is named twice", remedy="remove one of them")
    trash = str(source.connection.get("trash") or "")
    if trash and trash in folders:
        what = "what is erased would go where it is searched for"
        yield doc.fault((*at, "trash"), what, remedy="name another folder, or remove it from `folders`")
    yield from _terms(source, doc)
    yield from _messages(source, doc)


def _terms(source: SourceSpec, doc: Document) -> Iterator[Fault]:
    at = ("connection", "search")
    terms = source.connection.get("search")
    if terms is not None and not terms:
        yield doc.fault(at, "nothing is searched for", remedy="write search: [email]")
    for n, term in enumerate(terms or ()):
        if term not in KINDS:
            what = f"there is no identifier `{term}`"
            yield doc.fault((*at, n), what, remedy=nearest(str(term), KINDS))


def _messages(source: SourceSpec, doc: Document) -> Iterator[Fault]:
    first = True
    for n, dataset in enumerate(source.dataset):
        written = {str(one["name"]): (m, one) for m, one in enumerate(doc.data["dataset"][n]["collections"])}
        for collection in dataset.collections:
            m, said = written[collection.name]
            at: Path = ("dataset", n, "collections", m)
            if not first:
                what = "a mailbox is one collection of messages"
                yield doc.fault(at, what, remedy="remove all collections but one")
            first = False
            for k, field in enumerate(said["fields"]):
                if str(field["name"]) not in FIELDS:
                    what = f"a message has no `{field['name']}`"
                    yield doc.fault((*at, "fields", k), what, remedy=nearest(str(field["name"]), FIELDS))
    for name, spec in source.person.collections.items():
        if spec.erase == "mask":
            what = "a message can't be changed, only deleted whole"
            yield doc.fault(("person", "collections", name, "erase"), what, remedy="write `erase: delete` or `keep`")
        if spec.series is not None:
            what = f"`{name}` is a time series, and messages are none"
            yield doc.fault(("person", "collections", name, "series"), what, remedy="remove `series`")
