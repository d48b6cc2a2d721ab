"""Match what was found against what the law keeps: per item erase now, keep until, or ask a person.

For an access request the question is only whether a person must look before it goes out.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from models.collection import Finding
from models.decision import Plan, PlanItem
from models.erasure import Replay, ReplayRecord
from models.request import Request
from models.step import Step
from models.vocabulary import (
    Action,
    Event,
    Kind,
    Outcome,
    Ownership,
    PlanState,
    Right,
    SourceResult,
    StepState,
    TaskKind,
)
from workflows import audit
from workflows.acting import asked_about
from workflows.astray import astray, left_over
from workflows.candidates import undecided
from workflows.casefile import findings_of, open_key, open_proof
from workflows.errors import PersonMustLook, VastineError
from workflows.findings import AllItems, forget_items
from workflows.fresh import manual_holds
from workflows.hand.sources import bound
from workflows.human import open_task
from workflows.planning import Planned, plan_hash, planned_items
from workflows.ports import Connector, EraseItem, RequestKey
from workflows.recipients.disputing import is_collected_and_disputed, pause_collecting
from workflows.register.contacts import own_contacts
from workflows.relook import ask_about, look_again, report_breach
from workflows.restricting.planned import Scope, restrictions_planned, scope_of
from workflows.restricting.resting import see_to_rest
from workflows.rules.flows import Decides, flow_of
from workflows.rules.holds import CompiledRules, ManualHoldFacts
from workflows.rules.items import canonical
from workflows.rules.mentions import Mentions
from workflows.rulesets import schedule_rules
from workflows.runtime import Runtime
from workflows.tombstones import recogniser
from workflows.withholding import was_withheld, withheld
from workflows.work import Lease, NewStep

Replayed = tuple[str, frozenset[tuple[str, bytes]]]  # a source; of what came back, collection and locator's digest

_NOT_ANSWERED = (SourceResult.FAILED, SourceResult.NOT_SEARCHED)


@dataclass(frozen=True, slots=True)
class Facts:
    """What is assessed: the findings' blobs, and holds placed by hand."""

    right: Right
    key: RequestKey
    blobs: Mapping[str, str | None]
    digests: Sequence[tuple[str, str, str]]  # source, result, digest of the blob
    manual: tuple[ManualHoldFacts, ...]
    approved: bool  # a plan was approved before: only what is left of it is looked at
    left: Mapping[str, list[EraseItem]]  # what an earlier plan named and nobody treated, by source
    connectors: Mapping[str, Connector]  # the sources as they are for this request
    sources: Sequence[str] | None  # what the case is about, where it fills the gaps of an answer
    replayed: Replayed | None  # an erasure that is done again is about these records alone
    scope: Scope  # of a restriction: which records
    rules: CompiledRules | None = None  # those an open schedule goes by; None: the register's
    within: Callable[[Planned], bool] | None = None  # somebody acts for the person: nothing goes beyond their mandate
    told: Mapping[str, Sequence[str]] | None = None  # the person's identifiers, where texts are to be reviewed


def begin(session: Session, rt: Runtime, request: Request) -> Sequence[NewStep]:  # noqa: ARG001
    """One step over everything that was found."""
    return [NewStep(key="assess", kind=Kind.ASSESS)]


@dataclass(frozen=True, slots=True)
class Assessed:
    """Every item's verdict, and what each source with something to erase can promise about it."""

    items: list[Planned]
    guarantees: dict[str, str]
    disputed: bool = False  # a claim that somebody collects for us
    mentions: int = 0  # records with somebody else's address or number in a text, where a person reviews those


