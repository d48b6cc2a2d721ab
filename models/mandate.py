"""Who acts for the person a request is about, by what right, how far and until when."""

import uuid
from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import JSON, CheckConstraint, ForeignKey, LargeBinary, SmallInteger, String
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
    categories: Mapped[list[str] | None] = mapped_column(JSON(none_as_null=True))  # of data; None: all of them
    valid_from: Mapped[date | None]
    valid_until: Mapped[date | None]  # its last day; once it is proven there is one
    answer_to: Mapped[AnswerTo] = mapped_column(word(AnswerTo))
    holder_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)  # who acts, and how they are reached
    told_at: Mapped[datetime] = mapped_column(UTCDateTime)
    people: Mapped[int] = mapped_column(SmallInteger, default=1)  # how many must say that it is real
    offer_digest: Mapped[bytes | None] = mapped_column(LargeBinary(32))  # what the first of two said
    offer_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    offered_by: Mapped[str | None] = mapped_column(String(64))
    proven_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    proven_by: Mapped[str | None] = mapped_column(String(64))
    ended_at: Mapped[datetime | None] = mapped_column(UTCDateTime)  # it was taken back, or its last day is over
    ended_why: Mapped[str | None] = mapped_column(String(32))

    __table_args__ = (
        CheckConstraint("(state = 'proven') = (proven_at IS NOT NULL)", name="proof_is_dated"),
        CheckConstraint("(proven_at IS NULL) = (proven_by IS NULL)", name="proof_is_somebodys"),
        CheckConstraint("state != 'proven' OR valid_until IS NOT NULL", name="proven_has_an_end"),
        CheckConstraint(
            "state != 'proven' OR people < 2 OR (offered_by IS NOT NULL AND offered_by != proven_by)",
            name="proven_by_two",
        ),
        CheckConstraint("(ended_at IS NULL) = (ended_why IS NULL)", name="end_has_a_reason"),
    )


class MandateCheck(Base):
    """One line of the check list: seen by whom, on which day. That is all that is kept of a document."""

    __tablename__ = "mandate_checks"

    request_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("mandates.request_id"), primary_key=True)
    code: Mapped[str] = mapped_column(String(64), primary_key=True)
    checked_by: Mapped[str] = mapped_column(String(64))
    checked_on: Mapped[date]
