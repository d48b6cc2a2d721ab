"""The plain data that passes through the ports: frozen, typed, and knowing nothing of where it came from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal

from models.vocabulary import Action, Ownership, ReceiptOutcome, Right, SourceResult
from workflows.rules.items import HoldMatch, Json

Guarantee = Literal["A", "B", "C", "D"]
"""What a source can promise about erasure: A same transaction as the receipt · B idempotency key ·
C probe, erase, probe · D by hand."""


@dataclass(frozen=True, slots=True)
class Lead:
    """A value that leads to records: proven, or found in the controller's own records.

    [start, end) limits what it leads to in time, in dates at the controller's seat; None is open.
    """

    value: str
    start: date | None = None
    end: date | None = None


Seeds = Mapping[str, Sequence[Lead]]
"""What a search starts from: "identity:<key>" or "<dataset>:<collection>.<field>" to values."""


@dataclass(frozen=True, slots=True)
class Contact:
    """How a person can be reached, as the controller's own records have it."""

    name: str = ""
    email: str = ""
    phone: str = ""
    postal: tuple[str, ...] = ()
    language: str = ""
    protected: bool = False
    phone_since: str = ""  # the day since which it stands there, as the source writes it; "" where nobody knows
    postal_since: str = ""


@dataclass(frozen=True, slots=True)
class Person:
    """One person's record in a source that knows people: its key, identifiers and contact on file."""

    source: str
    key: str
    identifiers: Mapping[str, str]  # identity key -> value as on file
    contact: Contact
    path: str = ""  # why it matched


@dataclass(frozen=True, slots=True)
class EraseItem:
    """One plan item for a source to treat."""

    item_no: int
    collection: str
    locator: Mapping[str, Json]
    action: Action  # DELETE or MASK
    fields: tuple[str, ...]  # for MASK
    digest: str  # the content that was approved; anything else is drift


@dataclass(frozen=True, slots=True)
class ErasedItem:
    """What the source says became of it."""

    item_no: int
    outcome: ReceiptOutcome


@dataclass(frozen=True, slots=True)
class PreviewedItem:
    """What a source would do with an item, before anyone approves it; `refused` is a code or empty."""

    item_no: int
    refused: str = ""
    fields: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ChangeItem:
    """One record for a source to change: `values` are the new ones of its fields, none where it is to be restricted."""

    item_no: int
    collection: str
    locator: Mapping[str, Json]
    digest: str  # the content that was decided on; anything else is drift
    values: Mapping[str, Json] = field(default_factory=dict)


ChangeOutcome = Literal["changed", "as_it_was", "absent", "drifted", "refused"]


@dataclass(frozen=True, slots=True)
class ChangedItem:
    """What the source says became of it. `digest` is the record's own afterwards: a plan made before names another."""

    item_no: int
    outcome: ChangeOutcome
    digest: str = ""
    refused: str = ""  # code


@dataclass(frozen=True, slots=True)
class Mark:
    """What a source was asked to do with one item, as far as is known."""

    state: str  # asked, job, done or off
    note: str  # where the source's own job is to be looked up
    age_seconds: float  # since it was written


@dataclass(frozen=True, slots=True)
class MailText:
    """A rendered mail: no personal data beyond the greeting-free text, no attachment."""

    subject: str
    body: str
    template: str = ""  # file, version and approver of the text


@dataclass(frozen=True, slots=True)
class OutgoingMail:
    """One mail for the post. `message_id` stays the same however often it is tried."""

    message_id: str
    to: str
    subject: str
    body: str
    language: str
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SourceFacts:
    """How one source answered, for letters and packages."""

    name: str
    label: str
    result: SourceResult
    why: str
    counts: Mapping[str, int]
    ownerships: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PlanLine:
    """A group of plan items that share their fate, for letters and screens."""

    source: str
    collection: str
    category: str
    action: Action
    ownership: Ownership
    count: int
    holds: tuple[HoldMatch, ...] = ()
    reason: str = ""
    erase_on: date | None = None
    fields: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Corrected:
    """One item of a rectification, its values masked. `what` is the person's word where no record is meant."""

    item_no: int
    what: str
    source: str
    collection: str
    field: str
    old: str
    new: str
    decision: str
    outcome: str
    ground: str
    reason: str
    done_on: date | None


@dataclass(frozen=True, slots=True)
class ToldRecipient:
    """Somebody who was told under GDPR Art. 19; without a name where letters are not to name them."""

    name: str
    state: str  # waiting, sent, failed, acknowledged or excused


@dataclass(frozen=True, slots=True)
class CaseFacts:
    """All that a letter or a package may say about a request."""

    reference: str
    right: Right
    language: str
    received_on: date
    due_a: date
    due_b: date
    today: date
    name: str = ""  # the person's, as on file; "" while not proven
    identifiers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # the person's: they stay in texts
    verified_method: str = ""
    channel: str = ""  # how the request came in
    extended_until: date | None = None
    extension_reason: str = ""
    extension_words: str = ""  # for the letter; no mail says them
    categories: tuple[str, ...] | None = None  # what it is about; None: all
    leading: str = ""  # the reference of the case that this one was joined with
    sources: tuple[SourceFacts, ...] = ()
    plan: tuple[PlanLine, ...] = ()
    plan_hash: str = ""
    receipts: Mapping[str, int] = field(default_factory=dict)  # outcome -> count
    refusal_ground: str = ""
    refusal_reason: str = ""
    decided_by: str = ""
    guarantees: Mapping[str, Guarantee] = field(default_factory=dict)  # source -> tier
    link: str = ""
    link_expires_on: date | None = None
    code: str = ""
    code_minutes: int = 0
    objection_until: datetime | None = None
    ask_kind: str = ""  # what the person is asked about: identity, mandate or specification
    wanted: tuple[str, ...] = ()  # codes of the least that is needed from the person
    answer_by: date | None = None  # the day the person, or a late controller, is to answer by
    time_waits: bool = False  # the days until the person answers don't count
    stage: str = ""  # where a late request stands
    recipients: tuple[ToldRecipient, ...] = ()
    corrections: tuple[Corrected, ...] = ()
    extra: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PackageSummary:
    """What was put into a package."""

    files: int
    items: int
    size_bytes: int
    digest: str  # of the manifest
