"""`vastine retention`: data whose time is over although nobody asked."""

import sys

import click

from workers.host import runtime
from workers.speech import PARTIAL, WAITS, give_json, give_table, say
from workflows.retention import showing
from workflows.retention.carrying import carry_out
from workflows.retention.lists import approve, freeze
from workflows.retention.looking import look

_COLUMNS = ["source", "category", "seen", "late", "since", "held", "unclear", "in_case", "refused", "unread"]


@click.group()
def retention() -> None:
    """Data whose time is over although nobody asked."""


@retention.command()
@click.option("--category", help="This category only; else every one with a retention rule.")
@click.option("--json", "as_json", is_flag=True)
def plan(*, category: str | None, as_json: bool) -> None:
    """Count what is past its time, by source and category; changes nothing."""
    rt = runtime()
    rows = []
    for code in [category] if category else sorted(rt.retained):
        for tally in look(rt, code).tallies.values():
            row = {name: getattr(tally, name) for name in _COLUMNS if name != "since"}
            since = tally.first.isoformat() if tally.first else None
            rows.append({**row, "since": since, "unread": list(tally.unread), "read": tally.read})
    for code in sorted(rt.register.categories.keys() - rt.retained.keys()) if not category else ():
        say(f"{code} has no retention rule: nothing of it goes unasked")
    if as_json:
        give_json(rows)
    else:
        give_table([{**row, "unread": ", ".join(row["unread"])} for row in rows], _COLUMNS)


@retention.command()
@click.option("--category", required=True)
@click.option("--as", "user", required=True)
@click.option("--records", is_flag=True, help="Each record by what finds it in its source.")
@click.option("--json", "as_json", is_flag=True)
def show(*, category: str, user: str, records: bool, as_json: bool) -> None:
    """The list that waits for its approvals: what, how much, since when and by which rule."""
    found = showing.show(runtime(), category, user=user, most=sys.maxsize if records else 0)
    rows = [{**row, "since": row["since"].isoformat()} for row in found.records]
    groups = [
        {
            "source": group.source,
            "collection": group.collection,
            "action": group.action,
            "records": group.count,
            "first": group.first.isoformat(),
            "last": group.last.isoformat(),
        }
        for group in found.groups
    ]
    if as_json:
        given = {"plan": found.plan_hash, "items": found.items, "prepared_by": found.prepared_by}
        rule = {"until": found.until, "source": found.source, "checked_on": found.checked_on.isoformat()}
        give_json({**given, "approved_by": [*found.approved_by], "rule": rule, "groups": groups, "records": rows})
        return
    say(f"{found.plan_hash} · kept until {found.until} · {found.source} · approved by {len(found.approved_by)}")
    give_table(groups, ["source", "collection", "action", "records", "first", "last"])
    if records:
        give_table(rows, ["source", "collection", "record", "since", "action"])


@retention.command()
@click.option("--category", required=True)
@click.option("--plan", "plan_hash", help="The list that is approved; without it a new one is made.")
@click.option("--as", "user", required=True)
@click.option("--json", "as_json", is_flag=True)
def apply(*, category: str, plan_hash: str | None, user: str, as_json: bool) -> int:
    """Approve a list of what is past its time; the second person's word carries it out.

    Ends 5 while somebody else has to approve it too, 6 where some of it had to stay.
    """
    rt = runtime()
    if plan_hash is None:
        made = freeze(rt, category, user=user)
        if made is None:
            say("nothing of this category is past its time")
            return 0
        plan_hash = made.plan_hash
    listed, missing = approve(rt, category, plan_hash, user=user)
    if missing:
        if as_json:
            give_json({"plan": listed.plan_hash, "items": listed.items, "missing": missing})
        else:
            click.echo(listed.plan_hash)
        say(f"{listed.items} records; another person must approve it with --plan")
        return WAITS
    outcomes = carry_out(rt, category, user=user)
    if as_json:
        give_json({"plan": listed.plan_hash, "items": listed.items, "missing": 0, "outcomes": dict(outcomes)})
    else:
        give_table(
            [{"outcome": name, "records": count} for name, count in sorted(outcomes.items())], ["outcome", "records"]
        )
    return PARTIAL if outcomes.keys() - {"erased", "masked", "absent"} else 0
