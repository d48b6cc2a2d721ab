"""What the hold rules say of a record, asked once for all records that say the same.

Most records say of what decides the same as others did: the days of all meters, the invoices of a year. A rule looks
at nothing but the facts it names, so those who say the same of these get the same answer.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from operator import itemgetter
from typing import Any

from models.vocabulary import Action
from workflows.rules.cel import Expression, evaluate
from workflows.rules.hold_phases import first_free_day, last_day
from workflows.rules.item_facts import ItemFacts, said_of
from workflows.rules.items import FACTS, Fact, HoldMatch, Item, Verdict


@dataclass(frozen=True, slots=True)
class CompiledRule:
    """A rule ready to run. `needs` are the item facts its trigger names, `subject_needs` those of the person.

    `words` are the placeholders of its text but the date: a match carries no others, so that no number travels unused.
    """

    id: str
    law: str
    valid_from: date | None
    valid_to: date | None
    categories: Mapping[str, frozenset[str] | None]  # None: the whole record
    trigger: Expression
    until: Expression
    needs: frozenset[str]
    subject_needs: frozenset[str]
    words: frozenset[str]

    @property
    def reads(self) -> frozenset[str]:
        """All item facts that its answer rests on."""
        return frozenset((self.trigger.names | self.until.names) & FACTS.keys())


@dataclass(frozen=True, slots=True)
class Outcome:
    """A rule that holds, the last day on which it does, and whether that could not be told.

    `match`: the same for every record, where the rule keeps the whole of it and its sentence names nothing of it.
    """

    place: int  # of the rule among those of its category
    rule: CompiledRule
    until: date | None
    unknown: bool
    match: HoldMatch | None


@dataclass(frozen=True, slots=True)
class Ruling:
    """What all rules say of records with the same facts: `matches` and `kept` where they are the same for each."""

    outcomes: tuple[Outcome, ...]
    matches: tuple[HoldMatch, ...] | None  # None: a rule takes a word or a part of each record
    kept: Verdict | None  # what becomes of each that may be erased at all, held whole


NOTHING = Ruling((), (), None)

_REMEMBERED = 20_000


class Rulings:
    """The rules in force over one person's records on one day."""

    def __init__(
        self, rules: Mapping[str, Sequence[CompiledRule]], known_subject: Mapping[str, Fact], *, today: date
    ) -> None:
        self._kinds = {
            category: _Category(category, concerned, known_subject, today=today)
            for category, concerned in rules.items()
            if concerned
        }

    def of(self, item: Item) -> Ruling:
        """The rules that hold this record, with what else can be said of it."""
        kind = self._kinds.get(item.category)
        return kind.ruling(item) if kind is not None else NOTHING


class _Category:
    """The rules over one category, those together that look at the same facts."""

    def __init__(
        self, name: str, rules: Sequence[CompiledRule], known_subject: Mapping[str, Fact], *, today: date
    ) -> None:
        apart: dict[frozenset[str], list[tuple[int, CompiledRule]]] = {}
        for place, rule in enumerate(rules):
            apart.setdefault(rule.reads, []).append((place, rule))
        self._groups = [_Group(name, together, reads, known_subject, today=today) for reads, together in apart.items()]
        self._reads = sorted(frozenset().union(*apart))
        self._dated = "on" in self._reads
        self._joined: dict[tuple[int, ...], tuple[Ruling, list[tuple[Outcome, ...]]]] = {}
        self._told: dict[tuple[str, ...], tuple[Callable[[Mapping[str, Fact]], Any], dict[Any, Ruling]]] = {}

    def ruling(self, item: Item) -> Ruling:
        facts = item.facts
        layout = tuple(facts)
        found = self._told.get(layout)
        if found is None:
            if len(self._told) >= _REMEMBERED:
                self._told.clear()
            found = self._told[layout] = _values_of([name for name in self._reads if name in facts]), {}
        values, told = found
        said = values(facts)
        key = (said, item.on if self._dated else None, *map(type, said))  # 1, 1.0 and true are equal and not the same
        try:
            known = told.get(key)
        except TypeError:  # a value that is no fact at all
            return _ruling([group.outcomes(item) for group in self._groups])
        if known is None:
            if len(told) >= _REMEMBERED:
                told.clear()
            known = told[key] = self._asked(item)
        return known

    def _asked(self, item: Item) -> Ruling:
        parts = [group.outcomes(item) for group in self._groups]
        which = tuple(map(id, parts))  # which are kept with the ruling, so that no other can ever have their ids
        known = self._joined.get(which)
        if known is None:
            if len(self._joined) >= _REMEMBERED:
                self._joined.clear()
            known = self._joined[which] = _ruling(parts), parts
        return known[0]


