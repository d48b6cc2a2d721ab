"""Faults of `holds.yaml`: a rule without law, end or words is no ground to keep anything."""

from collections.abc import Iterator

from workflows.errors import Fault
from workflows.register.catalogue import Catalogue
from workflows.register.check_controller import blank_texts
from workflows.register.document import Document, Path
from workflows.register.model import HoldRule
from workflows.register.reading import Reading
from workflows.register.shape import nearest
from workflows.rules.hold_rules import check_rule
from workflows.rules.items import ROLES


def hold_faults(reading: Reading, catalogue: Catalogue) -> Iterator[Fault]:
    """Everything wrong with the rules of law as data."""
    doc = reading.documents.get("holds.yaml")
    if doc is not None:
        for rule, path in reading.holds:
            yield from _law(rule, doc, path)
            yield from blank_texts(rule, doc, path)
            yield from _rule(rule, doc, path)
            yield from _scope(reading, rule, doc, path=path)
    yield from _roles(catalogue)


def _law(rule: HoldRule, doc: Document, path: Path) -> Iterator[Fault]:
    if not rule.law.act.strip() or not (rule.law.sections or rule.law.gdpr):
        remedy = "name the act and its sections, or the article of the GDPR"
        yield doc.fault((*path, "law"), f"{rule.id} names no law", remedy=remedy)
    if not rule.source.strip():
        yield doc.fault((*path, "source"), f"{rule.id} has no source", remedy="say where the law's text was read")
    if not rule.owner.strip():
        yield doc.fault((*path, "owner"), f"{rule.id} has no owner", remedy="name who reviews it, e.g. dpo")
    for word in ("trigger", "until"):
        if not getattr(rule, word).strip():
            remedy = "write a CEL expression; `until: '\"\"'` says that no end can be told yet"
            yield doc.fault((*path, word), f"{rule.id} has no `{word}`", remedy=remedy)


def _rule(rule: HoldRule, doc: Document, path: Path) -> Iterator[Fault]:
    """What the rule's own check says, with the line of the place it names."""
    for fault in check_rule(rule)[2]:
        place, _, position = fault.where.removeprefix(f"holds.{rule.id}.").partition(":")
        part, _, rest = place.partition(".")
        if part in ("trigger", "until") and not getattr(rule, part).strip():
            continue
        what = fault.what.split(" (in container")[0].split(" expecting {")[0]  # what CEL adds helps nobody here
        named = f"`{place}` of {rule.id}" + (f" at {position}" if position else "")
        yield doc.fault((*path, part, *([rest] if rest else [])), f"{named}: {what}", remedy=fault.remedy)


def _scope(reading: Reading, rule: HoldRule, doc: Document, *, path: Path) -> Iterator[Fault]:
    for code, kept in rule.categories.items():
        at: Path = (*path, "categories", code)
        if reading.categories_whole and code not in reading.categories:
            remedy = nearest(code, reading.categories) if reading.categories else "write it into categories.yaml"
            yield doc.fault(at, f"{rule.id} names `{code}`, which is no category", remedy=remedy)
        for n, role in enumerate(kept if not isinstance(kept, str) else ()):
            if role not in ROLES:
                yield doc.fault((*at, n), f"{rule.id} names `{role}`, which is no role", remedy=nearest(role, ROLES))


def _roles(catalogue: Catalogue) -> Iterator[Fault]:
    """A column whose role no rule can name would lose its value although a rule means to keep it."""
    for collection in catalogue.collections.values():
        for field, column in collection.spec.columns.items():
            if column.role is not None and column.role not in ROLES:
                path = ("person", "collections", collection.said_as, "columns", field, "role")
                yield collection.doc.fault(path, f"`{column.role}` is no role", remedy=nearest(column.role, ROLES))
