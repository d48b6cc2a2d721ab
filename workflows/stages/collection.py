"""Ask every source what it holds: one step a source, rounds until nothing new leads on.

A source may refer to another (an invoice to a contract, a meter reading to a metering point), so what
one source finds may seed another. Rounds go on while some source has not been asked with all seeds known.
The fan-in is a query under the request's lock: the last source to settle sees that it is the last.
"""

import uuid
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from models.collection import Finding
from models.request import Request
from models.session import reading
from models.step import Step
from models.vocabulary import Event, Kind, Ownership, Right, SourceResult, StepState, TaskKind
from workflows import audit, breaker, canaries, gates, lifecycle, news
from workflows.acting import asked_about
from workflows.answering import Answering
from workflows.astray import anything_erased
from workflows.attaching import Attachments
from workflows.bookmarks import Resumes
from workflows.candidates import JudgedConnector, Verdicts, verdicts_of
from workflows.casefile import (
    findings_of,
    note_unsearched,
    open_key,
    open_proof,
    seal_leads,
    seeds_digest,
    seeds_for,
    seeds_of,
    with_earlier_leads,
)
from workflows.errors import NotAllowed, PersonMustLook, VastineError
from workflows.findings import finding_of, replace_items
from workflows.fresh import decides_holds
from workflows.hand.places import is_by_hand
from workflows.hand.searching import ask, is_answered, search_of, withdraw_question
from workflows.hand.sources import bound, left_alone
from workflows.human import close_tasks_of
from workflows.ledger import OPEN
from workflows.ports import Connector, Lead, RequestKey, Seeds
from workflows.register.naming import record_keys
from workflows.rules.items import Item, Json
from workflows.runtime import Runtime
from workflows.work import Lease, NewStep

MAX_ROUNDS = 12
_STILL_OPEN = select(Step.source).where(
    Step.request_id == bindparam("of"), Step.kind == Kind.COLLECT, Step.state.in_(OPEN)
)


@dataclass(frozen=True, slots=True)
class Search:
    """What one source is asked."""

    source: str
    seeds: Seeds
    key: RequestKey
    blob: str
    connector: Connector | None = None  # None: people search this source, and have not answered
    verdicts: Verdicts | None = None  # what people said of what may or may not be the person's
    within: Callable[[Item], bool] | None = None  # no more is found than was asked for, or than a mandate allows
    asked: Json = None  # what the answer rests on besides what the source holds


@dataclass(slots=True)
class Found:
    """What it answered."""

    items: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    ownerships: Counter[str] = field(default_factory=Counter)
    undecided: int = 0
    leads: Mapping[str, Sequence[Lead]] = field(default_factory=dict)
    named: set[tuple[str, str]] = field(default_factory=set)  # records that an event may name
    digest: bytes = b""
    size: int = 0


