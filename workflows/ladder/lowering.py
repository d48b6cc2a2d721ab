"""One rung less for one case: one member of staff asks with a reason, another who may decide confirms."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.request import Request
from models.staff import HumanTask, StaffUser
from models.verification import Lowering
from models.vocabulary import Kind, RequestState, Role, TaskKind, TaskState
from workflows import audit, lifecycle
from workflows.casefile import open_key
from workflows.errors import BadInput, Conflict, Fault, NotAllowed
from workflows.human import close_task, open_task
from workflows.runtime import Runtime
from workflows.work import NewStep

_MAY_ASK = (Role.CASEWORKER, Role.APPROVER, Role.DPO)
_MAY_CONFIRM = (Role.APPROVER, Role.DPO)
_LEAST_WORDS = 10
TASK = "lowering"
"""Code of the task to confirm it."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked for and is to be confirmed: who asked, when and why; `read` is the mark of exactly this."""

    by: str
    at: datetime
    reason: str
    read: str


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
    ident, due = request.id, request.due_on
    open_task(session, rt, key=f"lowering:{ident}", kind=TaskKind.IDENTIFY, code=TASK, request_id=ident, due_on=due)


def asked_of(session: Session, rt: Runtime, request: Request) -> Asked | None:
    """What waits to be confirmed; None where nobody asked, or it is no use any more."""
    row = session.get(Lowering, request.id)
    if row is None or row.confirmed_at is not None or request.state is not RequestState.VERIFYING:
        return None
    key = open_key(session, rt, request.data_key_id)
    reason = key.open(row.reason_sealed, f"lowerings.reason:{request.id}").decode()
    mark = f"{request.id}\n{row.asked_by}\n{row.asked_at.isoformat()}\n{reason}"
    return Asked(row.asked_by, row.asked_at, reason, hashlib.sha256(mark.encode()).hexdigest()[:12])


def show(session: Session, rt: Runtime, request: Request, *, user: str) -> Asked:
    """What waits to be confirmed, for staff who may ask or confirm; that they looked is an entry of the audit.

    Raises `NotAllowed` for the role, `Conflict` where nothing waits.
    """
    _staff(session, user, _MAY_ASK)
    found = asked_of(session, rt, request)
    if found is None:
        raise Conflict("nothing_to_confirm")
    audit.record(session, "case:read", at=rt.now(), actor=user, request_id=request.id, facts={"what": "lowering"})
    return found


def waiting(session: Session) -> Sequence[tuple[str, str, datetime]]:
    """Reference, who asked and when, of every case for which somebody has to confirm; the oldest first."""
    rows = session.execute(
        select(Request.reference, Lowering.asked_by, Lowering.asked_at)
        .join(Request, Request.id == Lowering.request_id)
        .where(Lowering.confirmed_at.is_(None), Request.state == RequestState.VERIFYING)
        .order_by(Lowering.asked_at)
    )
    return [(reference, by, at) for reference, by, at in rows]


def confirm(session: Session, rt: Runtime, request: Request, *, user: str, read: str) -> None:
    """Accept one rung less, as somebody else than who asked; the person is offered the other ways then.

    `read` is the mark of what they read. Raises `NotAllowed` for the role and for who asked, `Conflict` where
    nobody asked, it is no use any more, or what was read is not what is asked for now.
    """
    _staff(session, user, _MAY_CONFIRM)
    row = session.get(Lowering, request.id, with_for_update=True)
    if row is None or row.confirmed_at is not None or request.state is not RequestState.VERIFYING:
        raise Conflict("nothing_to_confirm")
    if row.asked_by == user:
        raise NotAllowed("same_person", detail="whoever asks for less proof does not confirm it")
    asked = asked_of(session, rt, request)
    if asked is None or asked.read != read:
        raise Conflict("read_another", detail="what was read is not what is asked for now: read it again")
    row.confirmed_by, row.confirmed_at = user, rt.now()
    facts = {"by": row.asked_by}
    audit.record(session, "identity:lowered", at=rt.now(), actor=user, request_id=request.id, facts=facts)
    task = session.scalar(select(HumanTask).where(HumanTask.key == f"lowering:{request.id}"))
    if task is not None and task.state is TaskState.OPEN:
        close_task(session, rt, task, by=user, answer="confirmed")
    lifecycle.add_steps(session, rt, request, [NewStep(key="verify", kind=Kind.VERIFY)])


def _staff(session: Session, name: str, roles: tuple[Role, ...]) -> None:
    user = session.get(StaffUser, name)
    if user is None or user.disabled_at is not None or user.role not in roles:
        raise NotAllowed("role", detail="this account may not do that")
