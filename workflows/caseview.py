"""A request as letters, packages and screens may see it: plain facts, gathered in one place."""

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from sqlalchemy import bindparam, exists, func, select
from sqlalchemy.orm import Session, aliased

from models.collection import Finding
from models.decision import Plan
from models.erasure import Receipt
from models.request import Request
from models.session import reading
from models.vocabulary import PlanState, Right, SourceResult
from workflows.casefile import findings_of, open_proof
from workflows.ports import CaseFacts, Guarantee, PlanLine, RequestKey, SourceFacts
from workflows.rules.deadlines import target_day
from workflows.rules.flows import flow_of
from workflows.rules.hold_merge import later
from workflows.rules.items import HoldMatch
from workflows.runtime import Runtime
from workflows.standing import Standing, opened, standings

_LAST_PLAN = select(Plan).where(Plan.request_id == bindparam("of")).order_by(Plan.version.desc()).limit(1)
_CURRENT_PLAN = _LAST_PLAN.where(Plan.state != PlanState.VOID)


def case_facts(rt: Runtime, request: Request, key: RequestKey, **more: Any) -> CaseFacts:
    """The facts of a request; `more` overrides or adds fields of `CaseFacts`."""
    name = open_proof(key, request).contact.name if request.proof_sealed else ""
    facts = CaseFacts(
        reference=request.reference,
        right=request.right,
        language=request.language,
        received_on=request.received_on,
        due_a=request.due_a,
        due_b=request.due_b,
        today=rt.today(),
        name=name,
        verified_method=request.verified_method.value if request.verified_method else "",
        channel=request.channel.value,
        extended_until=request.extended_until,
        extension_reason=request.extension_reason or "",
        refusal_ground=request.refusal_ground or "",
        refusal_reason=_refusal(request, key),
        decided_by=request.refused_by or "",
        categories=tuple(request.categories) if request.categories is not None else None,
        extension_words=_extension(request, key) if request.extension_sealed else "",
    )
    return replace(facts, **more)


def _refusal(request: Request, key: RequestKey) -> str:
    if request.refusal_sealed is None:
        return ""
    return key.open(request.refusal_sealed, f"requests.refusal:{request.id}").decode()


def _extension(request: Request, key: RequestKey) -> str:
    return key.open(request.extension_sealed or b"", f"requests.extension:{request.id}").decode()


def target_on(rt: Runtime, request: Request) -> date | None:
    """The day we mean to answer by; None once it was answered or extended, or where the law's day is no later."""
    if request.answered_at is not None or request.extended_at is not None:
        return None
    settings = rt.register.controller.deadlines
    own = flow_of(request.right, request.flow_version).target_working_days
    day = target_day(
        request.received_on,
        request.due_on,
        target_days=settings.target_days,
        working_days=own,
        country=settings.country,
    )
    return day if day < request.due_on else None


def source_facts(
    session: Session, rt: Runtime, request: Request, *, findings: Sequence[Finding] | None = None
) -> tuple[SourceFacts, ...]:
    """How every source of the register answered; one that was never asked says so.

    `findings`: all of the request's, where the caller has read them already.
    """
    if findings is None:
        findings = list(findings_of(session, request).values())
    found = {f.source: f for f in findings}
    answers = []
    for name, spec in rt.register.sources.items():
        if request.sources is not None and name not in request.sources:
            continue  # the case fills gaps of an answer, and is about those alone
        f = found.get(name)
        answers.append(
            SourceFacts(
                name=name,
                label=spec.label.get(request.language) if spec.label else name,
                result=f.result if f else SourceResult.NOT_SEARCHED,
                why=(f.why or "") if f else "",
                counts=dict(f.counts) if f else {},
                ownerships=dict(f.ownerships) if f else {},
            )
        )
    return tuple(answers)


