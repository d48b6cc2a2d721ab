"""Staff look at a mandate: tick what they saw, say that it is real, alone or with another, or that none was shown.

Source: GDPR Art. 12(2), 12(6); EDPB Guidelines 01/2022 para. 80-82.
"""

from collections.abc import Collection
from dataclasses import replace

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.asking import AskKind
from models.mandate import AnswerTo, Mandate, MandateState
from models.request import Request
from models.staff import HumanTask, StaffUser
from models.step import Step
from models.vocabulary import Event, Ground, Method, Outcome, RequestState, Role, StepState, TaskKind, TaskState
from workflows import acting, audit, lifecycle, nearness
from workflows.asking import answered, insufficient
from workflows.casefile import open_claim, open_key, open_proof, seal_claim, seal_proof
from workflows.errors import BadInput, Conflict, Fault, NotAllowed
from workflows.human import close_task, close_tasks_of
from workflows.ladder import rungs
from workflows.mandates.seen import note_ticks, ticked
from workflows.mandates.terms import Terms, offered
from workflows.notice import BY_STAFF
from workflows.ports import RequestKey
from workflows.register.mandates import ESTATE, mandate_kinds
from workflows.repair import requeue
from workflows.rules.code_in_text import has_identity_code
from workflows.rules.identifiers import PHONE, normalise
from workflows.rules.mandates import Standing, faults_of, lines_needed, people_needed
from workflows.runtime import Runtime
from workflows.stages.verification import begin

CHECKERS = (Role.CASEWORKER, Role.APPROVER, Role.DPO)
DECIDERS = (Role.APPROVER, Role.DPO)
ENDED = "mandate_ended"
"""Code of the task that a mandate which ended in the middle of a case opens."""


def tick(session: Session, rt: Runtime, request: Request, *, user: str, kind: str, codes: Collection[str]) -> None:
    """Note which lines of the check list this person saw to, whatever is still missing; the rest may follow.

    Raises `NotAllowed` for the role, `Conflict` where nobody acts for another, `BadInput` for an unknown kind or, once
    the person is proven, another one.
    """
    _staff(session, user, CHECKERS)
    row = _mandate(session, request)
    _kind(kind)
    if request.proof_sealed is not None and kind != row.kind:
        raise BadInput([Fault("kind", "mandate_scope_frozen", "the kind stays as it was")])
    row.kind = kind
    note_ticks(session, rt, request, user=user, kind=kind, codes=codes)
    facts = {"kind": kind, "lines": sorted(set(codes))}
    audit.record(session, "mandate:checked", at=rt.now(), actor=user, request_id=request.id, facts=facts)
    insufficient(session, rt, request, kind=AskKind.MANDATE, by=user)


def accept(session: Session, rt: Runtime, request: Request, *, user: str, terms: Terms) -> int:
    """This person says that the mandate is real; how many are still needed (0: it counts from now on).

    The caller holds the request's lock. Where the person was proven by a mandate that ended, the same mandate goes on
    with new days: neither whom the answer goes to nor what it covers can change any more. Raises `NotAllowed`,
    `Conflict`, or `BadInput` with a fault for each thing that is missing.
    """
    _staff(session, user, CHECKERS)
    row = _mandate(session, request)
    _kind(terms.kind)
    _may_accept(rt, request, row)
    if row.proven_at is not None:  # what was seen of the one before says nothing of this one
        acting.forget_ticks(session, request)
    _faults(session, rt, request, terms)
    if not rungs.suffices(session, rt, request, terms.method):
        raise NotAllowed("proof_too_weak", detail="this proof is not enough for what was asked")
    key = open_key(session, rt, request.data_key_id)
    if request.proof_sealed is not None:
        _require_same(row, acting.holder_of(key, row), terms)
    note_ticks(session, rt, request, user=user, kind=terms.kind, codes=terms.ticked)
    row.people = people_needed(terms.known(), request.right)
    if row.people > 1:
        row.state, row.proven_at, row.proven_by = MandateState.CLAIMED, None, None
        row.offer_sealed, row.offer_digest, row.offered_by = terms.seal(key, request), terms.digest(), user
        facts = {"kind": terms.kind, "hash": terms.digest().hex()}
        audit.record(session, "mandate:offered", at=rt.now(), actor=user, request_id=request.id, facts=facts)
        return 1
    row.offered_by = None
    _accepted(session, rt, request, row, key=key, terms=terms, user=user)
    return 0


