"""One case as the reader may see it: facts, deadline, identity, sources, plan, letters, files, what came in."""

from typing import Any

from flask import g
from sqlalchemy import select
from sqlalchemy.orm import Session

from models.collection import Finding
from models.decision import Approval, Plan
from models.delivery import Artifact, Outbox
from models.intake import Message, MessageCase
from models.request import Request
from models.staff import HumanTask
from models.step import Step
from models.vocabulary import Kind, Method, PlanState, RequestState, Right, SourceResult, StepState, TaskState
from webhooks.console.columns import plan_columns
from webhooks.console.holding_view import holding_facts
from webhooks.console.kinds_view import kinds_facts
from webhooks.console.lowering_view import lowering_facts
from webhooks.console.masking import DOTS, mask_identifier, person_of
from webhooks.console.refusal_view import refusal_facts
from webhooks.console.restriction_view import restriction_facts
from webhooks.console.roles import NAMES, RECORDS
from webhooks.console.shell import Shell
from webhooks.console.tasklist import badge, task_row
from webhooks.console.thread_view import thread_facts
from webhooks.console.timeline import timeline
from webhooks.console.withholding_view import withholding_facts
from workflows.asking import asks_of
from workflows.candidates import undecided
from workflows.casefile import Claim, open_claim, open_key, open_proof
from workflows.caseview import current_plan, guarantees_of, plan_lines, receipt_counts, target_on
from workflows.correcting import corrections
from workflows.errors import NeverAgain
from workflows.ladder import by_post, nearly
from workflows.ladder.seeing import DOCUMENTS
from workflows.ladder.supporting import COMPARED
from workflows.lifecycle import BEFORE_EFFECTS, may_withdraw
from workflows.notice import may_object
from workflows.ports import RequestKey
from workflows.reopening import may_reopen
from workflows.rules.deadlines import may_extend
from workflows.rules.lookalike import looks_like_another
from workflows.stages.decision import needed
from workflows.views import request_row


def case_of(session: Session, shell: Shell, request: Request) -> dict[str, Any]:
    """Everything the page shows. The caller has written down that it was looked at."""
    try:
        key: RequestKey | None = open_key(session, shell.rt, request.data_key_id)
    except NeverAgain:
        key = None
    verifying = request.state is RequestState.VERIFYING
    return {
        **request_row(request),
        "person": person_of(session, shell, request),
        "due_on": request.due_on,
        "badge": None if request.answered_at else badge(shell.rt.today(), request.due_on),
        "target_on": target_on(shell.rt, request),
        "due_a": request.due_a,
        "due_b": request.due_b,
        "received_on": request.received_on,
        "received_at": request.received_at,
        "answered_at": request.answered_at,
        "extended_until": request.extended_until,
        "extension_reason": request.extension_reason,
        "suspended_a": request.suspended_a,
        "asks": asks_of(session, request, key if g.user.role in RECORDS else None),
        "may_ask": request.answered_at is None and request.state not in (RequestState.CLOSED, RequestState.CLOSING),
        "may_reopen": may_reopen(request) and key is not None,
        "recheck_on": request.recheck_on,
        "refusal_ground": request.refusal_ground,
        "may_extend": _may_extend(shell, request),
        "may_correct": request.answered_at is None and request.state not in (RequestState.CLOSED, RequestState.CLOSING),
        "corrections": corrections(session, request, key if g.user.role in RECORDS else None),
        "may_withdraw": may_withdraw(request),
        "may_answer": request.state in BEFORE_EFFECTS and request.answered_at is None,
        "deciding": request.state is RequestState.DECIDING,
        "objectable": request.state is not RequestState.DECIDING and may_object(shell.rt, request),
        "objection_until": request.objection_until,
        "verifying": verifying,
        "identity": _identity(request, key) | {"near": nearly.noted(session, request)},
        "compared": COMPARED,
        "may_post_code": verifying and by_post.standing(session, shell.rt, request) == "may",
        "lowering": lowering_facts(session, shell, request) if key else None,
        "candidates": undecided(session, request),
        "sources": _sources(session, shell, request),
        "steps": _stuck_steps(session, request),
        "plan": _plan(session, shell, request, key=key),
        "kinds": kinds_facts(shell, request),
        "refusal": refusal_facts(session, shell, request, key),
        "restriction": restriction_facts(session, shell, request, key),
        "withholding": withholding_facts(session, shell, request, key),
        "holds": holding_facts(session, shell, request, key),
        "receipts": receipt_counts(session, request),
        "letters": _letters(session, request),
        "files": _files(session, request),
        "messages": _messages(session, request),
        "thread": thread_facts(session, shell, request),
        "tasks": _tasks(session, shell, request),
        "timeline": timeline(session, shell, request),
    }


def _may_extend(shell: Shell, request: Request) -> bool:
    unanswered = request.answered_at is None and request.state not in (RequestState.CLOSED, RequestState.CLOSING)
    return unanswered and request.extended_at is None and may_extend(shell.rt.today(), request.due_b)


def _identity(request: Request, key: RequestKey | None) -> dict[str, Any]:
    claim = open_claim(key, request) if key else Claim()
    contact = open_proof(key, request).contact if key and request.proof_sealed is not None else None
    plain = g.user.role in NAMES
    shown = {name: value if plain else mask_identifier(value) for name, value in claim.identifiers.items()}
    return {
        "method": request.verified_method.value if request.verified_method else "",
        "at": request.verified_at,
        "by": request.verified_by or "",
        "proven": request.proof_sealed is not None,
        "claimed": shown,
        "name": claim.name if plain else "",
        "for_another": claim.for_another,
        "text": claim.text if plain else "",
        "reply_to": (claim.reply_to if plain else mask_identifier(claim.reply_to)) if claim.reply_to else "",
        "lookalike": any(map(looks_like_another, (claim.reply_to, claim.identifiers.get("email", "")))),
        "contact": _contact(contact, plain=plain),
        "methods": [m.value for m in (Method.DESK, Method.CALL_BACK)],
        "documents": DOCUMENTS,
    }


