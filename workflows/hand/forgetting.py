"""What people wrote and uploaded for a request goes when the request no longer needs it."""

from functools import partial

import structlog
from sqlalchemy import bindparam, delete, select, update
from sqlalchemy.orm import Session

from models.hand import HandFile, HandSearch
from models.request import Request
from models.session import after_commit, reading
from workflows.errors import VastineError
from workflows.runtime import Runtime

log = structlog.get_logger("vastine.hand")

_SCANS = select(HandFile).where(HandFile.request_id == bindparam("of"), HandFile.purpose == "scan")
_FORGET = (
    update(HandSearch)
    .where(HandSearch.request_id == bindparam("of"))
    .values(draft_sealed=None, answer_sealed=None, terms_sealed=None)
)


def forget_scans(session: Session, rt: Runtime, request: Request) -> None:
    """Delete the scans of a request; certificates of what was shredded stay with the case, as its letters do."""
    with reading(session, HandFile):
        rows = session.scalars(_SCANS, {"of": request.id}).all()
    if not rows:
        return
    names = [row.blob for row in rows]
    session.execute(delete(HandFile).where(HandFile.id.in_([row.id for row in rows])))
    after_commit(session, partial(_delete, rt, names))


def forget_answers(session: Session, rt: Runtime, request: Request) -> None:
    """The request ended: what people wrote about the person goes; ticks stay as proof."""
    forget_scans(session, rt, request)
    with reading(session, HandSearch):
        session.execute(_FORGET, {"of": request.id})


def _delete(rt: Runtime, names: list[str]) -> None:
    for name in names:
        try:
            rt.blobs.delete(name)
        except VastineError as error:
            log.warning("blob.not_deleted", code=error.code)  # no row names it any more: the nightly sweep will
