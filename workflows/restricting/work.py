"""Restrict what was approved, source by source, and free it again where it is to be lifted.

A source that has a column for it is asked by program; in any other a person marks the records, or says that it can't
be done there, and then only we know: other systems have to ask us.
"""

from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models.decision import Approval, Plan, PlanItem
from models.notices import NoticeKind
from models.request import Request
from models.restriction import RestrictedHow, RestrictedItem, Restriction
from models.step import Step
from models.vocabulary import Action, Event, Kind, Outcome, PlanState, StepState, TaskKind
from workflows import audit
from workflows.casefile import open_key, open_proof
from workflows.changing import Changing, restrict
from workflows.errors import Conflict, PersonMustLook
from workflows.exchange import ChangedItem, ChangeItem
from workflows.hand.forgetting import forget_answers
from workflows.hand.sources import bound
from workflows.human import open_task
from workflows.notice import wait_of
from workflows.planning import hash_of_rows
from workflows.recipients.content import Treated
from workflows.recipients.telling import record_categories, tell
from workflows.restricting.lifting import may_lift
from workflows.restricting.marks import free, now_of, of_others
from workflows.restriction import record_digest, remember, restriction_of, start
from workflows.runtime import Runtime
from workflows.standing import open_item
from workflows.work import Changes, Lease, NewStep

RESTRICT, FREE = "restrict", "free"
BY_HAND = {RESTRICT: "restrict_by_hand", FREE: "unrestrict_by_hand"}
"""Codes of the tasks that ask a person to do it in the source."""

_TRIES = 5
_ASK_PEOPLE = 99
_MARKED = (RestrictedHow.IN_SOURCE, RestrictedHow.BY_HAND)


