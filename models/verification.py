"""One-time codes to a contact on file, and the pace at which strangers may try."""

import uuid
from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Integer, LargeBinary, SmallInteger, String
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, new_id
from models.types import UTCDateTime


class Challenge(Base):
    """A code that was sent, or, for a person we don't know, one that was not: both look the same outside."""

    __tablename__ = "challenges"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    request_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("requests.id"), index=True)
    purpose: Mapped[str] = mapped_column(String(16), default="identify")  # or "fetch": to open what was answered
    code_digest: Mapped[bytes | None] = mapped_column(LargeBinary(32))  # null: nobody to send it to
    candidate_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)  # the Proof that a right code establishes
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    expires_at: Mapped[datetime] = mapped_column(UTCDateTime)
    tries_left: Mapped[int] = mapped_column(SmallInteger)
    used_at: Mapped[datetime | None] = mapped_column(UTCDateTime)

    __table_args__ = (CheckConstraint("tries_left >= 0", name="tries_not_negative"),)


class Pace(Base):
    """How often something was done from one place in one window; survives a restart. Keys are keyed digests."""

    __tablename__ = "paces"

    key: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    scope: Mapped[str] = mapped_column(String(32), primary_key=True)
    window_start: Mapped[datetime] = mapped_column(UTCDateTime, primary_key=True)
    count: Mapped[int] = mapped_column(Integer)
