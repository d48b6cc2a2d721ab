"""When an answer is due: months, weekends and holidays, counted as European law counts them.

Two readings stand side by side. A moves a last day only off Saturdays, Sundays and holidays that an act
makes holidays: it is the target, and no reading ends earlier. B takes the whole list of the `holidays`
package, which for Finland is the list in the Official Journal: the outer limit.

Source: GDPR Art. 12(3); Regulation (EEC, Euratom) 1182/71 Art. 2 and 3; EDPB Guidelines 01/2022 para. 157-161.
"""

import calendar
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import holidays

from workflows.errors import BadInput, Fault

_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@dataclass(frozen=True, slots=True)
class NoHoliday:
    """A day the `holidays` package lists though no act makes it a holiday."""

    country: str
    name: str
    source: str
    checked_on: date


NO_HOLIDAYS = (
    NoHoliday("FI", "Midsummer Eve", "Church Act 652/2023 lists Midsummer Day only", date(2026, 11, 24)),
    NoHoliday("FI", "Christmas Eve", "Church Act 652/2023 lists Christmas Day only", date(2026, 11, 24)),
)


@dataclass(frozen=True, slots=True)
class DueDates:
    """The last days of a period: before any move, by reading A, by reading B; `why` says how, in English."""

    raw: date
    due_a: date
    due_b: date
    why: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Extended:
    """The last days after an extension. `due_a` is the earlier of two readings of "two further months"."""

    due_a: date
    due_b: date
    from_receipt: DueDates  # three months from receipt
    from_first_end: DueDates  # two months from the last day of the first, unmoved


@dataclass(frozen=True, slots=True)
class Pause:
    """We asked the person something we need. `answered_on` is the day of an answer that sufficed, None until then."""

    asked_on: date
    answered_on: date | None = None


@lru_cache(maxsize=1024)
def holidays_of(country: str, year: int) -> dict[date, str]:
    """The `holidays` package's public holidays of this year, names in English where it has them."""
    try:
        found = holidays.country_holidays(country, years=year, language="en_US", observed=True)
    except NotImplementedError:
        raise BadInput(
            [Fault("deadlines.country", f"no holidays are known for {country!r}", "Use an ISO 3166 code such as FI.")]
        ) from None
    return {day: name for day, name in found.items() if day.year == year}


def _holiday(day: date, *, country: str, leave_out: frozenset[str]) -> str | None:
    """The name of a holiday; of several on one day, one that is left out doesn't hide the others."""
    names = holidays_of(country, day.year).get(day, "")
    kept = [name for name in names.split("; ") if name and name not in leave_out]
    return ", ".join(kept) or None


def _left_out(country: str, not_holidays: Iterable[str]) -> frozenset[str]:
    return frozenset(not_holidays) | {n.name for n in NO_HOLIDAYS if n.country == country}


def is_working_day(day: date, *, country: str = "FI", leave_out: frozenset[str] = frozenset()) -> bool:
    """Neither Saturday nor Sunday nor a holiday. Source: Regulation 1182/71 Art. 2(2)."""
    return day.weekday() < 5 and _holiday(day, country=country, leave_out=leave_out) is None


def add_months(day: date, months: int) -> date:
    """The same day number that many months on, or the month's last day. Source: Regulation 1182/71 Art. 3(2)(c)."""
    count = day.year * 12 + day.month - 1 + months
    year, month = divmod(count, 12)
    if not 1 <= year <= 9998:
        raise BadInput([Fault("date", "the period ends outside the calendar", "Check the year of the date.")])
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def roll(day: date, *, country: str, leave_out: frozenset[str]) -> tuple[date, tuple[str, ...]]:
    """The day itself or the next working day, and each reason to go on. Source: Regulation 1182/71 Art. 3(4)."""
    why = []
    while not is_working_day(day, country=country, leave_out=leave_out):
        name = _holiday(day, country=country, leave_out=leave_out)
        why.append(f"{day} is a {_DAYS[day.weekday()]}{f' and {name}' if name else ''}: on to the next day")
        day += timedelta(days=1)
    return day, tuple(why)


def _moved(raw: date, *, country: str, not_holidays: Iterable[str], why: tuple[str, ...]) -> DueDates:
    due_a, why_a = roll(raw, country=country, leave_out=_left_out(country, not_holidays))
    due_b, why_b = roll(raw, country=country, leave_out=frozenset())
    only_b = (f"{line} (reading B only)" for line in why_b if line not in why_a and due_a != due_b)
    return DueDates(raw, due_a, due_b, (*why, *why_a, *only_b))


def due_dates(received_on: date, *, months: int = 1, country: str = "FI", not_holidays: Iterable[str] = ()) -> DueDates:
    """The last days to answer a request received on this day, `months` (1 to 12) from receipt.

    `not_holidays`: further names (English) that are no statutory holidays, besides those of `NO_HOLIDAYS`.
    Source: GDPR Art. 12(3); Regulation 1182/71 Art. 3.
    """
    if not 1 <= months <= 12:
        raise BadInput([Fault("months", f"{months} is no such period", "Give a whole number from 1 to 12.")])
    raw = add_months(received_on, months)
    why = (f"received on {received_on}, which does not count", f"{months} month{'s' * (months > 1)} on: {raw}")
    return _moved(raw, country=country, not_holidays=not_holidays, why=why)


