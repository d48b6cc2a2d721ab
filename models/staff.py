"""Members of staff, their sessions, and the tasks that wait for them."""

import uuid
from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, new_id, word
from models.types import UTCDateTime
from models.vocabulary import Role, TaskKind, TaskState


class StaffUser(Base):
    """A person with a personal log-in; there are no shared ones."""

    __tablename__ = "staff"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    role: Mapped[Role] = mapped_column(word(Role))
    display_name: Mapped[str] = mapped_column(String(120))
    email: Mapped[str | None] = mapped_column(String(254))
    password_hash: Mapped[str | None] = mapped_column(String(200))
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    disabled_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    nda_signed_on: Mapped[date | None]  # the day they signed to keep secrets; without it no paper


class StaffSession(Base):
    """A log-in; a row, so that disabling a user ends it at once."""

    __tablename__ = "staff_sessions"

    token_digest: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    name: Mapped[str] = mapped_column(ForeignKey("staff.name"))
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    seen_at: Mapped[datetime] = mapped_column(UTCDateTime)
    expires_at: Mapped[datetime] = mapped_column(UTCDateTime)


class ApiToken(Base):
    """A bearer token for the REST API."""

    __tablename__ = "api_tokens"

    token_digest: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    label: Mapped[str] = mapped_column(String(64))
    role: Mapped[Role] = mapped_column(word(Role))
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    expires_at: Mapped[datetime] = mapped_column(UTCDateTime)
    revoked_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


class HumanTask(Base):
    """Work for a person: what, about which request, step or message, until when. `key` makes it exist once."""

    __tablename__ = "tasks"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    key: Mapped[str] = mapped_column(String(160))
    kind: Mapped[TaskKind] = mapped_column(word(TaskKind))
    request_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("requests.id"), index=True)
    step_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("steps.id"))
    message_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("messages.id"))
    code: Mapped[str] = mapped_column(String(64))  # which sentence the console shows
    facts: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)  # no personal data
    state: Mapped[TaskState] = mapped_column(word(TaskState))
    due_on: Mapped[date | None]
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    done_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    done_by: Mapped[str | None] = mapped_column(String(64))
    answer: Mapped[str | None] = mapped_column(String(64))

    __table_args__ = (
        UniqueConstraint("key"),
        CheckConstraint("(state = 'done') = (done_at IS NOT NULL)", name="done_is_dated"),
        Index("ix_tasks_open", "state", "due_on"),
    )
