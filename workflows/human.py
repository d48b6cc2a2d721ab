"""Work for people: a task exists once per key, and is closed by name."""

import uuid
from collections.abc import Mapping
from datetime import date
from typing import Any

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from models.session import reading
from models.staff import HumanTask
from models.vocabulary import TaskKind, TaskState
from workflows import audit
from workflows.errors import Conflict
from workflows.runtime import Runtime

COMPLAINT = "complaint"
"""Code of the task of what a person is unhappy with: it is answered whatever becomes of their case."""

_OPEN = select(HumanTask).where(
    HumanTask.request_id == bindparam("of"),
    HumanTask.state == TaskState.OPEN,
    HumanTask.kind.in_(bindparam("kinds", expanding=True)),
)


def open_task(
    session: Session,
    rt: Runtime,
    *,
    key: str,
    kind: TaskKind,
    code: str,
    request_id: uuid.UUID | None = None,
    step_id: uuid.UUID | None = None,
    message_id: uuid.UUID | None = None,
    due_on: date | None = None,
    facts: Mapping[str, Any] | None = None,
) -> HumanTask:
    """The task of this key, opened if there is none and reopened if it was done before."""
    task = session.scalar(select(HumanTask).where(HumanTask.key == key))
    if task is None:
        task = HumanTask(key=key, created_at=rt.now())
        session.add(task)
    task.kind, task.code, task.facts, task.due_on = kind, code, dict(facts or {}), due_on
    task.request_id, task.step_id, task.message_id = request_id, step_id, message_id
    task.state, task.done_at, task.done_by, task.answer = TaskState.OPEN, None, None, None
    return task


def close_task(session: Session, rt: Runtime, task: HumanTask, *, by: str, answer: str) -> None:
    """Mark a task done; raises `Conflict` if somebody else did it."""
    if task.state is TaskState.DONE:
        raise Conflict("task_done")
    task.state, task.done_at, task.done_by, task.answer = TaskState.DONE, rt.now(), by, answer
    audit.record(
        session,
        "task:done",
        at=rt.now(),
        actor=by,
        request_id=task.request_id,
        facts={"task": task.key, "answer": answer},
    )


def close_tasks_of(
    session: Session, rt: Runtime, request_id: uuid.UUID, *, kinds: set[TaskKind], by: str, source: str = ""
) -> None:
    """Close what a request no longer needs; with `source`, only what is about that source. A complaint stays open."""
    with reading(session, HumanTask):
        tasks = session.scalars(_OPEN, {"of": request_id, "kinds": list(kinds)}).all()
    for task in tasks:
        if task.code == COMPLAINT or (source and task.facts.get("source") != source):
            continue
        close_task(session, rt, task, by=by, answer="settled")
