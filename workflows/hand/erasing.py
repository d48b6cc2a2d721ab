"""Erasing by hand: every approved item is ticked by one person and confirmed by another who looked that it is so."""

import uuid
from collections.abc import Mapping

from sqlalchemy.orm import Session

from models.hand import HandTick
from models.request import Request
from models.staff import HumanTask
from models.vocabulary import Action, Kind, ReceiptOutcome, RequestState, TaskState
from workflows import audit, news
from workflows.casefile import open_key
from workflows.errors import BadInput, Conflict, Fault, NotAllowed
from workflows.hand.orders import NOT_DONE, Task, items_of, outcomes
from workflows.hand.waking import wake
from workflows.human import close_task
from workflows.ports import RequestKey
from workflows.runtime import Runtime

EVIDENCE: Mapping[str, ReceiptOutcome] = {
    "shredded": ReceiptOutcome.ERASED,
    "deleted": ReceiptOutcome.ERASED,
    "blacked_out": ReceiptOutcome.MASKED,
    "not_found": ReceiptOutcome.ABSENT,
}
"""What a person may say they did, and what it is for the receipt."""


def tick(
    session: Session,
    rt: Runtime,
    request: Request,
    task: HumanTask,
    *,
    item_no: int,
    evidence: str,
    reason: str = "",
    certificate: uuid.UUID | None = None,
    by: str,
) -> None:
    """One person says what they did to one item; a second say before the confirmation replaces the first.

    Raises `BadInput` for evidence that does not fit, `Conflict` if the item is confirmed or nothing may go any more.
    """
    item = _item(session, rt, request, task, item_no)
    outcome = EVIDENCE.get(evidence)
    if outcome is None or (outcome is ReceiptOutcome.MASKED) != (
        item.action is Action.MASK and evidence != "not_found"
    ):
        raise BadInput([Fault(f"i{item_no}.evidence", "evidence_missing")])
    if outcome is ReceiptOutcome.ABSENT and not reason.strip():
        raise BadInput([Fault(f"i{item_no}.reason", "reason_missing")])
    if item.tick is not None and item.tick.confirmed_by is not None:
        raise Conflict("confirmed_already")
    _write(
        session, rt, request, item, evidence=evidence, outcome=outcome, reason=reason, certificate=certificate, by=by
    )
    facts = {"source": item.row.source, "item": item_no, "evidence": evidence}
    audit.record(session, "hand:ticked", at=rt.now(), actor=by, request_id=request.id, facts=facts)


def confirm(
    session: Session,
    rt: Runtime,
    request: Request,
    task: HumanTask,
    *,
    item_no: int,
    looked: bool,
    reason: str = "",
    by: str,
) -> None:
    """A second person says that it is so: they looked again, or sign it off with a reason. The last one ends the task.

    Raises `NotAllowed` where it is the same person, `BadInput` without a reason, `Conflict` where nothing is ticked.
    """
    item = _item(session, rt, request, task, item_no)
    said = item.tick
    if said is None or said.evidence == NOT_DONE:
        raise Conflict("not_ticked")
    if said.confirmed_by is not None:
        raise Conflict("confirmed_already")
    if said.done_by == by:
        raise NotAllowed("same_person", detail="whoever did it can't confirm it: a second person must look")
    if not looked and not reason.strip():
        raise BadInput([Fault(f"i{item_no}.sign_off", "reason_missing")])
    said.confirmed_by, said.confirmed_at, said.looked = by, rt.now(), looked
    if reason.strip():
        key = open_key(session, rt, request.data_key_id)
        said.sign_off_sealed = key.seal(reason.strip()[:1000].encode(), _context(said, "sign_off"))
    facts = {"source": item.row.source, "item": item_no, "looked": looked}
    audit.record(session, "hand:confirmed", at=rt.now(), actor=by, request_id=request.id, facts=facts)
    session.flush()
    _end_if_whole(session, rt, request, task, by=by)


def take_back(session: Session, rt: Runtime, request: Request, task: HumanTask, *, item_no: int, by: str) -> None:
    """A second person looked and it is not so: the item is to be done again."""
    item = _item(session, rt, request, task, item_no)
    if item.tick is None or item.tick.confirmed_by is not None:
        raise Conflict("not_ticked")
    session.delete(item.tick)
    facts = {"source": item.row.source, "item": item_no, "evidence": "taken_back"}
    audit.record(session, "hand:ticked", at=rt.now(), actor=by, request_id=request.id, facts=facts)


