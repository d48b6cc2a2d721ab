"""Codes that were sent to a contact on file and wait to be typed."""

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from models.request import Request
from models.verification import Challenge
from workflows.runtime import Runtime


def open_challenge(session: Session, rt: Runtime, request: Request) -> Challenge | None:
    """The challenge that can still be answered."""
    return session.scalar(
        select(Challenge)
        .where(
            Challenge.request_id == request.id,
            Challenge.purpose == "identify",
            Challenge.used_at.is_(None),
            Challenge.tries_left > 0,
            Challenge.expires_at > rt.now(),
        )
        .order_by(Challenge.created_at.desc())
        .limit(1)
    )


def close_codes(session: Session, request: Request) -> None:
    """No code that was sent before can be answered any more. The caller holds the request's lock."""
    session.execute(
        update(Challenge)
        .where(Challenge.request_id == request.id, Challenge.purpose == "identify", Challenge.used_at.is_(None))
        .values(tries_left=0)
        .execution_options(synchronize_session="fetch")
    )
