"""Members of staff who are people too: whose own case it is, and who is near to whose."""

import uuid
from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, word
from models.types import UTCDateTime


class Nearness(StrEnum):
    """How a member of staff stands to the person of a case."""

    OWN = "own"
    NEAR = "near"  # the same surname or the same address
    BARRED = "barred"  # a relative, friend or colleague, as they or the data protection officer said


class StaffKey(Base):
    """A keyed digest by which the person behind a log-in is found in a case; never the value itself."""

    __tablename__ = "staff_keys"

    name: Mapped[str] = mapped_column(ForeignKey("staff.name"), primary_key=True)
    digest: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True, index=True)
    nearness: Mapped[Nearness] = mapped_column(word(Nearness))


class CaseNearness(Base):
    """A member of staff whom a case concerns: it is hidden from them, or, a near one, opens with a reason only."""

    __tablename__ = "case_nearness"

    request_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("requests.id"), primary_key=True)
    name: Mapped[str] = mapped_column(ForeignKey("staff.name"), primary_key=True)
    nearness: Mapped[Nearness] = mapped_column(word(Nearness))
    noted_at: Mapped[datetime] = mapped_column(UTCDateTime)
    opened_at: Mapped[datetime | None] = mapped_column(UTCDateTime)  # when they gave a reason last
