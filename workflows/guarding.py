"""Refusing what is manifestly unfounded or excessive: facts on record, a fee thought of first, two people.

Source: GDPR Art. 12(5); EDPB Guidelines 01/2022 para. 175-195: read narrowly, and the burden is the controller's.
"""

import hashlib
from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from models.refusing import CaseState, RefusalCase
from models.request import Request
from models.session import reading
from models.staff import StaffUser
from models.vocabulary import Letter, RequestState, Role
from workflows import audit
from workflows.casefile import open_key, open_proof
from workflows.caseview import case_facts
from workflows.errors import BadInput, Conflict, Fault, NotAllowed, WaitFor
from workflows.outbox import queue_mail
from workflows.ports import RequestKey
from workflows.register.grounds import Fee, GroundRule, grounds_with
from workflows.rules.code_in_text import has_identity_code
from workflows.rules.items import canonical
from workflows.runtime import Runtime

PREPARERS = (Role.CASEWORKER, Role.APPROVER, Role.DPO)
STATES = (RequestState.COLLECTING, RequestState.ASSESSING, RequestState.DECIDING)
FEE_WORDS = ("unsuitable", "declined", "unanswered")
"""What became of the thought of a fee: it would not do here, the person declined it, or did not answer."""

FEE_DAYS = timedelta(days=14)
"""How long the person has to say whether they pay."""
OPEN = (CaseState.PREPARED, CaseState.FEE_ANNOUNCED)
_LOOK_AGAIN = 3600.0
_OPEN_CASE = select(RefusalCase).where(RefusalCase.request_id == bindparam("of"), RefusalCase.state.in_(OPEN))
_OPEN_CASE_LOCKED = _OPEN_CASE.with_for_update()


def ground_of(rt: Runtime, name: str) -> GroundRule:
    """A ground that may be used today; raises `BadInput` for one that is unknown or out of date."""
    ground = grounds_with(rt.register.grounds).get(name)
    if ground is None or not ground.holds_on(rt.today()):
        raise BadInput([Fault("ground", "ground_missing", "name a ground of the register that holds today")])
    return ground


def is_guarded(rt: Runtime, name: str) -> bool:
    """Whether one person alone can't refuse on this ground."""
    return ground_of(rt, name).guard == "two_people"


def guarded_grounds(rt: Runtime) -> list[GroundRule]:
    """The grounds that need two people and hold today."""
    known = grounds_with(rt.register.grounds).values()
    return [ground for ground in known if ground.guard == "two_people" and ground.holds_on(rt.today())]


def plain_grounds(rt: Runtime) -> list[GroundRule]:
    """The grounds on which one person may refuse today: ours, and the register's own."""
    known = grounds_with(rt.register.grounds).values()
    return [ground for ground in known if ground.guard != "two_people" and ground.holds_on(rt.today())]


def facts_of(session: Session, request: Request) -> dict[str, Any]:
    """What the program knows of the person's earlier requests: days, right, and whether they had the same scope."""
    earlier = session.scalars(
        select(Request)
        .where(
            Request.subject_digest == request.subject_digest,
            Request.id != request.id,
            Request.received_on <= request.received_on,
            Request.replay_id.is_(None),
        )
        .order_by(Request.received_on, Request.reference)
    ).all()
    rows = [_earlier(request, other) for other in earlier] if request.subject_digest is not None else []
    return {"received_on": request.received_on.isoformat(), "right": request.right.value, "earlier": rows}


def _earlier(request: Request, other: Request) -> dict[str, Any]:
    return {
        "reference": other.reference,
        "right": other.right.value,
        "received_on": other.received_on.isoformat(),
        "days_between": (request.received_on - other.received_on).days,
        "same_scope": other.right is request.right and other.sources == request.sources,
        "answered": other.answered_at is not None,
        "outcome": other.outcome.value if other.outcome else None,
    }


def open_case(session: Session, request: Request, *, lock: bool = False) -> RefusalCase | None:
    """The case for a refusal that is not closed."""
    with reading(session, RefusalCase):
        return session.scalar(_OPEN_CASE_LOCKED if lock else _OPEN_CASE, {"of": request.id})


def require_no_open_case(session: Session, request: Request) -> None:
    """Raise `WaitFor` while two people have not settled whether the request is refused: nothing goes out meanwhile."""
    if open_case(session, request) is not None:
        raise WaitFor("refusal_case_open", after_seconds=_LOOK_AGAIN)


def agreed(session: Session, request: Request, ground: str) -> bool:
    """Whether two people have refused this request on this ground, with its facts on record."""
    rows = session.scalars(
        select(RefusalCase).where(
            RefusalCase.request_id == request.id,
            RefusalCase.ground == ground,
            RefusalCase.state == CaseState.REFUSED,
            RefusalCase.agreed_by.is_not(None),
        )
    ).all()
    return any(row.agreed_by != row.prepared_by for row in rows)


