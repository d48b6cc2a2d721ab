"""Spine: the request, its keys, and its letters' clock."""

import uuid
from datetime import date, datetime

from sqlalchemy import (
    JSON,
    CheckConstraint,
    ColumnElement,
    ForeignKey,
    Index,
    LargeBinary,
    SmallInteger,
    String,
    UniqueConstraint,
    func,
)
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, new_id, word
from models.types import UTCDateTime
from models.vocabulary import Channel, Method, Outcome, RequestState, Right


class DataKey(Base):
    """A key for one request or message, wrapped by the master key; destroying it erases what it sealed."""

    __tablename__ = "data_keys"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    master_key: Mapped[str] = mapped_column(String(16))
    wrapped: Mapped[bytes | None] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    destroyed_at: Mapped[datetime | None] = mapped_column(UTCDateTime)

    __table_args__ = (CheckConstraint("(wrapped IS NULL) = (destroyed_at IS NOT NULL)", name="destroyed_has_no_key"),)


class Request(Base):
    """What a person asked for. `*_sealed` columns are personal data under the request's own key."""

    __tablename__ = "requests"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    reference: Mapped[str] = mapped_column(String(24), unique=True)
    right: Mapped[Right] = mapped_column("right_asked", word(Right))
    flow_version: Mapped[int] = mapped_column(SmallInteger, default=1)
    state: Mapped[RequestState] = mapped_column(word(RequestState))
    outcome: Mapped[Outcome | None] = mapped_column(word(Outcome))
    channel: Mapped[Channel] = mapped_column(word(Channel))
    language: Mapped[str] = mapped_column(String(5))
    bucket: Mapped[int] = mapped_column(SmallInteger, default=2)

    received_at: Mapped[datetime] = mapped_column(UTCDateTime)
    received_on: Mapped[date]
    registered_at: Mapped[datetime] = mapped_column(UTCDateTime)
    due_a: Mapped[date]
    due_b: Mapped[date]
    extended_until: Mapped[date | None]
    extended_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    extension_reason: Mapped[str | None] = mapped_column(String(64))
    extension_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)  # the reason in words
    suspended_a: Mapped[date | None]  # due dates while questions to the person stop the clock, if the register
    suspended_b: Mapped[date | None]  # says so and one does; planning never goes by them
    reopened_at: Mapped[datetime | None] = mapped_column(UTCDateTime)  # the last time it was taken up again

    data_key_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("data_keys.id"))
    claim_sealed: Mapped[bytes] = mapped_column(LargeBinary)  # Claim: as told by the person, unproven
    proof_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)  # Proof: proven identifiers, contact on file
    subject_digest: Mapped[bytes | None] = mapped_column(LargeBinary(32))  # keyed; the same person's cases meet here
    status_digest: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)  # of the status page's secret
    verified_method: Mapped[Method | None] = mapped_column(word(Method))
    verified_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    verified_by: Mapped[str | None] = mapped_column(String(64))
    objection_until: Mapped[datetime | None] = mapped_column(UTCDateTime)  # nothing is given out or erased before

    searched_from: Mapped[datetime | None] = mapped_column(UTCDateTime)  # when the present look at the sources began
    after_request_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("requests.id"), index=True
    )  # must be delivered first
    leading_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("requests.id"), index=True
    )  # the same person's earlier case that this one was joined with
    supplements_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("requests.id"), index=True
    )  # the request whose answer had the gaps that this one fills
    replay_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("replays.id"), index=True
    )  # nobody asked: what was erased before came back, and goes again
    sources: Mapped[list[str] | None] = mapped_column(
        JSON(none_as_null=True)
    )  # those gaps: it is about these sources alone; None: about all
    categories: Mapped[list[str] | None] = mapped_column(
        JSON(none_as_null=True)
    )  # a copy of these alone, or the erasure of what rested on a withdrawn consent; None: about all
    refusal_ground: Mapped[str | None] = mapped_column(String(32))
    refusal_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)  # the reason in words
    refused_by: Mapped[str | None] = mapped_column(String(64))
    answer_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)  # what staff who answer by hand write
    recheck_on: Mapped[date | None]  # the day kept items are looked at again
    answered_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    closed_at: Mapped[datetime | None] = mapped_column(UTCDateTime)

    @hybrid_property
    def due_on(self) -> date:
        """The day to answer by: the extended one where there is one, else reading A of the first month."""
        return self.extended_until or self.due_a

    @due_on.inplace.expression
    @classmethod
    def _due_on(cls) -> ColumnElement[date]:
        return func.coalesce(cls.extended_until, cls.due_a)

    __table_args__ = (
        CheckConstraint("due_a <= due_b", name="due_a_not_after_due_b"),
        CheckConstraint("(extended_until IS NULL) = (extended_at IS NULL)", name="extension_is_dated"),
        CheckConstraint("(suspended_a IS NULL) = (suspended_b IS NULL)", name="suspended_has_both"),
        CheckConstraint("(verified_method IS NULL) = (verified_at IS NULL)", name="verification_is_dated"),
        CheckConstraint("state != 'closed' OR outcome IS NOT NULL", name="closed_has_outcome"),
        Index("ix_requests_open", "due_a", "id"),
        Index("ix_requests_subject", "subject_digest"),
    )


class Reminder(Base):
    """One rung of the reminder ladder for one request and recipient; the key makes it happen once."""

    __tablename__ = "reminders"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    request_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("requests.id"))
    rung: Mapped[str] = mapped_column(String(32))
    recipient: Mapped[str] = mapped_column(String(64))  # a role or user name, never an address
    due_on: Mapped[date]
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    sent: Mapped[bool]  # False: superseded by a higher rung when catching up

    __table_args__ = (UniqueConstraint("request_id", "rung", "recipient", "due_on"),)
