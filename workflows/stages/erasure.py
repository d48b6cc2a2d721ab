"""Erase exactly what was approved, source by source, each with an intent before and receipts after.

Leaves go first and the register that leads to the rest last. Before each source is touched, the facts the
holds rest on are read afresh, and in the transaction that writes the intent everything an erasure rests
on is checked again: the plan's hash, the approvals, the holds, the fence. If any of it changed, nothing
is erased and the plan is made anew.
"""

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.collection import Finding
from models.decision import Plan, PlanItem
from models.erasure import Receipt
from models.request import Request
from models.step import Step
from models.vocabulary import (
    Action,
    Event,
    Kind,
    PlanState,
)
from workflows import audit, lifecycle
from workflows.casefile import open_key, seeds_of
from workflows.caseview import open_item
from workflows.errors import PersonMustLook, VastineError
from workflows.fresh import fresh_items
from workflows.intents import Batch, Changed, intend, write_receipts
from workflows.lease import mid_work
from workflows.news import take_notice
from workflows.ports import ErasedItem, EraseItem, RequestKey
from workflows.runtime import Runtime
from workflows.work import Lease, NewStep


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
        if step.source not in rt.connectors:
            raise PersonMustLook("source_not_in_register")
        plan, found = due_items(session, request)
        mine = [(row, phase) for row, phase in found if row.source == step.source]
        if plan is None or not mine:
            return None
        phase = mine[0][1]
        key = open_key(session, rt, request.data_key_id)
        masked = dict(
            session.execute(
                select(Receipt.item_no, Receipt.after_digest).where(Receipt.plan_id == plan.id, Receipt.phase == 0)
            ).all()
        )
        findings = session.scalars(select(Finding).where(Finding.request_id == request.id)).all()
        return Batch(
            source=step.source,
            plan_id=plan.id,
            plan_hash=plan.plan_hash,
            phase=phase,
            op_id=f"{plan.id}:{phase}:{min(row.item_no for row, p in mine if p == phase)}",
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
        now = rt.connectors[inputs.source].present(inputs.items)
        drifted = any(now.get(item.item_no, item.digest) != item.digest for item in inputs.items)
        with mid_work(rt, lease) as (session, request):
            changed = intend(session, rt, request, lease, inputs, fresh, present=now.keys(), drifted=drifted)
        if changed is not None and changed.begun:
            # Nobody may say that nothing was erased before the source has said so.
            done = rt.connectors[inputs.source].call_off(inputs.op_id, lease.fence, inputs.items)
            return replace(changed, done=tuple(done))
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
            if inputs is not None and result.begun:
                write_receipts(session, rt, request, inputs, result.done, fence=step.fence)
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
