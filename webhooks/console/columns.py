"""A plan in three columns: erased now · kept, until when and why · held with no end known."""

from collections.abc import Iterable
from datetime import date
from typing import Any

from flask import g

from models.vocabulary import Action
from webhooks.console.shell import Shell
from workflows.documents.facts import halved, plan_row
from workflows.ports import PlanLine

COLUMNS = ("erased", "kept", "held")
SENTENCES = 12
"""How many different reasons one row spells out; a long series has hundreds that differ in a date."""

Row = dict[str, Any]


def plan_columns(shell: Shell, lines: Iterable[PlanLine]) -> dict[str, list[Row]]:
    """Column to rows. Items that share what they are, their fate and the rules are one row with all its days."""
    columns: dict[str, dict[Any, Row]] = {name: {} for name in COLUMNS}
    for line in halved(lines):
        column = columns[column_of(line)]
        facts = plan_row(shell.catalogue, line, g.t.language)
        rules = tuple(sorted({h.rule for h in line.holds}))
        group = (facts["what"], line.source, line.action, line.ownership, rules, line.reason, tuple(line.fields))
        row = column.setdefault(group, _row(shell, line, facts, rules=rules))
        row["count"] += line.count
        until = until_of(line)
        if until is not None:
            row["days"][until] = row["days"].get(until, 0) + line.count
        row["why"] += [why for why in facts["why"] if why not in row["why"]]
    return {name: [_whole(row) for row in rows.values()] for name, rows in columns.items()}


def _row(shell: Shell, line: PlanLine, facts: Row, *, rules: tuple[str, ...]) -> Row:
    label = shell.catalogue.column_label
    return {
        "what": facts["what"],
        "source": facts["source"],
        "action": line.action.value,
        "ownership": line.ownership.value,
        "rules": rules,
        "law": sorted({h.law for h in line.holds if h.law}),
        "fields": [label(line.source, line.collection, name=f, language=g.t.language) for f in line.fields],
        "count": 0,
        "days": {},
        "why": [],
    }


def _whole(row: Row) -> Row:
    days = sorted(row["days"].items())
    return {**row, "days": days, "why": row["why"][:SENTENCES], "more": max(0, len(row["why"]) - SENTENCES)}


def until_of(line: PlanLine) -> date | None:
    """The last day of the line's last hold; None if one of them has no end that is known."""
    ends = [hold.until for hold in line.holds]
    known = [end for end in ends if end is not None]
    return max(known) if known and len(known) == len(ends) else None


def column_of(line: PlanLine) -> str:
    """Held: no end is known, or the facts are not. Kept: until a day, or for a reason of its own."""
    if line.holds:
        return "kept" if until_of(line) is not None and not any(h.unknown for h in line.holds) else "held"
    return "erased" if line.action in (Action.DELETE, Action.MASK, Action.ANONYMISE) else "kept"
