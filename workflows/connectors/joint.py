"""Records that another person holds together with the person: a joint contract, and what hangs on it.

A row names two holders where two of its columns are a person's number and only one of them is the person's. It is the
person's to see, without the other's number, and nobody's to erase alone; so is what its values lead to, in its time.
"""

from collections.abc import Mapping
from datetime import date
from functools import cache
from typing import Any

from models.vocabulary import Ownership
from workflows.connectors.shares import IDENTITY, spelled
from workflows.connectors.sql_found import Discovery, Found
from workflows.connectors.windows import Windows, covers, of_span, union
from workflows.ports import Seeds

JOINT = "joint:"
Known = dict[str, dict[str, Windows]]


class Joint:
    """What of one collect is held together with others; `people` are the fields that are a person's number."""

    def __init__(self, discovery: Discovery, seeds: Seeds, people: frozenset[str]) -> None:
        self._found, self._people = discovery, people
        self._known: Known = {}
        for key, leads in seeds.items():
            for lead in leads if key.startswith(JOINT) else ():
                _add(self._known, key.removeprefix(JOINT), lead.value, of_span(lead.start, lead.end))
        self.columns = cache(self._columns)
        self._learn()

    def _columns(self, name: str) -> tuple[tuple[str, ...], ...]:
        """Groups of columns that each may name a holder."""
        roles = self._found.piles[name].roles
        groups: dict[str, list[str]] = {}
        for column, keys in roles.meanings.items():
            for key in keys:
                strong = key.startswith(IDENTITY) and (column, key.removeprefix(IDENTITY)) in roles.certain
                if strong or key in self._people:
                    groups.setdefault(key, []).append(column)
        return tuple(dict.fromkeys(tuple(group) for group in groups.values() if len(group) > 1))

    def concerns(self, name: str) -> bool:
        """Whether any row of this collection could be held together with somebody."""
        return bool(self._known or self.columns(name))

    def others(self, name: str, links: Mapping[str, Any]) -> tuple[str, ...]:
        """The columns with another holder's number in a row that is the person's by a column of the same kind."""
        found: dict[str, None] = {}
        for group in self.columns(name):
            mine = {c: self._found.is_mine(name, c, links[c]) for c in group if links.get(c) is not None}
            if any(mine.values()):
                found |= dict.fromkeys(c for c, is_mine in mine.items() if not is_mine)
        return tuple(found)

    def holds(self, name: str, links: Mapping[str, Any], day: date | None) -> bool:
        """Whether a row is held together with somebody, or hangs on what is. The register's `owner` decides first."""
        if self.others(name, links):
            return True
        pile = self._found.piles[name]
        if not self._known or pile.bound.node.spec.owner:
            return False
        return any(
            self.covers(name, column, value, day)
            for column in pile.roles.meanings
            for value in self._found.values(links.get(column))
        )

    def covers(self, name: str, column: str, value: Any, day: date | None) -> bool:
        """Whether what this value leads to is held together with somebody on this day; without a day, at any time."""
        for key in self._found.piles[name].roles.meanings.get(column, ()):
            windows = self._known.get(key, {})
            text = spelled(key, value)
            if text in windows and (day is None or covers(windows[text], day)):
                return True
        return False

    def _learn(self) -> None:
        """The values of such rows that others refer to, until no more are found."""
        told: set[tuple[str, Any]] = set()
        while True:
            fresh = [
                (name, found)
                for name, pile in self._found.piles.items()
                if self.columns(name) or self._known
                for found in pile.rows.values()
                if (name, found.key) not in told
                and found.strong
                and found.ownership is Ownership.OWN
                and self.holds(name, found.links, None)
            ]
            if not fresh:
                return
            for name, found in fresh:
                told.add((name, found.key))
                self._teach(name, found)

    def _teach(self, name: str, found: Found) -> None:
        for column, key in self._found.piles[name].roles.taught:
            for value in self._found.values(found.links[column]):
                _add(self._known, key, value, self._found.onward(name, found, column))


def _add(known: Known, key: str, value: Any, windows: Windows) -> None:
    text = spelled(key, value)
    values = known.setdefault(key, {})
    values[text] = union(values[text], windows) if text in values else windows
