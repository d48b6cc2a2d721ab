"""Records that a plan names and the search does not find any more, although they are still there.

Erasing or masking a record may take away what led to others. Those others must neither be forgotten nor taken
for gone: a hold that can't be looked up any more has not ended.
"""

from collections.abc import Iterable, Mapping

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from models.decision import Plan
from models.erasure import Receipt
from models.request import Request
from models.vocabulary import Action, PlanState, ReceiptOutcome
from workflows.planning import Planned
from workflows.ports import Connector, EraseItem, RequestKey
from workflows.rules.items import canonical
from workflows.standing import open_item, standings

TREATED = (ReceiptOutcome.ERASED, ReceiptOutcome.MASKED, ReceiptOutcome.ABSENT)
_DUE = (Action.DELETE, Action.MASK, Action.ANONYMISE)


def anything_erased(session: Session, request: Request) -> bool:
    """Whether any record was erased or masked for this request: from then on the search alone is not enough."""
    treated = exists().where(Plan.request_id == request.id, Receipt.plan_id == Plan.id, Receipt.outcome.in_(TREATED))
    return bool(session.scalar(select(treated)))


def left_over(session: Session, request: Request, key: RequestKey) -> dict[str, list[EraseItem]]:
    """By source, what the latest plan names for now or later and nobody treated.

    Nothing before people approved a plan or anything was erased: until then the search alone says what there is.
    After that a record it misses, for want of a source that was left out, must not pass for one whose hold ended.
    """
    plan = session.scalar(select(Plan).where(Plan.request_id == request.id).order_by(Plan.version.desc()).limit(1))
    if plan is None or (plan.state is not PlanState.APPROVED and not anything_erased(session, request)):
        return {}
    left: dict[str, list[EraseItem]] = {}
    for standing in standings(session, plan):
        row = standing.row
        now = row.action in _DUE and not any(r.phase == 0 and r.outcome in TREATED for r in standing.receipts)
        later = row.later_action is not None and not any(r.rest and r.outcome in TREATED for r in standing.receipts)
        if now or later:
            locator, _ = open_item(key, row)
            item = EraseItem(row.item_no, row.collection, locator, Action.DELETE, (), row.item_digest.hex())
            left.setdefault(row.source, []).append(item)
    return left


def astray(connectors: Mapping[str, Connector], left: Mapping[str, list[EraseItem]], found: Iterable[Planned]) -> int:
    """How many records of `left` still exist and are not among `found`."""
    known = {p.where for p in found}
    count = 0
    for source, items in left.items():
        missing = [i for i in items if (source, i.collection, canonical(i.locator)) not in known]
        if missing:
            count += len(connectors[source].present(missing))
    return count