def filling(session: Session, request: Request) -> dict[str, str]:
    """What a letter must say of a case that fills the gaps of an answer: which answer it was."""
    about = {why_narrow(session, request): "1"} if rested_on_consent(request) else {}
    if request.supplements_id is None:
        return about
    return about | {"supplements": session.get_one(Request, request.supplements_id).reference}


def rested_on_consent(request: Request) -> bool:
    """Whether it erases what nothing but a consent allowed, or a use that was objected to, and that alone."""
    return request.right is Right.ERASURE and request.categories is not None


def why_narrow(session: Session, request: Request) -> str:
    """What a case about some categories alone follows from: an objection, else a consent that was withdrawn."""
    first = session.get(Request, request.after_request_id) if request.after_request_id is not None else None
    return "objected" if first is not None and first.right is Right.OBJECTION else "consent"


def current_plan(session: Session, request: Request) -> Plan | None:
    """The frozen or approved plan, or the last one executed; of a refused request the one that was refused."""
    with reading(session, Plan):
        plan = session.scalar(_CURRENT_PLAN, {"of": request.id})
        if plan is None and request.refused_by is not None:
            return session.scalar(_LAST_PLAN, {"of": request.id})
        return plan


_TIERS: Mapping[str, Guarantee] = {"A": "A", "B": "B", "C": "C", "D": "D"}


def guarantees_of(plan: Plan | None, sources: Container[str] | None = None) -> dict[str, Guarantee]:
    """What each source of the plan, or each of these, could promise about erasure when the plan was made."""
    known = plan.guarantees if plan is not None else {}
    return {name: _TIERS[tier] for name, tier in known.items() if sources is None or name in sources}


def plan_lines(session: Session, key: RequestKey, plan: Plan) -> tuple[PlanLine, ...]:
    """The plan as it stands today, grouped into lines."""
    return lines_of(key, standings(session, plan))


def lines_of(key: RequestKey, items: Iterable[Standing]) -> tuple[PlanLine, ...]:
    """Items that share source, collection, fate and holds are one line with a count.

    The days of a series go one by one: they are one line that names the last of them.
    """
    lines: dict[Any, PlanLine] = {}
    for item in items:
        locator, params = opened(key, item) if item.holds else ({}, [])
        holds = item.matches(params)
        one_by_one = "from" in locator
        group = (
            item.row.source,
            item.row.collection,
            item.row.category,
            item.action,
            item.row.ownership,
            tuple((h.rule, None if one_by_one else h.until, h.unknown, tuple(h.params.items())) for h in holds),
            item.reason,
            None if one_by_one else item.erase_on,
            item.fields,
        )
        line = lines.get(group)
        lines[group] = _line(item, holds) if line is None else _with_one_more(line, item, holds)
    return tuple(lines.values())


def _line(item: Standing, holds: tuple[HoldMatch, ...]) -> PlanLine:
    return PlanLine(
        source=item.row.source,
        collection=item.row.collection,
        category=item.row.category,
        action=item.action,
        ownership=item.row.ownership,
        count=1,
        holds=holds,
        reason=item.reason,
        erase_on=item.erase_on,
        fields=item.fields,
    )


def _with_one_more(line: PlanLine, item: Standing, holds: tuple[HoldMatch, ...]) -> PlanLine:
    last = max(line.erase_on, item.erase_on) if line.erase_on and item.erase_on else None
    return replace(line, count=line.count + 1, holds=later(line.holds, holds), erase_on=last)


def receipt_counts(session: Session, request: Request) -> dict[str, int]:
    """How many items ended how, over all plans of the request; the latest treatment of each counts."""
    newer = aliased(Receipt)
    latest = ~exists().where(
        newer.plan_id == Receipt.plan_id, newer.item_no == Receipt.item_no, newer.phase > Receipt.phase
    )
    rows = session.execute(
        select(Receipt.outcome, func.count())
        .join(Plan, Plan.id == Receipt.plan_id)
        .where(Plan.request_id == request.id, latest)
        .group_by(Receipt.outcome)
    )
    return {outcome.value: n for outcome, n in rows}
