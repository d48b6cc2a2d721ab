"""Faults of `recipients.yaml`: whoever can't be told, or would be told too much."""

from collections.abc import Iterator
from urllib.parse import urlsplit

from workflows.errors import Fault
from workflows.register.catalogue import Catalogue
from workflows.register.document import Document, Path
from workflows.register.reading import Reading
from workflows.register.recipients import Recipient
from workflows.register.shape import nearest
from workflows.rules import identifiers

_NEVER = "a personal identity code is never sent to anybody"
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


def recipient_faults(reading: Reading, catalogue: Catalogue) -> Iterator[Fault]:
    """Everything wrong with the recipients."""
    doc = reading.documents.get("recipients.yaml")
    if doc is None:
        return
    for recipient, path in reading.recipients:
        yield from _ways(recipient, doc, path)
        yield from _identifiers(recipient, reading, doc, path=path)
        yield from _categories(recipient, reading, doc, path=path)
        yield from _fields(recipient, reading, catalogue, doc=doc, path=path)


def _ways(recipient: Recipient, doc: Document, path: Path) -> Iterator[Fault]:
    if recipient.email and recipient.webhook:
        what = f"{recipient.id} would be told in two ways"
        yield doc.fault((*path, "webhook"), what, remedy="keep `email` or `webhook`")
    if recipient.email and identifiers.normalise(identifiers.EMAIL, recipient.email) is None:
        remedy = "write an address like privacy@example.com"
        yield doc.fault((*path, "email"), f"`email` of {recipient.id} is no address", remedy=remedy)
    if recipient.webhook is not None:
        url = urlsplit(recipient.webhook.url)
        local = (url.hostname or "") in _LOOPBACK
        if not url.hostname or url.scheme not in ("https", "http") or (url.scheme == "http" and not local):
            remedy = "write an address that begins with https://"
            yield doc.fault((*path, "webhook", "url"), "a notice may go over https only", remedy=remedy)


def _identifiers(recipient: Recipient, reading: Reading, doc: Document, *, path: Path) -> Iterator[Fault]:
    known = {*identifiers.KINDS, *_declared(reading)} - {identifiers.NATIONAL_ID}
    for n, name in enumerate(recipient.identifiers):
        place = (*path, "identifiers", n)
        if name == identifiers.NATIONAL_ID:
            remedy = "name another identifier, such as customer_number"
            yield doc.fault(place, f"`{name}` may not be among them: {_NEVER}", remedy=remedy)
        elif name not in known:
            yield doc.fault(place, f"there is no identifier `{name}`", remedy=nearest(name, known))


def _declared(reading: Reading) -> set[str]:
    """The kinds of identifier that the register's own fields carry."""
    fields = [f for s, _ in reading.sources for d in s.dataset for c in d.collections for f in c.fields]
    return {f.fides_meta.identity for f in fields if f.fides_meta and f.fides_meta.identity}


def _categories(recipient: Recipient, reading: Reading, doc: Document, *, path: Path) -> Iterator[Fault]:
    for n, code in enumerate(recipient.categories):
        if reading.categories_whole and code not in reading.categories:
            remedy = nearest(code, reading.categories)
            yield doc.fault((*path, "categories", n), f"there is no category `{code}`", remedy=remedy)


def _fields(
    recipient: Recipient, reading: Reading, catalogue: Catalogue, *, doc: Document, path: Path
) -> Iterator[Fault]:
    sources = {source.source: source for source, _ in reading.sources}
    for n, name in enumerate(recipient.fields):
        place = (*path, "fields", n)
        source, _, rest = name.partition(":")
        collection, _, field = rest.partition(".")
        if not (source and collection and field):
            yield doc.fault(place, f"`{name}` names no field", remedy="write it as source:collection.field")
        elif source not in sources:
            if reading.sources_whole:
                yield doc.fault(place, f"there is no source `{source}`", remedy=nearest(source, sources))
        elif (found := catalogue.of(sources[source]).get(collection)) is None:
            remedy = nearest(collection, catalogue.of(sources[source]))
            yield doc.fault(place, f"{source} has no collection `{collection}`", remedy=remedy)
        elif field not in found.columns:
            remedy = nearest(field, found.columns)
            yield doc.fault(place, f"`{collection}` has no field `{field}`", remedy=remedy)
