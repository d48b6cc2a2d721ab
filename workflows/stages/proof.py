"""Look again with the original identifiers: what was erased is gone, and nothing unknown has turned up."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models.collection import Finding
from models.decision import KeptItem, Plan, PlanItem
from models.erasure import Receipt
from models.request import Request
from models.step import Step
from models.vocabulary import (
    Action,
    Event,
    Kind,
    Ownership,
    PlanState,
    ReceiptOutcome,
    SourceResult,
    TaskKind,
)
from workflows import audit, gates
from workflows.acting import asked_about
from workflows.candidates import as_judged
from workflows.casefile import open_key, open_proof, seeds_for, seeds_of
from workflows.errors import PersonMustLook, VastineError
from workflows.hand.sources import bound, unanswered
from workflows.human import open_task
from workflows.planning import BY_HAND
from workflows.ports import Connector, EraseItem, Lead, RequestKey
from workflows.recipients.telling import tell_of_erasure
from workflows.restricting.resting import see_to_rest
from workflows.rules.items import Item, canonical
from workflows.runtime import Runtime
from workflows.standing import open_item, standings
from workflows.work import Lease, NewStep

GONE = (ReceiptOutcome.ERASED, ReceiptOutcome.ABSENT)


@dataclass(frozen=True, slots=True)
class Claimed:
    """What the receipts say, to be checked against the sources."""

    seeds: Mapping[str, list[Lead]]
    known: frozenset[tuple[str, str, str]]  # every record the plan knows
    gone: Mapping[str, list[EraseItem]]  # by source
    masked: Mapping[str, list[EraseItem]]
    unfinished: bool  # an item drifted or was refused
    connectors: Mapping[str, Connector]
    asked: Callable[[Item], bool] | None  # what the case is about; None: about all
    unsearched: frozenset[str]  # sources that did not answer, or whose people did not: a named gap


@dataclass(slots=True)
class Seen:
    """What is true of the sources."""

    residue: int = 0
    strangers: int = 0
    after: dict[int, bytes] = field(default_factory=dict)


def begin(session: Session, rt: Runtime, request: Request) -> Sequence[NewStep]:  # noqa: ARG001
    """One step over all sources."""
    return [NewStep(key="prove", kind=Kind.PROVE)]


class Proof:
    """The stage: verification by looking again."""

    def prepare(self, session: Session, rt: Runtime, request: Request, step: Step) -> Claimed:
        """Receipts, and the seeds of the original search: the keys that led to the records may be gone now.

        Raises `WaitFor` while a source that was searched is stopped or sees nothing.
        """
        unsearched = unanswered(session, rt, request) | _gaps(session, request)
        if request.sources is not None:
            unsearched |= rt.connectors.keys() - set(request.sources)
        gates.require(session, rt, rt.connectors.keys() - unsearched)
        key = open_key(session, rt, request.data_key_id)
        plan = session.scalar(select(Plan).where(Plan.request_id == request.id, Plan.state == PlanState.APPROVED))
        known: set[tuple[str, str, str]] = set()
        gone: dict[str, list[EraseItem]] = {}
        masked: dict[str, list[EraseItem]] = {}
        unfinished = False
        for standing in standings(session, plan) if plan is not None else ():
            row = standing.row
            locator, _ = open_item(key, row)
            known.add((row.source, row.collection, canonical(locator)))
            if not standing.receipts:
                continue
            receipt = standing.receipts[-1]
            digest = standing.digest_before.hex()
            item = EraseItem(row.item_no, row.collection, locator, Action.DELETE, (), digest)
            if receipt.outcome in GONE:
                gone.setdefault(row.source, []).append(item)
            elif receipt.outcome is ReceiptOutcome.MASKED:
                masked.setdefault(row.source, []).append(item)
            elif not standing.left and receipt.outcome is not ReceiptOutcome.REHEARSED:
                unfinished = True
        if not {*gone, *masked} <= rt.connectors.keys():
            raise PersonMustLook("source_not_in_register")
        return Claimed(
            seeds_of(session, key, request),
            frozenset(known),
            gone,
            masked,
            unfinished,
            as_judged(session, rt, request, bound(session, rt, request, key)),
            _asked(rt, request, key) if request.proof_sealed is not None else None,
            unsearched,
        )

    def work(self, rt: Runtime, lease: Lease, inputs: Claimed) -> Seen:
        """Probe what should be gone, and search as at the beginning for what the plan does not know."""
        seen = Seen()
        for source, items in inputs.gone.items():
            seen.residue += len(inputs.connectors[source].present(items))
        for source, items in inputs.masked.items():
            now = inputs.connectors[source].present(items)
            before = {item.item_no: item.digest for item in items}
            seen.residue += sum(1 for n, digest in now.items() if digest == before[n])
            seen.after.update({n: bytes.fromhex(digest) for n, digest in now.items()})

        def look(item: Item) -> None:
            asked = inputs.asked is None or inputs.asked(item)
            if (
                asked
                and item.ownership is Ownership.OWN
                and ((item.source, item.collection, canonical(item.locator)) not in inputs.known)
            ):
                seen.strangers += 1

        for name, connector in inputs.connectors.items():
            usable = seeds_for(inputs.seeds, connector.entries())
            if usable and name not in inputs.unsearched:
                connector.collect(usable, look)
        return seen

    def settle(
        self, session: Session, rt: Runtime, request: Request, step: Step, inputs: Claimed, result: Seen
    ) -> Event | None:
        """Proven, or back to planning with what is left."""
        plan = session.scalar(select(Plan).where(Plan.request_id == request.id, Plan.state == PlanState.APPROVED))
        if plan is not None and result.after:
            # Only of what was masked just now: a later change by others is theirs, and never passes for ours.
            masked = select(Receipt).where(
                Receipt.plan_id == plan.id,
                Receipt.outcome == ReceiptOutcome.MASKED,
                Receipt.after_digest.is_(None),
            )
            for receipt in session.scalars(masked).all():
                receipt.after_digest = result.after.get(receipt.item_no)
                kept = session.get(KeptItem, (plan.id, receipt.item_no))
                if kept is not None:
                    kept.marked_digest = None  # a mark of ours is part of what it looks like now
        if not (result.residue or result.strangers or inputs.unfinished):
            audit.record(session, "erasure:proven", at=rt.now(), actor="vastine", request_id=request.id)
            if plan is not None:
                if not rt.settings.simulates:
                    _ask_by_hand(session, rt, request, plan)
                tell_of_erasure(session, rt, request, plan)
            return Event.KEPT_IN_USE if see_to_rest(session, rt, request) else Event.PROVEN
        facts = {"residue": result.residue, "unknown": result.strangers, "unfinished": inputs.unfinished}
        audit.record(session, "erasure:residue", at=rt.now(), actor="vastine", request_id=request.id, facts=facts)
        if plan is not None:
            plan.state = PlanState.VOID
        open_task(
            session,
            rt,
            key=f"residue:{request.id}",
            kind=TaskKind.RESIDUE,
            code="residue",
            request_id=request.id,
            due_on=request.due_on,
            facts=facts,
        )
        return Event.RESIDUE

    def gave_up(self, session: Session, rt: Runtime, request: Request, step: Step, error: VastineError) -> Event | None:
        """The engine's task is enough."""
        return None


def _asked(rt: Runtime, request: Request, key: RequestKey) -> Callable[[Item], bool] | None:
    return asked_about(request, open_proof(key, request), known=rt.register.categories)


def _gaps(session: Session, request: Request) -> frozenset[str]:
    """Sources that a person went on without: nothing was found there, so nothing of them was erased."""
    failed = select(Finding.source).where(Finding.request_id == request.id, Finding.result == SourceResult.FAILED)
    return frozenset(session.scalars(failed))


def _ask_by_hand(session: Session, rt: Runtime, request: Request, plan: Plan) -> None:
    # A source that no program can erase from: a person must see to it, and the letter says that it is not done.
    rows = session.execute(
        select(PlanItem.source, func.count())
        .where(PlanItem.plan_id == plan.id, PlanItem.reason == BY_HAND)
        .group_by(PlanItem.source)
    )
    for source, count in rows.all():
        open_task(
            session,
            rt,
            key=f"by_hand:{plan.id}:{source}",
            kind=TaskKind.BY_HAND,
            code="erase_by_hand",
            request_id=request.id,
            due_on=request.due_on,
            facts={"source": source, "items": count},
        )
