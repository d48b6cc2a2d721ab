"""One sentence for records that are held alike and go one by one, such as the days of a time series."""

from collections.abc import Sequence
from dataclasses import replace

from workflows.errors import NeverAgain
from workflows.rules.items import HoldMatch


def later(one: Sequence[HoldMatch], other: Sequence[HoldMatch]) -> tuple[HoldMatch, ...]:
    """The same holds with the later end of each; no end known in either: none known.

    For lines that stand for many records: "the last of them on {date}". Raises `NeverAgain("other_holds")`
    unless both have the same rules in the same order.
    """
    if [hold.rule for hold in one] != [hold.rule for hold in other]:
        raise NeverAgain("other_holds", detail="only records held by the same rules can share a line")
    return tuple(
        replace(
            a,
            until=max(a.until, b.until) if a.until and b.until else None,
            unknown=a.unknown or b.unknown,
        )
        for a, b in zip(one, other, strict=True)
    )
