"""Our own records on their way out: marked when their time is over, gone a week later."""

import uuid
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Index, text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, word
from models.types import UTCDateTime


class PurgeStage(StrEnum):
    """Which of our own records a purge is about, in the order in which their time is over."""

    EVIDENCE = "evidence"  # how a person was proven
    PACKAGE = "package"  # what was made for the person to fetch
    MESSAGE = "message"  # what came in, as it came
    MAIL = "mail"  # what went out
    CASE = "case"  # everything else that is sealed under the request's key


class PurgeMark(Base):
    """One record that a stage of the purge is about: a request, a message or a file, by its id.

    A mark whose record is no longer due is taken away; `gone_at` is when it was treated.
    """

    __tablename__ = "purge_marks"

    stage: Mapped[PurgeStage] = mapped_column(word(PurgeStage), primary_key=True)
    record_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    marked_at: Mapped[datetime] = mapped_column(UTCDateTime)
    gone_at: Mapped[datetime | None] = mapped_column(UTCDateTime)

    __table_args__ = (
        Index(
            "ix_purge_marks_open",
            "stage",
            postgresql_where=text("gone_at IS NULL"),
            sqlite_where=text("gone_at IS NULL"),
        ),
    )
