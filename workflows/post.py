"""Send what the outbox holds: claim, send, settle, like any step, with the row's id as its Message-ID."""

from datetime import datetime, timedelta
from email.utils import parseaddr
from functools import partial

import structlog
from sqlalchemy import BindParameter, bindparam, or_, select, update
from sqlalchemy.orm import Session

from models.asking import Ask
from models.delivery import Outbox
from models.request import DataKey
from models.types import UTCDateTime
from models.vocabulary import Letter, OutboxState, TaskKind
from workflows import audit, ledger
from workflows.casefile import open_key, seen_key
from workflows.errors import NeverAgain, PersonMustLook, TryAgain, VastineError
from workflows.human import open_task
from workflows.lease import renewed
from workflows.outbox import open_mail
from workflows.pace import mail_waits
from workflows.ports import OutgoingMail
from workflows.reached import gone_out
from workflows.runtime import Runtime
from workflows.setbacks import backoff_seconds

log = structlog.get_logger("vastine.post")

LEASE = timedelta(seconds=120)
"""How long a process may be silent before another takes its mail; a slow server is not silence: it is renewed."""
_NOW: BindParameter[datetime] = bindparam("now", type_=UTCDateTime)
_DUE = (
    select(Outbox, DataKey)
    .join(DataKey, DataKey.id == Outbox.data_key_id)
    .where(
        or_(Outbox.state == OutboxState.READY, (Outbox.state == OutboxState.SENDING) & (Outbox.lease_until < _NOW)),
        Outbox.run_at <= _NOW,
    )
    .order_by(Outbox.run_at, Outbox.id)
    .limit(1)
    .with_for_update(skip_locked=True, of=Outbox)
)
_HELD = (Outbox.id == bindparam("this"), Outbox.fence == bindparam("last"), Outbox.state == OutboxState.SENDING)
_MINE = select(Outbox).where(*_HELD).with_for_update()
_SENT = (
    update(Outbox)
    .where(*_HELD)
    .values(state=OutboxState.SENT, sent_at=_NOW, lease_until=None, error_code=None)
    .returning(Outbox.id, audit.LAST_N.label("n"), audit.LAST_DIGEST.label("digest"))
    .execution_options(synchronize_session=False)
)
"""Write that the mail `this` was sent if `last` is still its fence, and read the last entry of its `chain`."""
MAX_ATTEMPTS = 40  # greylisting and a dead mail server: two days at the hourly cap


def send_all(rt: Runtime, *, most: int = 500) -> int:
    """Send what is due; how many were tried."""
    count = 0
    while count < most:
        # Not together with settling the mail before it: what goes wrong here must not undo that that was sent.
        with rt.unit() as session:
            claimed = _claim(session, rt)
        if claimed is None:
            break
        count += 1
        row, mail, error = claimed
        try:
            if mail is not None:
                with renewed(partial(_renew, rt, row)):
                    rt.mailer.send(mail)
        except VastineError as caught:
            error = caught
        rt.failpoint("mail_sent")
        with rt.unit() as session:
            _settle(session, rt, row, error)
    return count


def _claim(session: Session, rt: Runtime) -> tuple[Outbox, OutgoingMail | None, VastineError | None] | None:
    """A row this process holds, and what to send; or why nothing can be sent, which settling it will tell."""
    found = session.execute(_DUE, {"now": rt.now()}).one_or_none()
    if found is None:
        return None
    row, key = found
    seen_key(session, key)
    begun = row.state is OutboxState.SENDING
    row.state, row.lease_until = OutboxState.SENDING, rt.now() + LEASE
    row.fence, row.attempts = row.fence + 1, row.attempts + 1
    if begun and row.once:
        # Its sender died after it began: it may have gone. Sending a link twice is a person's call.
        return row, None, PersonMustLook("mail_unknown")
    try:
        to, subject, body = open_mail(row, open_key(session, rt, row.data_key_id))
    except VastineError as error:
        # Nobody can read it any more: it must not stand in the way of all the mail behind it.
        return row, None, NeverAgain(error.code)
    if row.attempts == 1 and not _asked_here(session, row) and (wait := mail_waits(session, rt, row.letter, to)) > 0:
        row.attempts = 0  # it was not tried
        return row, None, TryAgain("mail_too_often", after_seconds=wait)
    domain = parseaddr(rt.settings.mail_from)[1].partition("@")[2] or "localhost"
    identity = f"<{row.id}@{domain}>"
    mail = OutgoingMail(message_id=identity, to=to, subject=subject, body=body, language=row.language)
    return row, mail, None


def _renew(rt: Runtime, claimed: Outbox) -> None:
    with rt.sessions.begin() as session:
        who = {"this": claimed.id, "last": claimed.fence}
        session.execute(update(Outbox).where(*_HELD).values(lease_until=rt.now() + LEASE), who)


def _asked_here(session: Session, row: Outbox) -> bool:
    """Whether staff put a question into words; a form alone brings one about too, and anybody can fill one in."""
    if row.letter != Letter.ASK.value:
        return False
    worded = select(Ask.id).where(Ask.request_id == row.request_id, Ask.words_sealed.is_not(None)).limit(1)
    return session.scalar(worded) is not None


def _settle(session: Session, rt: Runtime, claimed: Outbox, error: VastineError | None) -> None:
    request = None
    if claimed.request_id is not None:
        # The request first, as everywhere: who takes the two locks the other way round may wait for ever.
        request, key = session.execute(ledger.LOCK, {"this": claimed.request_id}).one()
        seen_key(session, key)
    who = {"this": claimed.id, "last": claimed.fence}
    if error is None:
        sent = session.execute(_SENT, {**who, "now": rt.now(), "chain": str(claimed.request_id)}).one_or_none()
        if sent is not None and request is not None:
            audit.seen_head(session, request.id, sent.n, sent.digest)
            claimed.error_code = None
            _note(session, rt, claimed, "mail:sent")
            gone_out(session, rt, claimed, request)
        return
    row = session.scalar(_MINE, who)
    if row is None:
        return
    row.lease_until = None
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
    audit.record(
        session,
        event,
        at=rt.now(),
        actor="vastine",
        request_id=row.request_id,
        facts={"letter": row.letter, "code": row.error_code or ""},
    )
