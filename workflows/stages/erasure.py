"""Erase exactly what was approved, source by source, each with an intent before and receipts after.

Leaves go first and the register that leads to the rest last. Before each source is touched, the facts the
holds rest on are read afresh, and in the transaction that writes the intent everything an erasure rests
on is checked again: the plan's hash, the approvals, the holds, the fence. If any of it changed, nothing
is erased and the plan is made anew.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models.collection import Finding
from models.decision import Approval, Plan, PlanItem
from models.erasure import Receipt, Tombstone
from models.intake import InboundEvent
from models.request import Request
from models.step import Effect, Step
from models.vocabulary import (
    Action,
    EffectState,
    Event,
    Kind,
    Outcome,
    PlanState,
    ReceiptOutcome,
    RequestState,
)
from workflows import audit, lifecycle
from workflows.casefile import open_key, seeds_of
from workflows.caseview import open_item
from workflows.errors import Conflict, PersonMustLook, VastineError, WaitFor
from workflows.fresh import fresh_items, manual_holds, newly_held
from workflows.lease import mid_work
from workflows.planning import hash_of_rows
from workflows.ports import ErasedItem, EraseItem, Lead, RequestKey
from workflows.rules.items import Item, canonical
from workflows.runtime import Runtime
from workflows.work import Lease, NewStep

TOMBSTONE_DAYS = 65  # longest backup cycle (35 days) and a month


@dataclass(frozen=True, slots=True)
class Batch:
    """One source's part of the plan, opened."""

    source: str
    plan_id: uuid.UUID
    plan_hash: bytes
    phase: int
    op_id: str
    items: tuple[EraseItem, ...]
    key: RequestKey
    seeds: Mapping[str, list[Lead]]
    blobs: Mapping[str, str | None]


@dataclass(frozen=True, slots=True)
class Changed:
    """Nothing was erased: a hold began, or what an approval rests on is not what it was."""

    code: str


def begin(session: Session, rt: Runtime, request: Request) -> Sequence[NewStep]:
    """The first source that has anything to erase; the others follow one by one."""
    return _next_source(session, rt, request) or [NewStep(key="erase:none", kind=Kind.ERASE)]


def due_items(session: Session, request: Request) -> tuple[Plan | None, list[tuple[PlanItem, int]]]:
    """The approved plan, and its items that may go now with their phase: 0 as approved, 1 after the last hold."""
    plan = session.scalar(select(Plan).where(Plan.request_id == request.id, Plan.state == PlanState.APPROVED))
    if plan is None:
        return None, []
    done = {
        (n, phase)
        for n, phase in session.execute(select(Receipt.item_no, Receipt.phase).where(Receipt.plan_id == plan.id))
    }
    rows = session.scalars(
        select(PlanItem)
        .where(
            PlanItem.plan_id == plan.id,
            PlanItem.action.in_((Action.DELETE, Action.MASK)) | PlanItem.released_at.is_not(None),
        )
        .order_by(PlanItem.item_no)
    )
    found: list[tuple[PlanItem, int]] = []
    for row in rows:
        if row.action in (Action.DELETE, Action.MASK) and (row.item_no, 0) not in done:
            found.append((row, 0))
        elif row.released_at is not None and (row.item_no, 1) not in done:
            found.append((row, 1))
    return plan, found


def _next_source(session: Session, rt: Runtime, request: Request) -> list[NewStep]:
    _, found = due_items(session, request)
    if not found:
        return []
    order = {name: spec.person.order for name, spec in rt.register.sources.items()}
    source = min({row.source for row, _ in found}, key=lambda name: (order.get(name, 0), name))
    return [NewStep(key=f"erase:{source}", kind=Kind.ERASE, source=source)]


