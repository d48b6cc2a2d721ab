"""One sender who writes without end: kept whole and read by people a few at a time, so that all others are served.

Whose name stands in a mail anybody may have written there: nothing of it is refused or thrown away.
"""

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session

from models.intake import Message
from models.staff import HumanTask
from models.vocabulary import MessageState, TaskState
from workflows import audit
from workflows.pace import Limit, within
from workflows.rules.mail import Understood
from workflows.runtime import Runtime
from workflows.stages.intake import ask_to_read

FLOOD = "sender_flood"
"""Why a message waits: its sender wrote more often than people do."""

AT_ONCE = 20
"""So many of them are tasks at any time; the others wait behind them."""


def is_flood(session: Session, rt: Runtime, mail: Understood) -> bool:
    """Count one more mail of its sender; whether that is too often.

    Mail of machines is no one's, unless it asks for something: anybody may call their mail a machine's.
    """
    if mail.automatic is not None and mail.triage is None:
        return False
    sender = mail.forwarded.sender if mail.forwarded else mail.sender
    limit = Limit("sender", most=rt.register.controller.mail.letters_an_hour)
    return not within(session, rt, limit, sender.casefold())


def keep(session: Session, rt: Runtime, message: Message) -> None:
    """Let the message wait for its turn; `take_up` makes a task of it."""
    message.state, message.why = MessageState.TRIAGE, FLOOD
    facts: dict[str, object] = {"message": str(message.id), "code": FLOOD}
    audit.record(session, "message:triaged", at=rt.now(), actor="vastine", facts=facts)


def take_up(rt: Runtime) -> int:
    """Make tasks of the oldest that wait, as many as there is room for; how many."""
    has_task = exists().where(HumanTask.message_id == Message.id)
    waiting = select(Message).where(Message.state == MessageState.TRIAGE, Message.why == FLOOD, ~has_task)
    open_ones = select(func.count()).select_from(HumanTask)
    with rt.unit() as session:
        busy = session.scalar(open_ones.where(HumanTask.code == FLOOD, HumanTask.state == TaskState.OPEN)) or 0
        found = session.scalars(
            waiting.order_by(Message.arrived_at, Message.id).limit(max(0, AT_ONCE - busy)).with_for_update()
        ).all()
        for message in found:
            ask_to_read(session, rt, message, code=FLOOD)  # on record since it was kept
        return len(found)