def prepare(
    session: Session, rt: Runtime, request: Request, *, user: str, ground: str, evidence: str, reason: str, fee: str
) -> RefusalCase:
    """Put the case for a refusal on record; a second person, one of both the DPO, may then agree.

    `fee` is one of `FEE_WORDS`: why no fee takes the refusal's place; `declined` and `unanswered` only after one was
    announced. The caller holds the request's lock. Raises `NotAllowed`, `Conflict`, `BadInput` (ground, evidence,
    reason, fee).
    """
    _staff(session, user)
    if request.state not in STATES or request.proof_sealed is None:
        raise Conflict("not_refusable", detail=f"the request is {request.state.value}; there is nothing to refuse now")
    paid = select(RefusalCase.id).where(
        RefusalCase.request_id == request.id, RefusalCase.state == CaseState.FEE_SETTLED
    )
    if session.scalar(paid.limit(1)) is not None:
        raise Conflict("fee_settled", detail="a fee was accepted or paid in place of a refusal; the request goes on")
    faults = [] if is_guarded(rt, ground) else [Fault("ground", "ground_unguarded", "refuse on this ground directly")]
    known = open_case(session, request, lock=True)
    faults += _faults(known, evidence=evidence, reason=reason, fee=fee)
    last = fee_answer_by(rt, known) if known is not None else None
    if fee != "declined" and last is not None and rt.today() <= last:
        faults.append(Fault("fee", "fee_days_left", f"the person may answer until {last.isoformat()}"))
    if faults:
        raise BadInput(faults)
    key = open_key(session, rt, request.data_key_id)
    row = known or RefusalCase(request_id=request.id)
    row.ground, row.state, row.facts, row.fee_word = ground, CaseState.PREPARED, facts_of(session, request), fee
    row.prepared_by, row.prepared_at, row.digest = user, rt.now(), b""
    session.add(row)
    session.flush()  # the words are sealed to the row's id
    row.evidence_sealed = key.seal(evidence.strip().encode(), f"refusal_cases.evidence:{row.id}")
    row.reason_sealed = key.seal(reason.strip().encode(), f"refusal_cases.reason:{row.id}")
    row.digest = digest_of(row, key)
    facts = {"ground": ground, "hash": row.digest.hex()}
    audit.record(session, "request:case:prepared", at=rt.now(), actor=user, request_id=request.id, facts=facts)
    return row


def _faults(known: RefusalCase | None, *, evidence: str, reason: str, fee: str) -> list[Fault]:
    faults = []
    if not 40 <= len(evidence.strip()) <= 5000:
        faults.append(Fault("evidence", "evidence_missing", "say in at least 40 characters what proves it"))
    if not 10 <= len(reason.strip()) <= 2000:
        faults.append(Fault("reason", "a refusal needs its reason in words", "write at least one sentence"))
    if has_identity_code(reason):
        faults.append(Fault("reason", "holds a personal identity code", "leave it out: it may stand in no letter"))
    announced = known is not None and known.fee_announced_at is not None
    if fee not in FEE_WORDS or (fee != "unsuitable" and not announced):
        faults.append(Fault("fee", "fee_not_considered", "announce a fee first, or say that none would do here"))
    return faults


def words_of(row: RefusalCase, key: RequestKey) -> tuple[str, str]:
    """(evidence, reason) of a case."""
    evidence = key.open(row.evidence_sealed or b"", f"refusal_cases.evidence:{row.id}").decode()
    return evidence, key.open(row.reason_sealed or b"", f"refusal_cases.reason:{row.id}").decode()


def digest_of(row: RefusalCase, key: RequestKey) -> bytes:
    """What the second person agrees to, whole: another ground, fact, word or fee is another digest."""
    evidence, reason = words_of(row, key)
    plain = [row.ground, row.facts, evidence, reason, row.fee_word, row.fee_cents, row.prepared_by]
    return hashlib.sha256(canonical(plain).encode()).digest()


def announce_fee(session: Session, rt: Runtime, request: Request, *, user: str, fee: str) -> int:
    """Ask the person by letter for a fee of the controller's scale in place of a refusal; its cents.

    Nothing goes out of the case until `settle_fee`, or until the person declined or let the days pass. Raises
    `Conflict`, `BadInput` (fee). Source: GDPR Art. 12(5)(a); EDPB Guidelines 01/2022 para. 192-194.
    """
    _staff(session, user)
    row = _open(session, request)
    ground = ground_of(rt, row.ground)
    line = next((f for f in ground.fees if f.id == fee), None)
    if line is None:
        raise BadInput([Fault("fee", "fee_unknown", "name a fee of the register's scale")])
    if row.state is CaseState.FEE_ANNOUNCED:
        raise Conflict("fee_open", detail="a fee was announced; wait for the answer, or prepare the case again")
    row.state, row.fee_cents, row.fee_announced_at = CaseState.FEE_ANNOUNCED, line.cents, rt.now()
    facts = {"cents": line.cents}
    audit.record(session, "request:fee:announced", at=rt.now(), actor=user, request_id=request.id, facts=facts)
    _tell_fee(session, rt, request, row, ground=ground, line=line)
    return line.cents


