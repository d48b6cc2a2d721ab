"""`vastine holds`: holds that people place by hand."""

import uuid
from datetime import datetime

import click

from workers.host import runtime
from workers.speech import WAITS, give_json, give_table, say
from workflows.errors import BadInput, Fault
from workflows.manual_holds import REASONS, Placing, list_holds, place, release
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
                "released_by": [name for name in (h.released_by, h.release_second) if name],
                "released_at": h.released_at.isoformat() if h.released_at else None,
            }
            for h in list_holds(session, all_of_them=all_of_them)
        ]
    if as_json:
        give_json(rows)
    else:
        shown = [{**row, "released_by": " ".join(row["released_by"] or ())} for row in rows]
        give_table(shown, ["id", "rule", "category", "reason", "until", "placed_by", "released_by", "released_at"])


@holds.command()
@click.argument("reference")
@click.option("--rule", required=True, help="The rule of holds.yaml whose words the person reads, such as H17.")
@click.option("--until", type=click.DateTime(["%Y-%m-%d"]), required=True, help="The last day, or a day to look again.")
@click.option("--reason", type=click.Choice(REASONS), required=True)
@click.option("--category", help="Hold this category only.")
@click.option("--as", "user", required=True)
def add(*, reference: str, rule: str, until: datetime, reason: str, category: str | None, user: str) -> None:
    """Hold the data of the person of this request; its plan is made anew."""
    rt = runtime()
    with rt.unit() as session:
        request = find_request(session, reference, lock=True)
        placing = Placing(rule=rule, reason=reason, until=until.date(), category=category)
        ident = place(session, rt, request, placing, user=user).id
    click.echo(str(ident))


@holds.command("release")
@click.argument("ident", metavar="ID")
@click.option("--as", "user", required=True)
def release_(*, ident: str, user: str) -> int:
    """Release a hold: two different people must say so, each with this command."""
    try:
        wanted = uuid.UUID(ident)
    except ValueError:
        raise BadInput([Fault("ID", "this is no id of a hold", "take it from `vastine holds list`")]) from None
    rt = runtime()
    with rt.unit() as session:
        done = release(session, rt, wanted, user=user)
    say("released" if done else "noted; a second person must release it too")
    return 0 if done else WAITS


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