def extended_until(
    received_on: date, *, first_raw: date | None = None, country: str = "FI", not_holidays: Iterable[str] = ()
) -> Extended:
    """The last days after an extension by two further months; both readings are kept, the earlier is the target.

    `first_raw`: the unmoved last day of the first month, if a pause changed it. Source: GDPR Art. 12(3).
    """
    first = first_raw or add_months(received_on, 1)
    gained = first - add_months(received_on, 1)
    whole = add_months(received_on, 3) + gained
    later = add_months(first, 2)
    from_receipt = _moved(
        whole, country=country, not_holidays=not_holidays, why=(f"three months from receipt on {received_on}: {whole}",)
    )
    from_first_end = _moved(
        later, country=country, not_holidays=not_holidays, why=(f"two months from the first end {first}: {later}",)
    )
    return Extended(
        min(from_receipt.due_a, from_first_end.due_a),
        max(from_receipt.due_b, from_first_end.due_b),
        from_receipt,
        from_first_end,
    )


def may_extend(today: date, due: date) -> bool:
    """Whether the person can still be told of an extension in time. Source: GDPR Art. 12(3)."""
    return today <= due


def received_on(instant: datetime, zone: str) -> date:
    """The calendar day at the controller's seat on which something arrived; a weekend or holiday counts too.

    Source: Regulation 1182/71 Art. 3(1); EDPB Guidelines 01/2022 para. 159.
    """
    if instant.tzinfo is None:
        raise BadInput([Fault("received_at", "the instant has no time zone", "Give it in UTC, such as …T10:00:00Z.")])
    return instant.astimezone(_zone(zone)).date()


def expiry_instant(due: date, zone: str) -> datetime:
    """The UTC instant at which the last hour of this day at the seat has passed.

    Source: Regulation 1182/71 Art. 3(2).
    """
    midnight = datetime(due.year, due.month, due.day, tzinfo=_zone(zone)) + timedelta(days=1)  # on the wall clock
    return midnight.astimezone(UTC)


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise BadInput(
            [Fault("time_zone", f"{name!r} is no time zone", "Use a name such as Europe/Helsinki.")]
        ) from None


def suspended(
    received_on: date,
    pauses: Sequence[Pause],
    *,
    mode: Literal["none", "pause", "restart"],
    today: date,
    months: int = 1,
    country: str = "FI",
    not_holidays: Iterable[str] = (),
    prompt_days: int = 3,
) -> DueDates:
    """The due dates when questions to the person stop the clock; the running ones stay what `due_dates` says.

    `pause` adds the whole days between question and sufficient answer to the unmoved last day; `restart`
    counts anew from the last sufficient answer. A question counts only if it was asked within `prompt_days`
    working days of receipt, or of an answer that led to it. An open question counts up to `today`.
    Source: GDPR Art. 12(6), recital 63; EDPB Guidelines 01/2022 para. 159.
    """
    plain = due_dates(received_on, months=months, country=country, not_holidays=not_holidays)
    counted = _prompt(received_on, pauses, today=today, country=country, prompt_days=prompt_days)
    if mode == "none" or not counted:
        return plain
    if mode == "restart":
        return due_dates(max(end for _, end in counted), months=months, country=country, not_holidays=not_holidays)
    days = len({start + timedelta(days=n) for start, end in counted for n in range((end - start).days)})
    raw = plain.raw + timedelta(days=days)
    why = (*plain.why[:2], f"the clock stood for {days} days: {raw}")
    return _moved(raw, country=country, not_holidays=not_holidays, why=why)


def suspended_extension(
    received_on: date, first: DueDates, *, country: str = "FI", not_holidays: Iterable[str] = ()
) -> DueDates:
    """The last days of an extended request whose first month ends as in `first`: both readings, the earlier aimed at.

    Source: GDPR Art. 12(3).
    """
    until = extended_until(received_on, first_raw=first.raw, country=country, not_holidays=not_holidays)
    return DueDates(min(until.from_receipt.raw, until.from_first_end.raw), until.due_a, until.due_b, first.why)


def target_day(
    received_on: date, due: date, *, target_days: int, working_days: int | None = None, country: str = "FI"
) -> date:
    """The day a controller means to answer by, never after the day it is due.

    So many days after receipt; `working_days`: so many working days instead, where a right has a target of its own.
    """
    day = received_on + timedelta(days=target_days)
    if working_days is not None:
        day, left = received_on, working_days
        while left > 0:
            day += timedelta(days=1)
            left -= is_working_day(day, country=country)
    return min(day, due)


def _prompt(
    received_on: date, pauses: Sequence[Pause], *, today: date, country: str, prompt_days: int
) -> list[tuple[date, date]]:
    """Start and end of the questions that were asked without undue delay, oldest first."""
    counted: list[tuple[date, date]] = []
    for pause in sorted(pauses, key=lambda p: (p.asked_on, p.answered_on or today)):
        end = max(pause.answered_on or today, pause.asked_on)
        begins = [received_on, *(end for _, end in counted)]
        known = [begin for begin in begins if begin <= pause.asked_on]
        if any(_working_days(begin, pause.asked_on, country=country) <= prompt_days for begin in known):
            counted.append((pause.asked_on, end))
    return counted


def _working_days(after: date, until: date, *, country: str) -> int:
    """Working days in (after, until]."""
    span = range(1, (until - after).days + 1)
    return sum(is_working_day(after + timedelta(days=n), country=country) for n in span)
