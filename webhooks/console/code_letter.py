"""A letter with a code: the page to print it from, and the word that it went out."""

import uuid

from flask import Blueprint, Response, g, redirect, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as BaseResponse

from models.request import Request
from models.staff import HumanTask
from models.vocabulary import TaskState
from webhooks.console.case import problems_of
from webhooks.console.decision import act
from webhooks.console.roles import WORK, allow
from webhooks.console.shell import Shell
from workflows.errors import NotFound, VastineError
from workflows.ladder import by_post
from workflows.repair import locked_task


def pages(shell: Shell) -> Blueprint:
    """Ask for one, print it, and say that it was posted."""
    rt = shell.rt
    blueprint = Blueprint("code_letter", __name__)

    @blueprint.post("/requests/<reference>/code-letter")
    @allow(WORK)
    def ask(reference: str) -> BaseResponse:
        def work(session: Session, case: Request) -> str:
            by_post.ask(session, rt, case, actor=g.user.name)
            return "letter_asked"

        return act(shell, reference, work, form="code_letter")

    @blueprint.get("/code-letters/<uuid:ident>")
    @allow(WORK)
    def letter(ident: uuid.UUID) -> BaseResponse:
        return _show(shell, ident)

    @blueprint.get("/code-letters/<uuid:ident>/letter.pdf")
    @allow(WORK)
    def pdf(ident: uuid.UUID) -> BaseResponse:
        with rt.unit() as session:
            task, case = _locked(session, ident)
            printed = by_post.letter_of(session, rt, case, task, user=g.user.name)
            reference = case.reference
        response = Response(printed, mimetype="application/pdf")
        response.headers["Content-Disposition"] = f'attachment; filename="{reference}_letter.pdf"'
        response.headers["Cache-Control"] = "no-store"
        return response

    @blueprint.post("/code-letters/<uuid:ident>")
    @allow(WORK)
    def done(ident: uuid.UUID) -> BaseResponse:
        try:
            with rt.unit() as session:
                task, case = _locked(session, ident)
                by_post.posted(session, rt, case, task, how=request.form.get("how", ""), user=g.user.name)
        except VastineError as error:
            return _show(shell, ident, problem=error)
        return redirect(url_for("tasks.tasks", done="task_done"), 303)

    return blueprint


def _locked(session: Session, ident: uuid.UUID) -> tuple[HumanTask, Request]:
    task, case = locked_task(session, ident)
    if case is None or task.code != by_post.TASK:
        raise NotFound("task")
    return task, case


def _show(shell: Shell, ident: uuid.UUID, *, problem: VastineError | None = None) -> BaseResponse:
    with shell.rt.unit() as session:
        task, case = _locked(session, ident)
        if task.state is TaskState.DONE:
            return redirect(url_for("tasks.task", ident=ident))
        reference, due_on = case.reference, task.due_on
    return shell.page(
        "code_letter.html",
        status=problem.status if problem else 200,
        ident=ident,
        reference=reference,
        due_on=due_on,
        ways=by_post.WAYS,
        problems=problems_of(problem) if problem else [],
    )
