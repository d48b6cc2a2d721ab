"""One-time codes to a contact on file, and the pace at which strangers may try."""

import uuid
from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Integer, LargeBinary, SmallInteger, String
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, new_id, word
from models.types import UTCDateTime
from models.vocabulary import Method


class Challenge(Base):
    """A code that was sent, or, for a person we don't know, one that was not: both look the same outside."""

    __tablename__ = "challenges"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    request_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("requests.id"), index=True)
    purpose: Mapped[str] = mapped_column(String(16), default="identify")  # or "fetch": to open what was answered
    method: Mapped[Method] = mapped_column(word(Method), default=Method.CODE)  # what a right answer proves it by
    code_digest: Mapped[bytes | None] = mapped_column(LargeBinary(32))  # null: nobody to send it to
    candidate_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)  # the Proof that a right code establishes
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    expires_at: Mapped[datetime] = mapped_column(UTCDateTime)
    tries_left: Mapped[int] = mapped_column(SmallInteger)
    used_at: Mapped[datetime | None] = mapped_column(UTCDateTime)

    __table_args__ = (CheckConstraint("tries_left >= 0", name="tries_not_negative"),)


class SignIn(Base):
    """One way to an identity provider and back, for one case, one browser and one time."""

    __tablename__ = "sign_ins"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    request_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("requests.id"), index=True)
    provider: Mapped[str] = mapped_column(String(64))
    purpose: Mapped[str] = mapped_column(String(16))  # "identify", or "fetch": to open what was answered
    state_digest: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    browser_digest: Mapped[bytes] = mapped_column(LargeBinary(32))  # of a cookie that only the browser that began has
    sealed: Mapped[bytes] = mapped_column(LargeBinary)  # nonce, verifier and the page to come back to
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    expires_at: Mapped[datetime] = mapped_column(UTCDateTime)
    used_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


class Lowering(Base):
    """A weaker proof accepted for one case: asked for by one member of staff, confirmed by another."""

    __tablename__ = "lowerings"

    request_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("requests.id"), primary_key=True)
    reason_sealed: Mapped[bytes] = mapped_column(LargeBinary)
    asked_by: Mapped[str] = mapped_column(String(64))
    asked_at: Mapped[datetime] = mapped_column(UTCDateTime)
    confirmed_by: Mapped[str | None] = mapped_column(String(64))
    confirmed_at: Mapped[datetime | None] = mapped_column(UTCDateTime)

    __table_args__ = (
        CheckConstraint("(confirmed_by IS NULL) = (confirmed_at IS NULL)", name="confirmation_is_dated"),
        CheckConstraint("confirmed_by IS NULL OR confirmed_by != asked_by", name="confirmed_by_another"),
    )


class Pace(Base):
    """How often something was done from one place in one window; survives a restart. Keys are keyed digests."""

    __tablename__ = "paces"

    key: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    scope: Mapped[str] = mapped_column(String(32), primary_key=True)
    window_start: Mapped[datetime] = mapped_column(UTCDateTime, primary_key=True)
    count: Mapped[int] = mapped_column(Integer)