class Assessment:
    """The stage: from findings to a frozen plan, or to "nothing to review"."""

    def prepare(self, session: Session, rt: Runtime, request: Request, step: Step) -> Facts:
        """Where the findings lie."""
        key = open_key(session, rt, request.data_key_id)
        # In order: one that this very transaction added stands last, and the plan is numbered by this.
        findings = [found for _, found in sorted(findings_of(session, request).items())]
        erases = request.right is Right.ERASURE
        return Facts(
            right=request.right,
            key=key,
            blobs={f.source: f.blob for f in findings},
            digests=[(f.source, f.result.value, (f.blob_digest or b"").hex()) for f in findings],
            manual=manual_holds(session, rt, request) if erases else (),
            approved=erases and approved_plan(session, request) is not None,
            rules=schedule_rules(session, rt, request) if erases else None,
            left=left_over(session, request, key) if erases else {},
            connectors=bound(session, rt, request, key),
            sources=request.sources,
            replayed=_replayed(session, request),
            scope=scope_of(session, request) if request.right is Right.RESTRICTION else Scope(),
            within=asked_about(request, open_proof(key, request), known=rt.register.categories),
            told=open_proof(key, request).told() if rt.register.controller.decisions.review_texts else None,
        )

    def work(self, rt: Runtime, lease: Lease, inputs: Facts) -> Assessed:
        """Every item's verdict, with what its source would refuse taken into account; none for access.

        Raises `PersonMustLook` where a record is still there and nothing leads to it any more.
        """
        if inputs.right is Right.RESTRICTION:
            return Assessed(restrictions_planned(rt, inputs.key, inputs.blobs, inputs.scope), {})
        if inputs.right is not Right.ERASURE:
            return Assessed([], {}, mentions=_mentions(rt, inputs))
        only = partial(_came_back, rt, inputs.replayed) if inputs.replayed is not None else inputs.within
        found = planned_items(rt, inputs.key, inputs.blobs, inputs.manual, only=only, rules=inputs.rules)
        found = [p for p in found if inputs.sources is None or p.source in inputs.sources]
        found = [p for p in found if inputs.within is None or inputs.within(p)]
        if astray(inputs.connectors, inputs.left, found):
            raise PersonMustLook("records_astray")
        erasing = {p.source for p in found if p.verdict.action is not Action.KEEP or p.later is not None}
        promises: dict[str, str] = {name: rt.connectors[name].guarantee for name in sorted(erasing)}
        return Assessed(found, promises, is_collected_and_disputed(rt, AllItems(rt, inputs.key, inputs.blobs)))

    def settle(
        self, session: Session, rt: Runtime, request: Request, step: Step, inputs: Facts, result: Assessed
    ) -> Event | None:
        """Freeze the plan and say who must decide."""
        if inputs.right is Right.RESTRICTION and inputs.scope != scope_of(session, request):  # named while we worked
            step.state, step.done_at, step.run_at = StepState.READY, None, rt.now()
            return None
        flow = flow_of(request.right, request.flow_version)
        if flow.changes:
            return Event.ASSESSED if flow.decides is Decides.NOBODY else _freeze(session, rt, request, inputs, result)
        if inputs.right is not Right.ERASURE:
            return _review(session, rt, request, inputs, mentions=result.mentions)
        pause_collecting(session, rt, request, disputed=result.disputed)
        if inputs.approved:
            return _rest(session, rt, request, result)
        if not result.items:
            request.outcome = Outcome.NOTHING_FOUND
            return Event.ANSWERED if not gaps(session, request) else _freeze(session, rt, request, inputs, result)
        return _freeze(session, rt, request, inputs, result)

    def gave_up(self, session: Session, rt: Runtime, request: Request, step: Step, error: VastineError) -> Event | None:
        """The engine's task is enough."""
        return None


def _replayed(session: Session, request: Request) -> Replayed | None:
    if request.replay_id is None:
        return None
    records = session.scalars(select(ReplayRecord).where(ReplayRecord.replay_id == request.replay_id))
    known = frozenset((r.collection, r.locator_digest) for r in records if not r.undated)
    return session.get_one(Replay, request.replay_id).source, known


def _came_back(rt: Runtime, replayed: Replayed, item: Planned) -> bool:
    source, known = replayed
    digest = recogniser(rt, source).locator(item.collection, item.locator)
    return item.source == source and (item.collection, digest) in known


def approved_plan(session: Session, request: Request) -> Plan | None:
    """The plan people approved and that is not yet spent."""
    return session.scalar(select(Plan).where(Plan.request_id == request.id, Plan.state == PlanState.APPROVED))


def gaps(session: Session, request: Request) -> list[str]:
    """Sources that were not searched."""
    missing = select(Finding.source).where(Finding.request_id == request.id, Finding.result.in_(_NOT_ANSWERED))
    return list(session.scalars(missing))


def _mentions(rt: Runtime, inputs: Facts) -> int:
    if inputs.told is None:
        return 0
    mentions = Mentions(inputs.told, own_contacts(rt.register.controller))
    given = (i for i in AllItems(rt, inputs.key, inputs.blobs) if i.ownership in (Ownership.OWN, Ownership.SHARED))
    return sum(mentions.strained(i.fields, "")[1] > 0 for i in given)


