"""`vastine deadline`: both due dates of a request, and how they were computed."""

from datetime import date, datetime

import click

from workers.speech import give_json
from workflows.rules.deadlines import due_dates


@click.command()
@click.argument("received", metavar="RECEIVED", type=click.DateTime(["%Y-%m-%d"]))
@click.option("--months", default=1, show_default=True, type=click.IntRange(1, 12))
@click.option("--country", help="Whose holidays; else the register's, else FI.")
@click.option("--json", "as_json", is_flag=True)
def deadline(*, received: datetime, months: int, country: str | None, as_json: bool) -> None:
    """When a request received on this day must be answered.

    \b
    Two dates: A moves a last day only off weekends and statutory holidays (target and reminders),
    B follows the Official Journal's list (outer limit).
    """
    home, not_holidays = _of_the_register()
    due = due_dates(_day(received), months=months, country=country or home, not_holidays=not_holidays)
    if as_json:
        give_json(
            {
                "received_on": _day(received).isoformat(),
                "months": months,
                "raw": due.raw.isoformat(),
                "due_a": due.due_a.isoformat(),
                "due_b": due.due_b.isoformat(),
                "why": list(due.why),
            }
        )
        return
    click.echo(f"due A {due.due_a}   due B {due.due_b}")
    for line in due.why:
        click.echo(f"  {line}")


def _day(received: datetime) -> date:
    return received.date()


def _of_the_register() -> tuple[str, tuple[str, ...]]:
    """The country and the further days that are no holidays, where there is a register; its other faults don't matter.

    A date must be found without a register too: on the phone, before anything is set up.
    """
    from workers.host import settings  # noqa: PLC0415

    folder = settings().register
    if not (folder / "controller.yaml").is_file():
        return "FI", ()
    from workflows.register.reading import read_folder  # noqa: PLC0415  # loads the dataset models

    controller = read_folder(folder).controller
    return (controller.deadlines.country, tuple(controller.deadlines.not_holidays)) if controller else ("FI", ())
