"""One rung less for one case: one member of staff asks with a reason, another who may decide confirms."""

from sqlalchemy.orm import Session

from models.request import Request
from models.staff import StaffUser
from models.verification import Lowering
from models.vocabulary import Kind, RequestState, Role
from workflows import audit, lifecycle
from workflows.casefile import open_key
from workflows.errors import BadInput, Conflict, Fault, NotAllowed
from workflows.runtime import Runtime
from workflows.work import NewStep

_MAY_ASK = (Role.CASEWORKER, Role.APPROVER, Role.DPO)
_MAY_CONFIRM = (Role.APPROVER, Role.DPO)
_LEAST_WORDS = 10


def ask(session: Session, rt: Runtime, request: Request, *, user: str, reason: str) -> None:
    """Ask for one rung less; nothing changes before another person confirms. The caller holds the request's lock.

    Raises `NotAllowed` for the role, `BadInput` without a reason, `Conflict` where it is no use any more.
    """
    _staff(session, user, _MAY_ASK)
    if request.state is not RequestState.VERIFYING:
        raise Conflict("not_verifying")
    if len(reason.strip()) < _LEAST_WORDS:
        raise BadInput([Fault("reason", "less proof needs its reason in words", "write at least one sentence")])
    row = session.get(Lowering, request.id)
    if row is not None and row.confirmed_at is not None:
        raise Conflict("lowered", detail="one rung less is accepted already; there is no second")
    if row is None:
        row = Lowering(request_id=request.id)
        session.add(row)
    key = open_key(session, rt, request.data_key_id)
    row.reason_sealed = key.seal(reason.strip().encode(), f"lowerings.reason:{request.id}")
    row.asked_by, row.asked_at = user, rt.now()
    audit.record(session, "identity:lowering:asked", at=rt.now(), actor=user, request_id=request.id)


def confirm(session: Session, rt: Runtime, request: Request, *, user: str) -> None:
    """Accept one rung less, as somebody else than who asked; the person is offered the other ways then.

    Raises `NotAllowed` for the role and for who asked, `Conflict` where nobody asked or it is no use any more.
    """
    _staff(session, user, _MAY_CONFIRM)
    row = session.get(Lowering, request.id, with_for_update=True)
    if row is None or row.confirmed_at is not None or request.state is not RequestState.VERIFYING:
        raise Conflict("nothing_to_confirm")
    if row.asked_by == user:
        raise NotAllowed("same_person", detail="whoever asks for less proof does not confirm it")
    row.confirmed_by, row.confirmed_at = user, rt.now()
    facts = {"by": row.asked_by}
    audit.record(session, "identity:lowered", at=rt.now(), actor=user, request_id=request.id, facts=facts)
    lifecycle.add_steps(session, rt, request, [NewStep(key="verify", kind=Kind.VERIFY)])


def _staff(session: Session, name: str, roles: tuple[Role, ...]) -> None:
    user = session.get(StaffUser, name)
    if user is None or user.disabled_at is not None or user.role not in roles:
        raise NotAllowed("role", detail="this account may not do that")
