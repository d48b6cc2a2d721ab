"""`vastine lower`: one rung less for one case, where two people say so."""

import click

from workers.host import runtime
from workers.speech import WAITS, say
from workflows.ladder import lowering
from workflows.views import find_request


@click.command()
@click.argument("reference")
@click.option("--as", "user", required=True, help="Who asks, or who confirms what somebody else asked for.")
@click.option("--reason", default="", help="Asks, with this reason; without it, confirms.")
def lower(*, reference: str, user: str, reason: str) -> int:
    """Accept a weaker proof of identity for this request. One person asks, another one confirms."""
    rt = runtime()
    with rt.unit() as session:
        request = find_request(session, reference, lock=True)
        if reason:
            lowering.ask(session, rt, request, user=user, reason=reason)
        else:
            lowering.confirm(session, rt, request, user=user)
    say("somebody else has to confirm it" if reason else "a weaker proof is accepted for this request")
    return WAITS if reason else 0
