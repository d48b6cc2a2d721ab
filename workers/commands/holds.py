"""`vastine holds`: holds that people place by hand."""

import uuid
from datetime import datetime

import click

from workers.host import runtime
from workers.speech import WAITS, give_json, give_table, say
from workflows.errors import BadInput, Fault
from workflows.manual_holds import REASONS, RELEASES, Placing, confirm, keep, list_holds, place, release
from workflows.rulediff import adopt as adopt_rules
from workflows.rulediff import diff as diff_rules
from workflows.views import find_request


@click.group()
def holds() -> None:
    """Holds placed by hand; those by law are rules of the register."""


@holds.command("list")
@click.option("--all", "all_of_them", is_flag=True, help="Released ones too.")
@click.option("--json", "as_json", is_flag=True)
def list_(*, all_of_them: bool, as_json: bool) -> None:
    """List them, the next to end first."""
    rt = runtime()
    with rt.unit() as session:
        rows = [
            {
                "id": str(h.id),
                "rule": h.rule,
                "category": h.category,
                "reason": h.reason_code,
                "placed_by": h.placed_by,
                "placed_at": h.placed_at.isoformat(),
                "until": h.until.isoformat(),
                "confirmed_by": h.confirmed_by,
                "released_by": [name for name in (h.released_by, h.release_second) if name],
                "released_at": h.released_at.isoformat() if h.released_at else None,
            }
            for h in list_holds(session, all_of_them=all_of_them)
        ]
    if as_json:
        give_json(rows)
    else:
        shown = [{**row, "released_by": " ".join(row["released_by"] or ())} for row in rows]
        columns = ["id", "rule", "category", "reason", "until", "placed_by", "confirmed_by"]
        give_table(shown, [*columns, "released_by", "released_at"])


@holds.command()
@click.argument("reference")
@click.option("--rule", required=True, help="The rule of holds.yaml whose words the person reads, such as H17.")
@click.option("--until", type=click.DateTime(["%Y-%m-%d"]), required=True, help="The last day, or a day to look again.")
@click.option("--reason", type=click.Choice(REASONS), required=True)
@click.option("--category", help="Hold this category only.")
@click.option("--words", default="", help="What it is about, such as the number of an order.")
@click.option("--as", "user", required=True)
def add(
    *, reference: str, rule: str, until: datetime, reason: str, category: str | None, words: str, user: str
) -> None:
    """Hold the data of the person of this request at once; a second person confirms it."""
    rt = runtime()
    with rt.unit() as session:
        request = find_request(session, reference)
        placing = Placing(rule=rule, reason=reason, until=until.date(), category=category, words=words)
        ident = place(session, rt, request, placing, user=user).id
    click.echo(str(ident))


@holds.command("confirm")
@click.argument("ident", metavar="ID")
@click.option("--as", "user", required=True)
def confirm_(*, ident: str, user: str) -> None:
    """Confirm a hold that somebody else placed."""
    rt = runtime()
    with rt.unit() as session:
        confirm(session, rt, _id(ident), user=user)
    say("confirmed")


@holds.command("release")
@click.argument("ident", metavar="ID")
@click.option("--reason", type=click.Choice(RELEASES), help="Why it ends before its day; the first person says so.")
@click.option("--keep", "keeps", is_flag=True, help="Nothing comes of the first person's word.")
@click.option("--as", "user", required=True)
def release_(*, ident: str, reason: str | None, keeps: bool, user: str) -> int:
    """Release a hold: two different people must say so, each with this command."""
    rt, wanted = runtime(), _id(ident)
    with rt.unit() as session:
        if keeps:
            keep(session, rt, wanted, user=user)
        done = not keeps and release(session, rt, wanted, user=user, reason=reason or "")
    if keeps:
        say("it stays")
        return 0
    say("released" if done else "noted; a second person must release it too")
    return 0 if done else WAITS


def _id(ident: str) -> uuid.UUID:
    try:
        return uuid.UUID(ident)
    except ValueError:
        raise BadInput([Fault("ID", "this is no id of a hold", "take it from `vastine holds list`")]) from None


@holds.command()
@click.option("--json", "as_json", is_flag=True)
def diff(*, as_json: bool) -> int:
    """What an edited rule does to open schedules; ends 5 while that is not adopted."""
    seen = diff_rules(runtime())
    rows = [
        {
            "reference": case.reference,
            "later": case.later,
            "earlier": case.earlier,
            "free": case.free,
            "until": case.until.isoformat() if case.until else None,
        }
        for case in seen.cases
    ]
    if as_json:
        give_json({"changed": seen.changed, "hash": seen.hash, "cases": rows})
    else:
        give_table(rows, ["reference", "later", "earlier", "free", "until"])
        say(f"adopt it with: vastine holds adopt {seen.hash}" if seen.changed else "the rules did not change")
    return WAITS if seen.changed else 0


@holds.command("adopt")
@click.argument("diff_hash", metavar="HASH")
@click.option("--as", "user", required=True)
def adopt_(*, diff_hash: str, user: str) -> None:
    """Let open schedules go by the rules as they are now."""
    seen = adopt_rules(runtime(), diff_hash, user=user)
    say(f"adopted; {len(seen.cases)} cases are looked at again")
