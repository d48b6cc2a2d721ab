"""A database belongs to a trial or to the real thing, never to both.

What a trial answered was not done, so nobody may take it for done later; and a trial on a database with real
requests would answer real people with what never happened.
"""

from sqlalchemy import exists, select

from models.doors import Pulse
from models.request import Request
from workflows.errors import BadInput, Fault
from workflows.runtime import Runtime

TRIAL, LIVE = "mode:trial", "mode:live"


def take_side(rt: Runtime) -> None:
    """Note whose database this is. Raises `BadInput` where it holds requests of the other side.

    Without `VASTINE_MODE` neither is noted: a laptop's mail stays in a folder, and what it erases is erased.
    """
    mine, other = (TRIAL, LIVE) if rt.settings.simulates else (LIVE, TRIAL)
    if not rt.settings.simulates and rt.settings.mode != "live":
        mine = ""
    with rt.unit() as session:
        theirs = session.get(Pulse, other)
        if theirs is not None and session.scalar(select(exists().where(Request.id.is_not(None)))):
            raise BadInput([_fault(rt)], "bad_settings")
        if theirs is not None:
            session.delete(theirs)
        if mine and session.get(Pulse, mine) is None:
            session.add(Pulse(name=mine, at=rt.now()))


def _fault(rt: Runtime) -> Fault:
    if rt.settings.simulates:
        what = "this database holds real requests, and a trial would tell people what was never done"
        return Fault("VASTINE_MODE", what, "give the trial a VASTINE_DATABASE_URL and VASTINE_DATA_DIR of its own")
    what = "this database holds requests of a trial: what they say was erased was not"
    return Fault("VASTINE_MODE", what, "begin with an empty database: a new VASTINE_DATABASE_URL and VASTINE_DATA_DIR")
