"""Holds that people place and release by hand, on a person, whatever case led to them.

A hold protects from the moment one member of staff places it; a second one confirms it, and is asked until they do.
Releasing it takes the word of two. Each time the open cases of the person are looked at again, which voids approvals
that rested on the old plan.
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
from workflows import audit, hold_tasks, lifecycle
from workflows.barring import require_free
from workflows.casefile import open_key
from workflows.errors import BadInput, Conflict, Fault, NotAllowed, NotFound
from workflows.runtime import Runtime

REASONS = ("authority_order", "legal_claim", "restriction_asked", "dispute", "investigation")
RELEASES = ("matter_closed", "order_lifted", "no_longer_asked", "no_ground", "mistake")
"""Why a hold ends before its day."""

PLACED = "hold:placed"
LONGEST = 1000
_MAY_PLACE = (Role.CASEWORKER, Role.APPROVER, Role.DPO)
_MAY_RELEASE = (Role.APPROVER, Role.DPO)
_LOOKED_AT_AGAIN = (RequestState.HELD, RequestState.DECIDING)


@dataclass(frozen=True, slots=True)
class Placing:
    """A hold to be placed. `category` None is every category; `until` is the last day it holds.

    `words` say what it is about, such as an order's number and authority: sealed with the case that led to it.
    """

    rule: str
    reason: str
    until: date
    category: str | None = None
    words: str = ""


def place(session: Session, rt: Runtime, request: Request, placing: Placing, *, user: str) -> ManualHold:
    """Hold the person's data at once; the case shows who is meant. The same placed twice is placed once.

    Raises `BadInput` with every mistake, `Conflict` while nobody is proven, `NotAllowed` for the role.
    """
    _staff(session, user, roles=_MAY_PLACE)
    faults = _faults(rt, placing)
    if faults:
        raise BadInput(faults)
    if request.subject_digest is None:
        raise Conflict("not_proven", detail="nobody is proven in this case yet, so there is nobody to hold data of")
    cases = _locked_cases(session, request.subject_digest, of=request)
    _require_free(session, rt, request.subject_digest, user=user)
    if (same := _same(session, request.subject_digest, placing, user=user)) is not None:
        return same
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
    sealed = None
    if words := placing.words.strip():
        key = open_key(session, rt, request.data_key_id)
        sealed = key.seal(words.encode(), words_context(hold))
    for case in cases:
        mine = sealed if case.id == request.id else None  # another case has another key
        audit.record(session, PLACED, at=rt.now(), actor=user, request_id=case.id, facts=facts, sealed=mine)
    _look_again(session, rt, cases, user=user)
    hold_tasks.ask_for_a_second(session, rt, hold, request)
    return hold


def confirm(session: Session, rt: Runtime, ident: uuid.UUID, *, user: str) -> None:
    """A second person's word that the hold is right. It holds without, but somebody is asked until it is there.

    Raises `NotFound`, `Conflict` if it is confirmed or over already, `NotAllowed` for who placed it.
    """
    _staff(session, user, roles=_MAY_RELEASE)
    hold, cases = _locked(session, rt, ident, user=user)
    if hold.confirmed_by is not None:
        raise Conflict("hold_confirmed", detail="somebody has confirmed this hold already")
    if hold.placed_by == user:
        raise NotAllowed("placed_it", detail="who placed a hold does not confirm it")
    hold.confirmed_by, hold.confirmed_at = user, rt.now()
    _record(session, rt, "hold:confirmed", hold, cases=cases, user=user, facts={})
    hold_tasks.close(session, rt, hold, by=user, answer="confirmed")


def release(
    session: Session, rt: Runtime, ident: uuid.UUID, *, user: str, reason: str = "", seen: str | None = None
) -> bool:
    """One person's word that a hold may end, with the reason; True once a second, different person has said so too.

    `reason` is one of `RELEASES`, and the second person's is that of the first; `seen` is the `mark_of` what they
    looked at. Raises `NotFound`, `BadInput` (reason), `Conflict` if it is released already, if the same person says it
    twice, or if it is not as it was when they looked.
    """
    _staff(session, user, roles=_MAY_RELEASE)
    hold, cases = _locked(session, rt, ident, user=user)
    if seen is not None and seen != mark_of(hold):
        raise Conflict("hold_changed", detail="somebody acted on this hold since you looked; look again")
    if hold.released_by == user:
        raise Conflict("same_person", detail="a second, different person must release it too")
    if hold.released_by is None:
        if reason not in RELEASES:
            raise BadInput([Fault("reason", "release_reason_missing", f"one of {', '.join(RELEASES)}")])
        hold.released_by, hold.release_reason, hold.release_asked_at = user, reason, rt.now()
        _record(session, rt, "hold:release:asked", hold, cases=cases, user=user, facts={"reason": reason})
        return False
    if reason not in ("", hold.release_reason):
        raise BadInput([Fault("reason", "release_reason_differs", "give the reason of who asked, or keep the hold")])
    hold.release_second, hold.released_at = user, rt.now()
    facts = {"first": hold.released_by, "reason": hold.release_reason}
    _record(session, rt, "hold:released", hold, cases=cases, user=user, facts=facts)
    hold_tasks.close(session, rt, hold, by=user, answer="released")
    _look_again(session, rt, cases, user=user)
    return True


def keep(session: Session, rt: Runtime, ident: uuid.UUID, *, user: str) -> None:
    """Nothing comes of the one word that it may end: it takes two again. Raises as `release`, and who asked may too."""
    _staff(session, user, roles=_MAY_RELEASE)
    hold, cases = _locked(session, rt, ident, user=user)
    if hold.released_by is None:
        raise Conflict("not_asked", detail="nobody has asked that this hold ends")
    hold.released_by, hold.release_reason, hold.release_asked_at = None, None, None
    _record(session, rt, "hold:kept", hold, cases=cases, user=user, facts={})


def list_holds(session: Session, *, all_of_them: bool = False, digest: bytes | None = None) -> list[ManualHold]:
    """Holds in force or, with `all_of_them`, released ones too; the next to end first. `digest`: of one person."""
    query = select(ManualHold).order_by(ManualHold.until, ManualHold.placed_at, ManualHold.id)
    if not all_of_them:
        query = query.where(ManualHold.released_at.is_(None))
    if digest is not None:
        query = query.where(ManualHold.subject_digest == digest)
    return list(session.scalars(query))


def mark_of(hold: ManualHold) -> str:
    """What a person looked at: changes with every word on the hold."""
    said = (hold.confirmed_at, hold.release_asked_at, hold.released_at)
    return "|".join([str(hold.id), *(at.isoformat() if at else "" for at in said)])


def words_context(hold: ManualHold) -> str:
    """What the words on a hold are sealed to."""
    return f"audit.hold:{hold.id}"


def _locked(session: Session, rt: Runtime, ident: uuid.UUID, *, user: str) -> tuple[ManualHold, list[Request]]:
    """A hold that is not over, after the cases of its person, all locked."""
    digest = session.scalar(select(ManualHold.subject_digest).where(ManualHold.id == ident))
    if digest is None:
        raise NotFound("hold", detail="there is no hold with this id")
    cases = _locked_cases(session, digest)
    _require_free(session, rt, digest, user=user)
    hold = session.get_one(ManualHold, ident, with_for_update=True, populate_existing=True)
    if hold.released_at is not None:
        raise Conflict("released", detail="this hold is released already")
    return hold, cases


def _locked_cases(session: Session, digest: bytes, *, of: Request | None = None) -> list[Request]:
    """The person's open cases and this one, locked in one order."""
    wanted = Request.state != RequestState.CLOSED
    if of is not None:
        wanted |= Request.id == of.id
    mine = select(Request).where(Request.subject_digest == digest, wanted)
    # Read anew: the caller may have looked at one of them without its lock.
    fresh = mine.order_by(Request.id).with_for_update().execution_options(populate_existing=True)
    return list(session.scalars(fresh))


