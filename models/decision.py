"""The frozen plan and the people who approved it."""

import uuid
from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    String,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, new_id, word
from models.types import UTCDateTime
from models.vocabulary import Action, Ownership, PlanState


class Plan(Base):
    """What will be done to each item, frozen by its hash; a change makes a new version and voids approvals."""

    __tablename__ = "plans"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    request_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("requests.id"))
    version: Mapped[int] = mapped_column(SmallInteger)
    plan_hash: Mapped[bytes] = mapped_column(LargeBinary(32))
    item_count: Mapped[int] = mapped_column(Integer)
    state: Mapped[PlanState] = mapped_column(word(PlanState))
    prepared_by: Mapped[str] = mapped_column(String(64))
    frozen_at: Mapped[datetime] = mapped_column(UTCDateTime)
    guarantees: Mapped[dict[str, str]] = mapped_column(JSON, default=dict)  # source -> A to D, as its letters say

    __table_args__ = (
        UniqueConstraint("request_id", "version"),
        UniqueConstraint("id", "plan_hash"),
        Index(
            "ix_plans_current",
            "request_id",
            unique=True,
            postgresql_where=text("state IN ('frozen', 'approved')"),
            sqlite_where=text("state IN ('frozen', 'approved')"),
        ),
    )


class PlanItem(Base):
    """One item of a plan: where it is, what it was (digest), what happens to it, and why or until when."""

    __tablename__ = "plan_items"

    plan_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("plans.id"), primary_key=True)
    item_no: Mapped[int] = mapped_column(Integer, primary_key=True)
    source: Mapped[str] = mapped_column(String(64))
    collection: Mapped[str] = mapped_column(String(120))
    category: Mapped[str] = mapped_column(String(64))
    ownership: Mapped[Ownership] = mapped_column(word(Ownership))
    action: Mapped[Action] = mapped_column(word(Action))
    fields: Mapped[list[str]] = mapped_column(JSON)  # fields that lose their value; empty: the whole record
    locator_sealed: Mapped[bytes] = mapped_column(LargeBinary)
    item_digest: Mapped[bytes] = mapped_column(LargeBinary(32))
    holds: Mapped[list[dict[str, Any]]] = mapped_column(JSON)  # rule, until, unknown; no personal data
    reason: Mapped[str] = mapped_column(String(64))  # code
    erase_on: Mapped[date | None]  # first day on which the kept rest may go; null: no day known, or never
    later_action: Mapped[Action | None] = mapped_column(
        word(Action, "later_action")
    )  # what happens when the last hold ends
    later_fields: Mapped[list[str]] = mapped_column(JSON, default=list)
    released_at: Mapped[datetime | None] = mapped_column(UTCDateTime)  # a fresh look found no hold left; not hashed

    __table_args__ = (
        CheckConstraint("action != 'keep' OR reason != ''", name="kept_has_reason"),
        Index("ix_plan_items_erase_on", "erase_on"),
    )


class KeptItem(Base):
    """How a kept item of an approved plan stands today, where that is not what the plan says; the plan never changes.

    `fields` are free of every hold by now although others of the record are still held: they may go alone.
    """

    __tablename__ = "kept_items"

    plan_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    item_no: Mapped[int] = mapped_column(Integer, primary_key=True)
    holds: Mapped[list[dict[str, Any]]] = mapped_column(JSON)  # as of the latest look
    params_sealed: Mapped[bytes] = mapped_column(LargeBinary)  # for the sentences of these holds
    reason: Mapped[str] = mapped_column(String(64))
    erase_on: Mapped[date | None]  # as of the latest look
    told_on: Mapped[date | None]  # the day the person was told last; null: told that no day is known
    fields: Mapped[list[str]] = mapped_column(JSON, default=list)
    marked_digest: Mapped[bytes | None] = mapped_column(LargeBinary(32))  # of the record once we marked it as at rest
    changed_at: Mapped[datetime] = mapped_column(UTCDateTime)

    __table_args__ = (ForeignKeyConstraint(["plan_id", "item_no"], ["plan_items.plan_id", "plan_items.item_no"]),)


class Approval(Base):
    """One person's word on one plan hash; the composite key makes any other plan's approval impossible."""

    __tablename__ = "approvals"

    plan_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    approver: Mapped[str] = mapped_column(String(64), primary_key=True)
    plan_hash: Mapped[bytes] = mapped_column(LargeBinary(32))
    at: Mapped[datetime] = mapped_column(UTCDateTime)

    __table_args__ = (ForeignKeyConstraint(["plan_id", "plan_hash"], ["plans.id", "plans.plan_hash"]),)
