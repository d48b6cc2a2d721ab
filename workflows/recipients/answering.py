"""What recipients say to a notice, or a person says for them. Every word ends the notice's task too."""

import uuid
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.notices import OVER, Excuse, Notice, NoticeState, NoticeWay
from models.request import Request
from models.staff import HumanTask, StaffUser
from models.vocabulary import Role, TaskState
from workflows import audit
from workflows.casefile import open_key
from workflows.errors import BadInput, Conflict, Fault, NotAllowed, NotFound
from workflows.human import close_task
from workflows.runtime import Runtime

RECIPIENT = "recipient"
"""Who answered, where it was the recipient by the link of the notice."""

_WORKERS = {Role.CASEWORKER, Role.APPROVER, Role.DPO}
_EXCUSERS = {Role.APPROVER, Role.DPO}
_LONGEST = 5000


def locked_notice(session: Session, ident: uuid.UUID) -> tuple[Notice, Request]:
    """The notice and its request, whose lock is taken first. Raises `NotFound`."""
    notice = session.get(Notice, ident)
    if notice is None:
        raise NotFound("notice")
    request = session.get_one(Request, notice.request_id, with_for_update=True)
    session.refresh(notice, with_for_update=True)
    return notice, request


def by_token(session: Session, rt: Runtime, token: str) -> Notice:
    """The notice of this link, which works until they answered. Raises `NotFound` for every other one."""
    digest = rt.vault.digest("notice", token[:200])
    notice = session.scalar(select(Notice).where(Notice.token_digest == digest))
    if notice is None or notice.state in OVER or not notice.content_sealed:
        raise NotFound("notice")
    return notice


def acknowledge(session: Session, rt: Runtime, notice: Notice, *, by: str) -> None:
    """They have taken note: by their link, or as a member of staff heard it. Raises `Conflict` once it is over."""
    if by != RECIPIENT:
        _staff(session, by, _WORKERS)
    _over(session, rt, notice, state=NoticeState.ACKNOWLEDGED, by=by, event="notice:acknowledged")


def told_by_hand(session: Session, rt: Runtime, notice: Notice, *, by: str) -> None:
    """A person told them; what they say to it is still awaited."""
    _staff(session, by, _WORKERS)
    if notice.state in OVER:
        raise Conflict("notice_over", detail="this notice has been answered")
    notice.state, notice.way, notice.sent_at = NoticeState.SENT, NoticeWay.HAND, rt.now()
    notice.error_code, notice.asked_at = None, None
    if notice.due_on < rt.today():
        notice.due_on = rt.today() + timedelta(days=_days(rt, notice))
    _audit(session, rt, notice, "notice:sent", by=by)
    _close_task(session, rt, notice, by=by, answer="told")


def excuse(session: Session, rt: Runtime, notice: Notice, *, by: str, why: Excuse, reason: str) -> None:
    """Write down under one's name why they can't be told, or only with disproportionate effort.

    Raises `BadInput` without a reason in words, `NotAllowed` for the role. Source: GDPR Art. 19.
    """
    _staff(session, by, _EXCUSERS)
    if len(reason.strip()) < 10:
        raise BadInput([Fault("reason", "notice_reason_missing", "write at least one sentence")])
    request = session.get_one(Request, notice.request_id)
    key = open_key(session, rt, request.data_key_id)
    notice.excuse = why
    notice.reason_sealed = key.seal(reason.strip()[:_LONGEST].encode(), f"notices.reason:{notice.id}")
    _over(session, rt, notice, state=NoticeState.EXCUSED, by=by, event="notice:excused")


def reason_of(session: Session, rt: Runtime, notice: Notice, request: Request) -> str:
    """Why they were not told, in the words of who wrote it down; "" where they were."""
    if notice.reason_sealed is None:
        return ""
    key = open_key(session, rt, request.data_key_id)
    return key.open(notice.reason_sealed, f"notices.reason:{notice.id}").decode()


def _days(rt: Runtime, notice: Notice) -> int:
    recipient = next((r for r in rt.register.recipients if r.id == notice.recipient), None)
    return recipient.acknowledge_within_days if recipient else 14


def _over(session: Session, rt: Runtime, notice: Notice, *, state: NoticeState, by: str, event: str) -> None:
    if notice.state in OVER:
        raise Conflict("notice_over", detail="this notice has been answered")
    notice.state, notice.answered_at, notice.answered_by = state, rt.now(), by
    notice.token_digest = None  # the link has done its work
    _audit(session, rt, notice, event, by=by)
    _close_task(session, rt, notice, by=by, answer=state.value)


def _audit(session: Session, rt: Runtime, notice: Notice, event: str, *, by: str) -> None:
    facts = {"recipient": notice.recipient, "kind": notice.kind.value}
    if notice.excuse is not None:
        facts["excuse"] = notice.excuse.value
    audit.record(session, event, at=rt.now(), actor=by, request_id=notice.request_id, facts=facts)


def _close_task(session: Session, rt: Runtime, notice: Notice, *, by: str, answer: str) -> None:
    task = session.scalar(
        select(HumanTask).where(HumanTask.key == f"notice:{notice.id}", HumanTask.state == TaskState.OPEN)
    )
    if task is not None:
        close_task(session, rt, task, by=by, answer=answer)


def _staff(session: Session, name: str, roles: set[Role]) -> None:
    user = session.get(StaffUser, name)
    if user is None or user.disabled_at is not None or user.role not in roles:
        raise NotAllowed("role", detail="this needs the role " + " or ".join(sorted(role.value for role in roles)))
