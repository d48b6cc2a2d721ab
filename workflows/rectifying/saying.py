"""What a person says is wrong, item by item, as they put it. Source: GDPR Art. 16."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.base import new_id
from models.rectification import Flaw, ItemOutcome, RectificationItem, Remedy
from models.request import Request
from models.staff import StaffUser
from models.vocabulary import RequestState, Right, Role
from workflows import audit
from workflows.casefile import open_key
from workflows.errors import BadInput, Conflict, Fault, NotAllowed
from workflows.ports import RequestKey
from workflows.rules.items import canonical
from workflows.runtime import Runtime

MOST = 50
LONGEST = 2000
_STAFF = (Role.INTAKE, Role.CASEWORKER, Role.APPROVER, Role.DPO)
BEFORE = (
    RequestState.RECEIVED,
    RequestState.VERIFYING,
    RequestState.COLLECTING,
    RequestState.ASSESSING,
    RequestState.DECIDING,
)


@dataclass(frozen=True, slots=True)
class Said:
    """One thing that is wrong, in the person's words; what they did not say is ""."""

    what: str
    current: str = ""
    wanted: str = ""
    evidence: str = ""


def say(
    session: Session,
    rt: Runtime,
    request: Request,
    said: Said,
    *,
    remedy: Remedy | None,
    flaw: Flaw | None,
    by: str,
) -> RectificationItem:
    """Write one item down; remedy or ground may be missing still. `by`: a member of staff, or "person".

    The caller holds the request's lock. Raises `BadInput`, and `Conflict` once it was decided.
    """
    if by != "person":
        staff(session, by, _STAFF)
    if request.right is not Right.RECTIFICATION or request.state not in BEFORE:
        raise Conflict("decided_already", detail="what is wrong is written down before the decision")
    items = items_of(session, request)
    faults = [
        Fault(name, "too_long", f"at most {LONGEST} characters")
        for name, value in asdict(said).items()
        if len(value) > LONGEST
    ]
    if not said.what.strip():
        faults.append(Fault("what", "item_missing", "say which data are wrong"))
    if len(items) >= MOST:
        faults.append(Fault("what", "too_many", f"at most {MOST} items in one request"))
    if faults:
        raise BadInput(faults)
    item = RectificationItem(
        id=new_id(), request_id=request.id, item_no=len(items) + 1, remedy=remedy, flaw=flaw, category=""
    )
    key = open_key(session, rt, request.data_key_id)
    item.said_sealed = key.seal(canonical(asdict(said)).encode(), f"rectification_items.said:{item.id}")
    session.add(item)
    session.flush()
    facts = {"item": item.item_no}
    audit.record(session, "rectification:said", at=rt.now(), actor=by, request_id=request.id, facts=facts)
    return item


def items_of(session: Session, request: Request) -> Sequence[RectificationItem]:
    """The request's items in order."""
    found = select(RectificationItem).where(RectificationItem.request_id == request.id)
    return session.scalars(found.order_by(RectificationItem.item_no)).all()


def require_nothing_changed(session: Session, request: Request) -> None:
    """Raise `Conflict` once some of what was asked is put right: the case can only be decided item by item then."""
    if any(item.outcome is ItemOutcome.CHANGED for item in items_of(session, request)):
        raise Conflict("partly_changed", detail="some of it is put right already; decide the other items one by one")


def is_whole(item: RectificationItem, said: Said) -> bool:
    """Whether remedy, ground and, where something is to stand there, the wanted value are known."""
    return bool(item.remedy and item.flaw and (item.remedy is Remedy.ERASE or said.wanted.strip()))


def missing(session: Session, rt: Runtime, request: Request) -> bool:
    """Whether the person has to be asked what is wrong, or why. It is asked once, and the time goes on."""
    key = open_key(session, rt, request.data_key_id)
    items = items_of(session, request)
    return not items or any(not is_whole(item, said_of(key, item)) for item in items)


def said_of(key: RequestKey, item: RectificationItem) -> Said:
    """What the person said, opened."""
    return Said(**json.loads(key.open(item.said_sealed, f"rectification_items.said:{item.id}")))


def target_of(key: RequestKey, item: RectificationItem) -> Mapping[str, Any]:
    """Where the record is (`locator`), and the field's `old` and `new` value; {} while nobody has said."""
    if item.target_sealed is None:
        return {}
    found: Mapping[str, Any] = json.loads(key.open(item.target_sealed, f"rectification_items.target:{item.id}"))
    return found


def staff(session: Session, name: str, roles: Sequence[Role]) -> None:
    """Raise `NotAllowed` where this member of staff may not do it."""
    user = session.get(StaffUser, name)
    if user is None or user.disabled_at is not None or user.role not in roles:
        raise NotAllowed("role", detail=f"this needs the role {' or '.join(role.value for role in roles)}")
