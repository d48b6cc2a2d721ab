"""Holds that people place by hand; holds by law are rules of the register, evaluated over items."""

import uuid
from datetime import date, datetime

from sqlalchemy import CheckConstraint, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, new_id
from models.types import UTCDateTime


class ManualHold(Base):
    """A hold on one person's items, with ground, owner and an end or review date."""

    __tablename__ = "manual_holds"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    subject_digest: Mapped[bytes] = mapped_column(LargeBinary(32), index=True)
    rule: Mapped[str] = mapped_column(String(16))
    category: Mapped[str | None] = mapped_column(String(64))  # null: every category
    reason_code: Mapped[str] = mapped_column(String(64))
    placed_by: Mapped[str] = mapped_column(String(64))
    placed_at: Mapped[datetime] = mapped_column(UTCDateTime)
    until: Mapped[date]
    confirmed_by: Mapped[str | None] = mapped_column(String(64))  # null: it holds already, on one person's word
    confirmed_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    released_by: Mapped[str | None] = mapped_column(String(64))
    release_reason: Mapped[str | None] = mapped_column(String(64))
    release_asked_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    release_second: Mapped[str | None] = mapped_column(String(64))
    released_at: Mapped[datetime | None] = mapped_column(UTCDateTime)

    __table_args__ = (
        CheckConstraint("confirmed_by IS NULL OR confirmed_by != placed_by", name="placed_by_two"),
        CheckConstraint("release_second IS NULL OR release_second != released_by", name="released_by_two"),
        CheckConstraint("released_at IS NULL OR release_second IS NOT NULL", name="released_by_a_second"),
    )


class RuleSet(Base):
    """The hold rules of the register as they were at some time; open schedules go by the last that was adopted."""

    __tablename__ = "rule_sets"

    digest: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    rules: Mapped[str] = mapped_column(Text)  # JSON, no personal data
    seen_at: Mapped[datetime] = mapped_column(UTCDateTime)
    adopted_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    adopted_by: Mapped[str | None] = mapped_column(String(64))
    diff_hash: Mapped[bytes | None] = mapped_column(LargeBinary(32))  # what they saw of its effects
    refused_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    refused_by: Mapped[str | None] = mapped_column(String(64))
    refused_why: Mapped[str | None] = mapped_column(Text)  # about rules, not about people