def confirm(session: Session, rt: Runtime, request: Request, *, user: str, digest: str) -> None:
    """The second person's word on exactly what the first one saw, by its `digest` in hex.

    Raises `NotAllowed` for the same person or one who may not decide, `Conflict` where there is nothing to confirm or
    it is not what they looked at, `BadInput` where it would not be accepted today.
    """
    _staff(session, user, DECIDERS)
    row = _mandate(session, request)
    _may_accept(rt, request, row)
    key = open_key(session, rt, request.data_key_id)
    terms = offered(key, row)
    if terms is None or row.offer_digest is None:
        raise Conflict("mandate_no_offer", detail="nobody has said yet that this mandate is real")
    if row.offered_by == user:
        raise NotAllowed("preparer", detail="who looked at the mandate first does not confirm it")
    if not digest or digest != row.offer_digest.hex() or terms.digest() != row.offer_digest:
        raise Conflict("mandate_changed", detail="it is not the mandate you looked at; look again")
    first = session.get(StaffUser, row.offered_by)
    if first is None or first.disabled_at is not None or nearness.is_kept_from(session, request, first.name):
        raise NotAllowed("preparer_gone", detail="who looked at it first is not here any more; look at it anew")
    _faults(session, rt, request, terms)
    _accepted(session, rt, request, row, key=key, terms=terms, user=user)


def _accepted(
    session: Session, rt: Runtime, request: Request, row: Mandate, *, key: RequestKey, terms: Terms, user: str
) -> None:
    scope = terms.scope(rt.today())
    row.kind, row.state, row.answer_to = terms.kind, MandateState.PROVEN, terms.answer_to
    row.rights = sorted(right.value for right in scope.rights)
    row.categories = sorted(scope.categories) if scope.categories is not None else None
    row.valid_from, row.valid_until = scope.from_on, scope.until_on
    row.holder_sealed = acting.seal_holder(key, request, terms.holder)
    row.offer_sealed = row.offer_digest = None  # it held a day of birth
    row.proven_at, row.proven_by, row.ended_at, row.ended_why = rt.now(), user, None, None
    facts = {
        "kind": row.kind,
        "rights": row.rights,
        "categories": row.categories or [],
        "answer_to": row.answer_to.value,
        "people": row.people,
        "first": row.offered_by or user,
        "lines": sorted(ticked(session, request)),
    }
    audit.record(session, "mandate:accepted", at=rt.now(), actor=user, request_id=request.id, facts=facts)
    answered(session, rt, request, kind=AskKind.MANDATE, by=user)
    if request.proof_sealed is None:
        _prove_by(session, rt, request, key=key, terms=terms, user=user)
    else:
        _go_on(session, rt, request, key=key, user=user)


def _prove_by(session: Session, rt: Runtime, request: Request, *, key: RequestKey, terms: Terms, user: str) -> None:
    checked = {k: v for k, v in terms.identifiers.items() if v}
    request.claim_sealed = seal_claim(key, request.id, replace(open_claim(key, request), checked=checked))
    request.verified_method, request.verified_at, request.verified_by = terms.method, rt.now(), user
    close_tasks_of(session, rt, request.id, kinds={TaskKind.IDENTIFY}, by=user)
    session.flush()
    lifecycle.add_steps(session, rt, request, begin(session, rt, request))


