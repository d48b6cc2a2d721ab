"""When something belongs to a person: sets of [start, end) in dates at the controller's seat.

`ALWAYS` (None) is the whole of time. A place such as a metering point is a person's only while the
contract runs; what was found through it inherits that.
"""

from collections.abc import Iterable
from datetime import date

Span = tuple[date | None, date | None]
Windows = frozenset[Span] | None
ALWAYS: Windows = None


def union(one: Windows, other: Windows) -> Windows:
    """Either of them."""
    if one is None or other is None:
        return None
    return one | other


def both(one: Windows, other: Windows) -> Windows:
    """What lies in each of them."""
    if one is None:
        return other
    if other is None:
        return one
    spans = ((_later(a[0], b[0]), _earlier(a[1], b[1])) for a in one for b in other)
    return frozenset(s for s in spans if s[0] is None or s[1] is None or s[0] < s[1])


def covers(windows: Windows, day: date) -> bool:
    """Whether the day is in it."""
    if windows is None:
        return True
    return any((s is None or s <= day) and (e is None or day < e) for s, e in windows)


def of_span(start: date | None, end: date | None) -> Windows:
    """The set of this one span; without ends it is always."""
    return None if start is None and end is None else frozenset({(start, end)})


def merged(windows: Iterable[Span]) -> list[Span]:
    """The same days as few spans, in order, none touching another."""
    ordered = sorted(windows, key=lambda s: (s[0] or date.min, s[1] or date.max))
    result: list[Span] = []
    for start, end in ordered:
        last = result[-1] if result else None
        if last is not None and (last[1] is None or (start or date.min) <= last[1]):
            result[-1] = (last[0], None if last[1] is None or end is None else max(last[1], end))
        else:
            result.append((start, end))
    return result


def _later(one: date | None, other: date | None) -> date | None:
    return max((d for d in (one, other) if d is not None), default=None)


def _earlier(one: date | None, other: date | None) -> date | None:
    return min((d for d in (one, other) if d is not None), default=None)
