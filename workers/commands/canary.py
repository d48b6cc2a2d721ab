"""`vastine canary run`: try every door now, from outside, and say whether anything arrives and anybody works."""

import time
from typing import Any

import click

from workers.host import runtime
from workers.speech import FAILED, OK, PARTIAL, give_json, give_table, say
from workflows.doors import knocking, minding
from workflows.post import send_all
from workflows.runtime import Runtime

_LOOK_SECONDS = 1.0


@click.group()
def canary() -> None:
    """Requests that Vastine sends itself, to know that requests arrive."""


@canary.command()
@click.option("--wait", default=60, show_default=True, help="Seconds to wait until what was sent arrives.")
@click.option("--json", "as_json", is_flag=True)
def run(*, wait: int, as_json: bool) -> int:
    """Send a request through every open door, wait, and sound the alarm for what is shut or stands still.

    \b
    0  everything arrived, and the work is done
    6  something is on its way, and not late yet
    1  a door is shut, a mailbox silent or failing, or the work stands still

    Run it every hour from outside of Vastine: a worker that stopped can't tell.
    """
    rt = runtime()
    failed = {name: code for name, code in knocking.knock(rt, now=True).items() if code is not None}
    until = time.monotonic() + wait
    while not _arrived(rt, failed) and time.monotonic() < until:
        time.sleep(_LOOK_SECONDS)
    minding.mind(rt, even_never=True)
    send_all(rt)  # who sends the mail of an alarm otherwise may be what stands still
    doors, alarms = _told(rt)
    if as_json:
        give_json({"doors": doors, "alarms": alarms})
    else:
        give_table(doors, ["door", "state", "sent_at", "arrived_at", "code"])
        for alarm in alarms:
            say(f"✖ {alarm['code']} {alarm['where']}".rstrip())
    if alarms or failed:
        return FAILED
    return OK if all(door["state"] == "open" for door in doors) else PARTIAL


def _arrived(rt: Runtime, failed: dict[str, str]) -> bool:
    with rt.unit() as session:
        return all(door.since is None for door in minding.standing(session, rt) if door.name not in failed)


def _told(rt: Runtime) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    with rt.unit() as session:
        doors = [
            {
                "door": door.name,
                "state": "shut" if door.shut else "open" if door.since is None else "waiting",
                "sent_at": door.sent_at.isoformat(timespec="seconds") if door.sent_at else None,
                "arrived_at": door.arrived_at.isoformat(timespec="seconds") if door.arrived_at else None,
                "code": door.code,
            }
            for door in minding.standing(session, rt)
        ]
        alarms = [
            {"code": task.code, "where": task.facts.get("mailbox") or "", "since": task.facts.get("since")}
            for task in minding.alarms(session)
        ]
    return doors, alarms