def _go_on(session: Session, rt: Runtime, request: Request, *, key: RequestKey, user: str) -> None:
    proof = open_proof(key, request)
    row = _mandate(session, request)
    proof = replace(proof, acted=acting.acted(row, acting.holder_of(key, row)))
    request.proof_sealed = seal_proof(key, request.id, proof)
    stuck = (Step.request_id == request.id, Step.state == StepState.NEEDS_HUMAN, Step.error_code.startswith("mandate_"))
    for step in session.scalars(select(Step).where(*stuck)):
        requeue(session, rt, step, user=user)
    waits = (HumanTask.key == f"{ENDED}:{request.id}", HumanTask.state == TaskState.OPEN)
    if (task := session.scalar(select(HumanTask).where(*waits))) is not None:
        close_task(session, rt, task, by=user, answer="settled")


def refuse(session: Session, rt: Runtime, request: Request, *, user: str, reason: str) -> None:
    """No mandate was shown, or none that allows this: refused with the reason in words, before anybody is proven.

    The letter confirms nothing of the person. It can be taken up again once a mandate is there. Raises `NotAllowed`,
    `Conflict`, `BadInput` (field reason).
    Source: GDPR Art. 12(4), 12(6).
    """
    _staff(session, user, DECIDERS)
    row = _mandate(session, request)
    if request.state is not RequestState.VERIFYING:
        raise Conflict("not_verifying", detail="the person is proven; refuse it where it is decided")
    words = reason.strip()
    if len(words) < 10:
        raise BadInput([Fault("reason", "a refusal needs its reason in words", "write at least one sentence")])
    if has_identity_code(words):
        raise BadInput([Fault("reason", "holds a personal identity code", "leave it out: it may stand in no letter")])
    key = open_key(session, rt, request.data_key_id)
    row.state, row.offer_sealed, row.offer_digest, row.offered_by = MandateState.REFUSED, None, None, None
    row.proven_at = row.proven_by = None
    acting.forget_ticks(session, request)
    request.outcome, request.refusal_ground, request.refused_by = Outcome.REFUSED, Ground.NO_MANDATE.value, user
    request.refusal_sealed = key.seal(words.encode(), f"requests.refusal:{request.id}")
    close_tasks_of(session, rt, request.id, kinds={TaskKind.IDENTIFY}, by=user)
    facts = {"ground": Ground.NO_MANDATE.value}
    audit.record(session, "request:refused", at=rt.now(), actor=user, request_id=request.id, facts=facts)
    lifecycle.advance(session, rt, request, Event.NOT_IDENTIFIED, actor=user)


def themselves(session: Session, rt: Runtime, request: Request, *, user: str, reason: str) -> None:
    """Nobody acts for another after all: the person asks themselves, and has to prove it like anybody.

    Raises `NotAllowed`, `Conflict` once somebody was proven, `BadInput` (field own_reason).
    """
    _staff(session, user, CHECKERS)
    row = _mandate(session, request)
    if request.state is not RequestState.VERIFYING or request.proof_sealed is not None:
        raise Conflict("not_verifying", detail="the person is proven already")
    words = reason.strip()
    if not 10 <= len(words) <= 1000:
        raise BadInput([Fault("own_reason", "own_reason", "write one sentence, at most 1000 characters")])
    key = open_key(session, rt, request.data_key_id)
    claim = replace(open_claim(key, request), for_another=False, checked={})
    request.claim_sealed = seal_claim(key, request.id, claim)
    request.verified_method = request.verified_at = request.verified_by = None
    acting.forget_ticks(session, request)
    session.delete(row)
    session.flush()
    sealed = key.seal(words.encode(), f"audit.themselves:{request.id}")
    audit.record(session, "mandate:none", at=rt.now(), actor=user, request_id=request.id, sealed=sealed)
    answered(session, rt, request, kind=AskKind.MANDATE, by=user)
    close_tasks_of(session, rt, request.id, kinds={TaskKind.IDENTIFY}, by=user)
    lifecycle.add_steps(session, rt, request, begin(session, rt, request))


