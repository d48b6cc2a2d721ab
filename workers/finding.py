"""One line of `vastine check`."""

from dataclasses import dataclass
from typing import Literal

from workflows.errors import Fault

Status = Literal["ok", "warn", "fail"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the check."""

    area: str
    name: str
    status: Status
    text: str
    remedy: str = ""


def of_fault(area: str, fault: Fault, status: Status) -> Finding:
    """A fault as a line of this area."""
    return Finding(area, fault.where, status, fault.what, fault.remedy)
