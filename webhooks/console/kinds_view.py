"""Of which kinds of data a case gives a copy, as its page shows it."""

from typing import Any

from flask import g

from models.request import Request
from webhooks.console.shell import Shell
from webhooks.kinds import kinds_of_data, names_of
from workflows.narrowing import may_narrow
from workflows.rules.narrowed import NARROWABLE


def kinds_facts(shell: Shell, request: Request) -> dict[str, Any] | None:
    """What was asked for, and what could be; None where no copy is given, or nothing can be chosen."""
    known = kinds_of_data(shell.rt, g.t)
    codes = request.categories or []
    if request.right not in NARROWABLE or not (known or codes):
        return None
    return {"asked": names_of(shell.rt, g.t, codes), "codes": codes, "known": known, "may": may_narrow(request)}
