"""Work that people do at a source: searching it, taking folders out, erasing record by record."""

import uuid
from datetime import date, datetime

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    String,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, new_id, word
from models.types import UTCDateTime
from models.vocabulary import HandState, ReceiptOutcome


class HandSearch(Base):
    """What people are asked to look for in one source of one request, and what they answered.

    `asked_digest` says which seeds are asked for now, `answered_digest` which the answer was given for: while they
    differ the search waits. `revision` grows with every save, so that two people can't overwrite each other unseen.
    """

    __tablename__ = "hand_searches"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    request_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("requests.id"))
    source: Mapped[str] = mapped_column(String(64))
    state: Mapped[HandState] = mapped_column(word(HandState))
    revision: Mapped[int] = mapped_column(Integer, default=0)
    asked_digest: Mapped[bytes] = mapped_column(LargeBinary(32))
    answered_digest: Mapped[bytes | None] = mapped_column(LargeBinary(32))
    terms_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)  # what is asked for, and what was new in it
    draft_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    answer_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    answered_by: Mapped[str | None] = mapped_column(String(64))
    answered_at: Mapped[datetime | None] = mapped_column(UTCDateTime)

    __table_args__ = (
        UniqueConstraint("request_id", "source"),
        CheckConstraint("(state = 'answered') = (answered_at IS NOT NULL)", name="answered_is_dated"),
    )


class HandFile(Base):
    """A scan or a certificate that somebody uploaded, sealed in the blob store under the request's key."""

    __tablename__ = "hand_files"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    request_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("requests.id"))
    source: Mapped[str] = mapped_column(String(64))
    purpose: Mapped[str] = mapped_column(String(16))  # scan or certificate
    media_type: Mapped[str] = mapped_column(String(64))
    blob: Mapped[str] = mapped_column(String(200))
    digest: Mapped[bytes] = mapped_column(LargeBinary(32))
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    added_by: Mapped[str] = mapped_column(String(64))
    added_at: Mapped[datetime] = mapped_column(UTCDateTime)

    __table_args__ = (Index("ix_hand_files_request", "request_id", "source"),)


class HandTick(Base):
    """What one person did to one approved item, and who else looked that it is so. Both are needed for a receipt."""

    __tablename__ = "hand_ticks"

    plan_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    item_no: Mapped[int] = mapped_column(Integer, primary_key=True)
    phase: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    request_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("requests.id"), index=True)
    source: Mapped[str] = mapped_column(String(64))
    outcome: Mapped[ReceiptOutcome] = mapped_column(word(ReceiptOutcome))
    evidence: Mapped[str] = mapped_column(String(32))  # shredded, deleted, masked, not_found, not_done
    reason_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    certificate_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("hand_files.id"))
    done_by: Mapped[str] = mapped_column(String(64))
    done_at: Mapped[datetime] = mapped_column(UTCDateTime)
    confirmed_by: Mapped[str | None] = mapped_column(String(64))
    confirmed_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    looked: Mapped[bool | None] = mapped_column(Boolean)  # false: signed off with a reason, without looking
    sign_off_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)

    __table_args__ = (
        ForeignKeyConstraint(["plan_id", "item_no"], ["plan_items.plan_id", "plan_items.item_no"]),
        CheckConstraint("confirmed_by IS NULL OR confirmed_by != done_by", name="two_people"),
        CheckConstraint("(confirmed_by IS NULL) = (confirmed_at IS NULL)", name="confirmed_is_dated"),
    )


class Checkout(Base):
    """A folder that somebody took from its shelf. The folder's name is sealed: it may be a person's."""

    __tablename__ = "checkouts"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    request_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("requests.id"), index=True)
    source: Mapped[str] = mapped_column(String(64))
    folder_sealed: Mapped[bytes] = mapped_column(LargeBinary)
    taken_by: Mapped[str] = mapped_column(String(64))
    taken_at: Mapped[datetime] = mapped_column(UTCDateTime)
    due_on: Mapped[date]
    returned_by: Mapped[str | None] = mapped_column(String(64))
    returned_at: Mapped[datetime | None] = mapped_column(UTCDateTime)

    __table_args__ = (CheckConstraint("(returned_by IS NULL) = (returned_at IS NULL)", name="returned_is_dated"),)
