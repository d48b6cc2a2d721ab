"""What people said of records that may or may not be the person's."""

import uuid
from datetime import datetime

from sqlalchemy import ForeignKey, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, new_id, word
from models.types import UTCDateTime
from models.vocabulary import Belongs


class CandidateVerdict(Base):
    """One person's word on one candidate of one request; a later word takes its place, the audit keeps both.

    It counts for exactly the content that was looked at: a record whose digest differs is asked about again.
    """

    __tablename__ = "candidate_verdicts"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    request_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("requests.id"))
    source: Mapped[str] = mapped_column(String(64))
    collection: Mapped[str] = mapped_column(String(120))
    locator_digest: Mapped[bytes] = mapped_column(LargeBinary(32))  # keyed
    item_digest: Mapped[bytes] = mapped_column(LargeBinary(32))
    verdict: Mapped[Belongs] = mapped_column(word(Belongs))
    reason_sealed: Mapped[bytes] = mapped_column(LargeBinary)
    decided_by: Mapped[str] = mapped_column(String(64))
    decided_at: Mapped[datetime] = mapped_column(UTCDateTime)

    __table_args__ = (
        UniqueConstraint("request_id", "source", "collection", "locator_digest", name="uq_candidate_verdicts_record"),
    )
