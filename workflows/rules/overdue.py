"""Data whose time is over: the last day a category may keep a record, and which records are past it.

The same facts and the same language as hold rules. What can't be told is never overdue.

Source: GDPR Art. 5(1)(e), 17(1)(a); Electricity Market Act 588/2013 s. 75 c (must be removed when the time ends).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Protocol

from workflows.errors import BadInput, Fault
from workflows.rules.cel import Expression, compile_expression, evaluate, iso_date
from workflows.rules.item_facts import ItemFacts, said_of
from workflows.rules.items import FACTS, Item
from workflows.rules.subject import Subject


class KeepsLike(Protocol):
    """How long a category keeps a record; `register.model.Keeps` is one."""

    @property
    def until(self) -> str: ...


Retained = Mapping[str, Expression]
"""Category to its compiled end."""


def compile_retention(rules: Mapping[str, KeepsLike]) -> Retained:
    """The ends of all categories that name one. Raises `BadInput` with one `Fault` per mistake."""
    faults: list[Fault] = []
    compiled: dict[str, Expression] = {}
    for code, rule in rules.items():
        found = compile_expression(rule.until, gives=str, where=f"categories.{code}.keeps.until")
        if isinstance(found, list):
            faults += found
        else:
            compiled[code] = found
    if faults:
        raise BadInput(faults)
    return compiled


@dataclass(frozen=True, slots=True)
class Overdue:
    """When a record's time was over. `since` is the first day past it; None: not over, or nobody can tell."""

    since: date | None
    unknown: bool = False


_NOT_OVER = Overdue(None)
_REMEMBERED = 20_000


def overdue_since(item: Item, retained: Retained, *, subject: Subject, today: date) -> Overdue:
    """Whether this record is past the time of its category today."""
    return _judge(item, retained, known_subject(subject, today), today)


def judge_of(retained: Retained, *, subject: Subject, today: date) -> Callable[[Item], Overdue]:
    """The same for many records of one person; asked once for all that say the same of what their rule reads."""
    known = known_subject(subject, today)
    reads = {category: sorted(rule.names & FACTS.keys()) for category, rule in retained.items()}
    told: dict[tuple[Any, ...], Overdue] = {}

    def judged(item: Item) -> Overdue:
        if item.category not in reads:
            return _NOT_OVER
        key = (item.category, *said_of(item, reads[item.category]))
        try:
            over = told.get(key)
        except TypeError:  # a value that is no fact at all
            return _judge(item, retained, known, today)
        if over is None:
            if len(told) >= _REMEMBERED:
                told.clear()
            over = told[key] = _judge(item, retained, known, today)
        return over

    return judged


def known_subject(subject: Subject, today: date) -> dict[str, str | float | int | bool | None]:
    """What is known of the person, as rules see it."""
    known = {name: value for name, value in subject.facts.items() if value is not None}
    return {**known, "today": today.isoformat()}


def _judge(
    item: Item, retained: Retained, known: Mapping[str, str | float | int | bool | None], today: date
) -> Overdue:
    rule = retained.get(item.category)
    if rule is None:
        return _NOT_OVER
    value = evaluate(rule, ItemFacts(item, known).filled)
    if not isinstance(value, str):
        return Overdue(None, unknown=True)
    try:
        last = iso_date(value)
    except ValueError:
        return Overdue(None, unknown=True)
    return Overdue(last + timedelta(days=1)) if last is not None and last < today else Overdue(None)
