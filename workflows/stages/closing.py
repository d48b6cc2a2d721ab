"""The closing letter: every request ends with an answer that goes out, also "we hold nothing"."""

import hashlib
import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from models.decision import KeptItem, Plan
from models.erasure import Receipt
from models.request import Request
from models.step import Step
from models.vocabulary import Action, Event, Kind, Letter, Outcome, PlanState, ReceiptOutcome, Right
from workflows import audit, silence
from workflows.answer import keep_artifact, notify_ready
from workflows.banning import told_of_bans
from workflows.casefile import open_claim, open_key
from workflows.caseview import (
    case_facts,
    current_plan,
    filling,
    guarantees_of,
    lines_of,
    receipt_counts,
    rested_on_consent,
    source_facts,
)
from workflows.errors import VastineError
from workflows.findings import forget_items
from workflows.hand.forgetting import forget_answers, forget_scans
from workflows.outbox import queue_mail
from workflows.own_words import open_answer
from workflows.ports import CaseFacts, PlanLine, RequestKey
from workflows.recipients.disputing import told_of_pause
from workflows.recipients.listed import told_recipients
from workflows.rectifying.told import corrections_of
from workflows.restricting.ending import end_rest
from workflows.restricting.following import look_for_rest
from workflows.restricting.resting import see_to_rest
from workflows.restricting.telling import told_of_restriction
from workflows.restriction import is_in_force
from workflows.rules.flows import flow_of
from workflows.runtime import Runtime
from workflows.schedule import next_look
from workflows.standing import Standing, open_item, standings, to_tell
from workflows.work import Lease, NewStep

_SAID_AT_ONCE = {
    Outcome.WITHDRAWN: Letter.WITHDRAWN,
    Outcome.DUPLICATE: Letter.DUPLICATE,
    Outcome.ESTATE: Letter.ESTATE,
}
_AS_DECIDED = (ReceiptOutcome.ERASED, ReceiptOutcome.MASKED, ReceiptOutcome.ABSENT, ReceiptOutcome.REHEARSED)
"""What went, and in a trial what would have gone: its letter says that it is a trial."""

_NOTHING_LEFT = ("nothing_personal", "register")
"""Reasons to keep a record that leave nothing personal behind, or that the register's own design asks for."""


@dataclass(frozen=True, slots=True)
class Draft:
    """One letter to be written: its facts, and the name of its blob."""

    letter: Letter
    case: CaseFacts
    blob: str


@dataclass(frozen=True, slots=True)
class Final:
    """Which letters say how it stands or ended."""

    drafts: tuple[Draft, ...]
    outcome: Outcome
    case: CaseFacts
    key: RequestKey
    recheck_on: date | None
    planned: bool  # a plan was made; none can be any more
    quiet: bool  # only days of a series went, as the first letter said they would
    told: frozenset[int]  # items whose day as it is now these letters bring to the person


@dataclass(frozen=True, slots=True)
class Written:
    """A letter, sealed in the blob store."""

    draft: Draft
    digest: bytes
    size: int
    template: str


def begin(session: Session, rt: Runtime, request: Request) -> Sequence[NewStep]:  # noqa: ARG001
    """One step: the letter."""
    return [NewStep(key="close", kind=Kind.CLOSE)]


