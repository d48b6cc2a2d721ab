"""How often something may be done from one place: counted in the database, so that a restart forgives nothing."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from models.session import reading
from models.verification import Pace
from models.vocabulary import Letter
from workflows.runtime import Runtime

_KEPT = timedelta(days=2)
_AT_A_TIME = 100
"""Rows of one transaction of the night that clears."""


CODES = "codes-to-contact"
MAILS = "mails-to-address"
_DAY_MINUTES = 24 * 60
_AT_ONCE = (Letter.REMINDER, Letter.RECIPIENT_NOTICE, Letter.NOTICE, Letter.MESSAGE)
"""What no stranger brings about: for staff and recipients, that somebody was taken for the person, what staff write."""
_CAUSED = (Letter.ACKNOWLEDGEMENT, Letter.DUPLICATE, Letter.WITHDRAWN, Letter.CODE, Letter.FETCH_CODE)
"""What a stranger brings about by writing an address into a form; other letters may go out thrice as often."""


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `most` times in any window of `minutes`, which begins at full multiples of its length."""

    scope: str
    most: int
    minutes: int = 60


def within(session: Session, rt: Runtime, limit: Limit, whose: str) -> bool:
    """Count once more; False if that is too often. `whose` is kept only as a keyed digest."""
    start = _window(rt.now(), limit.minutes)
    key = rt.vault.digest("pace", f"{limit.scope}:{whose}")
    counted = {"key": key, "scope": limit.scope, "window_start": start, "count": 1}
    with reading(session, Pace):
        return (session.scalar(_once_more(session.get_bind().dialect.name), counted) or 0) <= limit.most


@cache
def _once_more(dialect: str) -> Any:
    insert = postgresql.insert if dialect == "postgresql" else sqlite.insert
    which = [Pace.key, Pace.scope, Pace.window_start]
    return (
        insert(Pace).on_conflict_do_update(index_elements=which, set_={"count": Pace.count + 1}).returning(Pace.count)
    )


def _let_go(session: Session, rt: Runtime) -> int:
    """Delete some of what is over; what another process deletes just now is left to it. How many."""
    over = select(Pace).where(Pace.window_start < rt.now() - _KEPT).limit(_AT_A_TIME).with_for_update(skip_locked=True)
    rows = session.scalars(over).all()
    for row in rows:
        session.delete(row)
    return len(rows)


def forget(rt: Runtime) -> None:
    """Delete all that is over."""
    deleted = _AT_A_TIME
    while deleted == _AT_A_TIME:
        with rt.unit() as session:
            deleted = _let_go(session, rt)


def may_send_code(session: Session, rt: Runtime, contact: str) -> bool:
    """Count one more one-time code to this contact; False if that is too often, whatever requests ask for it.

    Somebody who writes a neighbour's name into many forms must not fill the neighbour's mailbox.
    """
    most = rt.register.controller.delivery.codes_an_hour
    return within(session, rt, Limit(CODES, most=most), contact.strip().casefold())


def mail_waits(session: Session, rt: Runtime, letter: str, to: str) -> float:
    """Count one more of this letter to this address; seconds until it may go, 0 for now.

    What waits is sent the next day: a mail that was promised is late, and never lost. Each letter counts apart: of
    what strangers bring about nothing holds up an answer, nor a code, which is worth nothing the next day.
    """
    if letter not in {one.value for one in Letter} or letter in _AT_ONCE:
        return 0.0
    told = rt.register.controller.delivery.mails_a_day
    most = told if letter in _CAUSED else 3 * told
    if within(session, rt, Limit(MAILS, most=most, minutes=_DAY_MINUTES), f"{letter}:{to.strip().casefold()}"):
        return 0.0
    return (_window(rt.now(), _DAY_MINUTES) + timedelta(days=1) - rt.now()).total_seconds()


def _window(now: datetime, minutes: int) -> datetime:
    seconds = int(now.timestamp()) // (minutes * 60) * minutes * 60
    return datetime.fromtimestamp(seconds, tz=now.tzinfo)
