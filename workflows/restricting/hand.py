"""What people did in a source that no program can mark records in."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.request import Request
from models.restriction import RestrictedHow, RestrictedItem
from models.session import ring
from models.staff import HumanTask
from models.step import Step
from models.vocabulary import Kind, RequestState, StepState, TaskState
from workflows.errors import Conflict
from workflows.human import close_task
from workflows.restricting.naming import staff_of
from workflows.restricting.work import BY_HAND, FREE, RESTRICT
from workflows.restriction import restriction_of
from workflows.runtime import Runtime

_CODES = {code: verb for verb, code in BY_HAND.items()}


def done_by_hand(
    session: Session, rt: Runtime, request: Request, task: HumanTask, *, possible: bool = True, user: str
) -> None:
    """A person says that they marked or freed the records in the source, or that the source can't do it.

    The caller holds the request's lock. What the source can't mark is known by us alone, and the letter says so.
    """
    staff_of(session, user)
    verb = _CODES.get(task.code)
    row = restriction_of(session, request)
    if verb is None or row is None or task.state is TaskState.DONE or request.state is not RequestState.CHANGING:
        raise Conflict("task_done")
    if verb == FREE and not possible:
        raise Conflict("still_marked", detail="a record that is still marked is not free: it has to be done first")
    source = str(task.facts["source"])
    before = (RestrictedHow.PENDING,) if verb == RESTRICT else (RestrictedHow.IN_SOURCE, RestrictedHow.BY_HAND)
    items = select(RestrictedItem).where(
        RestrictedItem.restriction_id == row.id, RestrictedItem.source == source, RestrictedItem.how.in_(before)
    )
    after = RestrictedHow.BY_HAND if possible else RestrictedHow.NOTED
    for item in session.scalars(items):
        item.how = RestrictedHow.FREED if verb == FREE else after
        item.changed_at, item.done_by = rt.now(), user
    close_task(session, rt, task, by=user, answer="done" if possible else "not_possible")
    waiting = select(Step).where(
        Step.request_id == request.id,
        Step.kind == Kind.CHANGE,
        Step.source == source,
        Step.state == StepState.WAITING,
    )
    for step in session.scalars(waiting):
        step.state, step.run_at = StepState.READY, rt.now()
        ring(session, step.kind.value, "")
