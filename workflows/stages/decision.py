"""People decide: approve a plan by its hash, refuse with a ground, extend once, or take note of a withdrawal."""

import hashlib
import uuid
from datetime import date

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models.decision import Approval, Plan
from models.request import Request
from models.staff import StaffUser
from models.step import Step
from models.vocabulary import (
    Event,
    Ground,
    Kind,
    Letter,
    Outcome,
    PlanState,
    RequestState,
    Role,
    StepState,
    TaskKind,
)
from workflows import acting, audit, guarding, lifecycle
from workflows.acting import require_decidable
from workflows.answer import keep_artifact
from workflows.asking import suspend
from workflows.candidates import undecided
from workflows.casefile import open_claim, open_key, open_proof
from workflows.caseview import case_facts, source_facts
from workflows.errors import BadInput, Conflict, Fault, NotAllowed
from workflows.human import close_tasks_of
from workflows.intents import approvals_needed
from workflows.notice import may_object
from workflows.outbox import queue_mail
from workflows.ports import RequestKey
from workflows.rectifying.saying import require_nothing_changed
from workflows.rules.code_in_text import has_identity_code
from workflows.rules.deadlines import extended_until, may_extend
from workflows.runtime import Runtime
from workflows.withholding import withheld
from workflows.work import NewStep

DECIDERS = {Role.APPROVER, Role.DPO}
EXTENSION_REASONS = ("complexity", "number_of_requests", "source_unavailable", "third_party_review")
_TASKS = {TaskKind.DECIDE, TaskKind.REVIEW, TaskKind.HOLD_UNKNOWN}


def begin(session: Session, rt: Runtime, request: Request) -> list[NewStep]:  # noqa: ARG001
    """A step that waits: it is a person's, and no worker ever claims it."""
    return [NewStep(key="decide", kind=Kind.DECIDE, state=StepState.WAITING)]


_LAPSES = (RequestState.COLLECTING, RequestState.ASSESSING, RequestState.DELIVERING, RequestState.CHANGING)
"""Where a request by a mandate that ended is refused from; an erasure comes back to be decided by itself."""

_LIVING = (PlanState.FROZEN, PlanState.APPROVED)


def decider(session: Session, name: str) -> StaffUser:
    """The member of staff, if they may decide; raises `NotAllowed` otherwise."""
    user = session.get(StaffUser, name)
    if user is None or user.disabled_at is not None:
        raise NotAllowed("unknown_user", detail="there is no such user, or the account is disabled")
    if user.role not in DECIDERS:
        raise NotAllowed("role", detail="deciding needs the role approver or dpo")
    return user


def needed(rt: Runtime, request: Request) -> int:
    """How many different people must approve. Source: GDPR Art. 5(2), 32(1)(b) as the register sets it."""
    return approvals_needed(rt, request)


def approve(session: Session, rt: Runtime, request: Request, *, user: str, plan_hash: str | None = None) -> int:
    """One person's word on the plan as it is now; how many are still needed (0: it is decided).

    `plan_hash` is what that person looked at, in hex or its first 12 or more digits; another plan raises
    `Conflict`. The caller holds the request's lock. Raises `NotAllowed` for the plan's preparer.
    """
    decider(session, user)
    plan = _frozen_plan(session, request)
    if guarding.open_case(session, request) is not None:
        raise Conflict("refusal_case_open", detail="a refusal is not settled yet; agree to it, or drop it")
    require_decidable(session, rt, request, open_key(session, rt, request.data_key_id))
    if request.right in rt.changes:
        rt.changes[request.right].require_decided(session, rt, request)
    if undecided(session, request):
        raise Conflict("candidates_open", detail="of some records nobody has said yet whether they are the person's")
    if plan_hash is not None and not _means(plan_hash, plan.plan_hash):
        raise Conflict("plan_changed", detail="the plan is not the one you looked at; look again")
    if plan.prepared_by == user or any(row.withheld_by == user for row in withheld(session, request)):
        raise NotAllowed("preparer", detail="who prepared a plan does not approve it")
    if session.get(Approval, (plan.id, user)) is None:
        session.add(Approval(plan_id=plan.id, approver=user, plan_hash=plan.plan_hash, at=rt.now()))
        audit.record(
            session,
            "plan:approved",
            at=rt.now(),
            actor=user,
            request_id=request.id,
            facts={"version": plan.version, "hash": plan.plan_hash.hex()},
        )
        session.flush()
    given = session.scalar(select(func.count()).where(Approval.plan_id == plan.id)) or 0
    missing = max(0, needed(rt, request) - given)
    if missing == 0:
        plan.state = PlanState.APPROVED
        _decided(session, rt, request, user)
        lifecycle.advance(session, rt, request, Event.APPROVED, actor=user)
    return missing


