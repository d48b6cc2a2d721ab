"""Erasing by hand: one section an item; one person ticks it, another confirms it."""

import uuid
from collections.abc import Mapping
from typing import Any

from flask import Blueprint, g, redirect, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as BaseResponse

from models.request import Request
from models.staff import HumanTask
from models.vocabulary import Action, TaskState
from webhooks.console.hand import Act, Work, guarded, problems_in, uploaded, worked
from webhooks.console.roles import DECIDE, WORK, allow, takes_files
from webhooks.console.shell import Shell
from webhooks.console.tasklist import badge
from webhooks.handwork import UPLOAD_BYTES
from webhooks.words import load_words
from workflows import audit
from workflows.casefile import open_key
from workflows.errors import VastineError
from workflows.hand import erasing
from workflows.hand.files import CERTIFICATE, keep_file
from workflows.hand.orders import Task, items_of
from workflows.hand.searching import answers
from workflows.handed import HandRecord
from workflows.ports import RequestKey

NOTES = frozenset({"ticked", "confirmed", "taken_back", "certificate"})


def pages(shell: Shell) -> Blueprint:
    """The page of the items and what its buttons do."""
    words = load_words("hand.")
    rt = shell.rt
    blueprint = Blueprint("hand_erase", __name__)

    def act(ident: uuid.UUID, work: Work) -> BaseResponse:
        try:
            return worked(shell, ident, work, page="hand_erase.items")
        except VastineError as error:
            return _show(shell, words[g.t.language], ident, problem=error)

    @blueprint.get("/hand/<uuid:ident>/items")
    @allow(WORK)
    def items(ident: uuid.UUID) -> BaseResponse:
        return _show(shell, words[g.t.language], ident)

    @blueprint.post("/hand/<uuid:ident>/items/<int:number>/tick")
    @allow(WORK)
    def tick(ident: uuid.UUID, number: int) -> BaseResponse:
        def work(session: Session, task: HumanTask, case: Request) -> str:
            evidence, reason = request.form.get("evidence", ""), request.form.get("reason", "")
            erasing.tick(session, rt, case, task, item_no=number, evidence=evidence, reason=reason, by=g.user.name)
            return "ticked"

        return act(ident, work)

    @blueprint.post("/hand/<uuid:ident>/items/<int:number>/confirm")
    @allow(WORK)
    def confirm(ident: uuid.UUID, number: int) -> BaseResponse:
        def work(session: Session, task: HumanTask, case: Request) -> str:
            if request.form.get("do") == "take_back":
                erasing.take_back(session, rt, case, task, item_no=number, by=g.user.name)
                return "taken_back"
            looked, reason = request.form.get("looked") == "yes", request.form.get("reason", "")
            erasing.confirm(session, rt, case, task, item_no=number, looked=looked, reason=reason, by=g.user.name)
            return "confirmed"

        return act(ident, work)

    _beside(shell, blueprint, act)
    return blueprint


def _beside(shell: Shell, blueprint: Blueprint, act: Act) -> None:
    rt = shell.rt

    @blueprint.post("/hand/<uuid:ident>/items/<int:number>/certificate")
    @allow(WORK)
    @takes_files(UPLOAD_BYTES)
    def certificate(ident: uuid.UUID, number: int) -> BaseResponse:
        content = uploaded()

        def work(session: Session, task: HumanTask, case: Request) -> str:
            key = open_key(session, rt, case.data_key_id)
            source = str(task.facts["source"])
            row = keep_file(session, rt, case, key, source=source, content=content, purpose=CERTIFICATE, by=g.user.name)
            erasing.add_certificate(session, rt, case, task, item_no=number, certificate=row.id, by=g.user.name)
            return "certificate"

        return act(ident, work)

    @blueprint.post("/hand/<uuid:ident>/leave")
    @allow(DECIDE)
    def leave(ident: uuid.UUID) -> BaseResponse:
        def work(session: Session, task: HumanTask, case: Request) -> str:
            reason = request.form.get("reason", "")
            erasing.leave_for_later(session, rt, case, task, reason=reason, by=g.user.name)
            return "left"

        return act(ident, work)


def _show(shell: Shell, words: Any, ident: uuid.UUID, *, problem: VastineError | None = None) -> BaseResponse:
    rt = shell.rt
    with rt.unit() as session:
        task, case = guarded(session, shell, ident)
        if task.state is TaskState.DONE:
            return redirect(url_for("tasks.task", ident=ident))
        source = str(task.facts["source"])
        looked = {"what": "items", "source": source}
        audit.record(session, "case:read", at=rt.now(), actor=g.user.name, request_id=case.id, facts=looked)
        key = open_key(session, rt, case.data_key_id)
        answer = answers(session, case, key).get(source)
        entries = {record.entry: record for record in answer.records} if answer else {}
        rows = [_row(shell, key, item, entries) for item in items_of(session, key, task)]
        due, reference, first = task.due_on, case.reference, case.answered_at is None
    note = request.args.get("note", "")
    return shell.page(
        "hand_erase.html",
        status=problem.status if problem else 200,
        h=words,
        ident=ident,
        source=shell.catalogue.source_label(source, g.t.language),
        items=rows,
        reference=reference,
        due_on=due,
        badge=badge(rt.today(), due) if due else None,
        open=first and g.user.role in DECIDE,
        problems=problems_in(problem, words),
        note=note if note in NOTES else "",
    )


def _row(shell: Shell, key: RequestKey, item: Task, entries: Mapping[str, HandRecord]) -> dict[str, Any]:
    row, said, language = item.row, item.tick, g.t.language
    catalogue = shell.catalogue
    record = entries.get(str(item.locator.get("entry", "")))
    if record is None:
        keys = {name: str(value) for name, value in item.locator.items()}
        record = next((r for r in entries.values() if keys.items() <= dict(r.values).items()), None)

    def label(name: str) -> str:
        return catalogue.column_label(row.source, row.collection, name=name, language=language)

    values = dict(record.values) if record else {k: str(v) for k, v in item.locator.items()}
    mask = item.action is Action.MASK
    return {
        "n": row.item_no,
        "label": catalogue.collection_label(row.source, row.collection, language),
        "where": record.location if record and record.location else "–",
        "shown": [(label(name), value) for name, value in values.items() if value],
        "action": "mask" if mask else "delete",
        "fields": ", ".join(label(name) for name in item.fields) if mask else "",
        "choices": ("blacked_out", "not_found") if mask else ("shredded", "deleted", "not_found"),
        "evidence": said.evidence if said else "",
        "reason": erasing.reason_of(key, said) if said else "",
        "certificate": bool(said and said.certificate_id),
        "done_by": said.done_by if said else "",
        "done_at": said.done_at if said else None,
        "confirmed_by": said.confirmed_by if said else "",
        "confirmed_at": said.confirmed_at if said else None,
    }
