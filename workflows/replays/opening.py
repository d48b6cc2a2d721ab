"""Open an erasure that is done again: one case for each person, decided by one, closed when all are through."""

import secrets
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.decision import Plan, PlanItem
from models.erasure import Replay, ReplayRecord
from models.request import Request
from models.staff import HumanTask, StaffUser
from models.vocabulary import Channel, Event, PlanState, RequestState, Right, Role, TaskKind, TaskState
from workflows import audit, lifecycle
from workflows.casefile import Claim, Proof, make_key, open_key, seal_claim, seal_proof
from workflows.errors import Conflict, NotAllowed, NotFound
from workflows.human import open_task
from workflows.ports import Contact, Person
from workflows.replays.scanning import Hit, Scan, scan, stones_of
from workflows.rules.bucket import deadline_bucket
from workflows.rules.deadlines import due_dates
from workflows.rules.items import canonical
from workflows.rules.reference import new_reference
from workflows.rules.strength import strength_of
from workflows.runtime import Runtime
from workflows.standing import open_item
from workflows.tombstones import recogniser

_RANDOM = secrets.SystemRandom()
_MAY_OPEN = (Role.CASEWORKER, Role.APPROVER, Role.DPO, Role.ADMIN)
_THROUGH = (RequestState.CLOSED, RequestState.HELD)
REST = "replay_rest"
UNREAD = "replay_unread"


@dataclass(frozen=True, slots=True)
class Opened:
    """A replay that was opened, or what one would find. `references`: its cases, one for each person."""

    seen: Scan
    replay_id: uuid.UUID | None
    references: tuple[str, ...]


def replay(
    rt: Runtime, source: str, since: datetime, *, user: str, undated: bool = False, dry_run: bool = False
) -> Opened:
    """Find what came back to a source that was erased after `since`, and open its cases.

    `undated`: a person says that records without a day of their own are old ones. Raises `NotFound` for a source
    that the register does not know, `Conflict` while an earlier replay of it is open, `NotAllowed` for the role,
    `PersonMustLook` where the source can't be read through.
    """
    if source not in rt.connectors:
        raise NotFound("source", detail="there is no such source in the register")
    with rt.unit() as session:
        _may(session, source, user, dry_run=dry_run)
        stones = stones_of(session, rt, source, since)
    seen = scan(rt, source, stones)
    if dry_run:
        return Opened(seen, None, ())
    people = _people(rt, source, [hit for hit in seen.hits if undated or not hit.undated])
    with rt.unit() as session:
        _may(session, source, user, dry_run=False)
        row = Replay(source=source, since=since, opened_by=user, opened_at=rt.now())
        row.scanned, row.younger = seen.scanned, seen.younger
        session.add(row)
        session.flush()  # its records and cases name it
        made = recogniser(rt, source)
        known = {(h.row.collection, made.locator(h.row.collection, h.row.locator)): h for h in seen.hits}
        for (collection, digest), hit in known.items():
            unsure = hit.undated and not undated
            session.add(ReplayRecord(replay_id=row.id, collection=collection, locator_digest=digest, undated=unsure))
        facts = {"replay": str(row.id), "source": source, "since": since.isoformat(), "records": len(known)}
        facts |= {"undated": seen.undated, "younger": seen.younger, "cases": len(people)}
        facts |= {"unread": list(seen.unread)}
        audit.record(session, "replay:opened", at=rt.now(), actor=user, facts=facts)
        if seen.unread:
            told = {"source": source, "collections": ", ".join(seen.unread)}
            open_task(session, rt, key=f"replay_unread:{row.id}", kind=TaskKind.CHECK, code=UNREAD, facts=told)
        session.flush()
        references = tuple(_open(session, rt, row, proof, user=user) for proof in people)
        ident = row.id
    close_those_through(rt)
    return Opened(seen, ident, references)


def _may(session: Session, source: str, user: str, *, dry_run: bool) -> None:
    staff = session.get(StaffUser, user) if user else None
    if not dry_run and (staff is None or staff.disabled_at is not None or staff.role not in _MAY_OPEN):
        raise NotAllowed("role", detail="doing an erasure again needs caseworker, approver, dpo or admin")
    if not dry_run and source in open_replays(session):
        raise Conflict("replay_open", detail="a replay of this source is open; its cases have to be through first")


def open_replays(session: Session) -> set[str]:
    """Sources of which a replay is open: what they send out may be about people who were erased."""
    return set(session.scalars(select(Replay.source).where(Replay.closed_at.is_(None))))


