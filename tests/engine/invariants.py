"""What must be true of Vastine's database, of the sources and of the mail sent, whatever happened before.

The letters and numbers are those of the list of invariants in `docs/explanation/guards.md`.
"""

import hashlib
import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy import select
from sqlalchemy.orm import Session

from models.audit import AuditEntry
from models.base import Base
from models.decision import Approval, KeptItem, Plan, PlanItem
from models.delivery import Outbox
from models.erasure import Receipt
from models.request import Request
from models.staff import HumanTask
from models.step import Effect, Step, StepAttempt
from models.vocabulary import (
    Action,
    EffectState,
    Kind,
    Letter,
    Outcome,
    PlanState,
    RequestState,
    Right,
    StepState,
    TaskState,
)
from tests.world import TABLES, World
from workflows import audit
from workflows.casefile import open_key
from workflows.planning import hash_of_rows
from workflows.ports import EraseItem
from workflows.setbacks import MAX_ATTEMPTS, MAX_CRASHES
from workflows.stages.collection import OPEN
from workflows.standing import open_item

Place = tuple[str, str, int]
"""(source, table, primary key) of one row."""

QUIET = (RequestState.RECEIVED, RequestState.HELD, RequestState.CLOSED)


def fingerprint(world: World) -> str:
    """A digest over every row of Vastine's own database: equal if and only if nothing was written."""
    digest = hashlib.sha256()
    with world.rt.sessions.kw["bind"].connect() as connection:
        for table in Base.metadata.sorted_tables:
            rows = sorted(repr(tuple(row)) for row in connection.execute(select(table)))
            digest.update(repr([table.name, rows]).encode())
    return digest.hexdigest()


def contents(world: World) -> dict[Place, tuple[Any, ...]]:
    """Every row of every source."""
    return {
        (source, table, row[0]): row
        for source, tables in TABLES.items()
        for table in tables
        for row in world.rows(source, table)
    }


