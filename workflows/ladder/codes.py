"""Codes that were sent to a contact on file and wait to be typed."""

from sqlalchemy import select
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
