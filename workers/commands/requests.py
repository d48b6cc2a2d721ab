"""`vastine request`: open, list, show."""

from datetime import date, datetime
from typing import Any

import click

from models.vocabulary import LANGUAGES, Channel, Method, RequestState, Right, StepState
from workers.commands.importing import import_
from workers.host import runtime
from workers.idle import work_until_idle
from workers.speech import OVERDUE, PARTIAL, WAITS, give_json, give_table
from workflows.acting import Acting, Holder
from workflows.casefile import Claim
from workflows.correcting import correct_received
from workflows.errors import BadInput, Fault
from workflows.register.mandates import mandate_kinds
from workflows.rules.identifiers import normalise
from workflows.rules.narrowed import read_wanted
from workflows.runtime import Runtime
from workflows.staffing import require_user
from workflows.stages.intake import Asked, open_request
from workflows.views import find_request, list_requests, show_request


@click.group()
def request() -> None:
    """Requests: open one for a person, list them, show one."""


request.add_command(import_)


def _identities(pairs: tuple[str, ...]) -> dict[str, str]:
    found: dict[str, str] = {}
    faults = []
    for pair in pairs:
        name, equals, value = pair.partition("=")
        plain = normalise(name, value) if equals else None
        if plain is None:
            faults.append(Fault("--identity", f"{name or 'this'} has no usable value", "write it as KEY=VALUE"))
        else:
            found[name] = plain
    if faults:
        raise BadInput(faults)
    return found


@request.command("open")
@click.option("--right", type=click.Choice([r.value for r in Right]), required=True)
@click.option("--identity", "identities", multiple=True, required=True, metavar="KEY=VALUE")
@click.option("--name", default="", help="The person's name as they give it.")
@click.option("--email", default="", help="Where the acknowledgement goes.")
@click.option("--message", default="", help="The person's own words.")
@click.option("--language", type=click.Choice(LANGUAGES), default="fi", show_default=True)
@click.option("--channel", type=click.Choice([c.value for c in Channel]), default="desk", show_default=True)
@click.option(
    "--received-on", type=click.DateTime(["%Y-%m-%d"]), help="The day it first arrived anywhere in the house."
)
@click.option("--category", "categories", multiple=True, help="A copy of this category only; without any: of all.")
@click.option("--by-mandate", type=click.Choice(list(mandate_kinds())), help="Somebody else asks for them.")
@click.option("--holder", default="", help="With --by-mandate: the name of who asks; --email is theirs then.")
@click.option("--verified-by", type=click.Choice([Method.DESK.value, Method.CALL_BACK.value]))
@click.option("--as", "user", help="The member of staff who does this.")
@click.option("--wait", is_flag=True, help="Work on it here until it is done or waits for a person.")
@click.option("--json", "as_json", is_flag=True)
def open_(
    *,
    right: str,
    identities: tuple[str, ...],
    name: str,
    email: str,
    message: str,
    language: str,
    channel: str,
    received_on: datetime | None,
    categories: tuple[str, ...],
    by_mandate: str | None,
    holder: str,
    verified_by: str | None,
    user: str | None,
    wait: bool,
    as_json: bool,
) -> int:
    """Open a request.

    \b
    vastine request open --right access --identity email=aino@posti.example --verified-by desk --as kaisa --wait
    """
    rt = runtime()
    with rt.unit() as session:
        _staff(session, user, needed=verified_by is not None)
        asked = Asked(
            right=Right(right),
            language=language,
            channel=Channel(channel),
            claim=Claim(
                name=name,
                reply_to=email,
                identifiers=_identities(identities),
                text=message,
                for_another=by_mandate is not None,
            ),
            received_on=_past(rt, received_on),
            method=Method(verified_by) if verified_by else None,
            by=user or "person",
            categories=_wanted(rt, right, categories),
            acting=Acting(by_mandate, Holder(holder, email)) if by_mandate else None,
        )
        reference = open_request(session, rt, asked).request.reference
    if wait:
        work_until_idle(rt, everything=False)
    return _tell(rt, reference, as_json=as_json, wait=wait)


def _staff(session: Any, user: str | None, *, needed: bool) -> None:
    if user is None:
        if needed:
            raise BadInput([Fault("--as", "who verified the person?", "name a user: --as USER")])
        return
    require_user(session, user)


