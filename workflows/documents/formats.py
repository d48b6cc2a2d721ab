"""Dates and numbers as people write them in Finnish, Swedish (of Finland) and English."""

from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from functools import lru_cache

NO_BREAK = "\N{NO-BREAK SPACE}"

MONTHS = {
    "fi": (
        "tammikuuta",
        "helmikuuta",
        "maaliskuuta",
        "huhtikuuta",
        "toukokuuta",
        "kesäkuuta",
        "heinäkuuta",
        "elokuuta",
        "syyskuuta",
        "lokakuuta",
        "marraskuuta",
        "joulukuuta",
    ),
    "sv": (
        "januari",
        "februari",
        "mars",
        "april",
        "maj",
        "juni",
        "juli",
        "augusti",
        "september",
        "oktober",
        "november",
        "december",
    ),
    "en": (
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ),
}


@lru_cache(maxsize=4096)
def long_date(day: date, language: str) -> str:
    """A date for running text: "24.11.2026", "24 november 2026", "24 November 2026"."""
    if language == "fi":
        return f"{day.day}.{day.month}.{day.year}"
    return f"{day.day}{NO_BREAK}{MONTHS[language][day.month - 1]} {day.year}"


@lru_cache(maxsize=4096)
def short_date(day: date, language: str) -> str:
    """A date for a table cell: "24.11.2026" in Finnish and Swedish, "24 Nov 2026" in English."""
    if language == "en":
        return f"{day.day}{NO_BREAK}{MONTHS['en'][day.month - 1][:3]}{NO_BREAK}{day.year}"
    return f"{day.day}.{day.month}.{day.year}"


def short_instant(at: datetime, language: str) -> str:
    """A date with its time of day, to the minute; the caller has chosen the zone."""
    mark = "." if language == "fi" else ":"
    clock = "kl. " if language == "sv" else "klo " if language == "fi" else ""
    return f"{short_date(at.date(), language)} {clock}{at.hour:02d}{mark}{at.minute:02d}".replace(" ", NO_BREAK)


def number(value: float | int | Decimal, language: str, *, decimals: int | None = None) -> str:
    """A number with the language's separators; all digits as given unless `decimals` rounds it."""
    exact = value if isinstance(value, Decimal) else Decimal(str(value))
    text = f"{exact:,.{decimals}f}" if decimals is not None else f"{exact:,f}"
    if language == "en":
        return text
    return text.replace(",", NO_BREAK).replace(".", ",").replace("-", "\N{MINUS SIGN}")


def as_decimal(value: object) -> Decimal | None:
    """The value as a finite number, or None: texts that only look like numbers are not converted."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return None
    try:
        exact = Decimal(str(value))
    except InvalidOperation:
        return None
    return exact if exact.is_finite() else None
