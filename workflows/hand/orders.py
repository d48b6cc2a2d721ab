"""What people are asked to erase: one task a source and plan, done when two people agree on every item."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.decision import Plan, PlanItem
from models.hand import HandTick
from models.request import Request
from models.session import ring
from models.staff import HumanTask
from models.step import Step
from models.vocabulary import Action, ReceiptOutcome, StepState, TaskKind, TaskState
from workflows import audit
from workflows.hand import places
from workflows.human import close_task, open_task
from workflows.ports import ErasedItem, RequestKey
from workflows.rules.items import Verdict
from workflows.runtime import Runtime
from workflows.standing import LEFT, note, open_item, opened, standings

ERASE = "erase_by_hand"
NOT_DONE = "not_done"


@dataclass(frozen=True, slots=True)
class Task:
    """One item for people to treat, and what was said of it so far."""

    row: PlanItem
    phase: int
    action: Action
    fields: tuple[str, ...]
    locator: Mapping[str, object]
    tick: HandTick | None


def outcomes(
    session: Session, plan_id: uuid.UUID, phases: Mapping[int, int], *, even_unconfirmed: bool = False
) -> dict[int, ErasedItem]:
    """What two people agree became of these items, or that they are left for later; item number to outcome."""
    ticks = session.scalars(select(HandTick).where(HandTick.plan_id == plan_id))
    return {
        t.item_no: ErasedItem(t.item_no, t.outcome)
        for t in ticks
        if phases.get(t.item_no) == t.phase and (t.confirmed_by or t.evidence == NOT_DONE or even_unconfirmed)
    }


def task_key(plan_id: uuid.UUID, source: str) -> str:
    """The key of the task that asks people to erase from a source."""
    return f"hand:erase:{plan_id}:{source}"


def ask(
    session: Session, rt: Runtime, request: Request, step: Step, *, plan_id: uuid.UUID, phases: Mapping[int, int]
) -> None:
    """Let the step wait until every item is ticked and confirmed. The caller holds the request's lock."""
    if outcomes(session, plan_id, phases).keys() >= phases.keys():
        step.state, step.done_at, step.run_at = StepState.READY, None, rt.now()
        ring(session, step.kind.value, "")
        return
    source = str(step.source)
    step.state, step.done_at = StepState.WAITING, None
    key = task_key(plan_id, source)
    task = session.scalar(select(HumanTask).where(HumanTask.key == key))
    if task is not None and task.state is TaskState.OPEN:
        task.step_id = step.id
        return
    spec = rt.register.sources[source]
    open_task(
        session,
        rt,
        key=key,
        kind=TaskKind.BY_HAND,
        code=ERASE,
        request_id=request.id,
        step_id=step.id,
        due_on=places.due_on(spec, rt.today(), answer_due=request.due_on),
        facts={
            "source": source,
            "items": len(phases),
            "plan": str(plan_id),
            "phases": {str(n): phase for n, phase in phases.items()},
        },
    )
    facts = {"source": source, "items": len(phases)}
    audit.record(session, "hand:asked", at=rt.now(), actor="vastine", request_id=request.id, facts=facts)


def call_off(session: Session, rt: Runtime, *, plan_id: uuid.UUID, source: str) -> None:
    """Nobody is to erase by this plan any more: close its task."""
    task = session.scalar(select(HumanTask).where(HumanTask.key == task_key(plan_id, source)))
    if task is not None and task.state is TaskState.OPEN:
        close_task(session, rt, task, by="vastine", answer="called_off")


def items_of(session: Session, key: RequestKey, task: HumanTask) -> list[Task]:
    """The items of a task in their order, opened."""
    phases = {int(n): int(phase) for n, phase in task.facts["phases"].items()}
    plan_id = uuid.UUID(task.facts["plan"])
    ticks = {(t.item_no, t.phase): t for t in session.scalars(select(HandTick).where(HandTick.plan_id == plan_id))}
    rows = session.scalars(
        select(PlanItem).where(PlanItem.plan_id == plan_id, PlanItem.item_no.in_(phases)).order_by(PlanItem.item_no)
    )
    found = []
    for row in rows:
        phase = phases[row.item_no]
        later = phase > 0 and row.later_action is not None
        action = row.later_action if later and row.later_action else row.action
        fields = tuple(row.later_fields if later else row.fields)
        locator, _ = open_item(key, row)
        found.append(Task(row, phase, action, fields, locator, ticks.get((row.item_no, phase))))
    return found


def keep_for_later(
    session: Session, rt: Runtime, key: RequestKey, plan_id: uuid.UUID, result: Sequence[ErasedItem]
) -> None:
    """Note the items that people left for later: told as not done, and looked at again."""
    left = [one.item_no for one in result if one.outcome is ReceiptOutcome.REFUSED]
    if not left:
        return
    plan = session.get_one(Plan, plan_id)
    session.flush()  # their receipts are part of how they stand
    for standing in standings(session, plan, PlanItem.item_no.in_(left)):
        _, params = opened(key, standing)
        holds = standing.matches(params)
        seen = Verdict(Action.KEEP, (), holds, LEFT, rt.today())
        note(session, key, standing, seen, fields=(), known=params, at=rt.now())
