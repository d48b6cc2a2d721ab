"""Lifting: the person hears of it first, and only after the days that were told somebody lifts it, by name.

Nothing else ends a restriction: not another request, not an answer, not a correction.

Source: GDPR Art. 18(3).
"""

import hashlib
import uuid
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.delivery import Outbox
from models.request import Request
from models.restriction import Restriction
from models.vocabulary import Event, Letter, OutboxState, RequestState, Role
from workflows import audit, lifecycle
from workflows.answer import grant, keep_artifact
from workflows.casefile import open_key, open_proof
from workflows.caseview import case_facts
from workflows.errors import BadInput, Conflict, Fault
from workflows.outbox import queue_mail
from workflows.ports import RequestKey
from workflows.restricting.naming import note_of, staff_of
from workflows.restriction import restriction_of
from workflows.runtime import Runtime

CODES = ("verified", "corrected", "claim_over", "person_asked", "grounds_override")
"""Why a restriction may end; each has its sentence in the letter."""

DAYS = 14
"""From the notice to the first day on which it may be lifted: time to object, or to complain."""

_MAY = (Role.APPROVER, Role.DPO)


@dataclass(frozen=True, slots=True)
class Reason:
    """Why it is to end, as a code, and in words for the person: what came of it."""

    code: str
    words: str


def ask_to_lift(session: Session, rt: Runtime, request: Request, reason: Reason, *, user: str) -> date:
    """Tell the person that the restriction is going to end; the first day on which it may.

    The caller holds the request's lock. Raises `BadInput`, `Conflict` where nothing is in force or it was told already.
    """
    staff_of(session, user, roles=_MAY)
    row = _in_force(session, request)
    if row.lift_on is not None:
        raise Conflict("lifting_already", detail="the person was told already when it ends")
    faults = []
    if reason.code not in CODES:
        faults.append(Fault("code", "lift_code_unknown", f"one of {', '.join(CODES)}"))
    if not 10 <= len(reason.words.strip()) <= 2000:
        faults.append(Fault("words", "lift_words_missing", "say in a sentence what came of it"))
    if faults:
        raise BadInput(faults)
    key = open_key(session, rt, request.data_key_id)
    row.lift_asked_by, row.lift_asked_at, row.lift_code = user, rt.now(), reason.code
    row.lift_on = rt.today() + timedelta(days=DAYS)
    row.lift_sealed = key.seal(reason.words.strip().encode(), f"restrictions.lift:{row.id}")
    extra = {"lift_on": row.lift_on.isoformat(), "lift_code": reason.code, "lift_words": reason.words.strip()}
    case = case_facts(rt, request, key, extra={"note": note_of(key, row), **extra})
    pdf = rt.documents.letter(Letter.LIFTING, case)
    blob = f"{request.id}/letter.{uuid.uuid4().hex}"
    with rt.blobs.write(blob, key) as out:
        out.write(pdf)
    digest = hashlib.sha256(pdf).digest()
    name = f"letter_{Letter.LIFTING.value}.pdf"
    keep_artifact(
        session, rt, request, name=name, media_type="application/pdf", blob=blob, digest=digest, size=len(pdf)
    )
    _tell(session, rt, request, key, row)
    facts = {"code": reason.code, "on": row.lift_on.isoformat()}
    audit.record(session, "restriction:lifting", at=rt.now(), actor=user, request_id=request.id, facts=facts)
    return row.lift_on


def _tell(session: Session, rt: Runtime, request: Request, key: RequestKey, row: Restriction) -> None:
    token, expires = grant(session, rt, request)
    link = f"{rt.settings.public_url}/{request.language}/fetch/{token}"
    day = {"lift_on": row.lift_on.isoformat()} if row.lift_on else {}
    case = case_facts(rt, request, key, name="", link=link, link_expires_on=expires.date(), extra=day)
    to = open_proof(key, request).reply.email
    queue_mail(session, rt, request, key, letter=Letter.LIFTING, to=to, case=case, occurrence=_occurrence(row))


def keep_on(session: Session, rt: Runtime, request: Request, *, user: str) -> None:
    """It is not lifted after all, say because the person objected; it may be asked for again."""
    staff_of(session, user, roles=_MAY)
    row = _in_force(session, request)
    if row.lift_on is None or request.state is not RequestState.HELD:
        raise Conflict("not_lifting", detail="nobody has asked for it to be lifted")
    row.lift_asked_by, row.lift_asked_at, row.lift_code, row.lift_on, row.lift_sealed = None, None, None, None, None
    facts = {"code": "kept_on"}
    audit.record(session, "restriction:lifting", at=rt.now(), actor=user, request_id=request.id, facts=facts)


def lift(session: Session, rt: Runtime, request: Request, *, user: str) -> None:
    """Lift it now, by this person's word.

    Raises `Conflict("too_early")` before the day the person was told, `Conflict("not_told")` while the notice has not
    gone out.
    """
    staff_of(session, user, roles=_MAY)
    row = _in_force(session, request)
    if row.lift_on is None or rt.today() < row.lift_on:
        raise Conflict("too_early", detail="the person must have been told, and the days that they were told be over")
    if not may_lift(session, rt, request, row):
        raise Conflict("not_told", detail="the notice to the person has not gone out; see to that first")
    row.lift_asked_by = user
    lifecycle.advance(session, rt, request, Event.LIFT_DUE, actor=user)


def may_lift(session: Session, rt: Runtime, request: Request, row: Restriction) -> bool:
    """Whether the person was told, in fact, and the days are over."""
    if row.lift_on is None or rt.today() < row.lift_on:
        return False
    idem = f"{request.id}:{Letter.LIFTING.value}:{_occurrence(row)}"
    return session.scalar(select(Outbox.state).where(Outbox.key == idem)) is OutboxState.SENT


def _occurrence(row: Restriction) -> str:
    return row.lift_asked_at.isoformat() if row.lift_asked_at else ""


def _in_force(session: Session, request: Request) -> Restriction:
    row = restriction_of(session, request)
    if row is None or row.since is None or row.ended_at is not None or request.state is not RequestState.HELD:
        raise Conflict("not_restricted", detail="no restriction is in force in this case")
    return row
