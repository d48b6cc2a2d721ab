"""Letters that no mail can bring: what a person prints, where it goes, and that they took it there, by name."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.delivery import Artifact, Outbox
from models.request import Request
from models.staff import HumanTask, StaffUser
from models.vocabulary import Letter, OutboxState, Role, TaskState
from workflows import audit
from workflows.answer import file_of
from workflows.casefile import open_claim, open_key, open_proof
from workflows.errors import BadInput, Conflict, Fault, NotAllowed, NotFound
from workflows.human import close_task
from workflows.outbox import PRINT, open_mail
from workflows.ports import Contact, RequestKey
from workflows.reached import gone_out
from workflows.runtime import Runtime

WAYS = ("posted", "handed_over", "no_address")
"""How it ended: in the post, in the person's hand, or with nowhere to take it."""

POSTERS = (Role.CASEWORKER, Role.APPROVER, Role.DPO)
_APART = frozenset({Letter.EXTENSION, Letter.LIFTING, Letter.HOLD_LATER})
"""Letters on the way to an answer: they are no part of it."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """What goes into the envelope: the text, or the files that it points to; `to` is the contact on file.

    Nobody is on file while nobody is proven: then it goes where the request came from, which staff know.
    """

    letter: Letter
    subject: str
    body: str
    to: Contact | None
    files: Sequence[str]


def sheet_of(session: Session, rt: Runtime, request: Request, task: HumanTask) -> Sheet:
    """What this task asks to print; raises `NotFound` for another task, `NeverAgain` once its text is gone."""
    row = _row(session, task)
    key = open_key(session, rt, request.data_key_id)
    _, subject, body = open_mail(row, key)
    letter = Letter(row.letter)
    return Sheet(letter, subject, body, _contact(key, request), _files(session, request, letter))


def _contact(key: RequestKey, request: Request) -> Contact | None:
    if request.proof_sealed is not None:
        return open_proof(key, request).reply
    name = open_claim(key, request).name
    return Contact(name=name) if name else None


def _files(session: Session, request: Request, letter: Letter) -> list[str]:
    there = select(Artifact.name).where(Artifact.request_id == request.id, Artifact.purged_at.is_(None))
    names = session.scalars(there.order_by(Artifact.name)).all()
    if letter is not Letter.READY:
        return [name for name in names if name == file_of(letter)]
    return [name for name in names if name not in {file_of(other) for other in _APART}]


def posted(session: Session, rt: Runtime, request: Request, task: HumanTask, *, how: str, user: str) -> None:
    """It was posted or handed over by this person, or can't be: there is nowhere to take it. Ends the task.

    The caller holds the request's lock. Raises `NotAllowed` for the role, `NotFound` for another task, `Conflict`
    where somebody else did it, `BadInput` (field how).
    """
    staff = session.get(StaffUser, user)
    if staff is None or staff.disabled_at is not None or staff.role not in POSTERS:
        raise NotAllowed("role", detail="posting letters needs the role caseworker, approver or dpo")
    if how not in WAYS:
        raise BadInput([Fault("how", "posting_way_missing", f"one of {', '.join(WAYS)}")])
    row = _row(session, task)
    if row.request_id != request.id:
        raise NotFound("task")
    if task.state is TaskState.DONE or row.state is not OutboxState.PAPER:
        raise Conflict("task_done")
    if how == "no_address":
        row.state, row.error_code = OutboxState.FAILED, how
    else:
        row.state, row.sent_at = OutboxState.SENT, rt.now()
    facts = {"letter": row.letter, "answer": how}
    audit.record(session, "letter:posted", at=rt.now(), actor=user, request_id=request.id, facts=facts)
    gone_out(session, rt, row, request)
    close_task(session, rt, task, by=user, answer=how)


def _row(session: Session, task: HumanTask) -> Outbox:
    ident = task.facts.get("mail") if task.code == PRINT else None
    row = session.get(Outbox, uuid.UUID(str(ident)), with_for_update=True) if ident else None
    if row is None or row.request_id != task.request_id:
        raise NotFound("task")
    return row
