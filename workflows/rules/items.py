"""The plain data that rules look at: one record found, where it is, and what is known of it."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import date
from typing import Any

import orjson

from models.vocabulary import Action, Ownership

Json = Any
"""A JSON value: text, number, bool, null, list or object. Dates are ISO texts, decimals are texts."""

Fact = str | float | int | bool | None
"""What a source says about an item for the holds; None: the source should say and does not (unknown)."""

FACTS: Mapping[str, type] = {
    # name -> type of the CEL variable; dates are ISO texts, "" where there is none
    "on": str,  # the day the datum is about
    "fiscal_year_end": str,
    "open_balance": float,  # euros still owed; negative: owed to the person
    "due_on": str,
    "reminded_on": str,  # last interruption of the limitation period by whoever the debt is owed to
    "acknowledged_on": str,  # last payment or other word of the debtor that admits the debt: interrupts it too
    "judgment_on": str,
    "contract_start": str,
    "contract_end": str,  # first day no longer in force; "" while in force
    "made_on": str,  # the day a contract was made
    "made_at_distance": bool,  # by telephone, or where the two parties did not meet
    "wholesale": bool,  # a contract with somebody who trades, no consumer
    "collection_open": bool,
    "enforced": bool,  # before a court or a bailiff: the limitation period stands still as long as that lasts
    "role_active": bool,
    "role_end": str,
    "number": str,  # invoice or contract number, for the sentence to the person
    "agency": str,
    "company": str,
    "amount": float,
    "disputed": bool,
    "ban": bool,  # the record says what the person forbade, such as direct marketing
    "link": str,  # what ties items together across sources: the contract or invoice they belong to
}
"""Facts a source file may declare for a collection (`person.collections.NAME.facts`)."""

DATE_FACTS = frozenset(
    {
        "on",
        "fiscal_year_end",
        "due_on",
        "reminded_on",
        "acknowledged_on",
        "judgment_on",
        "contract_start",
        "contract_end",
        "made_on",
        "role_end",
    }
)
"""Those of `FACTS` that are dates: `YYYY-MM-DD` or "". Anything else is unknown, and unknown holds."""

EVENT_FACTS: Mapping[str, Fact] = {
    "reminded_on": "",
    "acknowledged_on": "",
    "judgment_on": "",
    "contract_end": "",
    "role_end": "",
    "collection_open": False,
    "enforced": False,
    "disputed": False,
}
"""Facts about events that may never happen, and what holds where a source has no column for them."""

ROLES: frozenset[str] = frozenset(
    {
        "name",
        "customer_no",
        "address",
        "email",
        "phone",
        "contract_no",
        "period",  # from when to when a contract or invoice runs
        "invoice_no",
        "voucher_no",
        "made_by",  # how a contract was made
        "amount",
        "birth",  # birth date or personal identity code
    }
)
"""What a column is (`person.collections.NAME.columns.COLUMN.role`), so that a hold rule can keep only what it needs."""

SUBJECT_FACTS: Mapping[str, type] = {
    "today": str,
    "category": str,
    "subject_open_balance": float,  # the sum of positive open balances over all items of the person
    "subject_claim_until": str,  # the day the last open claim becomes time-barred, "" if there is none
    "subject_credit": float,  # the sum of what is owed to the person
    "subject_credit_until": str,  # the day the last of that becomes time-barred, "" if there is none
    "subject_collection_open": bool,
    "subject_enforced": bool,
    "subject_contract_active": bool,
    "subject_contract_end": str,  # the latest end of the person's contracts, "" if one is in force or there is none
    "subject_role_active": bool,
}
"""Facts the engine itself knows for every item, from all items of the person together."""


_OWNERSHIPS: Mapping[str, Ownership] = {word.value: word for word in Ownership}
CANONICAL = orjson.OPT_SORT_KEYS | orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_PASSTHROUGH_DATACLASS
# For what does not fit into 64 bits, and other rarities; made once.
_PATIENT = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"))
_NO_LEADS: Mapping[str, Sequence[Sequence[Json]]] = {}
_new = object.__new__
_MARK = b" "
"""Begins a line that was written patiently, and must be read so: orjson would read its large numbers as floats."""


@dataclass(frozen=True, slots=True)
class Item:
    """One record found for a person; a day of a series counts as one record.

    `locator` finds exactly this record again in its collection: primary key columns to values, and for
    a day of a series `{"key": {...}, "at": column, "from": instant, "to": instant}`. `digest` is over
    the record's whole content in the source, so that any change is noticed. `fields` are the values as
    JSON; `series` holds the rows of a day as lists in the order of `columns`. `facts` feed the holds.
    `path` says in words of the schema why this record was found. `unknown_facts` names facts the source
    declares but could not tell.
    """

    source: str
    collection: str
    locator: Mapping[str, Json]
    category: str
    ownership: Ownership
    digest: str  # hex SHA-256
    fields: Mapping[str, Json]
    facts: Mapping[str, Fact] = field(default_factory=dict)
    on: date | None = None
    path: str = ""
    columns: Sequence[str] = ()
    series: Sequence[Sequence[Json]] = ()
    third_party: Sequence[str] = ()  # fields that are about somebody else
    referenced: bool = False  # rows of other people point here: never erased
    files: Sequence[Mapping[str, Json]] = ()  # scans and attachments: blob, media_type, size_bytes, sha256
    leads: Mapping[str, Sequence[Sequence[Json]]] = field(default_factory=dict)
    """Of a candidate: what it leads on to should it be the person's; key of seeds to [value, start, end]."""

    def to_json(self) -> bytes:
        """One line of a finding's blob, in UTF-8."""
        value: dict[str, Json] = {
            "source": self.source,
            "collection": self.collection,
            "locator": self.locator,
            "category": self.category,
            "ownership": self.ownership.value,
            "digest": self.digest,
            "fields": self.fields,
            "facts": self.facts,
            "on": self.on.isoformat() if self.on else None,
            "path": self.path,
            "columns": self.columns,
            "series": self.series,
            "third_party": self.third_party,
            "referenced": self.referenced,
        }
        if self.files:
            value["files"] = self.files
        if self.leads:
            value["leads"] = self.leads
        try:
            return orjson.dumps(value, option=CANONICAL)
        except TypeError:
            return _MARK + _PATIENT.encode(value).encode()

    @staticmethod
    def from_json(line: bytes) -> "Item":
        """The inverse of `to_json`."""
        d = json.loads(line) if line.startswith(_MARK) else orjson.loads(line)
        d["ownership"] = _OWNERSHIPS[d["ownership"]]
        if d["on"]:
            d["on"] = date.fromisoformat(d["on"])
        draft: Any = _Draft(**d)
        draft.__class__ = Item
        made: Item = draft
        return made


