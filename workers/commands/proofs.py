"""`vastine lower`: one rung less for one case, where two people say so."""

import click

from workers.host import runtime
from workers.speech import WAITS, say
from workflows.errors import BadInput, Fault
from workflows.ladder import lowering
from workflows.views import find_request


@click.command()
@click.argument("reference", default="")
@click.option("--as", "user", default="", help="Who asks, who reads, or who confirms what somebody else asked for.")
@click.option("--reason", default="", help="Asks, with this reason.")
@click.option("--confirm", "read", default="", help="Confirms: the mark of what was read.")
def lower(*, reference: str, user: str, reason: str, read: str) -> int:
    """Accept a weaker proof of identity. One person asks, another reads why and confirms; alone, lists what waits."""
    if not reference:
        return _list()
    if not user or (reason and read):
        raise BadInput([Fault("--as", "say who you are, and either ask or confirm", "vastine lower REF --as NAME")])
    rt = runtime()
    with rt.unit() as session:
        request = find_request(session, reference, lock=True)
        if reason:
            lowering.ask(session, rt, request, user=user, reason=reason)
        elif read:
            lowering.confirm(session, rt, request, user=user, read=read)
        else:
            asked = lowering.show(session, rt, request, user=user)
    if read:
        say("a weaker proof is accepted for this request")
        return 0
    if reason:
        say("somebody else has to read why and confirm it")
    else:
        click.echo(f"{asked.by}  {asked.at:%Y-%m-%d %H:%M}Z  {asked.read}\n{asked.reason}")
        say(f"somebody else than {asked.by} confirms it with --confirm {asked.read}")
    return WAITS


def _list() -> int:
    with runtime().unit() as session:
        rows = lowering.waiting(session)
    for reference, by, at in rows:
        click.echo(f"{reference}  {by}  {at:%Y-%m-%d %H:%M}Z")
    return WAITS if rows else 0
