"""A person stops a source and says why and until when; its steps wait, and that costs them nothing.

A pause belongs to whoever asked for it, is shown wherever the source is, and ends by itself after its last day.
"""

from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.collection import SourceHealth
from models.staff import StaffUser
from models.vocabulary import Role
from workflows import audit, gates
from workflows.errors import BadInput, Conflict, Fault, NotAllowed, NotFound
from workflows.runtime import Runtime

PAUSERS = frozenset({Role.CASEWORKER, Role.APPROVER, Role.DPO, Role.ADMIN})
_LONGEST_REASON = 200


def pause(session: Session, rt: Runtime, source: str, *, user: str, reason: str, until: date | None = None) -> None:
    """Let no step begin to work on this source; one that has begun is finished.

    `until` is the pause's last day; None: until somebody ends it. `reason` is about the system, never about a person.
    Raises `NotFound`, `NotAllowed`, `BadInput`, or `Conflict` where the source is paused already.
    """
    _may(session, rt, source, user)
    faults = []
    if not reason.strip():
        faults.append(Fault("reason", "pause_reason_missing", "say in a few words why the source is paused"))
    if len(reason) > _LONGEST_REASON:
        faults.append(Fault("reason", "pause_reason_long", f"say it in {_LONGEST_REASON} characters"))
    if until is not None and until < rt.today():
        faults.append(Fault("until", "pause_until_past", "name today or a later day, or no day"))
    if faults:
        raise BadInput(faults)
    row = gates.row_of(session, source)
    if gates.is_paused(rt, row):
        raise Conflict("source_paused", detail=f"{row.paused_by} has paused this source already")
    row.paused_by, row.paused_at, row.paused_until, row.paused_why = user, rt.now(), until, reason.strip()
    facts = {"source": source, "until": until.isoformat() if until else None, "reason": reason.strip()}
    audit.record(session, "source:paused", at=rt.now(), actor=user, facts=facts)


def resume(session: Session, rt: Runtime, source: str, *, user: str) -> None:
    """End a pause; what waited goes on at once. Raises `NotFound`, `NotAllowed`, or `Conflict` where there is none."""
    _may(session, rt, source, user)
    row = gates.row_of(session, source)
    if row.paused_at is None:
        raise Conflict("source_not_paused", detail="this source is not paused")
    _end(session, rt, row, user)


def end_those_that_are_over(rt: Runtime) -> int:
    """End pauses whose last day is past; how many there were."""
    with rt.unit() as session:
        over = session.scalars(select(SourceHealth.source).where(SourceHealth.paused_until < rt.today())).all()
    for source in over:
        with rt.unit() as session:
            row = gates.row_of(session, source)
            if row.paused_until is not None and not gates.is_paused(rt, row):
                _end(session, rt, row, "vastine")
    return len(over)


def _end(session: Session, rt: Runtime, row: SourceHealth, user: str) -> None:
    row.paused_by, row.paused_at, row.paused_until, row.paused_why = None, None, None, None
    session.flush()
    gates.wake(session, rt, row.source, gates.PAUSED)
    audit.record(session, "source:resumed", at=rt.now(), actor=user, facts={"source": row.source})


def _may(session: Session, rt: Runtime, source: str, user: str) -> None:
    if source not in rt.register.sources:
        known = ", ".join(sorted(rt.register.sources))
        raise NotFound("source", detail=f"the register has no source of this name; it has {known}")
    found = session.get(StaffUser, user)
    if found is None or found.disabled_at is not None:
        raise NotAllowed("unknown_user", detail="there is no such user, or the account is disabled")
    if found.role not in PAUSERS:
        words = ", ".join(sorted(role.value for role in PAUSERS))
        raise NotAllowed("role", detail=f"pausing a source needs one of the roles {words}")
