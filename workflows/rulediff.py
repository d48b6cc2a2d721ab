"""What a change of the hold rules does to open schedules, and a person's word that it may."""

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from models.decision import Plan
from models.holds import RuleSet
from models.request import Request
from models.staff import HumanTask, StaffUser
from models.vocabulary import PlanState, RequestState, Role, TaskState
from workflows import audit
from workflows.casefile import open_key, seeds_for, seeds_of
from workflows.errors import BadInput, Conflict, Fault, NotAllowed
from workflows.fresh import manual_holds
from workflows.hand.sources import bound
from workflows.human import close_task
from workflows.planning import Planned, verdicts
from workflows.rules.hold_phases import is_later
from workflows.rules.holds import CompiledRules
from workflows.rules.items import Item, Verdict, canonical
from workflows.rulesets import adopted, in_force, note_rules, rules_digest
from workflows.runtime import Runtime
from workflows.schedule import waiting_items
from workflows.standing import opened

_LONGEST = 1000


@dataclass(slots=True)
class Moved:
    """One case: of how many of its kept records the day changes, and to which; `free`: not held any more."""

    reference: str
    later: int = 0
    earlier: int = 0
    free: int = 0
    until: date | None = None  # the last of the new days; None: some day is not known any more
    by: Counter[tuple[str, str, str]] = field(default_factory=Counter)  # (rule, category, later | earlier | free)

    def said(self) -> list[str | int | None]:
        """What a hash is over."""
        day = self.until.isoformat() if self.until else None
        return [self.reference, self.later, self.earlier, self.free, day]


@dataclass(frozen=True, slots=True)
class Diff:
    """All cases that a change concerns, and the hash by which it is adopted; no cases: nothing moves."""

    changed: bool  # whether the rules are not those that were adopted
    cases: tuple[Moved, ...]
    hash: str

    def by_rule(self) -> list[tuple[str, str, str, int]]:
        """(rule, category, later | earlier | free, records); a record that two rules move is counted at each."""
        every = sum((case.by for case in self.cases), Counter[tuple[str, str, str]]())
        return [(*key, count) for key, count in sorted(every.items())]


def diff(rt: Runtime) -> Diff:
    """Compare the adopted rules with the register's over every open schedule, as the sources are now.

    Changes nothing. Raises what a source raises that does not answer: nobody adopts what was not looked at.
    """
    note_rules(rt)
    with rt.unit() as session:
        old = in_force(session, rt)
        ids = session.scalars(
            select(Request.id).where(Request.state == RequestState.HELD).order_by(Request.reference)
        ).all()
    changed = old is not rt.holds
    cases = []
    for ident in ids if changed else ():
        moved = _moved(rt, ident, old)
        if moved.later or moved.earlier or moved.free:
            cases.append(moved)
    said = [rules_digest(rt).hex(), *(moved.said() for moved in cases)]
    return Diff(changed, tuple(cases), hashlib.sha256(b"vastine-diff-1\n" + canonical(said).encode()).hexdigest())


def _moved(rt: Runtime, ident: object, old: CompiledRules) -> Moved:
    with rt.unit() as session:
        request = session.get_one(Request, ident)
        plan = session.scalar(select(Plan).where(Plan.request_id == request.id, Plan.state == PlanState.APPROVED))
        moved = Moved(request.reference)
        if plan is None:
            return moved
        key = open_key(session, rt, request.data_key_id)
        waiting = {(s.row.source, s.row.collection, canonical(opened(key, s)[0])) for s in waiting_items(session, plan)}
        seeds, manual = seeds_of(session, key, request), manual_holds(session, rt, request)
        connectors = bound(session, rt, request, key)
    items: list[Item] = []
    for connector in connectors.values():
        usable = seeds_for(seeds, connector.entries())
        if usable:
            connector.collect(usable, lambda item: items.append(replace(item, series=((),) if item.series else ())))
    before = {p.where: p for p in verdicts(rt, items, manual, rules=old)}
    after = {p.where: p for p in verdicts(rt, items, manual)}
    _count(moved, before, after, waiting)
    return moved


def _count(
    moved: Moved,
    before: Mapping[tuple[str, str, str], Planned],
    after: Mapping[tuple[str, str, str], Planned],
    waiting: set[tuple[str, str, str]],
) -> None:
    days: list[date | None] = []
    for where in waiting & before.keys():
        one, other = before[where].verdict, after[where].verdict
        if one.erase_on == other.erase_on and bool(one.holds) == bool(other.holds):
            continue
        if one.holds and not other.holds:
            kind = "free"
            moved.free += 1
        elif is_later(other.erase_on, one.erase_on) or not one.holds:
            kind = "later"
            moved.later += 1
        else:
            kind = "earlier"
            moved.earlier += 1
        if other.holds:
            days.append(other.erase_on)
        for rule in _moving(one, other):
            moved.by[rule, before[where].category, kind] += 1
    known = [day for day in days if day is not None]
    moved.until = max(known) if known and len(known) == len(days) else None


