"""A corrected field stays as it was corrected: whatever feed puts another value there is noticed the night after.

Source: GDPR Art. 5(1)(d); what is looked at is one person's own, under their case's key, and only while that lives.
"""

import uuid
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from models.rectification import ItemOutcome, RectificationItem
from models.request import DataKey, Request
from models.vocabulary import Action, TaskKind
from workflows import audit
from workflows.casefile import open_key, seeds_for, seeds_of
from workflows.errors import VastineError
from workflows.hand.sources import bound
from workflows.human import open_task
from workflows.ports import Connector, EraseItem, Seeds
from workflows.rectifying.saying import target_of
from workflows.rules.items import Item, Json, canonical
from workflows.runtime import Runtime

log = structlog.get_logger("vastine.rectifying")

OVERWRITTEN = "correction_overwritten"
"""Code of the task that asks a person where another value came from."""

_MOST = 10_000


@dataclass(frozen=True, slots=True)
class _Look:
    """One corrected field, opened."""

    request_id: uuid.UUID
    item: EraseItem
    field: str
    new: Json
    connector: Connector
    seeds: Seeds


def watch_corrections(rt: Runtime) -> int:
    """Look at every corrected field once; how many were overwritten. A source that is silent is asked next night."""
    with rt.unit() as session:
        ids = session.scalars(
            select(RectificationItem.id)
            .join(Request, Request.id == RectificationItem.request_id)
            .join(DataKey, DataKey.id == Request.data_key_id)
            .where(
                RectificationItem.outcome.in_((ItemOutcome.CHANGED, ItemOutcome.AS_IT_WAS)),
                RectificationItem.after_digest.is_not(None),
                RectificationItem.target_sealed.is_not(None),
                RectificationItem.overwritten_at.is_(None),
                DataKey.wrapped.is_not(None),
            )
            .order_by(RectificationItem.done_at)
            .limit(_MOST)
        ).all()
    count = 0
    for ident in ids:
        try:
            count += _look_at(rt, ident)
        except VastineError as error:
            log.warning("correction.not_looked_at", code=error.code)
    return count


def _look_at(rt: Runtime, ident: uuid.UUID) -> int:
    with rt.unit() as session:
        look = _opened(session, rt, ident)
    if look is None:
        return 0
    now = look.connector.present([look.item]).get(look.item.item_no, "")
    if now == look.item.digest:
        return 0
    stands = _stands(look) if now else None
    with rt.unit() as session:
        request = session.get_one(Request, look.request_id, with_for_update=True)
        row = session.get_one(RectificationItem, ident, with_for_update=True)
        if row.overwritten_at is not None or row.after_digest is None:
            return 0  # somebody else saw it first, or the case's time is over
        if stands is True:
            row.after_digest = bytes.fromhex(now)  # another field of the record changed: that is nobody's concern here
            return 0
        row.overwritten_at = rt.now()
        facts = {"source": str(row.source), "item": row.item_no}
        audit.record(
            session, "rectification:overwritten", at=rt.now(), actor="vastine", request_id=request.id, facts=facts
        )
        open_task(
            session,
            rt,
            key=f"{OVERWRITTEN}:{row.id}",
            kind=TaskKind.CHECK,
            code=OVERWRITTEN,
            request_id=request.id,
            facts={"source": str(row.source), "collection": str(row.collection), "field": str(row.field)},
        )
    return 1


def _opened(session: Session, rt: Runtime, ident: uuid.UUID) -> _Look | None:
    row = session.get_one(RectificationItem, ident)
    request = session.get_one(Request, row.request_id)
    if row.source not in rt.connectors or row.after_digest is None:
        return None
    key = open_key(session, rt, request.data_key_id)
    target = target_of(key, row)
    connector = bound(session, rt, request, key)[str(row.source)]
    seeds = seeds_for(seeds_of(session, key, request), connector.entries())
    item = EraseItem(0, str(row.collection), target["locator"], Action.RESTRICT, (), row.after_digest.hex())
    return _Look(request.id, item, str(row.field), target["new"], connector, seeds)


def _stands(look: _Look) -> bool:
    """Whether the field still holds what it was corrected to, by searching for the record as the case did."""
    wanted, found = canonical(dict(look.item.locator)), list[Json]()

    def see(item: Item) -> None:
        if item.collection == look.item.collection and canonical(dict(item.locator)) == wanted:
            found.append(item.fields.get(look.field))

    if look.seeds:
        look.connector.collect(look.seeds, see)
    return len(found) == 1 and _alike(found[0], look.new)


def _alike(found: Json, new: Json) -> bool:
    """Whether a source says what was written, which may have been a number or truth in words."""
    if found is None or new is None:
        return found is new
    one, other = str(found).strip(), str(new).strip()
    try:
        return (
            one.casefold() == other.casefold()
            if isinstance(found, bool)
            else one == other or Decimal(one) == Decimal(other)
        )
    except InvalidOperation:
        return canonical(found) == canonical(new)
