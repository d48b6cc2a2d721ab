"""The day a request arrived, put right: every date that counts from it is reckoned anew, and the record says why."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.audit import AuditEntry
from models.request import Request
from models.staff import StaffUser
from models.vocabulary import RequestState, Role
from workflows import audit
from workflows.arrival import arrived_on
from workflows.casefile import open_key
from workflows.errors import BadInput, Conflict, Fault, NotAllowed
from workflows.ports import RequestKey
from workflows.rules.deadlines import received_on
from workflows.rules.form import day_faults
from workflows.runtime import Runtime

CORRECTED = "request:received:corrected"
CORRECTORS = (Role.CASEWORKER, Role.APPROVER, Role.DPO)
_SHORTEST, _LONGEST = 10, 1000


@dataclass(frozen=True, slots=True)
class Correction:
    """One correction; `reason` is "" for who may not read it, and once the case's key is gone."""

    at: datetime
    by: str
    before: date
    after: date
    reason: str = ""


def correct_received(session: Session, rt: Runtime, request: Request, *, user: str, day: date, reason: str) -> date:
    """Say on which day the request really arrived, with the reason in words; the day to answer by from now on.

    Whoever works on cases may set an earlier day, which favours the person; a later one only the data protection
    officer. An extension that was told after the first month as it is now does not hold any more. The caller holds the
    request's lock. Raises `NotAllowed`, `BadInput` (fields received_on, correction_reason), `Conflict`.
    Source: GDPR Art. 12(3); Regulation 1182/71 Art. 3(1).
    """
    staff = session.get(StaffUser, user)
    if staff is None or staff.disabled_at is not None or staff.role not in CORRECTORS:
        raise NotAllowed("role", detail="correcting the day of arrival needs the role caseworker, approver or dpo")
    if request.answered_at is not None or request.state in (RequestState.CLOSED, RequestState.CLOSING):
        raise Conflict("answered", detail="the request is answered")
    words = reason.strip()
    faults = _faults(rt, request, day)
    if not _SHORTEST <= len(words) <= _LONGEST:
        faults.append(Fault("correction_reason", "correction_reason", "write one sentence, at most 1000 characters"))
    if faults:
        raise BadInput(faults)
    if day > request.received_on and staff.role is not Role.DPO:
        raise NotAllowed("later_day", detail="only the data protection officer sets a later day of arrival")
    key = open_key(session, rt, request.data_key_id)
    before = request.received_on
    arrived_on(session, rt, request, day)
    facts = {"before": before.isoformat(), "received_on": day.isoformat(), "due_a": request.due_a.isoformat()}
    sealed = key.seal(words.encode(), _context(request, before, day))
    at = rt.now()
    audit.record(session, CORRECTED, at=at, actor=user, request_id=request.id, facts=facts, sealed=sealed)
    return request.due_on


def _faults(rt: Runtime, request: Request, day: date) -> list[Fault]:
    faults = day_faults(day, rt.today())
    registered = received_on(request.registered_at, rt.register.controller.time_zone)
    if not faults and day == request.received_on:
        faults.append(Fault("received_on", "same_day", "give another day than the one on record"))
    if not faults and day > registered:
        faults.append(Fault("received_on", "after_registered", f"it was on record here on {registered} already"))
    return faults


def corrections(session: Session, request: Request, key: RequestKey | None = None) -> Sequence[Correction]:
    """All corrections of the day of arrival, oldest first; with the request's key their reasons too."""
    rows = session.scalars(
        select(AuditEntry)
        .where(AuditEntry.chain == str(request.id), AuditEntry.event == CORRECTED)
        .order_by(AuditEntry.n)
    )
    found = []
    for row in rows:
        before, after = (date.fromisoformat(row.facts[name]) for name in ("before", "received_on"))
        words = key.open(row.sealed, _context(request, before, after)).decode() if key and row.sealed else ""
        found.append(Correction(row.at, row.actor, before, after, words))
    return found


def _context(request: Request, before: date, after: date) -> str:
    return f"audit.received:{request.id}:{before}:{after}"