def _means(given: str, digest: bytes) -> bool:
    text = given.strip().lower().removeprefix("sha256:")
    return len(text) >= 12 and digest.hex().startswith(text)


def _frozen_plan(session: Session, request: Request) -> Plan:
    if request.state is not RequestState.DECIDING:
        raise Conflict("not_deciding", detail=f"the request is {request.state.value}; there is nothing to decide now")
    plan = session.scalar(
        select(Plan).where(Plan.request_id == request.id, Plan.state == PlanState.FROZEN).with_for_update()
    )
    if plan is None:
        raise Conflict("no_plan")
    return plan


def _decided(session: Session, rt: Runtime, request: Request, user: str) -> None:
    for step in session.scalars(
        select(Step).where(Step.request_id == request.id, Step.kind == Kind.DECIDE, Step.state == StepState.WAITING)
    ):
        step.state, step.done_at = StepState.DONE, rt.now()
    close_tasks_of(session, rt, request.id, kinds=_TASKS, by=user)


def refuse(session: Session, rt: Runtime, request: Request, *, user: str, ground: str, reason: str) -> None:
    """Refuse the request with its ground and the reason in words, which go into the certificate.

    `ground` names one of the register. A guarded one, manifestly unfounded or excessive, raises `NotAllowed` unless
    two people agreed on its facts (`workflows.guarding`). While the contact on file may object, a request that was
    not theirs ends so in any state, approved or not.
    Source: GDPR Art. 12(4), 12(5), 12(6).
    """
    decider(session, user)
    guarded = guarding.is_guarded(rt, ground)
    if guarded and not guarding.agreed(session, request, ground):
        raise NotAllowed("guarded_ground", detail="this ground needs its facts on record and two people")
    disowned = ground == Ground.NOT_IDENTIFIED and may_object(rt, request)
    lapsed = ground == Ground.NO_MANDATE and request.state in _LAPSES and acting.ended_of(session, rt, request)
    if request.state is not RequestState.DECIDING and not (
        lapsed or disowned or (guarded and request.state in guarding.STATES)
    ):
        raise Conflict("not_deciding", detail=f"the request is {request.state.value}; there is nothing to decide now")
    if not disowned and guarding.open_case(session, request) is not None:  # the person may be about to pay
        raise Conflict("refusal_case_open", detail="a refusal is not settled yet; agree to it, or drop it")
    require_nothing_changed(session, request)
    if len(reason.strip()) < 10:
        raise BadInput([Fault("reason", "a refusal needs its reason in words", "write at least one sentence")])
    if has_identity_code(reason):
        raise BadInput([Fault("reason", "holds a personal identity code", "leave it out: it may stand in no letter")])
    key = open_key(session, rt, request.data_key_id)
    request.outcome, request.refusal_ground, request.refused_by = Outcome.REFUSED, str(ground), user
    request.refusal_sealed = key.seal(reason.strip().encode(), f"requests.refusal:{request.id}")
    for plan in session.scalars(select(Plan).where(Plan.request_id == request.id, Plan.state.in_(_LIVING))):
        plan.state = PlanState.VOID
    audit.record(
        session, "request:refused", at=rt.now(), actor=user, request_id=request.id, facts={"ground": str(ground)}
    )
    _decided(session, rt, request, user)
    lifecycle.advance(session, rt, request, Event.REFUSED, actor=user)


def agree_to_refuse(session: Session, rt: Runtime, request: Request, *, user: str, digest: str) -> None:
    """The second person agrees to a guarded refusal, which follows at once. Raises what `guarding.agree` raises."""
    decider(session, user)
    ground, reason = guarding.agree(session, rt, request, user=user, digest=digest)
    refuse(session, rt, request, user=user, ground=ground, reason=reason)


