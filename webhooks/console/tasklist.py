"""Tasks as lists show them: what is to be done, until when, about which case."""

from datetime import date
from typing import Any

from flask import g
from sqlalchemy import select
from sqlalchemy.orm import Session

from models.request import Request
from models.staff import HumanTask
from models.vocabulary import TaskKind, TaskState
from webhooks.console.shell import Shell
from workflows.nearness import hidden_from

MOST = 200


def open_tasks(session: Session, shell: Shell) -> list[dict[str, Any]]:
    """The tasks that wait, the next due first."""
    rows = session.execute(
        select(HumanTask, Request.reference)
        .join(Request, Request.id == HumanTask.request_id, isouter=True)
        .where(HumanTask.state == TaskState.OPEN)
        .order_by(HumanTask.due_on, HumanTask.created_at, HumanTask.id)
        .limit(MOST)
    )
    hidden = hidden_from(session, g.user.name)
    return [task_row(shell, task, reference) for task, reference in rows if task.request_id not in hidden]


def task_row(shell: Shell, task: HumanTask, reference: str | None) -> dict[str, Any]:
    """One task in words."""
    return {
        "id": str(task.id),
        "kind": task.kind.value,
        "what": g.t(f"task.{task.kind.value}"),
        "why": sentence(shell, task),
        "reference": reference,
        "due_on": task.due_on,
        "badge": badge(shell.rt.today(), task.due_on) if task.due_on else None,
        "triage": task.kind is TaskKind.TRIAGE,
        "open": task.state is TaskState.OPEN,
        "message_id": task.message_id,
    }


def sentence(shell: Shell, task: HumanTask) -> str:
    """Why the task is there."""
    key = f"why.{task.code}"
    source = str(task.facts.get("source") or "")
    label = shell.catalogue.source_label(source, g.t.language) if source else ""
    if key in g.t:
        column = ".".join(str(task.facts[k]) for k in ("collection", "field") if task.facts.get(k))
        return str(g.t(key, source=label, column=column, mailbox=str(task.facts.get("mailbox") or "")))
    told = g.t("why.source", source=label, code=task.code) if label else g.t("why.other", code=task.code)
    return str(told)


def badge(today: date, due_on: date) -> dict[str, Any]:
    """Days left in words and a tone; never told by colour alone."""
    days = (due_on - today).days
    if days < 0:
        return {"tone": "bad", "text": g.t("due.overdue", days=-days)}
    if days == 0:
        return {"tone": "bad", "text": g.t("due.today")}
    return {"tone": "warn" if days <= 7 else "ok", "text": g.t("due.left", days=days)}
