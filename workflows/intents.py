"""What must be true in the transaction that says an erasure is about to happen, and what is written after it."""

import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models.decision import Approval, Plan, PlanItem
from models.erasure import Receipt
from models.request import Request
from models.step import Effect
from models.vocabulary import EffectState, PlanState, ReceiptOutcome, RequestState
from workflows import audit, news
from workflows.acting import ended
from workflows.delivered import require_delivered
from workflows.errors import Conflict, PersonMustLook
from workflows.fresh import manual_holds, newly_held
from workflows.notice import require_no_objection
from workflows.planning import hash_of_rows
from workflows.ports import Connector, ErasedItem, EraseItem, Lead, RequestKey
from workflows.reached import require_reached
from workflows.rules.flows import Decides, flow_of
from workflows.rules.items import Item
from workflows.runtime import Runtime
from workflows.tombstones import set_tombstones
from workflows.work import Lease


@dataclass(frozen=True, slots=True)
class Batch:
    """One source's part of the plan, opened; items by their numbers."""

    source: str
    plan_id: uuid.UUID
    plan_hash: bytes
    phases: Mapping[int, int]  # of each item: which treatment of it this is
    rest: frozenset[int]  # items of which nothing waits after this
    op_id: str
    items: tuple[EraseItem, ...]
    key: RequestKey
    seeds: Mapping[str, list[Lead]]
    blobs: Mapping[str, str | None]
    connectors: Mapping[str, Connector]
    by_hand: Mapping[int, ErasedItem] | None = None  # what people did so far; None: a program erases


@dataclass(frozen=True, slots=True)
class Changed:
    """Nothing more is erased: a hold began, or what an approval rests on is not what it was.

    `begun`: an earlier worker announced the erasure and was not heard of again, so it may have happened.
    `done` is then what the source says of it.
    """

    code: str
    begun: bool = False
    done: tuple[ErasedItem, ...] = ()


def intend(
    session: Session,
    rt: Runtime,
    request: Request,
    lease: Lease,
    batch: Batch,
    fresh: Sequence[Item],
    *,
    present: Collection[int],
    drifted: bool = False,
) -> Changed | None:
    """Check all that the erasure rests on, and write that it is about to happen; or say what changed.

    `present`: the items the source still has, by number. `drifted`: a record is not what was approved. Then none
    of its source is erased: the others may be what
    leads to it. Once the erasure was announced it may be our own doing, and the source knows.
    Raises `Conflict` where the database itself was tampered with: then nobody erases anything.
    """
    if request.state is not RequestState.ERASING:
        raise Conflict("not_erasing")
    require_no_objection(session, rt, request)
    require_delivered(session, rt, request)
    require_reached(session, rt, request)
    lapsed = "" if request.answered_at is not None else ended(session, rt, request, batch.key)
    plan = session.get_one(Plan, batch.plan_id)
    effect = session.get(Effect, batch.op_id)
    begun = effect is not None and effect.state is EffectState.INTENDED
    code = lapsed or _changed(session, rt, request, plan, batch=batch, fresh=fresh, present=present)
    if code is None and drifted and not begun:
        code = "drift"
    if code is not None:
        return Changed(code, begun=begun)
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


def approvals_needed(rt: Runtime, request: Request) -> int:
    """How many people. What was erased by two people's word and came back, goes again by one's."""
    if flow_of(request.right, request.flow_version).decides is not Decides.AS_REGISTERED:
        return 1
    if request.replay_id is not None:
        return 1
    return rt.register.controller.decisions.erasure_approvals


def _changed(
    session: Session,
    rt: Runtime,
    request: Request,
    plan: Plan,
    *,
    batch: Batch,
    fresh: Sequence[Item],
    present: Collection[int],
) -> str | None:
    if plan.state is not PlanState.APPROVED or plan.plan_hash != batch.plan_hash:
        return "plan_not_approved"
    rows = session.scalars(select(PlanItem).where(PlanItem.plan_id == plan.id).order_by(PlanItem.item_no)).all()
    if hash_of_rows(request.reference, batch.key, rows) != plan.plan_hash:
        raise PersonMustLook("plan_tampered")
    given = session.scalar(
        select(func.count()).where(Approval.plan_id == plan.id, Approval.plan_hash == plan.plan_hash)
    )
    if (given or 0) < approvals_needed(rt, request):
        raise PersonMustLook("approvals_missing")
    if news.is_news(session, request):
        return "event"
    manual = manual_holds(session, rt, request)
    if newly_held(rt, batch.source, batch.items, fresh=fresh, manual=manual, present=present):
        return "hold"
    return None


def write_receipts(
    session: Session, rt: Runtime, request: Request, batch: Batch, result: Sequence[ErasedItem], *, fence: int
) -> None:
    """One receipt per item that was treated, the effect settled, a tombstone for what is gone."""
    where = {item.item_no: item for item in batch.items}
    for erased in result:
        if erased.outcome is ReceiptOutcome.KEPT:
            continue
        session.add(
            Receipt(
                plan_id=batch.plan_id,
                item_no=erased.item_no,
                phase=batch.phases[erased.item_no],
                rest=erased.item_no in batch.rest,
                fields=list(where[erased.item_no].fields),
                op_id=batch.op_id,
                fence=fence,
                outcome=erased.outcome,
                at=rt.now(),
            )
        )
    set_tombstones(session, rt, request.id, source=batch.source, items=where, erased=result, seeds=batch.seeds)
    effect = session.get(Effect, batch.op_id)
    if effect is not None:
        kept = all(erased.outcome is ReceiptOutcome.KEPT for erased in result)
        effect.state, effect.settled_at = EffectState.REFUSED if kept else EffectState.CONFIRMED, rt.now()
    counts: dict[str, int] = {}
    for erased in result:
        counts[erased.outcome.value] = counts.get(erased.outcome.value, 0) + 1
    audit.record(
        session,
        "erasure:done",
        at=rt.now(),
        actor="vastine",
        request_id=request.id,
        facts={"source": batch.source, "phase": max(batch.phases.values()), "outcomes": counts},
    )