def _require_free(session: Session, rt: Runtime, digest: bytes, *, user: str) -> None:
    """Nobody places, confirms or releases a hold on their own data, nor on those of somebody near."""
    for ident in session.scalars(select(Request.id).where(Request.subject_digest == digest)):
        require_free(session, ident, actor=user, event=PLACED, at=rt.now())


def _same(session: Session, digest: bytes, placing: Placing, *, user: str) -> ManualHold | None:
    wanted = (placing.rule, placing.category, placing.reason, placing.until, user)
    for hold in list_holds(session, digest=digest):
        if hold.release_asked_at is not None:
            continue  # one more word ends it, and whoever places it now wants it to last
        if (hold.rule, hold.category, hold.reason_code, hold.until, hold.placed_by) == wanted:
            return hold
    return None


def _record(
    session: Session,
    rt: Runtime,
    event: str,
    hold: ManualHold,
    *,
    cases: list[Request],
    user: str,
    facts: dict[str, str | None],
) -> None:
    said = {"hold": str(hold.id), "rule": hold.rule, **facts}
    chains: list[uuid.UUID | None] = [case.id for case in cases]
    for ident in chains or [None]:
        audit.record(session, event, at=rt.now(), actor=user, request_id=ident, facts=said)


def _look_again(session: Session, rt: Runtime, cases: list[Request], *, user: str) -> None:
    for case in cases:
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
    if len(placing.words.strip()) > LONGEST:
        faults.append(Fault("words", "hold_words", f"write at most {LONGEST} characters"))
    return faults


__all__ = ["REASONS", "RELEASES", "Placing", "confirm", "keep", "list_holds", "place", "release"]
