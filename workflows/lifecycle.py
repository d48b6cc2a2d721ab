"""ONE table of (state, event) → state, and the only writer of `Request.state`.

Which states a right passes through, `workflows.rules.flows` says. What work a state begins with is told by the stage
of that state (`Runtime.entries`), so that stages never call each other: they meet here.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import and_, bindparam, or_, select, union, update
from sqlalchemy.orm import Session

from models.base import new_id
from models.intake import MessageCase
from models.request import Request
from models.session import reading, ring
from models.step import Step
from models.vocabulary import Event, Kind, Outcome, RequestState, Right, StepState
from workflows import audit
from workflows.delivered import BEHIND
from workflows.errors import Conflict
from workflows.ledger import OPEN
from workflows.messages import WORK
from workflows.rules.bucket import deadline_bucket
from workflows.rules.flows import VERSION, Decides, flow_of
from workflows.runtime import Runtime
from workflows.work import NewStep

S, E = RequestState, Event

FLOW_VERSION = VERSION
"""New requests are pinned to this version of the flows."""

TABLE: dict[tuple[RequestState, Event], RequestState] = {
    (S.RECEIVED, E.OPENED): S.VERIFYING,
    (S.VERIFYING, E.IDENTIFIED): S.COLLECTING,
    (S.VERIFYING, E.NOT_IDENTIFIED): S.CLOSING,
    (S.COLLECTING, E.COLLECTED): S.ASSESSING,
    (S.ASSESSING, E.DECISION_NEEDED): S.DECIDING,
    (S.ASSESSING, E.ANSWERED): S.CLOSING,  # an erasure that found nothing has nothing to decide
    (S.ASSESSING, E.HOLD_ENDED): S.ERASING,
    (S.ASSESSING, E.NOTHING_DUE): S.HELD,
    (S.ASSESSING, E.POSTPONED): S.CLOSING,
    (S.ASSESSING, E.KEPT_IN_USE): S.CHANGING,
    (S.DECIDING, E.REFUSED): S.CLOSING,
    # While the contact on file may object, it ends so from where it is: nothing was given out or erased yet.
    (S.COLLECTING, E.REFUSED): S.CLOSING,
    (S.ASSESSING, E.REFUSED): S.CLOSING,
    (S.DELIVERING, E.REFUSED): S.CLOSING,
    (S.ERASING, E.REFUSED): S.CLOSING,
    (S.CHANGING, E.REFUSED): S.CLOSING,
    (S.DECIDING, E.RECHECK): S.COLLECTING,
    (S.DECIDING, E.PLAN_CHANGED): S.COLLECTING,
    (S.DELIVERING, E.DELIVERED): S.CLOSING,
    (S.ERASING, E.ERASED): S.PROVING,
    (S.ERASING, E.PLAN_CHANGED): S.COLLECTING,
    (S.PROVING, E.PROVEN): S.CLOSING,
    (S.PROVING, E.RESIDUE): S.COLLECTING,
    (S.PROVING, E.KEPT_IN_USE): S.CHANGING,
    (S.CHANGING, E.CHANGED): S.CLOSING,
    (S.CHANGING, E.PLAN_CHANGED): S.COLLECTING,
    (S.CHANGING, E.NOTHING_DUE): S.HELD,
    (S.CLOSING, E.KEPT_IN_USE): S.CHANGING,  # answered; what rested is still to be let go in its sources
    (S.CHANGING, E.LIFTED): S.CLOSED,  # the person heard of it before
    (S.HELD, E.LIFT_DUE): S.CHANGING,
    (S.CLOSING, E.ANSWERED): S.CLOSED,
    (S.CLOSING, E.ANSWERED_WITH_REST): S.HELD,
    (S.HELD, E.RECHECK): S.COLLECTING,
}

APPROVED_TO = {right: flow_of(right).carried_out for right in Right}
"""Where an approval leads under the flows of today."""

BEFORE_EFFECTS = (S.RECEIVED, S.VERIFYING, S.COLLECTING, S.ASSESSING, S.DECIDING)
"""States in which nothing has left the house or been erased for good: withdrawal is still whole."""

_STEPS = select(Step.key, Step.state).where(Step.request_id == bindparam("of"))

RANK = {state: n for n, state in enumerate(RequestState)}


def next_state(request: Request, event: Event) -> RequestState:
    """The state this event leads to; raises `Conflict` for an event that does not belong here."""
    if event in (E.WITHDRAWN, E.MERGED, E.ANSWERED_BY_HAND) and request.state in BEFORE_EFFECTS:
        return S.CLOSING
    if event is E.WITHDRAWN and may_withdraw(request):
        return S.CLOSING
    flow = flow_of(request.right, request.flow_version)
    if (request.state, event) == (S.DECIDING, E.APPROVED):
        return flow.carried_out
    if (request.state, event) == (S.ASSESSING, E.ASSESSED) and flow.decides is Decides.NOBODY:
        return flow.carried_out
    if (request.state, event) == (S.CLOSED, E.REOPENED):
        return flow.along(S.VERIFYING if request.proof_sealed is None else S.COLLECTING)
    state = TABLE.get((request.state, event))
    if state is None:
        raise Conflict("no_transition", detail=f"{event.value} does not belong to state {request.state.value}")
    return flow.along(state)


def may_withdraw(request: Request) -> bool:
    """Whether taking it back changes anything: what was restricted is lifted, never withdrawn."""
    held = request.state is S.HELD and not flow_of(request.right, request.flow_version).changes
    return held or request.state in BEFORE_EFFECTS


def is_automatic(rt: Runtime, right: Right) -> bool:
    """Whether the right goes its way by itself; one that nothing is wired for is answered by hand."""
    return not flow_of(right).changes or right in rt.changes


def advance(session: Session, rt: Runtime, request: Request, event: Event, *, actor: str = "vastine") -> None:
    """Move the request, write the audit entry, and begin the work of the state it enters.

    The caller holds the request's row lock. Steps of the state left behind that are still open are
    skipped: their work is of no use any more, and a worker that holds one is fenced.
    """
    before, after = request.state, next_state(request, event)
    request.state = after
    if event is E.WITHDRAWN:
        request.outcome = Outcome.WITHDRAWN
    audit.record(
        session,
        "request:state:changed",
        at=rt.now(),
        actor=actor,
        request_id=request.id,
        facts={"from": before.value, "to": after.value, "event": event.value},
    )
    seen = _leave(session, request)
    if after is S.CLOSED:
        request.closed_at = rt.now()
        _wake_followers(session, rt, request)
    entry = rt.entries.get(after)
    steps = add_steps(session, rt, request, entry(session, rt, request), seen=seen) if entry is not None else []
    session.info.setdefault("begun", {})[request.id] = steps


@dataclass(frozen=True, slots=True)
class Ended:
    """A step whose work this transaction wrote down as done, and what was read along of the request's others."""

    step: Step
    keys: Sequence[str]  # of all its steps
    others: int  # that are open


