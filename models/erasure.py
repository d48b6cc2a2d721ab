"""The proof: one receipt for each plan item, and the tombstones that notice a record's return."""

import uuid
from datetime import date, datetime

from sqlalchemy import JSON, BigInteger, ForeignKeyConstraint, Index, Integer, LargeBinary, SmallInteger, String
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, new_id, word
from models.types import UTCDateTime
from models.vocabulary import ReceiptOutcome


class Receipt(Base):
    """What became of one plan item: now (phase 0), and then each time that a hold on what was kept had ended."""

    __tablename__ = "receipts"

    plan_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    item_no: Mapped[int] = mapped_column(Integer, primary_key=True)
    phase: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    rest: Mapped[bool] = mapped_column(default=False)  # the last hold had ended: nothing of the item waits any more
    fields: Mapped[list[str]] = mapped_column(JSON, default=list)  # that lost their value; empty: the whole record
    op_id: Mapped[str] = mapped_column(String(160))
    fence: Mapped[int] = mapped_column(BigInteger)
    outcome: Mapped[ReceiptOutcome] = mapped_column(word(ReceiptOutcome))
    at: Mapped[datetime] = mapped_column(UTCDateTime)
    after_digest: Mapped[bytes | None] = mapped_column(LargeBinary(32))  # of the record as the masking left it
    told_at: Mapped[datetime | None] = mapped_column(UTCDateTime)  # when the letter was written that counts it in

    __table_args__ = (ForeignKeyConstraint(["plan_id", "item_no"], ["plan_items.plan_id", "plan_items.item_no"]),)


class Tombstone(Base):
    """Keyed digest of an erased record's locator, kept until the last backup that holds it is gone."""

    __tablename__ = "tombstones"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    source: Mapped[str] = mapped_column(String(64))
    collection: Mapped[str] = mapped_column(String(120))
    locator_digest: Mapped[bytes] = mapped_column(LargeBinary(32))
    erased_at: Mapped[datetime] = mapped_column(UTCDateTime)
    expires_on: Mapped[date]

    __table_args__ = (Index("ix_tombstones_locator", "source", "locator_digest"),)
