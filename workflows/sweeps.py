"""What is due, stuck, expired or unanswered: every promise has somebody who notices when it was not kept.

Each sweep may run anywhere, twice or late: it looks at the database and does what is still to be done.
"""

from collections.abc import Iterable
from datetime import timedelta

import structlog
from sqlalchemy import Exists, and_, exists, false, or_, select, update
from sqlalchemy.orm import Session

from models.collection import Finding
from models.delivery import Artifact, Outbox
from models.hand import HandFile
from models.intake import Message
from models.purge import PurgeStage
from models.request import Request
from models.session import ring
from models.staff import HumanTask
from models.step import Step
from models.vocabulary import (
    Bucket,
    Event,
    Kind,
    MessageState,
    OutboxState,
    RequestState,
    StepState,
    TaskState,
)
from workflows import flooding, lifecycle, news, silence
from workflows.asking import keep_running
from workflows.attaching import finding_of
from workflows.expiring import warn
from workflows.gaps import ask_near_the_end
from workflows.hand.watching import announce, wake_for_news
from workflows.hold_tasks import mind_holds
from workflows.ladder.unproven import give_up
from workflows.lease import LEASE
from workflows.ledger import OPEN
from workflows.mailroom import read, understand
from workflows.mandates.ending import lapse
from workflows.messages import SEND
from workflows.overdue import apologise
from workflows.pausing import end_those_that_are_over
from workflows.purge.due import due
from workflows.purge.shredding import shred
from workflows.recipients.minding import mind_notices
from workflows.replays.opening import close_those_through
from workflows.rules.bucket import deadline_bucket
from workflows.rulesets import note_rules
from workflows.runtime import Runtime
from workflows.setbacks import MAX_CRASHES, backoff_seconds, quarantine
from workflows.supplements import supplement
from workflows.unasked import strip_due

log = structlog.get_logger("vastine.sweeps")

_IDENTITY_MARGIN = timedelta(days=3)
_STORED_FOR = timedelta(minutes=1)
_UNNAMED_FOR = timedelta(hours=1)
_LOOKED_AT_AGAIN = (RequestState.HELD, RequestState.DECIDING)
_ACTIVE = tuple(s for s in RequestState if s not in (RequestState.CLOSED, RequestState.HELD, RequestState.RECEIVED))


def sweep(rt: Runtime) -> dict[str, int]:
    """All that may be needed at any minute; how much of each was done."""
    return {
        "leases": expired_leases(rt),
        "messages": stored_messages(rt) + flooding.take_up(rt),
        "urgency": urgency(rt),
        "identity": unidentified(rt),
        "healed": heal(rt),
        "clocks": keep_running(rt),
        "silence": silence.mind(rt),
        "late": apologise(rt),
        "rechecks": rechecks(rt),
        "rung": ring_for_ready(rt),
        "warned": warn(rt),
        "packages": old_packages(rt),
        "stripped": strip_due(rt, read),
        "gaps": ask_near_the_end(rt),
        "supplements": supplement(rt),
        "replays": close_those_through(rt),
        "rules": note_rules(rt),
        "pauses": end_those_that_are_over(rt),
        "hands": wake_for_news(rt) + announce(rt),
        "notices": mind_notices(rt),
        "mandates": lapse(rt),
        "holds": mind_holds(rt),
    }


def expired_leases(rt: Runtime) -> int:
    """Give the steps of dead workers to others; one whose work kills workers goes to a person.

    A lease far in the future means that a clock went back: it is as good as expired.
    """
    with rt.unit() as session:
        late = or_(Step.lease_until < rt.now(), Step.lease_until > rt.now() + 3 * LEASE)
        ids = session.scalars(select(Step.id).where(Step.state == StepState.RUNNING, late).limit(200)).all()
    count = 0
    for step_id in ids:
        with rt.unit() as session:
            owner = session.scalar(select(Step.request_id).where(Step.id == step_id))
            request = session.get_one(Request, owner, with_for_update=True)
            step = session.scalar(
                select(Step).where(Step.id == step_id, Step.state == StepState.RUNNING, late).with_for_update()
            )
            if step is None:
                continue
            count += 1
            step.lease_until, step.lease_owner, step.fence = None, None, step.fence + 1
            if step.crash_count >= MAX_CRASHES:
                quarantine(session, rt, request, step)
            else:
                step.state = StepState.READY
                step.run_at = rt.now() + timedelta(seconds=backoff_seconds(0) if step.crash_count > 1 else 0)
    return count


def stored_messages(rt: Runtime) -> int:
    """Understand what was stored by a process that died before it could."""
    with rt.unit() as session:
        ids = session.scalars(
            select(Message.id)
            .where(Message.state == MessageState.RECEIVED, Message.arrived_at < rt.now() - _STORED_FOR)
            .limit(100)
        ).all()
    for ident in ids:
        understand(rt, ident)
    return len(ids)


def urgency(rt: Runtime) -> int:
    """Move requests and their steps into the bucket their deadline has come to."""
    changed = 0
    with rt.unit() as session:
        rows = session.execute(
            select(Request.id, Request.due_on, Request.bucket).where(
                Request.state != RequestState.CLOSED, Request.bucket != Bucket.BULK
            )
        ).all()
        for ident, due, bucket in rows:
            now = deadline_bucket(due, rt.today())
            if now < bucket:
                changed += 1
                session.execute(update(Request).where(Request.id == ident).values(bucket=now))
                session.execute(update(Step).where(Step.request_id == ident, Step.state.in_(OPEN)).values(bucket=now))
    return changed


