"""Who acts for the person a request is about, by what right, how far and until when."""

import uuid
from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import JSON, CheckConstraint, ForeignKey, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, word
from models.types import UTCDateTime


class MandateState(StrEnum):
    """Whether somebody has seen that the mandate is real."""

    CLAIMED = "claimed"
    PROVEN = "proven"
    REFUSED = "refused"


class AnswerTo(StrEnum):
    """Who gets the answer."""

    SUBJECT = "subject"
    REPRESENTATIVE = "representative"


class Mandate(Base):
    """One request's mandate. Its kind names a check list of the register; no copy of a document is ever kept."""

    __tablename__ = "mandates"

    request_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("requests.id"), primary_key=True)
    kind: Mapped[str] = mapped_column(String(64))
    state: Mapped[MandateState] = mapped_column(word(MandateState))
    rights: Mapped[list[str]] = mapped_column(JSON)  # what it allows to ask for
    valid_until: Mapped[date | None]  # its last day; None: none is named in it
    answer_to: Mapped[AnswerTo] = mapped_column(word(AnswerTo))
    holder_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)  # who acts, and how they are reached
    told_at: Mapped[datetime] = mapped_column(UTCDateTime)
    proven_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    proven_by: Mapped[str | None] = mapped_column(String(64))

    __table_args__ = (
        CheckConstraint("(state = 'proven') = (proven_at IS NOT NULL)", name="proof_is_dated"),
        CheckConstraint("(proven_at IS NULL) = (proven_by IS NULL)", name="proof_is_somebodys"),
    )


class MandateCheck(Base):
    """One line of the check list: seen by whom, on which day. That is all that is kept of a document."""

    __tablename__ = "mandate_checks"

    request_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("mandates.request_id"), primary_key=True)
    code: Mapped[str] = mapped_column(String(64), primary_key=True)
    checked_by: Mapped[str] = mapped_column(String(64))
    checked_on: Mapped[date]
