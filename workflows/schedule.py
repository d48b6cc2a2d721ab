"""Kept items and their day: what of an approved plan may go now, and when somebody looks again."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import exists
from sqlalchemy.orm import Session

from models.decision import KeptItem, Plan, PlanItem
from models.vocabulary import Action
from workflows.errors import PersonMustLook
from workflows.rules.hold_phases import free_alone, free_days
from workflows.standing import Standing, matches_of, standings

_TREATED_AT_ONCE = (Action.DELETE, Action.MASK, Action.ANONYMISE)


@dataclass(frozen=True, slots=True)
class Due:
    """One treatment that may happen now. `rest`: after it nothing of the item waits any more."""

    row: PlanItem
    phase: int
    action: Action
    fields: tuple[str, ...]
    digest: bytes
    rest: bool = False


def due_items(session: Session, plan: Plan) -> list[Due]:
    """What may go now of an approved plan: as approved for at once, or because a hold has ended since.

    Raises `PersonMustLook("plan_tampered")` if more is marked as free than was approved for later.
    """
    looked_at = exists().where(KeptItem.plan_id == PlanItem.plan_id, KeptItem.item_no == PlanItem.item_no)
    some = PlanItem.action.in_(_TREATED_AT_ONCE) | PlanItem.released_at.is_not(None) | looked_at
    return [due for standing in standings(session, plan, some) if (due := _due(standing)) is not None]


def _due(s: Standing) -> Due | None:
    row = s.row
    if row.action in _TREATED_AT_ONCE and not any(r.phase == 0 for r in s.receipts):
        return Due(row, 0, row.action, tuple(row.fields), row.item_digest)
    if row.released_at is not None and not s.over:
        rest = row.later_fields if row.later_action else row.fields
        return Due(row, s.next_phase, row.later_action or row.action, tuple(rest), s.digest, rest=True)
    if s.kept is None or s.over:
        return None
    done = {name for receipt in s.receipts for name in receipt.fields}
    free = [name for name in s.kept.fields if name not in done]
    if not free:
        return None
    fields = free_alone(free, later=row.later_action, scope=row.later_fields, gone=())
    if len(fields) < len(free):
        raise PersonMustLook("plan_tampered")
    return Due(row, s.next_phase, Action.MASK, fields, s.digest)


def waiting_items(session: Session, plan: Plan) -> list[Standing]:
    """Kept items that may go later and have not gone."""
    looked_at = exists().where(KeptItem.plan_id == PlanItem.plan_id, KeptItem.item_no == PlanItem.item_no)
    return [s for s in standings(session, plan, PlanItem.later_action.is_not(None) | looked_at) if s.waits]


def next_look(today: date, waiting: Iterable[Standing]) -> date | None:
    """The first day on which more may be free; tomorrow where a hold has no known end; None: nothing waits."""
    tomorrow = today + timedelta(days=1)
    looks = [_next_day(s, today) or tomorrow for s in waiting]
    return max(tomorrow, min(looks)) if looks else None


def _next_day(standing: Standing, today: date) -> date | None:
    holds = matches_of(standing.holds, [{}] * len(standing.holds))
    days = free_days(holds) if holds else (standing.erase_on,)
    if None in days:
        return None
    return min((day for day in days if day is not None and day > today), default=None)