def _review(session: Session, rt: Runtime, request: Request, inputs: Facts, *, mentions: int = 0) -> Event:
    findings = findings_of(session, request).values()
    others = sum(
        f.ownerships.get(word.value, 0)
        for f in findings
        for word in (Ownership.THIRD_PARTY, Ownership.SHARED, Ownership.CANDIDATE)
    )
    missing = any(f.result in _NOT_ANSWERED for f in findings)
    held = was_withheld(session, request)
    if rt.register.controller.decisions.access_without_person and not (others or missing or mentions or held):
        return Event.ASSESSED
    back = [[row.category, row.ground, row.withheld_at.isoformat()] for row in withheld(session, request)]
    content = canonical(["review", request.reference, [list(d) for d in inputs.digests], *([back] if back else [])])
    _insert_plan(session, rt, request, hashlib.sha256(content.encode()).digest(), Assessed([], {}), inputs.key)
    code = "review_texts" if mentions and not others else "review_others"
    code = "review_withheld" if held else "review_gaps" if missing else code
    _ask(session, rt, request, code=code, kind=TaskKind.REVIEW)
    return Event.DECISION_NEEDED


def _freeze(session: Session, rt: Runtime, request: Request, inputs: Facts, found: Assessed) -> Event:
    request.outcome = None
    _insert_plan(session, rt, request, plan_hash(request.reference, found.items), found, inputs.key)
    unknown = {h.rule for p in found.items for h in p.verdict.holds if h.unknown}
    ask_about(session, rt, request, unknown, due_on=request.due_on, at_once=True)
    report_breach(session, rt, request, found.items)
    _ask(session, rt, request, code=f"decide_{request.right.value}", kind=TaskKind.DECIDE)
    return Event.DECISION_NEEDED


def _ask(session: Session, rt: Runtime, request: Request, *, code: str, kind: TaskKind) -> None:
    """Somebody must decide; and first somebody must say whose those records are that may be the person's."""
    if count := undecided(session, request):
        about: dict[str, Any] = {"key": f"candidates:{request.id}", "code": "review_candidates"}
        about |= {"request_id": request.id, "due_on": request.due_on, "facts": {"items": count}}
        open_task(session, rt, kind=TaskKind.REVIEW, **about)
    name, due_on = f"decide:{request.id}", request.due_on
    open_task(session, rt, key=name, kind=kind, code=code, request_id=request.id, due_on=due_on)


def _insert_plan(
    session: Session, rt: Runtime, request: Request, digest: bytes, found: Assessed, key: RequestKey
) -> None:
    last = session.scalar(
        select(Plan.version).where(Plan.request_id == request.id).order_by(Plan.version.desc()).limit(1)
    )
    voided = session.scalars(
        update(Plan)
        .where(Plan.request_id == request.id, Plan.state.in_((PlanState.FROZEN, PlanState.APPROVED)))
        .values(state=PlanState.VOID)
        .returning(Plan.id)
    ).all()
    if voided:
        audit.record(session, "plan:voided", at=rt.now(), actor="vastine", request_id=request.id)
    plan = Plan(
        request_id=request.id,
        version=(last or 0) + 1,
        plan_hash=digest,
        item_count=len(found.items),
        state=PlanState.FROZEN,
        prepared_by="vastine",
        frozen_at=rt.now(),
        guarantees=found.guarantees,
    )
    session.add(plan)
    session.flush()  # the items carry its id
    if found.items:
        session.execute(insert(PlanItem), [p.row(plan.id, n, key) for n, p in enumerate(found.items, 1)])
    audit.record(
        session,
        "plan:frozen",
        at=rt.now(),
        actor="vastine",
        request_id=request.id,
        facts={"version": plan.version, "hash": digest.hex(), "items": len(found.items)},
    )


def _rest(session: Session, rt: Runtime, request: Request, found: Assessed) -> Event:
    """A plan was approved: what of its kept items is free now, whole or in part, and what stays longer than was told.

    An item whose content is not what was approved is not erased on the old word: once any of it is free, a new
    plan is frozen and people decide again.
    """
    plan = approved_plan(session, request)
    if plan is None:
        raise PersonMustLook("no_approved_plan")
    key = open_key(session, rt, request.data_key_id)
    seen = look_again(session, rt, request, key, plan=plan, fresh=found.items)
    if seen.changed:
        _insert_plan(session, rt, request, plan_hash(request.reference, found.items), found, key)
        _ask(session, rt, request, code="decide_again", kind=TaskKind.DECIDE)
        return Event.DECISION_NEEDED
    if seen.free:
        return Event.HOLD_ENDED
    forget_items(session, rt, request)
    if see_to_rest(session, rt, request):
        return Event.KEPT_IN_USE
    return Event.POSTPONED if seen.to_tell else Event.NOTHING_DUE
