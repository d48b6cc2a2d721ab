"""Faults of `holds.yaml`: a rule without law, end or words is no ground to keep anything."""

import string
from collections.abc import Iterator

from workflows.errors import Fault
from workflows.register.catalogue import Catalogue
from workflows.register.check_controller import blank_texts
from workflows.register.document import Document, Path
from workflows.register.model import HoldRule
from workflows.register.reading import Reading
from workflows.register.shape import nearest
from workflows.rules.cel import compile_expression

ROLES = (
    "name", "customer_no", "address", "email", "phone", "contract_no", "period", "invoice_no", "voucher_no",
    "amount", "birth",
)  # fmt: skip
"""What a column may be to a hold rule; a source may use further words, and rules may then name them."""


def hold_faults(reading: Reading, catalogue: Catalogue) -> Iterator[Fault]:
    """Everything wrong with the rules of law as data."""
    doc = reading.documents.get("holds.yaml")
    if doc is None:
        return
    roles = set(ROLES)
    for source, _ in reading.sources:
        for collection in source.person.collections.values():
            roles |= {c.role for c in collection.columns.values() if c.role}
    for rule, path in reading.holds:
        yield from _law(rule, doc, path)
        yield from _words(rule, doc, path)
        yield from _scope(reading, rule, doc, path=path, roles=roles if catalogue.whole else None)


def _law(rule: HoldRule, doc: Document, path: Path) -> Iterator[Fault]:
    if not rule.law.act.strip() or not (rule.law.sections or rule.law.gdpr):
        remedy = "name the act and its sections, or the article of the GDPR"
        yield doc.fault((*path, "law"), f"{rule.id} names no law", remedy=remedy)
    if not rule.source.strip():
        yield doc.fault((*path, "source"), f"{rule.id} has no source", remedy="say where the law's text was read")
    if not rule.owner.strip():
        yield doc.fault((*path, "owner"), f"{rule.id} has no owner", remedy="name who reviews it, e.g. dpo")
    if rule.valid_from and rule.valid_to and rule.valid_from > rule.valid_to:
        what = f"{rule.id} ends before it begins"
        yield doc.fault((*path, "valid_to"), what, remedy="put `valid_to` on or after `valid_from`")
    for word in ("trigger", "until"):
        if not getattr(rule, word).strip():
            remedy = "write a CEL expression; `until: '\"\"'` says that no end can be told yet"
            yield doc.fault((*path, word), f"{rule.id} has no `{word}`", remedy=remedy)
    yield from _expressions(rule, doc, path)


def _expressions(rule: HoldRule, doc: Document, path: Path) -> Iterator[Fault]:
    """What the CEL compiler says: syntax, undeclared facts, wrong types; positions are within the expression."""
    expressions: list[tuple[str, str, type[bool] | type[str]]] = [
        ("trigger", rule.trigger, bool),
        ("until", rule.until, str),
    ]
    for word, text, gives in expressions:
        compiled = compile_expression(text, gives=gives, where="") if text.strip() else None
        for fault in compiled if isinstance(compiled, list) else ():
            place = fault.where.removeprefix(":")
            what = fault.what.split(" (in container")[0].split(" expecting {")[0]
            yield doc.fault((*path, word), f"`{word}` of {rule.id} at {place}: {what}", remedy=fault.remedy)


def _words(rule: HoldRule, doc: Document, path: Path) -> Iterator[Fault]:
    yield from blank_texts(rule, doc, path)
    found: dict[str, set[str]] = {}
    for language in ("fi", "sv", "en"):
        try:
            parts = list(string.Formatter().parse(rule.text.get(language)))
        except ValueError:
            what = f"the text of {rule.id} in {language} has a lone brace"
            yield doc.fault((*path, "text", language), what, remedy="write {name} for a value")
            return
        found[language] = {name for _, name, _, _ in parts if name is not None}
    everywhere = set.union(*found.values())
    for language, names in found.items():
        if missing := sorted(everywhere - names):
            what = f"the text of {rule.id} in {language} lacks {', '.join(f'{{{n}}}' for n in missing)}"
            remedy = "use the same placeholders in all three languages"
            yield doc.fault((*path, "text", language), what, remedy=remedy)


def _scope(reading: Reading, rule: HoldRule, doc: Document, *, path: Path, roles: set[str] | None) -> Iterator[Fault]:
    if not rule.categories:
        remedy = "name what it keeps, e.g. `C07: all`"
        yield doc.fault((*path, "categories"), f"{rule.id} covers no category", remedy=remedy)
    for code, kept in rule.categories.items():
        at: Path = (*path, "categories", code)
        if reading.categories_whole and code not in reading.categories:
            remedy = nearest(code, reading.categories) if reading.categories else "write it into categories.yaml"
            yield doc.fault(at, f"{rule.id} names `{code}`, which is no category", remedy=remedy)
        if isinstance(kept, str):
            continue
        if not kept:
            yield doc.fault(at, f"{rule.id} keeps nothing of `{code}`", remedy="write all, or the roles it needs")
        for n, role in enumerate(kept):
            if roles is not None and role not in roles:
                yield doc.fault(
                    (*at, n), f"{rule.id} names the role `{role}`, which no column has", remedy=nearest(role, roles)
                )
