"""The ladder of reminders to staff: who is told when, while a request is not answered.

The early rungs count from receipt. The late ones keep their distance to due date A as well, so that they
come in time in February and start again after an extension. Each rung happens once; after a standstill
only the highest that is due is sent, the lower ones are put on record as overtaken.

Source: GDPR Art. 12(3)-(4), the controller's duty to answer in time; the days are our policy.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from models.vocabulary import RequestState
from workflows.rules.deadlines import is_working_day

_MONTH = 30  # the ladder is written for a month of so many days
_ANSWERED = frozenset({RequestState.HELD, RequestState.CLOSED})
_OPEN = frozenset(RequestState) - _ANSWERED


@dataclass(frozen=True, slots=True)
class Step:
    """One line of the ladder: `day` after receipt; `late` rungs also keep their distance to the due date."""

    name: str
    day: int
    recipients: tuple[str, ...]
    states: frozenset[RequestState] = _OPEN
    late: bool = False
    daily: bool = False  # again each day up to the due date
    only: str = ""  # a name of a bool of `ReminderFacts` that must be true


LADDER: tuple[Step, ...] = (
    Step("identity_3", 3, ("caseworker",), states=frozenset({RequestState.VERIFYING})),
    Step("department_5", 5, ("caseworker",), only="open_tasks"),
    Step("identity_7", 7, ("caseworker",), states=frozenset({RequestState.VERIFYING})),
    Step("department_8", 8, ("caseworker",), only="open_tasks"),
    Step("department_10", 10, ("caseworker", "manager"), only="open_tasks"),
    Step("identity_14", 14, ("caseworker", "dpo"), states=frozenset({RequestState.VERIFYING})),
    Step(
        "holds_14",
        14,
        ("dpo",),
        states=frozenset({RequestState.ASSESSING, RequestState.DECIDING}),
        only="needs_decision",
    ),
    Step("extension_21", 21, ("dpo",), only="may_be_extended"),
    Step("letter_22", 22, ("caseworker",), late=True),
    Step("gap_23", 23, ("caseworker", "dpo"), late=True, only="source_silent"),
    Step("dpo_25", 25, ("dpo",), late=True),
    Step("last_days", 27, ("dpo", "deputy"), late=True, daily=True),
    Step("management_29", 29, ("dpo", "deputy", "management"), late=True),
)
"""All rungs but those that count otherwise.

`acknowledge`: the next working day; `target`: the day we mean to answer by; `overdue`: after the due date.
"""


@dataclass(frozen=True, slots=True)
class ReminderFacts:
    """What the ladder must know of a request. `due_a` is the due date in force, after any extension."""

    received_on: date
    due_a: date
    state: RequestState
    acknowledged: bool = True
    extended: bool = False
    open_tasks: bool = False  # tasks wait in departments
    source_silent: bool = False  # a person has to choose between waiting for a source and naming a gap
    needs_decision: bool = True  # an erasure or anything else that people decide
    target_on: date | None = None  # the day we mean to answer by, inside the law's; None: no such day
    country: str = "FI"

    @property
    def may_be_extended(self) -> bool:
        """Whether the question of an extension is still open."""
        return not self.extended


@dataclass(frozen=True, slots=True)
class Rung:
    """A rung with its day. (`name`, `counted_from`) names it for good: a new due date makes late rungs new."""

    name: str
    on: date
    recipients: tuple[str, ...]
    counted_from: date


@dataclass(frozen=True, slots=True)
class DueRungs:
    """What to do now: send one at most, and record the overtaken ones as never to be sent."""

    send: Rung | None
    supersede: tuple[Rung, ...] = ()


def ladder(facts: ReminderFacts) -> tuple[Rung, ...]:
    """Every rung that applies to the request as it stands, lowest first."""
    if facts.state in _ANSWERED:
        return ()
    rungs = [rung for step in LADDER if _applies(step, facts) for rung in _rungs(step, facts)]
    if not facts.acknowledged:
        day = facts.received_on + timedelta(days=1)
        while not is_working_day(day, country=facts.country):
            day += timedelta(days=1)
        rungs.append(Rung("acknowledge", day, ("caseworker",), facts.received_on))
    if facts.target_on is not None and not facts.extended and facts.target_on < facts.due_a:
        rungs.append(Rung("target", facts.target_on, ("caseworker",), facts.received_on))
    rungs.append(Rung("overdue", facts.due_a + timedelta(days=1), ("dpo", "deputy", "management"), facts.due_a))
    return tuple(sorted(rungs, key=lambda rung: rung.on))  # stable: on one day, the ladder's own order


def due_rungs(facts: ReminderFacts, today: date, already_sent: Collection[tuple[str, date]]) -> DueRungs:
    """The highest rung that is due and was not sent, and the lower ones it overtakes.

    `already_sent` has (name, counted_from) of every rung sent or overtaken before; adding the result to it
    and asking again gives nothing. A rung below one that was sent is overtaken too.
    """
    due = [rung for rung in ladder(facts) if rung.on <= today]
    new = [rung for rung in due if (rung.name, rung.counted_from) not in already_sent]
    if not new:
        return DueRungs(None)
    if new[-1] is due[-1]:
        return DueRungs(new[-1], tuple(new[:-1]))
    return DueRungs(None, tuple(new))


def _applies(step: Step, facts: ReminderFacts) -> bool:
    return facts.state in step.states and (not step.only or bool(getattr(facts, step.only)))


def _rungs(step: Step, facts: ReminderFacts) -> Iterator[Rung]:
    from_receipt = facts.received_on + timedelta(days=step.day)
    from_due = facts.due_a - timedelta(days=_MONTH - step.day)
    if not step.late:
        # The question of an extension has its own end, the others only start.
        on = min(from_receipt, from_due) if step.only == "may_be_extended" else from_receipt
        yield Rung(step.name, on, step.recipients, facts.received_on)
        return
    on = max(facts.received_on, from_due if facts.extended else min(from_receipt, from_due))
    if not step.daily:
        yield Rung(step.name, on, step.recipients, facts.due_a)
        return
    for n in range((facts.due_a - on).days + 1):
        yield Rung(f"{step.name}_{n + 1}", on + timedelta(days=n), step.recipients, facts.due_a)
