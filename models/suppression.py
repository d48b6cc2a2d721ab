"""Bans on direct marketing, by keyed digest: whom not to address, without knowing who that is."""

import uuid
from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, String, text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, new_id, word
from models.types import UTCDateTime
from models.vocabulary import Ban, Channel


class BanRow(Base):
    """One ban of one contact. A later consent lifts it and the row stays as history; a new ban is a new row.

    Kept while the controller markets at all: forgetting it would mean to write to the person again.
    Source: GDPR Art. 21(3), 5(2).
    """

    __tablename__ = "bans"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    ban: Mapped[Ban] = mapped_column(word(Ban))
    identity: Mapped[str] = mapped_column(String(32))  # email, phone_number, postal_address or customer_number
    digest: Mapped[bytes] = mapped_column(LargeBinary(32))
    channel: Mapped[Channel] = mapped_column(word(Channel))
    origin: Mapped[str] = mapped_column(String(64))  # person, staff, or the name of a source that knew of it
    proof: Mapped[str] = mapped_column(String(64))  # what shows it: the reference of a case, a code of the staff's
    request_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("requests.id"), index=True)
    set_by: Mapped[str] = mapped_column(String(64))
    set_at: Mapped[datetime] = mapped_column(UTCDateTime)
    lifted_by: Mapped[str | None] = mapped_column(String(64))
    lifted_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    lift_proof: Mapped[str | None] = mapped_column(String(64))  # what shows the person's later consent

    __table_args__ = (
        CheckConstraint("(lifted_by IS NULL) = (lifted_at IS NULL)", name="lifting_is_dated"),
        CheckConstraint("(lifted_at IS NULL) = (lift_proof IS NULL)", name="lifting_is_proven"),
        Index(
            "ix_bans_in_force",
            "identity",
            "digest",
            "ban",
            unique=True,
            postgresql_where=text("lifted_at IS NULL"),
            sqlite_where=text("lifted_at IS NULL"),
        ),
    )
