"""A record whose holds end one after the other: what becomes free when, and whether a day was moved.

A day that is None is not known: some hold has no end yet.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import date, timedelta

from models.vocabulary import Action
from workflows.rules.cel import iso_date
from workflows.rules.items import HoldMatch


def free_days(holds: Sequence[HoldMatch]) -> tuple[date | None, ...]:
    """The days on which more of the record is free than before, the last one frees all of it; None comes last.

    A field is free on the day after the last hold that needs it, and a hold that names no field needs them all.
    """
    whole = [hold.until for hold in holds if not hold.keeps]
    days = {_after(whole)} if whole else set()
    for name in {name for hold in holds for name in hold.keeps}:
        days.add(_after([*whole, *(hold.until for hold in holds if name in hold.keeps)]))
    return (*sorted(day for day in days if day is not None), *([None] if None in days else []))


def _after(ends: Sequence[date | None]) -> date | None:
    known = [end for end in ends if end is not None]
    return max(known) + timedelta(days=1) if len(known) == len(ends) else None


def free_alone(
    free: Iterable[str], *, later: Action | None, scope: Collection[str], gone: Collection[str]
) -> tuple[str, ...]:
    """Those of the free fields that may go before the rest of their record does.

    Never more than was approved for later (deleting the record, or masking `scope`), and nothing that is `gone`.
    """
    if later not in (Action.DELETE, Action.MASK):
        return ()
    return tuple(name for name in free if name not in gone and (later is Action.DELETE or name in scope))


def is_later(day: date | None, than: date | None) -> bool:
    """Whether a day is later than another; a day that is not known is later than any that is."""
    return than is not None and (day is None or day > than)


def must_tell(day: date | None, told: date | None, *, unknown: bool, today: date) -> bool:
    """Whether the person must hear that `told` is not the day any more.

    Where only a fact is missing, nothing has moved yet: it is told if the day comes and the fact is still missing.
    """
    return is_later(day, told) and not (day is None and unknown and told is not None and told > today)


def last_day(value: bool | str | None) -> date | None:
    """The last day of a hold; `date.max` for "no end can be told yet"; None if it is no date."""
    if not isinstance(value, str):
        return None
    try:
        return iso_date(value) or date.max
    except ValueError:
        return None


def first_free_day(holds: Sequence[HoldMatch]) -> date | None:
    """The day after the last hold ends; None while one has no end."""
    ends = [hold.until for hold in holds if hold.until is not None]
    return max(ends) + timedelta(days=1) if len(ends) == len(holds) else None
