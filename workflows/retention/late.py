"""One record whose time is over and that nothing holds."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from models.vocabulary import Action
from workflows.exchange import EraseItem
from workflows.rules.items import Item, Json, Verdict, canonical
from workflows.rules.overdue import Overdue

Where = tuple[str, str, str]
"""Source, collection and canonical locator of a record."""


@dataclass(frozen=True, slots=True)
class Late:
    """What is to be done with it, and since when its time is over."""

    source: str
    collection: str
    locator: Mapping[str, Json]
    digest: str
    action: Action
    fields: tuple[str, ...]
    since: date

    @property
    def where(self) -> Where:
        """What makes this record this record."""
        return (self.source, self.collection, canonical(self.locator))

    def order(self, number: int) -> EraseItem:
        """As its source is told."""
        return EraseItem(number, self.collection, self.locator, self.action, self.fields, self.digest)


def where_of(item: Item) -> Where:
    """Of an item."""
    return (item.source, item.collection, canonical(item.locator))


def late_of(item: Item, verdict: Verdict, over: Overdue) -> Late | None:
    """The record as one that is to go now; None if its time is not over, or all of it is held."""
    if over.since is None or verdict.action not in (Action.DELETE, Action.MASK, Action.ANONYMISE):
        return None
    if any(hold.unknown for hold in verdict.holds):
        return None
    return Late(item.source, item.collection, item.locator, item.digest, verdict.action, verdict.fields, over.since)