def estate(session: Session, rt: Runtime, request: Request, *, user: str) -> None:
    """It is about somebody who has died: answered with the letter to the estate, no request under this law.

    The letter says nothing of the person, not even whether they were known. Raises `NotAllowed`, `Conflict`,
    `BadInput` where nobody saw that they have died.
    Source: GDPR recital 27; Inheritance Code 40/1965 ch. 18 s. 2.
    """
    _staff(session, user, CHECKERS)
    row = _mandate(session, request)
    if request.state is not RequestState.VERIFYING:
        raise Conflict("not_verifying", detail="a living person was proven here; look again who it is about")
    needed = lines_needed(mandate_kinds()[ESTATE].check_list(), request.right, None)
    missing = [code for code in needed if code not in ticked(session, request)]
    if row.kind != ESTATE or missing:
        codes = missing or needed
        raise BadInput([Fault(f"check_{c}", "mandate_unchecked", "tick it once you have seen it") for c in codes])
    request.outcome = Outcome.ESTATE
    audit.record(session, "mandate:estate", at=rt.now(), actor=user, request_id=request.id)
    close_tasks_of(session, rt, request.id, kinds={TaskKind.IDENTIFY}, by=user)
    lifecycle.advance(session, rt, request, Event.NOT_IDENTIFIED, actor=user)


def _faults(session: Session, rt: Runtime, request: Request, terms: Terms) -> None:
    today = rt.today()
    seen = {*ticked(session, request), *terms.ticked}
    found = faults_of(terms.known(), request.right, terms.scope(today), today=today, age=terms.age(today), ticked=seen)
    if terms.method not in BY_STAFF:
        found.append(Fault("method", "method_missing", "say how you saw who acts"))
    if not any(terms.identifiers.values()):
        found.append(Fault("customer_number", "nothing_checked", "name what the records have of the person"))
    if not terms.holder.name.strip():
        found.append(Fault("holder_name", "mandate_holder", "name who acts"))
    if terms.method is Method.CALL_BACK and normalise(PHONE, terms.holder.phone) is None:
        found.append(Fault("holder_phone", "number_missing", "name the number on which you called who acts"))
    if terms.answer_to is AnswerTo.REPRESENTATIVE and not terms.holder.email:
        found.append(Fault("holder_email", "mandate_holder_email", "give the address that the answer goes to"))
    unknown = sorted((terms.categories or frozenset()) - set(rt.register.categories))
    if unknown:
        found.append(Fault("categories", "mandate_category_unknown", "name categories of the register"))
    if found:
        raise BadInput(found)


def _may_accept(rt: Runtime, request: Request, row: Mandate) -> None:
    if request.state is RequestState.VERIFYING and request.proof_sealed is None:
        return
    over = acting.standing_of(rt, request, row) is not Standing.LIVE
    if over and request.proof_sealed is not None and request.state is not RequestState.CLOSED:
        return
    raise Conflict("mandate_settled", detail="there is no mandate to look at here")


def _require_same(row: Mandate, holder: acting.Holder, terms: Terms) -> None:
    # An address that changes in the middle of a case is how answers are stolen.
    if terms.answer_to is not row.answer_to or terms.holder.email != holder.email:
        raise BadInput([Fault("holder_email", "mandate_reply_frozen", "whom the answer goes to stays as it was")])
    categories = sorted(terms.categories) if terms.categories is not None else None
    if terms.kind != row.kind or categories != row.categories:
        raise BadInput([Fault("categories", "mandate_scope_frozen", "kind and categories stay as they were")])


def _kind(name: str) -> None:
    if name not in mandate_kinds():
        raise BadInput([Fault("kind", "mandate_kind", f"one of {', '.join(mandate_kinds())}")])


def _mandate(session: Session, request: Request) -> Mandate:
    row = acting.mandate_of(session, request, lock=True)
    if row is None:
        raise Conflict("no_mandate", detail="nobody acts for another in this case")
    return row


def _staff(session: Session, user: str, roles: Collection[Role]) -> StaffUser:
    staff = session.get(StaffUser, user)
    if staff is None or staff.disabled_at is not None or staff.role not in roles:
        raise NotAllowed("role", detail=f"this needs one of the roles {', '.join(r.value for r in roles)}")
    return staff
