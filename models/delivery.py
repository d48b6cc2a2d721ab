"""Packages, letters and the links by which a person fetches them; mail on its way out."""

import uuid
from datetime import date, datetime

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    ForeignKey,
    Index,
    LargeBinary,
    SmallInteger,
    String,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, new_id, word
from models.types import UTCDateTime
from models.vocabulary import OutboxState


class Artifact(Base):
    """A package (zip) or letter (PDF) made for a request, sealed in the blob store."""

    __tablename__ = "artifacts"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    request_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("requests.id"))
    name: Mapped[str] = mapped_column(String(64))  # package.zip, letter_access.pdf …
    media_type: Mapped[str] = mapped_column(String(64))
    blob: Mapped[str] = mapped_column(String(200))
    digest: Mapped[bytes] = mapped_column(LargeBinary(32))
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    data_key_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("data_keys.id"))  # its own; None: the request's
    template: Mapped[str | None] = mapped_column(String(200))  # of a letter: file, version and approver of its text
    made_at: Mapped[datetime] = mapped_column(UTCDateTime)
    purged_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    kept_until: Mapped[date | None]  # the person asked for more time

    __table_args__ = (UniqueConstraint("request_id", "name"),)


class Grant(Base):
    """Permission to download one request's artifacts for a while; each fetch is an audit entry."""

    __tablename__ = "grants"

    token_digest: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    request_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("requests.id"), index=True)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    expires_at: Mapped[datetime] = mapped_column(UTCDateTime)
    fetches: Mapped[int] = mapped_column(SmallInteger, default=0)
    revoked_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


class Outbox(Base):
    """One mail: written in the transaction that decided it, sent later, known by its key.

    The Message-ID is made from the row's id, so a repeated send is recognisable. `once`: when the
    connection broke after DATA, a person decides whether to repeat it.
    """

    __tablename__ = "outbox"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    request_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("requests.id"), index=True)
    key: Mapped[str] = mapped_column(String(160), unique=True)
    letter: Mapped[str] = mapped_column(String(32))
    language: Mapped[str] = mapped_column(String(5))
    template: Mapped[str | None] = mapped_column(String(200))  # file, version and approver of the text
    to_sealed: Mapped[bytes] = mapped_column(LargeBinary)
    body_sealed: Mapped[bytes] = mapped_column(LargeBinary)  # subject and text, rendered when decided
    data_key_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("data_keys.id"))
    once: Mapped[bool] = mapped_column(Boolean, default=False)
    state: Mapped[OutboxState] = mapped_column(word(OutboxState))
    run_at: Mapped[datetime] = mapped_column(UTCDateTime)
    attempts: Mapped[int] = mapped_column(SmallInteger, default=0)
    fence: Mapped[int] = mapped_column(BigInteger, default=0)
    lease_until: Mapped[datetime | None] = mapped_column(UTCDateTime)
    sent_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    error_code: Mapped[str | None] = mapped_column(String(64))

    __table_args__ = (
        CheckConstraint("(state = 'sending') = (lease_until IS NOT NULL)", name="sending_has_lease"),
        Index(
            "ix_outbox_ready",
            "run_at",
            postgresql_where=text("state IN ('ready', 'sending')"),
            sqlite_where=text("state IN ('ready', 'sending')"),
        ),
    )