def unidentified(rt: Runtime) -> int:
    """Close, in time for an answer, what nobody proved to be theirs.

    Where we could not even look who asks, since a source is silent, it is not the person who did not answer.
    """
    last = rt.today() + _IDENTITY_MARGIN
    with rt.unit() as session:
        ids = session.scalars(
            select(Request.id).where(
                Request.state == RequestState.VERIFYING,
                Request.due_on <= last,
                Request.verified_at.is_(None),
                ~_looked_in_vain(),
            )
        ).all()
    for ident in ids:
        with rt.unit() as session:
            request = session.get_one(Request, ident, with_for_update=True)
            if request.state is RequestState.VERIFYING and request.verified_at is None:
                give_up(session, rt, request)
    return len(ids)


def _looked_in_vain() -> Exists:
    failing = or_(
        Step.state == StepState.NEEDS_HUMAN, and_(Step.state == StepState.READY, Step.error_code.is_not(None))
    )
    return exists().where(Step.request_id == Request.id, Step.kind == Kind.VERIFY, failing)


def heal(rt: Runtime) -> int:
    """A request on its way with no step open has lost one: begin the state's work again."""
    open_step = exists().where(Step.request_id == Request.id, Step.state.in_(OPEN))
    with rt.unit() as session:
        ids = session.scalars(select(Request.id).where(Request.state.in_(_ACTIVE), ~open_step)).all()
    for ident in ids:
        with rt.unit() as session:
            request = session.get_one(Request, ident, with_for_update=True)
            still = session.scalar(select(exists().where(Step.request_id == request.id, Step.state.in_(OPEN))))
            entry = rt.entries.get(request.state)
            if not still and entry is not None and request.state in _ACTIVE:
                log.warning("request.healed", reference=request.reference, state=request.state.value)
                lifecycle.add_steps(session, rt, request, entry(session, rt, request))
    return len(ids)


def rechecks(rt: Runtime, *, every: bool = False) -> int:
    """Look again at kept items whose day has come or that another system told us about; `every`: at all of them.

    An event counts once for each case that it concerns.
    """
    due = or_(Request.recheck_on <= rt.today(), Request.recheck_on.is_not(None) if every else false())
    with rt.unit() as session:
        ids = set(session.scalars(select(Request.id).where(Request.state == RequestState.HELD, due)))
        ids |= set(session.scalars(news.concerned(_LOOKED_AT_AGAIN)))
    for ident in ids:
        with rt.unit() as session:
            request = session.get_one(Request, ident, with_for_update=True)
            if request.state in _LOOKED_AT_AGAIN:
                news.take_notice(session, rt, request)
                lifecycle.advance(session, rt, request, Event.RECHECK)
    with rt.unit() as session:
        news.settle(session, rt)
    return len(ids)


def ring_for_ready(rt: Runtime) -> int:
    """Ring for every kind of work that is due: bells get lost, work does not."""
    with rt.unit() as session:
        kinds = session.scalars(
            select(Step.kind)
            .where(Step.state == StepState.READY, Step.run_at <= rt.now(), Step.kind != Kind.DECIDE)
            .distinct()
        ).all()
        mail = session.scalar(
            select(
                exists().where(Outbox.state.in_((OutboxState.READY, OutboxState.SENDING)), Outbox.run_at <= rt.now())
            )
        )
        for kind in kinds:
            ring(session, kind.value, "")
        if mail:
            ring(session, SEND, "")
    return len(kinds) + bool(mail)


def old_packages(rt: Runtime) -> int:
    """Let go of packages and what they were made from, on the day the register says; the letter stays with the case."""
    with rt.unit() as session:
        ids = session.scalars(due(rt, PurgeStage.PACKAGE)).all()
    for ident in ids:
        with rt.unit() as session:
            shred(session, rt, PurgeStage.PACKAGE, ident)
    return len(ids)


def orphan_blobs(rt: Runtime) -> int:
    """Delete blobs that no row names: answers that a later round replaced, or that were never settled.

    A file is written before the row that names it: one that is young may have its row on the way.
    """
    there = list(rt.blobs.names(before=rt.now() - _UNNAMED_FOR))
    with rt.unit() as session:
        # Who is busy first: a step that has ended by then has its rows, and they are read after it.
        busy = {str(i) for i in session.scalars(select(Step.request_id).where(Step.state == StepState.RUNNING))}
        named: set[str | None] = set(session.scalars(select(Finding.blob)))
        named |= set(session.scalars(select(Artifact.blob))) | set(session.scalars(select(HandFile.blob)))
    return _delete(rt, (n for n in there if finding_of(n) not in named and n.partition("/")[0] not in busy))


def _delete(rt: Runtime, names: Iterable[str]) -> int:
    count = 0
    for name in list(names):
        rt.blobs.delete(name)
        count += 1
    return count


def open_tasks(session: Session) -> int:
    """How many tasks wait for people."""
    return len(session.scalars(select(HumanTask.id).where(HumanTask.state == TaskState.OPEN)).all())