@dataclass
class Watch:
    """Remembers what was, where an invariant is about a change."""

    opened: dict[uuid.UUID, Right] = field(default_factory=dict)
    fences: dict[uuid.UUID, int] = field(default_factory=dict)
    plans: dict[uuid.UUID, tuple[bytes, tuple[Any, ...]]] = field(default_factory=dict)
    due: dict[uuid.UUID, tuple[date, date]] = field(default_factory=dict)
    rows: dict[Place, tuple[Any, ...]] = field(default_factory=dict)
    digests: dict[Place, str] = field(default_factory=dict)
    may_send_twice: bool = False

    def learn(self, world: World) -> None:
        """Take the sources as they are: whoever changed them meant to."""
        now = contents(world)
        for place in now.keys() - self.rows.keys() | {p for p in now if self.rows.get(p) != now[p]}:
            source, table, ident = place
            item = EraseItem(1, table, {"id": ident}, Action.DELETE, (), "")
            connector = getattr(world.rt.connectors[source], "real", world.rt.connectors[source])
            self.digests[place] = connector.present([item])[1]
        self.rows = now

    def check(self, world: World) -> None:
        """Every invariant; raises `AssertionError` with its name."""
        with world.rt.unit() as session:
            self._requests(session)
            self._steps(session)
            self._plans(session, world)
            self._erased(session, world)
            self._mails(session, world)
            _effects(session)
            _holds(session)
            _receipts(session)
            _chains(session)

    def _requests(self, session: Session) -> None:
        found = {r.id: r for r in session.scalars(select(Request))}
        acknowledged = Counter(
            session.scalars(select(Outbox.request_id).where(Outbox.letter == Letter.ACKNOWLEDGEMENT.value))
        )
        for ident in self.opened:
            assert ident in found, "I1: a request that was taken in is gone"
            assert acknowledged[ident] == 1, "I1: not exactly one acknowledgement"
        with_work = set(session.scalars(select(Step.request_id).where(Step.state.in_(OPEN))))
        for request in found.values():
            if request.state not in QUIET:
                assert request.id in with_work, f"I6: nothing is left to do for a request in {request.state.value}"
            if request.extended_at is None:
                before = self.due.setdefault(request.id, (request.due_a, request.due_b))
                assert (request.due_a, request.due_b) == before, "I21: a due date moved"
                assert request.due_on == request.due_a, "I21: a due date moved without an extension"

    def _steps(self, session: Session) -> None:
        steps = session.scalars(select(Step)).all()
        tasks = {t.step_id for t in session.scalars(select(HumanTask).where(HumanTask.state == TaskState.OPEN))}
        done = Counter(session.scalars(select(StepAttempt.step_id).where(StepAttempt.result == "done")))
        states = dict(session.execute(select(Request.id, Request.state)).all())
        for step in steps:
            assert step.fence >= self.fences.get(step.id, 0), "I3: a fence went down"
            self.fences[step.id] = step.fence
            assert done[step.id] <= 1, "I5: a step was done twice"
            assert step.attempts <= MAX_ATTEMPTS, "I20: too many attempts"
            assert step.crash_count <= MAX_CRASHES, "I20: a step that kills its workers was tried again"
            if step.state is StepState.NEEDS_HUMAN:
                assert step.id in tasks, "I6: a step waits for a person whom nobody asked"
            if step.kind is Kind.COLLECT and step.state in OPEN:
                assert states[step.request_id] is RequestState.COLLECTING, "I8: went on without waiting for a source"
        keys = [(s.request_id, s.key) for s in steps]
        assert len(keys) == len(set(keys)), "I8: a step exists twice"
        joins = Counter(s.request_id for s in steps if s.kind is Kind.ASSESS)
        moved = Counter(
            e.request_id
            for e in session.scalars(select(AuditEntry).where(AuditEntry.event == "request:state:changed"))
            if e.facts["to"] == RequestState.ASSESSING.value
        )
        assert joins == moved, "I8: the sources were joined more than once"

    def _plans(self, session: Session, world: World) -> None:
        for plan, request, key in _opened_plans(session, world):
            rows = _items(session, plan)
            frozen = tuple((r.item_no, r.action, tuple(r.fields), r.locator_sealed, r.item_digest) for r in rows)
            assert self.plans.setdefault(plan.id, (plan.plan_hash, frozen)) == (plan.plan_hash, frozen), "I12"
            if request.right is Right.ERASURE:
                assert hash_of_rows(request.reference, key, rows) == plan.plan_hash, "I12: the hash does not recompute"
            assert len(rows) == plan.item_count, "I12: a plan lost items"

    def _erased(self, session: Session, world: World) -> None:
        now = contents(world)
        changed = {p for p, row in self.rows.items() if now.get(p) != row}
        assert not now.keys() - self.rows.keys(), "I10: a row appeared"
        if not changed:
            return
        allowed = dict(_allowed(session, world))
        for place in changed:
            gone = place not in now
            actions = allowed.get(place, {})
            assert (Action.DELETE if gone else Action.MASK) in actions, f"I10: {place} was touched without approval"
            wanted = actions[Action.DELETE if gone else Action.MASK]
            assert self.digests[place] in wanted, f"I10: {place} was not what was approved"
        for place in changed:
            if place in now:
                self.rows[place] = now[place]
            else:
                del self.rows[place]

    def _mails(self, session: Session, world: World) -> None:
        rows = {f"<{row.id}@localhost>": row for row in session.scalars(select(Outbox))}
        sent: dict[str, list[tuple[str, str, str]]] = {}
        for mail in world.mailer.sent:
            sent.setdefault(mail.message_id, []).append((mail.to, mail.subject, mail.body))
        assert set(sent) <= set(rows), "I17: a mail was sent that no row promised"
        assert self.may_send_twice or all(len(same) == 1 for same in sent.values()), "I17: a mail was sent twice"
        assert all(len(set(same)) == 1 for same in sent.values()), "I17: one Message-ID, two mails"


def _opened_plans(session: Session, world: World) -> Iterator[tuple[Plan, Request, Any]]:
    for plan, request in session.execute(select(Plan, Request).join(Request, Request.id == Plan.request_id)):
        yield plan, request, open_key(session, world.rt, request.data_key_id)


def _items(session: Session, plan: Plan) -> list[PlanItem]:
    return list(session.scalars(select(PlanItem).where(PlanItem.plan_id == plan.id).order_by(PlanItem.item_no)).all())


def _allowed(session: Session, world: World) -> Iterator[tuple[Place, dict[Action, set[str]]]]:
    """Each row that people approved to be treated and whose treatment was announced, with the content approved."""
    found: dict[Place, dict[Action, set[str]]] = {}
    intended = {op.partition(":")[0] for op in session.scalars(select(Effect.op_id))}
    parts = {(k.plan_id, k.item_no) for k in session.scalars(select(KeptItem)) if k.fields}
    for plan, request, key in _opened_plans(session, world):
        approvers = set(session.scalars(select(Approval.approver).where(Approval.plan_id == plan.id)))
        if request.right is not Right.ERASURE or len(approvers) < 2 or str(plan.id) not in intended:
            continue
        for row in _items(session, plan):
            ident = open_item(key, row)[0]["id"]
            part = Action.MASK if (plan.id, row.item_no) in parts and row.later_action else None
            for action in (row.action, row.later_action if row.released_at else None, part):
                if action in (Action.DELETE, Action.MASK):
                    actions = found.setdefault((row.source, row.collection, ident), {})
                    actions.setdefault(action, set()).add(row.item_digest.hex())
    yield from found.items()


