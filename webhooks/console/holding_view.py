"""What pages show of holds placed by hand."""

from collections.abc import Mapping
from typing import Any

from flask import g
from sqlalchemy import select
from sqlalchemy.orm import Session

from models.audit import AuditEntry
from models.holds import ManualHold
from models.request import Request
from webhooks.console.roles import RECORDS
from webhooks.console.shell import Shell
from workflows.manual_holds import PLACED, REASONS, RELEASES, list_holds, mark_of, words_context
from workflows.nearness import hidden_from
from workflows.ports import RequestKey
from workflows.rules.hold_rules import law_text, placeholders


def holding_facts(session: Session, shell: Shell, request: Request, key: RequestKey | None) -> dict[str, Any] | None:
    """What the case's page shows; None where nobody is proven, or for whoever may not see records."""
    if request.subject_digest is None or g.user.role not in RECORDS:
        return None
    rt = shell.rt
    words = _words(session, request)
    rows = []
    for hold in list_holds(session, digest=request.subject_digest, all_of_them=True):
        sealed = words.get(str(hold.id))
        said = key.open(sealed, words_context(hold)).decode() if key and sealed else ""
        rows.append({**_row(shell, hold), "words": said})
    labels = {code: shell.catalogue.category_label(code, g.t.language) for code in sorted(rt.register.categories)}
    return {
        "rows": [row for row in rows if not row["over"]],
        "over": [row for row in rows if row["over"]],
        # A rule whose sentence names a number needs an item that has it.
        "rules": [
            (rule.id, f"{rule.id} {law_text(rule)}")
            for rule in rt.register.holds
            if not placeholders(rule.text.en) - {"date"}
        ],
        "reasons": [(code, g.t(f"reason.{code}")) for code in REASONS],
        "releases": [(code, g.t(f"reason.{code}")) for code in RELEASES],
        "categories": [(code, f"{code} {label}") for code, label in labels.items()],
    }


def all_holds(shell: Shell) -> list[dict[str, Any]]:
    """Every hold in force with the cases of its person, but for what is kept from the reader."""
    with shell.rt.unit() as session:
        hidden = hidden_from(session, g.user.name)
        rows = []
        for hold in list_holds(session):
            mine = select(Request.id, Request.reference).where(Request.subject_digest == hold.subject_digest)
            cases = session.execute(mine.order_by(Request.reference)).all()
            if hidden.isdisjoint(case.id for case in cases):
                rows.append({**_row(shell, hold), "cases": [case.reference for case in cases]})
    return [row for row in rows if not row["over"]]


def _words(session: Session, request: Request) -> Mapping[str, bytes]:
    """Hold to the sealed words that were written on this case's page when it was placed."""
    mine = select(AuditEntry).where(AuditEntry.chain == str(request.id), AuditEntry.event == PLACED)
    return {str(entry.facts["hold"]): entry.sealed for entry in session.scalars(mine) if entry.sealed}


def _row(shell: Shell, hold: ManualHold) -> dict[str, Any]:
    me, law = g.user.name, {rule.id: law_text(rule) for rule in shell.rt.register.holds}
    over = hold.released_at is not None or hold.until < shell.rt.today()
    label = shell.catalogue.category_label(hold.category, g.t.language) if hold.category else ""
    return {
        "id": str(hold.id),
        "rule": hold.rule,
        "law": law.get(hold.rule, ""),
        "category": f"{hold.category} {label}".strip() if hold.category else "",
        "reason": hold.reason_code,
        "until": hold.until,
        "placed_by": hold.placed_by,
        "placed_at": hold.placed_at,
        "confirmed_by": hold.confirmed_by,
        "confirmed_at": hold.confirmed_at,
        "asked_by": hold.released_by,
        "asked_at": hold.release_asked_at,
        "asked_reason": hold.release_reason,
        "second": hold.release_second,
        "released_at": hold.released_at,
        "over": over,
        "may_confirm": not over and hold.confirmed_by is None and hold.placed_by != me,
        "mine": hold.placed_by == me,
        "asked_me": hold.released_by == me,
        "seen": mark_of(hold),
    }
