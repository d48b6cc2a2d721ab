"""What waits for a named person: a step that gave up is set going again, a task that a word ends is closed."""

import uuid

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.request import Request
from models.session import ring
from models.staff import HumanTask
from models.step import Step
from models.vocabulary import StepState, TaskKind, TaskState
from workflows import audit
from workflows.errors import BadInput, Conflict, Fault, NotFound
from workflows.gaps import NAME_IT, STILL_WAITS
from workflows.hand.orders import ERASE
from workflows.hand.searching import SEARCH
from workflows.hold_tasks import UNCONFIRMED
from workflows.human import close_task
from workflows.outbox import PRINT
from workflows.recipients.minding import UNANSWERED
from workflows.recipients.telling import BY_HAND as TELL
from workflows.rectifying.work import BY_HAND as RECTIFY
from workflows.restricting.work import BY_HAND as MARK
from workflows.rulesets import CHANGED
from workflows.runtime import Runtime

ANSWERS = ("done", "nothing_to_do", "answered_outside", "wait")
CLOSABLE = frozenset({TaskKind.CHECK, TaskKind.MAIL_FAILED, TaskKind.RESIDUE, TaskKind.HOLD_UNKNOWN, TaskKind.BY_HAND})
"""Kinds that a person's word ends; the others end when what they ask for is done."""


def is_search(task: HumanTask) -> bool:
    """Whether it asks people to search a source."""
    return task.kind is TaskKind.BY_HAND and task.code == SEARCH


def is_erasing(task: HumanTask) -> bool:
    """Whether it asks people to erase record by record."""
    return task.kind is TaskKind.BY_HAND and task.code == ERASE and "plan" in task.facts


def closable(task: HumanTask) -> bool:
    """Whether a person's word is enough; to answer a right that has no flow ends its case, on the case's page."""
    if task.code in (NAME_IT, STILL_WAITS):
        return True
    by_doing = is_search(task) or is_erasing(task)
    on_its_page = task.code.startswith("right_") or task.code in (
        PRINT,
        TELL,
        UNANSWERED,
        RECTIFY,
        *MARK.values(),
        UNCONFIRMED,
        CHANGED,
    )
    return task.kind in CLOSABLE and not on_its_page and not by_doing


def locked_task(session: Session, ident: uuid.UUID) -> tuple[HumanTask, Request | None]:
    """The task and its request, if it has one; the request's lock is taken first. Raises `NotFound`."""
    task = session.get(HumanTask, ident)
    if task is None:
        raise NotFound("task")
    request = session.get(Request, task.request_id, with_for_update=True) if task.request_id is not None else None
    session.refresh(task, with_for_update=True)
    return task, request


def close_by_word(session: Session, rt: Runtime, task: HumanTask, *, by: str, answer: str) -> None:
    """Close a task that a word ends; the caller holds it. Raises `Conflict` for another one, `BadInput`."""
    if not closable(task):
        raise Conflict("task_by_doing", detail="this task ends when what it asks for is done")
    if answer not in ANSWERS:
        raise BadInput([Fault("answer", "answer_missing")])
    close_task(session, rt, task, by=by, answer=answer)


def requeue(session: Session, rt: Runtime, step: Step, *, user: str) -> None:
    """Try a step again now, with all its attempts before it; the caller holds the request's lock.

    Takes a step that waits for a person, and one that waits for its next try. Raises `Conflict` for any other.
    """
    if step.state not in (StepState.NEEDS_HUMAN, StepState.READY):
        raise Conflict("step_not_stuck", detail=f"the step is {step.state.value}; there is nothing to try again")
    step.state, step.run_at = StepState.READY, rt.now()
    step.attempts, step.crash_count = 0, 0
    step.error_class, step.error_code = None, None
    for task in session.scalars(
        select(HumanTask).where(HumanTask.step_id == step.id, HumanTask.state == TaskState.OPEN)
    ):
        close_task(session, rt, task, by=user, answer="requeued")
    facts = {"step": step.key}
    audit.record(session, "step:requeued", at=rt.now(), actor=user, request_id=step.request_id, facts=facts)
    ring(session, step.kind.value, str(step.id))
