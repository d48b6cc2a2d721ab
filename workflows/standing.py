"""How the items of a plan stand: what was approved, what was done of it since, and what the latest look found."""

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from models.decision import KeptItem, Plan, PlanItem
from models.erasure import Receipt
from models.vocabulary import Action, ReceiptOutcome
from workflows.ports import RequestKey
from workflows.rules.hold_phases import must_tell
from workflows.rules.items import HoldMatch, Verdict, canonical

LEFT = "by_hand"
"""Reason of what people are to erase and have not."""


@dataclass(frozen=True, slots=True)
class Standing:
    """One item. Its plan row never changes; everything here reads that row in the light of what came after."""

    row: PlanItem
    kept: KeptItem | None
    receipts: tuple[Receipt, ...]  # in the order of the phases

    @property
    def over(self) -> bool:
        """Whether the rest went too, after the last hold."""
        return any(receipt.rest for receipt in self.receipts)

    @property
    def left(self) -> bool:
        """Whether people who were to treat it left it for later: it is not done, and is told as not done."""
        last = self.receipts[-1] if self.receipts else None
        return (
            last is not None
            and last.outcome is ReceiptOutcome.REFUSED
            and self.kept is not None
            and self.kept.reason == LEFT
        )

    @property
    def waits(self) -> bool:
        """Whether something of it is kept now and goes later."""
        return (self.row.later_action is not None or self.left) and not self.over

    @property
    def digest(self) -> bytes:
        """Of the content the record should have now: as approved, or as our latest masking or mark left it."""
        if self.kept is not None and self.kept.marked_digest is not None:
            return self.kept.marked_digest
        after = [receipt.after_digest for receipt in self.receipts if receipt.after_digest]
        return after[-1] if after else self.row.item_digest

    @property
    def digest_before(self) -> bytes:
        """The same before the latest treatment."""
        fresh = bool(self.receipts) and self.receipts[-1].after_digest is None  # nobody has looked since it was treated
        if fresh and self.kept is not None and self.kept.marked_digest is not None:
            return self.kept.marked_digest
        after = [receipt.after_digest for receipt in self.receipts[:-1] if receipt.after_digest]
        return after[-1] if after else self.row.item_digest

    @property
    def masked(self) -> frozenset[str]:
        """Fields that lost their value already."""
        return frozenset(f for r in self.receipts if r.outcome is ReceiptOutcome.MASKED for f in r.fields)

    @property
    def next_phase(self) -> int:
        """The number of the next treatment; 0 is the one approved for at once."""
        return 1 + max((receipt.phase for receipt in self.receipts), default=0)

    @property
    def action(self) -> Action:
        """What was done or is to be done with it now."""
        if self.over:
            return self.row.later_action or self.row.action
        if self.left:
            return Action.KEEP
        return Action.MASK if self.masked and self.row.action is not Action.ANONYMISE else self.row.action

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields of `action`; none: the whole record."""
        if self.over:
            return tuple(self.row.later_fields if self.row.later_action else self.row.fields)
        if self.left:
            return ()
        return (*self.row.fields, *sorted(self.masked - set(self.row.fields)))

    @property
    def holds(self) -> Sequence[dict[str, Any]]:
        """What holds it, as it was stored; nothing any more once it is over."""
        if self.over:
            return ()
        return self.kept.holds if self.kept else self.row.holds

    @property
    def reason(self) -> str:
        """Code for why it is treated so."""
        if self.over:
            return "no_hold"
        return self.kept.reason if self.kept else self.row.reason

    @property
    def erase_on(self) -> date | None:
        """First day on which what is kept may go, as known today."""
        if self.over:
            return None
        return self.kept.erase_on if self.kept else self.row.erase_on

    @property
    def told_on(self) -> date | None:
        """The day the person was told last."""
        return self.kept.told_on if self.kept else self.row.erase_on

    def matches(self, params: Sequence[dict[str, str]]) -> tuple[HoldMatch, ...]:
        """The holds as rules know them; `params` as `opened` gives them."""
        return matches_of(self.holds, params)


def standings(session: Session, plan: Plan, *where: ColumnElement[bool]) -> list[Standing]:
    """The items of a plan in their order; `where` narrows the rows."""
    kept = {k.item_no: k for k in session.scalars(select(KeptItem).where(KeptItem.plan_id == plan.id))}
    receipts: dict[int, list[Receipt]] = defaultdict(list)
    for receipt in session.scalars(select(Receipt).where(Receipt.plan_id == plan.id).order_by(Receipt.phase)):
        receipts[receipt.item_no].append(receipt)
    rows = session.scalars(select(PlanItem).where(PlanItem.plan_id == plan.id, *where).order_by(PlanItem.item_no))
    return [Standing(row, kept.get(row.item_no), tuple(receipts.get(row.item_no, ()))) for row in rows]


def open_item(key: RequestKey, item: PlanItem) -> tuple[dict[str, Any], list[dict[str, str]]]:
    """(locator, parameters of the hold sentences as planned) of a plan item."""
    plain = json.loads(key.open(item.locator_sealed, f"plan_items:{item.plan_id}:{item.item_no}"))
    return plain["locator"], plain["params"]


def opened(key: RequestKey, standing: Standing) -> tuple[dict[str, Any], list[dict[str, str]]]:
    """(locator, parameters of the sentences of the holds it has now)."""
    locator, planned = open_item(key, standing.row)
    if standing.over:
        return locator, []
    kept = standing.kept
    return locator, planned if kept is None else json.loads(key.open(kept.params_sealed, _context(kept)))


def holds_row(holds: Iterable[HoldMatch]) -> list[dict[str, Any]]:
    """Holds as they are stored; the numbers of their sentences are sealed elsewhere."""
    return [
        {
            "rule": h.rule,
            "law": h.law,
            "until": h.until.isoformat() if h.until else None,
            "unknown": h.unknown,
            "keeps": list(h.keeps),
        }
        for h in holds
    ]


def matches_of(holds: Sequence[dict[str, Any]], params: Sequence[dict[str, str]]) -> tuple[HoldMatch, ...]:
    """Stored holds as rules know them."""
    return tuple(
        HoldMatch(
            rule=h["rule"],
            law=h["law"],
            until=date.fromisoformat(h["until"]) if h["until"] else None,
            unknown=h["unknown"],
            keeps=tuple(h["keeps"]),
            params=p,
        )
        for h, p in zip(holds, params, strict=True)
    )


def note(
    session: Session,
    key: RequestKey,
    standing: Standing,
    seen: Verdict,
    *,
    fields: Sequence[str],
    known: Sequence[dict[str, str]],
    at: datetime,
) -> None:
    """Write down how an item stands after a fresh look, if that is not how it stood.

    `fields` are those that may go alone now, `known` the parameters of its sentences so far.
    """
    params = [dict(h.params) for h in seen.holds]
    stored = holds_row(seen.holds)
    same = (stored, seen.reason, seen.erase_on) == (list(standing.holds), standing.reason, standing.erase_on)
    if same and not fields and params == list(known):
        return
    kept = standing.kept
    if kept is None:
        kept = KeptItem(plan_id=standing.row.plan_id, item_no=standing.row.item_no, told_on=standing.told_on, fields=[])
        session.add(kept)
    kept.holds, kept.reason, kept.erase_on, kept.changed_at = stored, seen.reason, seen.erase_on, at
    kept.fields = [*kept.fields, *(f for f in fields if f not in kept.fields)]
    kept.params_sealed = key.seal(canonical(params).encode(), _context(kept))


def keep_digest(session: Session, key: RequestKey, standing: Standing, digest: bytes, *, at: datetime) -> None:
    """Our mark is all that changed of the record: this is what it looks like with it."""
    kept = standing.kept
    if kept is None:
        row = standing.row
        kept = KeptItem(plan_id=row.plan_id, item_no=row.item_no, told_on=standing.told_on, fields=[], changed_at=at)
        kept.holds, kept.reason, kept.erase_on = list(row.holds), row.reason, row.erase_on
        kept.params_sealed = key.seal(canonical(open_item(key, row)[1]).encode(), _context(kept))
        session.add(kept)
    kept.marked_digest = digest


def _context(kept: KeptItem) -> str:
    return f"kept_items:{kept.plan_id}:{kept.item_no}"


def to_tell(items: Iterable[Standing], today: date) -> list[Standing]:
    """Those whose day is later than the person was told."""
    return [
        s
        for s in items
        if s.waits and must_tell(s.erase_on, s.told_on, unknown=any(hold["unknown"] for hold in s.holds), today=today)
    ]
