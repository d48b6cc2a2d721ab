"""A case that ended for want of an answer from the person is taken up again once the answer is there."""

from sqlalchemy.orm import Session

from models.asking import AskKind
from models.request import Request
from models.staff import StaffUser
from models.vocabulary import Event, Outcome, RequestState, Right, Role
from workflows import audit, lifecycle
from workflows.arrival import arrived_on
from workflows.asking import answered
from workflows.casefile import open_claim, open_key
from workflows.errors import BadInput, Conflict, Fault, NotAllowed
from workflows.restricting.objecting import rest_at_once
from workflows.runtime import Runtime

REOPENERS = (Role.CASEWORKER, Role.APPROVER, Role.DPO)
LACKING = ("not_specified", "no_mandate")
"""Grounds of a refusal that only says what was lacking."""


def may_reopen(request: Request) -> bool:
    """Whether the case ended because the person had not answered, not because it was decided.

    Refused as another person than the one who was proven: never. Such a case holds that person's letter and findings,
    which whoever proves themselves next would be given; they ask anew, and the clock begins that day all the same.
    """
    unproven = request.outcome is Outcome.NOT_IDENTIFIED and request.proof_sealed is None
    lacking = unproven or (request.outcome is Outcome.REFUSED and request.refusal_ground in LACKING)
    return request.state is RequestState.CLOSED and lacking


def reopen(session: Session, rt: Runtime, request: Request, *, user: str, reason: str) -> None:
    """Take the case up again, from where it stopped; the clock begins on the day what was lacking came.

    The caller holds the request's lock. Raises `NotAllowed`, `BadInput` (field reopen_reason), `Conflict`, or
    `NeverAgain("key_destroyed")` once the case's own records are gone.
    Source: GDPR Art. 11(2), 12(2), 12(4), 12(6).
    """
    staff = session.get(StaffUser, user)
    if staff is None or staff.disabled_at is not None or staff.role not in REOPENERS:
        raise NotAllowed("role", detail="taking up a case again needs the role caseworker, approver or dpo")
    if not may_reopen(request):
        raise Conflict("not_reopenable", detail="only a case that ended for want of an answer can be taken up again")
    words = reason.strip()
    if not 10 <= len(words) <= 1000:
        raise BadInput([Fault("reopen_reason", "reopen_reason", "write one sentence, at most 1000 characters")])
    key = open_key(session, rt, request.data_key_id)
    for kind in (AskKind.MANDATE, AskKind.SPECIFICATION):  # who they are is proven anew
        answered(session, rt, request, kind=kind, by=user)
    before = request.received_on
    request.outcome = request.refusal_ground = request.refusal_sealed = request.refused_by = None
    request.extended_until = request.extended_at = request.extension_reason = request.extension_sealed = None
    request.answered_at = request.closed_at = None
    request.reopened_at = rt.now()
    sealed = key.seal(words.encode(), f"audit.reopened:{request.id}:{rt.now().isoformat()}")
    facts = {"before": before.isoformat(), "received_on": rt.today().isoformat()}
    audit.record(
        session, "request:reopened", at=rt.now(), actor=user, request_id=request.id, facts=facts, sealed=sealed
    )
    lifecycle.advance(session, rt, request, Event.REOPENED, actor=user)
    if request.right is Right.OBJECTION:
        told = {kind: [value] for kind, value in open_claim(key, request).identifiers.items()}
        rest_at_once(session, rt, request, told)
    arrived_on(session, rt, request, rt.today())
