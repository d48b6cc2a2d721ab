"""Data whose time is over without anybody asking: the frozen list of a category, who approved it, what became of it."""

import uuid
from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import (
    JSON,
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    String,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, new_id, word
from models.types import UTCDateTime
from models.vocabulary import Action, ReceiptOutcome


class RetentionState(StrEnum):
    """How far a list of overdue records has come."""

    FROZEN = "frozen"
    APPROVED = "approved"
    DONE = "done"
    VOID = "void"


class RetentionRun(Base):
    """The records of one category that are past their time, frozen by a hash; whoever they are about."""

    __tablename__ = "retention_runs"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    category: Mapped[str] = mapped_column(String(64))
    state: Mapped[RetentionState] = mapped_column(word(RetentionState))
    plan_hash: Mapped[bytes] = mapped_column(LargeBinary(32))
    item_count: Mapped[int] = mapped_column(Integer)
    as_of: Mapped[date]
    prepared_by: Mapped[str] = mapped_column(String(64))
    frozen_at: Mapped[datetime] = mapped_column(UTCDateTime)
    data_key_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("data_keys.id"))
    fence: Mapped[int] = mapped_column(Integer, default=0)  # how often somebody began to carry it out
    done_at: Mapped[datetime | None] = mapped_column(UTCDateTime)

    __table_args__ = (
        UniqueConstraint("id", "plan_hash"),
        CheckConstraint("(state = 'done') = (done_at IS NOT NULL)", name="done_is_dated"),
        Index(
            "ix_retention_runs_current",
            "category",
            unique=True,
            postgresql_where=text("state IN ('frozen', 'approved')"),
            sqlite_where=text("state IN ('frozen', 'approved')"),
        ),
    )


class RetentionItem(Base):
    """One overdue record and, once it was treated, its receipt."""

    __tablename__ = "retention_items"

    run_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("retention_runs.id"), primary_key=True)
    item_no: Mapped[int] = mapped_column(Integer, primary_key=True)
    source: Mapped[str] = mapped_column(String(64))
    collection: Mapped[str] = mapped_column(String(120))
    action: Mapped[Action] = mapped_column(word(Action))
    fields: Mapped[list[str]] = mapped_column(JSON)  # that lose their value; empty: the whole record
    since: Mapped[date]  # the first day past its time
    locator_sealed: Mapped[bytes] = mapped_column(LargeBinary)
    item_digest: Mapped[bytes] = mapped_column(LargeBinary(32))
    op_id: Mapped[str | None] = mapped_column(String(160))  # set before the source is asked
    outcome: Mapped[ReceiptOutcome | None] = mapped_column(word(ReceiptOutcome, "retention_outcome"))
    at: Mapped[datetime | None] = mapped_column(UTCDateTime)


class RetentionApproval(Base):
    """One person's word on one list; the composite key makes any other list's approval impossible."""

    __tablename__ = "retention_approvals"

    run_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    approver: Mapped[str] = mapped_column(String(64), primary_key=True)
    plan_hash: Mapped[bytes] = mapped_column(LargeBinary(32))
    at: Mapped[datetime] = mapped_column(UTCDateTime)

    __table_args__ = (ForeignKeyConstraint(["run_id", "plan_hash"], ["retention_runs.id", "retention_runs.plan_hash"]),)
