"""What the letter says of each item: what was changed from what to what, and why something was not."""

from sqlalchemy.orm import Session

from models.rectification import RectificationItem
from models.request import Request
from models.vocabulary import Right
from workflows.exchange import Corrected
from workflows.ports import RequestKey
from workflows.rectifying.saying import items_of, said_of, target_of
from workflows.rules.masked import masked


def corrections_of(session: Session, request: Request, key: RequestKey) -> tuple[Corrected, ...]:
    """Each item of a rectification; () for any other request."""
    if request.right is not Right.RECTIFICATION:
        return ()
    return tuple(_corrected(key, item) for item in items_of(session, request))


def _corrected(key: RequestKey, item: RectificationItem) -> Corrected:
    target = target_of(key, item)
    reason = b""
    if item.reason_sealed is not None:
        reason = key.open(item.reason_sealed, f"rectification_items.reason:{item.id}")
    return Corrected(
        item_no=item.item_no,
        what=said_of(key, item).what if not target else "",
        source=item.source or "",
        collection=item.collection or "",
        field=item.field or "",
        old=masked(target.get("old")),
        new=masked(target.get("new")),
        decision=item.decision.value if item.decision else "",
        outcome=item.outcome.value if item.outcome else "",
        ground=item.ground or "",
        reason=reason.decode(),
        done_on=item.done_at.date() if item.done_at else None,
    )
