"""The record of what was done: look through a chain, and check that none was changed."""

from typing import Any

from flask import Blueprint, g, request, url_for
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as BaseResponse

from models.audit import AuditEntry
from webhooks.console.roles import AUDIT, allow
from webhooks.console.shell import Shell
from webhooks.console.timeline import entry_row
from workflows.audit import HOUSE, broken_links, record
from workflows.barring import READ
from workflows.errors import NotAllowed, NotFound
from workflows.views import find_request

PAGE = 100


def pages(shell: Shell) -> Blueprint:
    """The audit page."""
    rt = shell.rt
    blueprint = Blueprint("audit", __name__)

    @blueprint.get("/audit")
    @allow(AUDIT)
    def audit() -> BaseResponse:
        typed = request.args.get("q", "").strip()[:60]
        before = request.args.get("before", "")
        with rt.unit() as session:
            chain, missing = _chain(shell, session, typed)
            entries = _entries(session, chain, before=before)
            checked = _check(session) if request.args.get("verify") == "1" else None
        older = ""
        if len(entries) > PAGE:
            older = url_for("audit.audit", before=entries[PAGE - 1].n, q=typed or None)
        rows = [entry_row(shell, entry) for entry in entries[:PAGE]]
        return shell.page(
            "audit.html", rows=rows, typed=typed, missing=missing, older=older, checked=checked, house=chain == HOUSE
        )

    return blueprint


def _chain(shell: Shell, session: Session, typed: str) -> tuple[str, bool]:
    if not typed:
        return HOUSE, False
    try:
        found = find_request(session, typed, lock=True)
        looked = {"what": "record"}
        record(session, READ, at=shell.rt.now(), actor=g.user.name, request_id=found.id, facts=looked)
    except (NotFound, NotAllowed):
        return HOUSE, True
    return str(found.id), False


def _entries(session: Session, chain: str, *, before: str) -> list[AuditEntry]:
    query = select(AuditEntry).where(AuditEntry.chain == chain).order_by(AuditEntry.n.desc()).limit(PAGE + 1)
    if before.isascii() and before.isdigit() and len(before) < 10:
        query = query.where(AuditEntry.n < int(before))
    return list(session.scalars(query))


def _check(session: Session) -> dict[str, Any]:
    broken = [{"chain": b.chain, "n": b.n, "why": b.why} for b in broken_links(session)]
    count, chains = session.execute(select(func.count(), func.count(AuditEntry.chain.distinct()))).one()
    return {"broken": broken, "entries": count, "chains": chains}
