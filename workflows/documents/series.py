"""Rows of a time series: their instants in UTC and at the controller's seat, and the sums that charts show."""

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from workflows.register.model import CollectionSpec
from workflows.rules.items import Item, Json

_ADDITIVE = frozenset({"kWh", "Wh", "MWh", "kvarh", "m3", "m³", "l", "€", "EUR"})


class SeriesReader:
    """Expands the days of one series collection to rows and adds up what it sees.

    `monthly` maps a measured column to (year, month) to its sum; `hourly` maps it to (weekday, hour) to
    [sum, hours of the clock], where the quarters of one hour count together.
    """

    def __init__(self, spec: CollectionSpec, zone: ZoneInfo) -> None:
        self._spec = spec
        self._zone = zone
        self._last: dict[str, datetime] = {}
        self._measured: list[str] | None = None
        self.monthly: dict[str, dict[tuple[int, int], float]] = defaultdict(lambda: defaultdict(float))
        self.hourly: dict[str, dict[tuple[int, int], list[float]]] = defaultdict(lambda: defaultdict(lambda: [0.0, 0]))

    def columns(self, item: Item) -> list[str]:
        """The names of the columns that `rows` gives."""
        at = self._at(item)
        return [*self._lead(item), "start_utc", "start_local", *(c for c in item.columns if c != at)]

    def rows(self, item: Item) -> Iterator[list[Json]]:
        """The day's rows; an instant that can't be read stays as it is in `start_local`."""
        at = self._at(item)
        lead = list(self._lead(item).values())
        place = list(item.columns).index(at) if at in item.columns else None
        others = [n for n in range(len(item.columns)) if n != place]
        measured = self._measured_places(item, others)
        key = repr(item.locator.get("key"))
        seen: set[tuple[str, int, int, int]] = set()
        for row in item.series:
            start = self._instant(row[place], key) if place is not None else None
            rest = [row[n] for n in others]
            if start is None:
                yield [*lead, None, row[place] if place is not None else None, *rest]
                continue
            local = start.astimezone(self._zone)
            for name, n in measured:
                figure = _figure(row[n])
                if figure is not None:
                    self.monthly[name][local.year, local.month] += figure
                    cell = self.hourly[name][local.weekday(), local.hour]
                    cell[0] += figure
                    hour = (name, local.day, local.hour, local.fold)
                    if hour not in seen:
                        seen.add(hour)
                        cell[1] += 1
            yield [*lead, start.isoformat()[:-6] + "Z", local.isoformat(), *rest]

    def _at(self, item: Item) -> str:
        return self._spec.series.at if self._spec.series else str(item.locator.get("at", ""))

    @staticmethod
    def _lead(item: Item) -> dict[str, Json]:
        """What names the series in each row: its key and the day's own fields."""
        key = item.locator.get("key")
        lead = dict(key) if isinstance(key, dict) else {}
        lead |= dict(item.fields)
        return {name: value for name, value in lead.items() if name not in item.columns}

    def _measured_places(self, item: Item, others: Sequence[int]) -> list[tuple[str, int]]:
        """The columns worth a chart: those with a unit that can be added up, else what is called …wh."""
        if self._measured is None and item.series:
            names = [item.columns[n] for n in others]
            self._measured = [n for n in names if _unit(self._spec, n) in _ADDITIVE] or [
                n for n in names if n.lower().endswith("wh") and _unit(self._spec, n) is None
            ]
        return [(item.columns[n], n) for n in others if item.columns[n] in (self._measured or ())]

    def _instant(self, value: Json, key: str) -> datetime | None:
        """The row's instant. A naive local time that does not go forward is the second of the doubled hour."""
        if not isinstance(value, str):
            return None
        try:
            at = datetime.fromisoformat(value)
        except ValueError:
            return None
        if at.tzinfo is None:
            local = self._spec.series is not None and self._spec.series.zone == "local"
            at = at.replace(tzinfo=self._zone if local else UTC)
            last = self._last.get(key)
            if local and last is not None and at.astimezone(UTC) <= last < at.replace(fold=1).astimezone(UTC):
                at = at.replace(fold=1)
        start = at.astimezone(UTC)
        self._last[key] = start
        return start


def _unit(spec: CollectionSpec, column: str) -> str | None:
    found = spec.columns.get(column)
    return found.unit if found else None


def _figure(value: Json) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        figure = float(value)
    except ValueError:
        return None
    return figure if math.isfinite(figure) else None