def _contact(contact: Any, *, plain: bool) -> dict[str, str]:
    if contact is None:
        return {}
    found = {"email": contact.email, "phone": contact.phone, "postal": ", ".join(contact.postal)}
    if contact.protected:
        found["postal"] = DOTS
    return {name: value if plain else mask_identifier(value) for name, value in found.items() if value}


def _sources(session: Session, shell: Shell, request: Request) -> list[dict[str, Any]]:
    findings = {f.source: f for f in session.scalars(select(Finding).where(Finding.request_id == request.id))}
    steps = {
        str(s.source): s
        for s in session.scalars(
            select(Step).where(Step.request_id == request.id, Step.kind == Kind.COLLECT).order_by(Step.run_at, Step.key)
        )
    }
    rows = []
    for name in shell.rt.register.sources:
        finding, step = findings.get(name), steps.get(name)
        result = finding.result if finding else SourceResult.NOT_SEARCHED
        stuck = step is not None and _is_stuck(step)
        rows.append(
            {
                "name": name,
                "label": shell.catalogue.source_label(name, g.t.language),
                "result": result.value,
                "why": (step.error_code if step and stuck else "") or (finding.why if finding else "") or "",
                "items": finding.items if finding else 0,
                "counts": [
                    (shell.catalogue.collection_label(name, collection, g.t.language), count)
                    for collection, count in sorted((finding.counts if finding else {}).items())
                ],
                "others": _others(finding),
                "searched_at": finding.searched_at if finding else None,
                "readable": finding is not None and finding.blob is not None and g.user.role in RECORDS,
                "step": str(step.id) if step and stuck else "",
            }
        )
    return rows


def _is_stuck(step: Step) -> bool:
    return step.state is StepState.NEEDS_HUMAN or (step.state is StepState.READY and step.error_code is not None)


def _others(finding: Finding | None) -> int:
    return sum(count for kind, count in (finding.ownerships if finding else {}).items() if kind != "own")


def _stuck_steps(session: Session, request: Request) -> list[dict[str, Any]]:
    """Steps that gave up and belong to no source."""
    return [
        {"id": str(s.id), "kind": s.kind.value, "code": s.error_code or ""}
        for s in session.scalars(
            select(Step).where(
                Step.request_id == request.id, Step.state == StepState.NEEDS_HUMAN, Step.source.is_(None)
            )
        )
    ]


def _plan(session: Session, shell: Shell, request: Request, *, key: RequestKey | None) -> dict[str, Any] | None:
    plan = current_plan(session, request)
    if plan is None or key is None:
        return None
    columns = plan_columns(shell, plan_lines(session, key, plan))
    approvals = _approvals(session, plan)
    return {
        "hash": plan.plan_hash.hex(),
        "short": plan.plan_hash.hex()[:12],
        "version": plan.version,
        "state": plan.state.value,
        "items": plan.item_count,
        "columns": columns,
        "counts": {name: sum(row["count"] for row in rows) for name, rows in columns.items()},
        "approvals": approvals,
        "needed": needed(shell.rt, request),
        "mine": any(a["name"] == g.user.name for a in approvals),
        "open": plan.state is PlanState.FROZEN,
        "erases": request.right is Right.ERASURE,
        "guarantees": [
            (shell.catalogue.source_label(name, g.t.language), tier) for name, tier in guarantees_of(plan).items()
        ],
    }


def _approvals(session: Session, plan: Plan) -> list[dict[str, Any]]:
    rows = session.scalars(select(Approval).where(Approval.plan_id == plan.id).order_by(Approval.at))
    return [{"name": a.approver, "at": a.at} for a in rows]


def _letters(session: Session, request: Request) -> list[dict[str, Any]]:
    rows = session.scalars(select(Outbox).where(Outbox.request_id == request.id).order_by(Outbox.run_at, Outbox.key))
    return [
        {"letter": m.letter, "language": m.language, "state": m.state.value, "at": m.sent_at, "why": m.error_code or ""}
        for m in rows
    ]


def _files(session: Session, request: Request) -> list[dict[str, Any]]:
    rows = session.scalars(select(Artifact).where(Artifact.request_id == request.id).order_by(Artifact.name))
    return [
        {"name": a.name, "bytes": a.size_bytes, "at": a.made_at, "there": a.purged_at is None, "sha": a.digest.hex()}
        for a in rows
    ]


def _messages(session: Session, request: Request) -> list[dict[str, Any]]:
    rows = session.scalars(
        select(Message)
        .join(MessageCase, MessageCase.message_id == Message.id)
        .where(MessageCase.request_id == request.id)
        .order_by(Message.arrived_at)
    )
    return [
        {"id": str(m.id), "channel": m.channel.value, "at": m.arrived_at, "bytes": m.size_bytes, "state": m.state.value}
        for m in rows
    ]


def _tasks(session: Session, shell: Shell, request: Request) -> list[dict[str, Any]]:
    rows = session.scalars(
        select(HumanTask)
        .where(HumanTask.request_id == request.id, HumanTask.state == TaskState.OPEN)
        .order_by(HumanTask.due_on, HumanTask.created_at)
    )
    return [task_row(shell, task, request.reference) for task in rows]
