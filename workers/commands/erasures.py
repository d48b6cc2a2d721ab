"""`vastine erasures`: what was erased and came back is erased again."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import click
from sqlalchemy import select

from models.erasure import Replay
from models.request import Request
from workers.host import runtime
from workers.speech import PARTIAL, WAITS, give_json, give_table, say
from workflows.errors import BadInput, Fault
from workflows.replays.opening import close_those_through
from workflows.replays.opening import replay as do_again


@click.group()
def erasures() -> None:
    """Erasures that have to be done again: a backup was put back, or a feed brought people back."""


@erasures.command()
@click.argument("source")
@click.option("--since", required=True, help="The day or instant of the copy: what was erased after it goes again.")
@click.option("--dry-run", is_flag=True, help="Only count what came back.")
@click.option("--undated", is_flag=True, help="You say that records without a day of their own are old ones.")
@click.option("--as", "user", default="", help="Who does this; not needed to count.")
@click.option("--json", "as_json", is_flag=True)
def replay(*, source: str, since: str, dry_run: bool, undated: bool, user: str, as_json: bool) -> int:
    """Read a source through for what was erased from it, and open a case for each person who is there again.

    One person approves each case; then it goes as every erasure goes. Ends 5 while that waits, 6 where
    something of the source can't be read through.
    """
    rt = runtime()
    instant = _instant(since, ZoneInfo(rt.register.controller.time_zone))
    done = do_again(rt, source, instant, user=user, undated=undated, dry_run=dry_run)
    seen = done.seen
    told = {"source": source, "since": instant.isoformat(), "scanned": seen.scanned, "returned": len(seen.hits)}
    told |= {"undated": seen.undated, "younger": seen.younger, "cases": list(done.references)}
    told |= {"unread": list(seen.unread)}
    if as_json:
        give_json({**told, "replay": str(done.replay_id) if done.replay_id else None})
    else:
        for reference in done.references:
            click.echo(reference)
    say(
        f"{seen.scanned} records read, {len(seen.hits)} came back ({seen.undated} of them without a day),"
        f" {seen.younger} are younger than the erasure and stay"
    )
    if seen.unread:
        say(f"{', '.join(seen.unread)} can't be read through: whoever keeps {source} has to look there")
    if done.references or (seen.undated and not dry_run):
        return WAITS
    return PARTIAL if seen.unread else 0


@erasures.command("list")
@click.option("--json", "as_json", is_flag=True)
def list_(*, as_json: bool) -> None:
    """Erasures that were done again, the latest first; a source of which one is open should send nothing out."""
    rt = runtime()
    close_those_through(rt)
    with rt.unit() as session:
        rows = [
            {
                "source": row.source,
                "since": row.since.isoformat(),
                "opened_at": row.opened_at.isoformat(),
                "opened_by": row.opened_by,
                "closed_at": row.closed_at.isoformat() if row.closed_at else None,
                "cases": list(session.scalars(select(Request.reference).where(Request.replay_id == row.id))),
            }
            for row in session.scalars(select(Replay).order_by(Replay.opened_at.desc()))
        ]
    if as_json:
        give_json(rows)
    else:
        shown = [{**row, "cases": " ".join(row["cases"] or ())} for row in rows]
        give_table(shown, ["source", "since", "opened_at", "opened_by", "closed_at", "cases"])


def _instant(text: str, zone: ZoneInfo) -> datetime:
    """A day begins at midnight at the controller's seat, where an instant without a zone is meant too."""
    try:
        told = datetime.fromisoformat(text)
    except ValueError:
        what = "this is no day and no instant"
        raise BadInput([Fault("--since", what, "write 2026-11-24 or 2026-11-24T03:00+02:00")]) from None
    return (told if told.tzinfo else told.replace(tzinfo=zone)).astimezone(UTC)
