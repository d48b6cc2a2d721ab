"""`vastine work --until-idle`: everything that is due, done in this process."""

import click

from workers.host import runtime
from workers.idle import work_until_idle
from workers.speech import say


@click.command()
@click.option("--until-idle", is_flag=True, required=True, help="Stop when nothing is due any more.")
def work(*, until_idle: bool) -> None:  # noqa: ARG001
    """Do everything that is due, here, then stop."""
    steps = work_until_idle(runtime())
    say(f"{steps} steps")
