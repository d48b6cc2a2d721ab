"""The sources of a request, those that people search bound to what these people answered and did since."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.decision import Plan, PlanItem
from models.hand import HandSearch, HandTick
from models.request import Request
from models.vocabulary import PlanState, ReceiptOutcome, Right
from workflows.hand import places
from workflows.hand.orders import NOT_DONE
from workflows.hand.searching import answers
from workflows.handed import HandAnswer, place_of
from workflows.ports import Connector, RequestKey
from workflows.register.categories import category_of
from workflows.rules.narrowed import is_wanted
from workflows.runtime import Runtime
from workflows.standing import open_item

_GONE = (ReceiptOutcome.ERASED, ReceiptOutcome.ABSENT)


def bound(session: Session, rt: Runtime, request: Request, key: RequestKey) -> Mapping[str, Connector]:
    """The sources as they are for this request: where people search, by what these people answered and did since."""
    by_hand = [name for name, spec in rt.register.sources.items() if places.is_by_hand(spec)]
    if not by_hand:
        return rt.connectors
    given = answers(session, request, key)
    treated = _treated(session, request, key)
    return {
        name: c.answered(_as_treated(given[name], treated.get(name, ())))  # type: ignore[attr-defined]
        if name in by_hand and name in given
        else c
        for name, c in rt.connectors.items()
    }


def unanswered(session: Session, rt: Runtime, request: Request) -> frozenset[str]:
    """Sources that only people can search and of which nobody gave an answer for this request."""
    by_hand = {name for name, spec in rt.register.sources.items() if places.is_by_hand(spec)}
    if not by_hand:
        return frozenset()
    given = select(HandSearch.source).where(HandSearch.request_id == request.id, HandSearch.answer_sealed.is_not(None))
    return frozenset(by_hand - set(session.scalars(given)))


def _treated(session: Session, request: Request, key: RequestKey) -> dict[str, list[tuple[str, HandTick, PlanItem]]]:
    rows = session.execute(
        select(HandTick, PlanItem, Plan.state)
        .join(PlanItem, (PlanItem.plan_id == HandTick.plan_id) & (PlanItem.item_no == HandTick.item_no))
        .join(Plan, Plan.id == HandTick.plan_id)
        .where(HandTick.request_id == request.id)
        .order_by(HandTick.done_at)
    )
    found: dict[str, list[tuple[str, HandTick, PlanItem]]] = {}
    for tick, item, state in rows.all():
        # What one person did under a plan that fell is done all the same.
        if tick.evidence != NOT_DONE and (tick.confirmed_by is not None or state is PlanState.VOID):
            found.setdefault(tick.source, []).append((place_of(item.collection, open_item(key, item)[0]), tick, item))
    return found


def _as_treated(answer: HandAnswer, treated: Iterable[tuple[str, HandTick, PlanItem]]) -> HandAnswer:
    gone: set[str] = set()
    masked: dict[str, tuple[str, ...]] = {}
    for where, tick, item in treated:
        if tick.outcome in _GONE:
            gone.add(where)
        elif tick.outcome is ReceiptOutcome.MASKED:
            fields = tuple(item.fields) if tick.phase == 0 else tuple(item.later_fields)
            masked[where] = (*masked.get(where, ()), *fields)
    return replace(answer, gone=frozenset(gone), masked=masked)


def left_alone(rt: Runtime, request: Request) -> set[str]:
    """Sources that nobody need go through: people search them, they hold nothing of what is wanted, and lead nowhere.

    None where a copy of all is wanted, or for an erasure: it rests on holds, and holds on all there is.
    Source: GDPR Art. 5(1)(c).
    """
    wanted, register = request.categories, rt.register
    if wanted is None or request.right is Right.ERASURE:
        return set()
    alone = set()
    for name, spec in register.sources.items():
        kinds = [category_of(register, name, c.name) for dataset in spec.dataset for c in dataset.collections]
        starts = tuple(f"{dataset.fides_key}:" for dataset in spec.dataset)
        leads = any(e.startswith(starts) for other, c in rt.connectors.items() if other != name for e in c.entries())
        asked = any(is_wanted(wanted, kind, known=register.categories) for kind in kinds)
        if places.is_by_hand(spec) and not leads and not asked:
            alone.add(name)
    return alone
