"""How each mailbox that we read is doing: whether it lets us in, and whether mail still comes."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, String
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base
from models.types import UTCDateTime


class Mailbox(Base):
    """One folder of one account. A door that has been silent for longer than usual may be shut without our knowing."""

    __tablename__ = "mailboxes"

    name: Mapped[str] = mapped_column(String(250), primary_key=True)  # user@host/folder
    watched_since: Mapped[datetime] = mapped_column(UTCDateTime)
    read_at: Mapped[datetime | None] = mapped_column(UTCDateTime)  # when it last let us look
    mail_at: Mapped[datetime | None] = mapped_column(UTCDateTime)  # when the last mail was taken out of it
    gaps: Mapped[list[Any]] = mapped_column(JSON, default=list)  # seconds between the last mails, oldest first
    failing_since: Mapped[datetime | None] = mapped_column(UTCDateTime)
    code: Mapped[str | None] = mapped_column(String(64))  # why it does not let us look