class Closing:
    """The stage: outcome, letter, notice."""

    def prepare(self, session: Session, rt: Runtime, request: Request, step: Step) -> Final:
        """How it ended, from receipts and decisions."""
        key = open_key(session, rt, request.data_key_id)
        plan = current_plan(session, request)
        items = standings(session, plan) if plan is not None else []
        waiting: list[Standing] = []
        if plan is not None and request.right is Right.ERASURE and plan.state is PlanState.APPROVED:
            waiting = [item for item in items if item.waits]
        again = next_look(rt.today(), waiting)
        # Of a case that ended otherwise no plan is left, and what was erased by then is told all the same.
        receipts = receipt_counts(session, request) if plan is not None or request.right is Right.ERASURE else {}
        lines = lines_of(key, items)
        outcome = _outcome(request, receipts, rest=_keeps(lines), waits=again is not None)
        case = case_facts(
            rt,
            request,
            key,
            sources=source_facts(session, rt, request),
            extra=filling(session, request)
            | told_of_restriction(session, rt, request, key)
            | told_of_bans(session, request, key)
            | told_of_pause(session, rt, request),
            plan=lines,
            plan_hash=plan.plan_hash.hex() if plan else "",
            receipts=receipts,
            guarantees=guarantees_of(plan, {item.row.source for item in items if item.receipts}),
            recipients=told_recipients(session, rt, request),
            corrections=corrections_of(session, request, key),
        )
        by_hand = open_answer(key, request)
        if by_hand is not None:
            case = replace(case, extra={**case.extra, **by_hand[1]})
        if request.leading_id is not None:
            case = _with_leading(case, session.get_one(Request, request.leading_id))
        moved = to_tell(waiting, rt.today()) if request.answered_at else []
        untold = [receipt for item in items for receipt in item.receipts if receipt.told_at is None]
        quiet = bool(waiting and request.answered_at and untold) and _only_days(key, items)
        letter = by_hand[0] if by_hand is not None else _letter(request, outcome)
        drafts = [_draft(request, letter, case)] if letter is not None and (untold or not moved) else []
        if moved:
            drafts.append(_draft(request, Letter.HOLD_LATER, replace(case, plan=lines_of(key, moved))))
        if request.replay_id is not None:
            drafts.clear()  # nobody asked; the person was told when it was done the first time
        return Final(
            drafts=tuple(drafts),
            outcome=outcome,
            case=case,
            key=key,
            recheck_on=again,
            planned=plan is not None,
            quiet=quiet,
            told=frozenset(item.row.item_no for item in (moved if quiet or not untold else waiting)),
        )

    def work(self, rt: Runtime, lease: Lease, inputs: Final) -> list[Written]:
        """Write the letters; a delivery has its letter in the package already."""
        written = []
        for draft in inputs.drafts:
            if draft.letter in (Letter.ACCESS, Letter.PORTABILITY):
                continue
            pdf = rt.documents.letter(draft.letter, draft.case)
            with rt.blobs.write(draft.blob, inputs.key) as out:
                out.write(pdf)
            template = rt.documents.template(draft.letter, draft.case.language)
            written.append(Written(draft, hashlib.sha256(pdf).digest(), len(pdf), template))
        return written

    def settle(
        self, session: Session, rt: Runtime, request: Request, step: Step, inputs: Final, result: list[Written]
    ) -> Event | None:
        """Keep the letters, send the notice, end the request or leave it waiting for what is kept."""
        request.outcome = inputs.outcome
        if request.answered_at is None:
            request.answered_at = rt.now()
        for written in result:
            _keep(session, rt, request, written)
        _tell(session, rt, request, inputs, step)
        silence.settled(session, rt, request)
        if rested_on_consent(request) and inputs.outcome is Outcome.NOT_IDENTIFIED:
            look_for_rest(session, rt, request)  # withdrawn or upheld it is, whoever could not prove to be whom
        forget_items(session, rt, request)
        request.recheck_on = inputs.recheck_on
        plan = current_plan(session, request) if inputs.planned else None
        if plan is not None:
            _told(session, rt, plan, inputs.told)
        end_rest(session, rt, request, actor="vastine")
        if inputs.recheck_on is not None or (request.right is Right.RESTRICTION and is_in_force(session, request)):
            forget_scans(session, rt, request)
            return Event.ANSWERED_WITH_REST
        if plan is not None and plan.state is PlanState.APPROVED:
            plan.state = PlanState.EXECUTED
        forget_answers(session, rt, request)
        if request.right is Right.ERASURE and see_to_rest(session, rt, request):
            return Event.KEPT_IN_USE
        return Event.ANSWERED

    def gave_up(self, session: Session, rt: Runtime, request: Request, step: Step, error: VastineError) -> Event | None:
        """The engine's task is enough."""
        return None


def _keeps(lines: Sequence[PlanLine]) -> bool:
    return any(line.holds or (line.action is Action.KEEP and line.reason not in _NOTHING_LEFT) for line in lines)