def add_certificate(
    session: Session, rt: Runtime, request: Request, task: HumanTask, *, item_no: int, certificate: uuid.UUID, by: str
) -> None:
    """Put a certificate beside what was ticked and is not confirmed yet. Raises `Conflict` otherwise."""
    item = _item(session, rt, request, task, item_no)
    if item.tick is None or item.tick.confirmed_by is not None:
        raise Conflict("not_ticked")
    item.tick.certificate_id = certificate
    facts = {"source": item.row.source, "item": item_no, "file": str(certificate)}
    audit.record(session, "hand:file", at=rt.now(), actor=by, request_id=request.id, facts=facts)


def leave_for_later(session: Session, rt: Runtime, request: Request, task: HumanTask, *, reason: str, by: str) -> None:
    """Answer the person now: what is not confirmed stays open, is told as not done, and is asked for again."""
    if not reason.strip():
        raise BadInput([Fault("reason", "reason_missing")])
    if request.answered_at is not None:
        raise Conflict(
            "answered_already", detail="the person has the answer already; the work stays open until it is done"
        )
    key = open_key(session, rt, request.data_key_id)
    for item in items_of(session, key, task):
        if item.tick is None or item.tick.confirmed_by is None:
            if item.tick is not None and item.tick.evidence != NOT_DONE:
                raise Conflict(
                    "unconfirmed", detail="something is done and not confirmed: confirm it or take it back first"
                )
            _write(session, rt, request, item, evidence=NOT_DONE, outcome=ReceiptOutcome.REFUSED, reason=reason, by=by)
    facts = {"source": str(task.facts["source"])}
    audit.record(session, "hand:left", at=rt.now(), actor=by, request_id=request.id, facts=facts)
    session.flush()
    _end_if_whole(session, rt, request, task, by=by)


def reason_of(key: RequestKey, said: HandTick) -> str:
    """Why it was not found or not done."""
    return key.open(said.reason_sealed, _context(said, "reason")).decode() if said.reason_sealed else ""


def _item(session: Session, rt: Runtime, request: Request, task: HumanTask, item_no: int) -> Task:
    if task.state is TaskState.DONE or request.state is not RequestState.ERASING:
        raise Conflict("task_done")
    if news.is_news(session, request):
        raise Conflict("news", detail="something was told about this case: what may go is looked at again first")
    key = open_key(session, rt, request.data_key_id)
    for item in items_of(session, key, task):
        if item.row.item_no == item_no:
            return item
    raise BadInput([Fault(f"i{item_no}", "no_such_item")])


def _write(
    session: Session,
    rt: Runtime,
    request: Request,
    item: Task,
    *,
    evidence: str,
    outcome: ReceiptOutcome,
    reason: str,
    by: str,
    certificate: uuid.UUID | None = None,
) -> None:
    said = item.tick
    if said is None:
        said = HandTick(plan_id=item.row.plan_id, item_no=item.row.item_no, phase=item.phase)
        session.add(said)
    said.request_id, said.source = request.id, item.row.source
    said.outcome, said.evidence, said.certificate_id = outcome, evidence, certificate
    said.done_by, said.done_at = by, rt.now()
    key = open_key(session, rt, request.data_key_id)
    text = reason.strip()[:1000]
    said.reason_sealed = key.seal(text.encode(), _context(said, "reason")) if text else None


def _context(said: HandTick, part: str) -> str:
    return f"hand_ticks.{part}:{said.plan_id}:{said.item_no}:{said.phase}"


def _end_if_whole(session: Session, rt: Runtime, request: Request, task: HumanTask, *, by: str) -> None:
    phases = {int(n): int(phase) for n, phase in task.facts["phases"].items()}
    done = outcomes(session, uuid.UUID(task.facts["plan"]), phases)
    if not done.keys() >= phases.keys():
        return
    left = any(one.outcome is ReceiptOutcome.REFUSED for one in done.values())
    close_task(session, rt, task, by=by, answer="left" if left else "done")
    wake(session, rt, request, str(task.facts["source"]), kind=Kind.ERASE)
