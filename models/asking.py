"""Questions put to the person: what the answer waits for, from when to when."""

import uuid
from datetime import datetime
from enum import StrEnum

from sqlalchemy import JSON, CheckConstraint, ForeignKey, LargeBinary, SmallInteger, String
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, new_id, word
from models.types import UTCDateTime


class AskKind(StrEnum):
    """What a question is about."""

    IDENTITY = "identity"  # who asks
    MANDATE = "mandate"  # by what right they ask for somebody else
    SPECIFICATION = "specification"  # what they mean


class Ask(Base):
    """One question. An answer that did not suffice is counted, and the question stays open."""

    __tablename__ = "asks"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    request_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("requests.id"), index=True)
    kind: Mapped[AskKind] = mapped_column(word(AskKind))
    wanted: Mapped[list[str]] = mapped_column(JSON)  # codes of the least that is needed; no personal data
    words_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)  # the question in words
    asked_at: Mapped[datetime] = mapped_column(UTCDateTime)
    asked_by: Mapped[str] = mapped_column(String(64))
    insufficient: Mapped[int] = mapped_column(SmallInteger, default=0)  # answers that did not suffice
    answered_at: Mapped[datetime | None] = mapped_column(UTCDateTime)  # of the answer that sufficed
    taken_by: Mapped[str | None] = mapped_column(String(64))  # who said that it sufficed

    __table_args__ = (CheckConstraint("(answered_at IS NULL) = (taken_by IS NULL)", name="answer_is_somebodys"),)
