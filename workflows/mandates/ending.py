"""A mandate is taken back, or its last day is over: what it asked for stops, and somebody is asked for another."""

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from models.delivery import Grant
from models.mandate import AnswerTo, Mandate, MandateState
from models.request import Request
from models.staff import StaffUser
from models.vocabulary import RequestState, TaskKind
from workflows import acting, audit
from workflows.casefile import open_key
from workflows.errors import BadInput, Conflict, Fault, NotAllowed
from workflows.human import open_task
from workflows.mandates.checking import CHECKERS, ENDED
from workflows.rules.mandates import Standing
from workflows.runtime import Runtime

_ENDS = (Standing.EXPIRED, Standing.REVOKED)


def revoke(session: Session, rt: Runtime, request: Request, *, user: str, reason: str) -> None:
    """The person, or a court, took the mandate back: from now on nothing is given out or changed by it.

    The caller holds the request's lock. Raises `NotAllowed`, `Conflict` where none is live, `BadInput` (revoke_reason).
    """
    staff = session.get(StaffUser, user)
    if staff is None or staff.disabled_at is not None or staff.role not in CHECKERS:
        raise NotAllowed("role", detail="this needs the role caseworker, approver or dpo")
    row = acting.mandate_of(session, request, lock=True)
    if row is None or acting.standing_of(rt, request, row) not in (Standing.LIVE, Standing.NOT_YET):
        raise Conflict("no_mandate", detail="there is no mandate in force here")
    words = reason.strip()
    if not 10 <= len(words) <= 1000:
        raise BadInput([Fault("revoke_reason", "revoke_reason", "write one sentence, at most 1000 characters")])
    key = open_key(session, rt, request.data_key_id)
    sealed = key.seal(words.encode(), f"audit.mandate_revoked:{request.id}:{rt.now().isoformat()}")
    _end(session, rt, request, row, why=Standing.REVOKED, by=user, sealed=sealed)


def lapse(rt: Runtime) -> int:
    """End the mandates whose last day is over; how many."""
    over = (Mandate.state == MandateState.PROVEN, Mandate.ended_at.is_(None), Mandate.valid_until < rt.today())
    with rt.unit() as session:
        ids = session.scalars(select(Mandate.request_id).where(*over).limit(500)).all()
    count = 0
    for ident in ids:
        with rt.unit() as session:
            request = session.get_one(Request, ident, with_for_update=True)
            row = acting.mandate_of(session, request, lock=True)
            if row is None or row.ended_at is not None or acting.standing_of(rt, request, row) not in _ENDS:
                continue
            _end(session, rt, request, row, why=Standing.EXPIRED, by="vastine")
            count += 1
    return count


def _end(
    session: Session,
    rt: Runtime,
    request: Request,
    row: Mandate,
    *,
    why: Standing,
    by: str,
    sealed: bytes | None = None,
) -> None:
    row.ended_at, row.ended_why = rt.now(), why.value
    acting.forget_ticks(session, request)
    facts = {"kind": row.kind, "why": why.value}
    audit.record(session, "mandate:ended", at=rt.now(), actor=by, request_id=request.id, facts=facts, sealed=sealed)
    if row.answer_to is AnswerTo.REPRESENTATIVE:
        links = update(Grant).where(Grant.request_id == request.id, Grant.revoked_at.is_(None))
        session.execute(links.values(revoked_at=rt.now()))
    if request.answered_at is not None or request.state is RequestState.CLOSED:
        return
    open_task(
        session,
        rt,
        key=f"{ENDED}:{request.id}",
        kind=TaskKind.CHECK,
        code=ENDED,
        request_id=request.id,
        due_on=request.due_on,
        facts={"why": why.value},
    )
    acting.ask_for_it(session, rt, request)