def _people(rt: Runtime, source: str, hits: Sequence[Hit]) -> list[Proof]:
    """Whose the records are, by the identifiers they carry. Records that carry none are reached through others."""
    said = rt.register.sources[source].person.strength
    groups: list[dict[str, set[str]]] = []
    for hit in hits:
        mine = {n: set(v) for n, v in hit.row.identifiers.items() if strength_of(n, said) != "hint"}
        if not mine:
            continue
        same = [g for g in groups if any(g.get(name, set()) & values for name, values in mine.items())]
        groups = [g for g in groups if g not in same]
        for other in same:
            for name, values in other.items():
                mine.setdefault(name, set()).update(values)
        groups.append(mine)
    return [_proof(rt, source, {name: sorted(values) for name, values in sorted(g.items())}) for g in groups]


def _proof(rt: Runtime, source: str, identifiers: dict[str, list[str]]) -> Proof:
    # Nobody is written to: the person was told of the erasure when it was done the first time.
    first = {name: values[0] for name, values in identifiers.items()}
    found: list[Person] = rt.connectors[source].find(first)
    person = found[0] if len(found) == 1 else None
    return Proof(
        identifiers=identifiers,
        contact=Contact(),
        source=person.source if person else "",
        key=person.key if person else "",
    )


def _open(session: Session, rt: Runtime, row: Replay, proof: Proof, *, user: str) -> str:
    settings = rt.register.controller.deadlines
    today = rt.today()
    due = due_dates(today, months=settings.months, country=settings.country, not_holidays=settings.not_holidays)
    data_key, key = make_key(session, rt)
    root = f"{proof.source}:{proof.key}" if proof.key else canonical(dict(proof.identifiers))
    request = Request(
        reference=new_reference(_RANDOM, year=today.year),
        right=Right.ERASURE,
        flow_version=lifecycle.FLOW_VERSION,
        state=RequestState.VERIFYING,
        channel=Channel.API,
        language=rt.register.controller.languages[0],
        bucket=deadline_bucket(due.due_a, today),
        received_at=rt.now(),
        received_on=today,
        registered_at=rt.now(),
        due_a=due.due_a,
        due_b=due.due_b,
        data_key_id=data_key.id,
        claim_sealed=b"",
        status_digest=secrets.token_bytes(32),  # it has no page
        subject_digest=rt.vault.digest("subject", root),
        replay_id=row.id,
    )
    session.add(request)
    session.flush()  # what is sealed is bound to its id
    request.claim_sealed = seal_claim(key, request.id, Claim())
    request.proof_sealed = seal_proof(key, request.id, proof)
    facts = {"right": "erasure", "replay": str(row.id), "due_a": due.due_a.isoformat(), "due_b": due.due_b.isoformat()}
    audit.record(session, "request:opened", at=rt.now(), actor=user, request_id=request.id, facts=facts)
    lifecycle.advance(session, rt, request, Event.IDENTIFIED, actor=user)
    return request.reference


def close_those_through(rt: Runtime) -> int:
    """Close replays whose cases are all through; a person is asked about records that none of them treated."""
    closed = 0
    with rt.unit() as session:
        rows = session.scalars(select(Replay).where(Replay.closed_at.is_(None)).with_for_update()).all()
        for row in rows:
            cases = session.scalars(select(Request).where(Request.replay_id == row.id)).all()
            if any(case.state not in _THROUGH for case in cases) or not _settled(session, rt, row, cases):
                continue
            row.closed_at = rt.now()
            closed += 1
            facts = {"replay": str(row.id), "source": row.source, "cases": len(cases)}
            audit.record(session, "replay:closed", at=rt.now(), actor="vastine", facts=facts)
    return closed


def _settled(session: Session, rt: Runtime, row: Replay, cases: Sequence[Request]) -> bool:
    """Whether no record is left over, or a person has said what becomes of those that are."""
    covered = _covered(session, rt, row, cases)
    records = session.scalars(select(ReplayRecord).where(ReplayRecord.replay_id == row.id)).all()
    rest = [r for r in records if r.undated or (r.collection, r.locator_digest) not in covered]
    if not rest:
        return True
    key = f"replay:{row.id}"
    task = session.scalar(select(HumanTask).where(HumanTask.key == key))
    if task is None:
        facts = {"source": row.source, "records": len(rest), "undated": sum(r.undated for r in rest)}
        open_task(session, rt, key=key, kind=TaskKind.CHECK, code=REST, facts=facts)
    return task is not None and task.state is TaskState.DONE


def _covered(session: Session, rt: Runtime, row: Replay, cases: Sequence[Request]) -> set[tuple[str, bytes]]:
    made = recogniser(rt, row.source)
    covered = set()
    for case in cases:
        key = open_key(session, rt, case.data_key_id)
        mine = select(PlanItem).join(Plan, Plan.id == PlanItem.plan_id)
        for item in session.scalars(
            mine.where(Plan.request_id == case.id, Plan.state != PlanState.VOID, PlanItem.source == row.source)
        ):
            covered.add((item.collection, made.locator(item.collection, open_item(key, item)[0])))
    return covered
