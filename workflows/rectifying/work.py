"""Change what was decided, source by source, each record once; what no program can change, people do."""

import json
from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models.decision import Approval, Plan
from models.notices import NoticeKind
from models.rectification import ItemDecision, ItemOutcome, RectificationItem
from models.request import Request
from models.session import ring
from models.staff import HumanTask
from models.step import Step
from models.vocabulary import Event, Kind, Outcome, PlanState, RequestState, Role, StepState, TaskKind, TaskState
from workflows import audit
from workflows.casefile import open_key
from workflows.changing import Changing, rectify
from workflows.errors import Conflict, NotFound, PersonMustLook
from workflows.exchange import ChangedItem, ChangeItem
from workflows.hand.sources import bound
from workflows.human import close_task, open_task
from workflows.notice import wait_of
from workflows.recipients.content import Treated
from workflows.recipients.telling import tell
from workflows.rectifying.deciding import require_free
from workflows.rectifying.saying import items_of, staff, target_of
from workflows.rules.items import canonical
from workflows.runtime import Runtime
from workflows.work import Changes, Lease, NewStep

BY_HAND, FORWARD = "rectify_by_hand", "rectify_forward"
"""Codes of the tasks that ask a person to change a source, or to ask another controller to."""


class Rectifying:
    """How a rectification is carried out."""

    def require_decided(self, session: Session, rt: Runtime, request: Request) -> None:  # noqa: ARG002
        """Every item has its decision, and not all of them are refusals."""
        items = items_of(session, request)
        if not items or any(item.decision is None for item in items):
            raise Conflict("items_undecided", detail="decide every item first")
        if all(item.decision is ItemDecision.REFUSE for item in items):
            raise Conflict("all_refused", detail="nothing is granted: refuse the request")

    def next_steps(self, session: Session, rt: Runtime, request: Request) -> Sequence[NewStep]:
        """The next source, those of programs first."""
        left = _left(session, request)
        for source in sorted({str(i.source) for i in left if not _by_people(rt, i)}):
            return [NewStep(f"rectify:{source}", Kind.CHANGE, source=source, run_at=request.objection_until)]
        for source in sorted({str(i.source) for i in left}):
            if wait_of(session, rt, request):  # people are asked no earlier than programs
                return [NewStep(f"rectify:{source}", Kind.CHANGE, source=source, run_at=request.objection_until)]
            _ask(session, rt, request, BY_HAND, source=source)
            return [NewStep(f"{BY_HAND}:{source}", Kind.CHANGE, source=source, state=StepState.WAITING)]
        return []

    def prepare(self, session: Session, rt: Runtime, request: Request, step: Step) -> Changes | None:
        """The records of this source, each once with all its new values; None where people have done it."""
        plan = _plan(session, request)
        mine = [i for i in _left(session, request) if i.source == step.source and not _by_people(rt, i)]
        if not step.key.startswith("rectify:") or not mine or plan is None:
            return None
        key = open_key(session, rt, request.data_key_id)
        records: dict[tuple[str, str], list[RectificationItem]] = {}
        for item in mine:
            place = (str(item.collection), canonical(target_of(key, item)["locator"]))
            records.setdefault(place, []).append(item)
        changes, basis = [], {}
        for n, ((collection, locator), items) in enumerate(records.items()):
            values = {str(item.field): target_of(key, item)["new"] for item in items}
            digest = (items[0].before_digest or b"").hex()
            changes.append(ChangeItem(n, collection, json.loads(locator), digest, values))
            basis[n] = [item.id for item in items]
        return Changes(
            source=str(step.source),
            op_id=f"rectify:{plan.id}:{step.source}",
            items=tuple(changes),
            connector=bound(session, rt, request, key)[str(step.source)],
            basis=basis,
        )

    def still(self, session: Session, rt: Runtime, request: Request, changes: Changes) -> str:
        """The approval stands, every item is still decided so, and no hold came that keeps the record as it is."""
        plan = _plan(session, request)
        if plan is None:
            return "plan_not_approved"
        given = session.scalar(
            select(func.count()).where(Approval.plan_id == plan.id, Approval.plan_hash == plan.plan_hash)
        )
        if not given:
            raise PersonMustLook("approvals_missing")
        ids = [ident for some in changes.basis.values() for ident in some]
        rows = session.scalars(select(RectificationItem).where(RectificationItem.id.in_(ids))).all()
        if any(row.decision is not ItemDecision.CHANGE or row.outcome is not None for row in rows):
            return "decision_changed"
        try:
            for row in rows:
                require_free(session, rt, request, row)
        except (Conflict, NotFound) as error:
            return error.code
        return ""

    def carry_out(self, rt: Runtime, lease: Lease, changes: Changes) -> Sequence[ChangedItem]:  # noqa: ARG002
        """Write the new values, all or none."""
        return rectify(changes.connector, changes.op_id, lease.fence, items=changes.items)

    def settle(
        self,
        session: Session,
        rt: Runtime,
        request: Request,
        step: Step,  # noqa: ARG002
        *,
        changes: Changes,
        results: Sequence[ChangedItem],
    ) -> Event | None:
        """Each item's outcome; a record that changed meanwhile is decided on anew, one that is refused people do."""
        drifted = False
        for result in results:
            for ident in changes.basis[result.item_no]:
                item = session.get_one(RectificationItem, ident)
                if result.outcome == "drifted":
                    drifted = True
                    item.decision, item.decided_at, item.decided_by = None, None, None
                    item.target_sealed, item.before_digest = None, None
                elif result.outcome == "refused":
                    item.done_by = "people"  # not dated: it is still to be done
                else:
                    item.outcome, item.done_at = ItemOutcome(result.outcome), rt.now()
                    item.done_by, item.op_id = "vastine", changes.op_id
                    item.after_digest = bytes.fromhex(result.digest) if result.digest else None
        return _again(session, rt, request, "drift") if drifted else None

    def stopped(self, session: Session, rt: Runtime, request: Request, changes: Changes, code: str) -> Event | None:
        """What may not be done any more is decided on anew."""
        ids = [ident for some in changes.basis.values() for ident in some]
        for item in session.scalars(select(RectificationItem).where(RectificationItem.id.in_(ids))):
            if item.outcome is None:
                item.decision, item.decided_at, item.decided_by = None, None, None
        return _again(session, rt, request, code)

    def end(self, session: Session, rt: Runtime, request: Request) -> Event:
        """All is done: tell sources and recipients, ask people to forward what is another controller's."""
        request.outcome = Outcome.RECTIFIED
        _tell(session, rt, request)
        if any(item.decision is ItemDecision.FORWARD for item in items_of(session, request)):
            _ask(session, rt, request, FORWARD, source="")
        return Event.CHANGED


