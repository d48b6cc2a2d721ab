"""What a series shows at a glance: sums per month, habits per hour, one sentence about the peak."""

from typing import Any

from markupsafe import Markup

from workflows.documents import charts
from workflows.documents.catalogue import Catalogue
from workflows.documents.formats import number
from workflows.documents.gather import Gathered
from workflows.documents.words import fill, words


def figures(catalogue: Catalogue, gathered: Gathered, language: str) -> list[dict[str, Any]]:
    """One entry for each measured column: its two pictures and the figures behind them."""
    if gathered.series is None:
        return []
    made = []
    for name, months in gathered.series.monthly.items():
        what = catalogue.column_label(gathered.source, gathered.collection, name=name, language=language)
        hours = {slot: total / count for slot, (total, count) in gathered.series.hourly[name].items() if count}
        made.append(_monthly(what, months, language) | _habits(what, hours, language))
    return made


def _monthly(what: str, months: dict[tuple[int, int], float], language: str) -> dict[str, Any]:
    w = words(language).book
    years = sorted({year for year, _ in months})
    groups = {str(y): [months.get((y, m)) for m in range(1, 13)] for y in years}
    title = fill(w.monthly, what=what)
    totals = {y: sum(v for v in groups[str(y)] if v is not None) for y in years}
    alt = f"{title}. " + ", ".join(f"{y}: {number(totals[y], language, decimals=0)}" for y in years)
    return {
        "title": title,
        "chart": Markup(charts.picture(charts.bars(list(w.months), groups, language=language), alt)),  # noqa: S704
        "months": list(w.months),
        "years": [
            (
                str(y),
                [w.empty if v is None else number(v, language, decimals=0) for v in groups[str(y)]],
                number(totals[y], language, decimals=0),
            )
            for y in years
        ],
    }


def _habits(what: str, hours: dict[tuple[int, int], float], language: str) -> dict[str, Any]:
    w = words(language).book
    title = fill(w.heat, what=what)
    most = max(hours.values(), default=0.0)
    peak = ""
    if most > 0:
        day, hour = max(hours, key=lambda slot: hours[slot])
        peak = fill(w.peak, day=w.weekdays_on[day], hour=f"{hour}–{hour + 1}")
    clock = [str(hour) for hour in range(24)]
    return {
        "heat_title": title,
        "peak": peak,
        "heat": Markup(charts.picture(charts.heat(list(w.weekdays), clock, hours), f"{title}. {peak}")),  # noqa: S704
        "weekdays": list(w.weekdays),
        "hours": [
            (clock[h], [number(hours.get((d, h), 0.0), language, decimals=2) for d in range(7)]) for h in range(24)
        ],
    }