def _effects(session: Session) -> None:
    for effect, step in session.execute(select(Effect, Step).join(Step, Step.id == Effect.step_id)):
        plan_id = uuid.UUID(effect.op_id.partition(":")[0])
        plan = session.get_one(Plan, plan_id)
        given = set(session.scalars(select(Approval.approver).where(Approval.plan_id == plan_id)))
        assert len(given) >= 2, "I11: an erasure was announced without two approvals"
        assert plan.prepared_by not in given, "I11: who prepared the plan approved it"
        open_step = session.scalar(
            select(Step.id).where(Step.request_id == step.request_id, Step.kind == Kind.ERASE, Step.state.in_(OPEN))
        )
        if open_step is None:
            assert effect.state is not EffectState.INTENDED, "I9: an announced erasure was never settled"


def _holds(session: Session) -> None:
    placed: dict[str, dict[str, date]] = {}
    announced: set[tuple[str, ...]] = set()
    for entry in session.scalars(select(AuditEntry).order_by(AuditEntry.chain, AuditEntry.n)):
        holds = placed.setdefault(entry.chain, {})
        if entry.event == "hold:placed":
            holds[entry.facts["hold"]] = date.fromisoformat(entry.facts["until"])
        elif entry.event == "hold:released":
            holds.pop(entry.facts["hold"], None)
        elif entry.event == "erasure:intended":
            # What was announced before the hold may be finished: it may have happened.
            this = (entry.chain, entry.facts["hash"], entry.facts["source"])
            held = any(until > entry.at.date() for until in holds.values())
            assert this in announced or not held, "I13: erased what was held"
            announced.add(this)


def _receipts(session: Session) -> None:
    parts = Receipt.rest.is_(True) | (Receipt.phase == 0)  # what goes in between has receipts of its own
    done = Counter(session.execute(select(Receipt.plan_id, Receipt.item_no).where(parts)).all())
    closed = select(Plan).join(Request, Request.id == Plan.request_id)
    closed = closed.where(Request.outcome == Outcome.ERASED, Plan.state == PlanState.EXECUTED)
    for plan in session.scalars(closed.where(Request.state == RequestState.CLOSED)):
        for row in _items(session, plan):
            due = (row.action in (Action.DELETE, Action.MASK)) + (row.later_action is not None)
            assert done[(plan.id, row.item_no)] == due, "I14: an answer went out before every item had its receipt"


def _chains(session: Session) -> None:
    assert not list(audit.broken_links(session)), "I18: a chain is broken"
    states: dict[str, str] = {}
    moves = select(AuditEntry).where(AuditEntry.event == "request:state:changed")
    for entry in session.scalars(moves.order_by(AuditEntry.chain, AuditEntry.n)):
        before = states.get(entry.chain, RequestState.RECEIVED.value)
        assert entry.facts["from"] == before, "I18: a move is missing from the record"
        states[entry.chain] = entry.facts["to"]
    for request in session.scalars(select(Request)):
        told = states.get(str(request.id), RequestState.RECEIVED.value)
        assert told == request.state.value, "I18: the record tells another state"


def wait_for_people(world: World) -> list[str]:
    """The requests that are neither at their end nor waiting for a person, as texts; empty is well."""
    wrong = []
    with world.rt.unit() as session:
        for request in session.scalars(select(Request).where(Request.state.not_in(QUIET))):
            steps = session.scalars(select(Step).where(Step.request_id == request.id, Step.state.in_(OPEN))).all()
            if not all(s.state in (StepState.WAITING, StepState.NEEDS_HUMAN) for s in steps):
                wrong.append(f"{request.state.value}: {[(s.key, s.state.value, s.error_code) for s in steps]}")
    return wrong


def clear(world: World) -> None:
    """Empty Vastine's database but for the staff, and the sources."""
    with world.rt.sessions.kw["bind"].begin() as connection:
        for table in reversed(Base.metadata.sorted_tables):
            if table.name != "staff":
                connection.execute(sa.delete(table))
    for source, tables in TABLES.items():
        for table in (*reversed(tables), "vastine_receipts"):
            if sa.inspect(world.sources[source]).has_table(table):
                world.execute(source, f"DELETE FROM {table}")


__all__ = ["Watch", "clear", "contents", "fingerprint", "wait_for_people"]