class _Draft:
    """An item in the making. Filling a frozen one costs a call for each field, three times the whole of this."""

    __slots__ = tuple(f.name for f in fields(Item))

    def __init__(
        self,
        source: str,
        collection: str,
        locator: Mapping[str, Json],
        category: str,
        ownership: Ownership,
        digest: str,
        fields: Mapping[str, Json],
        facts: Mapping[str, Fact],
        on: date | None,
        path: str,
        columns: Sequence[str] = (),
        series: Sequence[Sequence[Json]] = (),
        third_party: Sequence[str] = (),
        referenced: bool = False,
        files: Sequence[Mapping[str, Json]] = (),
        leads: Mapping[str, Sequence[Sequence[Json]]] = _NO_LEADS,
    ) -> None:
        self.source, self.collection, self.locator, self.category = source, collection, locator, category
        self.ownership, self.digest, self.fields, self.facts = ownership, digest, fields, facts
        self.on, self.path, self.columns, self.series = on, path, columns, series
        self.third_party, self.referenced, self.files, self.leads = third_party, referenced, files, leads


class _Blank:
    """An item that is filled in one go, for those made by the million."""

    __slots__ = _Draft.__slots__


def item_of(*values: Any) -> Item:
    """The same as `Item(…)` with these in order: all fields up to `path`, then `third_party` and `referenced`."""
    blank: Any = _new(_Blank)
    (
        blank.source,
        blank.collection,
        blank.locator,
        blank.category,
        blank.ownership,
        blank.digest,
        blank.fields,
        blank.facts,
        blank.on,
        blank.path,
        blank.third_party,
        blank.referenced,
    ) = values
    blank.columns = blank.series = blank.files = ()
    blank.leads = _NO_LEADS
    blank.__class__ = Item
    made: Item = blank
    return made


@dataclass(frozen=True, slots=True)
class HoldMatch:
    """One rule that holds one item. `until` is the last day of the hold; None: no end is known yet."""

    rule: str
    law: str
    until: date | None
    unknown: bool = False  # the facts could not be determined: holds, and a person must look
    keeps: tuple[str, ...] = ()  # fields the rule needs; empty: the whole record
    params: Mapping[str, str] = field(default_factory=dict)  # for the sentence: number, amount, due, agency …


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the plan says about one item, and why."""

    action: Action
    fields: tuple[str, ...]  # fields that lose their value now; empty with DELETE: the whole record
    holds: tuple[HoldMatch, ...]
    reason: str  # code
    erase_on: date | None  # first day on which what is kept may go


def canonical(value: Json) -> str:
    """JSON with sorted keys, no spaces and no escapes beyond need: the same value gives the same text."""
    try:
        return orjson.dumps(value, option=CANONICAL).decode()
    except TypeError:
        return _PATIENT.encode(value)


def digest_of(value: Json) -> str:
    """Hex SHA-256 of the canonical JSON."""
    try:
        return hashlib.sha256(orjson.dumps(value, option=CANONICAL)).hexdigest()
    except TypeError:
        return hashlib.sha256(_PATIENT.encode(value).encode()).hexdigest()
