"""A database belongs to a trial or to the real thing, never to both.

What a trial answered was not done, so nobody may take it for done later; and a trial on a database with real
requests would answer real people with what never happened.
"""

from sqlalchemy import exists, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from models.doors import Pulse
from models.request import Request
from workflows.errors import BadInput, Fault
from workflows.runtime import Runtime
from workflows.settings import Settings

TRIAL, LIVE = "mode:trial", "mode:live"


def take_side(rt: Runtime) -> None:
    """Note whose database this is. Raises `BadInput` where it holds requests of the other side.

    Without `VASTINE_MODE` neither is noted: a laptop's mail stays in a folder, and what it erases is erased.
    """
    mine, other = _sides(rt.settings)
    with rt.unit() as session:
        fault = leftovers(session, rt.settings)
        if fault is not None:
            raise BadInput([fault], "bad_settings")
        theirs = session.get(Pulse, other)
        if theirs is not None:
            session.delete(theirs)
        if mine and session.get(Pulse, mine) is None:
            # Several processes start at once, and each of them notes it.
            insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
            session.execute(insert(Pulse).values(name=mine, at=rt.now()).on_conflict_do_nothing())


def leftovers(session: Session, settings: Settings) -> Fault | None:
    """Why these settings do not go with what is in this database; None if they do."""
    _, other = _sides(settings)
    if session.get(Pulse, other) is None or not session.scalar(select(exists().where(Request.id.is_not(None)))):
        return None
    return _fault(settings)


def _sides(settings: Settings) -> tuple[str, str]:
    if settings.simulates:
        return TRIAL, LIVE
    return (LIVE if settings.mode == "live" else ""), TRIAL


def _fault(settings: Settings) -> Fault:
    if settings.simulates:
        what = "this database holds real requests, and a trial would tell people what was never done"
        return Fault("VASTINE_MODE", what, "give the trial a VASTINE_DATABASE_URL and VASTINE_DATA_DIR of its own")
    what = "this database holds requests of a trial: what they say was erased was not"
    return Fault("VASTINE_MODE", what, "begin with an empty database: a new VASTINE_DATABASE_URL and VASTINE_DATA_DIR")
