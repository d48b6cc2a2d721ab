"""What a mandate must show, how far it goes and when it ends: check lists as data, verdicts as pure functions.

Whoever acts for another proves two things, who they are and by what right they act; neither stands for the other.
Source: GDPR Art. 12(2), 12(6); EDPB Guidelines 01/2022 para. 80-82.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from models.vocabulary import Right
from workflows.errors import Fault

OF_AGE = 18
KINDS = ("guardian", "trustee", "lawyer", "power", "company", "estate")
"""By what right somebody may say that they act; what each has to show is data of the register."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a check list. `rights`: those it is for, none for all; `from_age`: only for a child this old."""

    code: str
    rights: frozenset[Right] = frozenset()
    from_age: int | None = None

    def is_for(self, right: Right, age: int | None) -> bool:
        """Whether it has to be ticked for this right, about a child of this age (None: not a child)."""
        wanted = not self.rights or right in self.rights
        return wanted and (self.from_age is None or (age is not None and age >= self.from_age))


@dataclass(frozen=True, slots=True)
class CheckList:
    """One kind of mandate. `rights`: what it can allow at all; none for somebody who has died."""

    kind: str
    lines: tuple[Line, ...]
    rights: frozenset[Right]
    two_people: frozenset[Right]  # rights for which two members of staff must say that it is real
    longest_days: int  # after which somebody has to look again, whatever the document says
    of_minor: bool = False
    narrow: bool = False  # it never goes without naming the categories of data it is about

    @property
    def ends_here(self) -> bool:
        """Whether it is never accepted: the law on personal data does not cover the dead."""
        return not self.rights


@dataclass(frozen=True, slots=True)
class Scope:
    """How far one mandate goes: from and until are its first and last day."""

    rights: frozenset[Right]
    from_on: date
    until_on: date
    categories: frozenset[str] | None = None  # None: all data


class Standing(StrEnum):
    """Where a mandate stands on a day."""

    CLAIMED = "claimed"
    REFUSED = "refused"
    NOT_YET = "not_yet"
    LIVE = "live"
    EXPIRED = "expired"
    REVOKED = "revoked"


def lines_needed(known: CheckList, right: Right, age: int | None) -> list[str]:
    """The codes that must be ticked before the mandate is taken as real, in the order of the list."""
    return [line.code for line in known.lines if line.is_for(right, age)]


def people_needed(known: CheckList, right: Right) -> int:
    """How many members of staff must say that it is real: two where a mistake could not be undone."""
    return 2 if right in known.two_people else 1


def last_day(known: CheckList, today: date, *, told: date | None, of_age_on: date | None = None) -> date:
    """The mandate's last day: what the document says, the day before a child comes of age, never longer than the kind
    allows from the day it was looked at.

    Source: Child Custody Act 361/1983 s. 3 (custody ends at 18).
    """
    ends = [today + timedelta(days=known.longest_days)]
    if told is not None:
        ends.append(told)
    if of_age_on is not None:
        ends.append(of_age_on - timedelta(days=1))
    return min(ends)


def age_on(born_on: date, day: date) -> int:
    """Full years. Somebody born on 29 February is a year older on 1 March."""
    return day.year - born_on.year - ((day.month, day.day) < (born_on.month, born_on.day))


def of_age_on(born_on: date) -> date:
    """The day somebody comes of age."""
    try:
        return born_on.replace(year=born_on.year + OF_AGE)
    except ValueError:  # 29 February
        return date(born_on.year + OF_AGE, 3, 1)


def faults_of(
    known: CheckList, right: Right, scope: Scope, *, today: date, age: int | None, ticked: Collection[str]
) -> list[Fault]:
    """Why the mandate can't be taken as real for this right today; nothing where it can.

    `age` of the child that it is about, None for a grown person.
    """
    if known.ends_here:
        return [Fault("kind", "mandate_of_the_dead", "answer with the letter to the estate")]
    faults: list[Fault] = []
    if right not in known.rights:
        faults.append(Fault("kind", "mandate_never_for_this", "a mandate of this kind does not allow this right"))
    if right not in scope.rights:
        faults.append(Fault("rights", "mandate_not_for_this", "the mandate does not name what is asked for"))
    if known.narrow and not scope.categories:
        faults.append(Fault("categories", "mandate_categories", "name the categories of data it is about"))
    faults += _days(scope, today)
    if known.of_minor and age is None:
        faults.append(Fault("born_on", "mandate_age_unknown", "say when the child was born"))
    if known.of_minor and age is not None and not 0 <= age < OF_AGE:
        faults.append(Fault("born_on", "mandate_of_age", "a grown person asks themselves, or gives a power"))
    missing = [code for code in lines_needed(known, right, age) if code not in ticked]
    faults += [Fault(f"check_{code}", "mandate_unchecked", "tick it once you have seen it") for code in missing]
    return faults


def _days(scope: Scope, today: date) -> Sequence[Fault]:
    if scope.until_on < scope.from_on:
        return [Fault("until", "mandate_days", "the last day can't be before the first")]
    if scope.until_on < today:
        return [Fault("until", "mandate_over", "the mandate has run out; ask for a new one")]
    if today < scope.from_on:
        return [Fault("from", "mandate_not_begun", "the mandate begins later; wait for that day")]
    return []


def covers(scope: Scope | None, category: str) -> bool:
    """Whether data of this category are within the mandate."""
    return scope is None or scope.categories is None or category in scope.categories


def standing_on(
    day: date, *, state: str, from_on: date | None, until_on: date | None, ended_why: str | None
) -> Standing:
    """Where a mandate stands. One without a last day is not live: somebody has to say when it ends."""
    if state != "proven":
        return Standing.REFUSED if state == "refused" else Standing.CLAIMED
    if ended_why is not None:
        return Standing.EXPIRED if ended_why == Standing.EXPIRED.value else Standing.REVOKED
    if until_on is None or until_on < day:
        return Standing.EXPIRED
    return Standing.NOT_YET if from_on is not None and day < from_on else Standing.LIVE
