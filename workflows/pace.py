"""How often something may be done from one place: counted in the database, so that a restart forgives nothing."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from models.verification import Pace
from workflows.runtime import Runtime

_KEPT = timedelta(days=2)


CODES = "codes-to-contact"


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `most` times in any window of `minutes`, which begins at full multiples of its length."""

    scope: str
    most: int
    minutes: int = 60


def within(session: Session, rt: Runtime, limit: Limit, whose: str) -> bool:
    """Count once more; False if that is too often. `whose` is kept only as a keyed digest."""
    start = _window(rt.now(), limit.minutes)
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    row = insert(Pace).values(
        key=rt.vault.digest("pace", f"{limit.scope}:{whose}"), scope=limit.scope, window_start=start, count=1
    )
    again = row.on_conflict_do_update(
        index_elements=[Pace.key, Pace.scope, Pace.window_start], set_={"count": Pace.count + 1}
    )
    count = session.scalar(again.returning(Pace.count)) or 0
    if count == 1:
        session.execute(delete(Pace).where(Pace.window_start < rt.now() - _KEPT))
    return count <= limit.most


def may_send_code(session: Session, rt: Runtime, contact: str) -> bool:
    """Count one more one-time code to this contact; False if that is too often, whatever requests ask for it.

    Somebody who writes a neighbour's name into many forms must not fill the neighbour's mailbox.
    """
    most = rt.register.controller.delivery.codes_an_hour
    return within(session, rt, Limit(CODES, most=most), contact.strip().casefold())


def _window(now: datetime, minutes: int) -> datetime:
    seconds = int(now.timestamp()) // (minutes * 60) * minutes * 60
    return datetime.fromtimestamp(seconds, tz=now.tzinfo)
