"""What the page of a case shows of its restriction or objection."""

from typing import Any

from flask import g
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models.request import Request
from models.restriction import RestrictedItem, Restriction, Weighed, Weighing
from models.staff import HumanTask
from models.vocabulary import RequestState, Right, TaskState
from webhooks.console.roles import NAMES
from webhooks.console.shell import Shell
from workflows.ports import RequestKey
from workflows.restricting.lifting import CODES, may_lift
from workflows.restricting.naming import GROUNDS, note_of
from workflows.restricting.work import BY_HAND
from workflows.restriction import restriction_of

_NAMING = (RequestState.VERIFYING, RequestState.COLLECTING, RequestState.ASSESSING, RequestState.DECIDING)


def restriction_facts(session: Session, shell: Shell, request: Request, key: RequestKey | None) -> dict[str, Any]:
    """Facts for the page; {} for a case that is about neither."""
    if request.right not in (Right.RESTRICTION, Right.OBJECTION):
        return {}
    row = restriction_of(session, request)
    plain = key is not None and g.user.role in NAMES
    lifting = row is not None and row.lift_on is not None and row.ended_at is None
    return {
        "objection": request.right is Right.OBJECTION,
        "ground": row.ground.value if row and row.ground else "",
        "note": note_of(key, row) if plain and key and row else "",
        "categories": row.categories if row else [],
        "sources": row.sources if row else [],
        "since": row.since if row else None,
        "ended_at": row.ended_at if row else None,
        "ended_by": row.ended_by if row else "",
        "lift_on": row.lift_on if lifting and row else None,
        "may_name": request.right is Right.RESTRICTION and request.state in _NAMING,
        "may_tell": request.state is RequestState.HELD and not lifting and bool(row and row.since),
        "may_keep": request.state is RequestState.HELD and lifting,
        "may_lift": request.state is RequestState.HELD
        and row is not None
        and may_lift(session, shell.rt, request, row),
        "may_weigh": request.right is Right.OBJECTION and request.state is RequestState.DECIDING,
        "weighed": _weighing(session, request, key if plain else None),
        "how": _how(session, row),
        "hand": _hand(session, shell, request),
        "grounds": [ground.value for ground in GROUNDS],
        "codes": CODES,
        "results": [word.value for word in Weighed],
        "all_categories": [(c, spec.label.get(g.t.language)) for c, spec in shell.rt.register.categories.items()],
        "all_sources": [(s, shell.catalogue.source_label(s, g.t.language)) for s in shell.rt.register.sources],
    }


def _how(session: Session, row: Restriction | None) -> list[tuple[str, int]]:
    if row is None:
        return []
    counted = select(RestrictedItem.how, func.count()).where(RestrictedItem.restriction_id == row.id)
    return [(how.value, n) for how, n in session.execute(counted.group_by(RestrictedItem.how)).all()]


def _hand(session: Session, shell: Shell, request: Request) -> list[dict[str, Any]]:
    open_ones = select(HumanTask).where(
        HumanTask.request_id == request.id,
        HumanTask.state == TaskState.OPEN,
        HumanTask.code.in_(BY_HAND.values()),
    )
    return [
        {
            "id": task.id,
            "code": task.code,
            "items": task.facts["items"],
            "source": shell.catalogue.source_label(str(task.facts["source"]), g.t.language),
        }
        for task in session.scalars(open_ones)
    ]


def _weighing(session: Session, request: Request, key: RequestKey | None) -> dict[str, Any]:
    row = session.get(Weighing, request.id)
    if row is None:
        return {}
    sealed = {"ours": row.ours_sealed, "theirs": row.theirs_sealed}
    words = {n: key.open(s, f"weighings.{n}:{request.id}").decode() for n, s in sealed.items() if key and s}
    return {"result": row.result.value, "by": row.weighed_by, "at": row.weighed_at, **words}
