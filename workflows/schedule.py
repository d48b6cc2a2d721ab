"""Kept items and their day: what of an approved plan may still go, and when somebody looks again."""

from collections.abc import Sequence
from datetime import date, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.decision import Plan, PlanItem
from models.erasure import Receipt


def waiting_items(session: Session, plan: Plan) -> list[tuple[PlanItem, bytes]]:
    """Kept items that may go later and have not gone, each with the digest its record should have now."""
    done = select(Receipt.item_no).where(Receipt.plan_id == plan.id, Receipt.phase == 1)
    masked = dict(
        session.execute(
            select(Receipt.item_no, Receipt.after_digest).where(Receipt.plan_id == plan.id, Receipt.phase == 0)
        ).all()
    )
    rows = session.scalars(
        select(PlanItem).where(
            PlanItem.plan_id == plan.id, PlanItem.later_action.is_not(None), PlanItem.item_no.not_in(done)
        )
    )
    return [(row, masked.get(row.item_no) or row.item_digest) for row in rows]


def next_look(today: date, days: Sequence[date | None]) -> date | None:
    """The first day on which something may be free; tomorrow where a hold has no known end; None: nothing waits."""
    if not days:
        return None
    return max(today + timedelta(days=1), min(day or today for day in days))