def extend(session: Session, rt: Runtime, request: Request, *, user: str, reason: str, words: str = "") -> date:
    """Two further months, once, told to the person with the reason while the first month still runs.

    `reason` is a code, `words` say in a sentence what makes this one request complex or one of many; they go into the
    letter. Returns the new date. Raises `BadInput` (reason, extension_words), `Conflict` after the first month, by the
    clock that no question stops, or a second time.
    Source: GDPR Art. 12(3).
    """
    staff = session.get(StaffUser, user)
    if staff is None or staff.disabled_at is not None or staff.role not in (*DECIDERS, Role.CASEWORKER):
        raise NotAllowed("role", detail="extending needs the role caseworker, approver or dpo")
    if reason not in EXTENSION_REASONS:
        raise BadInput([Fault("reason", "unknown reason", f"one of {', '.join(EXTENSION_REASONS)}")])
    said = words.strip()
    if said and not 10 <= len(said) <= 1000:
        raise BadInput([Fault("extension_words", "extension_words", "write one sentence, at most 1000 characters")])
    if request.extended_at is not None:
        raise Conflict("already_extended", detail="a request can be extended once")
    if request.answered_at is not None or request.state in (RequestState.CLOSED, RequestState.CLOSING):
        raise Conflict("answered", detail="the request is answered")
    if not may_extend(rt.today(), request.due_b):
        raise Conflict("too_late", detail="an extension must be told within the first month")
    settings = rt.register.controller.deadlines
    until = extended_until(request.received_on, country=settings.country, not_holidays=settings.not_holidays)
    request.extended_until, request.extended_at, request.extension_reason = until.due_a, rt.now(), reason
    key = open_key(session, rt, request.data_key_id)
    if said:
        request.extension_sealed = key.seal(said.encode(), f"requests.extension:{request.id}")
    suspend(session, rt, request)
    _tell_extension(session, rt, request, key)
    audit.record(
        session,
        "request:extended",
        at=rt.now(),
        actor=user,
        request_id=request.id,
        facts={"until": until.due_a.isoformat(), "reason": reason},
    )
    return until.due_a


def _tell_extension(session: Session, rt: Runtime, request: Request, key: RequestKey) -> None:
    """To the contact on file; to the address that asked while nobody is proven: the mail says nothing of anybody.

    Where there is no address a person posts it, since an extension that nobody hears of is none.
    """
    proven = request.proof_sealed is not None
    to = open_proof(key, request).reply.email if proven else open_claim(key, request).reply_to
    case = case_facts(rt, request, key, name="")
    queue_mail(session, rt, request, key, letter=Letter.EXTENSION, to=to, case=case)
    if proven:
        _extension_letter(session, rt, request, key)


def _extension_letter(session: Session, rt: Runtime, request: Request, key: RequestKey) -> None:
    """The letter itself, which may name the person and say in words why; it can be fetched with the answer."""
    case = case_facts(rt, request, key, sources=source_facts(session, rt, request))
    pdf = rt.documents.letter(Letter.EXTENSION, case)
    blob = f"{request.id}/letter.{uuid.uuid4().hex}"
    with rt.blobs.write(blob, key) as out:
        out.write(pdf)
    digest = hashlib.sha256(pdf).digest()
    name = f"letter_{Letter.EXTENSION.value}.pdf"
    keep_artifact(
        session,
        rt,
        request,
        name=name,
        media_type="application/pdf",
        blob=blob,
        digest=digest,
        size=len(pdf),
        template=rt.documents.template(Letter.EXTENSION, case.language),
    )
    facts = {"letter": Letter.EXTENSION.value, "sha256": digest.hex()}
    audit.record(session, "letter:made", at=rt.now(), actor="vastine", request_id=request.id, facts=facts)


def withdraw(session: Session, rt: Runtime, request: Request, *, actor: str) -> None:
    """The person takes the request back; raises `Conflict` once something was delivered, erased or put right."""
    require_nothing_changed(session, request)
    audit.record(session, "request:withdrawn", at=rt.now(), actor=actor, request_id=request.id)
    for plan in session.scalars(select(Plan).where(Plan.request_id == request.id, Plan.state.in_(_LIVING))):
        plan.state = PlanState.VOID
    close_tasks_of(session, rt, request.id, kinds=set(TaskKind), by=actor)
    lifecycle.advance(session, rt, request, Event.WITHDRAWN, actor=actor)
