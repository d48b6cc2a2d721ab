"""The messages of a case as its page shows them."""

from typing import Any

from flask import g
from sqlalchemy.orm import Session

from models.request import Request
from webhooks.console.roles import RECORDS
from webhooks.console.shell import Shell
from workflows import thread
from workflows.rules.form import MESSAGE_CHARACTERS


def thread_facts(session: Session, shell: Shell, case: Request) -> dict[str, Any]:
    """The messages as this reader may see them."""
    return {
        "lines": thread.thread_of(session, shell.rt, case, all_words=True) if g.user.role in RECORDS else [],
        "over": thread.is_over(case),
        "proven": case.proof_sealed is not None,
        "longest": MESSAGE_CHARACTERS,
    }
