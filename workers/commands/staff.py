"""`vastine user` and `vastine token`: who may log in."""

import sys
from collections.abc import Iterable
from datetime import datetime

import click

from models.vocabulary import Role
from workers.host import runtime
from workers.speech import say
from workflows import nearness
from workflows.errors import BadInput, Fault
from workflows.staffing import add_user, disable_user, new_token, sign_nda
from workflows.views import find_request


@click.group()
def user() -> None:
    """People who may log in; each has an account of their own."""


@user.command("add")
@click.argument("name")
@click.option("--role", type=click.Choice([r.value for r in Role]), required=True)
@click.option("--display-name", default="")
@click.option("--email", default=None, help="Where reminders go.")
@click.option(
    "--nda-signed-on", type=click.DateTime(["%Y-%m-%d"]), help="The day they signed to keep secrets; needed for paper."
)
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
def add(
    *,
    name: str,
    role: str,
    display_name: str,
    email: str | None,
    nda_signed_on: datetime | None,
    password_stdin: bool,
) -> None:
    """Add a person. Without --password-stdin a password is made and shown once."""
    rt = runtime()
    given = sys.stdin.readline().rstrip("\r\n") if password_stdin else None
    with rt.unit() as session:
        password = add_user(
            session,
            rt,
            name,
            role=Role(role),
            display_name=display_name,
            email=email,
            password=given,
            nda_signed_on=nda_signed_on.date() if nda_signed_on else None,
        )
    if given is None:
        say(f"password of {name}, shown this once:")
        click.echo(password)


@user.command("sign")
@click.argument("name")
@click.option("--nda-signed-on", type=click.DateTime(["%Y-%m-%d"]), required=True, help="The day they signed.")
def sign(*, name: str, nda_signed_on: datetime) -> None:
    """Note the day a person signed to keep secrets."""
    rt = runtime()
    with rt.unit() as session:
        sign_nda(session, rt, name, on=nda_signed_on.date())
    say(f"{name} signed on {nda_signed_on.date().isoformat()}")


@user.command()
@click.argument("name")
def know(*, name: str) -> None:
    """Know a person's own cases, and those near to them, by digests; the values are not kept.

    What is theirs is read from standard input, where no list of processes and no shell's history shows it.
    """
    if sys.stdin.isatty():
        say("one a line, then an empty line: own email=… · own customer_number=… · near surname=… · near address=…")
    told = _told(iter(sys.stdin.readline, ""))
    rt = runtime()
    with rt.unit() as session:
        count = nearness.know(session, rt, name, own=told["own"], near=told["near"], by="cli")
    say(f"{count} keys of {name} are kept; cases from now on are compared with them")


@user.command()
@click.argument("name")
@click.argument("reference")
@click.option("--reason", required=True)
@click.option("--as", "by", required=True, help="They themselves, or the data protection officer.")
def bar(*, name: str, reference: str, reason: str, by: str) -> None:
    """Keep a case from somebody who is a relative, friend or colleague of the person."""
    rt = runtime()
    with rt.unit() as session:
        case = find_request(session, reference, lock=True)
        nearness.bar(session, rt, case, name, by=by, reason=reason)
    say(f"the case is kept from {name}")


def _told(lines: Iterable[str]) -> dict[str, dict[str, str]]:
    """What was typed, up to an empty line. A fault names the line and repeats nothing of it."""
    told: dict[str, dict[str, str]] = {"own": {}, "near": {}}
    faults = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            break
        how, _, pair = line.strip().partition(" ")
        kind, _, value = pair.partition("=")
        if how not in told or not kind.strip() or not value.strip() or kind.strip() in told[how]:
            faults.append(Fault(f"line {number}", "can't be read", "own KEY=VALUE or near KEY=VALUE, each KEY once"))
        else:
            told[how][kind.strip()] = value.strip()
    if not faults and not any(told.values()):
        faults.append(Fault("standard input", "is empty", "write one line for each: own KEY=VALUE or near KEY=VALUE"))
    if faults:
        raise BadInput(faults)
    return told


@user.command()
@click.argument("name")
def disable(*, name: str) -> None:
    """Disable an account; its sessions end at once."""
    rt = runtime()
    with rt.unit() as session:
        disable_user(session, rt, name)
    say(f"{name} is disabled")


@click.group()
def token() -> None:
    """Bearer tokens for the REST API."""


@token.command("new")
@click.option("--label", required=True, help="Which system uses it.")
@click.option("--role", type=click.Choice([r.value for r in Role]), default=Role.INTAKE.value, show_default=True)
@click.option("--days", default=365, show_default=True, type=click.IntRange(1, 3650))
def new(*, label: str, role: str, days: int) -> None:
    """Make a token; it is shown this once."""
    rt = runtime()
    with rt.unit() as session:
        click.echo(new_token(session, rt, label=label, role=Role(role), days=days))
