"""What a hold rule must be like before it may decide anything."""

import string
from collections.abc import Mapping
from datetime import date
from typing import Protocol

from workflows.errors import Fault
from workflows.rules.cel import Expression, compile_expression

PLACEHOLDERS = frozenset({"number", "date", "amount", "due", "agency", "ref", "company"})
"""What a rule's text may leave open; `date` is the first day of erasure."""


class LawLike(Protocol):
    """Where a rule stands in law; `register.model.Law` is one."""

    @property
    def act(self) -> str: ...
    @property
    def sections(self) -> tuple[str, ...]: ...
    @property
    def gdpr(self) -> tuple[str, ...]: ...


class TextLike(Protocol):
    """A text in the three languages; `register.model.Text` is one."""

    @property
    def fi(self) -> str: ...
    @property
    def sv(self) -> str: ...
    @property
    def en(self) -> str: ...


class HoldRuleLike(Protocol):
    """A rule of `holds.yaml`; `register.model.HoldRule` is one, and rules stand below the register."""

    @property
    def id(self) -> str: ...
    @property
    def active(self) -> bool: ...
    @property
    def law(self) -> LawLike: ...
    @property
    def valid_from(self) -> date | None: ...
    @property
    def valid_to(self) -> date | None: ...
    @property
    def categories(self) -> Mapping[str, str | tuple[str, ...]]: ...
    @property
    def trigger(self) -> str: ...
    @property
    def until(self) -> str: ...
    @property
    def text(self) -> TextLike: ...


def law_text(rule: HoldRuleLike) -> str:
    """The law of a rule in one line, such as "1336/1997 2:10; GDPR 17(3)(b)"."""
    act = f"{rule.law.act} {', '.join(rule.law.sections)}".strip()
    gdpr = f"GDPR {', '.join(rule.law.gdpr)}" if rule.law.gdpr else ""
    return "; ".join(part for part in (act, gdpr) if part)


def placeholders(text: str) -> frozenset[str]:
    """The names a text leaves open; raises ValueError if its braces don't close."""
    return frozenset(name for _, name, _, _ in string.Formatter().parse(text) if name is not None)


def check_rule(rule: HoldRuleLike) -> tuple[Expression | None, Expression | None, list[Fault]]:
    """The compiled trigger and end of a rule, and every mistake in it."""
    where = f"holds.{rule.id}"
    faults = _faults_of_scope(rule, where) + _faults_of_text(rule, where)
    compiled: list[Expression | None] = []
    for part, text, gives in (("trigger", rule.trigger, bool), ("until", rule.until, str)):
        result = compile_expression(text, gives=gives, where=f"{where}.{part}")
        if isinstance(result, list):
            faults += result
            compiled.append(None)
        else:
            compiled.append(result)
    return compiled[0], compiled[1], faults


def _faults_of_scope(rule: HoldRuleLike, where: str) -> list[Fault]:
    faults = []
    if not rule.categories:
        faults.append(Fault(f"{where}.categories", "the rule holds nothing", "Name the categories it holds."))
    if rule.valid_from and rule.valid_to and rule.valid_to < rule.valid_from:
        faults.append(Fault(f"{where}.valid_to", "it lies before valid_from", "Swap or correct the two dates."))
    for category, keep in rule.categories.items():
        if keep == "all":
            continue
        if not keep:
            faults.append(Fault(f"{where}.categories.{category}", "no role is named", "Name roles, or write all."))
    return faults


def _faults_of_text(rule: HoldRuleLike, where: str) -> list[Fault]:
    faults = []
    named: dict[str, frozenset[str]] = {}
    for language, text in (("fi", rule.text.fi), ("sv", rule.text.sv), ("en", rule.text.en)):
        try:
            named[language] = placeholders(text)
        except ValueError:
            faults.append(Fault(f"{where}.text.{language}", "a brace is not closed", "Write placeholders as {date}."))
            continue
        for name in sorted(named[language] - PLACEHOLDERS):
            remedy = "Use one of: " + ", ".join(sorted(PLACEHOLDERS))
            faults.append(Fault(f"{where}.text.{language}", f"there is no placeholder {name!r}", remedy))
    if len(set(named.values())) > 1:
        faults.append(
            Fault(f"{where}.text", "the languages differ in their placeholders", "Use the same ones in fi, sv and en.")
        )
    return faults