def _ruling(parts: Iterable[Iterable[Outcome]]) -> Ruling:
    outcomes = sorted((outcome for part in parts for outcome in part), key=_place)
    if not outcomes:
        return NOTHING
    matches = tuple(outcome.match for outcome in outcomes if outcome.match is not None)
    if len(matches) < len(outcomes):
        return Ruling(tuple(outcomes), None, None)
    kept = Verdict(Action.KEEP, (), matches, reason_of(matches), first_free_day(matches))
    return Ruling(tuple(outcomes), matches, kept)


class _Group:
    """Rules that look at the same facts of a record."""

    def __init__(
        self,
        category: str,
        rules: Sequence[tuple[int, CompiledRule]],
        reads: Iterable[str],
        known_subject: Mapping[str, Fact],
        *,
        today: date,
    ) -> None:
        self._category, self._rules, self._reads = category, rules, tuple(sorted(reads))
        self._known_subject, self._today = known_subject, today
        self._told: dict[tuple[Any, ...], tuple[Outcome, ...]] = {}

    def outcomes(self, item: Item) -> tuple[Outcome, ...]:
        key = said_of(item, self._reads)
        try:
            known = self._told.get(key)
        except TypeError:
            return tuple(self._ask(item))
        if known is None:
            if len(self._told) >= _REMEMBERED:
                self._told.clear()
            known = self._told[key] = tuple(self._ask(item))
        return known

    def _ask(self, item: Item) -> Iterator[Outcome]:
        facts = ItemFacts(item, self._known_subject)
        for place, rule in self._rules:
            if (found := self._answer(rule, facts)) is not None:
                until, unknown = found
                alike = rule.categories[self._category] is None and not rule.words
                match = HoldMatch(rule.id, rule.law, until, unknown=unknown) if alike else None
                yield Outcome(place, rule, until, unknown, match)

    def _answer(self, rule: CompiledRule, facts: ItemFacts) -> tuple[date | None, bool] | None:
        """The last day of its hold and whether that could not be told; None: it does not hold."""
        declared = bool(rule.needs & facts.declared)
        holds = evaluate(rule.trigger, facts.filled if declared else facts.bare)
        if holds is None and rule.needs and not declared and rule.subject_needs <= self._known_subject.keys():
            return None  # the collection has none of the facts this rule is about
        if holds is False:
            return None
        until = last_day(evaluate(rule.until, facts.filled)) if holds else None
        if until is not None and until < self._today:
            return None
        return None if until == date.max else until, until is None


def reason_of(holds: Iterable[HoldMatch]) -> str:
    """Why a record is kept that these hold."""
    return "hold_unknown" if any(hold.unknown for hold in holds) else "hold"


def _place(outcome: Outcome) -> int:
    return outcome.place


def _values_of(names: Sequence[str]) -> Callable[[Mapping[str, Fact]], Any]:
    """What a record says of these, as a tuple."""
    if not names:
        return _no_values
    return itemgetter(*names) if len(names) > 1 else _one_value(names[0])


def _one_value(name: str) -> Callable[[Mapping[str, Fact]], Any]:
    return lambda facts: (facts[name],)


def _no_values(_facts: Mapping[str, Fact]) -> tuple[Fact, ...]:
    return ()
