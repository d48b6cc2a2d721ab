"""The same person asks the same again, twice or through another door: one case, one answer, the earliest day."""

from sqlalchemy import bindparam, exists, or_, select, text
from sqlalchemy.orm import Session

from models.mandate import Mandate
from models.request import Request
from models.session import reading
from models.types import UTCDateTime
from models.vocabulary import Event, Outcome, RequestState
from workflows import audit
from workflows.arrival import arrived_on
from workflows.runtime import Runtime

_NOT_BEGUN = (RequestState.RECEIVED, RequestState.VERIFYING)
_OVER = (Outcome.WITHDRAWN, Outcome.DUPLICATE, Outcome.NOT_IDENTIFIED, Outcome.BY_HAND)
_UNANSWERED = (
    select(Request)
    .where(
        Request.subject_digest == bindparam("subject"),
        Request.right == bindparam("right"),
        Request.id != bindparam("this"),
        Request.proof_sealed.is_not(None),
        Request.answered_at.is_(None),
        Request.state.not_in((*_NOT_BEGUN, RequestState.CLOSED)),
        Request.supplements_id.is_(None),
        Request.replay_id.is_(None),
        Request.categories.is_(None),
        ~exists().where(Mandate.request_id == Request.id),
        or_(Request.outcome.is_(None), Request.outcome.not_in(_OVER)),
        or_(Request.objection_until.is_(None), Request.objection_until <= bindparam("now", type_=UTCDateTime)),
    )
    .order_by(Request.received_on, Request.id)
    .limit(1)
    .with_for_update()
    .execution_options(populate_existing=True)
)
"""A case of this person about the same right that goes on and has not answered them, the earliest."""


def join(session: Session, rt: Runtime, request: Request) -> Event:
    """What follows once this person is proven: the work, or the end of this case in the one that leads.

    Only a proven person's request joins another, and only one that was proven by itself: an identity is never
    taken over. The case that was proven first leads, with the earliest day on which one of them arrived; what
    was answered already is no case any more, and whoever asks again gets an answer of today. The caller holds
    the request's lock and has set its subject.
    Source: GDPR Art. 12(3), 12(6).
    """
    if request.subject_digest is None or _is_about_another(request) or _is_asked_for(session, request):
        return Event.IDENTIFIED
    _alone_with(session, request.subject_digest)
    leading = _leading(session, rt, request)
    if leading is None:
        return Event.IDENTIFIED
    request.leading_id, request.outcome = leading.id, Outcome.DUPLICATE
    _note(session, rt, request, "request:merged", other=leading)
    _note(session, rt, leading, "request:joined", other=request)
    if request.received_on < leading.received_on:
        arrived_on(session, rt, leading, request.received_on)
    return Event.MERGED


def _is_about_another(request: Request) -> bool:
    """What only fills a gap, or nobody asked for, is no second request of a person."""
    linked = request.supplements_id is not None or request.replay_id is not None
    return linked or request.categories is not None  # nor what follows from a withdrawn consent


def _is_asked_for(session: Session, request: Request) -> bool:
    """What somebody asks for another has a mandate and an address of its own: the person's own request is not it."""
    with reading(session, Mandate):
        return session.get(Mandate, request.id) is not None


def _alone_with(session: Session, subject: bytes) -> None:
    """Two requests of a person that are proven at the same moment must see each other; SQLite lets one write anyway."""
    if session.connection().dialect.name == "postgresql":
        session.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:of, 0))"), {"of": subject.hex()})


def _leading(session: Session, rt: Runtime, request: Request) -> Request | None:
    """The case this one joins, locked and as it is now.

    One that the person on file may still disown leads none: it would take their own request with it.
    """
    who = {"subject": request.subject_digest, "right": request.right, "this": request.id, "now": rt.now()}
    with reading(session, Request, Mandate, besides=request):
        return session.scalar(_UNANSWERED, who)


def _note(session: Session, rt: Runtime, request: Request, event: str, *, other: Request) -> None:
    facts = {"reference": other.reference}
    audit.record(session, event, at=rt.now(), actor="vastine", request_id=request.id, facts=facts)