def fee_answer_by(rt: Runtime, row: RefusalCase) -> date | None:
    """The last day for the person to answer the fee that was announced; None where none was."""
    if row.fee_announced_at is None:
        return None
    zone = ZoneInfo(rt.register.controller.time_zone)
    return row.fee_announced_at.astimezone(zone).date() + FEE_DAYS


def _tell_fee(
    session: Session, rt: Runtime, request: Request, row: RefusalCase, *, ground: GroundRule, line: Fee
) -> None:
    key = open_key(session, rt, request.data_key_id)
    told = {
        "fee": money(line.cents, request.language),
        "fee_ground": getattr(ground.text, request.language, ground.text.en),
        "fee_basis": line.basis,
    }
    case = case_facts(rt, request, key, name="", answer_by=fee_answer_by(rt, row), extra=told)
    to = open_proof(key, request).reply.email
    at = row.fee_announced_at.isoformat() if row.fee_announced_at else ""
    queue_mail(session, rt, request, key, letter=Letter.FEE, to=to, case=case, occurrence=f"{row.id}:{at}")


def money(cents: int, language: str) -> str:
    """An amount of euros as this language writes it."""
    return f"€{cents // 100}.{cents % 100:02d}" if language == "en" else f"{cents // 100},{cents % 100:02d} €"


def settle_fee(session: Session, rt: Runtime, request: Request, *, user: str, how: str) -> None:
    """The person accepted or paid (`how`): the request goes on, and is not refused."""
    _staff(session, user)
    row = _open(session, request)
    if row.state is not CaseState.FEE_ANNOUNCED or how not in ("accepted", "paid"):
        raise Conflict("no_fee", detail="no fee was announced, or it was neither accepted nor paid")
    row.state, row.fee_settled_at, row.fee_settled_by = CaseState.FEE_SETTLED, rt.now(), user
    facts = {"how": how}
    audit.record(session, "request:fee:settled", at=rt.now(), actor=user, request_id=request.id, facts=facts)


def drop(session: Session, rt: Runtime, request: Request, *, user: str) -> None:
    """The request is not refused after all: it goes on."""
    _staff(session, user)
    _open(session, request).state = CaseState.DROPPED
    audit.record(session, "request:case:dropped", at=rt.now(), actor=user, request_id=request.id)


def agree(session: Session, rt: Runtime, request: Request, *, user: str, digest: str) -> tuple[str, str]:
    """The second person's word on the case as they saw it; (ground, reason) for the refusal that follows at once.

    Raises `NotAllowed` where both are one person or neither is the DPO, `Conflict` where a fact changed since.
    """
    staff = _staff(session, user)
    row = _open(session, request)
    first = session.get(StaffUser, row.prepared_by)
    if row.prepared_by == user:
        raise NotAllowed("preparer", detail="who prepared the case does not agree to it")
    if Role.DPO not in (staff.role, first.role if first else None) or staff.role is Role.CASEWORKER:
        raise NotAllowed(
            "dpo_needed", detail="one of the two must be the data protection officer, the second a decider"
        )
    if row.state is not CaseState.PREPARED:
        raise Conflict("fee_open", detail="a fee was announced; wait for the answer, or prepare the case again")
    key = open_key(session, rt, request.data_key_id)
    ground_of(rt, row.ground)
    if row.facts != facts_of(session, request) or digest_of(row, key) != row.digest or row.digest.hex() != digest:
        raise Conflict("case_changed", detail="the case is not the one you looked at; look again")
    row.state, row.agreed_by, row.agreed_at = CaseState.REFUSED, user, rt.now()
    facts = {"ground": row.ground, "hash": row.digest.hex()}
    audit.record(session, "request:case:agreed", at=rt.now(), actor=user, request_id=request.id, facts=facts)
    session.flush()
    return row.ground, words_of(row, key)[1]


def _open(session: Session, request: Request) -> RefusalCase:
    row = open_case(session, request, lock=True)
    if row is None:
        raise Conflict("no_refusal_case", detail="nobody prepared a case for a refusal")
    return row


def _staff(session: Session, user: str) -> StaffUser:
    staff = session.get(StaffUser, user)
    if staff is None or staff.disabled_at is not None or staff.role not in PREPARERS:
        raise NotAllowed("role", detail="a case for a refusal needs the role caseworker, approver or dpo")
    return staff
