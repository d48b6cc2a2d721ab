"""Which lines of a mandate's check list were seen, by whom and on which day: all that is kept of a document."""

from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.mandate import MandateCheck
from models.request import Request
from workflows.register.mandates import mandate_kinds
from workflows.runtime import Runtime


def ticked(session: Session, request: Request) -> dict[str, MandateCheck]:
    """The lines that were seen to, by code."""
    rows = session.scalars(select(MandateCheck).where(MandateCheck.request_id == request.id))
    return {row.code: row for row in rows}


def note_ticks(
    session: Session, rt: Runtime, request: Request, *, user: str, kind: str, codes: Collection[str]
) -> None:
    """Keep the lines of this kind that this person saw to; who saw to one first stays with it."""
    known = {line.code for line in mandate_kinds()[kind].lines} if kind in mandate_kinds() else set()
    for code in sorted(set(codes)):
        if code in known and session.get(MandateCheck, (request.id, code)) is None:
            session.add(MandateCheck(request_id=request.id, code=code, checked_by=user, checked_on=rt.today()))
    session.flush()
