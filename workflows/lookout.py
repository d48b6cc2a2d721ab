"""Look after the sources themselves: find their canaries every day, and notice when one that was down is back.

A canary is searched as any person would be, through what leads from source to source. Nothing of what is found is
kept but whether it was enough.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.collection import SourceHealth
from models.request import Request
from models.staff import HumanTask
from models.step import Step
from models.vocabulary import StepState, TaskKind, TaskState
from workflows import audit, breaker, gates
from workflows.canaries import canary_of
from workflows.casefile import seeds_digest, seeds_for
from workflows.errors import SourceDown, VastineError
from workflows.exchange import Lead
from workflows.hand.places import is_by_hand
from workflows.human import close_task, open_task
from workflows.repair import requeue
from workflows.rules.items import Item
from workflows.runtime import Runtime

MISSING = "canary_missing"
_DAILY = timedelta(hours=20)
_MOST_ROUNDS = 12


@dataclass(slots=True)
class _Search:
    """What one of them led to so far: counts of records, and which sources could not tell."""

    counts: dict[str, Counter[str]] = field(default_factory=dict)
    errors: dict[str, VastineError] = field(default_factory=dict)


def look(rt: Runtime) -> dict[str, str | None]:
    """Look for those that are due; source to why its canary was not found, None where it was.

    One that was not found is due again at once, the others once a day.
    """
    seen: dict[str, str | None] = {}
    for identity, sources in _due(rt).items():
        found = _search(rt, dict(identity))
        for source in sources:
            # Where another source failed, one that nothing led to is not to blame.
            if source in found.counts or source in found.errors or not found.errors:
                seen.update(_noted(rt, source, found))
    for source in [name for name, code in seen.items() if code is None]:
        _ask_again(rt, source)
    return seen


def knock(rt: Runtime) -> int:
    """Ask sources that were down and that no step will try whether they are back, and once a day those that nobody
    looks for a canary in whether they are as described; how many are well.
    """
    well = 0
    for source in _to_ask(rt):
        try:
            rt.connectors[source].health()
        except VastineError as error:
            with rt.unit() as session:
                if isinstance(error, SourceDown):
                    breaker.trip(session, rt, source, error.code)
                else:
                    row = gates.row_of(session, source)
                    row.last_ok_at, row.last_code = None, error.code
            continue
        well += 1
        with rt.unit() as session:
            breaker.recovered(session, rt, source)
            row = gates.row_of(session, source)
            row.last_ok_at, row.last_code = rt.now(), None
    return well


def _to_ask(rt: Runtime) -> list[str]:
    with rt.unit() as session:
        rows = {row.source: row for row in session.scalars(select(SourceHealth))}
        busy = (StepState.READY, StepState.RUNNING)
        tried = set(
            session.scalars(select(Step.source).where(Step.source.is_not(None), Step.state.in_(busy)).distinct())
        )
    asked = []
    for source, spec in rt.register.sources.items():
        row = rows.get(source)
        if is_by_hand(spec) or gates.is_paused(rt, row):
            continue
        if row is not None and gates.is_down(row):
            if source not in tried and (row.open_until is None or row.open_until <= rt.now()):
                asked.append(source)
        elif spec.canary is None and (row is None or row.last_ok_at is None or row.last_ok_at <= rt.now() - _DAILY):
            asked.append(source)
    return asked


def _due(rt: Runtime) -> dict[tuple[tuple[str, str], ...], list[str]]:
    """Who has to be looked for, and in which sources; what is stopped or known to be down is left alone."""
    with rt.unit() as session:
        rows = {row.source: row for row in session.scalars(select(SourceHealth))}
    due: dict[tuple[tuple[str, str], ...], list[str]] = {}
    for source, spec in rt.register.sources.items():
        canary, row = canary_of(rt, source), rows.get(source)
        if canary is None or is_by_hand(spec) or gates.is_paused(rt, row) or gates.is_down(row):
            continue
        last = row.canary_at if row and row.canary_code is None else None
        if last is None or last <= rt.now() - _DAILY:
            due.setdefault(tuple(sorted(canary[0].items())), []).append(source)
    return due


def _search(rt: Runtime, identity: Mapping[str, str]) -> _Search:
    """Search every source that something leads to, until nothing new leads on. Keeps counts alone."""
    found, asked = _Search(), dict[str, bytes]()
    seeds: dict[str, list[Lead]] = {f"identity:{name}": [Lead(value)] for name, value in identity.items()}
    for _ in range(_MOST_ROUNDS):
        before = dict(asked)
        for source in rt.connectors:
            usable = seeds_for(seeds, rt.connectors[source].entries())
            if is_by_hand(rt.register.sources[source]) or not usable or asked.get(source) == seeds_digest(usable):
                continue
            asked[source] = seeds_digest(usable)
            for name, leads in _asked(rt, source, usable, found).items():
                known = seeds.setdefault(name, [])
                known.extend(lead for lead in leads if lead not in known)
        if asked == before:
            break
    return found


def _asked(
    rt: Runtime, source: str, seeds: Mapping[str, Sequence[Lead]], found: _Search
) -> Mapping[str, Sequence[Lead]]:
    counts: Counter[str] = Counter()

    def count(item: Item) -> None:
        counts[item.collection] += 1

    try:
        leads = rt.connectors[source].collect(seeds, count)
    except VastineError as error:
        found.errors[source] = error
        return {}
    found.errors.pop(source, None)
    found.counts[source] = counts
    return leads


def _noted(rt: Runtime, source: str, found: _Search) -> dict[str, str | None]:
    """Write down how the source did; one that is down has its breaker for that."""
    error = found.errors.get(source)
    with rt.unit() as session:
        if isinstance(error, SourceDown):
            breaker.trip(session, rt, source, error.code)
            return {}
        canary = canary_of(rt, source)
        least = canary[1] if canary else {}
        counts = found.counts.get(source, Counter())
        missing = (
            MISSING if any((counts[name] or counts[name.rpartition(".")[2]]) < n for name, n in least.items()) else None
        )
        code = error.code if error is not None else missing
        row = gates.row_of(session, source)
        before, row.canary_at, row.canary_code = row.canary_code, rt.now(), code
        if code is None:
            breaker.recovered(session, rt, source)
            _found_again(session, rt, source)
        elif before != code:
            facts = {"source": source, "code": code}
            audit.record(session, "source:canary", at=rt.now(), actor="vastine", facts=facts)
        if code is not None:
            _ask(session, rt, source, code)
    return {source: code}


def _ask(session: Session, rt: Runtime, source: str, code: str) -> None:
    key = f"canary:{source}"
    task = session.scalar(select(HumanTask).where(HumanTask.key == key))
    if task is None or task.state is TaskState.DONE:
        open_task(
            session,
            rt,
            key=key,
            kind=TaskKind.SOURCE_FAILED,
            code=MISSING,
            due_on=rt.today(),
            facts={"source": source, "code": code},
        )


def _found_again(session: Session, rt: Runtime, source: str) -> None:
    tasks = session.scalars(
        select(HumanTask).where(HumanTask.key == f"canary:{source}", HumanTask.state == TaskState.OPEN)
    ).all()
    for task in tasks:
        close_task(session, rt, task, by="vastine", answer="settled")


def _ask_again(rt: Runtime, source: str) -> None:
    """What was not believed is asked again."""
    waiting = (Step.source == source, Step.state == StepState.NEEDS_HUMAN, Step.error_code == gates.BLIND)
    with rt.unit() as session:
        rows = session.execute(select(Step.id, Step.request_id).where(*waiting)).all()
    for step_id, request_id in rows:
        with rt.unit() as session:
            session.get_one(Request, request_id, with_for_update=True)
            step = session.scalar(select(Step).where(Step.id == step_id, *waiting).with_for_update())
            if step is not None:
                requeue(session, rt, step, user="vastine")
