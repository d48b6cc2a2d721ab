"""The closing letter: every request ends with an answer that goes out, also "we hold nothing"."""

import hashlib
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

from sqlalchemy.orm import Session

from models.request import Request
from models.step import Step
from models.vocabulary import Action, Event, Kind, Letter, Outcome, PlanState, ReceiptOutcome, Right
from workflows import audit
from workflows.answer import keep_artifact, notify_ready
from workflows.casefile import open_claim, open_key
from workflows.caseview import case_facts, current_plan, plan_lines, receipt_counts, source_facts
from workflows.errors import VastineError
from workflows.findings import forget_items
from workflows.outbox import queue_mail
from workflows.ports import CaseFacts, PlanLine, RequestKey
from workflows.runtime import Runtime
from workflows.schedule import next_look, waiting_items
from workflows.work import Lease, NewStep

_NOTHING_LEFT = ("nothing_personal", "register")
"""Reasons to keep a record that leave nothing personal behind, or that the register's own design asks for."""


@dataclass(frozen=True, slots=True)
class Final:
    """Which letter says how it ended."""

    letter: Letter | None
    outcome: Outcome
    case: CaseFacts
    key: RequestKey
    blob: str
    recheck_on: date | None
    planned: bool  # a plan was made; none can be any more


@dataclass(frozen=True, slots=True)
class Written:
    """The letter, sealed in the blob store."""

    digest: bytes
    size: int


def begin(session: Session, rt: Runtime, request: Request) -> Sequence[NewStep]:  # noqa: ARG001
    """One step: the letter."""
    return [NewStep(key="close", kind=Kind.CLOSE)]


class Closing:
    """The stage: outcome, letter, notice."""

    def prepare(self, session: Session, rt: Runtime, request: Request, step: Step) -> Final:
        """How it ended, from receipts and decisions."""
        key = open_key(session, rt, request.data_key_id)
        plan = current_plan(session, request)
        again = None
        if plan is not None and request.right is Right.ERASURE and plan.state is PlanState.APPROVED:
            again = next_look(rt.today(), [row.erase_on for row, _ in waiting_items(session, plan)])
        receipts = receipt_counts(session, request) if plan is not None else {}
        lines = plan_lines(session, key, plan) if plan else ()
        outcome = request.outcome or _outcome(receipts, rest=_keeps(lines))
        if (
            request.right is Right.ERASURE
            and outcome is Outcome.PARTLY_ERASED
            and again is None
            and request.answered_at
        ):
            outcome = Outcome.ERASED
        case = case_facts(
            rt,
            request,
            key,
            sources=source_facts(session, rt, request),
            plan=lines,
            plan_hash=plan.plan_hash.hex() if plan else "",
            receipts=receipts,
        )
        return Final(
            letter=_letter(request, outcome),
            outcome=outcome,
            case=case,
            key=key,
            blob=f"{request.id}/letter.{uuid.uuid4().hex}",
            recheck_on=again,
            planned=plan is not None,
        )

    def work(self, rt: Runtime, lease: Lease, inputs: Final) -> Written | None:
        """Write the letter; a delivery has it in the package already."""
        if inputs.letter is None or inputs.letter in (Letter.ACCESS, Letter.PORTABILITY):
            return None
        case = replace(inputs.case, guarantees={name: c.guarantee for name, c in rt.connectors.items()})
        pdf = rt.documents.letter(inputs.letter, case)
        with rt.blobs.write(inputs.blob, inputs.key) as out:
            out.write(pdf)
        return Written(hashlib.sha256(pdf).digest(), len(pdf))

    def settle(
        self, session: Session, rt: Runtime, request: Request, step: Step, inputs: Final, result: Written | None
    ) -> Event | None:
        """Keep the letter, send the notice, end the request or leave it waiting for what is kept."""
        first = request.answered_at is None
        request.outcome = inputs.outcome
        if first:
            request.answered_at = rt.now()
        if result is not None and inputs.letter is not None:
            keep_artifact(
                session,
                rt,
                request,
                name=f"letter_{inputs.letter.value}.pdf",
                media_type="application/pdf",
                blob=inputs.blob,
                digest=result.digest,
                size=result.size,
            )
            audit.record(
                session,
                "letter:made",
                at=rt.now(),
                actor="vastine",
                request_id=request.id,
                facts={"letter": inputs.letter.value, "sha256": result.digest.hex()},
            )
        _tell(session, rt, request, inputs, step)
        forget_items(session, rt, request)
        request.recheck_on = inputs.recheck_on
        if inputs.recheck_on is not None:
            return Event.ANSWERED_WITH_REST
        plan = current_plan(session, request) if inputs.planned else None
        if plan is not None and plan.state is PlanState.APPROVED:
            plan.state = PlanState.EXECUTED
        return Event.ANSWERED

    def gave_up(self, session: Session, rt: Runtime, request: Request, step: Step, error: VastineError) -> Event | None:
        """The engine's task is enough."""
        return None


def _keeps(lines: Sequence[PlanLine]) -> bool:
    return any(line.holds or (line.action is Action.KEEP and line.reason not in _NOTHING_LEFT) for line in lines)


def _outcome(receipts: dict[str, int], *, rest: bool) -> Outcome:
    erased = sum(
        receipts.get(word.value, 0) for word in (ReceiptOutcome.ERASED, ReceiptOutcome.MASKED, ReceiptOutcome.ABSENT)
    )
    if erased and rest:
        return Outcome.PARTLY_ERASED
    return Outcome.ERASED if erased else Outcome.KEPT


def _letter(request: Request, outcome: Outcome) -> Letter | None:
    if outcome in (Outcome.REFUSED, Outcome.NOT_IDENTIFIED):
        return Letter.REFUSAL
    if outcome in (Outcome.WITHDRAWN, Outcome.DUPLICATE):
        return Letter.DUPLICATE
    if outcome is Outcome.BY_HAND:
        return None
    if request.right is not Right.ERASURE:
        return Letter.PORTABILITY if request.right is Right.PORTABILITY else Letter.ACCESS
    if outcome in (Outcome.PARTLY_ERASED, Outcome.KEPT):
        return Letter.PARTIAL_ERASURE
    return Letter.FINAL_ERASURE if request.answered_at else Letter.ERASURE


def _tell(session: Session, rt: Runtime, request: Request, inputs: Final, step: Step) -> None:
    if inputs.letter is None:
        return
    if request.proof_sealed is not None:
        notify_ready(session, rt, request, inputs.key, occurrence=step.key)
        return
    # Nobody was proven: the answer says nothing about anybody and goes where the question came from.
    claim = open_claim(inputs.key, request)
    queue_mail(
        session, rt, request, inputs.key, letter=inputs.letter, to=claim.reply_to, case=inputs.case, occurrence=step.key
    )
