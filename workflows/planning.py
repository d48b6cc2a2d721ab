"""From findings to a plan: each item's verdict, frozen by one hash, and checked again before anything is erased."""

import hashlib
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from models.decision import PlanItem
from models.vocabulary import Action, Ownership
from workflows.findings import AllItems
from workflows.ports import EraseItem, RequestKey
from workflows.rules.holds import CompiledRules, ManualHoldFacts, assess
from workflows.rules.items import Item, Json, Verdict, canonical
from workflows.rules.overdue import Overdue, judge_of
from workflows.rules.subject import subject_facts
from workflows.runtime import Runtime
from workflows.standing import holds_row, open_item

OWN_RECORD = "own_record"
"""Reason to keep what only records of the same person point at: it goes with the last of them."""

BY_HAND = "by_hand"
"""Reason to keep what the source lets only people erase."""

NOT_REPLAYED = "not_replayed"
"""Reason to keep what did not come back: an erasure that is done again is about nothing else."""

_STAYS = ("referenced", OWN_RECORD, BY_HAND, NOT_REPLAYED)


@dataclass(frozen=True, slots=True)
class Planned:
    """One item of a plan in the making; `later` is what happens to what is kept when its last hold ends."""

    source: str
    collection: str
    locator: Mapping[str, Json]
    category: str
    ownership: Ownership
    digest: str
    verdict: Verdict
    later: Action | None
    later_fields: tuple[str, ...]
    late: bool = False  # past the time of its category: it should have gone unasked

    @property
    def where(self) -> tuple[str, str, str]:
        """What makes this record this record."""
        return (self.source, self.collection, canonical(self.locator))

    def row(self, plan_id: uuid.UUID, item_no: int, key: RequestKey) -> dict[str, Any]:
        """The plan item as a row; locator and the numbers in the hold sentences are sealed."""
        sealed = canonical({"locator": self.locator, "params": [dict(h.params) for h in self.verdict.holds]})
        return {
            "plan_id": plan_id,
            "item_no": item_no,
            "source": self.source,
            "collection": self.collection,
            "category": self.category,
            "ownership": self.ownership,
            "action": self.verdict.action,
            "fields": list(self.verdict.fields),
            "locator_sealed": key.seal(sealed.encode(), f"plan_items:{plan_id}:{item_no}"),
            "item_digest": bytes.fromhex(self.digest),
            "holds": holds_row(self.verdict.holds),
            "reason": self.verdict.reason,
            "erase_on": self.verdict.erase_on,
            "later_action": self.later,
            "later_fields": list(self.later_fields),
            "released_at": None,
        }


def planned_items(
    rt: Runtime,
    key: RequestKey,
    blobs: Mapping[str, str | None],
    manual: Sequence[ManualHoldFacts],
    *,
    only: Callable[[Planned], bool] | None = None,
    rules: CompiledRules | None = None,
) -> list[Planned]:
    """Every item's verdict; an item its source would refuse is kept, with the code why. Others than `only` stay.

    Holds only what a plan needs, never the records themselves, so a long series stays small. `rules`: others than
    the register's.
    """
    plan = verdicts(rt, AllItems(rt, key, blobs), manual, rules=rules)
    if only is not None:
        plan = [item if only(item) else _untouched(item) for item in plan]
    return [item for source in blobs for item in _previewed(rt, source, [p for p in plan if p.source == source])]


def _untouched(item: Planned) -> Planned:
    verdict = Verdict(action=Action.KEEP, fields=(), holds=(), reason=NOT_REPLAYED, erase_on=None)
    return replace(item, verdict=verdict, later=None, later_fields=())


def verdicts(
    rt: Runtime, items: Iterable[Item], manual: Sequence[ManualHoldFacts], *, rules: CompiledRules | None = None
) -> list[Planned]:
    """The rules' word on each item, today. `items` must be iterable twice."""
    subject = subject_facts(items, today=rt.today())
    judged = assess(
        items,
        rules or rt.holds,
        today=rt.today(),
        roles=rt.roles,
        erasure_kind=rt.erasure_kind,
        manual=manual,
        subject=subject,
    )
    over = judge_of(rt.retained, subject=subject, today=rt.today())
    return [_planned(rt, item, verdict, over(item)) for item, verdict in judged]


def _planned(rt: Runtime, item: Item, verdict: Verdict, over: Overdue) -> Planned:
    later: Action | None = None
    later_fields: tuple[str, ...] = ()
    if verdict.holds and verdict.action in (Action.KEEP, Action.MASK):
        action, fields = rt.erasure_kind(item)
        if action is Action.ANONYMISE:
            later = Action.DELETE  # whether enough others look alike by then, nobody can promise
        elif action is not Action.KEEP:
            later, later_fields = action, fields if action is Action.MASK else ()
    return Planned(
        source=item.source,
        collection=item.collection,
        locator=item.locator,
        category=item.category,
        ownership=item.ownership,
        digest=item.digest,
        verdict=verdict,
        later=later,
        later_fields=later_fields,
        late=over.since is not None and not verdict.holds and item.ownership is Ownership.OWN,
    )


