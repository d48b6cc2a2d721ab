"""An objection that is upheld leaves data behind that only the use it was about allowed: their erasure follows.

It is a case of its own, decided by people as every erasure is; it goes by the objection's proof where that is enough
for an erasure, and asks for a better one where it is not. Source: GDPR Art. 17(1)(c), 21(1).
"""

import secrets

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.request import Request
from models.restriction import Restriction
from models.vocabulary import Event, Letter, Right, TaskKind
from workflows import lifecycle
from workflows.banning import look_for_consent_data
from workflows.casefile import open_claim, open_key, open_proof
from workflows.caseview import case_facts, why_narrow
from workflows.human import open_task
from workflows.nearness import note_case
from workflows.outbox import queue_mail
from workflows.registering import Asked, register
from workflows.runtime import Runtime

COPIES = "objected_data"
"""The code of the task to look for data that only the use allowed, where no program may begin to erase them."""


def rests_on_interest(rt: Runtime) -> list[str]:
    """The categories that nothing but a use that can be objected to allows us to hold."""
    return sorted(code for code, category in rt.register.categories.items() if category.interest_only)


def erase_what_only_the_use_allowed(session: Session, rt: Runtime, request: Request, row: Restriction) -> None:
    """Open the erasure that follows from an upheld objection, or ask a person; nothing where it was opened before.

    A power of attorney to object is none to erase: then a person looks, as where the register names no such data.
    """
    if follower_of(session, request) is not None:
        return
    key = open_key(session, rt, request.data_key_id)
    claim, proof = open_claim(key, request), open_proof(key, request)
    mandate = proof.acted
    categories = [code for code in rests_on_interest(rt) if not row.categories or code in row.categories]
    if not categories or row.purposes or claim.for_another or mandate is not None:
        look_for_objected_data(session, rt, request)
        return
    asked = Asked(Right.ERASURE, request.language, request.channel, claim, received_at=rt.now(), by="vastine")
    secret = secrets.token_urlsafe(16)
    new, new_key = register(session, rt, asked, message=None, after=request, secret=secret, categories=categories)
    link = f"{rt.settings.public_url}/{new.language}/status/{new.reference}/{secret}"
    case = case_facts(rt, new, new_key, name="", link=link, extra={"objected": "1"})
    queue_mail(session, rt, new, new_key, letter=Letter.ACKNOWLEDGEMENT, to=claim.reply_to, case=case)
    lifecycle.advance(session, rt, new, Event.OPENED)
    note_case(session, rt, new, claim=claim)  # kept from whom it concerns, as the objection is


def follower_of(session: Session, request: Request) -> Request | None:
    """The erasure that followed from this objection."""
    if request.right is not Right.OBJECTION:
        return None
    rows = select(Request).where(Request.after_request_id == request.id, Request.right == Right.ERASURE)
    return session.scalar(rows.order_by(Request.registered_at).limit(1))


def look_for_rest(session: Session, rt: Runtime, request: Request) -> None:
    """A case about some categories alone ended with nobody proven: a person looks for what it was about."""
    objected = why_narrow(session, request) == "objected"
    (look_for_objected_data if objected else look_for_consent_data)(session, rt, request)


def told_of_follower(session: Session, request: Request) -> dict[str, str]:
    """For the letter: that what only the use allowed is being erased; {} where no such case was opened."""
    follower = follower_of(session, request)
    return {} if follower is None else {"erases": follower.reference}


def look_for_objected_data(session: Session, rt: Runtime, request: Request) -> None:
    """Ask a person to see to what only the use allowed: no program erases it. Source: GDPR Art. 17(1)(c)."""
    open_task(
        session,
        rt,
        key=f"{COPIES}:{request.id}",
        kind=TaskKind.BY_HAND,
        code=COPIES,
        request_id=request.id,
        due_on=request.due_on,
    )
