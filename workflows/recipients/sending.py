"""Post the notices that go to a program: claim, post, settle, like any mail; the notice's id is the webhook's."""

from dataclasses import dataclass
from datetime import timedelta

import orjson
from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from models.notices import Notice, NoticeKind, NoticeState, NoticeWay
from models.request import Request
from workflows import audit
from workflows.casefile import open_key
from workflows.errors import NeverAgain, TryAgain, VastineError
from workflows.recipients.content import Content, open_content
from workflows.recipients.telling import ask_by_hand, link_of
from workflows.register.recipients import Hook, Recipient
from workflows.runtime import Runtime

LEASE = timedelta(seconds=120)
MAX_ATTEMPTS = 30  # two days at the hourly cap
_FIRST_SECONDS, _CAP_SECONDS = 30.0, 3600.0


@dataclass(frozen=True, slots=True)
class _Claimed:
    """One notice to be posted, or why it can't be."""

    notice: Notice
    hook: Hook | None
    body: bytes
    error: VastineError | None


def send_notices(rt: Runtime, *, most: int = 100) -> int:
    """Post what is due; how many were tried."""
    count = 0
    while count < most:
        with rt.unit() as session:
            claimed = _claim(session, rt)
        if claimed is None:
            break
        count += 1
        error = claimed.error
        try:
            if claimed.hook is not None and error is None:
                ident = str(claimed.notice.id) + (".again" if claimed.notice.reminded_at else "")
                rt.hooks.post(claimed.hook, ident=ident, at=rt.now(), body=claimed.body)
        except VastineError as caught:
            error = caught
        rt.failpoint("notice_posted")
        with rt.unit() as session:
            _settle(session, rt, claimed.notice, error)
    return count


def _claim(session: Session, rt: Runtime) -> _Claimed | None:
    free = or_(Notice.lease_until.is_(None), Notice.lease_until < rt.now())
    notice = session.scalar(
        select(Notice)
        .where(Notice.way == NoticeWay.WEBHOOK, Notice.state == NoticeState.WAITING, Notice.run_at <= rt.now(), free)
        .order_by(Notice.run_at, Notice.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    if notice is None:
        return None
    notice.lease_until, notice.fence, notice.attempts = rt.now() + LEASE, notice.fence + 1, notice.attempts + 1
    recipient = next((r for r in rt.register.recipients if r.id == notice.recipient), None)
    if recipient is None or recipient.webhook is None:
        return _Claimed(notice, None, b"", NeverAgain("recipient_unknown"))
    request = session.get_one(Request, notice.request_id)
    try:
        content = open_content(open_key(session, rt, request.data_key_id), notice)
    except VastineError as error:
        return _Claimed(notice, None, b"", NeverAgain(error.code))
    return _Claimed(notice, recipient.webhook, _body(rt, request, notice, recipient=recipient, content=content), None)


def _body(rt: Runtime, request: Request, notice: Notice, *, recipient: Recipient, content: Content) -> bytes:
    return orjson.dumps(
        {
            "type": f"{notice.kind.value}.notice",
            "timestamp": notice.created_at.isoformat(),
            "data": {
                "notice": str(notice.id),
                "reference": request.reference,
                "recipient": recipient.id,
                "reminder": notice.reminded_at is not None,
                "ground": "513/1999 s. 4 b" if notice.kind is NoticeKind.PAUSE else "GDPR Art. 19",
                "identifiers": {kind: list(values) for kind, values in content.identifiers.items()},
                "categories": notice.categories,
                "changes": [{"field": name, "value": value} for name, value in content.changes],
                "due_on": notice.due_on.isoformat(),
                "acknowledge_url": link_of(rt, recipient, content),
            },
        }
    )


def _settle(session: Session, rt: Runtime, claimed: Notice, error: VastineError | None) -> None:
    session.get_one(Request, claimed.request_id, with_for_update=True)
    notice = session.scalar(
        select(Notice)
        .where(Notice.id == claimed.id, Notice.fence == claimed.fence, Notice.state == NoticeState.WAITING)
        .with_for_update()
    )
    if notice is None:
        return  # another process took it, or they answered while we were posting
    notice.lease_until, notice.error_code = None, error.code if error else None
    facts = {"recipient": notice.recipient, "kind": notice.kind.value, "code": notice.error_code or ""}
    if error is None:
        notice.state, notice.sent_at = NoticeState.SENT, rt.now()
        audit.record(session, "notice:sent", at=rt.now(), actor="vastine", request_id=notice.request_id, facts=facts)
        return
    if isinstance(error, TryAgain) and notice.attempts < MAX_ATTEMPTS:
        wait = error.after_seconds or min(_FIRST_SECONDS * 2.0 ** (notice.attempts - 1), _CAP_SECONDS)
        notice.run_at = rt.now() + timedelta(seconds=wait)
        return
    notice.state = NoticeState.FAILED
    audit.record(session, "notice:failed", at=rt.now(), actor="vastine", request_id=notice.request_id, facts=facts)
    ask_by_hand(session, rt, notice)
