"""The queue: every case by its deadline; the filters are the address, so a link is a view."""

import uuid
from collections import Counter
from collections.abc import Sequence
from typing import Any

from flask import Blueprint, g, request, url_for
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as BaseResponse

from models.collection import Finding
from models.decision import Plan, PlanItem
from models.request import Request
from models.staff import HumanTask
from models.vocabulary import PlanState, RequestState, Right, SourceResult, TaskState
from webhooks.console.masking import person_of
from webhooks.console.roles import LIST, NAMES, allow
from webhooks.console.shell import Shell
from webhooks.console.tasklist import badge
from webhooks.listing import FILTERS, STATES, listed, mark
from workflows import audit
from workflows.nearness import hidden_from
from workflows.rules.reference import parse_reference

PAGE = 50


def pages(shell: Shell) -> Blueprint:
    """The queue."""
    rt = shell.rt
    blueprint = Blueprint("queue", __name__)

    @blueprint.get("/requests")
    @allow(LIST)
    def queue() -> BaseResponse:
        chosen = {k: request.args.get(k, "").strip()[:60] for k in FILTERS}
        with rt.unit() as session:
            found = session.scalars(listed(chosen, rt.today()).limit(PAGE + 1)).all()
            hidden = hidden_from(session, g.user.name)
            rows = _rows(session, shell, [one for one in found[:PAGE] if one.id not in hidden])
            if rows and g.user.role in NAMES:
                audit.record(session, "case:searched", at=rt.now(), actor=g.user.name, facts={"rows": len(rows)})
        older = ""
        if len(found) > PAGE:
            last = found[PAGE - 1]
            kept: dict[str, Any] = {k: v for k, v in chosen.items() if v and k != "after"}
            older = url_for("queue.queue", **kept, after=mark(last))
        unknown = bool(chosen["q"]) and parse_reference(chosen["q"]) is None
        return shell.page(
            "queue.html",
            rows=rows,
            chosen=chosen,
            rights=[r.value for r in Right],
            states=STATES,
            older=older,
            unknown=unknown,
        )

    return blueprint


def _rows(session: Session, shell: Shell, found: Sequence[Request]) -> list[dict[str, Any]]:
    ids = [r.id for r in found]
    done, failing = _progress(session, ids)
    held = _holds(session, ids)
    tasks = _tasks(session, ids)
    total = len(shell.rt.register.sources)
    rows = []
    for one in found:
        failed = [shell.catalogue.source_label(n, g.t.language) for n in failing.get(one.id, ())]
        rows.append(
            {
                "reference": one.reference,
                "person": person_of(session, shell, one),
                "right": one.right.value,
                "state": one.state.value,
                "outcome": one.outcome.value if one.outcome else "",
                "due_on": one.due_on,
                "badge": None if one.answered_at else badge(shell.rt.today(), one.due_on),
                "extended": one.extended_until is not None,
                "done": done[one.id],
                "total": total,
                "failing": failed,
                "holds": held.get(one.id, 0),
                "next": _next(one, tasks.get(one.id, ()), failing=bool(failed)),
                "language": one.language,
                "channel": one.channel.value,
            }
        )
    return rows


def _progress(session: Session, ids: Sequence[uuid.UUID]) -> tuple[Counter[uuid.UUID], dict[uuid.UUID, list[str]]]:
    done: Counter[uuid.UUID] = Counter()
    failing: dict[uuid.UUID, list[str]] = {}
    for ident, source, result in session.execute(
        select(Finding.request_id, Finding.source, Finding.result).where(Finding.request_id.in_(ids))
    ):
        if result in (SourceResult.FOUND, SourceResult.NONE):
            done[ident] += 1
        else:
            failing.setdefault(ident, []).append(source)
    return done, failing


def _holds(session: Session, ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, int]:
    rows = session.execute(
        select(Plan.request_id, func.count())
        .join(PlanItem, PlanItem.plan_id == Plan.id)
        .where(Plan.request_id.in_(ids), Plan.state != PlanState.VOID, PlanItem.reason.in_(("hold", "hold_unknown")))
        .group_by(Plan.request_id)
    )
    return dict(rows.all())


def _tasks(session: Session, ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, list[str]]:
    waiting: dict[uuid.UUID, list[str]] = {}
    for ident, kind in session.execute(
        select(HumanTask.request_id, HumanTask.kind)
        .where(HumanTask.request_id.in_(ids), HumanTask.state == TaskState.OPEN)
        .order_by(HumanTask.due_on, HumanTask.created_at)
    ):
        if ident is not None:
            waiting.setdefault(ident, []).append(kind.value)
    return waiting


def _next(one: Request, tasks: Sequence[str], *, failing: bool) -> str:
    if tasks:
        return str(g.t(f"task.{tasks[0]}"))
    if failing and one.state is RequestState.COLLECTING:
        return str(g.t("task.source_failed"))
    return str(g.t(f"next.{one.state.value}"))
