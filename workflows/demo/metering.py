"""Quarter-hour values by a load model: kilowatt-hours with three decimals at naive UTC instants.

Only additions and multiplications are used, so the same seed gives the same bytes on any machine. A local
day has 96 quarters, 92 when the clock goes forward and 100 when it goes back.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from random import Random
from zoneinfo import ZoneInfo

from workflows.demo.population import YEARLY_KWH
from workflows.demo.world import Point

ZONE = ZoneInfo("Europe/Helsinki")
_QUARTER = timedelta(minutes=15)
# Heating by month, January first; sites without electric heat follow the milder row.
_HEAT = (1.9, 1.8, 1.5, 1.1, 0.7, 0.45, 0.35, 0.4, 0.6, 0.95, 1.35, 1.7)
_MILD = (1.25, 1.2, 1.1, 1.0, 0.9, 0.8, 0.7, 0.8, 0.9, 1.05, 1.15, 1.3)
_HOURS = (5, 4, 4, 4, 4, 5, 8, 9, 7, 6, 6, 6, 6, 6, 6, 6, 7, 10, 11, 11, 10, 8, 7, 6)
_NIGHT = (12, 12, 12, 12, 12, 11, 7, 5, 3, 3, 3, 3, 3, 3, 3, 3, 4, 6, 7, 7, 6, 5, 11, 12)
_SUN = (0, 0, 0, 0, 0, 1, 2, 4, 6, 8, 9, 10, 10, 10, 9, 8, 6, 4, 2, 1, 0, 0, 0, 0)
_NOISE_LENGTH = 4096


@dataclass(frozen=True, slots=True)
class _Day:
    """One local day: its instants as SQLAlchemy writes them into SQLite, and the hour each belongs to."""

    instants: tuple[str, ...]
    hours: tuple[int, ...]


@cache
def local_day(day: date) -> _Day:
    """The quarters of a day at the controller's seat."""
    start = datetime(day.year, day.month, day.day, tzinfo=ZONE).astimezone(UTC)
    after = day + timedelta(days=1)
    end = datetime(after.year, after.month, after.day, tzinfo=ZONE).astimezone(UTC)
    instants = [start + i * _QUARTER for i in range((end - start) // _QUARTER)]
    return _Day(
        tuple(f"{at:%Y-%m-%d %H:%M:%S}.000000" for at in instants),
        tuple(at.astimezone(ZONE).hour for at in instants),
    )


class LoadModel:
    """Values for points; `seed` fixes weather and chance."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        rng = Random(f"noise:{seed}")  # noqa: S311
        self._noise = [0.7 + rng.random() * 0.35 + rng.random() * 0.25 for _ in range(_NOISE_LENGTH * 2)]

    def rows(self, point: Point) -> Iterator[tuple[str, str, float | None, str]]:
        """(gsrn, instant, kWh, status) in rising order; status M measured, E estimated, P missing."""
        for span in point.spans:
            day = span.start
            while day < span.end:
                yield from self._day(point, day)
                day += timedelta(days=1)

    def _day(self, point: Point, day: date) -> list[tuple[str, str, float | None, str]]:
        rng = Random(f"{self._seed}:{point.gsrn}:{day.toordinal()}")  # noqa: S311
        plan = local_day(day)
        heats = point.site in {"electric_house", "cottage"}
        scale = YEARLY_KWH[point.site] / 365 * (_HEAT if heats else _MILD)[day.month - 1]
        scale *= (0.85 + _cold(self._seed, day) * 0.3) * (1.12 if day.weekday() >= 5 else 1.0)
        shape = _NIGHT if heats else _HOURS
        per_hour = [scale * part / sum(shape) / 4 for part in shape]
        if point.solar and 3 <= day.month <= 9:
            sun = rng.random() * 0.16
            per_hour = [load - sun * part for load, part in zip(per_hour, _SUN, strict=True)]
        noise, at, gsrn = self._noise, rng.randrange(_NOISE_LENGTH), point.gsrn
        rows: list[tuple[str, str, float | None, str]] = [
            (gsrn, instant, round(per_hour[hour] * noise[at + i], 3), "M")
            for i, (instant, hour) in enumerate(zip(plan.instants, plan.hours, strict=True))
        ]
        return _with_gaps(rows, rng)


def _with_gaps(rows: list[tuple[str, str, float | None, str]], rng: Random) -> list[tuple[str, str, float | None, str]]:
    """One day in sixty has an hour of estimated values, one in three hundred a missing one."""
    chance = rng.randrange(300)
    if chance < 5:
        first = rng.randrange(len(rows) - 4)
        for i in range(first, first + 4):
            rows[i] = (*rows[i][:3], "E")
    elif chance == 5:
        first = rng.randrange(len(rows))
        rows[first] = (*rows[first][:2], None, "P")
    return rows


@cache
def _cold(seed: int, day: date) -> float:
    """How cold a day is for its month, 0 to 1, alike for the whole region and near to the days around it."""
    chances = [Random(f"{seed}:weather:{day.toordinal() + i}").random() for i in (-2, -1, 0, 1, 2)]  # noqa: S311
    return sum(chances) / len(chances)
