"""What was done in a case, in words, from its audit chain."""

from datetime import date
from typing import Any

from flask import g
from sqlalchemy import select
from sqlalchemy.orm import Session

from models.audit import AuditEntry
from models.request import Request
from webhooks.console.shell import Shell

_NOT_TOLD = dict.fromkeys(
    (
        "source",
        "result",
        "items",
        "right",
        "channel",
        "received_on",
        "before",
        "due_a",
        "from",
        "to",
        "method",
        "provider",
        "acr",
        "code",
        "until",
        "reason",
        "ground",
        "version",
        "hash",
        "letter",
        "name",
        "bytes",
        "outcomes",
        "step",
        "task",
        "answer",
        "rung",
        "event",
        "rule",
        "what",
        "rows",
        "recipient",
        "kind",
    ),
    "–",
)
"""Facts that sentences have a hole for; an older entry may not have one."""


def timeline(session: Session, shell: Shell, request: Request) -> list[dict[str, Any]]:
    """The entries of the case's chain, newest first."""
    rows = session.scalars(select(AuditEntry).where(AuditEntry.chain == str(request.id)).order_by(AuditEntry.n.desc()))
    return [entry_row(shell, entry) for entry in rows]


def entry_row(shell: Shell, entry: AuditEntry) -> dict[str, Any]:
    """One entry as a sentence."""
    return {
        "n": entry.n,
        "chain": entry.chain,
        "at": entry.at,
        "actor": g.t("actor.system") if entry.actor == "vastine" else _actor(entry.actor),
        "event": entry.event,
        "text": sentence(shell, entry.event, entry.facts),
    }


def _actor(name: str) -> str:
    key = f"actor.{name}"
    return str(g.t(key)) if key in g.t else name


def sentence(shell: Shell, event: str, facts: dict[str, Any]) -> str:
    """What happened, in the reader's language; a fact that has no word is left as its code."""
    key = f"event.{event}"
    if key not in g.t:
        return event
    holes = {name: _word(shell, name, value) for name, value in facts.items()}
    return str(g.t(key, **{**_NOT_TOLD, **holes}))


_DAYS = frozenset({"received_on", "before", "due_a", "due_b", "until"})


def _day(text: str) -> str:
    try:
        return g.t.day(date.fromisoformat(text))  # type: ignore[no-any-return]
    except ValueError:
        return text


_WORDS = {
    "right": "right",
    "from": "state",
    "to": "state",
    "channel": "channel",
    "method": "method",
    "result": "result",
    "letter": "letter",
    "ground": "ground",
    "reason": "reason",
    "kind": "asked",
}


def _word(shell: Shell, name: str, value: Any) -> str:
    if name == "source":
        return shell.catalogue.source_label(str(value), g.t.language)
    if name == "hash":
        return str(value)[:12]
    if name == "rung":
        value = str(value).rstrip("0123456789").rstrip("_")
    if name in _DAYS:
        return _day(str(value))
    key = f"{_WORDS.get(name, name)}.{value}"
    return str(g.t(key)) if key in g.t else str(value)
