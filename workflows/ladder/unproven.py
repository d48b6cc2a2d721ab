"""Nobody proved to be the person in time."""

from sqlalchemy.orm import Session

from models.request import Request
from models.vocabulary import Event, Outcome, TaskKind
from workflows import audit, lifecycle
from workflows.casefile import open_claim, open_key
from workflows.human import close_tasks_of
from workflows.rules.text import NO_MANDATE, NOT_IDENTIFIED
from workflows.runtime import Runtime


def give_up(session: Session, rt: Runtime, request: Request, *, actor: str = "vastine") -> None:
    """Close the request, which a new one can take up again. Source: GDPR Art. 12(2), 12(6)."""
    key = open_key(session, rt, request.data_key_id)
    for_another = open_claim(key, request).for_another
    request.outcome = Outcome.NOT_IDENTIFIED
    request.refusal_ground = "no_mandate" if for_another else "not_identified"
    words = NO_MANDATE if for_another else NOT_IDENTIFIED
    reason = words.get(request.language, words["fi"])
    request.refusal_sealed = key.seal(reason.encode(), f"requests.refusal:{request.id}")
    close_tasks_of(session, rt, request.id, kinds={TaskKind.IDENTIFY}, by=actor)
    audit.record(session, "identity:failed", at=rt.now(), actor=actor, request_id=request.id)
    lifecycle.advance(session, rt, request, Event.NOT_IDENTIFIED, actor=actor)
