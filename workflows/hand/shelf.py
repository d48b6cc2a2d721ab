"""The check-out log of an archive: who took which folder, and when they brought it back."""

import uuid
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.hand import Checkout
from models.request import Request
from models.staff import StaffUser
from workflows import audit
from workflows.casefile import open_key
from workflows.errors import BadInput, Conflict, Fault, NotFound
from workflows.hand import places
from workflows.hand.access import check_may_work
from workflows.ports import RequestKey
from workflows.rules.identifiers import clean
from workflows.runtime import Runtime

LONGEST = 200


def take_out(session: Session, rt: Runtime, request: Request, user: StaffUser, *, source: str, folder: str) -> Checkout:
    """Note that a person took a folder; it is due back with the task. The caller holds the request's lock."""
    spec = places.hand_spec(rt.register, source)
    check_may_work(user, spec)
    name = clean(folder).strip()
    if not name or len(name) > LONGEST:
        raise BadInput([Fault("folder", "folder_missing")])
    key = open_key(session, rt, request.data_key_id)
    row = Checkout(
        id=uuid.uuid4(),
        request_id=request.id,
        source=source,
        taken_by=user.name,
        taken_at=rt.now(),
        due_on=places.due_on(spec, rt.today(), answer_due=request.due_on),
    )
    row.folder_sealed = key.seal(name.encode(), _context(row))
    session.add(row)
    facts = {"source": source, "checkout": str(row.id)}
    audit.record(session, "hand:taken", at=rt.now(), actor=user.name, request_id=request.id, facts=facts)
    return row


def bring_back(session: Session, rt: Runtime, request: Request, user: StaffUser, *, ident: uuid.UUID) -> None:
    """Note that a folder is on its shelf again."""
    row = session.get(Checkout, ident, with_for_update=True)
    if row is None or row.request_id != request.id:
        raise NotFound("checkout")
    check_may_work(user, places.hand_spec(rt.register, row.source))
    if row.returned_at is not None:
        raise Conflict("returned_already")
    row.returned_by, row.returned_at = user.name, rt.now()
    facts = {"source": row.source, "checkout": str(row.id)}
    audit.record(session, "hand:returned", at=rt.now(), actor=user.name, request_id=request.id, facts=facts)


def folder_of(key: RequestKey, row: Checkout) -> str:
    """The folder's name."""
    return key.open(row.folder_sealed, _context(row)).decode()


def log_of(session: Session, request: Request, source: str) -> list[Checkout]:
    """All that was taken out for a request from one archive, the latest first."""
    found = select(Checkout).where(Checkout.request_id == request.id, Checkout.source == source)
    return list(session.scalars(found.order_by(Checkout.taken_at.desc())))


def still_out(session: Session) -> list[tuple[Checkout, Request]]:
    """Every folder that is not back, the one due first on top."""
    rows = session.execute(
        select(Checkout, Request)
        .join(Request, Request.id == Checkout.request_id)
        .where(Checkout.returned_at.is_(None))
        .order_by(Checkout.due_on, Checkout.taken_at)
    )
    return [(row, request) for row, request in rows]


def is_late(row: Checkout, today: date) -> bool:
    """Whether a folder should be back."""
    return row.returned_at is None and row.due_on < today


def _context(row: Checkout) -> str:
    return f"checkouts:{row.id}"
