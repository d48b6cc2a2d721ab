"""What other systems tell us, and whose cases it concerns: matched by keyed digests, the values are not kept.

A case has the digests of all that was proven or found in it; an event has one for each name of the value it came
with. An event changes no case by itself: a case that it concerns is looked at again, in the sources themselves.
"""

import uuid
from collections.abc import Iterable, Sequence
from datetime import date, timedelta

from sqlalchemy import Select, Uuid, bindparam, delete, exists, func, insert, select, update
from sqlalchemy.orm import Session, aliased

from models.intake import CaseKey, EventCase, EventKey, InboundEvent
from models.request import Request
from models.session import reading, ring
from models.types import UTCDateTime
from models.vocabulary import RequestState
from workflows import audit
from workflows.messages import SWEEP
from workflows.ports import Seeds
from workflows.register.naming import spelled
from workflows.rules.items import canonical
from workflows.runtime import Runtime

KEPT = timedelta(days=30)
"""How long an event may still find a case that is only collected now."""

_LAG = timedelta(minutes=5)  # two machines' clocks differ, and a source may follow its own event
_SETTLES = timedelta(minutes=1)  # longer than the transaction that writes down a case's keys
_PAST = timedelta(days=31)

Named = tuple[str, str]
"""A name of the register (`workflows.register.naming`) and a value."""


def note(
    session: Session, rt: Runtime, *, sender: str, ident: str, event: str, names: Sequence[str], value: str
) -> bool:
    """Write an event down and ring for the sweep; False if this sender told it before.

    Two at the same instant: one of them gets the database's `IntegrityError`.
    """
    known = select(InboundEvent.id).where(InboundEvent.sender == sender, InboundEvent.external_id == ident)
    if session.scalar(known) is not None:
        return False
    row = InboundEvent(sender=sender, external_id=ident, event=event, received_at=rt.now())
    session.add(row)
    session.flush()
    for digest in sorted({_digest(rt, name, value) for name in names}):
        session.add(EventKey(event_id=row.id, digest=digest))
    ring(session, SWEEP, "")
    return True


def _digest(rt: Runtime, name: str, value: str) -> bytes:
    return rt.vault.digest("named", canonical([name, spelled(name, value)]))


def named_by(seeds: Seeds, today: date) -> set[Named]:
    """Seeds as names and values; what led to the person only in the past leads to somebody else now."""
    since = today - _PAST
    return {(n, lead.value) for n, leads in seeds.items() for lead in leads if lead.end is None or lead.end > since}


def add_keys(session: Session, rt: Runtime, request: Request, named: Iterable[Named]) -> None:
    """Remember by what the case may be named, and match what was told before. The caller holds its lock.

    An event from before the search is taken note of: the search has seen what it told. A later one makes the
    sweep look again.
    """
    digests = {_digest(rt, name, value) for name, value in named}
    with reading(session, InboundEvent, EventKey, EventCase, CaseKey):
        if digests:
            digests -= set(session.scalars(_KEYS, {"of": request.id}))
        if not digests:
            return
        session.execute(_ADD, [{"request_id": request.id, "digest": digest} for digest in sorted(digests)])
        events = session.scalars(_LATELY, {"of": request.id, "since": rt.now() - KEPT}).all()
    late = [event for event in events if not _before_search(event, request)]
    _take(session, rt, request, [event for event in events if event not in late])
    for event in late:
        event.settled_at = None
        ring(session, SWEEP, "")


def begin_search(session: Session, rt: Runtime, request: Request) -> None:
    """The sources are read from now on: what was told before they will show."""
    request.searched_from = rt.now()
    with reading(session, InboundEvent, EventKey, EventCase, CaseKey):
        events = session.scalars(_UNSETTLED, {"of": request.id}).all()
    _take(session, rt, request, [event for event in events if _before_search(event, request)])


def _before_search(event: InboundEvent, request: Request) -> bool:
    return request.searched_from is not None and event.received_at < request.searched_from - _LAG


