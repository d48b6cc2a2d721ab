"""Erase exactly what was approved, source by source, each with an intent before and receipts after.

Leaves go first and the register that leads to the rest last. Before each source is touched, the facts the
holds rest on are read afresh, and in the transaction that writes the intent everything an erasure rests
on is checked again: the plan's hash, the approvals, the holds, the fence. If any of it changed, nothing
is erased and the plan is made anew.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.collection import Finding
from models.decision import Plan, PlanItem
from models.request import Request
from models.step import Step
from models.vocabulary import Event, Kind, PlanState, ReceiptOutcome
from workflows import audit, gates, lifecycle
from workflows.banning import ban_with_erasure
from workflows.candidates import as_judged
from workflows.casefile import open_key, seeds_of
from workflows.delivered import require_delivered
from workflows.errors import PersonMustLook, TryAgain, VastineError
from workflows.fresh import decides_holds, fresh_items
from workflows.hand.orders import ask, call_off, keep_for_later, outcomes
from workflows.hand.places import is_by_hand, treated_by_people
from workflows.hand.sources import bound
from workflows.intents import Batch, Changed, intend, write_receipts
from workflows.lease import mid_work
from workflows.news import take_notice
from workflows.ports import ErasedItem, EraseItem, RequestKey
from workflows.reached import require_reached
from workflows.recipients.telling import GONE, categories_gone
from workflows.register.ordering import may_go_first
from workflows.runtime import Runtime
from workflows.schedule import Due, due_items
from workflows.standing import open_item
from workflows.work import Lease, NewStep

_NEXT_LOOK = 6 * 3600.0
"""Seconds after which a source that people erase in is looked at again: many are copied only by night."""


def begin(session: Session, rt: Runtime, request: Request) -> Sequence[NewStep]:
    """The first source that has anything to erase; the others follow one by one."""
    return _next_source(session, rt, request) or [NewStep(key="erase:none", kind=Kind.ERASE)]


def _due(session: Session, request: Request) -> tuple[Plan | None, list[Due]]:
    """The approved plan, and what may go of it now."""
    plan = session.scalar(select(Plan).where(Plan.request_id == request.id, Plan.state == PlanState.APPROVED))
    return plan, due_items(session, plan) if plan else []


def _next_source(session: Session, rt: Runtime, request: Request) -> list[NewStep]:
    _, found = _due(session, request)
    if not found:
        return []
    order = {name: spec.person.order for name, spec in rt.register.sources.items()}
    hands = {n for n, spec in rt.register.sources.items() if treated_by_people(spec, rt.connectors[n])}
    # Programs first: what people do may take days, and nothing they treat leads to anything else.
    first = may_go_first(rt.register, {due.row.source for due in found})
    source = min(first, key=lambda name: (name in hands, order.get(name, 0), name))
    return [NewStep(key=f"erase:{source}", kind=Kind.ERASE, source=source, run_at=request.objection_until)]


@dataclass(frozen=True, slots=True)
class ByHand:
    """People have to erase, and have not done all of it."""


class Erasure:
    """The stage: one source's part of an approved plan."""

    def prepare(self, session: Session, rt: Runtime, request: Request, step: Step) -> Batch | None:
        """The items of this source that may go now, opened; None if there are none."""
        if step.source is None:
            return None
        if step.source not in rt.connectors:
            raise PersonMustLook("source_not_in_register")
        gates.require(session, rt, {name for name in rt.connectors if decides_holds(rt, name)})
        require_delivered(session, rt, request)
        require_reached(session, rt, request)  # what it asks anew in the middle of the work is not kept
        plan, found = _due(session, request)
        mine = [due for due in found if due.row.source == step.source]
        if plan is None or not mine:
            return None
        # What was approved for at once goes first and alone; what holds let go later goes together, whole or in part.
        at_once = any(due.phase == 0 for due in mine)
        mine = [due for due in mine if (due.phase == 0) == at_once]
        phases = {due.row.item_no: due.phase for due in mine}
        key = open_key(session, rt, request.data_key_id)
        people = treated_by_people(rt.register.sources[step.source], rt.connectors[step.source])
        findings = session.scalars(select(Finding).where(Finding.request_id == request.id)).all()
        return Batch(
            source=step.source,
            plan_id=plan.id,
            plan_hash=plan.plan_hash,
            phases=phases,
            rest=frozenset(due.row.item_no for due in mine if due.rest),
            op_id=f"{plan.id}:{mine[0].phase}:{mine[0].row.item_no}",
            items=tuple(_erase_item(key, due) for due in mine),
            key=key,
            seeds=seeds_of(session, key, request),
            blobs={f.source: f.blob for f in findings},
            connectors=as_judged(session, rt, request, bound(session, rt, request, key)),
            by_hand=outcomes(session, plan.id, phases) if people else None,
        )

    def work(self, rt: Runtime, lease: Lease, inputs: Batch | None) -> list[ErasedItem] | Changed | ByHand | None:
        """Look at the holds afresh, write the intent, erase."""
        if inputs is None:
            return None
        fresh = fresh_items(
            rt, inputs.source, seeds=inputs.seeds, blobs=inputs.blobs, key=inputs.key, connectors=inputs.connectors
        )
        source = inputs.connectors[inputs.source]
        now = source.present(inputs.items)
        drifted = any(now.get(item.item_no, item.digest) != item.digest for item in inputs.items)
        with mid_work(rt, lease) as (session, request):
            changed = intend(session, rt, request, lease, inputs, fresh, present=now.keys(), drifted=drifted)
        if changed is not None and changed.begun:
            # Nobody may say that nothing was erased before the source has said so.
            done = source.call_off(inputs.op_id, lease.fence, inputs.items)
            return replace(changed, done=tuple(done))
        if changed is not None:
            return changed
        rt.failpoint("intended")
        if inputs.by_hand is not None and rt.settings.simulates:
            return [
                ErasedItem(item.item_no, ReceiptOutcome.REHEARSED) for item in inputs.items
            ]  # nobody is sent to do it
        if inputs.by_hand is not None:
            return _by_people(inputs, now)
        result = source.erase(inputs.op_id, lease.fence, inputs.items)
        rt.failpoint("erased")
        return result

    def settle(
        self,
        session: Session,
        rt: Runtime,
        request: Request,
        step: Step,
        inputs: Batch | None,
        result: list[ErasedItem] | Changed | ByHand | None,
    ) -> Event | None:
        """Write the receipts; go on with the next source, or back to planning if anything changed."""
        if isinstance(result, ByHand) and inputs is not None:
            ask(session, rt, request, step, plan_id=inputs.plan_id, phases=inputs.phases)
            return None
        if isinstance(result, Changed):
            if inputs is not None and inputs.by_hand is not None:
                call_off(session, rt, plan_id=inputs.plan_id, source=inputs.source)
            if inputs is not None and result.begun:
                write_receipts(session, rt, request, inputs, result.done, fence=step.fence)
                _ban(session, rt, request, inputs, result.done)
            audit.record(
                session,
                "plan:voided",
                at=rt.now(),
                actor="vastine",
                request_id=request.id,
                facts={"code": result.code, "source": str(step.source)},
            )
            _void(session, request)
            take_notice(session, rt, request)  # the search that follows shows what was told
            return Event.PLAN_CHANGED
        if inputs is not None and isinstance(result, list):
            write_receipts(session, rt, request, inputs, result, fence=step.fence)
            _ban(session, rt, request, inputs, result)
            if inputs.by_hand is not None:
                keep_for_later(session, rt, inputs.key, inputs.plan_id, result)
        following = _next_source(session, rt, request)
        if following:
            lifecycle.add_steps(session, rt, request, following)
            return None
        return Event.ERASED

    def gave_up(self, session: Session, rt: Runtime, request: Request, step: Step, error: VastineError) -> Event | None:
        """An effect whose outcome is not known stays intended until the step is done or a person has looked."""
        return None