def _wanted(rt: Runtime, right: str, categories: tuple[str, ...]) -> tuple[str, ...] | None:
    wanted, faults = read_wanted(",".join(categories), [Right(right)], known=rt.register.categories)
    if faults:
        raise BadInput([Fault("--category", f.what, f.remedy) for f in faults])
    return wanted


def _past(rt: Runtime, day: datetime | None) -> date | None:
    if day is None:
        return None
    if day.date() > rt.today():
        raise BadInput([Fault("--received-on", "the day is in the future", "give the day it arrived")])
    return day.date()


def _tell(rt: Runtime, reference: str, *, as_json: bool, wait: bool) -> int:
    with rt.unit() as session:
        found = find_request(session, reference)
        shown = show_request(session, rt, found)
        if as_json:
            give_json(shown)
        else:
            click.echo(f"{found.reference}  {found.state.value}{f'  {found.outcome.value}' if found.outcome else ''}")
        return waiting_code(shown) if wait else 0


def waiting_code(shown: dict[str, Any]) -> int:
    """5 if it waits for a person, 6 if a source is missing or will be tried again later, else 0."""
    waits = (StepState.WAITING.value, StepState.NEEDS_HUMAN.value)
    if any(s["result"] == "failed" for s in shown["sources"]):
        return PARTIAL
    if any(s["state"] == StepState.READY.value and s["error"] for s in shown["steps"]):
        return PARTIAL
    if shown["state"] in (RequestState.VERIFYING.value, RequestState.DECIDING.value):
        return WAITS
    if any(s["state"] in waits for s in shown["steps"]):
        return WAITS
    return 0


@request.command("list")
@click.option("--open", "open_only", is_flag=True, help="Only those that still need an answer.")
@click.option("--overdue", is_flag=True, help="Only open ones whose last day is over; exit 7 if there is one.")
@click.option("--json", "as_json", is_flag=True)
def list_(*, open_only: bool, overdue: bool, as_json: bool) -> int:
    """List requests, the next deadline first."""
    rt = runtime()
    with rt.unit() as session:
        rows = list_requests(session, open_only=open_only or overdue)
    if overdue:
        today = rt.today().isoformat()
        rows = [row for row in rows if row["due_on"] < today and row["answered_at"] is None]
    if as_json:
        give_json(rows)
    else:
        give_table(rows, ["reference", "right", "state", "outcome", "received_on", "due_on", "channel"])
    return OVERDUE if overdue and rows else 0


@request.command("show")
@click.argument("reference")
@click.option("--json", "as_json", is_flag=True)
def show(*, reference: str, as_json: bool) -> None:
    """Show a request: dates, sources, holds, steps, letters; no personal data."""
    rt = runtime()
    with rt.unit() as session:
        shown = show_request(session, rt, find_request(session, reference))
    if as_json:
        give_json(shown)
        return
    for field in ("reference", "right", "state", "outcome", "received_on", "due_a", "due_b", "extended_until"):
        click.echo(f"{field:15} {shown[field] if shown[field] is not None else ''}")
    counted = [
        {**s, "collections": " ".join(f"{k}={n}" for k, n in s["collections"].items())} for s in shown["sources"]
    ]
    give_table(counted, ["source", "result", "why", "collections"])
    give_table(shown["corrections"], ["at", "by", "before", "received_on"])
    give_table(shown["holds"], ["rule", "items", "until", "law"])
    give_table(shown["steps"], ["key", "state", "attempts", "error"])
    give_table(shown["letters"], ["letter", "state", "sent_at"])


@request.command("correct")
@click.argument("reference")
@click.option(
    "--received-on", type=click.DateTime(["%Y-%m-%d"]), required=True, help="The day it first arrived in the house."
)
@click.option("--reason", required=True, help="Why, in words; kept sealed with the case.")
@click.option("--as", "user", required=True)
@click.option("--json", "as_json", is_flag=True)
def correct(*, reference: str, received_on: datetime, reason: str, user: str, as_json: bool) -> None:
    """Put the day of arrival right; prints the day to answer by. A later day is for the data protection officer."""
    rt = runtime()
    with rt.unit() as session:
        found = find_request(session, reference, lock=True)
        due_on = correct_received(session, rt, found, user=user, day=received_on.date(), reason=reason)
        session.flush()
        shown = show_request(session, rt, found)
    if as_json:
        give_json(shown)
    else:
        click.echo(due_on.isoformat())
