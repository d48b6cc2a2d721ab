"""Messages as they arrived, kept raw and sealed before anyone tries to understand them."""

import uuid
from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, LargeBinary, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, new_id, word
from models.types import UTCDateTime
from models.vocabulary import Channel, MessageState


class Message(Base):
    """One incoming message, whole. (channel, external_id) is the key that makes a second copy no message."""

    __tablename__ = "messages"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    channel: Mapped[Channel] = mapped_column(word(Channel))
    external_id: Mapped[bytes] = mapped_column(LargeBinary(32))  # digest of Message-ID, form nonce or API key
    body_digest: Mapped[bytes] = mapped_column(LargeBinary(32))
    raw_sealed: Mapped[bytes] = mapped_column(LargeBinary)
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    data_key_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("data_keys.id"))
    arrived_at: Mapped[datetime] = mapped_column(UTCDateTime)
    state: Mapped[MessageState] = mapped_column(word(MessageState))
    why: Mapped[str | None] = mapped_column(String(64))  # code: why triage, why ignored
    request_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("requests.id"))  # the first of its cases
    authenticated: Mapped[dict[str, Any] | None] = mapped_column(JSON)  # spf, dkim, dmarc: a hint, never a proof
    strip_on: Mapped[date | None]  # the day on which copies of identity documents that nobody asked for go out of it
    stripped_at: Mapped[datetime | None] = mapped_column(UTCDateTime)

    __table_args__ = (UniqueConstraint("channel", "external_id"),)


class MessageCase(Base):
    """A message and a case it belongs to: one mail may ask for several rights, each of them a request."""

    __tablename__ = "message_cases"

    message_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("messages.id"), primary_key=True)
    request_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("requests.id"), primary_key=True, index=True)


class InboundEvent(Base):
    """What another system told us (invoice paid, collection opened …): once per (sender, event id).

    `settled_at`: nobody's case waits for it any more, or none was concerned.
    """

    __tablename__ = "inbound_events"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    sender: Mapped[str] = mapped_column(String(64))
    external_id: Mapped[str] = mapped_column(String(128))
    event: Mapped[str] = mapped_column(String(64))
    received_at: Mapped[datetime] = mapped_column(UTCDateTime)
    settled_at: Mapped[datetime | None] = mapped_column(UTCDateTime)

    __table_args__ = (
        UniqueConstraint("sender", "external_id"),
        Index(
            "ix_inbound_events_open",
            "id",
            postgresql_where=text("settled_at IS NULL"),
            sqlite_where=text("settled_at IS NULL"),
        ),
    )


class EventKey(Base):
    """By what an event names the person: a keyed digest for each name the register has for that value."""

    __tablename__ = "event_keys"

    event_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("inbound_events.id"), primary_key=True)
    digest: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True, index=True)


class CaseKey(Base):
    """A value that was proven or found in a case, by which an event may name it: a keyed digest."""

    __tablename__ = "case_keys"

    request_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("requests.id"), primary_key=True)
    digest: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True, index=True)


class EventCase(Base):
    """A case that took notice of an event: each takes notice once."""

    __tablename__ = "event_cases"

    event_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("inbound_events.id"), primary_key=True)
    request_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("requests.id"), primary_key=True, index=True)
    taken_at: Mapped[datetime] = mapped_column(UTCDateTime)
