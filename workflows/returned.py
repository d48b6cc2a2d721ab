"""Mail of ours that came back, or that its reader complained about: matched to what was sent, told to a person.

Whoever was sent a mail knows its name and could invent such a report: it ends nothing and starts nothing but a task.
"""

import uuid
from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.delivery import Outbox
from models.intake import Message
from models.request import Request
from models.vocabulary import MessageState, OutboxState, TaskKind
from workflows import audit
from workflows.human import open_task
from workflows.reached import COMPLAINED
from workflows.rules.mail_reports import Report
from workflows.runtime import Runtime
from workflows.stages.intake import belongs

BOUNCED = "mail_bounced"
_GONE_OUT = (OutboxState.SENT, OutboxState.UNKNOWN)


def take_report(session: Session, rt: Runtime, message: Message, report: Report) -> tuple[str, ...]:
    """References of the cases whose mail the report is about; none for what says nothing or is about no mail of ours.

    A mail that came back counts as not delivered from now on, with a task; a complaint is a task alone.
    """
    if report.what not in ("failed", "complaint"):
        return ()
    references = []
    for row in _mails(session, report.about):
        if row.request_id is None:
            continue
        request = session.get_one(Request, row.request_id, with_for_update=True)
        session.refresh(row, with_for_update=True)
        if row.state not in _GONE_OUT and row.error_code != BOUNCED:
            continue
        code = BOUNCED if report.what == "failed" else COMPLAINED
        if report.what == "failed":
            row.state, row.error_code, row.lease_until = OutboxState.FAILED, BOUNCED, None
        facts = {"letter": row.letter, "code": code}
        audit.record(session, "mail:returned", at=rt.now(), actor="vastine", request_id=request.id, facts=facts)
        open_task(
            session,
            rt,
            key=f"{'mail' if code == BOUNCED else 'complaint'}:{row.id}",
            kind=TaskKind.MAIL_FAILED,
            code=code,
            request_id=request.id,
            message_id=message.id,
            due_on=request.due_on,
            facts={"letter": row.letter},
        )
        message.state, message.why = MessageState.ATTACHED, code
        belongs(session, message, request)
        references.append(request.reference)
    return tuple(dict.fromkeys(references))


def _mails(session: Session, about: Sequence[uuid.UUID]) -> Sequence[Outbox]:
    return session.scalars(select(Outbox).where(Outbox.id.in_(about)).order_by(Outbox.id)).all() if about else []


def case_answered(session: Session, answers: Sequence[str]) -> Request | None:
    """The case whose mail a reply answers, by the name of that mail; the nearest first."""
    for name in answers:
        try:
            ident = uuid.UUID(name.lstrip("<").partition("@")[0])
        except ValueError:
            continue
        request = session.scalar(
            select(Request).join(Outbox, Outbox.request_id == Request.id).where(Outbox.id == ident)
        )
        if request is not None:
            return request
    return None
