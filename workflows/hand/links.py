"""A link by which an outside partner sees and answers one task: no log-in, one task, a while, everything logged."""

import secrets
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.hand import TaskLink
from models.request import Request
from models.staff import HumanTask, StaffUser
from models.vocabulary import TaskKind, TaskState
from workflows import audit
from workflows.errors import BadInput, Conflict, Fault, NotAllowed
from workflows.hand import places
from workflows.hand.access import check_may_work
from workflows.rules.identifiers import clean
from workflows.runtime import Runtime

DAYS = 7
LONGEST = 60


def make_link(
    session: Session, rt: Runtime, request: Request, task: HumanTask, *, label: str, user: StaffUser
) -> tuple[str, datetime]:
    """A fresh link's secret, shown once, and its end; the one before opens nothing any more.

    Raises `NotAllowed` for paper, which never leaves the house's own people; `Conflict` if the task is done.
    """
    spec = places.hand_spec(rt.register, str(task.facts.get("source", "")))
    check_may_work(user, spec)
    if spec.kind == "paper":
        raise NotAllowed("paper_has_no_link", detail="paper is only for staff who signed the promise of secrecy")
    name = clean(label).strip()
    if not name or len(name) > LONGEST:
        raise BadInput([Fault("label", "label_missing")])
    if task.kind is not TaskKind.BY_HAND or task.state is not TaskState.OPEN:
        raise Conflict("task_done")
    _revoke(session, rt, task)
    token, expires = secrets.token_urlsafe(32), rt.now() + timedelta(days=DAYS)
    session.add(
        TaskLink(
            token_digest=rt.vault.digest("task_link", token),
            task_id=task.id,
            label=name,
            created_by=user.name,
            created_at=rt.now(),
            expires_at=expires,
        )
    )
    facts = {"task": task.key, "partner": name}
    audit.record(session, "hand:link", at=rt.now(), actor=user.name, request_id=request.id, facts=facts)
    return token, expires


def _revoke(session: Session, rt: Runtime, task: HumanTask) -> None:
    for old in session.scalars(select(TaskLink).where(TaskLink.task_id == task.id, TaskLink.revoked_at.is_(None))):
        old.revoked_at = rt.now()


def open_link(session: Session, rt: Runtime, token: str) -> tuple[TaskLink, HumanTask, Request] | None:
    """The link, its task and the request, locked; None if it is unknown, over, revoked or its task is done.

    Each look is an audit entry.
    """
    link = session.get(TaskLink, rt.vault.digest("task_link", token))
    if link is None or link.revoked_at is not None or link.expires_at <= rt.now():
        return None
    owner = session.scalar(select(HumanTask.request_id).where(HumanTask.id == link.task_id))
    if owner is None:
        return None
    request = session.get_one(Request, owner, with_for_update=True)
    task = session.get_one(HumanTask, link.task_id)
    if task.state is TaskState.DONE:
        return None
    link.opened_at = rt.now()
    facts = {"task": task.key, "partner": link.label}
    audit.record(session, "hand:link:opened", at=rt.now(), actor=partner(link), request_id=request.id, facts=facts)
    return link, task, request


def partner(link: TaskLink) -> str:
    """Who acts through a link, as the record names them."""
    return f"partner:{link.token_digest.hex()[:8]}"
