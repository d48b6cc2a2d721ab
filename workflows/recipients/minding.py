"""No notice is forgotten: what did not go out, or was not answered in time, comes before a person."""

from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.delivery import Outbox
from models.notices import Notice, NoticeState, NoticeWay
from models.request import Request
from models.session import ring
from models.vocabulary import Letter, OutboxState
from workflows import audit
from workflows.casefile import open_key
from workflows.errors import VastineError
from workflows.messages import SEND
from workflows.recipients.content import open_content
from workflows.recipients.telling import BY_HAND, ask_by_hand, mail_notice, mail_occurrence
from workflows.runtime import Runtime

UNANSWERED = "notice_unanswered"
"""Code of the task that asks a person to look after a recipient who stays silent."""

AFTER_REMINDER = timedelta(days=7)
_MOST = 500


def mind_notices(rt: Runtime) -> int:
    """Take note of what went out, remind once of what is overdue, then ask a person; how many were changed."""
    with rt.unit() as session:
        on_its_way = select(Notice.id).where(Notice.state == NoticeState.WAITING, Notice.way == NoticeWay.MAIL)
        late = select(Notice.id).where(
            Notice.state.in_((NoticeState.SENT, NoticeState.WAITING)),
            Notice.way != NoticeWay.HAND,
            Notice.asked_at.is_(None),
            Notice.due_on < rt.today(),
        )
        unasked = select(Notice.id).where(
            Notice.state == NoticeState.SENT,
            Notice.way == NoticeWay.HAND,
            Notice.asked_at.is_(None),
            Notice.due_on < rt.today(),
        )
        ids = {ident for query in (on_its_way, late, unasked) for ident in session.scalars(query.limit(_MOST))}
    count = 0
    for ident in ids:
        with rt.unit() as session:
            notice = session.get_one(Notice, ident)
            request = session.get_one(Request, notice.request_id, with_for_update=True)
            session.refresh(notice, with_for_update=True)
            count += _mailed(session, rt, notice) or _overdue(session, rt, request, notice)
    return count


def _mailed(session: Session, rt: Runtime, notice: Notice) -> bool:
    """Whether the outbox says by now what became of this notice's mail."""
    if notice.state is not NoticeState.WAITING or notice.way is not NoticeWay.MAIL:
        return False
    key = f"{notice.request_id}:{Letter.RECIPIENT_NOTICE.value}:{mail_occurrence(notice)}"
    mail = session.scalar(select(Outbox).where(Outbox.key == key))
    facts = {"recipient": notice.recipient, "kind": notice.kind.value, "code": mail.error_code or "" if mail else ""}
    if mail is not None and mail.state is OutboxState.SENT:
        notice.state, notice.sent_at = NoticeState.SENT, mail.sent_at
        audit.record(session, "notice:sent", at=rt.now(), actor="vastine", request_id=notice.request_id, facts=facts)
        return True
    if mail is None or mail.state in (OutboxState.FAILED, OutboxState.UNKNOWN):
        notice.state, notice.error_code = NoticeState.FAILED, mail.error_code if mail else "no_mail"
        audit.record(session, "notice:failed", at=rt.now(), actor="vastine", request_id=notice.request_id, facts=facts)
        ask_by_hand(session, rt, notice)
        return True
    return False


def _overdue(session: Session, rt: Runtime, request: Request, notice: Notice) -> bool:
    if notice.state is not NoticeState.SENT or notice.due_on >= rt.today() or notice.asked_at is not None:
        return False
    recipient = next((r for r in rt.register.recipients if r.id == notice.recipient), None)
    if notice.reminded_at is None and notice.way is not NoticeWay.HAND and recipient is not None:
        try:
            key = open_key(session, rt, request.data_key_id)
            content = open_content(key, notice)
        except VastineError:
            return False  # the case's time is over, and with it what the notice said
        notice.reminded_at, notice.state = rt.now(), NoticeState.WAITING
        notice.run_at, notice.attempts = rt.now(), 0
        facts = {"recipient": notice.recipient, "kind": notice.kind.value}
        audit.record(session, "notice:reminded", at=rt.now(), actor="vastine", request_id=request.id, facts=facts)
        if notice.way is NoticeWay.MAIL and recipient.email:
            mail_notice(session, rt, request, key, notice=notice, recipient=recipient, content=content)
        ring(session, SEND, "")
        return True
    if notice.reminded_at is not None and rt.now() < notice.reminded_at + AFTER_REMINDER:
        return False
    ask_by_hand(session, rt, notice, code=UNANSWERED if notice.sent_at else BY_HAND)
    return True
