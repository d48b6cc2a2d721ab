"""What the page of a case shows of less proof that was asked for."""

from typing import Any

from flask import g
from sqlalchemy.orm import Session

from models.request import Request
from models.vocabulary import RequestState
from webhooks.console.roles import DECIDE, RECORDS
from webhooks.console.shell import Shell
from workflows.ladder import lowering
from workflows.ladder.rungs import is_lowered, risk


def lowering_facts(session: Session, shell: Shell, case: Request) -> dict[str, Any] | None:
    """What the case's page shows of it; None where it would be no use, or the reader may not know why."""
    if case.state is not RequestState.VERIFYING or g.user.role not in RECORDS:
        return None
    asked = lowering.asked_of(session, shell.rt, case)
    return {
        "risk": risk(shell.rt, case),
        "lowered": is_lowered(session, case),
        "asked": asked,
        "mine": asked is not None and asked.by == g.user.name,
        "may_confirm": g.user.role in DECIDE,
    }