class Erasure:
    """The stage: one source's part of an approved plan."""

    def prepare(self, session: Session, rt: Runtime, request: Request, step: Step) -> Batch | None:
        """The items of this source that may go now, opened; None if there are none."""
        if step.source is None:
            return None
        plan, found = due_items(session, request)
        mine = [(row, phase) for row, phase in found if row.source == step.source]
        if plan is None or not mine:
            return None
        phase = mine[0][1]
        key = open_key(session, rt, request.data_key_id)
        masked = dict(
            session.execute(
                select(Receipt.item_no, Receipt.after_digest).where(Receipt.plan_id == plan.id, Receipt.phase == 0)
            )
            .tuples()
            .all()
        )
        findings = session.scalars(select(Finding).where(Finding.request_id == request.id)).all()
        return Batch(
            source=step.source,
            plan_id=plan.id,
            plan_hash=plan.plan_hash,
            phase=phase,
            op_id=f"{plan.id}:{step.source}:{phase}:{min(row.item_no for row, p in mine if p == phase)}",
            items=tuple(_erase_item(key, row, phase, masked.get(row.item_no)) for row, p in mine if p == phase),
            key=key,
            seeds=seeds_of(session, key, request),
            blobs={f.source: f.blob for f in findings},
        )

    def work(self, rt: Runtime, lease: Lease, inputs: Batch | None) -> list[ErasedItem] | Changed | None:
        """Look at the holds afresh, write the intent, erase."""
        if inputs is None:
            return None
        fresh = fresh_items(rt, inputs.source, seeds=inputs.seeds, blobs=inputs.blobs, key=inputs.key)
        with mid_work(rt, lease) as (session, request):
            changed = intend(session, rt, request, lease, inputs, fresh)
        if changed is not None:
            return changed
        rt.failpoint("intended")
        result = rt.connectors[inputs.source].erase(inputs.op_id, lease.fence, inputs.items)
        rt.failpoint("erased")
        return result

    def settle(
        self,
        session: Session,
        rt: Runtime,
        request: Request,
        step: Step,
        inputs: Batch | None,
        result: list[ErasedItem] | Changed | None,
    ) -> Event | None:
        """Write the receipts; go on with the next source, or back to planning if anything changed."""
        if isinstance(result, Changed):
            audit.record(
                session,
                "plan:voided",
                at=rt.now(),
                actor="vastine",
                request_id=request.id,
                facts={"code": result.code, "source": str(step.source)},
            )
            _void(session, request)
            return Event.PLAN_CHANGED
        if inputs is not None and result is not None:
            write_receipts(session, rt, request, inputs, result, fence=step.fence)
        following = _next_source(session, rt, request)
        if following:
            lifecycle.add_steps(session, rt, request, following)
            return None
        return Event.ERASED

    def gave_up(self, session: Session, rt: Runtime, request: Request, step: Step, error: VastineError) -> Event | None:
        """An effect whose outcome is not known stays intended until the step is done or a person has looked."""
        return None


def _erase_item(key: RequestKey, row: PlanItem, phase: int, masked: bytes | None) -> EraseItem:
    locator, _ = open_item(key, row)
    action = row.action if phase == 0 else (row.later_action or Action.KEEP)
    fields = row.fields if phase == 0 else row.later_fields
    digest = masked if phase == 1 and masked else row.item_digest
    return EraseItem(row.item_no, row.collection, locator, action, tuple(fields), digest.hex())


def _void(session: Session, request: Request) -> None:
    for plan in session.scalars(select(Plan).where(Plan.request_id == request.id, Plan.state == PlanState.APPROVED)):
        plan.state = PlanState.VOID