def _ban(session: Session, rt: Runtime, request: Request, batch: Batch, done: Sequence[ErasedItem]) -> None:
    """Where what consent alone allowed went, what the consent allowed is forbidden too."""
    fields = {item.item_no: item.fields for item in batch.items}
    gone = {n: session.get_one(PlanItem, (batch.plan_id, n)) for n in (e.item_no for e in done if e.outcome in GONE)}
    categories = {code for n, row in gone.items() for code in categories_gone(rt, row, fields[n])}
    ban_with_erasure(session, rt, request, batch.key, categories=categories)


def _by_people(inputs: Batch, now: Mapping[int, str]) -> list[ErasedItem] | ByHand:
    """What people did. Raises `TryAgain("still_there")` where the source shows as it was what they say is gone."""
    told = inputs.by_hand or {}
    if len(told) < len(inputs.items):
        return ByHand()
    before = {item.item_no: item.digest for item in inputs.items}
    said = {n for n, one in told.items() if one.outcome is not ReceiptOutcome.REFUSED}
    # Where people search too, their word is all there is.
    searched = not is_by_hand(inputs.connectors[inputs.source].spec)
    if searched and any(now.get(n) == before[n] for n in said):
        detail = "two people say that it is done, and the source shows it as it was"
        raise TryAgain("still_there", detail=detail, after_seconds=_NEXT_LOOK)
    return list(told.values())


def _erase_item(key: RequestKey, due: Due) -> EraseItem:
    locator, _ = open_item(key, due.row)
    return EraseItem(due.row.item_no, due.row.collection, locator, due.action, due.fields, due.digest.hex())


def _void(session: Session, request: Request) -> None:
    for plan in session.scalars(select(Plan).where(Plan.request_id == request.id, Plan.state == PlanState.APPROVED)):
        plan.state = PlanState.VOID
