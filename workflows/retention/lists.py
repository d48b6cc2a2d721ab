"""The frozen list of a category: who made it, and the word of two different people on exactly this list."""

import hashlib
import json
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import func, insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from models.request import DataKey
from models.retention import RetentionApproval, RetentionItem, RetentionRun, RetentionState
from workflows import audit
from workflows.casefile import make_key, open_key
from workflows.errors import Conflict, NotFound, PersonMustLook
from workflows.ports import RequestKey
from workflows.retention.late import Late
from workflows.retention.looking import look
from workflows.rules.items import canonical
from workflows.runtime import Runtime
from workflows.stages.decision import decider

NEEDED = 2
"""How many different people have to approve a list. Source: GDPR Art. 5(2), 32(1)(b)."""

_CURRENT = (RetentionState.FROZEN, RetentionState.APPROVED)


@dataclass(frozen=True, slots=True)
class Listed:
    """A list as people approve it."""

    run_id: uuid.UUID
    plan_hash: str
    items: int


def freeze(rt: Runtime, category: str, *, user: str) -> Listed | None:
    """Look through the sources and freeze what is late, instead of any list that nobody has carried out; None: nothing.

    Raises `NotAllowed` for who may not decide, `Conflict` while an approved list of the category is not through.
    """
    with rt.unit() as session:
        decider(session, user)
    late = look(rt, category).late
    try:
        with rt.unit() as session:
            for old in session.scalars(
                select(RetentionRun).where(RetentionRun.category == category, RetentionRun.state.in_(_CURRENT))
            ):
                if old.state is RetentionState.APPROVED:
                    raise Conflict("not_through", detail="an approved list of this category is not carried out yet")
                old.state = RetentionState.VOID
                destroy(session, rt, old)
                _tell(session, rt, old, event="retention:voided", user=user)
            session.flush()
            return _insert(session, rt, category, late, user=user) if late else None
    except IntegrityError:
        raise Conflict("at_once", detail="somebody else made a list of this category at this moment") from None


def _insert(session: Session, rt: Runtime, category: str, late: Sequence[Late], *, user: str) -> Listed:
    data_key, key = make_key(session, rt)
    today = rt.today()
    digest = list_hash(category, today, map(_said, late))
    run = RetentionRun(
        category=category,
        state=RetentionState.FROZEN,
        plan_hash=digest,
        item_count=len(late),
        as_of=today,
        prepared_by=user,
        frozen_at=rt.now(),
        data_key_id=data_key.id,
    )
    session.add(run)
    session.flush()  # its items name it
    rows = [
        {
            "run_id": run.id,
            "item_no": n,
            "source": one.source,
            "collection": one.collection,
            "action": one.action,
            "fields": list(one.fields),
            "since": one.since,
            "locator_sealed": key.seal(canonical(one.locator).encode(), _context(run.id, n)),
            "item_digest": bytes.fromhex(one.digest),
        }
        for n, one in enumerate(late, 1)
    ]
    session.execute(insert(RetentionItem), rows)
    _tell(session, rt, run, event="retention:frozen", user=user)
    return Listed(run.id, digest.hex(), len(late))


def approve(rt: Runtime, category: str, plan_hash: str, *, user: str) -> tuple[Listed, int]:
    """One person's word on the list with this hash; how many more are needed. Saying it twice changes nothing.

    Raises `NotFound` if there is no list of the category, `Conflict` if it is another one than they saw.
    """
    with rt.unit() as session:
        decider(session, user)
        run = current(session, category)
        if run.plan_hash.hex() != plan_hash:
            raise Conflict("other_plan", detail="the list is not the one with this hash; look at it again")
        check(session, rt, run)
        if session.get(RetentionApproval, (run.id, user)) is None:
            session.add(RetentionApproval(run_id=run.id, approver=user, plan_hash=run.plan_hash, at=rt.now()))
            session.flush()
            _tell(session, rt, run, event="retention:approved", user=user)
        missing = max(0, NEEDED - approvals(session, run))
        if not missing:
            run.state = RetentionState.APPROVED
        return Listed(run.id, plan_hash, run.item_count), missing


def current(session: Session, category: str) -> RetentionRun:
    """The list of a category that is not through, locked; raises `NotFound`."""
    run = session.scalar(
        select(RetentionRun)
        .where(RetentionRun.category == category, RetentionRun.state.in_(_CURRENT))
        .with_for_update()
    )
    if run is None:
        raise NotFound("list", detail="no list of this category waits; make one without --plan")
    return run


def approvals(session: Session, run: RetentionRun) -> int:
    """How many different people approved exactly this list."""
    given = select(func.count()).where(RetentionApproval.run_id == run.id, RetentionApproval.plan_hash == run.plan_hash)
    return session.scalar(given) or 0


def check(session: Session, rt: Runtime, run: RetentionRun) -> list[tuple[RetentionItem, Late]]:
    """The items of the list, opened. Raises `PersonMustLook` if they are not what its hash is over."""
    key = open_key(session, rt, run.data_key_id)
    rows = session.scalars(select(RetentionItem).where(RetentionItem.run_id == run.id).order_by(RetentionItem.item_no))
    items = [(row, opened(key, row)) for row in rows]
    if list_hash(run.category, run.as_of, (_said(late) for _, late in items)) != run.plan_hash:
        raise PersonMustLook("plan_tampered")
    return items


def opened(key: RequestKey, row: RetentionItem) -> Late:
    """One item of a list."""
    locator = _loads(key.open(row.locator_sealed, _context(row.run_id, row.item_no)))
    return Late(row.source, row.collection, locator, row.item_digest.hex(), row.action, tuple(row.fields), row.since)


def destroy(session: Session, rt: Runtime, run: RetentionRun) -> None:
    """Which records a list named can't be read any more; counts and hash stay."""
    key = session.get_one(DataKey, run.data_key_id)
    key.wrapped, key.destroyed_at = None, rt.now()


def list_hash(category: str, as_of: date, items: Iterable[list[Any]]) -> bytes:
    """SHA-256 over everything an approval is for, in order."""
    digest = hashlib.sha256(b"vastine-retention-1\n" + canonical([category, as_of.isoformat()]).encode() + b"\n")
    for item in items:
        digest.update(canonical(item).encode() + b"\n")
    return digest.digest()


def _said(late: Late) -> list[Any]:
    fields = list(late.fields)
    since = late.since.isoformat()
    return [late.source, late.collection, late.locator, late.digest, late.action.value, fields, since]


def _loads(plain: bytes) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(plain)
    return found


def _context(run_id: uuid.UUID, item_no: int) -> str:
    return f"retention_items:{run_id}:{item_no}"


def _tell(session: Session, rt: Runtime, run: RetentionRun, *, event: str, user: str) -> None:
    facts = {"category": run.category, "hash": run.plan_hash.hex(), "items": run.item_count}
    audit.record(session, event, at=rt.now(), actor=user, facts=facts)
