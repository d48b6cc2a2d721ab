"""Our own test requests through each door, and when the work was last seen to be done."""

import uuid
from datetime import datetime

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, new_id
from models.types import UTCDateTime


class DoorCanary(Base):
    """One request that we sent ourselves; it is no person's, opens no case and is counted nowhere.

    `code`: why it could not even be handed over; None where it was.
    """

    __tablename__ = "door_canaries"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    door: Mapped[str] = mapped_column(String(300))  # portal, api, or mail:ADDRESS of ours
    sent_at: Mapped[datetime] = mapped_column(UTCDateTime)
    arrived_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    code: Mapped[str | None] = mapped_column(String(64))

    __table_args__ = (Index("ix_door_canaries_door", "door", "sent_at"),)


class Pulse(Base):
    """When a part of the installation last did what it has to do all the time."""

    __tablename__ = "pulses"

    name: Mapped[str] = mapped_column(String(32), primary_key=True)
    at: Mapped[datetime] = mapped_column(UTCDateTime)
