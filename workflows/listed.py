"""Sources that can be read through, whoever their records are about: to find what came back after an erasure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol, runtime_checkable

from workflows.rules.items import Item, Json


@dataclass(frozen=True, slots=True)
class Listed:
    """One record of a source, as far as it takes to recognise it: where it is, whose, and since when it is there."""

    collection: str
    locator: Mapping[str, Json]
    identifiers: Mapping[str, Sequence[str]]  # identity to the values the record carries
    created: date | datetime | None  # None: the source does not say
    names_others: bool = False
    """Its identifiers may be others' as well: whose it is only those say that an erasure took."""


@runtime_checkable
class Lists(Protocol):
    """What a connector of such a source can do besides."""

    def collections(self) -> Sequence[str]:
        """The collections that can be read so, by the names items have them under."""
        ...

    def everything(self, collection: str) -> Iterator[Listed]:
        """Every record of one of them, each once; streams. Raises as a search does, and never stops short."""
        ...


@runtime_checkable
class ReadsThrough(Protocol):
    """What a connector can do besides whose records can be judged without knowing whose they are."""

    def readable(self) -> Mapping[str, str]:
        """The collections that can be read so, and their categories."""
        ...

    def records(self, collection: str, *, before: date) -> Iterator[Item]:
        """Every record as an item, each once, of a series only the days before that day; streams. Raises as above.

        Whose they are, and whether others point at them, is not looked at.
        """
        ...
