"""How plan items stand in a source of records right now: there, gone, changed, pointed at; what could be done."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Any

from models.vocabulary import Action, ReceiptOutcome
from workflows.connectors.dataset import Node
from workflows.connectors.records import Record, Records, Wanted
from workflows.connectors.records_items import record_digest
from workflows.connectors.records_paths import flat, parts, text_of, values_at
from workflows.connectors.sql_schema import Schema, Way
from workflows.ports import ErasedItem, EraseItem, PreviewedItem
from workflows.rules.items import canonical

Neutral = Callable[[Node, str], Callable[[], Any] | None]
"""Makes what a masked field holds; None where its type knows nothing neutral."""


@dataclass(slots=True)
class Standing:
    """One item and its records: none if it is gone."""

    item: EraseItem
    node: Node | None
    records: list[Record] = field(default_factory=list)
    digest: str = ""
    refused: str = ""
    fields: tuple[str, ...] = ()

    @property
    def drifted(self) -> bool:
        """Whether it is not what was approved."""
        return bool(self.records) and self.digest != self.item.digest

    @property
    def able(self) -> bool:
        """Whether it is there, unchanged and nothing speaks against treating it."""
        return bool(self.records) and not self.drifted and not self.refused

    @property
    def outcome(self) -> ReceiptOutcome:
        """What became of it once everything able was treated."""
        if self.refused:
            return ReceiptOutcome.REFUSED
        if not self.records:
            return ReceiptOutcome.ABSENT
        if self.drifted:
            return ReceiptOutcome.DRIFTED
        return ReceiptOutcome.ERASED if self.item.action is Action.DELETE else ReceiptOutcome.MASKED


def stand(records: Records, schema: Schema, items: Sequence[EraseItem]) -> list[Standing]:
    """Look every item up again, in order; each collection is read once."""
    standings = [Standing(i, b.node if (b := schema.bound.get(i.collection)) else None) for i in items]
    groups: dict[str, dict[str, list[Standing]]] = {}
    for standing in standings:
        if standing.node is None:
            standing.refused = "unknown_collection"
        else:
            where = canonical(standing.item.locator)
            groups.setdefault(standing.node.name, {}).setdefault(where, []).append(standing)
    for name, by_locator in groups.items():
        for record in records.rows(schema.bound[name].node, _asked(schema.bound[name].node, by_locator)):
            for standing in by_locator.get(canonical(record.locator), ()):
                _seen(standing, record)
    return standings


def _asked(node: Node, by_locator: dict[str, list[Standing]]) -> Wanted | None:
    """By primary key, where every locator has it."""
    locators = [s.item.locator for several in by_locator.values() for s in several]
    if not node.primary or not all(set(node.primary) <= set(one) for one in locators):
        return None
    column = node.primary[0]
    return {column: frozenset(text_of(one[column]) for one in locators)}


def _seen(standing: Standing, record: Record) -> None:
    digest = record_digest(record)
    if standing.records and digest != standing.digest:
        standing.refused = "key_not_unique"
    standing.digest = digest
    standing.records.append(record)


def judge(standings: Sequence[Standing], *, neutral: Neutral) -> None:
    """Set `refused` and `fields` by what the dataset says of each record."""
    seen: set[tuple[str, str]] = set()
    for standing in standings:
        if not standing.able or standing.node is None:
            continue
        mark = (standing.node.name, canonical(standing.item.locator))
        if mark in seen:
            standing.refused = "twice"
        seen.add(mark)
        if len(standing.records) > 1 and standing.node.primary:
            standing.refused = "key_not_unique"
        if standing.item.action is Action.MASK:
            _judge_mask(standing, standing.node, neutral)
        elif standing.item.action not in (Action.DELETE, Action.ANONYMISE):
            standing.refused = standing.refused or "action"


def _judge_mask(standing: Standing, node: Node, neutral: Neutral) -> None:
    fields = standing.item.fields
    if any(name not in node.fields for name in fields):
        standing.refused = standing.refused or "unknown_field"
        return
    standing.fields = tuple(f for f in fields if node.fields[f].maskable)
    if not standing.fields:
        standing.refused = standing.refused or "nothing_to_mask"
    elif any(neutral(node, f) is None for f in standing.fields):
        standing.refused = standing.refused or "unmaskable"


def refuse_pointed(records: Records, schema: Schema, standings: Sequence[Standing]) -> None:
    """Refuse what records outside the batch point at, and then what only refused ones of the batch point at.

    What is to be anonymous too: what others point at still tells of somebody, whatever it lost. Reads only.
    """
    deletes = [s for s in standings if s.able and s.item.action in (Action.DELETE, Action.ANONYMISE)]
    pointing: list[tuple[str, str, Standing]] = []  # (collection, locator of the child, the parent)
    for way, child, child_columns, columns in _pointers(schema):
        parents: dict[tuple[str, ...], list[Standing]] = {}
        for standing in deletes:
            if standing.node is not None and standing.node.name == (way.target if way.up else way.source):
                for value in _values(standing.records[0], columns):
                    parents.setdefault(value, []).append(standing)
        if not parents:
            continue
        wanted = {c: frozenset(v[n] for v in parents) for n, c in enumerate(child_columns)}
        for record in records.rows(schema.bound[child].node, wanted):
            for value in _values(record, child_columns):
                pointing += [(child, canonical(record.locator), parent) for parent in parents.get(value, ())]
    changed = True
    while changed:
        changed = False
        going = {(s.node.name, canonical(s.item.locator)) for s in deletes if s.able and s.node is not None}
        for child, locator, parent in pointing:
            if parent.able and (child, locator) not in going:
                parent.refused, changed = "referenced", True


def pointed_at(schema: Schema) -> frozenset[str]:
    """The collections whose records others of the same source point at."""
    return frozenset(way.target if way.up else way.source for way, *_ in _pointers(schema))


def _pointers(schema: Schema) -> Iterator[tuple[Way, str, tuple[str, ...], tuple[str, ...]]]:
    """(way, child, its columns, the parent's columns), by reference of the dataset."""
    for way in schema.ways:
        if way.up:
            yield way, way.source, way.source_fields, way.target_fields
        elif frozenset(way.source_fields) in schema.bound[way.source].uniques:
            yield way, way.target, way.target_fields, way.source_fields


def _values(record: Record, columns: Sequence[str]) -> Iterator[tuple[str, ...]]:
    row = flat(record.content, columns)
    return (tuple(map(text_of, one)) for one in product(*(parts(row[c]) for c in columns)))


def previewed(standings: Sequence[Standing], *, neutral: Neutral) -> list[PreviewedItem]:
    """What treating them would do; a record masked before is "nothing_personal"."""
    return [PreviewedItem(s.item.item_no, _word(s, neutral), s.fields if s.able else ()) for s in standings]


def _word(standing: Standing, neutral: Neutral) -> str:
    if standing.refused:
        return standing.refused
    if not standing.records:
        return "absent"
    if standing.drifted:
        return "drifted"
    return "nothing_personal" if _is_masked(standing, neutral) else ""


def _is_masked(standing: Standing, neutral: Neutral) -> bool:
    if standing.item.action is not Action.MASK or standing.node is None:
        return False
    content = standing.records[0].content
    for name in standing.fields:
        make = neutral(standing.node, name)
        value = make() if make is not None else None
        if any(one != value for one in values_at(content, name)):
            return False
    return True


def as_it_is(items: Sequence[EraseItem], now: Mapping[int, str]) -> list[ErasedItem]:
    """What became of items whose records people treated: `now` are the digests of those that are there."""
    changed = {Action.MASK: ReceiptOutcome.MASKED, Action.ANONYMISE: ReceiptOutcome.MASKED}
    return [
        ErasedItem(
            item.item_no,
            ReceiptOutcome.ABSENT
            if item.item_no not in now
            else ReceiptOutcome.KEPT
            if now[item.item_no] == item.digest
            else changed.get(item.action, ReceiptOutcome.DRIFTED),
        )
        for item in items
    ]