def intend(
    session: Session,
    rt: Runtime,
    request: Request,
    lease: Lease,
    batch: Batch,
    fresh: Sequence[Item],
) -> Changed | None:
    """Check all that the erasure rests on, and write that it is about to happen; or say what changed.

    Raises `Conflict` where the database itself was tampered with: then nobody erases anything.
    """
    if request.state is not RequestState.ERASING:
        raise Conflict("not_erasing")
    if request.after_request_id is not None:
        _delivered_before(session, request)
    plan = session.get_one(Plan, batch.plan_id)
    if plan.state is not PlanState.APPROVED or plan.plan_hash != batch.plan_hash:
        return Changed("plan_not_approved")
    rows = session.scalars(select(PlanItem).where(PlanItem.plan_id == plan.id).order_by(PlanItem.item_no)).all()
    if hash_of_rows(request.reference, batch.key, rows) != plan.plan_hash:
        raise PersonMustLook("plan_tampered")
    given = session.scalar(
        select(func.count()).where(Approval.plan_id == plan.id, Approval.plan_hash == plan.plan_hash)
    )
    if (given or 0) < rt.register.controller.decisions.erasure_approvals:
        raise PersonMustLook("approvals_missing")
    if _news(session, request):
        return Changed("event")
    if newly_held(rt, batch.source, batch.items, fresh=fresh, manual=manual_holds(session, request)):
        return Changed("hold")
    effect = session.get(Effect, batch.op_id)
    if effect is None:
        effect = Effect(
            op_id=batch.op_id,
            step_id=lease.step_id,
            kind="erase",
            first_fence=lease.fence,
            intended_at=rt.now(),
        )
        session.add(effect)
    effect.state, effect.last_fence, effect.settled_at = EffectState.INTENDED, lease.fence, None
    audit.record(
        session,
        "erasure:intended",
        at=rt.now(),
        actor="vastine",
        request_id=request.id,
        facts={"source": batch.source, "items": len(batch.items), "hash": plan.plan_hash.hex()},
    )
    return None


def _delivered_before(session: Session, request: Request) -> None:
    # What was asked for together is delivered before it is erased; a failed delivery stops the erasure.
    first = session.get_one(Request, request.after_request_id)
    if first.state is RequestState.CLOSED and first.outcome in (Outcome.DELIVERED, Outcome.NOTHING_FOUND):
        return
    if first.state is RequestState.CLOSED:
        raise PersonMustLook("delivery_failed")
    raise WaitFor("waits_for_delivery")


def _news(session: Session, request: Request) -> bool:
    return (
        session.scalar(
            select(InboundEvent.id)
            .where(InboundEvent.subject_digest == request.subject_digest, InboundEvent.applied_at.is_(None))
            .limit(1)
        )
        is not None
    )


def write_receipts(
    session: Session, rt: Runtime, request: Request, batch: Batch, result: Sequence[ErasedItem], *, fence: int
) -> None:
    """One receipt per item, the effect confirmed, a tombstone for what is gone."""
    where = {item.item_no: item for item in batch.items}
    for erased in result:
        session.add(
            Receipt(
                plan_id=batch.plan_id,
                item_no=erased.item_no,
                phase=batch.phase,
                op_id=batch.op_id,
                fence=fence,
                outcome=erased.outcome,
                at=rt.now(),
            )
        )
        item = where[erased.item_no]
        if erased.outcome is ReceiptOutcome.ERASED:
            session.add(
                Tombstone(
                    source=batch.source,
                    collection=item.collection,
                    locator_digest=rt.vault.digest(
                        f"tombstone:{batch.source}", f"{item.collection}:{canonical(item.locator)}"
                    ),
                    erased_at=rt.now(),
                    expires_on=rt.today() + timedelta(days=TOMBSTONE_DAYS),
                )
            )
    effect = session.get(Effect, batch.op_id)
    if effect is not None:
        effect.state, effect.settled_at = EffectState.CONFIRMED, rt.now()
    counts: dict[str, int] = {}
    for erased in result:
        counts[erased.outcome.value] = counts.get(erased.outcome.value, 0) + 1
    audit.record(
        session,
        "erasure:done",
        at=rt.now(),
        actor="vastine",
        request_id=request.id,
        facts={"source": batch.source, "phase": batch.phase, "outcomes": counts},
    )
