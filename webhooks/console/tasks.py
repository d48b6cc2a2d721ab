"""Tasks: the list, one task, and closing it with an answer."""

import uuid

from flask import Blueprint, g, redirect, request, url_for
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as BaseResponse

from models.request import Request
from models.staff import HumanTask
from models.vocabulary import TaskKind, TaskState
from webhooks.console.case import problems_of
from webhooks.console.roles import LIST, NAMES, WORK, allow
from webhooks.console.shell import Shell
from webhooks.console.tasklist import badge, open_tasks, task_row
from workflows.errors import NotFound, VastineError
from workflows.hand import shelf
from workflows.ladder.by_post import TASK as POST_CODE
from workflows.outbox import PRINT
from workflows.rectifying.work import BY_HAND as RECTIFY
from workflows.repair import ANSWERS, closable, close_by_word, is_erasing, is_search, locked_task
from workflows.rulesets import CHANGED


def pages(shell: Shell) -> Blueprint:
    """Tasks."""
    rt = shell.rt
    blueprint = Blueprint("tasks", __name__)

    @blueprint.get("/tasks")
    @allow(LIST)
    def tasks() -> BaseResponse:
        with rt.unit() as session:
            rows = open_tasks(session, shell)
            out = [
                {
                    "source": shell.catalogue.source_label(row.source, g.t.language),
                    "reference": case.reference,
                    "taken_by": row.taken_by,
                    "taken_at": row.taken_at,
                    "badge": badge(rt.today(), row.due_on),
                }
                for row, case in shelf.still_out(session)
            ]
        return shell.page("tasks.html", rows=rows, out=out, done=request.args.get("done", "") == "task_done")

    @blueprint.get("/tasks/<uuid:ident>")
    @allow(LIST)
    def task(ident: uuid.UUID) -> BaseResponse:
        return _show(shell, ident)

    @blueprint.post("/tasks/<uuid:ident>/close")
    @allow(WORK)
    def close(ident: uuid.UUID) -> BaseResponse:
        try:
            with rt.unit() as session:
                found, _ = locked_task(session, ident)
                close_by_word(session, rt, found, by=g.user.name, answer=request.form.get("answer", ""))
        except VastineError as error:
            return _show(shell, ident, problem=error)
        return redirect(url_for("tasks.tasks", done="task_done"))

    return blueprint


def _show(shell: Shell, ident: uuid.UUID, *, problem: VastineError | None = None) -> BaseResponse:
    with shell.rt.unit() as session:
        found = _task(session, ident)
        if found.kind is TaskKind.TRIAGE and found.message_id is not None:
            return redirect(url_for("triage.message", ident=found.message_id))
        if found.state is TaskState.OPEN and problem is None and (page := _hand_page(found)) and g.user.role in WORK:
            return redirect(url_for(page, ident=ident))
        if found.state is TaskState.OPEN and "notice" in found.facts and g.user.role in NAMES:
            return redirect(url_for("notices.notice", ident=found.facts["notice"]))
        reference = session.scalar(select(Request.reference).where(Request.id == found.request_id))
        if found.state is TaskState.OPEN and (there := _done_elsewhere(found, reference)):
            return redirect(there)
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


def _done_elsewhere(task: HumanTask, reference: str | None) -> str:
    """The address at which this work is done, for whoever may do it there; "" if it is done on the case's page."""
    if task.code == RECTIFY and g.user.role in NAMES:
        return url_for("corrections.corrections", reference=reference)
    if task.code == "review_candidates" and g.user.role in WORK:
        return url_for("belonging.candidates", reference=reference)
    return url_for("rules.rules") if task.code == CHANGED else ""


def _hand_page(task: HumanTask) -> str:
    """The page on which people do this work, if it has one of its own."""
    if is_search(task):
        return "hand.search"
    if task.code == PRINT and "mail" in task.facts:
        return "posting.letter"
    if task.code == POST_CODE:
        return "code_letter.letter"
    return "hand_erase.items" if is_erasing(task) else ""


def _task(session: Session, ident: uuid.UUID) -> HumanTask:
    found = session.get(HumanTask, ident)
    if found is None:
        raise NotFound("task")
    return found
