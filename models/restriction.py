"""What may be stored and used for legal claims only: whose, since when, why, where, and how it ended."""

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
    SmallInteger,
    String,
)
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, new_id, word
from models.types import UTCDateTime


class RestrictionGround(StrEnum):
    """Why data may be stored and used for legal claims only.

    Source: GDPR Art. 18(1)(a)-(d); `kept`: what a hold keeps after an erasure was asked for is used for nothing else,
    Art. 5(1)(b), 5(1)(c).
    """

    ACCURACY = "accuracy"
    UNLAWFUL = "unlawful"
    CLAIM = "claim"
    OBJECTION = "objection"
    KEPT = "kept"


class RestrictedHow(StrEnum):
    """How far a record's restriction has come."""

    PENDING = "pending"
    IN_SOURCE = "in_source"  # the source itself marks it
    BY_HAND = "by_hand"  # people saw to it in the source
    NOTED = "noted"  # only we know: other systems have to ask us
    GONE = "gone"  # the record is not there any more
    FREED = "freed"


class Weighed(StrEnum):
    """What came of weighing the controller's grounds against the person's. Source: GDPR Art. 21(1)."""

    STOP = "stop"
    GO_ON = "go_on"  # compelling grounds override
    NOT_APPLICABLE = "not_applicable"  # the use rests on a contract or a legal duty, which nobody can object to


class Restriction(Base):
    """One request's restriction. Not in force before `since`; in force until `ended_at`.

    `purposes`, `categories` and `sources` narrow it; an empty list narrows nothing. The row outlives the case file:
    it holds keyed digests and codes only, the person's words are sealed and go with the case's key.
    """

    __tablename__ = "restrictions"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    request_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("requests.id"), unique=True)
    subject_digest: Mapped[bytes | None] = mapped_column(LargeBinary(32), index=True)
    ground: Mapped[RestrictionGround | None] = mapped_column(word(RestrictionGround))
    purposes: Mapped[list[str]] = mapped_column(JSON, default=list)
    categories: Mapped[list[str]] = mapped_column(JSON, default=list)
    sources: Mapped[list[str]] = mapped_column(JSON, default=list)
    note_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)  # which data and why, as goes into the letter
    named_by: Mapped[str | None] = mapped_column(String(64))  # who named ground and scope
    since: Mapped[datetime | None] = mapped_column(UTCDateTime)
    lift_asked_by: Mapped[str | None] = mapped_column(String(64))
    lift_asked_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    lift_code: Mapped[str | None] = mapped_column(String(32))
    lift_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)  # the reason and the result, as told to the person
    lift_on: Mapped[date | None]  # first day on which it may be lifted, as told to the person
    ended_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    ended_by: Mapped[str | None] = mapped_column(String(64))
    ended_why: Mapped[str | None] = mapped_column(String(32))  # code

    __table_args__ = (
        CheckConstraint("since IS NULL OR ground IS NOT NULL", name="in_force_has_ground"),
        CheckConstraint("(ended_at IS NULL) = (ended_by IS NULL)", name="ended_by_somebody"),
        CheckConstraint("(lift_on IS NULL) = (lift_asked_by IS NULL)", name="lifting_was_asked"),
    )


class RestrictedItem(Base):
    """One record that is restricted, as an item of the plan that was decided on; found again by its keyed digest."""

    __tablename__ = "restricted_items"

    restriction_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("restrictions.id"), primary_key=True)
    plan_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    item_no: Mapped[int] = mapped_column(Integer, primary_key=True)
    source: Mapped[str] = mapped_column(String(64))
    collection: Mapped[str] = mapped_column(String(120))
    category: Mapped[str] = mapped_column(String(64))
    locator_digest: Mapped[bytes] = mapped_column(LargeBinary(32))
    how: Mapped[RestrictedHow] = mapped_column(word(RestrictedHow))
    visit: Mapped[int] = mapped_column(SmallInteger, default=0)  # how often something was asked of the source
    changed_at: Mapped[datetime] = mapped_column(UTCDateTime)
    done_by: Mapped[str] = mapped_column(String(64))

    __table_args__ = (
        ForeignKeyConstraint(["plan_id", "item_no"], ["plan_items.plan_id", "plan_items.item_no"]),
        Index("ix_restricted_items_locator", "source", "locator_digest"),
    )


class RestrictedIdentifier(Base):
    """By what other systems may ask for the person: a keyed digest of an identifier's kind and value."""

    __tablename__ = "restricted_identifiers"

    restriction_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("restrictions.id"), primary_key=True)
    digest: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)

    __table_args__ = (Index("ix_restricted_identifiers_digest", "digest"),)


class Weighing(Base):
    """The controller's compelling grounds against the person's, weighed by a named person of staff."""

    __tablename__ = "weighings"

    request_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("requests.id"), primary_key=True)
    result: Mapped[Weighed] = mapped_column(word(Weighed))
    ours_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    theirs_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    weighed_by: Mapped[str] = mapped_column(String(64))
    weighed_at: Mapped[datetime] = mapped_column(UTCDateTime)
