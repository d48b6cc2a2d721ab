"""The page of a rectification: what is wrong, which record is meant, and the word on each item."""

import json
import uuid
from collections.abc import Callable
from typing import Any

from flask import Blueprint, g, redirect, request, url_for
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as BaseResponse

from models.collection import Finding
from models.rectification import Flaw, ItemDecision, RectificationItem, Remedy
from models.request import Request
from models.staff import HumanTask
from models.vocabulary import Ground, Ownership, RequestState, Right, TaskState
from webhooks.console.case import problems_of
from webhooks.console.roles import DECIDE, NAMES, WORK, allow
from webhooks.console.shell import Shell
from workflows import audit
from workflows.casefile import open_key
from workflows.errors import BadInput, Fault, NotFound, VastineError
from workflows.findings import AllItems
from workflows.ports import RequestKey
from workflows.rectifying import deciding, saying
from workflows.rectifying.work import BY_HAND, done_by_hand
from workflows.runtime import Runtime
from workflows.views import find_request

MOST_FIELDS = 1000
_LONGEST = 5000
Work = Callable[[Session, Request], Any]


def pages(shell: Shell) -> Blueprint:
    """Corrections of a case; every change is a form that is posted."""
    rt = shell.rt
    blueprint = Blueprint("corrections", __name__)

    @blueprint.get("/requests/<reference>/corrections")
    @allow(NAMES)
    def corrections(reference: str) -> BaseResponse:
        return _show(shell, reference)

    @blueprint.post("/requests/<reference>/corrections")
    @allow(WORK)
    def add(reference: str) -> BaseResponse:
        def work(session: Session, case: Request) -> None:
            said = saying.Said(*(_text(name) for name in ("what", "current", "wanted", "evidence")))
            remedy, flaw = _word(Remedy, "remedy"), _word(Flaw, "flaw")
            saying.say(session, rt, case, said, remedy=remedy, flaw=flaw, by=g.user.name)

        return _act(shell, reference, work)

    @blueprint.post("/requests/<reference>/corrections/<uuid:ident>/record")
    @allow(WORK)
    def point(reference: str, ident: uuid.UUID) -> BaseResponse:
        def work(session: Session, case: Request) -> None:
            item = _item(session, case, ident)
            place = _place(_text("place"))
            new = None if item.remedy is Remedy.ERASE else _text("new")
            deciding.point(session, rt, case, item, **place, new=new, user=g.user.name)

        return _act(shell, reference, work)

    @blueprint.post("/requests/<reference>/corrections/<uuid:ident>/decision")
    @allow(DECIDE)
    def decide(reference: str, ident: uuid.UUID) -> BaseResponse:
        def work(session: Session, case: Request) -> None:
            _decide(session, rt, case, _item(session, case, ident))

        return _act(shell, reference, work)

    @blueprint.post("/requests/<reference>/corrections/by-hand/<uuid:ident>")
    @allow(WORK)
    def by_hand(reference: str, ident: uuid.UUID) -> BaseResponse:
        def work(session: Session, case: Request) -> None:
            task = session.get(HumanTask, ident)
            if task is None or task.request_id != case.id:
                raise NotFound("task")
            done_by_hand(session, rt, case, task, possible=_possible(), user=g.user.name)

        return _act(shell, reference, work)

    return blueprint


def _decide(session: Session, rt: Runtime, case: Request, item: RectificationItem) -> None:
    word, ground = _word(ItemDecision, "decision"), _word(Ground, "ground")
    if word is None:
        raise BadInput([Fault("decision", "answer_missing")])
    deciding.decide(
        session,
        rt,
        case,
        item,
        decision=word,
        reason=_text("reason"),
        ground=ground,
        user=g.user.name,
        seen=_text("seen"),
    )


def _act(shell: Shell, reference: str, work: Work) -> BaseResponse:
    try:
        with shell.rt.unit() as session:
            case = find_request(session, reference, lock=True)
            work(session, case)
            known = case.reference
    except VastineError as error:
        return _show(shell, reference, problem=error)
    return redirect(url_for("corrections.corrections", reference=known))


def _text(name: str) -> str:
    return request.form.get(name, "")[:_LONGEST].strip()


def _possible() -> bool:
    answer = _text("answer")
    if answer not in ("done", "not_possible"):
        raise BadInput([Fault("answer", "answer_missing")])
    return answer == "done"


