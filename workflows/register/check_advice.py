"""What a register may do without and still load, and what it will be missed for."""

from collections.abc import Iterator
from datetime import date, timedelta

from models.vocabulary import Method
from workflows.errors import Fault
from workflows.register.catalogue import Catalogue, Collection
from workflows.register.check_http_calls import unlisted
from workflows.register.http_connection import HttpConnection
from workflows.register.proofs import RISKS
from workflows.register.reading import Reading

_STALE = timedelta(days=365)


def advice(reading: Reading, catalogue: Catalogue, *, today: date) -> Iterator[Fault]:
    """Every gap worth a warning; none keeps the register from loading."""
    yield from _controller(reading, today=today)
    yield from _categories(reading)
    yield from _holds(reading, today=today)
    yield from _sources(reading, catalogue)
    yield from _letters(reading)


def _controller(reading: Reading, *, today: date) -> Iterator[Fault]:
    controller, doc = reading.controller, reading.documents.get("controller.yaml")
    if controller is None or doc is None:
        return
    if controller.authority is None:
        remedy = "add `authority`; GDPR Art. 12(4) and 15(1)(f) want it told"
        yield doc.fault((), "letters can't name the supervisory authority", remedy=remedy)
    elif today - controller.authority.verified_on > _STALE:
        path = ("authority", "verified_on")
        yield doc.fault(path, "the authority's address was last checked over a year ago", remedy="check it again")
    if not (controller.dpo.email or controller.dpo.phone):
        yield doc.fault(("dpo",), "letters can't say how to reach the data protection officer", remedy="add `dpo`")


def _categories(reading: Reading) -> Iterator[Fault]:
    doc = reading.documents.get("categories.yaml")
    if doc is None:
        where = "categories.yaml:1"
        remedy = "write it; without it an answer names no purposes (GDPR Art. 15(1))"
        yield Fault(where, "there are no categories", remedy)
        return
    for code, category in reading.categories.items():
        missing = [w for w in ("purpose", "basis", "recipients", "retention") if getattr(category, w) is None]
        if missing:
            what = f"{code} says nothing of its {', '.join(missing)}"
            remedy = "add it in fi, sv and en; GDPR Art. 15(1) wants it told"
            yield doc.fault(reading.category_at[code], what, remedy=remedy)
        if category.keeps is None:
            remedy = "add `keeps` with an end; GDPR Art. 5(1)(e) wants a time for each category"
            yield doc.fault(reading.category_at[code], f"{code} has no retention rule", remedy=remedy)
        elif not category.keeps.approved_by:
            remedy = "let a lawyer read it and name them in `approved_by`"
            path = (*reading.category_at[code], "keeps")
            yield doc.fault(path, f"nobody has approved how long {code} is kept", remedy=remedy)


def _holds(reading: Reading, *, today: date) -> Iterator[Fault]:
    doc = reading.documents.get("holds.yaml")
    if doc is None:
        yield Fault("holds.yaml:1", "there are no hold rules", "write them, or nothing is kept from erasure by law")
        return
    for rule, path in reading.holds:
        if rule.active and not rule.approved_by:
            remedy = "let a lawyer read it and name them in `approved_by`"
            yield doc.fault(path, f"nobody has approved {rule.id}", remedy=remedy)
        if not rule.active and not rule.why_inactive.strip():
            remedy = "say in `why_inactive` why it is not used"
            yield doc.fault((*path, "active"), f"{rule.id} is not used and does not say why", remedy=remedy)
        if rule.checked_on > today:
            yield doc.fault((*path, "checked_on"), f"{rule.id} was checked in the future", remedy="mend the date")
        elif today - rule.checked_on > _STALE:
            what = f"the law of {rule.id} was last checked over a year ago"
            yield doc.fault((*path, "checked_on"), what, remedy="read it again")


def _letters(reading: Reading) -> Iterator[Fault]:
    controller, doc = reading.controller, reading.documents.get("controller.yaml")
    if controller is None or doc is None:
        return
    identity = controller.identity
    named = [risk for risk in RISKS if Method.LETTER in (getattr(identity, risk) or ())]
    subjects = [source.person.subject for source, _ in reading.sources if source.person.subject]
    if named and not any(s.postal and (s.postal_since or not identity.unchanged_days) for s in subjects):
        what = "`letter` is named, and no source tells addresses and since when they stand there: none will be sent"
        remedy = "name `postal` and `postal_since` under `person.subject`, or write `unchanged_days: 0`"
        yield doc.fault(("identity", named[0]), what, remedy=remedy)


def _sources(reading: Reading, catalogue: Catalogue) -> Iterator[Fault]:
    if reading.sources and catalogue.whole and not any(s.person.subject for s, _ in reading.sources):
        _, doc = reading.sources[0]
        remedy = "add `person.subject` to the source that knows people; until then only the desk can verify"
        yield doc.fault((), "no source says where a person's contact on file stands", remedy=remedy)
    for collection in catalogue.collections.values():
        if collection.skipped:
            continue
        columns = collection.columns.values()
        meta = collection.model.fides_meta
        deleted = bool(meta and meta.masking_strategy_override) or collection.spec.erase == "delete"
        masked = any(c.personal and not c.meta.read_only for c in columns) and collection.spec.erase != "keep"
        if collection.source.kind == "sql" and (masked or deleted) and not any(c.meta.primary_key for c in columns):
            what = f"no column of `{collection.name}` is its `primary_key`; erasing needs the database to have one"
            yield collection.fault((), what, remedy="set `primary_key: true` on the columns that name a row")
        yield from _unlisted(collection)
        spoken = collection.spec.columns
        bare = [c.name for c in columns if c.personal and (c.name not in spoken or spoken[c.name].label is None)]
        if bare:
            what = f"people will read database names for {len(bare)} columns of `{collection.name}`"
            path = ("person", "collections", collection.said_as, "columns")
            remedy = f"give a `label` to {', '.join(bare[:5])}{' …' if len(bare) > 5 else ''}"
            yield collection.doc.fault(path, what, remedy=remedy)


def _unlisted(collection: Collection) -> Iterator[Fault]:
    """What came back to such a collection, or is past its time there, nobody would see but whoever keeps it."""
    if collection.source.kind != "http" or collection.spec.erase == "keep":
        return
    connection = HttpConnection.model_validate(dict(collection.source.connection))
    if unlisted(connection, collection.key, collection.name):
        what = f"no call lists `{collection.name}`: replay and retention can't read it through"
        remedy = "add a `find` without holes if the service has one; else whoever keeps it has to look"
        yield collection.doc.fault(("connection", "collections", collection.said_as), what, remedy=remedy)
