"""Copies of identity documents that came by mail although nobody asked: kept shut, then destroyed, with a note.

They prove nothing here, and a copy that we hold can be stolen. The rest of the mail stays as it came.
Source: GDPR Art. 5(1)(c); Data Protection Act 1050/2018 s. 29.
"""

from collections.abc import Callable
from datetime import timedelta

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from models.intake import Message
from models.vocabulary import Channel
from workflows import audit
from workflows.casefile import open_key
from workflows.rules.mail import Understood
from workflows.rules.mail_files import IDENTITY
from workflows.rules.mail_strip import without
from workflows.runtime import Runtime
from workflows.stages.intake import open_raw

log = structlog.get_logger("vastine.unasked")


def mark(message: Message, rt: Runtime, mail: Understood) -> None:
    """Set the day on which such copies go, if the mail has any. A person may look at the mail until then."""
    if any(IDENTITY in attachment.signs for attachment in mail.attachments):
        message.strip_on = rt.today() + timedelta(days=rt.register.controller.mail.identity_copy_days)


def strip_due(rt: Runtime, read: Callable[[Runtime, bytes], Understood]) -> int:
    """Destroy the copies whose day has come; how many messages were gone through. `read`: how they were recognised.

    One that can't be taken apart stays as it is, and holds up none of the others.
    """
    due = (
        Message.channel == Channel.EMAIL,
        Message.strip_on <= rt.today(),
        Message.stripped_at.is_(None),
        Message.raw_sealed != b"",
    )
    with rt.unit() as session:
        idents = session.scalars(select(Message.id).where(*due).limit(100)).all()
    count = 0
    for ident in idents:
        try:
            with rt.unit() as session:
                message = session.scalar(select(Message).where(Message.id == ident, *due).with_for_update())
                if message is not None:
                    _strip(session, rt, message, read)
                    count += 1
        except Exception as error:  # noqa: BLE001 - the bytes are a stranger's, and so is whatever breaks on them
            log.warning("unasked.not_stripped", message=str(ident), error=type(error).__name__)
    return count


def _strip(session: Session, rt: Runtime, message: Message, read: Callable[[Runtime, bytes], Understood]) -> None:
    before = open_raw(session, rt, message)
    mail = read(rt, before)
    raw, count = without(before, rt.now(), texts=[mail.subject, mail.text])
    key = open_key(session, rt, message.data_key_id)
    message.raw_sealed, message.stripped_at = key.seal(raw, f"messages.raw:{message.id}"), rt.now()
    facts = {"message": str(message.id), "count": count}
    audit.record(session, "message:stripped", at=rt.now(), actor="vastine", facts=facts)
