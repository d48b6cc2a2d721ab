"""A refusal that needs its facts on record and two people: manifestly unfounded or excessive requests."""

import uuid
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, Integer, LargeBinary, String, text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, new_id, word
from models.types import UTCDateTime


class CaseState(StrEnum):
    """How far the case for a refusal has come."""

    PREPARED = "prepared"
    FEE_ANNOUNCED = "fee_announced"  # a letter named the fee; the person's word or payment is awaited
    FEE_SETTLED = "fee_settled"  # accepted or paid: the request goes on
    REFUSED = "refused"
    DROPPED = "dropped"


class RefusalCase(Base):
    """Why a request would be refused: computed facts, evidence, reason; a change makes a new digest."""

    __tablename__ = "refusal_cases"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    request_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("requests.id"), index=True)
    ground: Mapped[str] = mapped_column(String(32))
    state: Mapped[CaseState] = mapped_column(word(CaseState))
    facts: Mapped[dict[str, Any]] = mapped_column(JSON)  # computed: earlier requests, days, scope, period
    evidence_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    reason_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    fee_word: Mapped[str] = mapped_column(String(32))  # code: what became of the thought of a fee
    fee_cents: Mapped[int | None] = mapped_column(Integer)
    fee_announced_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    fee_settled_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    fee_settled_by: Mapped[str | None] = mapped_column(String(64))
    digest: Mapped[bytes] = mapped_column(LargeBinary(32))  # of all that the second person must have seen
    prepared_by: Mapped[str] = mapped_column(String(64))
    prepared_at: Mapped[datetime] = mapped_column(UTCDateTime)
    agreed_by: Mapped[str | None] = mapped_column(String(64))
    agreed_at: Mapped[datetime | None] = mapped_column(UTCDateTime)

    __table_args__ = (
        CheckConstraint("agreed_by IS NULL OR agreed_by != prepared_by", name="two_people"),
        CheckConstraint("state != 'refused' OR agreed_by IS NOT NULL", name="refused_by_two"),
        CheckConstraint("fee_cents IS NULL OR fee_cents > 0", name="fee_is_money"),
        Index(
            "ix_refusal_cases_open",
            "request_id",
            unique=True,
            postgresql_where=text("state IN ('prepared', 'fee_announced')"),
            sqlite_where=text("state IN ('prepared', 'fee_announced')"),
        ),
    )


class Withholding(Base):
    """A category that is held back from an answer: the rest is given out. Source: GDPR Art. 15(4); 1050/2018 s. 34."""

    __tablename__ = "withholdings"

    request_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("requests.id"), primary_key=True)
    category: Mapped[str] = mapped_column(String(64), primary_key=True)
    ground: Mapped[str] = mapped_column(String(32))
    reason_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    withheld_by: Mapped[str] = mapped_column(String(64))
    withheld_at: Mapped[datetime] = mapped_column(UTCDateTime)
