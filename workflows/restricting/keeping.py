"""Tell the sources that have a column for it what rests after an erasure, and what no more.

Source: GDPR Art. 5(1)(b), 18(2).
"""

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from models.decision import PlanItem
from models.erasure import Receipt
from models.request import Request
from models.restriction import RestrictedHow, RestrictedItem
from models.step import Step
from models.vocabulary import Event, Kind
from workflows.casefile import open_key
from workflows.changing import restrict
from workflows.errors import NeverAgain, PersonMustLook
from workflows.exchange import ChangedItem, ChangeItem
from workflows.hand.sources import bound
from workflows.planning import hash_of_rows
from workflows.restricting.marks import free, now_of
from workflows.restricting.naming import row_for
from workflows.restricting.resting import MARK, UNMARK, approved, call, see_to_rest
from workflows.runtime import Runtime
from workflows.schedule import waiting_items
from workflows.standing import Standing, keep_digest, open_item, standings, to_tell
from workflows.work import Changes, Lease, NewStep

REST, RELEASE = "rest", "release"
_TRIES = 3


class Keeping:
    """How sources that have a column for it come to show what rests after an erasure."""

    def require_decided(self, session: Session, rt: Runtime, request: Request) -> None:
        """Nothing to decide: it follows from the erasure and the holds."""

    def next_steps(self, session: Session, rt: Runtime, request: Request) -> Sequence[NewStep]:
        """The next source."""
        todo = see_to_rest(session, rt, request)
        for verb, items in ((REST, todo.rest), (RELEASE, todo.release)):
            for source in sorted({item.source for item in items}):
                return [NewStep(f"{verb}:{source}", Kind.CHANGE, source=source)]
        return []

    def prepare(self, session: Session, rt: Runtime, request: Request, step: Step) -> Changes | None:
        """The records of this source to be marked, or let go."""
        todo, verb = see_to_rest(session, rt, request), step.key.partition(":")[0]
        items = [i for i in (todo.rest if verb == REST else todo.release) if i.source == step.source]
        if not items:
            return None
        key = open_key(session, rt, request.data_key_id)
        known = {s.row.item_no: s for s in _standings(session, request)}
        changes, basis = [], {}
        for n, item in enumerate(items):
            row = session.get_one(PlanItem, (item.plan_id, item.item_no))
            standing = known.get(item.item_no)
            digest = standing.digest if standing is not None and standing.row is row else row.item_digest
            changes.append(ChangeItem(n, item.collection, open_item(key, row)[0], digest.hex()))
            basis[n] = (item.plan_id, item.item_no)
        first = items[0]
        visit = max(item.visit for item in items)
        return Changes(
            source=first.source,
            op_id=f"{verb}:{first.plan_id}:{first.item_no}:{len(items)}:{visit}:{first.source}",
            items=tuple(changes),
            connector=bound(session, rt, request, key)[first.source],
            basis=(verb, basis),
        )

    def still(self, session: Session, rt: Runtime, request: Request, changes: Changes) -> str:
        """A plan that was tampered with puts nothing at rest; what is to be let go is let go."""
        verb, _ = changes.basis
        plan = approved(session, request)
        if verb == REST and plan is None:
            raise PersonMustLook("no_approved_plan")
        if verb == REST and plan is not None:
            rows = session.scalars(select(PlanItem).where(PlanItem.plan_id == plan.id).order_by(PlanItem.item_no)).all()
            if hash_of_rows(request.reference, open_key(session, rt, request.data_key_id), rows) != plan.plan_hash:
                raise PersonMustLook("plan_tampered")
        return ""

    def carry_out(self, rt: Runtime, lease: Lease, changes: Changes) -> Sequence[ChangedItem]:  # noqa: ARG002
        """Mark or let go. What the source does not take, all of it stays as it was; then only we know.

        A record that is not what was approved is marked as well; what it looks like then is no word of ours, nor is
        it where somebody may have written between our mark and our look at it.
        """
        verb, _ = changes.basis
        again_tried = lease.attempts > 1
        if verb == RELEASE:
            now = now_of(changes)
            ours = set() if again_tried else {i.item_no for i in changes.items if now.get(i.item_no) == i.digest}
            freed = free(changes, lease.fence, now=now)
            return [one if one.item_no in ours else replace(one, digest="") for one in freed]
        try:
            done = {r.item_no: r for r in restrict(changes.connector, changes.op_id, lease.fence, items=changes.items)}
            other = [item for item in changes.items if done[item.item_no].outcome == "drifted"]
            now = now_of(changes)
            fresh = [replace(item, digest=now[item.item_no]) for item in other if item.item_no in now]
            if fresh:
                again = restrict(changes.connector, f"{changes.op_id}:now", lease.fence, items=fresh)
                done |= {r.item_no: replace(r, digest="") for r in again}
        except (PersonMustLook, NeverAgain) as error:
            return [ChangedItem(item.item_no, "refused", "", error.code) for item in changes.items]
        return [replace(one, digest="") if again_tried else one for one in done.values()]

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
        """How each record rests now; where the source did not take it, a person is called, and the answer goes out."""
        verb, where = changes.basis
        row = row_for(session, request)
        key = open_key(session, rt, request.data_key_id)
        known = {(s.row.plan_id, s.row.item_no): s for s in _standings(session, request)}
        for result in results:
            item = session.get_one(RestrictedItem, (row.id, *where[result.item_no]))
            item.changed_at, item.done_by, item.visit = rt.now(), "vastine", item.visit + 1
            if result.outcome in ("changed", "as_it_was"):
                item.how = RestrictedHow.IN_SOURCE if verb == REST else RestrictedHow.FREED
                standing = known.get((item.plan_id, item.item_no))
                ours = standing is not None and result.outcome == "changed" and bool(result.digest)
                if ours and standing is not None:
                    keep_digest(session, key, standing, bytes.fromhex(result.digest), at=rt.now())
            elif result.outcome == "absent":
                item.how = RestrictedHow.GONE
            elif result.outcome == "refused" or item.visit >= _TRIES:
                item.how = RestrictedHow.NOTED if verb == REST else RestrictedHow.FREED
                call(session, rt, item, code=MARK if verb == REST else UNMARK)
        session.flush()
        return None

    def stopped(self, session: Session, rt: Runtime, request: Request, changes: Changes, code: str) -> Event | None:  # noqa: ARG002
        """Never: `still` says yes, or a person looks."""
        raise PersonMustLook(code)

    def end(self, session: Session, rt: Runtime, request: Request) -> Event:
        """The answer may go out, if there is any: a case that is over is over, one that waits goes on waiting."""
        plan = approved(session, request)
        if plan is None:
            return Event.LIFTED
        untold = session.scalar(select(exists().where(Receipt.plan_id == plan.id, Receipt.told_at.is_(None))))
        if request.answered_at is None or untold or to_tell(waiting_items(session, plan), rt.today()):
            return Event.CHANGED
        return Event.NOTHING_DUE


def _standings(session: Session, request: Request) -> Sequence[Standing]:
    plan = approved(session, request)
    return standings(session, plan) if plan is not None else ()
