"""`vastine purge`: our own records whose time is over."""

from pathlib import Path

import click

from workers.host import runtime
from workers.speech import WAITS, give_json, give_table, say
from workflows.purge.again import do_again
from workflows.purge.run import purge as let_go


@click.command()
@click.option("--dry-run", is_flag=True, help="Only count what would go.")
@click.option(
    "--as", "users", multiple=True, help="Who says that it may; two different people where a run alone waits."
)
@click.option(
    "--again",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="After a restore: an audit export that is newer than the database; what it says was destroyed goes again.",
)
@click.option("--json", "as_json", is_flag=True)
def purge(*, dry_run: bool, users: tuple[str, ...], again: Path | None, as_json: bool) -> int:
    """Let go of our own records whose time is over; ends 5 where two people have to say so first.

    What is due is marked, and goes a week later. Runs by itself every night.
    """
    rt = runtime()
    if again is not None:
        with again.open(encoding="utf-8") as lines:
            done = do_again(rt, lines, dry_run=dry_run)
        if as_json:
            give_json({"keys": done.keys, "tombstones": done.tombstones})
        say(f"{done.keys} keys destroyed again, {done.tombstones} tombstones set again")
        return 0
    report = let_go(rt, dry_run=dry_run, by=users)
    rows = [
        {"stage": stage.value, "due": c.due, "marked": c.marked, "gone": c.gone, "refused": c.refused}
        for stage, c in report.stages.items()
    ]
    if as_json:
        give_json({"stopped": report.stopped or None, "stages": rows, "tombstones": report.tombstones})
    else:
        give_table(rows, ["stage", "due", "marked", "gone", "refused"])
    if report.stopped:
        say(f"nothing went: {report.stopped}; look at the clock, then let two people say so with --as")
    elif report.waits:
        say("more is due than one night should bring; look at it, then let two people say so with --as")
    return WAITS if report.waits else 0