_OF = bindparam("of", type_=Uuid)
_BY = select(EventKey.event_id).join(CaseKey, CaseKey.digest == EventKey.digest).where(CaseKey.request_id == _OF)
_TAKEN = select(EventCase.event_id).where(EventCase.request_id == _OF)
_CONCERNING = select(InboundEvent).where(InboundEvent.id.in_(_BY), InboundEvent.id.not_in(_TAKEN))
"""Events about this case that it has not taken note of."""
_LATELY = _CONCERNING.where(InboundEvent.received_at > bindparam("since", type_=UTCDateTime))
_UNSETTLED = _CONCERNING.where(InboundEvent.settled_at.is_(None))
_ANY = _UNSETTLED.with_only_columns(InboundEvent.id).limit(1)
_KEYS = select(CaseKey.digest).where(CaseKey.request_id == _OF)
_ADD = insert(CaseKey)


def is_news(session: Session, request: Request) -> bool:
    """Whether something was told about this case that nobody has looked at."""
    return session.scalar(_ANY, {"of": request.id}) is not None


def take_notice(session: Session, rt: Runtime, request: Request) -> None:
    """The case takes note of all that was told about it; the caller sees to it that somebody looks."""
    _take(session, rt, request, session.scalars(_UNSETTLED, {"of": request.id}).all())


def _take(session: Session, rt: Runtime, request: Request, events: Sequence[InboundEvent]) -> None:
    for event in sorted(events, key=lambda e: (e.received_at, e.external_id)):
        session.add(EventCase(event_id=event.id, request_id=request.id, taken_at=rt.now()))
        audit.record(
            session,
            "hold:event",
            at=rt.now(),
            actor=event.sender,
            request_id=request.id,
            facts={"event": event.event, "id": str(event.id)},
        )


def concerned(states: Sequence[RequestState]) -> Select[uuid.UUID]:
    """The ids of requests in these states that have news."""
    return (
        select(Request.id)
        .join(CaseKey, CaseKey.request_id == Request.id)
        .join(EventKey, EventKey.digest == CaseKey.digest)
        .join(InboundEvent, InboundEvent.id == EventKey.event_id)
        .where(
            InboundEvent.settled_at.is_(None),
            Request.state.in_(states),
            ~exists().where(EventCase.event_id == InboundEvent.id, EventCase.request_id == Request.id),
        )
        .distinct()
    )


def settle(session: Session, rt: Runtime) -> int:
    """Put aside events that no open case waits for; a case that is collected later still finds them. How many."""
    waiting = (
        exists()
        .where(EventKey.event_id == InboundEvent.id)
        .where(CaseKey.digest == EventKey.digest)
        .where(Request.id == CaseKey.request_id, Request.state != RequestState.CLOSED)
        .where(~exists().where(EventCase.event_id == InboundEvent.id, EventCase.request_id == Request.id))
    )
    done = session.execute(
        update(InboundEvent)
        .where(InboundEvent.settled_at.is_(None), InboundEvent.received_at <= rt.now() - _SETTLES, ~waiting)
        .values(settled_at=rt.now())
        .execution_options(synchronize_session=False)
    )
    return int(done.rowcount)  # type: ignore[attr-defined]


def counts(session: Session) -> tuple[int, int]:
    """How many events are kept, and how many of them have met no case so far."""
    met = exists().where(EventCase.event_id == InboundEvent.id)
    kept = session.scalar(select(func.count()).select_from(InboundEvent)) or 0
    return kept, session.scalar(select(func.count()).select_from(InboundEvent).where(~met)) or 0


def forget(rt: Runtime) -> int:
    """Delete events that are too old to meet a case, and the keys of closed cases; how many events."""
    with rt.unit() as session:
        old = aliased(InboundEvent)
        ids = select(old.id).where(old.received_at <= rt.now() - KEPT, old.settled_at.is_not(None))
        for table in (EventKey, EventCase):
            session.execute(delete(table).where(table.event_id.in_(ids)).execution_options(synchronize_session=False))
        gone = session.execute(
            delete(InboundEvent)
            .where(InboundEvent.received_at <= rt.now() - KEPT, InboundEvent.settled_at.is_not(None))
            .execution_options(synchronize_session=False)
        )
        closed = select(Request.id).where(Request.state == RequestState.CLOSED)
        session.execute(
            delete(CaseKey).where(CaseKey.request_id.in_(closed)).execution_options(synchronize_session=False)
        )
        return int(gone.rowcount)  # type: ignore[attr-defined]