class Collection:
    """The stage: one source of one request."""

    def prepare(self, session: Session, rt: Runtime, request: Request, step: Step) -> Search:
        """The seeds this source's search can start from."""
        source = str(step.source)
        if source not in rt.connectors:
            raise PersonMustLook("source_not_in_register")
        key = open_key(session, rt, request.data_key_id)
        seeds = seeds_for(seeds_of(session, key, request), rt.connectors[source].entries())
        connector: Connector | None = rt.connectors[source]
        if is_by_hand(rt.register.sources[source]) and seeds:
            answered = is_answered(search_of(session, request, source), seeds)
            connector = bound(session, rt, request, key)[source] if answered else None
        # Nobody has judged what was never found.
        verdicts = verdicts_of(session, rt, request).get(source) if source in findings_of(session, request) else None
        if connector is not None and verdicts is not None:
            connector = JudgedConnector(connector, verdicts)
        # Holds rest on all there is: what a mandate leaves out of an erasure, the plan leaves out.
        proof = open_proof(key, request)
        only = None if request.right is Right.ERASURE else asked_about(request, proof, known=rt.register.categories)
        covered = proof.acted.categories if proof.acted is not None else None
        limits = [sorted(covered) if covered is not None else None, request.categories]
        asked = [rt.register.digest, seeds_digest(seeds).hex(), *limits]
        blob = f"{request.id}/{source}.{uuid.uuid4().hex}"
        return Search(source, seeds, key, blob, connector, verdicts, only, asked)

    def work(self, rt: Runtime, lease: Lease, inputs: Search) -> Found | None:
        """Stream the source's items into a sealed blob; memory stays flat however many there are.

        None where people search and have not answered.
        """
        found = Found()
        if inputs.connector is None:
            return None
        connector = inputs.connector
        keys = record_keys(rt.connectors[inputs.source].spec)

        files = Attachments(rt, inputs.blob, inputs.key)
        with rt.blobs.write(inputs.blob, inputs.key) as out:
            unseen = inputs.within is None
            answer = Answering(rt, lease, out, key=inputs.key, asked=inputs.asked, whole=keys.keys(), unseen=unseen)

            def emit(item: Item) -> None:
                if inputs.within is not None and not inputs.within(item):
                    return
                if item.files:
                    item = files.whole(item)
                answer.add(item)
                if item.ownership is Ownership.CANDIDATE:
                    found.undecided += inputs.verdicts is None or inputs.verdicts.of(item) is None
                if item.collection in keys and item.ownership in (Ownership.OWN, Ownership.SHARED):
                    found.named.update((keys[item.collection], str(v)) for v in item.locator.values())

            if isinstance(connector, Resumes):
                found.leads = connector.collect_on(inputs.seeds, emit, bookmark=answer)
            else:
                found.leads = connector.collect(inputs.seeds, emit)
            found.digest, found.size = answer.finish()
        answer.forget_parts()
        found.items, found.counts, found.ownerships = answer.items, answer.counts, answer.ownerships
        return found

    def settle(
        self, session: Session, rt: Runtime, request: Request, step: Step, inputs: Search, result: Found | None
    ) -> Event | None:
        """Keep the answer; begin another round or end the search."""
        if result is None:
            ask(session, rt, request, step, seeds=inputs.seeds)
            return None
        finding = finding_of(session, request, inputs.source)
        if not result.items and canaries.hold(session, rt, request, step):
            return self.gave_up(session, rt, request, step, PersonMustLook(gates.BLIND))
        finding.result = SourceResult.FOUND if result.items else SourceResult.NONE
        finding.why, finding.items, finding.undecided = None, result.items, result.undecided
        finding.counts, finding.ownerships = dict(result.counts), dict(result.ownerships)
        replace_items(session, rt, finding, inputs.blob)
        finding.blob_digest, finding.blob_bytes = result.digest, result.size
        leads = result.leads
        if request.supplements_id is not None or (request.right is Right.ERASURE and anything_erased(session, request)):
            leads = with_earlier_leads(inputs.key, request.id, finding, leads)
        finding.leads_sealed = seal_leads(inputs.key, request.id, inputs.source, leads)
        finding.seeds_digest, finding.searched_at, finding.round = (
            seeds_digest(inputs.seeds),
            rt.now(),
            finding.round + 1,
        )
        news.add_keys(session, rt, request, result.named)
        breaker.recovered(session, rt, inputs.source)
        facts = {"source": inputs.source, "result": finding.result.value, "items": result.items, "step": step.key}
        audit.record(session, "source:searched", at=rt.now(), actor="vastine", request_id=request.id, facts=facts)
        return next_round(session, rt, request, inputs.key)

    def gave_up(self, session: Session, rt: Runtime, request: Request, step: Step, error: VastineError) -> Event | None:
        """Show the gap at once: the source has not been searched."""
        finding = finding_of(session, request, str(step.source))
        finding.result, finding.why = SourceResult.FAILED, error.code
        finding.searched_at = rt.now()
        facts = {"source": str(step.source), "code": error.code}
        audit.record(session, "source:failed", at=rt.now(), actor="vastine", request_id=request.id, facts=facts)
        return None


def begin(session: Session, rt: Runtime, request: Request) -> Sequence[NewStep]:
    """The first round, or the first of a fresh look: every source that the seeds lead to."""
    note_unsearched(session, request)
    for finding in findings_of(session, request).values():
        finding.seeds_digest, finding.round = None, 0
    news.begin_search(session, rt, request)
    key = open_key(session, rt, request.data_key_id)
    seeds = seeds_of(session, key, request)
    alone = left_alone(rt, request)
    steps = [_step(name) for name, c in rt.connectors.items() if name not in alone and seeds_for(seeds, c.entries())]
    # Somebody has to notice that there is nothing to ask: any one source does, with no seeds at all.
    return steps or [_step(next(iter(rt.connectors)))]


