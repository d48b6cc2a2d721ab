"""Tasks: the list, one task, and closing it with an answer."""

import uuid

from flask import Blueprint, g, redirect, request, url_for
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as BaseResponse

from models.request import Request
from models.staff import HumanTask
from models.vocabulary import TaskKind
from webhooks.console.case import problems_of
from webhooks.console.roles import LIST, WORK, allow
from webhooks.console.shell import Shell
from webhooks.console.tasklist import open_tasks, task_row
from workflows.errors import BadInput, Conflict, Fault, NotFound, VastineError
from workflows.human import close_task

ANSWERS = ("done", "nothing_to_do", "answered_outside")
CLOSABLE = frozenset({TaskKind.CHECK, TaskKind.MAIL_FAILED, TaskKind.RESIDUE, TaskKind.HOLD_UNKNOWN, TaskKind.BY_HAND})
"""Kinds that a person's word ends; the others end when what they ask for is done on the case's page."""


def pages(shell: Shell) -> Blueprint:
    """Tasks."""
    rt = shell.rt
    blueprint = Blueprint("tasks", __name__)

    @blueprint.get("/tasks")
    @allow(LIST)
    def tasks() -> BaseResponse:
        with rt.unit() as session:
            rows = open_tasks(session, shell)
        return shell.page("tasks.html", rows=rows, done=request.args.get("done", "") == "task_done")

    @blueprint.get("/tasks/<uuid:ident>")
    @allow(LIST)
    def task(ident: uuid.UUID) -> BaseResponse:
        return _show(shell, ident)

    @blueprint.post("/tasks/<uuid:ident>/close")
    @allow(WORK)
    def close(ident: uuid.UUID) -> BaseResponse:
        try:
            with rt.unit() as session:
                found = session.get(HumanTask, ident)
                if found is None:
                    raise NotFound("task")
                if found.request_id is not None:  # the case's lock comes before the task's
                    session.get(Request, found.request_id, with_for_update=True)
                session.refresh(found, with_for_update=True)
                answer = request.form.get("answer", "")
                if not closable(found):
                    raise Conflict("task_by_doing")
                if answer not in ANSWERS:
                    raise BadInput([Fault("answer", "answer_missing")])
                close_task(session, rt, found, by=g.user.name, answer=answer)
        except VastineError as error:
            return _show(shell, ident, problem=error)
        return redirect(url_for("tasks.tasks", done="task_done"))

    return blueprint


def _show(shell: Shell, ident: uuid.UUID, *, problem: VastineError | None = None) -> BaseResponse:
    with shell.rt.unit() as session:
        found = _task(session, ident)
        if found.kind is TaskKind.TRIAGE and found.message_id is not None:
            return redirect(url_for("triage.message", ident=found.message_id))
        reference = session.scalar(select(Request.reference).where(Request.id == found.request_id))
        row = task_row(shell, found, reference)
    return shell.page(
        "task.html",
        status=problem.status if problem else 200,
        task=row,
        closable=closable(found),
        answers=ANSWERS,
        done_by=found.done_by or "",
        problems=problems_of(problem) if problem else [],
    )


def closable(task: HumanTask) -> bool:
    """Whether a person's word is enough; to answer a right that has no flow ends its case, on the case's page."""
    return task.kind in CLOSABLE and not task.code.startswith("right_")


def _task(session: Session, ident: uuid.UUID) -> HumanTask:
    found = session.get(HumanTask, ident)
    if found is None:
        raise NotFound("task")
    return found
