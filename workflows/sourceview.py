"""How every source is doing, for the console and the command line alike.

The shape is a promise to scripts: fields may be added, none renamed. Nothing personal is in it.
"""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models.collection import SourceHealth
from models.request import Request
from models.source import SourceSlot
from models.step import Step
from models.vocabulary import StepState
from workflows import gates
from workflows.errors import VastineError
from workflows.hand.places import is_by_hand
from workflows.register.model import SourceSpec
from workflows.replays.opening import open_replays
from workflows.runtime import Runtime

STATUSES = ("ok", "unknown", "failing", "down", "blind", "paused", "by_hand")
"""`unknown`: never asked. `failing`: the last call failed. `down`: one step at a time tries it. `blind`: it answers
and does not find its canary."""
_WAITING = (StepState.READY, StepState.WAITING, StepState.NEEDS_HUMAN)

Json = dict[str, Any]


def show_sources(session: Session, rt: Runtime) -> list[Json]:
    """One row a source, by name."""
    health = {row.source: row for row in session.scalars(select(SourceHealth))}
    counts = _steps(session)
    due = _next_due(session)
    places = _places(session, rt)
    again = open_replays(session)
    return [
        _row(rt, spec, health.get(name), steps=counts.get(name, {}), due=due.get(name), places=places.get(name, 0))
        | {"replay_open": name in again}
        for name, spec in sorted(rt.register.sources.items())
    ]


def status_of(rt: Runtime, spec: SourceSpec, row: SourceHealth | None) -> str:
    """The one word for how a source is doing, the most telling first."""
    if gates.is_paused(rt, row):
        return "paused"
    if is_by_hand(spec):
        return "by_hand"
    if row is None or not (row.last_ok_at or row.canary_at or row.last_code):
        return "unknown"
    if gates.is_down(row):
        return "down"
    if gates.is_blind(rt, row):
        return "blind"
    return "failing" if row.failures or row.last_code else "ok"


def breaker_of(rt: Runtime, row: SourceHealth | None) -> str:
    """`closed`, `open`, or `half_open` once its time is over and one step may try."""
    if row is None or not gates.is_down(row):
        return "closed"
    return "open" if row.open_until is not None and row.open_until > rt.now() else "half_open"


def _row(
    rt: Runtime,
    spec: SourceSpec,
    row: SourceHealth | None,
    *,
    steps: Mapping[StepState, int],
    due: date | None,
    places: int,
) -> Json:
    paused = row is not None and gates.is_paused(rt, row)
    rate = spec.connection.get("rate") or {}
    return {
        "source": spec.source,
        "kind": spec.kind,
        "label": spec.label.en if spec.label else "",
        "collections": sum(len(dataset.collections) for dataset in spec.dataset),
        "guarantee": _guarantee(rt, spec, row, paused=paused),
        "owner": spec.owner,
        "status": status_of(rt, spec, row),
        "breaker": breaker_of(rt, row),
        "failures": row.failures if row else 0,
        "open_until": _iso(row.open_until) if row and gates.is_down(row) else None,
        "last_ok_at": _iso(row.last_ok_at) if row else None,
        "last_code": row.last_code if row else None,
        "slots": spec.slots or rate.get("slots"),
        "running": steps.get(StepState.RUNNING, 0),
        "places_taken": places,
        "waiting": sum(steps.get(state, 0) for state in _WAITING),
        "next_due": _iso(due),
        "canary": {"at": _iso(row.canary_at) if row else None, "code": row.canary_code if row else None}
        if spec.canary
        else None,
        "paused": {
            "by": row.paused_by,
            "since": _iso(row.paused_at),
            "until": _iso(row.paused_until),
            "reason": row.paused_why,
        }
        if row is not None and paused
        else None,
    }


def _guarantee(rt: Runtime, spec: SourceSpec, row: SourceHealth | None, *, paused: bool) -> str | None:
    """What the source can promise; some have to be asked, and one that is away or stopped is not."""
    if paused or (row is not None and row.failures):
        return None
    try:
        return rt.connectors[spec.source].guarantee
    except VastineError:
        return None


def _steps(session: Session) -> dict[str, dict[StepState, int]]:
    states = (*_WAITING, StepState.RUNNING)
    rows = session.execute(
        select(Step.source, Step.state, func.count())
        .where(Step.source.is_not(None), Step.state.in_(states))
        .group_by(Step.source, Step.state)
    )
    found: dict[str, dict[StepState, int]] = {}
    for source, state, count in rows:
        found.setdefault(str(source), {})[state] = count
    return found


def _next_due(session: Session) -> dict[str, date]:
    """The nearest end of a case that waits for the source."""
    rows = session.execute(
        select(Step.source, func.min(Request.due_on))
        .join(Request, Request.id == Step.request_id)
        .where(Step.source.is_not(None), Step.state.in_(_WAITING))
        .group_by(Step.source)
    )
    return {str(source): due if isinstance(due, date) else date.fromisoformat(due) for source, due in rows}


def _places(session: Session, rt: Runtime) -> dict[str, int]:
    now = rt.now().timestamp()
    rows = session.execute(
        select(SourceSlot.source, func.count()).where(SourceSlot.until >= now).group_by(SourceSlot.source)
    )
    return {source: int(count) for source, count in rows}


def _iso(value: date | datetime | None) -> str | None:
    return value.isoformat() if value else None
