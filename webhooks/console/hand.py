"""A search that people do: what to look for, the form, scans, folders taken out."""

import uuid
from collections.abc import Callable
from typing import Any

from flask import Blueprint, g, redirect, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as BaseResponse

from models.request import Request
from models.staff import HumanTask
from models.vocabulary import TaskState
from webhooks.console.case import problems_of
from webhooks.console.roles import WORK, allow, takes_files
from webhooks.console.shell import Shell
from webhooks.console.tasklist import badge
from webhooks.handwork import UPLOAD_BYTES, locked_task, owners, search_facts, take_form, take_scan, told
from webhooks.words import load_words
from workflows import audit
from workflows.casefile import open_key
from workflows.errors import BadInput, VastineError
from workflows.hand import places, shelf
from workflows.hand.access import check_may_work

NOTES = frozenset({"save", "add", "drop", "scan", "taken", "returned"})

Work = Callable[[Session, HumanTask, Request], str]
Act = Callable[[uuid.UUID, Work], BaseResponse]


def pages(shell: Shell) -> Blueprint:
    """The page of a search and what its buttons do."""
    words = load_words("hand.")
    blueprint = Blueprint("hand", __name__)

    def act(ident: uuid.UUID, work: Work) -> BaseResponse:
        try:
            return worked(shell, ident, work, page="hand.search")
        except VastineError as error:
            return show(shell, words[g.t.language], ident, problem=error)

    @blueprint.get("/hand/<uuid:ident>")
    @allow(WORK)
    def search(ident: uuid.UUID) -> BaseResponse:
        return show(shell, words[g.t.language], ident)

    @blueprint.post("/hand/<uuid:ident>")
    @allow(WORK)
    def save(ident: uuid.UUID) -> BaseResponse:
        return act(ident, lambda s, task, case: take_form(s, shell.rt, case, task, form=request.form, by=g.user.name))

    @blueprint.post("/hand/<uuid:ident>/scan")
    @allow(WORK)
    @takes_files(UPLOAD_BYTES)
    def scan(ident: uuid.UUID) -> BaseResponse:
        content, entry = uploaded(), request.form.get("entry", "")

        def work(session: Session, task: HumanTask, case: Request) -> str:
            take_scan(session, shell.rt, case, task, entry=entry, content=content, by=g.user.name)
            return "scan"

        return act(ident, work)

    _folders(shell, blueprint, act)
    return blueprint


def _folders(shell: Shell, blueprint: Blueprint, act: Act) -> None:
    @blueprint.post("/hand/<uuid:ident>/folder")
    @allow(WORK)
    def take(ident: uuid.UUID) -> BaseResponse:
        def work(session: Session, task: HumanTask, case: Request) -> str:
            folder = request.form.get("folder", "")
            shelf.take_out(session, shell.rt, case, g.user, source=str(task.facts["source"]), folder=folder)
            return "taken"

        return act(ident, work)

    @blueprint.post("/hand/<uuid:ident>/folder/<uuid:checkout>")
    @allow(WORK)
    def back(ident: uuid.UUID, checkout: uuid.UUID) -> BaseResponse:
        def work(session: Session, task: HumanTask, case: Request) -> str:  # noqa: ARG001 (the shape of work)
            shelf.bring_back(session, shell.rt, case, g.user, ident=checkout)
            return "returned"

        return act(ident, work)


def worked(shell: Shell, ident: uuid.UUID, work: Work, *, page: str) -> BaseResponse:
    """Do the work on this task, and lead on: back to its page with a note, or to all tasks once it is done."""
    with shell.rt.unit() as session:
        task, case = guarded(session, shell, ident)
        note = work(session, task, case)
        over = task.state is TaskState.DONE
    if over:
        return redirect(url_for("tasks.tasks", done="task_done"), 303)
    return redirect(url_for(page, ident=ident, note=note), 303)


def guarded(session: Session, shell: Shell, ident: uuid.UUID) -> tuple[HumanTask, Request]:
    """The task and its request, locked, if this person may do this work. Raises `NotFound` or `NotAllowed`."""
    task, case = locked_task(session, ident)
    check_may_work(g.user, places.worked_spec(shell.rt.register, str(task.facts["source"])))
    return task, case


def uploaded() -> bytes:
    """The bytes of the uploaded file, none if there is none; its name says nothing to us."""
    file = request.files.get("file")
    return file.read() if file is not None else b""


def show(shell: Shell, words: Any, ident: uuid.UUID, *, problem: VastineError | None = None) -> BaseResponse:
    """The page; who looks at whose search terms is an audit entry."""
    rt = shell.rt
    with rt.unit() as session:
        task, case = guarded(session, shell, ident)
        if task.state is TaskState.DONE:
            return redirect(url_for("tasks.task", ident=ident))
        source = str(task.facts["source"])
        looked = {"what": "search_terms", "source": source}
        audit.record(session, "case:read", at=rt.now(), actor=g.user.name, request_id=case.id, facts=looked)
        typed = request.form if problem is not None and "revision" in request.form else None
        facts = search_facts(session, rt, case, task, words=words, catalogue=shell.catalogue, typed=typed)
        key = open_key(session, rt, case.data_key_id)
        folders = [
            {
                "id": row.id,
                "folder": shelf.folder_of(key, row),
                "taken_by": row.taken_by,
                "taken_at": row.taken_at,
                "returned_by": row.returned_by,
                "returned_at": row.returned_at,
            }
            for row in shelf.log_of(session, case, source)
        ]
        due, reference = task.due_on, case.reference
    note = request.args.get("note", "")
    return shell.page(
        "hand_search.html",
        status=problem.status if problem else 200,
        h=words,
        s=facts,
        ident=ident,
        reference=reference,
        due_on=due,
        badge=badge(rt.today(), due) if due else None,
        folders=folders,
        owners=owners(words),
        problems=problems_in(problem, words),
        note=note if note in NOTES else "",
    )


def problems_in(problem: VastineError | None, words: Any) -> list[dict[str, str]]:
    """What went wrong, in words of these pages or of the console's."""
    if problem is None:
        return []
    if isinstance(problem, BadInput):
        return told(problem, words)
    key = f"error.{problem.code}"
    return [{"field": "", "text": words(key)}] if key in words else problems_of(problem)
