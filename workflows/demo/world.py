"""The register as it grows: running numbers, and rows handed on table by table in column order.

Dates are written as ISO texts, which SQLite stores and PostgreSQL's COPY reads alike.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date

from workflows.demo.people import Person

Value = str | int | float | None
Row = tuple[Value, ...]
Sink = Callable[[str, Row], None]
"""Takes a table's name and one row, without the marker column."""


@dataclass(frozen=True, slots=True)
class Span:
    """Local days [start, end) for which a metering point has values."""

    start: date
    end: date


@dataclass(frozen=True, slots=True)
class Point:
    """A metering point and which of its days are stored."""

    gsrn: str
    site: str
    solar: bool
    spans: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Held:
    """A contract as field work sees it: the place, and from when until when (the first day no longer)."""

    gsrn: str
    start: date
    end: date | None


@dataclass(slots=True)
class World:
    """Hands rows to `sink` and keeps what later rooms need: numbers, points, the collection file's lines, people."""

    sink: Sink
    as_of: date
    points: list[Point] = field(default_factory=list)
    collection: list[str] = field(default_factory=list)
    people: dict[str, Person] = field(default_factory=dict)  # by customer number
    held: dict[str, Held] = field(default_factory=dict)  # a customer's first contract
    _last: dict[str, int] = field(default_factory=dict)

    def number(self, series: str, first: int = 1) -> int:
        """The next running number of a series."""
        value = self._last.get(series, first - 1) + 1
        self._last[series] = value
        return value

    def add(self, table: str, *values: Value | date) -> None:
        """One row; dates become ISO texts, truth values 1 and 0."""
        self.sink(table, tuple(_plain(v) for v in values))


def _plain(value: Value | date) -> Value:
    if isinstance(value, date):
        return value.isoformat()
    return int(value) if isinstance(value, bool) else value
