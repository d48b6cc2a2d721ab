"""`vastine check`: what is wrong and how to mend it."""

from dataclasses import asdict
from itertools import chain

import click

from workers.host import quiet, settings
from workers.speech import CONFIGURATION, give_json, say

_SIGNS = {"ok": "✔", "warn": "⚠", "fail": "✖"}


@click.command()
@click.option("--online", "go_online", is_flag=True, help="Connect to sources, mail servers and the broker too.")
@click.option("--quiet", "-q", "only_faults", is_flag=True, help="Show only what is not in order.")
@click.option("--json", "as_json", is_flag=True)
def check(*, go_online: bool, only_faults: bool, as_json: bool) -> int:
    """Every setting, source, rule and text: what is wrong and how to mend it; exit 3 if anything is.

    \b
    vastine check            reads files and our own database only
    vastine check --online   connects to everything else too
    """
    from workers.checking import offline, online  # noqa: PLC0415

    quiet()
    told = settings()
    found = list(chain(offline(told), online(told) if go_online else ()))
    shown = [f for f in found if not only_faults or f.status != "ok"]
    if as_json:
        give_json([asdict(f) for f in shown])
    else:
        width = max((len(f"{f.area} {f.name}") for f in shown), default=0)
        for f in shown:
            remedy = f" ({f.remedy})" if f.status == "ok" and f.remedy else f" → {f.remedy}" if f.remedy else ""
            click.echo(f"{_SIGNS[f.status]} {f'{f.area} {f.name}':<{width}}  {f.text}{remedy}")
    wrong, warned = (sum(f.status == status for f in found) for status in ("fail", "warn"))
    say(f"{wrong} wrong, {warned} to look at, {len(found) - wrong - warned} in order")
    return CONFIGURATION if wrong else 0
