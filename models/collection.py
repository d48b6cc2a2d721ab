"""What was found where. The records themselves lie sealed in the blob store."""

import uuid
from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, CheckConstraint, ForeignKey, Integer, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, new_id, word
from models.types import UTCDateTime
from models.vocabulary import SourceResult


class Finding(Base):
    """The answer of one source for one request; a later round of the same source overwrites it.

    `counts` maps collection to number of items. `leads_sealed` are the values that other sources'
    collections refer to. `seeds_digest` says which identifiers this answer was found with: when the
    request's identifiers grow, the source is asked again.
    """

    __tablename__ = "findings"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    request_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("requests.id"))
    source: Mapped[str] = mapped_column(String(64))
    result: Mapped[SourceResult] = mapped_column(word(SourceResult))
    why: Mapped[str | None] = mapped_column(String(64))  # code, for failed and not_searched
    counts: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    ownerships: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)  # ownership -> number of items
    items: Mapped[int] = mapped_column(Integer, default=0)
    undecided: Mapped[int] = mapped_column(Integer, default=0)  # candidates of which nobody has said whose they are
    blob: Mapped[str | None] = mapped_column(String(200))  # name in the blob store; sealed under the request key
    blob_digest: Mapped[bytes | None] = mapped_column(LargeBinary(32))
    blob_bytes: Mapped[int] = mapped_column(BigInteger, default=0)
    leads_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    seeds_digest: Mapped[bytes | None] = mapped_column(LargeBinary(32))
    round: Mapped[int] = mapped_column(Integer, default=0)
    searched_at: Mapped[datetime | None] = mapped_column(UTCDateTime)

    __table_args__ = (UniqueConstraint("request_id", "source"),)


class SourceHealth(Base):
    """Whether a source answers, whether somebody paused it, and whether its canary was found.

    What shuts a source delays its own steps only and costs them no attempts. `probe` is the step that tries a
    source that was down: while it runs, no other step of the source does.
    """

    __tablename__ = "source_health"

    source: Mapped[str] = mapped_column(String(64), primary_key=True)
    failures: Mapped[int] = mapped_column(Integer, default=0)
    open_until: Mapped[datetime | None] = mapped_column(UTCDateTime)
    last_ok_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    last_code: Mapped[str | None] = mapped_column(String(64))
    probe: Mapped[uuid.UUID | None]
    paused_by: Mapped[str | None] = mapped_column(String(64))
    paused_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    paused_until: Mapped[date | None]  # the last day; None: until somebody says so
    paused_why: Mapped[str | None] = mapped_column(String(200))  # about the system, never about a person
    canary_at: Mapped[datetime | None] = mapped_column(UTCDateTime)  # when it was last looked for
    canary_code: Mapped[str | None] = mapped_column(String(64))  # why it was not found; None: it was

    __table_args__ = (CheckConstraint("(paused_by IS NULL) = (paused_at IS NULL)", name="pause_has_owner"),)
