"""What staff write to the person on the page of their case."""

import uuid
from datetime import datetime

from sqlalchemy import ForeignKey, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, new_id
from models.types import UTCDateTime


class Reply(Base):
    """One message of ours. `before_proof`: nobody was proven when it was written, so it says nothing of anybody."""

    __tablename__ = "replies"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    request_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("requests.id"), index=True)
    written_by: Mapped[str] = mapped_column(String(64))
    written_at: Mapped[datetime] = mapped_column(UTCDateTime)
    language: Mapped[str] = mapped_column(String(5))
    words_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)  # under the request's key
    before_proof: Mapped[bool]
    artifact_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("artifacts.id"))  # the file that goes with it
    read_at: Mapped[datetime | None] = mapped_column(UTCDateTime)  # when it was first shown to the person
