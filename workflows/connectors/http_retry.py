"""When a service wants to be asked again."""

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

LONGEST = 86_400.0


def seconds_asked(headers: Mapping[str, str], *, now: datetime | None = None) -> float | None:
    """What `Retry-After` says, from one second to a day; None where it says nothing that can be understood.

    Source: RFC 9110 section 10.2.3.
    """
    text = headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return min(max(float(text[:12]), 1.0), LONGEST)
    try:
        then = parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
    if then.tzinfo is None:
        then = then.replace(tzinfo=UTC)
    return min(max((then - (now or datetime.now(UTC))).total_seconds(), 1.0), LONGEST)
