"""The first page: what to do now, and how close the open requests are."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from flask import Blueprint, g
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as BaseResponse

from models.collection import SourceHealth
from models.request import Request
from models.vocabulary import RequestState
from webhooks.console.roles import EVERYONE, LIST, allow
from webhooks.console.shell import Shell
from webhooks.console.tasklist import open_tasks
from workflows.gates import is_paused
from workflows.runtime import Runtime
from workflows.views import counts_by_state

_NOT_OPEN = (RequestState.CLOSED, RequestState.HELD)
_MOST = 10
_WIDTH = 600


def pages(shell: Shell) -> Blueprint:
    """Today."""
    rt = shell.rt
    blueprint = Blueprint("today", __name__)

    @blueprint.get("/")
    @allow(EVERYONE)
    def today() -> BaseResponse:
        with rt.unit() as session:
            due = _due_groups(session, rt)
            states = counts_by_state(session)
            tasks = open_tasks(session, shell)[:_MOST] if g.user.role in LIST else []
            down = session.scalars(
                select(SourceHealth.source).where(SourceHealth.open_until > rt.now()).order_by(SourceHealth.source)
            ).all()
            paused = [row.source for row in session.scalars(select(SourceHealth)) if is_paused(rt, row)]
        away = {
            key: [shell.catalogue.source_label(name, g.t.language) for name in sorted(names)]
            for key, names in (("down", down), ("paused", paused))
        }
        numbers = {
            "open": sum(due.values()),
            "deciding": states.get(RequestState.DECIDING.value, 0),
            "held": states.get(RequestState.HELD.value, 0),
            "closed": states.get(RequestState.CLOSED.value, 0),
        }
        return shell.page(
            "today.html",
            due=due,
            bar=bar(due),
            numbers=numbers,
            tasks=tasks,
            down=away["down"],
            paused=away["paused"],
        )

    return blueprint


def _due_groups(session: Session, rt: Runtime) -> dict[str, int]:
    today = rt.today()
    groups = {"overdue": 0, "week": 0, "later": 0}
    for due_on in session.scalars(select(Request.due_on).where(Request.state.not_in(_NOT_OPEN))):
        if due_on < today:
            groups["overdue"] += 1
        elif due_on <= today + timedelta(days=7):
            groups["week"] += 1
        else:
            groups["later"] += 1
    return groups


def bar(groups: dict[str, int]) -> Sequence[dict[str, Any]]:
    """The pieces of the deadline bar: where each begins and how wide it is, in SVG units."""
    total = sum(groups.values())
    pieces, at = [], 0.0
    for name, count in groups.items():
        width = _WIDTH * count / total if total else 0.0
        if count:
            pieces.append({"name": name, "count": count, "x": round(at, 1), "width": round(width, 1)})
        at += width
    return pieces
