"""A named person says whose a record is that may be the requester's.

Once all have been judged the sources are asked afresh, so that the plan and the answer are made of what was said.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.candidates import CandidateVerdict
from models.request import Request
from models.staff import StaffUser
from models.vocabulary import Belongs, Event, Ownership, RequestState, Role, TaskKind
from workflows import audit, lifecycle
from workflows.candidates import Verdicts, undecided, verdicts_of
from workflows.casefile import findings_of, open_key
from workflows.errors import BadInput, Conflict, Fault, NotAllowed
from workflows.findings import read_items
from workflows.human import close_tasks_of
from workflows.ports import RequestKey
from workflows.rules.items import Item
from workflows.runtime import Runtime

JUDGES = (Role.CASEWORKER, Role.APPROVER, Role.DPO)
_SHORTEST, _LONGEST = 5, 1000


@dataclass(frozen=True, slots=True)
class Candidate:
    """One record and what was said of it. `mark` names it on a page, for exactly this content."""

    item: Item
    mark: str
    word: Belongs | None


@dataclass(frozen=True, slots=True)
class Said:
    """One word of one person."""

    mark: str
    word: Belongs
    reason: str


def candidates_of(
    rt: Runtime,
    request: Request,
    key: RequestKey,
    *,
    blobs: Mapping[str, str | None],
    verdicts: Mapping[str, Verdicts],
) -> Iterator[Candidate]:
    """The candidates of a request in the order of its sources, streamed; needs no transaction."""
    for source, blob in blobs.items():
        known = verdicts.get(source) or Verdicts(rt.vault, request.id, {})
        for item in read_items(rt, key, blob):
            if item.ownership is Ownership.CANDIDATE:
                collection, digest = known.mark(item)
                yield Candidate(item, f"{source}/{collection}/{digest.hex()}/{item.digest}", known.of(item))


def where_they_lie(session: Session, request: Request) -> dict[str, str | None]:
    """The findings with candidates in them, by source."""
    found = findings_of(session, request).values()
    return {f.source: f.blob for f in found if f.ownerships.get(Ownership.CANDIDATE.value)}


def candidate_count(session: Session, request: Request) -> int:
    """How many candidates there are, judged or not."""
    found = findings_of(session, request).values()
    return sum(f.ownerships.get(Ownership.CANDIDATE.value, 0) for f in found if f.blob is not None)


def say(session: Session, rt: Runtime, request: Request, *, user: str, said: Sequence[Said]) -> int:
    """Take down what a member of staff says of some candidates; how many are still to be judged.

    The last word begins a fresh look at all sources, which makes a new plan: approvals of the old one are void.
    The caller holds the request's lock. Raises `NotAllowed`, `BadInput` (field reason), and `Conflict` where the
    request is not being decided or a record is no more what was shown.
    """
    _may(session, user)
    if request.state is not RequestState.DECIDING:
        raise Conflict("not_deciding", detail=f"the request is {request.state.value}; there is nothing to decide now")
    if any(not _SHORTEST <= len(one.reason.strip()) <= _LONGEST for one in said):
        raise BadInput([Fault("reason", "whose_reason", "say in a few words why, at most 1000 characters")])
    key = open_key(session, rt, request.data_key_id)
    blobs, verdicts = where_they_lie(session, request), verdicts_of(session, rt, request)
    wanted = {one.mark for one in said}
    there = candidates_of(rt, request, key, blobs=blobs, verdicts=verdicts)
    shown = {candidate.mark: candidate for candidate in there if candidate.mark in wanted}
    for one in said:
        if one.mark not in shown:
            raise Conflict("candidate_changed", detail="a record is not what you looked at; look again")
        candidate = shown[one.mark]
        _write(session, rt, request, key, user=user, item=candidate.item, one=one)
        if candidate.word is None:
            findings_of(session, request)[candidate.item.source].undecided -= 1
    session.flush()
    left = undecided(session, request)
    if said and left == 0:
        close_tasks_of(session, rt, request.id, kinds={TaskKind.REVIEW}, by=user)
        lifecycle.advance(session, rt, request, Event.RECHECK, actor=user)
    return left


def _may(session: Session, name: str) -> None:
    user = session.get(StaffUser, name)
    if user is None or user.disabled_at is not None or user.role not in JUDGES:
        raise NotAllowed("role", detail="saying whose a record is needs the role caseworker, approver or dpo")


def _write(
    session: Session, rt: Runtime, request: Request, key: RequestKey, *, user: str, item: Item, one: Said
) -> None:
    collection, digest = Verdicts(rt.vault, request.id, {}).mark(item)
    where = {"request_id": request.id, "source": item.source, "collection": collection, "locator_digest": digest}
    row = session.scalar(select(CandidateVerdict).filter_by(**where))
    if row is None:
        row = CandidateVerdict(**where)
        session.add(row)
    reason = one.reason.strip().encode()
    row.item_digest, row.verdict = bytes.fromhex(item.digest), one.word
    row.reason_sealed = key.seal(reason, f"candidate_verdicts.reason:{request.id}:{digest.hex()}")
    row.decided_by, row.decided_at = user, rt.now()
    audit.record(
        session,
        "candidate:decided",
        at=rt.now(),
        actor=user,
        request_id=request.id,
        facts={"source": item.source, "collection": collection, "verdict": one.word.value, "record": digest.hex()[:16]},
        sealed=key.seal(reason, f"audit.candidate:{request.id}:{digest.hex()}"),
    )
