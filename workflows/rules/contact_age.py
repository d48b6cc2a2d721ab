"""Whether a contact on file has stood there long enough to prove somebody by it."""

from datetime import date, timedelta
from typing import Literal


def unsettled(since: str, *, asked_on: date, days: int) -> Literal["", "changed", "unknown"]:
    """ "" where the contact stood unchanged for `days` when the request came, else why it proves nobody.

    Whoever takes over a mailbox or a log-in changes the address first and asks for the data next. `since` is a day
    or an instant as a source writes it; with 0 `days` nothing is asked of it.

    Source: GDPR Art. 12(6), 32(1).
    """
    if days == 0:
        return ""
    try:
        day = date.fromisoformat(since[:10])
    except ValueError:
        return "unknown"
    return "" if day <= asked_on - timedelta(days=days) else "changed"