def _step(source: str) -> NewStep:
    return NewStep(key=f"collect:{source}", kind=Kind.COLLECT, source=source)


def next_round(session: Session, rt: Runtime, request: Request, key: RequestKey) -> Event | None:
    """More steps if some source was not asked with all that is known now; else the end, once all have settled."""
    findings = findings_of(session, request)
    seeds = seeds_of(session, key, request)
    with reading(session, Step):
        still_open = set(session.scalars(_STILL_OPEN, {"of": request.id}))
    alone, new = left_alone(rt, request), list[NewStep]()
    for name, connector in rt.connectors.items():
        usable = seeds_for(seeds, connector.entries())
        finding = findings.get(name)
        if not usable or name in still_open or name in alone:
            continue
        if finding is None or finding.seeds_digest != seeds_digest(usable):
            if finding is not None and finding.round >= MAX_ROUNDS:
                raise PersonMustLook("too_many_rounds")
            new.append(_step(name))
    if new:
        lifecycle.add_steps(session, rt, request, new)
        return None
    if still_open:
        return None
    _name_gaps(session, rt, request, findings, seeds)
    news.add_keys(session, rt, request, news.named_by(seeds, rt.today()))
    return Event.COLLECTED


def _name_gaps(session: Session, rt: Runtime, request: Request, findings: Mapping[str, Finding], seeds: Seeds) -> None:
    # A source nothing leads to: if all that could lead there were searched, it holds nothing; if one of
    # them failed, or it knows people only by an identifier we don't have, it was not searched.
    failed = any(f.result in (SourceResult.FAILED, SourceResult.NOT_SEARCHED) for f in findings.values())
    alone = left_alone(rt, request)
    for name, connector in rt.connectors.items():
        if name not in alone and seeds_for(seeds, connector.entries()):
            continue
        finding = finding_of(session, request, name)
        by_reference = any(not entry.startswith(("identity:", "shared:")) for entry in connector.entries())
        if name in alone:
            finding.result, finding.why = SourceResult.NONE, "not_asked"
        elif failed and by_reference:
            finding.result, finding.why = SourceResult.NOT_SEARCHED, "leading_source_failed"
        elif by_reference:
            finding.result, finding.why = SourceResult.NONE, "nothing_leads_there"
        else:
            finding.result, finding.why = SourceResult.NOT_SEARCHED, "no_identifier"
        finding.items, finding.undecided, finding.counts, finding.ownerships = 0, 0, {}, {}
        replace_items(session, rt, finding, None)


def skip_source(session: Session, rt: Runtime, request: Request, source: str, *, user: str) -> None:
    """Answer without this source, as a named gap: a person's decision.

    Raises `VastineError` if the source has no step that waits for one.
    """
    step = session.scalar(
        select(Step)
        .where(
            Step.request_id == request.id,
            Step.kind == Kind.COLLECT,
            Step.source == source,
            Step.state.in_((StepState.READY, StepState.NEEDS_HUMAN, StepState.WAITING)),
        )
        .with_for_update()
    )
    if step is None:
        raise PersonMustLook("source_not_waiting")
    if request.right is Right.ERASURE and decides_holds(rt, source):
        raise NotAllowed("source_decides_holds", detail="holds rest on this source: an erasure can't go on without it")
    key = open_key(session, rt, request.data_key_id)
    step.state, step.fence = StepState.SKIPPED, step.fence + 1
    finding = finding_of(session, request, source)
    finding.result = SourceResult.FAILED
    finding.seeds_digest = seeds_digest(seeds_for(seeds_of(session, key, request), rt.connectors[source].entries()))
    audit.record(session, "source:skipped", at=rt.now(), actor=user, request_id=request.id, facts={"source": source})
    close_tasks_of(session, rt, request.id, kinds={TaskKind.SOURCE_FAILED}, by=user, source=source)
    withdraw_question(session, rt, request, source, by=user)
    session.flush()
    event = next_round(session, rt, request, key)
    if event is not None:
        lifecycle.advance(session, rt, request, event, actor=user)