class Restricting:
    """How a restriction is carried out, and how it is lifted."""

    def require_decided(self, session: Session, rt: Runtime, request: Request) -> None:  # noqa: ARG002
        """Ground and data are named before anybody approves."""
        row = restriction_of(session, request)
        if row is None or row.ground is None:
            raise Conflict("ground_missing", detail="name the ground and the data first (GDPR Art. 18(1))")

    def next_steps(self, session: Session, rt: Runtime, request: Request) -> Sequence[NewStep]:
        """The next source: those that a program can ask come first, people may take days."""
        row = _row(session, request)
        verb = _verb(row)
        if verb == RESTRICT:
            _begin(session, rt, request, row)
        elif not may_lift(session, rt, request, row):
            return [NewStep(f"{FREE}:none", Kind.CHANGE)]  # a person looks; nobody is asked to free anything
        else:
            _leave_to_others(session, rt, row)
        items = _left(session, row, verb)
        for source in sorted({item.source for item in items if not _by_people(rt, item)}):
            return [
                NewStep(f"{verb}:{source}", Kind.CHANGE, source=source, run_at=request.objection_until),
            ]
        for source in sorted({item.source for item in items}):
            if wait_of(session, rt, request):  # people are asked no earlier than programs
                return [NewStep(f"{verb}:{source}", Kind.CHANGE, source=source, run_at=request.objection_until)]
            _ask(session, rt, request, row, verb, source=source)
            return [NewStep(f"{BY_HAND[verb]}:{source}", Kind.CHANGE, source=source, state=StepState.WAITING)]
        return []

    def prepare(self, session: Session, rt: Runtime, request: Request, step: Step) -> Changes | None:
        """The records of this source that a program marks; None where people have done it or nothing is left."""
        row, source = _row(session, request), str(step.source)
        verb = _verb(row)
        if verb == FREE and not may_lift(session, rt, request, row):
            raise _not_told()
        if not step.key.startswith(f"{verb}:"):
            return None
        items = [i for i in _left(session, row, verb) if i.source == source and not _by_people(rt, i)]
        if not items:
            return None
        key = open_key(session, rt, request.data_key_id)
        plans = {n: session.get_one(PlanItem, (i.plan_id, i.item_no)) for n, i in enumerate(items)}
        return Changes(
            source=source,
            op_id=f"{verb}:{items[0].plan_id}:{max(i.visit for i in items)}:{source}",
            items=tuple(
                ChangeItem(n, p.collection, open_item(key, p)[0], p.item_digest.hex()) for n, p in plans.items()
            ),
            connector=bound(session, rt, request, key)[source],
            basis=(verb, {n: (i.plan_id, i.item_no) for n, i in enumerate(items)}),
        )

    def still(self, session: Session, rt: Runtime, request: Request, changes: Changes) -> str:
        """The approval still stands for this very plan; or the person was told and the days are over."""
        verb, _ = changes.basis
        row = _row(session, request)
        if verb == FREE:
            if not may_lift(session, rt, request, row):
                raise _not_told()
            return ""
        plan = _plan(session, request)
        if plan is None:
            return "plan_not_approved"
        rows = session.scalars(select(PlanItem).where(PlanItem.plan_id == plan.id).order_by(PlanItem.item_no)).all()
        if hash_of_rows(request.reference, open_key(session, rt, request.data_key_id), rows) != plan.plan_hash:
            raise PersonMustLook("plan_tampered")
        given = session.scalar(
            select(func.count()).where(Approval.plan_id == plan.id, Approval.plan_hash == plan.plan_hash)
        )
        if not given:
            raise PersonMustLook("approvals_missing")
        return ""

    def carry_out(self, rt: Runtime, lease: Lease, changes: Changes) -> Sequence[ChangedItem]:  # noqa: ARG002
        """Mark or free them. To free one, its content need not be what it was: nobody is told anything new by it."""
        verb, _ = changes.basis
        if verb == RESTRICT:
            return restrict(changes.connector, changes.op_id, lease.fence, items=changes.items)
        return free(changes, lease.fence, now=now_of(changes))

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
        """Each record's state; one that changed since it was decided on sends the request back to planning."""
        verb, where = changes.basis
        row, drifted = _row(session, request), False
        for result in results:
            item = session.get_one(RestrictedItem, (row.id, *where[result.item_no]))
            item.changed_at, item.done_by, item.visit = rt.now(), "vastine", item.visit + 1
            if result.outcome in ("changed", "as_it_was"):
                item.how = RestrictedHow.IN_SOURCE if verb == RESTRICT else RestrictedHow.FREED
            elif result.outcome == "absent":
                item.how = RestrictedHow.GONE
            elif result.outcome == "refused" or item.visit >= _TRIES:
                item.visit = _ASK_PEOPLE
            else:
                drifted = True
        if drifted and verb == RESTRICT:
            return _plan_again(session, rt, request, row)
        return None

    def stopped(self, session: Session, rt: Runtime, request: Request, changes: Changes, code: str) -> Event | None:  # noqa: ARG002
        """A plan that is not approved any more is made anew."""
        return _plan_again(session, rt, request, _row(session, request))

    def end(self, session: Session, rt: Runtime, request: Request) -> Event:
        """All records are marked, or all are free."""
        row = _row(session, request)
        if _verb(row) == RESTRICT:
            request.outcome = Outcome.RESTRICTED
            _tell_recipients(session, rt, request, row)
            return Event.CHANGED
        row.ended_at, row.ended_by, row.ended_why = rt.now(), str(row.lift_asked_by), row.lift_code
        plan = _plan(session, request)
        if plan is not None:
            plan.state = PlanState.EXECUTED
        forget_answers(session, rt, request)
        facts = {"code": str(row.lift_code)}
        audit.record(session, "restriction:ended", at=rt.now(), actor=row.ended_by, request_id=request.id, facts=facts)
        return Event.LIFTED


def _tell_recipients(session: Session, rt: Runtime, request: Request, row: Restriction) -> None:
    """Whoever got these data from us hears that their use is restricted. Source: GDPR Art. 19."""
    items = session.scalars(select(RestrictedItem).where(RestrictedItem.restriction_id == row.id)).all()
    there = {(i.source, i.collection) for i in items if i.how is not RestrictedHow.GONE}
    codes = sorted({code for source, name in there for code in record_categories(rt, source, name)})
    plan = _plan(session, request)
    tell(
        session,
        rt,
        request,
        kind=NoticeKind.RESTRICTION,
        treated=[Treated(code) for code in codes],
        occurrence=f"restrict:{plan.id if plan else row.id}",
    )


def _not_told() -> PersonMustLook:
    return PersonMustLook("not_told", detail="the person has not heard in time that the restriction ends")


