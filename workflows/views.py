"""Narrow reads for screens, the API and the command line. Everything that writes goes through a stage.

The shapes are promises to scripts: fields may be added, none renamed.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models.collection import Finding
from models.decision import Approval
from models.delivery import Artifact, Outbox
from models.request import Request
from models.step import Step
from models.vocabulary import Action, RequestState
from workflows.casefile import open_key
from workflows.caseview import current_plan, guarantees_of, source_facts
from workflows.correcting import corrections
from workflows.errors import NotFound
from workflows.rules.reference import parse_reference
from workflows.runtime import Runtime
from workflows.standing import Standing, open_item, standings

Json = dict[str, Any]


def find_request(session: Session, text: str, *, lock: bool = False) -> Request:
    """The request of a reference as a person may type it; raises `NotFound`."""
    reference = parse_reference(text)
    found = select(Request).where(Request.reference == reference)
    request = session.scalar(found.with_for_update() if lock else found) if reference else None
    if request is None:
        raise NotFound("request", detail="there is no request with this reference")
    return request


def _iso(value: date | datetime | None) -> str | None:
    return value.isoformat() if value else None


def request_row(request: Request) -> Json:
    """One line of a list."""
    return {
        "reference": request.reference,
        "right": request.right.value,
        "state": request.state.value,
        "outcome": request.outcome.value if request.outcome else None,
        "channel": request.channel.value,
        "language": request.language,
        "received_at": _iso(request.received_at),
        "received_on": _iso(request.received_on),
        "due_a": _iso(request.due_a),
        "due_b": _iso(request.due_b),
        "extended_until": _iso(request.extended_until),
        "due_on": _iso(request.due_on),
        "answered_at": _iso(request.answered_at),
        "closed_at": _iso(request.closed_at),
    }


def list_requests(session: Session, *, open_only: bool = False, most: int = 200) -> list[Json]:
    """Requests by deadline, the next one first."""
    query = select(Request).order_by(Request.due_on, Request.id).limit(most)
    if open_only:
        query = query.where(Request.state.not_in((RequestState.CLOSED, RequestState.HELD)))
    return [request_row(r) for r in session.scalars(query)]


def show_request(session: Session, rt: Runtime, request: Request) -> Json:
    """Everything about a request but the personal data."""
    findings = {f.source: f for f in session.scalars(select(Finding).where(Finding.request_id == request.id))}
    steps = session.scalars(select(Step).where(Step.request_id == request.id).order_by(Step.run_at, Step.key))
    mails = session.scalars(select(Outbox).where(Outbox.request_id == request.id).order_by(Outbox.run_at, Outbox.key))
    files = session.scalars(select(Artifact).where(Artifact.request_id == request.id).order_by(Artifact.name))
    return {
        **request_row(request),
        "categories": request.categories,
        "verified": request.verified_method.value if request.verified_method else None,
        "recheck_on": _iso(request.recheck_on),
        "corrections": [
            {"at": _iso(c.at), "by": c.by, "before": _iso(c.before), "received_on": _iso(c.after)}
            for c in corrections(session, request)
        ],
        "sources": [
            {
                "source": s.name,
                "result": s.result.value,
                "why": s.why or None,
                "collections": dict(s.counts),
                "ownership": dict(s.ownerships),
                "searched_at": _iso(findings[s.name].searched_at) if s.name in findings else None,
            }
            for s in source_facts(session, rt, request)
        ],
        "holds": holds_of(session, request),
        "steps": [
            {
                "key": s.key,
                "kind": s.kind.value,
                "source": s.source,
                "state": s.state.value,
                "attempts": s.attempts,
                "error": s.error_code,
            }
            for s in steps
        ],
        "letters": [
            {"letter": m.letter, "language": m.language, "state": m.state.value, "sent_at": _iso(m.sent_at)}
            for m in mails
        ],
        "files": [{"name": f.name, "bytes": f.size_bytes, "sha256": f.digest.hex()} for f in files],
    }


def holds_of(session: Session, request: Request) -> list[Json]:
    """The current plan's holds, each rule once: how many items, the latest end, the law."""
    plan = current_plan(session, request)
    rules: dict[str, Json] = {}
    for item in standings(session, plan) if plan else ():
        for hold in item.holds:
            known = rules.setdefault(
                hold["rule"],
                {"rule": hold["rule"], "items": 0, "until": hold["until"], "law": hold["law"], "unknown": False},
            )
            known["items"] += 1
            known["unknown"] = known["unknown"] or hold["unknown"]
            if hold["until"] is None or known["until"] is None:
                known["until"] = None  # at least one of them has no known end
            else:
                known["until"] = max(known["until"], hold["until"])
    return [rules[name] for name in sorted(rules)]


def show_plan(session: Session, rt: Runtime, request: Request) -> Json:
    """What would be erased, kept, until when and why. Raises `NotFound` while there is no plan."""
    plan = current_plan(session, request)
    if plan is None:
        raise NotFound("plan", detail=f"there is no plan yet; the request is {request.state.value}")
    key = open_key(session, rt, request.data_key_id)
    items = [_item(s, open_item(key, s.row)[0]) for s in standings(session, plan)]
    return {
        "reference": request.reference,
        "version": plan.version,
        "hash": plan.plan_hash.hex(),
        "state": plan.state.value,
        "approvals": list(session.scalars(select(Approval.approver).where(Approval.plan_id == plan.id))),
        "guarantees": guarantees_of(plan),
        "items": items,
    }


def _item(standing: Standing, locator: Json) -> Json:
    """Action and fields as they were approved; end, holds and reason as they are today."""
    row = standing.row
    latest = standing.receipts[-1].outcome.value if standing.receipts else None
    return {
        "source": row.source,
        "collection": row.collection,
        "locator": locator,
        "category": row.category,
        "ownership": row.ownership.value,
        "action": row.action.value,
        "fields": list(row.fields),
        "until": _until(standing.holds) if row.action in (Action.KEEP, Action.MASK) else None,
        "erase_on": _iso(standing.erase_on),
        "planned_on": _iso(row.erase_on),
        "told_on": _iso(standing.told_on) if standing.waits else None,
        "later": row.later_action.value if row.later_action else None,
        "waits": standing.waits,
        "masked": sorted(standing.masked),
        "receipt": latest,
        "holds": [hold["rule"] for hold in standing.holds],
        "reason": standing.reason,
    }


def _until(holds: Sequence[Json]) -> str | None:
    ends = [h["until"] for h in holds]
    return max(ends) if ends and all(ends) else None


def counts_by_state(session: Session) -> Mapping[str, int]:
    """How many requests are in each state."""
    return {s.value: n for s, n in session.execute(select(Request.state, func.count()).group_by(Request.state))}
