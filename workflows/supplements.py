"""A source that was left out of an answer is back: the answer is supplemented by a case of its own.

The case is about those sources alone, is linked to the first, and keeps its days: what was left out was due when the
rest was. An access or portability answer gets the records that were missing; an erasure goes on there, with a plan
and approvals of its own.
"""

import secrets
from datetime import datetime, timedelta

from sqlalchemy import exists, select
from sqlalchemy.orm import Session, aliased

from models.collection import Finding, SourceHealth
from models.request import Request
from models.step import Step
from models.vocabulary import Event, Kind, Outcome, RequestState, StepState
from workflows import audit, gates, lifecycle
from workflows.acting import hand_on
from workflows.casefile import (
    leads_of,
    make_key,
    open_claim,
    open_key,
    open_proof,
    seal_claim,
    seal_leads,
    seal_proof,
)
from workflows.errors import NeverAgain
from workflows.findings import finding_of
from workflows.hand.places import is_by_hand
from workflows.rules.bucket import deadline_bucket
from workflows.rules.reference import new_reference
from workflows.runtime import Runtime

FOR = timedelta(days=180)
"""How long after an answer a source may still come back and be looked through for it."""
_ANSWERED = (Outcome.DELIVERED, Outcome.NOTHING_FOUND, Outcome.ERASED, Outcome.PARTLY_ERASED, Outcome.KEPT)
_LED_NOWHERE = "leading_source_failed"
_RANDOM = secrets.SystemRandom()


def supplement(rt: Runtime) -> int:
    """Open a case for each answer whose left-out sources are all well again; how many."""
    follower = aliased(Request)
    with rt.unit() as session:
        rows = session.execute(
            select(Request.id)
            .where(
                Request.state.in_((RequestState.CLOSED, RequestState.HELD)),
                Request.outcome.in_(_ANSWERED),
                Request.answered_at >= rt.now() - FOR,
                Request.replay_id.is_(None),
                exists().where(
                    Step.request_id == Request.id, Step.kind == Kind.COLLECT, Step.state == StepState.SKIPPED
                ),
                ~exists().where(follower.supplements_id == Request.id),
            )
            .order_by(Request.id)
        ).all()
    opened = 0
    for (ident,) in rows:
        with rt.unit() as session:
            request = session.get_one(Request, ident, with_for_update=True)
            known = session.scalar(select(Request.id).where(Request.supplements_id == request.id))
            sources = _back(session, rt, request) if known is None else []
            if sources and _open(session, rt, request, sources) is not None:
                opened += 1
    return opened


def _back(session: Session, rt: Runtime, request: Request) -> list[str]:
    """The sources that the answer was given without, if all of them are well again; else none."""
    left_out = {name for name in _left_out(session, request) if name in rt.connectors}
    left_out -= {name for name in left_out if is_by_hand(rt.register.sources[name])}
    for source in left_out:
        if not _is_well(rt, session.get(SourceHealth, source), since=request.answered_at):
            return []
    behind = select(Finding.source).where(Finding.request_id == request.id, Finding.why == _LED_NOWHERE)
    return sorted(left_out | (set(session.scalars(behind)) & rt.connectors.keys())) if left_out else []


def _left_out(session: Session, request: Request) -> set[str]:
    """Sources whose last search before the answer was skipped; a later look at what is kept may have found them."""
    last: dict[str, tuple[int, StepState]] = {}
    mine = select(Step).where(Step.request_id == request.id, Step.kind == Kind.COLLECT, Step.source.is_not(None))
    for step in session.scalars(mine):
        visit = int(step.key.rpartition("#")[2])
        late = step.done_at is not None and request.answered_at is not None and step.done_at > request.answered_at
        if not late and visit >= last.get(str(step.source), (0, step.state))[0]:
            last[str(step.source)] = (visit, step.state)
    return {source for source, (_, state) in last.items() if state is StepState.SKIPPED}


def _is_well(rt: Runtime, row: SourceHealth | None, *, since: datetime | None) -> bool:
    """Whether the source has answered since the answer was given, and nothing is known against it."""
    if row is None or row.failures or gates.is_paused(rt, row) or gates.is_blind(rt, row):
        return False
    seen = [at for at in (row.last_ok_at, row.canary_at) if at is not None]
    return since is not None and any(at > since for at in seen)


def _open(session: Session, rt: Runtime, first: Request, sources: list[str]) -> Request | None:
    try:
        old = open_key(session, rt, first.data_key_id)
        claim, proof = open_claim(old, first), open_proof(old, first)
    except NeverAgain:
        return None  # the case was forgotten meanwhile
    data_key, key = make_key(session, rt)
    request = Request(
        reference=new_reference(_RANDOM, year=rt.today().year),
        right=first.right,
        flow_version=lifecycle.FLOW_VERSION,
        state=RequestState.VERIFYING,
        channel=first.channel,
        language=first.language,
        bucket=deadline_bucket(first.due_on, rt.today()),
        received_at=first.received_at,
        received_on=first.received_on,
        registered_at=rt.now(),
        due_a=first.due_a,
        due_b=first.due_b,
        extended_until=first.extended_until,
        extended_at=first.extended_at,
        extension_reason=first.extension_reason,
        data_key_id=data_key.id,
        claim_sealed=b"",
        status_digest=secrets.token_bytes(32),  # it has no page of its own
        subject_digest=first.subject_digest,
        verified_method=first.verified_method,
        verified_at=first.verified_at,
        verified_by=first.verified_by,
        supplements_id=first.id,
        sources=sources,
        categories=first.categories,
    )
    session.add(request)
    session.flush()  # what is sealed is bound to its id
    hand_on(session, first, request, old=old, key=key)
    request.claim_sealed = seal_claim(key, request.id, claim)
    request.proof_sealed = seal_proof(key, request.id, proof)
    for finding in session.scalars(select(Finding).where(Finding.request_id == first.id)).all():
        # What led to the missing records may have been erased since: what it led to is known all the same.
        leads = leads_of(old, first.id, finding)
        finding_of(session, request, finding.source).leads_sealed = seal_leads(key, request.id, finding.source, leads)
    facts = {
        "right": first.right.value,
        "channel": first.channel.value,
        "received_on": first.received_on.isoformat(),
        "due_a": first.due_a.isoformat(),
        "supplements": first.reference,
        "sources": sources,
    }
    audit.record(session, "request:opened", at=rt.now(), actor="vastine", request_id=request.id, facts=facts)
    facts = {"reference": request.reference, "sources": sources}
    audit.record(session, "source:supplemented", at=rt.now(), actor="vastine", request_id=first.id, facts=facts)
    lifecycle.advance(session, rt, request, Event.IDENTIFIED)
    return request
