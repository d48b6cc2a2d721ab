"""The proof: one receipt for each plan item, and what notices a record's return."""

import uuid
from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import (
    JSON,
    BigInteger,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    String,
)
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


class TombstoneKind(StrEnum):
    """What a tombstone recognises."""

    LOCATOR = "locator"  # a record that was erased
    MASKED = "masked"  # a record that lost values and stays
    IDENTIFIER = "identifier"  # a person, under whatever number a feed brings them back


class Tombstone(Base):
    """What was erased or masked, as keyed digests: a copy of the source that is put back would bring it back.

    Kept until the last copy that may hold it is gone. `locator` and `masked` are over (collection, locator), and
    `content_digest` of a masked record over what it said before; `identifier` is over (identity, value).
    """

    __tablename__ = "tombstones"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    source: Mapped[str] = mapped_column(String(64))
    collection: Mapped[str] = mapped_column(String(120))
    kind: Mapped[TombstoneKind] = mapped_column(word(TombstoneKind))
    digest: Mapped[bytes] = mapped_column(LargeBinary(32))
    content_digest: Mapped[bytes | None] = mapped_column(LargeBinary(32))
    erased_at: Mapped[datetime] = mapped_column(UTCDateTime)
    expires_on: Mapped[date]

    __table_args__ = (
        Index("ix_tombstones_digest", "source", "digest"),
        Index("ix_tombstones_expires_on", "expires_on"),
    )


class Replay(Base):
    """An erasure done again, because a source was put back to an earlier day or a feed brought people back."""

    __tablename__ = "replays"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    source: Mapped[str] = mapped_column(String(64))
    since: Mapped[datetime] = mapped_column(UTCDateTime)  # erasures after this instant are done again
    opened_by: Mapped[str] = mapped_column(String(64))
    opened_at: Mapped[datetime] = mapped_column(UTCDateTime)
    closed_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    scanned: Mapped[int] = mapped_column(BigInteger, default=0)
    younger: Mapped[int] = mapped_column(BigInteger, default=0)  # look erased, but came after the erasure: stay

    __table_args__ = (Index("ix_replays_source", "source"),)


class ReplayRecord(Base):
    """One record that came back, by its locator's keyed digest. `undated`: nobody can tell since when it is there."""

    __tablename__ = "replay_records"

    replay_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("replays.id"), primary_key=True)
    collection: Mapped[str] = mapped_column(String(120), primary_key=True)
    locator_digest: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    undated: Mapped[bool] = mapped_column(default=False)
