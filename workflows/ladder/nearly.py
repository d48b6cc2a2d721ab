"""An address that is nearly the one on file: nobody's proof, and a word to staff why it may be taken for it."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.audit import AuditEntry
from models.request import Request
from workflows import audit
from workflows.casefile import Claim
from workflows.ports import Person
from workflows.rules.identifiers import EMAIL, normalise
from workflows.rules.identity import Match
from workflows.rules.lookalike import Near, near, neighbours
from workflows.runtime import Runtime

EVENT = "identity:near"


def look(rt: Runtime, claim: Claim) -> list[Person]:
    """Who is on file under another spelling of the address that was given; no code goes to any of them."""
    given = normalise(EMAIL, claim.identifiers.get(EMAIL, ""))
    return [person for other in neighbours(given or "") for person in rt.look_up({EMAIL: other})[1]]


def note(session: Session, rt: Runtime, request: Request, claim: Claim, *, people: Sequence[Person]) -> Sequence[Near]:
    """How the addresses of the request are nearly those of these records; what is new goes on record."""
    on_file = {n for p in people for v in (p.contact.email, p.identifiers.get(EMAIL, "")) if (n := normalise(EMAIL, v))}
    given = {n for v in (claim.reply_to, claim.identifiers.get(EMAIL, "")) if (n := normalise(EMAIL, v))}
    found = sorted({how for one in given - on_file for other in on_file if (how := near(one, other))})
    for how in set(found) - set(noted(session, request) if found else ()):
        audit.record(session, EVENT, at=rt.now(), actor="vastine", request_id=request.id, facts={"code": how})
    return found


def doubt(match: Match[Person], near: Sequence[Near]) -> str:
    """The code why staff should look who asks, or "": nobody is on file under the address itself."""
    return f"near_{near[0]}" if match.outcome == "none" and near else ""


def noted(session: Session, request: Request) -> list[str]:
    """What was put on record of this request."""
    entries = select(AuditEntry).where(AuditEntry.chain == str(request.id), AuditEntry.event == EVENT)
    return sorted({str(entry.facts.get("code", "")) for entry in session.scalars(entries)})
