"""Time series: many rows that count as one item a day, streamed in order of series and time.

A day is one at the controller's seat: 23 or 25 hours long where summer time begins or ends. Work is done
by columns, not row by row, for a person may have half a million of them: instants are read as text and
respelled many at once, and the end of a day is searched for by halving.
"""

import hashlib
import math
from array import array
from bisect import bisect_left
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Any

import sqlalchemy as sa

from models.vocabulary import Ownership
from workflows.connectors.sql_items import ItemMaker, encoders
from workflows.connectors.sql_lookup import as_driven, matches
from workflows.connectors.sql_schema import Bound, names_of
from workflows.connectors.sql_search import Values
from workflows.connectors.sql_values import TEMPORAL, as_instant, as_json, day_after, local_day, midnight
from workflows.connectors.windows import Span, Windows, merged
from workflows.errors import NeverAgain
from workflows.register.model import SeriesSpec
from workflows.rules.items import Fact, Item, Json, digest_of

ROWS = 5_000
Rows = Sequence[Sequence[Any]]


@dataclass(frozen=True, slots=True)
class DayRows:
    """The rows of one series on one day: by column as JSON, every column but the key's in the table's order."""

    key: tuple[Any, ...]
    day: date
    columns: list[Sequence[Json]]
    raw: Rows  # as the driver gave them