def _verb(row: Restriction) -> str:
    return FREE if row.lift_on is not None else RESTRICT


def _row(session: Session, request: Request) -> Restriction:
    row = restriction_of(session, request)
    if row is None:
        raise PersonMustLook("no_restriction")
    return row


def _plan(session: Session, request: Request) -> Plan | None:
    return session.scalar(select(Plan).where(Plan.request_id == request.id, Plan.state == PlanState.APPROVED))


def _begin(session: Session, rt: Runtime, request: Request, row: Restriction) -> None:
    """From the decision on it is in force with us, whatever the sources are still to do."""
    plan = _plan(session, request)
    if plan is None:
        raise PersonMustLook("no_approved_plan")
    if session.scalar(select(func.count()).where(RestrictedItem.plan_id == plan.id)):
        return
    key = open_key(session, rt, request.data_key_id)
    if row.since is None or row.ended_at is not None:
        start(rt, request, row)
        facts = {"ground": row.ground.value if row.ground else "", "version": plan.version}
        audit.record(session, "restriction:begun", at=rt.now(), actor="vastine", request_id=request.id, facts=facts)
    remember(session, rt, row, open_proof(key, request).told())
    wanted = select(PlanItem).where(PlanItem.plan_id == plan.id, PlanItem.action == Action.RESTRICT)
    for item in session.scalars(wanted.order_by(PlanItem.item_no)):
        locator, _ = open_item(key, item)
        session.add(
            RestrictedItem(
                restriction_id=row.id,
                plan_id=plan.id,
                item_no=item.item_no,
                source=item.source,
                collection=item.collection,
                category=item.category,
                locator_digest=record_digest(rt, item.source, item.collection, locator),
                how=RestrictedHow.PENDING,
                visit=0,
                changed_at=rt.now(),
                done_by="vastine",
            )
        )
    session.flush()


def _left(session: Session, row: Restriction, verb: str) -> list[RestrictedItem]:
    states = (RestrictedHow.PENDING,) if verb == RESTRICT else _MARKED
    found = session.scalars(
        select(RestrictedItem)
        .where(RestrictedItem.restriction_id == row.id, RestrictedItem.how.in_(states))
        .order_by(RestrictedItem.plan_id, RestrictedItem.item_no)
    )
    return list(found)


def _leave_to_others(session: Session, rt: Runtime, row: Restriction) -> None:
    """A record that rests for another reason too keeps its mark."""
    items = _left(session, row, FREE)
    shared = of_others(session, row, items)
    for item in items:
        if (item.source, item.locator_digest) in shared:
            item.how, item.changed_at, item.done_by = RestrictedHow.FREED, rt.now(), "vastine"


def _by_people(rt: Runtime, item: RestrictedItem) -> bool:
    """Whether no program can: the source is in the register no more, or its kind, description or answer says so."""
    source = rt.register.sources.get(item.source)
    spec = source.person.collections.get(item.collection) if source is not None else None
    able = spec is not None and spec.restrict is not None and isinstance(rt.connectors[item.source], Changing)
    return item.how is RestrictedHow.BY_HAND or not able or item.visit >= _ASK_PEOPLE


def _ask(session: Session, rt: Runtime, request: Request, row: Restriction, verb: str, *, source: str) -> None:
    items = [i for i in _left(session, row, verb) if i.source == source]
    open_task(
        session,
        rt,
        key=f"{BY_HAND[verb]}:{row.id}:{source}",
        kind=TaskKind.BY_HAND,
        code=BY_HAND[verb],
        request_id=request.id,
        due_on=request.due_on,
        facts={"source": source, "items": len(items)},
    )


def _plan_again(session: Session, rt: Runtime, request: Request, row: Restriction) -> Event:
    plan = _plan(session, request)
    if plan is not None:
        plan.state = PlanState.VOID
        pending = select(RestrictedItem).where(
            RestrictedItem.restriction_id == row.id, RestrictedItem.how == RestrictedHow.PENDING
        )
        for item in session.scalars(pending):
            session.delete(item)  # the new plan names it again
    audit.record(session, "plan:voided", at=rt.now(), actor="vastine", request_id=request.id, facts={"code": "drift"})
    return Event.PLAN_CHANGED
