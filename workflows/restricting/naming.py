"""Which data, and on which ground: named by the person or for them by staff, before anybody decides.

Source: GDPR Art. 18(1).
"""

from dataclasses import dataclass

from sqlalchemy.orm import Session

from models.request import Request
from models.restriction import Restriction, RestrictionGround
from models.staff import StaffUser
from models.vocabulary import Event, RequestState, Right, Role
from workflows import audit, lifecycle
from workflows.casefile import open_key
from workflows.errors import BadInput, Conflict, Fault, NotAllowed
from workflows.ports import RequestKey
from workflows.restriction import restriction_of
from workflows.runtime import Runtime

GROUNDS = (
    RestrictionGround.ACCURACY,
    RestrictionGround.UNLAWFUL,
    RestrictionGround.CLAIM,
    RestrictionGround.OBJECTION,
)
"""Grounds a person can name; `kept` is ours."""

_STAFF = (Role.CASEWORKER, Role.APPROVER, Role.DPO)
_BEFORE = (
    RequestState.RECEIVED,
    RequestState.VERIFYING,
    RequestState.COLLECTING,
    RequestState.ASSESSING,
    RequestState.DECIDING,
)


@dataclass(frozen=True, slots=True)
class Scope:
    """What is to be restricted: no categories or sources named means all of the person's."""

    ground: RestrictionGround
    note: str  # in words, for the letter: which data and why
    categories: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()


def name_scope(session: Session, rt: Runtime, request: Request, scope: Scope, *, user: str) -> Restriction:
    """Write down ground and data; where a plan was made already, it is made anew and approvals lapse.

    The caller holds the request's lock. Raises `BadInput` with every mistake, `Conflict` once it was decided,
    `NotAllowed` for the role.
    """
    staff_of(session, user)
    if request.right is not Right.RESTRICTION or request.state not in _BEFORE:
        raise Conflict("decided_already", detail="ground and data are named before the decision")
    faults = _faults(rt, scope)
    if faults:
        raise BadInput(faults)
    row = row_for(session, request)
    row.ground, row.named_by = scope.ground, user
    row.categories, row.sources = sorted(set(scope.categories)), sorted(set(scope.sources))
    key = open_key(session, rt, request.data_key_id)
    row.note_sealed = key.seal(scope.note.strip().encode(), f"restrictions.note:{row.id}")
    facts = {"ground": scope.ground.value, "categories": row.categories, "sources": row.sources}
    audit.record(session, "restriction:named", at=rt.now(), actor=user, request_id=request.id, facts=facts)
    if request.state is RequestState.DECIDING:
        lifecycle.advance(session, rt, request, Event.RECHECK, actor=user)
    return row


def row_for(session: Session, request: Request) -> Restriction:
    """The request's restriction, made if there is none."""
    row = restriction_of(session, request)
    if row is None:
        row = Restriction(request_id=request.id, purposes=[], categories=[], sources=[])
        session.add(row)
        session.flush()  # what is sealed is bound to its id
    return row


def note_of(key: RequestKey, row: Restriction) -> str:
    """Which data and why, in words."""
    return key.open(row.note_sealed, f"restrictions.note:{row.id}").decode() if row.note_sealed else ""


def staff_of(session: Session, name: str, *, roles: tuple[Role, ...] = _STAFF) -> StaffUser:
    """The member of staff; raises `NotAllowed` where they may not do this."""
    user = session.get(StaffUser, name)
    if user is None or user.disabled_at is not None:
        raise NotAllowed("unknown_user", detail="there is no such user, or the account is disabled")
    if user.role not in roles:
        raise NotAllowed("role", detail=f"this needs the role {' or '.join(role.value for role in roles)}")
    return user


def _faults(rt: Runtime, scope: Scope) -> list[Fault]:
    faults = []
    if scope.ground not in GROUNDS:
        faults.append(Fault("ground", "ground_unknown", f"one of {', '.join(g.value for g in GROUNDS)}"))
    if not 10 <= len(scope.note.strip()) <= 2000:
        faults.append(Fault("note", "note_missing", "say in a sentence which data and why, at most 2000 characters"))
    if any(code not in rt.register.categories for code in scope.categories):
        faults.append(Fault("categories", "category_unknown", "choose categories of the register"))
    if any(name not in rt.register.sources for name in scope.sources):
        faults.append(Fault("sources", "source_unknown", "choose sources of the register"))
    return faults
