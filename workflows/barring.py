"""Whom a case is kept from: a member of staff it is about, or who stands near to the person, neither looks nor acts.

Every look and every act is written down under a name, and nothing is written down for whom the case is kept from: so
there is no door that this stands beside.
Source: GDPR Art. 5(1)(f), 32(4).
"""

import uuid
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from models.nearness import CaseNearness, Nearness
from workflows.errors import NotAllowed, NotFound

OPEN_FOR = timedelta(hours=8)
"""How long a reason to look at the case of somebody near lasts."""

READ, OPENED, DENIED = "case:read", "case:near:opened", "case:near:denied"
BARRED = "case:near:barred"
_SPEAKS_OF_IT = (OPENED, DENIED)
NOBODY = frozenset({"vastine", "person", "recipient"})
"""Names in the record that are no member of staff's: nobody may have one of them."""


def require_free(session: Session, request_id: uuid.UUID, *, actor: str, event: str, at: datetime) -> None:
    """Raise where this case is kept from this member of staff: `NotFound` for their own, as if it were not there.

    A case of somebody with the same surname or address opens for a while after a reason was given, for reading only:
    `NotAllowed` otherwise.
    """
    if actor in NOBODY or event in _SPEAKS_OF_IT:
        return
    with session.no_autoflush:  # what is being done may be half said
        row = session.get(CaseNearness, (request_id, actor))
    if row is None:
        return
    if row.nearness is not Nearness.NEAR:
        raise NotFound("request", detail="there is no request with this reference")
    if event == BARRED:  # who stands near may always stand farther off
        return
    if event != READ:
        raise NotAllowed("near_case", detail="somebody who stands near to the person does not work on their case")
    if not is_opened(row, at):
        raise NotAllowed("near_reason", detail="say first why you have to look at this case")


def is_opened(row: CaseNearness, at: datetime) -> bool:
    """Whether a reason was given not long ago."""
    return row.opened_at is not None and at - row.opened_at < OPEN_FOR