def _previewed(rt: Runtime, source: str, items: list[Planned]) -> list[Planned]:
    # All at once: whether a parent may go depends on whether its children go with it.
    refused = _refused(rt, source, dict(enumerate(items)))
    telling = {n for n in refused if items[n].verdict.action is Action.ANONYMISE}
    if telling:  # what would still tell of one household is deleted instead
        items = [_deleted(p) if n in telling else p for n, p in enumerate(items)]
        refused = _refused(rt, source, dict(enumerate(items)))
    pointed = {n for n, code in refused.items() if code == "referenced"}
    days = _days_of_pointed(rt, source, items, pointed) if pointed else {}
    result = []
    for n, p in enumerate(items):
        if n in days:
            verdict = replace(p.verdict, action=Action.KEEP, fields=(), reason=OWN_RECORD, erase_on=days[n])
            result.append(replace(p, verdict=verdict, later=Action.DELETE, later_fields=()))
        elif n in refused:
            verdict = replace(p.verdict, action=Action.KEEP, fields=(), reason=_why(p, refused[n]))
            result.append(replace(p, verdict=verdict))
        else:
            result.append(p)
    return result


def _deleted(item: Planned) -> Planned:
    return replace(item, verdict=replace(item.verdict, action=Action.DELETE, fields=()))


def _refused(rt: Runtime, source: str, items: Mapping[int, Planned]) -> dict[int, str]:
    """Those that the source would not treat as their verdicts say, with the code why."""
    batch = [
        erase_item(n, p.collection, p.locator, p.verdict, p.digest)
        for n, p in items.items()
        if p.verdict.action in (Action.DELETE, Action.MASK, Action.ANONYMISE)
    ]
    return {r.item_no: r.refused for r in rt.connectors[source].preview(batch) if r.refused} if batch else {}


def _days_of_pointed(rt: Runtime, source: str, items: list[Planned], pointed: set[int]) -> dict[int, date | None]:
    """The day on which each record goes that only held records of the same person point at; others are left out.

    It is the first day on which the source would let it go together with all that is free by then.
    """
    free = {
        n: p for n, p in enumerate(items) if p.verdict.action in (Action.DELETE, Action.MASK) and not p.verdict.holds
    }
    held = {
        n: replace(p, verdict=replace(p.verdict, action=Action.DELETE, fields=()))
        for n, p in enumerate(items)
        if p.verdict.holds and p.later is Action.DELETE
    }
    known = sorted({p.verdict.erase_on for p in held.values() if p.verdict.erase_on is not None})
    steps = [*known, *([None] if any(p.verdict.erase_on is None for p in held.values()) else [])]

    def still_refused(step: int) -> set[int]:
        gone = {n: p for n, p in held.items() if p.verdict.erase_on in steps[: step + 1]}
        return {n for n, code in _refused(rt, source, free | gone).items() if code == "referenced"}

    found: dict[int, date | None] = {}

    def search(group: set[int], low: int, high: int) -> None:
        """All of `group` go at one of these steps, first to last."""
        if not group:
            return
        if low == high:
            found.update(dict.fromkeys(group, steps[low]))
            return
        middle = (low + high) // 2
        kept = group & still_refused(middle)
        search(group - kept, low, middle)
        search(kept, middle + 1, high)

    if steps:
        search(pointed - still_refused(len(steps) - 1), 0, len(steps) - 1)
    return found


def is_free(item: Planned) -> bool:
    """Whether nothing holds this record any more: no rule, no other record that points at it, no source that can't."""
    return not item.verdict.holds and not (item.verdict.action is Action.KEEP and item.verdict.reason in _STAYS)


def _why(item: Planned, refused: str) -> str:
    # What could go is gone already, and the rest stays for the reason it always had.
    return item.verdict.reason if refused == "nothing_personal" and item.verdict.holds else refused[:64]


def erase_item(item_no: int, collection: str, locator: Mapping[str, Json], verdict: Verdict, digest: str) -> EraseItem:
    """A plan item as its source is told."""
    return EraseItem(item_no, collection, locator, verdict.action, verdict.fields, digest)


def plan_hash(reference: str, items: Sequence[Planned]) -> bytes:
    """SHA-256 over everything an approval is for, in the order of the items."""
    return _hash(
        reference,
        (
            [
                p.source,
                p.collection,
                p.locator,
                p.verdict.action.value,
                list(p.verdict.fields),
                p.digest,
                [[h.rule, h.until.isoformat() if h.until else None, h.unknown] for h in p.verdict.holds],
                p.verdict.reason,
                p.verdict.erase_on.isoformat() if p.verdict.erase_on else None,
                p.later.value if p.later else None,
                list(p.later_fields),
            ]
            for p in items
        ),
    )


def hash_of_rows(reference: str, key: RequestKey, rows: Sequence[PlanItem]) -> bytes:
    """The same hash, computed again from what the database holds now."""
    return _hash(
        reference,
        (
            [
                r.source,
                r.collection,
                open_item(key, r)[0],
                r.action.value,
                list(r.fields),
                r.item_digest.hex(),
                [[h["rule"], h["until"], h["unknown"]] for h in r.holds],
                r.reason,
                r.erase_on.isoformat() if r.erase_on else None,
                r.later_action.value if r.later_action else None,
                list(r.later_fields),
            ]
            for r in rows
        ),
    )


def _hash(reference: str, items: Iterable[list[Any]]) -> bytes:
    digest = hashlib.sha256(b"vastine-plan-1\n" + reference.encode() + b"\n")
    for item in items:
        digest.update(canonical(item).encode() + b"\n")
    return digest.digest()
