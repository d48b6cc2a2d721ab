"""Who was told of what, for letters, screens and the person who asks. Source: GDPR Art. 19."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from models.notices import OVER, Notice, NoticeKind
from models.request import Request
from models.session import reading
from workflows.exchange import ToldRecipient
from workflows.runtime import Runtime

_NOTICES = select(Notice).where(Notice.request_id == bindparam("of")).order_by(Notice.created_at, Notice.recipient)


def notices_of(session: Session, request: Request) -> Sequence[Notice]:
    """All notices of a request, the oldest first."""
    with reading(session, Notice):
        return session.scalars(_NOTICES, {"of": request.id}).all()


def open_notices(session: Session, *, most: int = 500) -> list[tuple[Notice, str]]:
    """Notices that nobody answered yet, the next due first, each with its request's reference."""
    rows = session.execute(
        select(Notice, Request.reference)
        .join(Request, Request.id == Notice.request_id)
        .where(Notice.state.not_in(OVER))
        .order_by(Notice.due_on, Notice.recipient)
        .limit(most)
    )
    return [(notice, reference) for notice, reference in rows]


def name_of(rt: Runtime, recipient: str) -> str:
    """A recipient's name; its id where the register does not have it any more."""
    return next((r.name for r in rt.register.recipients if r.id == recipient), recipient)


def told_recipients(session: Session, rt: Runtime, request: Request) -> tuple[ToldRecipient, ...]:
    """Each recipient once, with how the latest notice to them stands; a claim that rests is no treatment of data."""
    told = [notice for notice in notices_of(session, request) if notice.kind is not NoticeKind.PAUSE]
    latest: dict[str, Notice] = {notice.recipient: notice for notice in told}
    named = rt.register.controller.names_recipients
    return tuple(ToldRecipient(name_of(rt, one) if named else "", notice.state.value) for one, notice in latest.items())


def notice_rows(session: Session, rt: Runtime, request: Request) -> list[dict[str, Any]]:
    """One row a notice, without anything about the person. Fields may be added, none renamed."""
    return [
        {
            "id": str(n.id),
            "recipient": n.recipient,
            "name": name_of(rt, n.recipient),
            "kind": n.kind.value,
            "way": n.way.value,
            "state": n.state.value,
            "categories": list(n.categories),
            "created_at": n.created_at.isoformat(),
            "sent_at": n.sent_at.isoformat() if n.sent_at else None,
            "due_on": n.due_on.isoformat(),
            "reminded_at": n.reminded_at.isoformat() if n.reminded_at else None,
            "answered_at": n.answered_at.isoformat() if n.answered_at else None,
            "answered_by": n.answered_by,
            "excuse": n.excuse.value if n.excuse else None,
        }
        for n in notices_of(session, request)
    ]
