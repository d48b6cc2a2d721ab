"""One item's facts as rules may trust them."""

import math
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import lru_cache
from typing import Any

from workflows.rules.cel import environment, iso_date
from workflows.rules.items import DATE_FACTS, EVENT_FACTS, FACTS, Fact, Item

_MIDNIGHT = re.compile(r"[T ]00:00(:00(\.0+)?)?$")  # a date from a column that could hold a time


def clean(name: str, value: Any) -> Fact:  # one return a type reads better
    """A fact as its declared type, or None where it is not: a wrong type or an impossible date is unknown."""
    kind = FACTS[name]
    if kind is float:
        if isinstance(value, bool) or not isinstance(value, (int, float, Decimal)) or not math.isfinite(value):
            return None
        return float(value)
    if kind is bool:
        return bool(value) if isinstance(value, (bool, int)) and value in (0, 1) else None
    if not isinstance(value, str):
        return None
    return _day(value) if name in DATE_FACTS else value


@lru_cache(maxsize=16384)
def _day(text: str) -> str | None:
    try:
        day = iso_date(_MIDNIGHT.sub("", text))
    except ValueError:
        return None
    return day.isoformat() if day else ""


def known_facts(item: Item) -> dict[str, Fact]:
    """The facts this item's collection declares, cleaned.

    The item's own day, a date at the controller's seat, stands for `on` where that is not declared or is an
    instant, as in a series.
    """
    facts = {name: clean(name, value) for name, value in item.facts.items() if name in FACTS}
    if item.on is not None and facts.get("on") is None and item.facts.get("on", "") is not None:
        facts["on"] = item.on.isoformat()
    return facts


_ABSENT = object()  # not declared, which is not the same as unknown


def said_of(item: Item, names: Sequence[str]) -> tuple[Any, ...]:
    """What the item says of these facts, to remember by: two items of a category that are equal here look the same
    to every rule that reads no others. Not to be hashed where the source gave a value that is no fact at all.
    """
    said = [item.facts.get(name, _ABSENT) for name in names]
    return (item.on if "on" in names else None, *said, *map(type, said))  # 1, 1.0 and true are equal and not the same


class ItemFacts:
    """One item's facts, ready for rules: `bare` has those its collection declares, `filled` the absent events too."""

    def __init__(self, item: Item, subject: Mapping[str, Fact]) -> None:
        facts = known_facts(item)
        self.declared = facts.keys()
        self.known = {name: value for name, value in facts.items() if value is not None}
        self._subject, self._category = subject, item.category
        self._bare: Any = None
        self._filled: Any = None

    def _all(self) -> dict[str, Fact]:
        return {**self._subject, "category": self._category, **self.known}

    @property
    def bare(self) -> Any:
        if self._bare is None:
            self._bare = environment().Activation(self._all())
        return self._bare

    @property
    def filled(self) -> Any:
        if self._filled is None:
            absent = {name: value for name, value in EVENT_FACTS.items() if name not in self.declared}
            self._filled = environment().Activation({**absent, **self._all()})
        return self._filled

    @property
    def owes(self) -> bool:
        balance = self.known.get("open_balance")
        return isinstance(balance, float) and balance > 0

    @property
    def is_owed(self) -> bool:
        balance = self.known.get("open_balance")
        return isinstance(balance, float) and balance < 0

    def words(self) -> dict[str, str]:
        """What a sentence about this item can name: number, agency, company, amount, due, ref."""
        words = {name: str(self.known[name]) for name in ("number", "agency", "company") if self.known.get(name)}
        balance = self.known.get("open_balance")
        amount = abs(balance) if isinstance(balance, float) and balance else self.known.get("amount")
        if isinstance(amount, float):
            words["amount"] = f"{amount:.2f}"
        if self.known.get("due_on"):
            words["due"] = str(self.known["due_on"])
        if "number" in words and "collection_open" in self.known:
            words["ref"] = words["number"]
        return words