class Series:
    """One series collection of one source."""

    def __init__(self, bound: Bound, *, zone: tzinfo) -> None:
        spec = bound.node.spec.series
        if spec is None:
            raise ValueError("not a series")
        self.spec: SeriesSpec = spec
        self.bound, self.zone = bound, zone
        self.names = list(names_of(bound.table.columns))
        self._at = self.names.index(spec.at)
        self._keys = [self.names.index(c) for c in spec.key]
        encode = encoders(bound.table)
        self.rest = [c for c in self.names if c not in spec.key]
        self._rest = [(self.names.index(c), encode[c]) for c in self.rest]
        self._shown = [c for c in self.rest if c in bound.node.fields]
        self._places = [self.rest.index(c) for c in self._shown]
        self.naive: tzinfo = UTC if spec.zone == "utc" else zone

    def days(
        self, connection: sa.Connection, where: sa.ColumnElement[bool], *, span: Span, lock: bool = False
    ) -> Iterator[DayRows]:
        """The days of the series that `where` names within [start, end), each whole, in order.

        With `lock` the rows stay as they are until the transaction ends, and come as the driver gives them.
        """
        table = self.bound.table
        at = table.c[self.spec.at]
        columns: list[sa.ColumnElement[Any]] = list(table.columns)
        if not lock and connection.dialect.name == "postgresql" and isinstance(at.type, sa.DateTime):
            columns[self._at] = sa.cast(at, sa.Text)
        statement = sa.select(*columns).where(where, *self._about(at, span))
        statement = statement.order_by(*(table.c[c] for c in self.spec.key), at)
        if lock:
            statement = statement.with_for_update()
        pending: list[Sequence[Any]] = []
        result = connection.execute(statement, execution_options={"stream_results": not lock})
        for part in as_driven(connection, result, size=ROWS):
            pending += part
            pending = yield from self.cut(pending, span=span, last=False)
        yield from self.cut(pending, span=span, last=True)

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

    def cut(
        self, rows: list[Sequence[Any]], *, span: Span, last: bool
    ) -> Generator[DayRows, None, list[Sequence[Any]]]:
        """The days in these rows, which are in order of series and time and hold at least `names`.

        Returns the rows of the day that may go on, none if these were the last.
        """
        start = 0
        while start < len(rows):
            key = self._key(rows[start])
            end = len(rows) if self._key(rows[-1]) == key else self._end_of(rows, key, start)
            run = rows[start:end]
            whole = last or end < len(rows)
            columns = [[row[i] for row in run] for i in range(len(self.names))]
            ats = self._spelled(columns[self._at])
            encoded = [ats if i == self._at else self._encoded(columns[i], encode) for i, encode in self._rest]
            first = 0
            while first < len(run):
                day, stop = self._day(ats, first)
                if stop == len(run) and not whole:
                    return run[first:]
                if (span[0] is None or span[0] <= day) and (span[1] is None or day < span[1]):
                    yield DayRows(key, day, [c[first:stop] for c in encoded], run[first:stop])
                first = stop
            start = end
        return []

    def _key(self, row: Sequence[Any]) -> tuple[Any, ...]:
        return tuple(row[i] for i in self._keys)

    def _end_of(self, rows: Rows, key: tuple[Any, ...], start: int) -> int:
        """Where the next series begins, in rows that are in order of series."""
        low, high = start, len(rows) - 1
        while low < high:
            middle = (low + high) // 2
            if self._key(rows[middle]) == key:
                low = middle + 1
            else:
                high = middle
        return low

    def _day(self, ats: Sequence[str], first: int) -> tuple[date, int]:
        """The day of the row at `first`, and where the next day begins."""
        instant = as_instant(ats[first])
        day = local_day(instant, self.zone)
        if day is None:
            raise NeverAgain("bad_instant", detail=f"{self.bound.name}.{self.spec.at} holds what is no instant")
        after = day_after(day)
        border = midnight(after, self.zone).isoformat() if isinstance(instant, datetime) else after.isoformat()
        return day, bisect_left(ats, border, lo=first)

    def _spelled(self, values: Sequence[Any]) -> list[str]:
        """Instants as ISO texts in UTC, dates as ISO dates."""
        if isinstance(values[0], str):
            joined = "\n".join(values)
            plain = "." not in joined and joined[10:11] in {" ", "T"}
            if (
                plain
                and self.naive is UTC
                and len(joined) == 20 * len(values) - 1
                and joined.count("\n") == len(values) - 1
            ):
                return (joined.replace(" ", "T").replace("\n", "+00:00\n") + "+00:00").split("\n")
            if plain and len(joined) == 23 * len(values) - 1 and joined.count("+00") == len(values):
                return joined.replace(" ", "T").replace("+00", "+00:00").split("\n")
        return [self._spelled_one(value) for value in values]

    def _spelled_one(self, value: Any) -> str:
        instant = as_instant(value)
        if instant is None:
            raise NeverAgain("bad_instant", detail=f"{self.bound.name}.{self.spec.at} holds what is no instant")
        if isinstance(instant, datetime):
            return instant.replace(tzinfo=instant.tzinfo or self.naive).astimezone(UTC).isoformat()
        return instant.isoformat()

    def _encoded(self, values: Sequence[Any], encode: Callable[[Any], Json]) -> Sequence[Json]:
        """A column as JSON; one that is JSON already is taken as it is."""
        kinds = set(map(type, values))
        if encode is as_json and (kinds <= {int, str, type(None), bool} or _finite(kinds, values)):
            return values
        return [encode(v) for v in values]

    def content(self, day: DayRows) -> dict[str, Any]:
        """Every column of every row of the day. Floats count by their bits, which is exact and quick."""
        columns = [
            hashlib.sha256(array("d", c).tobytes()).hexdigest() if _finite(set(map(type, c)), c) else list(c)
            for c in day.columns
        ]
        return {"key": [as_json(v) for v in day.key], "names": self.rest, "columns": columns}

    def digest(self, day: DayRows) -> str:
        """Over the content."""
        return digest_of(self.content(day))

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
        for value, windows in values.items():
            where = matches(self.bound.table, columns, values=[value])
            for span in spans(windows):
                for day in self.days(connection, where, span=span):
                    facts = maker.facts(dict(zip(self.names, day.raw[0], strict=True)))
                    yield self.item(day, facts=facts, path=path, ownership=ownership, source=source, category=category)

    def item(
        self,
        day: DayRows,
        *,
        facts: Mapping[str, Fact],
        path: str,
        ownership: Ownership,
        source: str,
        category: str,
    ) -> Item:
        """The item of one day."""
        keys = zip(self.spec.key, day.key, strict=True)
        return Item(
            source=source,
            collection=self.bound.name,
            locator=self.locator(day),
            category=category,
            ownership=ownership,
            digest=self.digest(day),
            fields={c: as_json(v) for c, v in keys if c in self.bound.node.fields},
            facts=facts,
            on=day.day,
            path=path,
            columns=self._shown,
            series=list(zip(*(day.columns[i] for i in self._places), strict=True)),
            third_party=self.bound.node.spec.third_party,
        )


def _finite(kinds: set[type], values: Sequence[Any]) -> bool:
    """Whether a column holds floats only, and none that JSON has no word for."""
    return kinds == {float} and math.isfinite(sum(values))


def spans(windows: Windows) -> list[Span]:
    """The spans to look at, in order."""
    return [(None, None)] if windows is None else merged(windows)


def series_day(locator: Mapping[str, Json], zone: tzinfo) -> date:
    """The day that a series locator names."""
    return datetime.fromisoformat(str(locator["from"])).astimezone(zone).date()