def _moving(before: Verdict, after: Verdict) -> set[str]:
    """The rules that hold it now and not before, or the other way round, or until another day."""
    old, new = ({(hold.rule, hold.until) for hold in verdict.holds} for verdict in (before, after))
    return {rule for rule, _ in old ^ new}


def adopt(rt: Runtime, diff_hash: str, *, user: str) -> Diff:
    """From now on open schedules go by the register's rules; all of them are looked at again, once.

    Raises `NotAllowed` unless the user is a data protection officer, `Conflict` if the diff is not the one they saw.
    """
    with rt.unit() as session:
        _require_officer(session, user)
    seen = diff(rt)
    if not seen.changed:
        raise Conflict("no_change", detail="the rules are those that were adopted already")
    if seen.hash != diff_hash:
        raise Conflict("other_diff", detail="what the change does is not what you saw; look at it again")
    with rt.unit() as session:
        row = session.get_one(RuleSet, rules_digest(rt), with_for_update=True)
        if row.adopted_at is not None and rules_are(session, row):  # a click that came twice
            raise Conflict("no_change", detail="the rules are those that were adopted already")
        row.adopted_at, row.adopted_by, row.diff_hash = rt.now(), user, bytes.fromhex(diff_hash)
        row.refused_at, row.refused_by, row.refused_why = None, None, None
        held = (Request.state == RequestState.HELD) & Request.recheck_on.is_not(None)
        session.execute(update(Request).where(held).values(recheck_on=rt.today()))
        facts = {"rules": row.digest.hex(), "diff": diff_hash, "cases": len(seen.cases)}
        audit.record(session, "rules:adopted", at=rt.now(), actor=user, facts=facts)
        for task in _tasks(session, row.digest):
            close_task(session, rt, task, by=user, answer="adopted")
    return seen


def refuse(rt: Runtime, digest: str, *, user: str, reason: str) -> None:
    """Open schedules stay with the rules that were adopted, and nobody is asked any more about these.

    `digest` is that of the register's rules as the user saw them, in hex. The register itself is for whoever edits it
    to put back: what it holds is not erased meanwhile, and new cases go by it. Raises `NotAllowed` unless the user is a
    data protection officer, `BadInput` (reason), `Conflict` if there is nothing to refuse or the rules are others.
    """
    with rt.unit() as session:
        _require_officer(session, user)
    if not 10 <= len(reason.strip()) <= _LONGEST:
        raise BadInput([Fault("reason", "rules_reason", f"write one sentence, at most {_LONGEST} characters")])
    note_rules(rt)
    if digest != rules_digest(rt).hex():
        raise Conflict("other_rules", detail="the rules of the register are not those you saw; look again")
    with rt.unit() as session:
        row = session.get_one(RuleSet, rules_digest(rt), with_for_update=True)
        if rules_are(session, row):
            raise Conflict("no_change", detail="the rules are those that were adopted already")
        if row.refused_at is not None:
            raise Conflict("rules_refused", detail="these rules were refused already")
        row.refused_at, row.refused_by, row.refused_why = rt.now(), user, reason.strip()
        audit.record(session, "rules:refused", at=rt.now(), actor=user, facts={"rules": row.digest.hex()})
        for task in _tasks(session, row.digest):
            close_task(session, rt, task, by=user, answer="refused")


def held_cases(session: Session) -> int:
    """How many open schedules a diff has to look at."""
    return session.scalar(select(func.count()).where(Request.state == RequestState.HELD)) or 0


def rules_are(session: Session, row: RuleSet) -> bool:
    """Whether this set is the one that open schedules go by."""
    last = adopted(session)
    return last is not None and last.digest == row.digest


def _require_officer(session: Session, user: str) -> None:
    staff = session.get(StaffUser, user)
    if staff is None or staff.disabled_at is not None or staff.role is not Role.DPO:
        raise NotAllowed("role", detail="a word on a change of the rules needs the role dpo")


def _tasks(session: Session, digest: bytes) -> Iterator[HumanTask]:
    key = f"rules:{digest.hex()}"
    yield from session.scalars(select(HumanTask).where(HumanTask.key == key, HumanTask.state == TaskState.OPEN))
