"""What becomes of a message that a person had to read: requests, a part of a case, or nothing."""

import uuid
from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.intake import Message
from models.request import Request
from models.staff import HumanTask
from models.vocabulary import MessageState, RequestState, TaskState
from workflows import audit
from workflows.errors import Conflict, NotFound
from workflows.human import close_task
from workflows.runtime import Runtime
from workflows.stages.intake import Asked, Opened, belongs, open_requests


def waiting_message(session: Session, ident: uuid.UUID) -> Message:
    """The message, locked. Raises `NotFound`, or `Conflict` once somebody has said what it is."""
    message = session.get(Message, ident, with_for_update=True)
    if message is None:
        raise NotFound("message")
    if message.state is not MessageState.TRIAGE:
        raise Conflict("message_settled", detail="somebody has said already what this message is")
    return message


def open_from(session: Session, rt: Runtime, message: Message, asked: Sequence[Asked], *, user: str) -> list[Opened]:
    """Open the requests that the message makes; their clock runs from its arrival unless `asked` says earlier."""
    opened = open_requests(session, rt, asked, message=message)
    facts = {"message": str(message.id), "requests": len(opened)}
    audit.record(session, "message:understood", at=rt.now(), actor=user, facts=facts)
    settle(session, rt, message, user=user, answer="opened")
    return opened


def attach_to(session: Session, rt: Runtime, message: Message, request: Request, *, user: str) -> None:
    """Let the message belong to a case that is open; the caller holds the case's lock.

    Raises `Conflict` for a closed one: what comes then is a new request or nothing.
    """
    if request.state is RequestState.CLOSED:
        raise Conflict("request_closed", detail="the request is closed; open a new one")
    message.state = MessageState.ATTACHED
    belongs(session, message, request)
    settle(session, rt, message, user=user, answer="attached")


def no_request(session: Session, rt: Runtime, message: Message, *, user: str) -> None:
    """The message asks for nothing; it is kept and not answered."""
    message.state, message.why = MessageState.IGNORED, "not_a_request"
    facts = {"message": str(message.id), "code": message.why}
    audit.record(session, "message:ignored", at=rt.now(), actor=user, facts=facts)
    settle(session, rt, message, user=user, answer="no_request")


def settle(session: Session, rt: Runtime, message: Message, *, user: str, answer: str) -> None:
    """Close the tasks that waited for somebody to say what the message is."""
    for task in session.scalars(
        select(HumanTask).where(HumanTask.message_id == message.id, HumanTask.state == TaskState.OPEN)
    ):
        close_task(session, rt, task, by=user, answer=answer)
