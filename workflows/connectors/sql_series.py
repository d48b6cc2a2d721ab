"""Time series: many rows that count as one item a day, streamed in order of series and time.

A day is one at the controller's seat: 23 or 25 hours long where summer time begins or ends. Work is done
by columns of a day's rows, not row by row, for a person may have half a million of them.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from itertools import groupby
from typing import Any

import sqlalchemy as sa

from models.vocabulary import Ownership
from workflows.connectors.sql_items import ItemMaker, encoders
from workflows.connectors.sql_schema import Bound
from workflows.connectors.sql_search import Values, matches
from workflows.connectors.sql_values import TEMPORAL, as_instant, as_json, day_after, local_day, midnight
from workflows.connectors.windows import Span, Windows, merged
from workflows.errors import NeverAgain
from workflows.register.model import SeriesSpec
from workflows.rules.items import Item, Json, digest_of

ROWS = 5_000


@dataclass(frozen=True, slots=True)
class DayRows:
    """The rows of one series on one day, as JSON by column."""

    key: tuple[Any, ...]
    day: date
    rows: list[tuple[Json, ...]]  # every column but the key's, in the table's order
    raw: Sequence[Sequence[Any]]  # as the driver gave them


class Series:
    """One series collection of one source."""

    def __init__(self, bound: Bound, *, zone: tzinfo) -> None:
        spec = bound.node.spec.series
        if spec is None:
            raise ValueError("not a series")
        self.spec: SeriesSpec = spec
        self.bound, self.zone = bound, zone
        self.names = [c.name for c in bound.table.columns]
        self._at = self.names.index(spec.at)
        self._keys = [self.names.index(c) for c in spec.key]
        encode = encoders(bound.table)
        self.rest = [c for c in self.names if c not in spec.key]
        self._rest = [(self.names.index(c), encode[c]) for c in self.rest]
        self.naive: tzinfo = UTC if spec.zone == "utc" else zone

    def days(
        self, connection: sa.Connection, where: sa.ColumnElement[bool], *, span: Span, lock: bool = False
    ) -> Iterator[DayRows]:
        """The days of the series that `where` names within [start, end), each whole, in order."""
        table = self.bound.table
        at = table.c[self.spec.at]
        statement = sa.select(table).where(where, *self._about(at, span))
        statement = statement.order_by(*(table.c[c] for c in self.spec.key), at)
        if lock:
            statement = statement.with_for_update()
        result = connection.execute(statement, execution_options={} if lock else {"stream_results": True})
        key: tuple[Any, ...] | None = None
        pending: list[Sequence[Any]] = []
        for part in result.partitions(ROWS):
            for row_key, group in groupby(part, key=lambda r: tuple(r[i] for i in self._keys)):
                if row_key != key and pending and key is not None:
                    yield from self._cut(key, pending, span=span)
                    pending = []
                key = row_key
                pending += group
            if key is not None:
                *whole, last = self._cut_rows(pending)
                for day, rows in whole:
                    yield from self._made(key, day, rows, span=span)
                pending = last[1]
        if key is not None and pending:
            yield from self._cut(key, pending, span=span)

    def _about(self, at: sa.ColumnElement[Any], span: Span) -> list[sa.ColumnElement[bool]]:
        """A day wider on both sides, since a text or a naive instant is compared in the database; cut exactly later."""
        conditions = []
        if span[0] is not None:
            conditions.append(at >= self._bind(span[0] - timedelta(days=1)))
        if span[1] is not None:
            conditions.append(at < self._bind(span[1] + timedelta(days=1)))
        return conditions

    def _bind(self, day: date) -> Any:
        column = self.bound.table.c[self.spec.at]
        if TEMPORAL in column.info or isinstance(column.type, sa.String):
            return day.isoformat()
        if isinstance(column.type, sa.DateTime):
            return midnight(day, self.zone) if column.type.timezone else datetime(day.year, day.month, day.day)  # noqa: DTZ001
        return day

    def _cut(self, key: tuple[Any, ...], rows: list[Sequence[Any]], *, span: Span) -> Iterator[DayRows]:
        for day, some in self._cut_rows(rows):
            yield from self._made(key, day, some, span=span)

    def _cut_rows(self, rows: list[Sequence[Any]]) -> list[tuple[date, list[Sequence[Any]]]]:
        """One series' rows, in order of time, by day: each border is searched for, not each row looked at."""
        ats = self._instants([r[self._at] for r in rows])
        days = []
        start = 0
        while start < len(rows):
            first = ats[start]
            day = local_day(first, self.zone)
            if day is None:
                raise NeverAgain("bad_instant", detail=f"{self.bound.name}.{self.spec.at} holds what is no instant")
            end = len(rows)
            if isinstance(first, datetime):
                end = bisect_left(ats, midnight(day_after(day), self.zone), lo=start)
            else:
                end = bisect_left(ats, day_after(day), lo=start)
            days.append((day, rows[start:end]))
            start = end
        return days

    def _instants(self, values: list[Any]) -> list[Any]:
        """Aware instants, or dates where the column has no time of day."""
        first = values[0]
        if isinstance(first, datetime) and first.tzinfo is not None:
            return values
        if isinstance(first, datetime):
            return [v.replace(tzinfo=self.naive) for v in values]
        parsed = [as_instant(v) for v in values]
        return [v.replace(tzinfo=v.tzinfo or self.naive) if isinstance(v, datetime) else v for v in parsed]

    def _made(self, key: tuple[Any, ...], day: date, rows: list[Sequence[Any]], *, span: Span) -> Iterator[DayRows]:
        if (span[0] is not None and day < span[0]) or (span[1] is not None and day >= span[1]):
            return
        columns = [self._column(i, encode, rows=rows) for i, encode in self._rest]
        yield DayRows(key, day, list(zip(*columns, strict=True)), rows)

    def _column(self, index: int, encode: Callable[[Any], Json], *, rows: list[Sequence[Any]]) -> list[Json]:
        values = [r[index] for r in rows]
        if index == self._at:
            instants = self._instants(values)
            if isinstance(instants[0], datetime):
                return [v.astimezone(UTC).isoformat() for v in instants]
            return [v.isoformat() for v in instants]
        first = values[0]
        if encode is as_json and type(first) in (int, str) and all(type(v) is type(first) for v in values):
            return values
        return [encode(v) for v in values]

    def digest(self, day: DayRows) -> str:
        """Over every column of every row of the day."""
        return digest_of({"key": [as_json(v) for v in day.key], "columns": self.rest, "rows": day.rows})

    def locator(self, day: DayRows) -> dict[str, Json]:
        """What finds this day again."""
        start, end = midnight(day.day, self.zone), midnight(day_after(day.day), self.zone)
        return {
            "key": {c: as_json(v) for c, v in zip(self.spec.key, day.key, strict=True)},
            "at": self.spec.at,
            "from": start.isoformat(),
            "to": end.isoformat(),
        }

    def items(
        self,
        connection: sa.Connection,
        columns: tuple[str, ...],
        values: Values,
        *,
        maker: ItemMaker,
        path: str,
        ownership: Ownership,
        source: str,
        category: str,
    ) -> Iterator[Item]:
        """One item a day for these values, each within its windows."""
        fields = self.bound.node.fields
        shown = [c for c in self.rest if c in fields]
        places = [self.rest.index(c) for c in shown]
        whole = len(places) == len(self.rest)
        keys = [c for c in self.spec.key if c in fields]
        for value, windows in values.items():
            where = matches(self.bound.table, columns, values=[value])
            for span in _spans(windows):
                for day in self.days(connection, where, span=span):
                    first = dict(zip(self.names, day.raw[0], strict=True))
                    yield Item(
                        source=source,
                        collection=self.bound.name,
                        locator=self.locator(day),
                        category=category,
                        ownership=ownership,
                        digest=self.digest(day),
                        fields={c: as_json(first[c]) for c in keys},
                        facts=maker.facts(first),
                        on=day.day,
                        path=path,
                        columns=shown,
                        series=day.rows if whole else [tuple(row[i] for i in places) for row in day.rows],
                        third_party=self.bound.node.spec.third_party,
                    )


def _spans(windows: Windows) -> list[Span]:
    return [(None, None)] if windows is None else merged(windows)


def series_day(locator: Mapping[str, Json], zone: tzinfo) -> date:
    """The day that a series locator names."""
    return datetime.fromisoformat(str(locator["from"])).astimezone(zone).date()
