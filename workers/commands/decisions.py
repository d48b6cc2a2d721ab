"""`vastine plan`, `approve`, `refuse`, `extend`, `reopen`, `withdraw`: what people decide."""

import click

from workers.host import runtime
from workers.idle import work_until_idle
from workers.speech import give_json, give_table, say
from workflows import audit, guarding, narrowing, withholding
from workflows.errors import BadInput, Fault
from workflows.reopening import reopen as take_up_again
from workflows.staffing import require_user
from workflows.stages import decision
from workflows.stages.decision import EXTENSION_REASONS
from workflows.views import find_request, show_plan, show_request


@click.command()
@click.argument("reference")
@click.option("--as", "user", required=True, help="Who looks.")
@click.option("--json", "as_json", is_flag=True)
def plan(*, reference: str, user: str, as_json: bool) -> None:
    """Show what would be erased, kept, until when and why."""
    rt = runtime()
    with rt.unit() as session:
        require_user(session, user)
        request = find_request(session, reference, lock=True)
        shown = show_plan(session, rt, request)
        looked = {"what": "plan", "how": "command line"}
        audit.record(session, "case:read", at=rt.now(), actor=user, request_id=request.id, facts=looked)
    if as_json:
        give_json(shown)
        return
    click.echo(f"{shown['reference']}  version {shown['version']}  {shown['state']}  {shown['hash'][:12]}")
    if shown["guarantees"]:
        tiers = ", ".join(f"{name} {tier}" for name, tier in shown["guarantees"].items())
        click.echo(f"guarantee of erasure (A to D, docs/reference/sources.md): {tiers}")
    rows = [{**i, "holds": " ".join(i["holds"]), "fields": " ".join(i["fields"])} for i in shown["items"]]
    give_table(rows, ["source", "collection", "category", "ownership", "action", "fields", "until", "holds", "reason"])


@click.command()
@click.argument("reference")
@click.option("--as", "user", required=True, help="Who approves.")
@click.option("--plan", "plan_hash", help="The hash you looked at, at least its first 12 digits.")
@click.option("--wait", is_flag=True, help="Work on it here once it is decided.")
@click.option("--json", "as_json", is_flag=True)
def approve(*, reference: str, user: str, plan_hash: str | None, wait: bool, as_json: bool) -> None:
    """Approve a plan. An erasure needs two different people."""
    rt = runtime()
    with rt.unit() as session:
        request = find_request(session, reference, lock=True)
        missing = decision.approve(session, rt, request, user=user, plan_hash=plan_hash)
    if missing:
        say(f"approved by {user}; {missing} more needed")
    else:
        say(f"approved by {user}; decided")
    if wait:
        work_until_idle(rt, everything=False)
    if as_json:
        with rt.unit() as session:
            shown = show_request(session, rt, find_request(session, reference))
        give_json({**shown, "approvals_missing": missing})


@click.command()
@click.argument("reference")
@click.option("--ground", required=True, help="A ground of the register: no_ground, legal_claim, …")
@click.option("--reason", required=True, help="The reason in words; it goes into the certificate.")
@click.option("--as", "user", required=True)
def refuse(*, reference: str, ground: str, reason: str, user: str) -> None:
    """Refuse a request, with its ground and reason."""
    rt = runtime()
    if guarding.is_guarded(rt, ground):
        remedy = f"`vastine refusal prepare {reference}` puts its facts on record, a second person agrees to them"
        raise BadInput([Fault("--ground", f"nobody refuses as {ground} alone", remedy)])
    with rt.unit() as session:
        request = find_request(session, reference, lock=True)
        decision.refuse(session, rt, request, user=user, ground=ground, reason=reason)
    say("refused; the certificate follows")


@click.command()
@click.argument("reference")
@click.option("--category", required=True, help="A category of the register, such as C11.")
@click.option("--ground", help="A ground on which part may be held back: rights_of_others, …")
@click.option("--reason", default="", help="The reason in words; it goes into the letter.")
@click.option("--give", is_flag=True, help="Give it out after all.")
@click.option("--as", "user", required=True)
def withhold(*, reference: str, category: str, ground: str | None, reason: str, give: bool, user: str) -> None:
    """Hold a category back from an answer; somebody else approves what is left."""
    rt = runtime()
    with rt.unit() as session:
        request = find_request(session, reference, lock=True)
        if give:
            withholding.give_after_all(session, rt, request, user=user, category=category)
        else:
            said = {"category": category, "ground": ground or "", "reason": reason}
            withholding.withhold(session, rt, request, user=user, **said)
    say("given out with the rest" if give else "held back; somebody else approves the rest")


@click.command()
@click.argument("reference")
@click.option("--category", "categories", multiple=True, help="Give a copy of this category; several times.")
@click.option("--all", "everything", is_flag=True, help="Give a copy of everything.")
@click.option("--as", "user", required=True)
def narrow(*, reference: str, categories: tuple[str, ...], everything: bool, user: str) -> None:
    """Say of which kinds of data the person wants a copy; the letter says that the rest can be asked for."""
    if bool(categories) == everything:
        raise BadInput([Fault("--category", "name categories, or --all", "one of the two")])
    rt = runtime()
    with rt.unit() as session:
        request = find_request(session, reference, lock=True)
        narrowing.narrow(session, rt, request, user=user, categories=categories)
        wanted = request.categories
    say("a copy of everything" if wanted is None else f"a copy of {', '.join(wanted)} only")


@click.command()
@click.argument("reference")
@click.option("--reason", type=click.Choice(EXTENSION_REASONS), required=True)
@click.option("--words", default="", help="What makes it so, in one sentence; it goes into the letter.")
@click.option("--as", "user", required=True)
def extend(*, reference: str, reason: str, words: str, user: str) -> None:
    """Extend by two months, once, inside the first month."""
    rt = runtime()
    with rt.unit() as session:
        request = find_request(session, reference, lock=True)
        until = decision.extend(session, rt, request, user=user, reason=reason, words=words)
    click.echo(until.isoformat())


@click.command()
@click.argument("reference")
@click.option("--reason", required=True, help="What came from the person, in one sentence.")
@click.option("--as", "user", required=True)
def reopen(*, reference: str, reason: str, user: str) -> None:
    """Take up a case that ended for want of an answer; prints the new day it is due."""
    rt = runtime()
    with rt.unit() as session:
        request = find_request(session, reference, lock=True)
        take_up_again(session, rt, request, user=user, reason=reason)
        due = request.due_on
    click.echo(due.isoformat())


@click.command()
@click.argument("reference")
@click.option("--as", "user", default="person", help="Who takes note of it.")
def withdraw(*, reference: str, user: str) -> None:
    """Take note that the person withdrew the request."""
    rt = runtime()
    with rt.unit() as session:
        decision.withdraw(session, rt, find_request(session, reference, lock=True), actor=user)
    say("withdrawn")
