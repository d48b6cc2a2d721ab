"""Codes that were sent to a contact on file and wait to be typed."""

import secrets
from dataclasses import asdict
from datetime import timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from models.asking import AskKind
from models.request import Request
from models.verification import Challenge
from models.vocabulary import Letter
from workflows import asking, audit
from workflows.casefile import Proof
from workflows.caseview import case_facts
from workflows.outbox import queue_mail
from workflows.pace import may_send_code
from workflows.ports import RequestKey
from workflows.rules.items import canonical
from workflows.runtime import Runtime

CODE_DIGITS = 8


def open_challenge(session: Session, rt: Runtime, request: Request) -> Challenge | None:
    """The challenge that can still be answered."""
    return session.scalar(
        select(Challenge)
        .where(
            Challenge.request_id == request.id,
            Challenge.purpose == "identify",
            Challenge.used_at.is_(None),
            Challenge.tries_left > 0,
            Challenge.expires_at > rt.now(),
        )
        .order_by(Challenge.created_at.desc())
        .limit(1)
    )


def close_codes(session: Session, request: Request) -> None:
    """No code that was sent before can be answered any more. The caller holds the request's lock."""
    session.execute(
        update(Challenge)
        .where(Challenge.request_id == request.id, Challenge.purpose == "identify", Challenge.used_at.is_(None))
        .values(tries_left=0)
        .execution_options(synchronize_session="fetch")
    )


def send_code(session: Session, rt: Runtime, request: Request, key: RequestKey, proof: Proof | None) -> None:
    """Send a code to the contact on file; for a person not on file, do all the same but the mail."""
    delivery = rt.register.controller.delivery
    close_codes(session, request)  # two open ones would give whoever guesses twice the tries
    code = f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}d}"
    row = Challenge(
        request_id=request.id,
        created_at=rt.now(),
        expires_at=rt.now() + timedelta(minutes=delivery.code_minutes),
        tries_left=delivery.code_tries,
    )
    session.add(row)
    session.flush()  # the code's digest and the candidate are bound to the row's id
    to = proof.contact.email if proof is not None else ""
    sent = bool(to) and may_send_code(session, rt, to)
    if proof is not None and sent:
        row.code_digest = rt.vault.digest("challenge", f"{row.id}:{code}")
        row.candidate_sealed = key.seal(canonical(asdict(proof)).encode(), f"challenges.candidate:{row.id}")
        case = case_facts(rt, request, key, name="", code=code, code_minutes=delivery.code_minutes)
        queue_mail(session, rt, request, key, letter=Letter.CODE, to=to, case=case, occurrence=str(row.id))
    asking.ask(session, rt, request, kind=AskKind.IDENTITY, wanted=["who"], by="vastine")
    facts = {"sent": sent}
    audit.record(session, "identity:challenged", at=rt.now(), actor="vastine", request_id=request.id, facts=facts)
