"""Spine: the append-only hash chain."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Integer, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base
from models.types import UTCDateTime


class AuditEntry(Base):
    """One link of one chain. A chain belongs to a request, or to the house itself (`request_id` is null).

    `facts` holds identifiers, counts and codes, never personal data; words that are personal are
    sealed under the request's key and hashed as ciphertext, so that destroying the key keeps the
    chain whole.
    """

    __tablename__ = "audit"

    chain: Mapped[str] = mapped_column(String(40), primary_key=True)
    n: Mapped[int] = mapped_column(Integer, primary_key=True)
    request_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("requests.id"))
    at: Mapped[datetime] = mapped_column(UTCDateTime)
    actor: Mapped[str] = mapped_column(String(64))
    event: Mapped[str] = mapped_column(String(64))
    facts: Mapped[dict[str, Any]] = mapped_column(JSON)
    sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    previous: Mapped[bytes] = mapped_column(LargeBinary(32))
    digest: Mapped[bytes] = mapped_column(LargeBinary(32))