def note_ended(session: Session, request_id: uuid.UUID, ended: Ended) -> None:
    """Spare the move that follows its own look. Only under the request's lock; steps that are added void it."""
    session.info.setdefault("ended", {})[request_id] = ended


def begun(session: Session, request: Request) -> Sequence[Step] | None:
    """All steps of the request that are not over, if this transaction moved it: the move ended those before."""
    steps: Sequence[Step] | None = session.info.get("begun", {}).get(request.id)
    return steps


def _leave(session: Session, request: Request) -> Sequence[str]:
    """Skip what is still open; the keys of all steps there have been.

    A step that is closed stays so while we hold the request's lock, so one look tells whether there is any to skip:
    this one, or that of the statement which ended the step before, if nothing was added since.
    """
    ended: Ended | None = session.info.get("ended", {}).pop(request.id, None)
    if ended is not None and not ended.others and ended.step.state is StepState.DONE:
        return ended.keys
    with reading(session, Step):
        steps = session.execute(_STEPS, {"of": request.id}).all()
    if any(step.state in OPEN for step in steps):
        session.execute(
            update(Step)
            .where(Step.request_id == request.id, Step.state.in_(OPEN))
            .values(state=StepState.SKIPPED, lease_until=None, lease_owner=None, fence=Step.fence + 1)
            .execution_options(synchronize_session="fetch")
        )
    return [step.key for step in steps]


def add_steps(
    session: Session, rt: Runtime, request: Request, steps: Sequence[NewStep], *, seen: Sequence[str] | None = None
) -> list[Step]:
    """Add steps, each key numbered by how often the story has come by it, and ring for the ready ones.

    `seen`: the keys of the request's steps, where the caller has just read them under its lock.
    """
    added: list[Step] = []
    session.info.get("ended", {}).pop(request.id, None)
    if steps and seen is None:
        seen = session.scalars(select(Step.key).where(Step.request_id == request.id)).all()
    for new in steps:
        visit = 1 + sum(1 for key in seen or () if key.rpartition("#")[0] == new.key)
        step = Step(
            id=new_id(),
            request_id=request.id,
            key=f"{new.key}#{visit}",
            kind=new.kind,
            source=new.source,
            state=new.state,
            bucket=min(request.bucket, deadline_bucket(request.due_on, rt.today())),
            rank=RANK[request.state],
            run_at=new.run_at or rt.now(),
            attempts=0,
            crash_count=0,
            fence=0,
        )
        added.append(step)
        if new.state is StepState.READY and new.kind.value in WORK:
            ring(session, new.kind.value, "")
    session.add_all(added)
    return added


_MINE = Request.after_request_id == bindparam("of")
_ITS_MESSAGES = select(MessageCase.message_id).where(MessageCase.request_id == bindparam("of"))
_TOGETHER = select(MessageCase.request_id).where(MessageCase.message_id.in_(_ITS_MESSAGES))
_FOLLOWING = (
    select(Step)
    .join(Request, Request.id == Step.request_id)
    .where(Request.id.in_(union(select(Request.id).where(_MINE), _TOGETHER)))
)
_ERASES = and_(Step.kind == Kind.ERASE, Step.state == StepState.READY, Step.error_code == BEHIND)
_BEHIND = _FOLLOWING.where(_ERASES)
_BEHIND_UNPROVEN = _FOLLOWING.where(
    or_(_ERASES, and_(Step.kind == Kind.VERIFY, Step.state == StepState.WAITING, _MINE))
)


def _wake_followers(session: Session, rt: Runtime, request: Request) -> None:
    """An erasure that waits for this request's delivery may go on, or goes to a person if it failed.

    Where nobody was proven here, the request that waits for this one's proof has to ask for its own.
    """
    behind = _BEHIND if request.proof_sealed is not None else _BEHIND_UNPROVEN
    with reading(session, Step, Request, MessageCase):
        followers = session.scalars(behind, {"of": request.id}).all()
    for step in followers:
        step.state, step.run_at = StepState.READY, rt.now()
        ring(session, step.kind.value, "")
