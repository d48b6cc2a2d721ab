"""Files that people send on the page of their case: kept sealed as they came, without their names, for staff to see.

Knowing the page's address proves nobody: a file changes nothing by itself.
"""

import hashlib
from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models.intake import Message, MessageCase
from models.request import DataKey, Request
from models.vocabulary import Channel
from workflows.errors import BadInput, Fault
from workflows.hand.files import sniffed
from workflows.mailroom import attach
from workflows.rules.mail_files import examine
from workflows.runtime import Runtime
from workflows.stages.intake import store
from workflows.thread import UPLOAD

LARGEST_BYTES = 10 * 1024 * 1024
MOST_OF_A_CASE = 20


def take_file(session: Session, rt: Runtime, request: Request, content: bytes) -> bool:
    """Keep a file of the person's; False for the same one again. The caller holds the request's lock.

    Raises `BadInput` (file) for one that is too large, too many, or no PDF, PNG, JPEG or plain text by its bytes.
    """
    if len(content) > LARGEST_BYTES:
        raise BadInput([Fault("file", "upload_large")])
    if not sniffed(content):
        raise BadInput([Fault("file", "upload_kind")])
    ident = f"upload:{request.id}:{hashlib.sha256(content).hexdigest()}"
    mine = select(func.count()).select_from(Message).join(MessageCase, MessageCase.message_id == Message.id)
    kept = session.scalar(mine.where(MessageCase.request_id == request.id, Message.why == UPLOAD)) or 0
    if kept >= MOST_OF_A_CASE:
        raise BadInput([Fault("file", "upload_many")])
    message, new = store(session, rt, channel=Channel.PORTAL, external_id=ident, raw=content)
    if new:
        message.why = UPLOAD
        attach(session, rt, message, request)
    return new


def uploads_of(session: Session, request: Request) -> Sequence[Message]:
    """The files that were sent with this case and are not gone yet, the oldest first."""
    return session.scalars(
        select(Message)
        .join(MessageCase, MessageCase.message_id == Message.id)
        .join(DataKey, DataKey.id == Message.data_key_id)
        .where(MessageCase.request_id == request.id, Message.why == UPLOAD, DataKey.destroyed_at.is_(None))
        .order_by(Message.arrived_at, Message.id)
    ).all()


def told(content: bytes) -> tuple[str, tuple[str, ...]]:
    """(media type by its bytes, signs that speak against opening it)."""
    return sniffed(content) or "application/octet-stream", examine("", content)[1]