def done_by_hand(
    session: Session, rt: Runtime, request: Request, task: HumanTask, *, possible: bool, user: str
) -> None:
    """A person says that they put the records right in the source, or that it can't be done there.

    The caller holds the request's lock.
    """
    staff(session, user, (Role.CASEWORKER, Role.APPROVER, Role.DPO))
    if task.code != BY_HAND or task.state is TaskState.DONE or request.state is not RequestState.CHANGING:
        raise Conflict("task_done")
    source, plan = str(task.facts["source"]), _plan(session, request)
    op_id = f"{BY_HAND}:{plan.id}:{source}" if plan is not None else None
    for item in _left(session, request):
        if item.source == source and _by_people(rt, item):
            item.outcome = ItemOutcome.CHANGED if possible else ItemOutcome.REFUSED
            item.done_at, item.done_by, item.op_id = rt.now(), user, op_id
    close_task(session, rt, task, by=user, answer="done" if possible else "not_possible")
    waiting = select(Step).where(
        Step.request_id == request.id, Step.kind == Kind.CHANGE, Step.source == source, Step.state == StepState.WAITING
    )
    for step in session.scalars(waiting):
        step.state, step.run_at = StepState.READY, rt.now()
        ring(session, step.kind.value, "")


def _left(session: Session, request: Request) -> list[RectificationItem]:
    """Items whose source is still to be changed."""
    return [i for i in items_of(session, request) if i.decision is ItemDecision.CHANGE and i.outcome is None]


def _by_people(rt: Runtime, item: RectificationItem) -> bool:
    return item.done_by == "people" or not isinstance(rt.connectors.get(str(item.source)), Changing)


def _plan(session: Session, request: Request) -> Plan | None:
    return session.scalar(select(Plan).where(Plan.request_id == request.id, Plan.state == PlanState.APPROVED))


def _ask(session: Session, rt: Runtime, request: Request, code: str, *, source: str) -> None:
    open_task(
        session,
        rt,
        key=f"{code}:{request.id}:{source}",
        kind=TaskKind.BY_HAND,
        code=code,
        request_id=request.id,
        due_on=request.due_on,
        facts={"source": source} if source else {},
    )


def _tell(session: Session, rt: Runtime, request: Request) -> None:
    """Tell sources and recipients of what was changed under the plan of today; of what was before, they heard then."""
    plan = _plan(session, request)
    if plan is None:
        return
    key = open_key(session, rt, request.data_key_id)
    treated = [
        Treated(item.category, f"{item.source}:{item.collection}.{item.field}", target_of(key, item)["new"])
        for item in items_of(session, request)
        if item.outcome is ItemOutcome.CHANGED and str(plan.id) in (item.op_id or "")
    ]
    tell(session, rt, request, kind=NoticeKind.RECTIFICATION, treated=treated, occurrence=str(plan.id))


def _again(session: Session, rt: Runtime, request: Request, code: str) -> Event:
    """Decide anew; whatever becomes of the rest, recipients hear of what was changed."""
    _tell(session, rt, request)
    plan = _plan(session, request)
    if plan is not None:
        plan.state = PlanState.VOID
    audit.record(session, "plan:voided", at=rt.now(), actor="vastine", request_id=request.id, facts={"code": code})
    return Event.PLAN_CHANGED
