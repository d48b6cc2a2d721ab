"""What the letters say of a restriction or an objection: codes, and words that were written for the person."""

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models.request import Request
from models.restriction import RestrictedHow, RestrictedItem, Weighing
from workflows.ports import RequestKey
from workflows.restricting.following import told_of_follower
from workflows.restricting.naming import note_of
from workflows.restriction import restriction_of
from workflows.runtime import Runtime


def told_of_restriction(session: Session, rt: Runtime, request: Request, key: RequestKey) -> dict[str, str]:
    """Facts for `CaseFacts.extra`; {} where the case restricts nothing."""
    row = restriction_of(session, request)
    if row is None or row.ground is None:
        return {}
    labels = [
        rt.register.categories[c].label.get(request.language) for c in row.categories if c in rt.register.categories
    ]
    noted = session.scalar(
        select(func.count()).where(RestrictedItem.restriction_id == row.id, RestrictedItem.how == RestrictedHow.NOTED)
    )
    weighing = session.get(Weighing, request.id)
    ours = key.open(weighing.ours_sealed, f"weighings.ours:{request.id}") if weighing and weighing.ours_sealed else b""
    return {
        "ground": row.ground.value,
        "note": note_of(key, row),
        "categories": ", ".join(labels),
        "noted": str(noted or 0),
        "weighed": ours.decode(),
    } | told_of_follower(session, request)
