"""Faults as plain text for a terminal."""

from collections.abc import Sequence

from workflows.errors import Fault


def report(faults: Sequence[Fault], *, sign: str = "✖") -> str:
    """One line per fault: `✖ file:line  what → remedy`, the columns aligned; "" if there is none."""
    width = max((len(f.where) for f in faults), default=0)
    return "\n".join(f"{sign} {f.where:<{width}}  {f.what}" + (f" → {f.remedy}" if f.remedy else "") for f in faults)