def _word(words: Any, name: str) -> Any:
    given = _text(name)
    return words(given) if given in {word.value for word in words} else None


def _item(session: Session, case: Request, ident: uuid.UUID) -> RectificationItem:
    item = session.get(RectificationItem, ident)
    if item is None or item.request_id != case.id:
        raise NotFound("item")
    return item


def _place(text: str) -> dict[str, Any]:
    """Which field of which record was chosen; whether it is there and theirs is looked at again."""
    try:
        source, collection, locator, field = json.loads(text)
    except (TypeError, ValueError, RecursionError):
        raise BadInput([Fault("place", "no_target")]) from None
    if not isinstance(locator, dict):
        raise BadInput([Fault("place", "no_target")])
    return {"source": str(source), "collection": str(collection), "locator": locator, "field": str(field)}


def _show(shell: Shell, reference: str, *, problem: VastineError | None = None) -> BaseResponse:
    rt = shell.rt
    with rt.unit() as session:
        case = find_request(session, reference, lock=True)
        if case.right is not Right.RECTIFICATION:
            raise NotFound("corrections")
        looked = {"what": "corrections"}
        audit.record(session, "case:read", at=rt.now(), actor=g.user.name, request_id=case.id, facts=looked)
        key = open_key(session, rt, case.data_key_id)
        rows = [_row(shell, key, item) for item in saying.items_of(session, case)]
        blobs = {
            f.source: f.blob for f in session.scalars(select(Finding).where(Finding.request_id == case.id)) if f.blob
        }
        hands = session.scalars(
            select(HumanTask).where(
                HumanTask.request_id == case.id, HumanTask.code == BY_HAND, HumanTask.state == TaskState.OPEN
            )
        ).all()
        open_ = case.state in saying.BEFORE
        deciding_now = case.state is RequestState.DECIDING
        asked = saying.missing(session, rt, case)
        tasks = [(str(t.id), shell.catalogue.source_label(str(t.facts.get("source", "")), g.t.language)) for t in hands]
    return shell.page(
        "corrections.html",
        status=problem.status if problem else 200,
        reference=case.reference,
        rows=rows,
        places=_places(shell, key, blobs) if deciding_now else [],
        open=open_,
        deciding=deciding_now,
        missing=asked,
        hands=tasks,
        remedies=[word.value for word in Remedy],
        flaws=[word.value for word in Flaw],
        decisions=[word.value for word in ItemDecision],
        grounds=[word.value for word in Ground],
        problems=problems_of(problem) if problem else [],
    )


def _row(shell: Shell, key: RequestKey, item: RectificationItem) -> dict[str, Any]:
    target, label = saying.target_of(key, item), ""
    if target:
        lang = g.t.language
        source, collection = str(item.source), str(item.collection)
        label = f"{shell.catalogue.source_label(source, lang)} · "
        label += shell.catalogue.column_label(source, collection, name=str(item.field), language=lang)
    return {
        "id": str(item.id),
        "seen": deciding.target_mark(item),
        "n": item.item_no,
        "said": saying.said_of(key, item),
        "remedy": item.remedy.value if item.remedy else "",
        "flaw": item.flaw.value if item.flaw else "",
        "where": label,
        "old": target.get("old"),
        "new": target.get("new"),
        "decision": item.decision.value if item.decision else "",
        "outcome": item.outcome.value if item.outcome else "",
    }


def _places(shell: Shell, key: RequestKey, blobs: dict[str, str]) -> list[tuple[str, str]]:
    """The fields of the person's own records, to choose from. Read with no transaction open."""
    lang, found = g.t.language, list[tuple[str, str]]()
    for item in AllItems(shell.rt, key, blobs):
        if item.ownership is not Ownership.OWN or item.series:
            continue
        head = f"{shell.catalogue.source_label(item.source, lang)} · "
        head += shell.catalogue.collection_label(item.source, item.collection, lang)
        for name in item.fields:
            if name in item.third_party or len(found) >= MOST_FIELDS:
                continue
            label = shell.catalogue.column_label(item.source, item.collection, name=name, language=lang)
            value = json.dumps([item.source, item.collection, dict(item.locator), name], ensure_ascii=False)
            found.append((value, f"{head} · {label}: {str(item.fields[name])[:60]}"))
    return found
