"""Who else was told of a correction, an erasure or a restriction, and what they said to it."""

import uuid
from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, Integer, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, new_id, word
from models.types import UTCDateTime


class NoticeKind(StrEnum):
    """What a recipient is asked to do. Source: GDPR Art. 19."""

    RECTIFICATION = "rectification"
    ERASURE = "erasure"
    RESTRICTION = "restriction"
    LIFTING = "lifting"  # a restriction they were told of is over
    PAUSE = "pause"  # a claim they collect for us is disputed. Source: Debt Collection Act 513/1999 s. 4 b


class NoticeWay(StrEnum):
    """How a recipient is told."""

    MAIL = "mail"
    WEBHOOK = "webhook"
    HAND = "hand"


class NoticeState(StrEnum):
    """How far a notice has come; the last two are ends."""

    WAITING = "waiting"  # to go out, or for a person to tell them
    SENT = "sent"
    FAILED = "failed"  # it did not reach them; a person has to
    ACKNOWLEDGED = "acknowledged"
    EXCUSED = "excused"  # a named person wrote down why they can't be told


class Excuse(StrEnum):
    """Why somebody is not told. Source: GDPR Art. 19."""

    IMPOSSIBLE = "impossible"
    DISPROPORTIONATE = "disproportionate"


OVER = (NoticeState.ACKNOWLEDGED, NoticeState.EXCUSED)


class Notice(Base):
    """One recipient who is to hear of one treatment. What they are told is sealed under the request's key."""

    __tablename__ = "notices"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    request_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("requests.id"))
    recipient: Mapped[str] = mapped_column(String(64))
    kind: Mapped[NoticeKind] = mapped_column(word(NoticeKind))
    occurrence: Mapped[str] = mapped_column(String(120))
    way: Mapped[NoticeWay] = mapped_column(word(NoticeWay))
    state: Mapped[NoticeState] = mapped_column(word(NoticeState))
    categories: Mapped[list[str]] = mapped_column(JSON)
    content_sealed: Mapped[bytes] = mapped_column(LargeBinary)  # identifiers, changes, and the link's secret
    token_digest: Mapped[bytes | None] = mapped_column(LargeBinary(32), unique=True)
    due_on: Mapped[date]
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    run_at: Mapped[datetime] = mapped_column(UTCDateTime)
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    fence: Mapped[int] = mapped_column(Integer, default=0)
    lease_until: Mapped[datetime | None] = mapped_column(UTCDateTime)
    error_code: Mapped[str | None] = mapped_column(String(64))
    sent_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    reminded_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    asked_at: Mapped[datetime | None] = mapped_column(UTCDateTime)  # when a person was asked to look after it
    answered_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    answered_by: Mapped[str | None] = mapped_column(String(64))
    excuse: Mapped[Excuse | None] = mapped_column(word(Excuse))
    reason_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)

    __table_args__ = (
        UniqueConstraint("request_id", "recipient", "kind", "occurrence"),
        CheckConstraint("(excuse IS NULL) = (state != 'excused')", name="excused_says_why"),
        CheckConstraint("(answered_at IS NULL) = (state NOT IN ('acknowledged', 'excused'))", name="answered_is_dated"),
        Index("ix_notices_state", "state", "due_on"),
    )
