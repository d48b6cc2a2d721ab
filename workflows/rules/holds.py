"""Which rules forbid to erase an item, until when, and what may go all the same.

A hold is judged for each item. Whatever can't be told holds: an error in a rule, a fact its source could
not give, a date that is none. Such a hold has no end and is marked `unknown`, so that a person looks.

Source: GDPR Art. 17(1), 17(3); the acts named by each rule.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from models.vocabulary import Action, Ownership
from workflows.errors import BadInput, Fault
from workflows.rules.hold_outcomes import CompiledRule, Ruling, Rulings, reason_of
from workflows.rules.hold_phases import first_free_day
from workflows.rules.hold_rules import HoldRuleLike, check_rule, law_text, placeholders
from workflows.rules.item_facts import ItemFacts
from workflows.rules.items import FACTS, HoldMatch, Item, Verdict
from workflows.rules.subject import Subject, subject_facts

ErasureKind = Callable[[Item], tuple[Action, tuple[str, ...]]]
"""What erasing means for an item: the action, and its fields (MASK: those to empty; DELETE: those that
could be emptied instead, if only part may go; none named means all but the locator's)."""

Roles = Callable[[str, str], Mapping[str, str]]
"""(source, collection) to the role of each field that has one."""


@dataclass(frozen=True, slots=True)
class ManualHoldFacts:
    """A hold a person placed; `until` is its last day if it is known, no category means every one.

    `of` says which records, where it is not about all of them.
    """

    rule: str
    until: date | None
    category: str | None = None
    params: Mapping[str, str] = field(default_factory=dict)
    of: Callable[[Item], bool] | None = None


@dataclass(frozen=True, slots=True)
class CompiledRules:
    """All active rules, and which concern a category. `laws` has those that are not active too."""

    by_category: Mapping[str, tuple[CompiledRule, ...]]
    laws: Mapping[str, str]


def compile_rules(rules: Sequence[HoldRuleLike]) -> CompiledRules:
    """Check and compile the rules once.

    Raises `BadInput` with one `Fault` per mistake in any of them, active or not; `where` is
    "holds.RULE.trigger:LINE:COLUMN" or "holds.RULE.PART".
    """
    faults: list[Fault] = []
    by_category: dict[str, list[CompiledRule]] = {}
    laws: dict[str, str] = {}
    for rule in rules:
        if rule.id in laws:
            faults.append(Fault(f"holds.{rule.id}", "there are two rules of this name", "Name each rule once."))
        laws[rule.id] = law_text(rule)
        trigger, until, wrong = check_rule(rule)
        faults += wrong
        if wrong or not rule.active or trigger is None or until is None:
            continue
        compiled = CompiledRule(
            id=rule.id,
            law=laws[rule.id],
            valid_from=rule.valid_from,
            valid_to=rule.valid_to,
            categories={c: None if keep == "all" else frozenset(keep) for c, keep in rule.categories.items()},
            trigger=trigger,
            until=until,
            needs=trigger.names & FACTS.keys(),
            subject_needs=frozenset(n for n in trigger.names if n.startswith("subject_")),
            words=placeholders(rule.text.en) - {"date"},
        )
        for category in rule.categories:
            by_category.setdefault(category, []).append(compiled)
    if faults:
        raise BadInput(faults)
    return CompiledRules({category: tuple(found) for category, found in by_category.items()}, laws)


def not_applying(compiled: CompiledRules, category: str, declared: Iterable[str]) -> tuple[str, ...]:
    """The rules over this category that a collection declaring only these facts can never trigger, by name.

    For whoever checks a register: a voucher table without `fiscal_year_end` would escape the accounting rules.
    """
    known = frozenset(declared)
    rules = compiled.by_category.get(category, ())
    return tuple(r.id for r in rules if r.needs and not r.subject_needs and not r.needs & known)


def assess(
    items: Iterable[Item],
    compiled: CompiledRules,
    *,
    today: date,
    roles: Roles,
    erasure_kind: ErasureKind,
    manual: Sequence[ManualHoldFacts] = (),
    subject: Subject | None = None,
) -> Iterator[tuple[Item, Verdict]]:
    """Each item with its verdict, in order, streaming.

    `items` are all items of one person; they are gone through twice unless `subject` (from
    `subject_facts`) is given, so then they must not be a one-time iterator (TypeError).
    """
    if subject is None:
        if iter(items) is items:
            raise TypeError("items can be iterated only once: give a sequence, or subject=subject_facts(...)")
        subject = subject_facts(items, today=today)
    judge = _Judge(compiled, today, roles=roles, erasure_kind=erasure_kind, manual=manual, subject=subject)
    return ((item, judge.verdict(item)) for item in items)


class _Judge:
    """One assessment: the rules in force today, the person's facts, and what else a verdict needs."""

    def __init__(
        self,
        compiled: CompiledRules,
        today: date,
        *,
        roles: Roles,
        erasure_kind: ErasureKind,
        manual: Sequence[ManualHoldFacts],
        subject: Subject,
    ) -> None:
        self._today = today
        self._roles = roles
        self._known_roles: dict[tuple[str, str], Mapping[str, str]] = {}
        self._erasure_kind = erasure_kind
        self._manual = [hold for hold in manual if hold.until is None or today <= hold.until]
        self._laws = compiled.laws
        self._subject = subject
        self._known_subject = {name: value for name, value in subject.facts.items() if value is not None}
        self._known_subject["today"] = today.isoformat()
        in_force = {
            category: [r for r in rules if _in_force(r, today)] for category, rules in compiled.by_category.items()
        }
        self._rulings = Rulings(in_force, self._known_subject, today=today)

    def verdict(self, item: Item) -> Verdict:
        if item.ownership is not Ownership.OWN or item.referenced:
            return Verdict(Action.KEEP, (), (), _untouchable(item), None)
        ruling = self._rulings.of(item)
        action, fields = self._erasure_kind(item)
        if ruling.kept is not None and action is not Action.KEEP and not self._manual:
            return ruling.kept
        holds = self._holds(item, ruling)
        if action is Action.KEEP:
            return Verdict(Action.KEEP, (), holds, "register", None)
        if not holds:
            return Verdict(action, () if action is Action.DELETE else fields, (), "no_hold", None)
        erase_on = first_free_day(holds)
        rest = self._rest(item, holds, action=action, fields=fields)
        if not rest:
            return Verdict(Action.KEEP, (), holds, reason_of(holds), erase_on)
        return Verdict(Action.MASK, rest, holds, reason_of(holds), erase_on)

    def _holds(self, item: Item, ruling: Ruling) -> tuple[HoldMatch, ...]:
        """Every rule and every hold placed by hand that holds this item today."""
        by_hand = [
            HoldMatch(hold.rule, self._laws.get(hold.rule, ""), hold.until, params=hold.params)
            for hold in self._manual
            if hold.category in (None, item.category) and (hold.of is None or hold.of(item))
        ]
        return (*by_hand, *(self._matches(item, ruling) if ruling.matches is None else ruling.matches))

    def _matches(self, item: Item, ruling: Ruling) -> Iterator[HoldMatch]:
        """Each rule that holds a part of this item, in the item's own words."""
        facts: ItemFacts | None = None
        for outcome in ruling.outcomes:
            if outcome.match is not None:
                yield outcome.match
                continue
            rule = outcome.rule
            keeps = self._keeps(rule, item)
            if keeps is None:
                continue
            if rule.words and facts is None:
                facts = ItemFacts(item, self._known_subject)
            params = self._params(rule, facts) if facts is not None and rule.words else {}
            yield HoldMatch(rule.id, rule.law, outcome.until, unknown=outcome.unknown, keeps=keeps, params=params)

    def _keeps(self, rule: CompiledRule, item: Item) -> tuple[str, ...] | None:
        """The fields the rule needs; none named: the whole record; None: it needs nothing of this record.

        A collection that says of no column what it is can't be cut: the whole record is kept. So is a day
        of a series.
        """
        wanted = rule.categories[item.category]
        if wanted is None or item.series:
            return ()
        where = (item.source, item.collection)
        roles = self._known_roles.get(where)
        if roles is None:
            roles = self._known_roles[where] = self._roles(*where)
        if not roles:
            return ()
        return tuple(sorted(name for name in item.fields if roles.get(name) in wanted)) or None

    def _rest(
        self, item: Item, holds: Sequence[HoldMatch], *, action: Action, fields: tuple[str, ...]
    ) -> tuple[str, ...]:
        """The fields that may lose their value now; empty if the whole record stays as it is."""
        if action not in (Action.DELETE, Action.MASK) or any(not hold.keeps for hold in holds):
            return ()
        kept = {name for hold in holds for name in hold.keeps}
        may_go = fields or tuple(name for name in item.fields if name not in _key(item))
        rest = tuple(name for name in may_go if name not in kept)
        return rest if any(item.fields.get(name) is not None for name in rest) else ()

    def _params(self, rule: CompiledRule, facts: ItemFacts) -> dict[str, str]:
        """Words for the sentence to the person: the item's own, or the claim's for what is held because of one."""
        words = facts.words()
        if "subject_open_balance" in rule.subject_needs and not facts.owes:
            words |= self._subject.claims
        if "subject_credit" in rule.subject_needs and not facts.is_owed:
            words |= self._subject.credits
        if "subject_collection_open" in rule.subject_needs and facts.known.get("collection_open") is not True:
            words |= self._subject.collections
        if "subject_role_active" in rule.subject_needs and "company" not in words:
            words |= self._subject.roles
        return {name: word for name, word in words.items() if name in rule.words}


def _untouchable(item: Item) -> str:
    """Why this record is never erased for this person, whatever the rules say; "" if nothing stands against it."""
    if item.ownership is not Ownership.OWN:
        return item.ownership.value
    return "referenced" if item.referenced else ""


def _in_force(rule: CompiledRule, today: date) -> bool:
    return (rule.valid_from is None or rule.valid_from <= today) and (rule.valid_to is None or today <= rule.valid_to)


def _key(item: Item) -> Mapping[str, Any]:
    key = item.locator.get("key", item.locator)
    return key if isinstance(key, Mapping) else item.locator
