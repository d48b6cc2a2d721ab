"""Holds that people place and release by hand, on a person, whatever case led to them.

Placing one protects, so one member of staff is enough; releasing needs two. Either way the open cases of
the person are looked at again, which voids approvals that rested on the old plan.
"""

import uuid
from dataclasses import dataclass
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.holds import ManualHold
from models.request import Request
from models.staff import StaffUser
from models.vocabulary import Event, RequestState, Right, Role
from workflows import audit, lifecycle
from workflows.errors import BadInput, Conflict, Fault, NotAllowed, NotFound
from workflows.runtime import Runtime

REASONS = ("authority_order", "legal_claim", "restriction_asked", "dispute", "investigation")
_MAY_PLACE = (Role.CASEWORKER, Role.APPROVER, Role.DPO)
_MAY_RELEASE = (Role.APPROVER, Role.DPO)
_LOOKED_AT_AGAIN = (RequestState.HELD, RequestState.DECIDING)


@dataclass(frozen=True, slots=True)
class Placing:
    """A hold to be placed. `category` None is every category; `until` is the last day it holds."""

    rule: str
    reason: str
    until: date
    category: str | None = None


def place(session: Session, rt: Runtime, request: Request, placing: Placing, *, user: str) -> ManualHold:
    """Hold the person's data; the case shows who is meant. The caller holds the request's lock.

    Raises `BadInput` with every mistake, `Conflict` while nobody is proven, `NotAllowed` for the role.
    """
    _staff(session, user, roles=_MAY_PLACE)
    faults = _faults(rt, placing)
    if faults:
        raise BadInput(faults)
    if request.subject_digest is None:
        raise Conflict("not_proven", detail="nobody is proven in this case yet, so there is nobody to hold data of")
    hold = ManualHold(
        subject_digest=request.subject_digest,
        rule=placing.rule,
        category=placing.category,
        reason_code=placing.reason,
        placed_by=user,
        placed_at=rt.now(),
        until=placing.until,
    )
    session.add(hold)
    session.flush()  # the audit entry names it
    facts = {"hold": str(hold.id), "rule": hold.rule, "reason": hold.reason_code, "until": hold.until.isoformat()}
    _tell(session, rt, hold, event="hold:placed", user=user, facts=facts)
    return hold


def release(session: Session, rt: Runtime, ident: uuid.UUID, *, user: str) -> bool:
    """One person's word that a hold may end; True once a second, different person has said so too.

    Raises `NotFound`, `Conflict` if it is released already or the same person says it twice.
    """
    _staff(session, user, roles=_MAY_RELEASE)
    digest = session.scalar(select(ManualHold.subject_digest).where(ManualHold.id == ident))
    if digest is None:
        raise NotFound("hold", detail="there is no hold with this id")
    _lock_cases(session, digest)
    hold = session.get_one(ManualHold, ident, with_for_update=True, populate_existing=True)
    if hold.released_at is not None:
        raise Conflict("released", detail="this hold is released already")
    if hold.released_by is None:
        hold.released_by = user
        return False
    if hold.released_by == user:
        raise Conflict("same_person", detail="a second, different person must release it too")
    hold.release_second, hold.released_at = user, rt.now()
    facts = {"hold": str(hold.id), "rule": hold.rule, "first": hold.released_by}
    _tell(session, rt, hold, event="hold:released", user=user, facts=facts)
    return True


def list_holds(session: Session, *, all_of_them: bool = False) -> list[ManualHold]:
    """Holds in force or, with `all_of_them`, released ones too; the next to end first."""
    query = select(ManualHold).order_by(ManualHold.until, ManualHold.placed_at)
    if not all_of_them:
        query = query.where(ManualHold.released_at.is_(None))
    return list(session.scalars(query))


def _lock_cases(session: Session, digest: bytes) -> list[Request]:
    return list(
        session.scalars(
            select(Request)
            .where(Request.subject_digest == digest, Request.state != RequestState.CLOSED)
            .order_by(Request.id)
            .with_for_update()
        )
    )


def _tell(session: Session, rt: Runtime, hold: ManualHold, *, event: str, user: str, facts: dict[str, str]) -> None:
    cases = _lock_cases(session, hold.subject_digest)
    if not cases:
        audit.record(session, event, at=rt.now(), actor=user, facts=facts)
    for case in cases:
        audit.record(session, event, at=rt.now(), actor=user, request_id=case.id, facts=facts)
        if case.right is Right.ERASURE and case.state in _LOOKED_AT_AGAIN:
            lifecycle.advance(session, rt, case, Event.RECHECK, actor=user)


def _staff(session: Session, name: str, *, roles: tuple[Role, ...]) -> None:
    user = session.get(StaffUser, name)
    if user is None or user.disabled_at is not None:
        raise NotAllowed("unknown_user", detail="there is no such user, or the account is disabled")
    if user.role not in roles:
        needed = " or ".join(role.value for role in roles)
        raise NotAllowed("role", detail=f"this needs the role {needed}")


def _faults(rt: Runtime, placing: Placing) -> list[Fault]:
    faults = []
    rules = [rule.id for rule in rt.register.holds]
    if placing.rule not in rules:
        known = ", ".join(rules) or 'none; write one in holds.yaml with `trigger: "false"`'
        faults.append(Fault("rule", f"the register has no rule {placing.rule}", f"its rules: {known}"))
    if placing.reason not in REASONS:
        faults.append(Fault("reason", "unknown reason", f"one of {', '.join(REASONS)}"))
    if placing.category is not None and placing.category not in rt.register.categories:
        faults.append(Fault("category", "the register has no such category", "leave it out to hold every category"))
    if placing.until <= rt.today():
        faults.append(Fault("until", "the day is not in the future", "a hold needs an end or a day to look again"))
    return faults


__all__ = ["REASONS", "Placing", "list_holds", "place", "release"]
