"""The planted cast: invented people whose records are made so that each shows one outcome.

Times are counted back from the day the register is made, so that the stories keep their ends on any day.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from models.vocabulary import Outcome, Right
from workflows.demo.calendar import Ago

FIRST_NUMBER = 100_101
_FIVE_YEARS = Ago(years=5)


@dataclass(frozen=True, slots=True)
class Expected:
    """How a request of a member ends. `holds` are the rules that must be among those in the plan.

    `rows` name rows of the decision matrix. Where a person must act first, `note` says what.
    """

    outcome: Outcome
    holds: tuple[str, ...] = ()
    rows: tuple[str, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class Deal:
    """A contract and its metering points. `stored` are the times for which values are kept, from and until.

    Without `stored`: the last sixty days of the contract. `at` puts it on another member's point.
    """

    start: Ago
    end: Ago | None = None
    site: str = "flat"
    points: int = 1
    stored: tuple[tuple[Ago, Ago], ...] = ()
    solar: bool = False
    energy: bool = True
    joint: str = ""
    at: str = ""
    bills_for_years: int = 3


@dataclass(frozen=True, slots=True)
class Debt:
    """An invoice that is not simply paid. `open_cents` below zero is money owed to the customer."""

    due: Ago
    cents: int
    open_cents: int
    reminded: tuple[Ago, ...] = ()
    judged: Ago | None = None
    disputed: bool = False
    claim: str = ""  # its state at the collection agency
    sold: Ago | None = None
    co_debtor: str = ""


@dataclass(frozen=True, slots=True)
class RoleAt:
    """Speaking for a company."""

    company: str
    role: str = "laskutus"
    ended: Ago | None = None


@dataclass(frozen=True, slots=True)
class Member:
    """One of the cast."""

    slug: str
    last: str
    first: str
    born: date
    woman: bool
    story: str
    erasure: Expected
    language: str = "fi"
    kind: str = "H"
    since: Ago = _FIVE_YEARS
    deals: tuple[Deal, ...] = ()
    debts: tuple[Debt, ...] = ()
    roles: tuple[RoleAt, ...] = ()
    bans: tuple[str, ...] = ()
    outages: tuple[Ago, ...] = ()
    old_last: str = ""
    old_address: bool = False
    email: str = ""  # "" makes one from the name
    home_of: str = ""  # lives with another member
    has_hetu: bool = True
    protected: bool = False
    twin: bool = False  # has a second customer number
    on_file: bool = True
    rows: tuple[str, ...] = ("M01", "M15")
    other: Mapping[Right, Expected] = field(default_factory=dict)

    def expected(self, right: Right) -> Expected:
        """How a request for this right ends; access and portability are delivered unless the story says otherwise."""
        if right is Right.ERASURE:
            return self.erasure
        return self.other.get(right, Expected(Outcome.DELIVERED, (), self.rows))


def kept(*holds: str, rows: str = "", note: str = "") -> Expected:
    """Nothing may go yet."""
    return Expected(Outcome.KEPT, holds, tuple(rows.split()), note)


def partly(*holds: str, rows: str = "", note: str = "") -> Expected:
    """Some goes now, the rest when its holds end."""
    return Expected(Outcome.PARTLY_ERASED, holds, tuple(rows.split()), note)


def erased(*, rows: str = "", note: str = "") -> Expected:
    """All goes."""
    return Expected(Outcome.ERASED, (), tuple(rows.split()), note)


def by_hand(rows: str, note: str) -> dict[Right, Expected]:
    """Every right is answered by a person."""
    return {right: Expected(Outcome.BY_HAND, (), (rows,), note) for right in (Right.ACCESS, Right.PORTABILITY)}
