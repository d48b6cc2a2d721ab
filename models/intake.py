"""Messages as they arrived, kept raw and sealed before anyone tries to understand them."""

import uuid
from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, LargeBinary, String, UniqueConstraint
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
    request_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("requests.id"))

    __table_args__ = (UniqueConstraint("channel", "external_id"),)


class InboundEvent(Base):
    """What another system told us (invoice paid, collection opened …): once per (sender, event id)."""

    __tablename__ = "inbound_events"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    sender: Mapped[str] = mapped_column(String(64))
    external_id: Mapped[str] = mapped_column(String(128))
    event: Mapped[str] = mapped_column(String(64))
    subject_digest: Mapped[bytes | None] = mapped_column(LargeBinary(32))
    received_at: Mapped[datetime] = mapped_column(UTCDateTime)
    applied_at: Mapped[datetime | None] = mapped_column(UTCDateTime)

    __table_args__ = (UniqueConstraint("sender", "external_id"),)
