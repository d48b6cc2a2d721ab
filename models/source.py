"""What all workers together know of a source: how often it was called, who calls it now, what it was asked to do."""

from datetime import datetime

from sqlalchemy import BigInteger, Float, LargeBinary, SmallInteger, String
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base
from models.types import UTCDateTime


class SourceLimit(Base):
    """When the next call would be due at an even pace, in seconds since 1970: all that a rate limit has to know."""

    __tablename__ = "source_limits"

    source: Mapped[str] = mapped_column(String(64), primary_key=True)
    due: Mapped[float] = mapped_column(Float(53))


class SourceSlot(Base):
    """One of the places at a source; it is free when `until` (seconds since 1970) has passed."""

    __tablename__ = "source_slots"

    source: Mapped[str] = mapped_column(String(64), primary_key=True)
    slot: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    until: Mapped[float] = mapped_column(Float(53))
    holder: Mapped[str] = mapped_column(String(64))


class SourceMark(Base):
    """What a source was asked to do with one item, written before it is asked: an answer may get lost.

    `note_sealed` is where the source's own job is to be looked up.
    """

    __tablename__ = "source_marks"

    op_id: Mapped[str] = mapped_column(String(160), primary_key=True)
    item_no: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    fence: Mapped[int] = mapped_column(BigInteger)
    state: Mapped[str] = mapped_column(String(16))
    note_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    at: Mapped[datetime] = mapped_column(UTCDateTime)
