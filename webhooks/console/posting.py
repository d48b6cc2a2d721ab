"""A letter that no mail can bring: the page to print it from, and the word that it was taken to the post."""

import uuid

from flask import Blueprint, g, redirect, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as BaseResponse

from models.request import Request
from models.staff import HumanTask
from models.vocabulary import TaskState
from webhooks.console.case import problems_of
from webhooks.console.roles import WORK, allow
from webhooks.console.shell import Shell
from workflows import audit
from workflows.errors import NotFound, VastineError
from workflows.posting import WAYS, posted, sheet_of
from workflows.repair import locked_task


def pages(shell: Shell) -> Blueprint:
    """Print, and say that it was posted."""
    rt = shell.rt
    blueprint = Blueprint("posting", __name__)

    @blueprint.get("/post/<uuid:ident>")
    @allow(WORK)
    def letter(ident: uuid.UUID) -> BaseResponse:
        return _show(shell, ident)

    @blueprint.post("/post/<uuid:ident>")
    @allow(WORK)
    def done(ident: uuid.UUID) -> BaseResponse:
        try:
            with rt.unit() as session:
                task, case = _locked(session, ident)
                posted(session, rt, case, task, how=request.form.get("how", ""), user=g.user.name)
        except VastineError as error:
            return _show(shell, ident, problem=error)
        return redirect(url_for("tasks.tasks", done="task_done"), 303)

    return blueprint


def _locked(session: Session, ident: uuid.UUID) -> tuple[HumanTask, Request]:
    task, case = locked_task(session, ident)
    if case is None:
        raise NotFound("task")
    return task, case


def _show(shell: Shell, ident: uuid.UUID, *, problem: VastineError | None = None) -> BaseResponse:
    rt = shell.rt
    with rt.unit() as session:
        task, case = _locked(session, ident)
        if task.state is TaskState.DONE:
            return redirect(url_for("tasks.task", ident=ident))
        sheet = sheet_of(session, rt, case, task)
        looked = {"what": "letter", "letter": sheet.letter.value}
        audit.record(session, "case:read", at=rt.now(), actor=g.user.name, request_id=case.id, facts=looked)
        reference, due_on = case.reference, task.due_on
    return shell.page(
        "posting.html",
        status=problem.status if problem else 200,
        ident=ident,
        sheet=sheet,
        reference=reference,
        due_on=due_on,
        ways=WAYS,
        problems=problems_of(problem) if problem else [],
    )