def _outcome(request: Request, receipts: dict[str, int], *, rest: bool, waits: bool) -> Outcome:
    if request.outcome not in (None, Outcome.KEPT, Outcome.PARTLY_ERASED, Outcome.ERASED):
        return request.outcome
    erased = sum(receipts.get(word.value, 0) for word in _AS_DECIDED)
    if not erased:
        return Outcome.KEPT
    return Outcome.PARTLY_ERASED if waits or (rest and not request.answered_at) else Outcome.ERASED


def _with_leading(case: CaseFacts, leading: Request) -> CaseFacts:
    """The person is told the days of the case that goes on."""
    return replace(
        case,
        leading=leading.reference,
        received_on=leading.received_on,
        due_a=leading.due_a,
        due_b=leading.due_b,
        extended_until=leading.extended_until,
    )


def _draft(request: Request, letter: Letter, case: CaseFacts) -> Draft:
    return Draft(letter, case, f"{request.id}/letter.{uuid.uuid4().hex}")


def _keep(session: Session, rt: Runtime, request: Request, written: Written) -> None:
    letter = written.draft.letter.value
    keep_artifact(
        session,
        rt,
        request,
        name=f"letter_{letter}.pdf",
        media_type="application/pdf",
        blob=written.draft.blob,
        digest=written.digest,
        size=written.size,
        template=written.template,
    )
    facts = {"letter": letter, "sha256": written.digest.hex(), "version": _version(written.template)}
    audit.record(session, "letter:made", at=rt.now(), actor="vastine", request_id=request.id, facts=facts)


def _version(template: str) -> str:
    """File and version: the approver is a name, and stays beside the letter."""
    return " · ".join(template.split(" · ")[:2])


def _only_days(key: RequestKey, items: Sequence[Standing]) -> bool:
    """Whether all that was treated since the last letter were days of a series, which go one by one for years."""
    new = [item for item in items if any(receipt.told_at is None for receipt in item.receipts)]
    return all("from" in open_item(key, item.row)[0] for item in new)


def _told(session: Session, rt: Runtime, plan: Plan, items: Collection[int]) -> None:
    """These letters count every treatment so far, and tell the days of these items as they are now."""
    session.execute(
        update(Receipt).where(Receipt.plan_id == plan.id, Receipt.told_at.is_(None)).values(told_at=rt.now())
    )
    for kept in session.scalars(select(KeptItem).where(KeptItem.plan_id == plan.id)):
        if kept.item_no in items:
            kept.told_on = kept.erase_on


def _letter(request: Request, outcome: Outcome) -> Letter | None:
    if outcome in (Outcome.REFUSED, Outcome.NOT_IDENTIFIED):
        return Letter.REFUSAL
    if outcome in _SAID_AT_ONCE:
        return _SAID_AT_ONCE[outcome]
    flow = flow_of(request.right, request.flow_version)
    if flow.changes:
        return flow.letters.get(outcome)
    if request.right is not Right.ERASURE:
        return Letter.PORTABILITY if request.right is Right.PORTABILITY else Letter.ACCESS
    if outcome in (Outcome.PARTLY_ERASED, Outcome.KEPT):
        return Letter.PARTIAL_ERASURE
    return Letter.FINAL_ERASURE if request.answered_at else Letter.ERASURE


def _tell(session: Session, rt: Runtime, request: Request, inputs: Final, step: Step) -> None:
    for draft in inputs.drafts:
        if request.proof_sealed is None:
            # Nobody was proven: the answer says nothing about anybody and goes where the question came from.
            # What a person wrote may name somebody: no open mail says it, and they post it.
            to = "" if draft.letter is Letter.ANSWER else open_claim(inputs.key, request).reply_to
            queue_mail(
                session, rt, request, inputs.key, letter=draft.letter, to=to, case=inputs.case, occurrence=step.key
            )
        elif draft.letter is Letter.HOLD_LATER:
            notify_ready(session, rt, request, inputs.key, occurrence=step.key, letter=draft.letter)
        elif not inputs.quiet:
            notify_ready(session, rt, request, inputs.key, occurrence=step.key)
