"""What a person says is wrong about them, item by item, what was decided of it, and what was done."""

import uuid
from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, SmallInteger, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, new_id, word
from models.types import UTCDateTime


class Remedy(StrEnum):
    """What the person wants done. Source: GDPR Art. 16; Data Protection Act 1050/2018 as promised in the notice."""

    CORRECT = "correct"
    ERASE = "erase"
    COMPLETE = "complete"


class Flaw(StrEnum):
    """Why the person wants it."""

    INACCURATE = "inaccurate"
    UNNECESSARY = "unnecessary"
    INCOMPLETE = "incomplete"
    OUTDATED = "outdated"


class ItemDecision(StrEnum):
    """What a person of the controller decided of one item."""

    CHANGE = "change"  # the source is changed
    NOTE = "note"  # the record stays; what the person says is kept with it
    FORWARD = "forward"  # another controller's data: we ask them, and tell the person
    REFER = "refer"  # another controller's data: the person has to turn to them
    REFUSE = "refuse"


class ItemOutcome(StrEnum):
    """What became of an item whose source was to be changed."""

    CHANGED = "changed"
    AS_IT_WAS = "as_it_was"  # the source had the wanted value already
    ABSENT = "absent"
    DRIFTED = "drifted"  # somebody changed the record after the decision
    REFUSED = "refused"  # by the source


class RectificationItem(Base):
    """One thing that is said to be wrong: as the person put it, where it is, the decision, and the proof.

    What the person said, where the record is and what shall stand there are sealed. The digests are of the whole
    record: before as decided on, after as the source had it when it was looked at again.
    """

    __tablename__ = "rectification_items"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    request_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("requests.id"))
    item_no: Mapped[int] = mapped_column(SmallInteger)
    remedy: Mapped[Remedy | None] = mapped_column(word(Remedy))
    flaw: Mapped[Flaw | None] = mapped_column(word(Flaw))
    said_sealed: Mapped[bytes] = mapped_column(LargeBinary)  # field, current, wanted, evidence in words
    source: Mapped[str | None] = mapped_column(String(64))
    collection: Mapped[str | None] = mapped_column(String(120))
    field: Mapped[str | None] = mapped_column(String(120))
    category: Mapped[str] = mapped_column(String(64), default="")
    target_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)  # locator, old and new value
    before_digest: Mapped[bytes | None] = mapped_column(LargeBinary(32))
    decision: Mapped[ItemDecision | None] = mapped_column(word(ItemDecision))
    ground: Mapped[str | None] = mapped_column(String(32))  # of a refusal
    reason_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    decided_by: Mapped[str | None] = mapped_column(String(64))
    decided_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    outcome: Mapped[ItemOutcome | None] = mapped_column(word(ItemOutcome))
    op_id: Mapped[str | None] = mapped_column(String(160))
    after_digest: Mapped[bytes | None] = mapped_column(LargeBinary(32))
    done_by: Mapped[str | None] = mapped_column(String(64))  # "vastine", or who did it by hand
    done_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    overwritten_at: Mapped[datetime | None] = mapped_column(UTCDateTime)  # a feed put another value there

    __table_args__ = (
        UniqueConstraint("request_id", "item_no"),
        CheckConstraint("(decision IS NULL) = (decided_at IS NULL)", name="decided_is_dated"),
        CheckConstraint("(outcome IS NULL) = (done_at IS NULL)", name="done_is_dated"),
        CheckConstraint("outcome IS NULL OR decision = 'change'", name="only_changes_have_outcomes"),
        Index("ix_rectification_items_done", "outcome", "done_at"),
    )
