"""What a hold keeps after an erasure is used for nothing else: it rests until it is erased.

It begins by itself where the erasure was proven, and ends record by record: with the record, with the case, or where
a rule comes to hold it whose purpose is to go on using it, such as a contract in force. We know at once; a source that
has a column for it is told by `workflows.restricting.keeping`.

Source: GDPR Art. 5(1)(b), 5(1)(c), 17(3), 18(2).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from models.decision import Plan, PlanItem
from models.erasure import Receipt
from models.request import Request
from models.restriction import RestrictedHow, RestrictedItem, Restriction, RestrictionGround
from models.vocabulary import Ownership, PlanState, ReceiptOutcome, TaskKind
from workflows import audit
from workflows.casefile import open_key, open_proof
from workflows.changing import Changing
from workflows.human import open_task
from workflows.planning import OWN_RECORD
from workflows.restricting.marks import of_others
from workflows.restricting.naming import row_for
from workflows.restriction import record_digest, remember, restriction_of, start
from workflows.runtime import Runtime
from workflows.standing import Standing, open_item, standings

MARK, UNMARK = "rest_by_hand", "unmark_by_hand"
"""Codes of the tasks where a source has a column for it and did not take it, or does not let it go."""

_OVER = (RestrictedHow.FREED, RestrictedHow.GONE)
_ERASED = (ReceiptOutcome.ERASED, ReceiptOutcome.ABSENT)

Where = tuple[str, bytes]


@dataclass(frozen=True, slots=True)
class ToDo:
    """What sources are still to be told: records to mark, and records to let go."""

    rest: Sequence[RestrictedItem]
    release: Sequence[RestrictedItem]

    def __bool__(self) -> bool:
        return bool(self.rest or self.release)


def see_to_rest(session: Session, rt: Runtime, request: Request) -> ToDo:
    """Write down what of the case rests from now on and what no more, and say what is left to do in sources.

    The caller holds the request's lock. Without an approved plan nothing of it is kept for an erasure any more.
    """
    row, plan = restriction_of(session, request), approved(session, request)
    wanted = _wanted(session, rt, request, plan) if plan is not None else {}
    live = _live(session, row) if row is not None else {}
    new = {where: standing for where, standing in wanted.items() if where not in live}
    if new and plan is not None:
        row = _begin(session, rt, request, plan)
        _put_at_rest(session, rt, row, new)
        live = _live(session, row)
    if row is None:
        return ToDo((), ())
    ended = [item for where, item in live.items() if where not in wanted]
    shared = of_others(session, row, ended)
    release = [item for item in ended if not _let_go(session, rt, item, shared=shared)]
    stays = [item for where, item in live.items() if where in wanted]
    row.categories = sorted({item.category for item in (*stays, *release)})
    row.sources = sorted({item.source for item in (*stays, *release)})
    if not stays and not release:
        _end(session, rt, request, row)
    return ToDo([item for item in stays if item.how is RestrictedHow.PENDING], release)


def _wanted(session: Session, rt: Runtime, request: Request, plan: Plan) -> dict[Where, Standing]:
    key = open_key(session, rt, request.data_key_id)
    used = {rule.id for rule in rt.register.holds if rule.in_use}
    found = {}
    for standing in standings(session, plan, PlanItem.ownership == Ownership.OWN):
        if standing.waits and _rests(standing, used):
            locator, _ = open_item(key, standing.row)
            row = standing.row
            found[row.source, record_digest(rt, row.source, row.collection, locator)] = standing
    return found


def _rests(standing: Standing, used: set[str]) -> bool:
    """Whether only holds keep it, and none of them so that it is used."""
    rules = {hold["rule"] for hold in standing.holds}
    return not rules & used if rules else standing.reason == OWN_RECORD


def _live(session: Session, row: Restriction) -> dict[Where, RestrictedItem]:
    items = session.scalars(
        select(RestrictedItem)
        .where(RestrictedItem.restriction_id == row.id, RestrictedItem.how.not_in(_OVER))
        .order_by(RestrictedItem.plan_id, RestrictedItem.item_no)
    )
    return {(item.source, item.locator_digest): item for item in items}


def _begin(session: Session, rt: Runtime, request: Request, plan: Plan) -> Restriction:
    row = row_for(session, request)
    if row.since is None or row.ended_at is not None:
        row.ground = RestrictionGround.KEPT
        start(rt, request, row)
        facts = {"ground": row.ground.value, "version": plan.version}
        audit.record(session, "restriction:begun", at=rt.now(), actor="vastine", request_id=request.id, facts=facts)
        if request.proof_sealed is not None:
            session.flush()
            remember(session, rt, row, open_proof(open_key(session, rt, request.data_key_id), request).told())
    return row


def _put_at_rest(session: Session, rt: Runtime, row: Restriction, new: Mapping[Where, Standing]) -> None:
    """Write these down; what rested before and was let go since rests again, and is asked of its source anew."""
    before = select(RestrictedItem).where(RestrictedItem.restriction_id == row.id, RestrictedItem.how.in_(_OVER))
    known = {(item.plan_id, item.item_no): item for item in session.scalars(before)}
    fresh = []
    for where, standing in new.items():
        item = known.get((standing.row.plan_id, standing.row.item_no))
        if item is None:
            fresh.append(_item(rt, row, where, standing))
            continue
        item.how, item.changed_at, item.done_by = _first(rt, item.source, item.collection), rt.now(), "vastine"
    if fresh:
        session.execute(insert(RestrictedItem), fresh)
    session.flush()


def _item(rt: Runtime, row: Restriction, where: Where, standing: Standing) -> dict[str, object]:
    item = standing.row
    return {
        "restriction_id": row.id,
        "plan_id": item.plan_id,
        "item_no": item.item_no,
        "source": item.source,
        "collection": item.collection,
        "category": item.category,
        "locator_digest": where[1],
        "how": _first(rt, item.source, item.collection),
        "visit": 0,
        "changed_at": rt.now(),
        "done_by": "vastine",
    }


def _first(rt: Runtime, source: str, collection: str) -> RestrictedHow:
    return RestrictedHow.PENDING if _able(rt, source, collection) else RestrictedHow.NOTED


def _able(rt: Runtime, source: str, collection: str) -> bool:
    """Whether the register names a column for it and the kind of source lets a program write it."""
    spec = rt.register.sources.get(source)
    found = spec.person.collections.get(collection) if spec is not None else None
    return found is not None and found.restrict is not None and isinstance(rt.connectors.get(source), Changing)


def _let_go(session: Session, rt: Runtime, item: RestrictedItem, *, shared: set[Where]) -> bool:
    """Whether nothing has to be done in its source: it is gone, was never marked, or rests for another case too."""
    last = session.scalar(
        select(Receipt.outcome)
        .where(Receipt.plan_id == item.plan_id, Receipt.item_no == item.item_no)
        .order_by(Receipt.phase.desc())
        .limit(1)
    )
    marked = item.how is RestrictedHow.IN_SOURCE and (item.source, item.locator_digest) not in shared
    if last in _ERASED:
        item.how = RestrictedHow.GONE
    elif marked and _able(rt, item.source, item.collection):
        return False
    else:
        if marked:  # the source was taken out of the register, or its column was
            call(session, rt, item, code=UNMARK)
        item.how = RestrictedHow.FREED
    item.changed_at, item.done_by = rt.now(), "vastine"
    return True


def _end(session: Session, rt: Runtime, request: Request, row: Restriction) -> None:
    if row.since is None or row.ended_at is not None:
        return
    why = "erased" if approved(session, request) is not None else "case_over"
    row.ended_at, row.ended_by, row.ended_why = rt.now(), "vastine", why
    facts = {"code": why}
    audit.record(session, "restriction:ended", at=rt.now(), actor="vastine", request_id=request.id, facts=facts)


def approved(session: Session, request: Request) -> Plan | None:
    """The plan that the case goes by; None once it is over."""
    return session.scalar(select(Plan).where(Plan.request_id == request.id, Plan.state == PlanState.APPROVED))


def call(session: Session, rt: Runtime, item: RestrictedItem, *, code: str) -> None:
    """Ask a person to see to it in the source; nothing waits for that."""
    row = session.get_one(Restriction, item.restriction_id)
    open_task(
        session,
        rt,
        key=f"{code}:{row.id}:{item.source}",
        kind=TaskKind.BY_HAND,
        code=code,
        request_id=row.request_id,
        facts={"source": item.source},
    )
