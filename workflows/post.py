"""Send what the outbox holds: claim, send, settle, like any step, with the row's id as its Message-ID."""

from datetime import timedelta
from email.utils import parseaddr

import structlog
from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from models.delivery import Outbox
from models.request import Request
from models.vocabulary import OutboxState, TaskKind
from workflows import audit
from workflows.casefile import open_key
from workflows.errors import PersonMustLook, TryAgain, VastineError
from workflows.human import open_task
from workflows.outbox import open_mail
from workflows.ports import OutgoingMail
from workflows.runtime import Runtime
from workflows.setbacks import backoff_seconds

log = structlog.get_logger("vastine.post")

LEASE = timedelta(seconds=120)
MAX_ATTEMPTS = 40  # greylisting and a dead mail server: two days at the hourly cap


def send_all(rt: Runtime, *, most: int = 500) -> int:
    """Send what is due; how many were tried."""
    count = 0
    while count < most:
        claimed = _claim(rt)
        if claimed is None:
            break
        count += 1
        row, mail = claimed
        error: VastineError | None = None
        try:
            if mail is not None:
                rt.mailer.send(mail)
        except VastineError as caught:
            error = caught
        rt.failpoint("mail_sent")
        with rt.unit() as session:
            _settle(session, rt, row.id, row.fence, error)
    return count


def _claim(rt: Runtime) -> tuple[Outbox, OutgoingMail | None] | None:
    with rt.unit() as session:
        due = (
            select(Outbox)
            .where(
                or_(
                    Outbox.state == OutboxState.READY,
                    (Outbox.state == OutboxState.SENDING) & (Outbox.lease_until < rt.now()),
                ),
                Outbox.run_at <= rt.now(),
            )
            .order_by(Outbox.run_at, Outbox.id)
            .limit(1)
            .with_for_update(skip_locked=True)
        )
        row = session.scalar(due)
        if row is None:
            return None
        if row.state is OutboxState.SENDING and row.once:
            # Its sender died after it began: it may have gone. Sending a link twice is a person's call.
            _unknown(session, rt, row)
            return row, None
        row.state, row.lease_until = OutboxState.SENDING, rt.now() + LEASE
        row.fence, row.attempts = row.fence + 1, row.attempts + 1
        try:
            to, subject, body = open_mail(row, open_key(session, rt, row.data_key_id))
        except VastineError as error:
            # Nobody can read it any more: it must not stand in the way of all the mail behind it.
            row.state, row.lease_until, row.error_code = OutboxState.FAILED, None, error.code
            _ask(session, rt, row)
            return row, None
        domain = parseaddr(rt.settings.mail_from)[1].partition("@")[2] or "localhost"
        return row, OutgoingMail(
            message_id=f"<{row.id}@{domain}>", to=to, subject=subject, body=body, language=row.language
        )


def _settle(session: Session, rt: Runtime, row_id: object, fence: int, error: VastineError | None) -> None:
    row = session.scalar(
        select(Outbox)
        .where(Outbox.id == row_id, Outbox.fence == fence, Outbox.state == OutboxState.SENDING)
        .with_for_update()
    )
    if row is None:
        return
    row.lease_until = None
    if error is None:
        row.state, row.sent_at, row.error_code = OutboxState.SENT, rt.now(), None
        _note(session, rt, row, "mail:sent")
        return
    row.error_code = error.code
    if isinstance(error, TryAgain) and row.attempts < MAX_ATTEMPTS:
        row.state = OutboxState.READY
        row.run_at = rt.now() + timedelta(seconds=backoff_seconds(row.attempts, error.after_seconds))
        return
    if isinstance(error, PersonMustLook) and not row.once and row.attempts < MAX_ATTEMPTS:
        row.state, row.run_at = OutboxState.READY, rt.now() + timedelta(minutes=15)
        return
    if isinstance(error, PersonMustLook):
        _unknown(session, rt, row)
        return
    row.state = OutboxState.FAILED
    _ask(session, rt, row)


def _unknown(session: Session, rt: Runtime, row: Outbox) -> None:
    row.state, row.lease_until = OutboxState.UNKNOWN, None
    _ask(session, rt, row)


def _ask(session: Session, rt: Runtime, row: Outbox) -> None:
    _note(session, rt, row, "mail:failed")
    open_task(
        session,
        rt,
        key=f"mail:{row.id}",
        kind=TaskKind.MAIL_FAILED,
        code=row.error_code or "mail_unknown",
        request_id=row.request_id,
        facts={"letter": row.letter},
    )


def _note(session: Session, rt: Runtime, row: Outbox, event: str) -> None:
    if row.request_id is None:
        return
    session.get_one(Request, row.request_id, with_for_update=True)
    audit.record(
        session,
        event,
        at=rt.now(),
        actor="vastine",
        request_id=row.request_id,
        facts={"letter": row.letter, "code": row.error_code or ""},
    )
