"""What the page of a case shows of what is held back from its answer."""

from typing import Any

from flask import g
from sqlalchemy.orm import Session

from models.refusing import Withholding
from models.request import Request
from webhooks.console.roles import RECORDS
from webhooks.console.shell import Shell
from workflows.ports import RequestKey
from workflows.register.grounds import grounds_with
from workflows.withholding import mark_of, may_withhold, reason_of, withheld, withholding_grounds


def withholding_facts(
    session: Session, shell: Shell, request: Request, key: RequestKey | None
) -> dict[str, Any] | None:
    """Facts for the page; None where nothing is held back or could be, or the reader may not know of what."""
    if g.user.role not in RECORDS or key is None:
        return None
    rt, may = shell.rt, may_withhold(request)
    rows = [_row(shell, request, row, key) for row in withheld(session, request)]
    if not rows and not may:
        return None
    mine = {row["category"]: row["seen"] for row in rows if row["here"]}
    return {
        "rows": rows,
        "may": may,
        "categories": [
            (code, f"{code} {shell.catalogue.category_label(code, g.t.language)}", mine.get(code, ""))
            for code in sorted(rt.register.categories)
        ],
        "grounds": [(ground.id, getattr(ground.text, g.t.language)) for ground in withholding_grounds(rt)],
    }


def _row(shell: Shell, request: Request, row: Withholding, key: RequestKey) -> dict[str, Any]:
    here = row.request_id == request.id  # one that completes an earlier answer holds back what that one held back
    ground = grounds_with(shell.rt.register.grounds).get(row.ground)
    return {
        "category": row.category,
        "label": shell.catalogue.category_label(row.category, g.t.language) or row.category,
        "ground": getattr(ground.text, g.t.language) if ground else row.ground,
        "reason": reason_of(row, key) if here else "",
        "by": row.withheld_by,
        "at": row.withheld_at,
        "here": here,
        "seen": mark_of(row),
    }
