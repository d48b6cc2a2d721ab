"""Spine: the durable queue. One row is one piece of work with its lease and fence."""

import uuid
from datetime import datetime

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    SmallInteger,
    String,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, new_id, word
from models.types import UTCDateTime
from models.vocabulary import EffectState, Kind, StepState


class Step(Base):
    """One piece of work of one request.

    `fence` grows at every claim; a write that names an old fence changes nothing. `crash_count` is
    raised at the claim and taken back when an outcome is recorded, so work that kills its process is
    counted. `rank` grows towards the end of the story: nearest its end is worked first.
    """

    __tablename__ = "steps"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    request_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("requests.id"))
    key: Mapped[str] = mapped_column(String(120))
    kind: Mapped[Kind] = mapped_column(word(Kind))
    source: Mapped[str | None] = mapped_column(String(64))
    state: Mapped[StepState] = mapped_column(word(StepState))
    bucket: Mapped[int] = mapped_column(SmallInteger, default=2)
    rank: Mapped[int] = mapped_column(SmallInteger, default=0)
    run_at: Mapped[datetime] = mapped_column(UTCDateTime)
    attempts: Mapped[int] = mapped_column(SmallInteger, default=0)
    crash_count: Mapped[int] = mapped_column(SmallInteger, default=0)
    fence: Mapped[int] = mapped_column(BigInteger, default=0)
    lease_owner: Mapped[str | None] = mapped_column(String(64))
    lease_until: Mapped[datetime | None] = mapped_column(UTCDateTime)
    error_class: Mapped[str | None] = mapped_column(String(64))
    error_code: Mapped[str | None] = mapped_column(String(64))
    done_at: Mapped[datetime | None] = mapped_column(UTCDateTime)

    __table_args__ = (
        UniqueConstraint("request_id", "key"),
        CheckConstraint("(state = 'running') = (lease_until IS NOT NULL)", name="running_has_lease"),
        Index(
            "ix_steps_ready",
            "kind",
            "bucket",
            text("rank DESC"),
            "run_at",
            "id",
            postgresql_where=text("state = 'ready'"),
            sqlite_where=text("state = 'ready'"),
        ),
        Index(
            "ix_steps_running",
            "lease_until",
            postgresql_where=text("state = 'running'"),
            sqlite_where=text("state = 'running'"),
        ),
    )


class StepAttempt(Base):
    """Append-only: what came of each claim. Also answers whether a commit landed whose answer was lost."""

    __tablename__ = "step_attempts"

    step_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("steps.id"), primary_key=True)
    fence: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    worker: Mapped[str] = mapped_column(String(64))
    ended_at: Mapped[datetime] = mapped_column(UTCDateTime)
    result: Mapped[str] = mapped_column(String(32))
    error_code: Mapped[str | None] = mapped_column(String(64))


class Effect(Base):
    """An outside effect: `intended` is committed before it happens, so none can be forgotten."""

    __tablename__ = "effects"

    op_id: Mapped[str] = mapped_column(String(160), primary_key=True)
    step_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("steps.id"))
    kind: Mapped[str] = mapped_column(String(32))
    state: Mapped[EffectState] = mapped_column(word(EffectState))
    first_fence: Mapped[int] = mapped_column(BigInteger)
    last_fence: Mapped[int] = mapped_column(BigInteger)
    intended_at: Mapped[datetime] = mapped_column(UTCDateTime)
    settled_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
