"""Hold rules that can never end: their last day moves on with the day on which they are asked."""

from collections.abc import Iterator
from datetime import date
from typing import Any

from workflows.rules.cel import environment, evaluate
from workflows.rules.hold_outcomes import CompiledRule
from workflows.rules.holds import CompiledRules
from workflows.rules.items import FACTS, SUBJECT_FACTS

_DATE = "2020-01-31"
_DAYS = (date(2026, 1, 1), date(2026, 1, 2))


def never_ending(compiled: CompiledRules) -> tuple[str, ...]:
    """The rules whose `until` gives another last day tomorrow than today with the same facts, by name.

    "Six years from today" holds for ever. Asked with every date known and with none, every truth both ways.
    """
    rules = {rule.id: rule for rules in compiled.by_category.values() for rule in rules}
    return tuple(sorted(name for name, rule in rules.items() if "today" in rule.until.names and _moves(rule)))


def _moves(rule: CompiledRule) -> bool:
    for facts in _samples():
        for category in rule.categories:
            given = [{**facts, "category": category, "today": day.isoformat()} for day in _DAYS]
            ends = {evaluate(rule.until, environment().Activation(one)) for one in given}
            if len(ends - {None}) > 1:
                return True
    return False


def _samples() -> Iterator[dict[str, Any]]:
    for text in (_DATE, ""):
        for truth in (True, False):
            values: dict[type, Any] = {str: text, float: 1.0, bool: truth}
            yield {name: values[kind] for name, kind in {**FACTS, **SUBJECT_FACTS}.items()}
