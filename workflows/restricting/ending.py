"""What rests only for the sake of a case ends with it; records that are marked are freed by a lifting alone."""

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from models.request import Request
from models.restriction import RestrictedHow, RestrictedItem, Restriction, Weighed, Weighing
from models.vocabulary import Outcome, Right
from workflows import audit
from workflows.restriction import restriction_of
from workflows.runtime import Runtime

_NOT_GRANTED = (Outcome.REFUSED, Outcome.NOT_IDENTIFIED, Outcome.WITHDRAWN)
_NOWHERE = (RestrictedHow.PENDING, RestrictedHow.GONE)


def end_rest(session: Session, rt: Runtime, request: Request, *, actor: str) -> None:
    """The objection was not upheld, or is nobody's; or the restriction was not granted, and nothing was marked yet.

    The caller holds the request's lock.
    """
    row = restriction_of(session, request)
    if row is None or row.since is None or row.ended_at is not None or request.right is Right.ERASURE:
        return  # what rests after an erasure ends record by record
    if request.right is Right.OBJECTION and request.outcome is Outcome.BY_HAND:
        weighing = session.get(Weighing, request.id)  # the use goes on where somebody says so
        over = weighing is not None and weighing.result is not Weighed.STOP
    elif request.right is Right.OBJECTION:
        over = request.outcome is not Outcome.STOPPED
    else:
        over = request.outcome in _NOT_GRANTED and not _is_marked(session, row)
    if over:
        code = request.outcome.value if request.outcome else "closed"
        row.ended_at, row.ended_by, row.ended_why = rt.now(), actor, code
        facts = {"code": code}
        audit.record(session, "restriction:ended", at=rt.now(), actor=actor, request_id=request.id, facts=facts)


def _is_marked(session: Session, row: Restriction) -> bool:
    marked = RestrictedItem.restriction_id == row.id, RestrictedItem.how.not_in(_NOWHERE)
    return bool(session.scalar(select(exists().where(*marked))))
