"""Dates a given time before the day the register was made."""

import calendar
from dataclasses import dataclass
from datetime import date, timedelta


@dataclass(frozen=True, slots=True)
class Ago:
    """So long before `as_of`; a negative number lies ahead. Missing days of a month fall on its last day."""

    years: int = 0
    months: int = 0
    days: int = 0

    def on(self, as_of: date) -> date:
        """The date."""
        return months_before(as_of, self.years * 12 + self.months) - timedelta(days=self.days)


def months_before(day: date, months: int) -> date:
    """The same day of the month so many months earlier, or the month's last day."""
    index = day.year * 12 + day.month - 1 - months
    year, month = divmod(index, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def last_leap_day(before: date) -> date:
    """The latest 29 February that is earlier than this day."""
    year = before.year
    while not (calendar.isleap(year) and date(year, 2, 29) < before):
        year -= 1
    return date(year, 2, 29)


def year_end(day: date) -> date:
    """The end of the fiscal year of the invented company: the calendar year."""
    return date(day.year, 12, 31)
