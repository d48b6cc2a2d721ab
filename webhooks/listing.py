"""Lists of requests by deadline, cut by key and not by count: the console's queue and the API's list."""

import uuid
from collections.abc import Mapping
from datetime import date

from sqlalchemy import Select, select, tuple_

from models.request import Request
from models.vocabulary import RequestState, Right
from workflows.rules.reference import parse_reference

STATES = ("open", "all", *(s.value for s in RequestState))
FILTERS = ("right", "state", "overdue", "q", "after")
_NOT_OPEN = (RequestState.CLOSED, RequestState.HELD)


def listed(chosen: Mapping[str, str], today: date) -> Select[Request]:
    """The requests that the filters choose, the next due first; a filter that means nothing is as if it were not there.

    `state` is one of `STATES` ("open" if none), `right` a right, `overdue` anything, `q` a reference, `after`
    the `mark` of the last one seen.
    """
    query = select(Request).order_by(Request.due_on, Request.id)
    if q := chosen.get("q"):
        return query.where(Request.reference == (parse_reference(q) or ""))
    state = chosen.get("state", "")
    if state in {s.value for s in RequestState}:
        query = query.where(Request.state == RequestState(state))
    elif state != "all":
        query = query.where(Request.state.not_in(_NOT_OPEN))
    if chosen.get("right") in {r.value for r in Right}:
        query = query.where(Request.right == Right(chosen["right"]))
    if chosen.get("overdue"):
        query = query.where(Request.due_on < today, Request.answered_at.is_(None))
    after = _after(chosen.get("after", ""))
    return query.where(tuple_(Request.due_on, Request.id) > after) if after else query


def mark(request: Request) -> str:
    """Where a list goes on after this request."""
    return f"{request.due_on.isoformat()}_{request.id}"


def is_mark(text: str) -> bool:
    """Whether a text is a `mark`."""
    return _after(text) is not None


def _after(text: str) -> tuple[date, uuid.UUID] | None:
    day, _, ident = text.partition("_")
    try:
        return date.fromisoformat(day), uuid.UUID(ident)
    except ValueError:
        return None
