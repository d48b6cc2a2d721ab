"""Every day: is anything there again that was erased? Where it is, a person hears of it, with the way to mend it.

Receipts say what was erased, and while the case can be opened its plan says where. Every kind of source can be asked
for such records, also one that can't be read through.
"""

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime

import structlog
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models.decision import Plan, PlanItem
from models.erasure import Receipt, Tombstone, TombstoneKind
from models.request import DataKey, Request
from models.staff import HumanTask
from models.vocabulary import Action, ReceiptOutcome, TaskKind
from workflows.casefile import open_key
from workflows.errors import PersonMustLook, VastineError
from workflows.hand.places import is_by_hand
from workflows.human import open_task
from workflows.ports import Connector, EraseItem
from workflows.replays.opening import open_replays
from workflows.runtime import Runtime
from workflows.standing import open_item
from workflows.tombstones import recogniser

log = structlog.get_logger("vastine.replays")

MOST = 20_000
"""Records asked for in one night and source, the latest erased first."""
CODE = "erased_again"
_BATCH = 500

Erased = tuple[EraseItem, datetime]


def probe(rt: Runtime) -> dict[str, int]:
    """Ask every source for what was erased from it; source to how many records are there again."""
    with rt.unit() as session:
        asked = _erased(session, rt)
        busy = open_replays(session)
    found: dict[str, int] = {}
    for source, items in asked.items():
        if source not in rt.connectors or source in busy or is_by_hand(rt.register.sources[source]):
            continue
        try:
            again = there_again(rt.connectors[source], items)
        except VastineError as error:
            log.warning("source.not_probed", source=source, code=error.code)  # its own searches tell of that
            continue
        if again:
            found[source] = len(again)
            _tell(rt, source, again)
    return found


def _erased(session: Session, rt: Runtime) -> Mapping[str, Sequence[Erased]]:
    """What was erased and may still be in a copy, by source."""
    oldest = session.scalar(select(func.min(Tombstone.erased_at)).where(Tombstone.kind == TombstoneKind.LOCATOR))
    if oldest is None:
        return {}
    rows = session.execute(
        select(PlanItem, Receipt.at, Request.data_key_id)
        .join(Receipt, (Receipt.plan_id == PlanItem.plan_id) & (Receipt.item_no == PlanItem.item_no))
        .join(Plan, Plan.id == PlanItem.plan_id)
        .join(Request, Request.id == Plan.request_id)
        .join(DataKey, DataKey.id == Request.data_key_id)
        .where(Receipt.outcome == ReceiptOutcome.ERASED, Receipt.at >= oldest, DataKey.wrapped.is_not(None))
        .order_by(Receipt.at.desc())
        .execution_options(yield_per=500)
    )
    items: dict[str, list[Erased]] = defaultdict(list)
    for row, at, data_key in rows:
        mine = items[row.source]
        if len(mine) < MOST:
            locator, _ = open_item(open_key(session, rt, data_key), row)
            digest = row.item_digest.hex()
            mine.append((EraseItem(len(mine), row.collection, locator, Action.DELETE, (), digest), at))
    return items


def there_again(connector: Connector, items: Sequence[Erased]) -> list[Erased]:
    """Those of the erased that the source has. Of what was in a file that is gone by now it can say nothing."""
    again: list[Erased] = []
    for start in range(0, len(items), _BATCH):
        again += _present(connector, items[start : start + _BATCH])
    return again


def _present(connector: Connector, items: Sequence[Erased]) -> list[Erased]:
    batch = {item.item_no: (item, at) for item, at in items}
    try:
        return [batch[number] for number in connector.present([item for item, _ in items])]
    except PersonMustLook as error:
        if error.code != "file_gone":
            raise
    files: dict[str, list[Erased]] = defaultdict(list)
    for one in items:
        files[str(one[0].locator.get("file", ""))].append(one)
    several = files.values() if len(files) > 1 else ()  # files come and go: one that went hides no other
    return [again for mine in several for again in _present(connector, mine)]


def _tell(rt: Runtime, source: str, again: Sequence[Erased]) -> None:
    """One task for exactly these records: what a person has looked at stays away, what is new does not."""
    made = recogniser(rt, source)
    marks = sorted(made.locator(item.collection, item.locator) for item, _ in again)
    key = f"erased_again:{source}:{hashlib.sha256(b''.join(marks)).hexdigest()[:32]}"
    first = min(at for _, at in again)
    with rt.unit() as session:
        if session.scalar(select(HumanTask.id).where(HumanTask.key == key)) is None:
            facts = {"source": source, "records": len(again), "since": first.isoformat()}
            open_task(session, rt, key=key, kind=TaskKind.CHECK, code=CODE, facts=facts)
