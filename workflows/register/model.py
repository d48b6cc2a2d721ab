"""The register as typed, frozen data: one controller, its categories, hold rules and sources.

Unknown keys are errors everywhere except inside `dataset:`, which is plain Fideslang and validated by
the `fideslang` package (and by our own check for keys that package would drop in silence).
"""

from collections.abc import Mapping
from datetime import date
from typing import Any, Literal

from fideslang.models import Dataset
from pydantic import BaseModel, ConfigDict, Field

from workflows.register.doors import Doors
from workflows.register.grounds import GroundRule
from workflows.register.keeping import Keeps, OwnRecords
from workflows.register.mail import Mail
from workflows.register.proofs import Identity, Risk
from workflows.register.recipes import Recipe
from workflows.register.recipients import Recipient
from workflows.register.source_parts import Canary, Restriction
from workflows.register.source_parts import Secret as Secret  # noqa: PLC0414  the register's other modules find it here


class Strict(BaseModel):
    """Frozen; an unknown key is an error. A number where a text is meant is that text (a phone, a code)."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True, coerce_numbers_to_str=True)


class Text(Strict):
    """The same words in the three languages."""

    fi: str
    sv: str
    en: str

    def get(self, language: str) -> str:
        """The words in this language, Finnish if it is none of the three."""
        return str(getattr(self, language, self.fi))


class Officer(Strict):
    """A named person or function of the controller."""

    name: str = ""
    title: Text | None = None
    email: str = ""
    phone: str = ""


class Authority(Strict):
    """The supervisory authority; its address goes stale, so the day it was checked is part of it."""

    name: Text
    address: Text
    phone: str
    email: str
    website: str
    verified_on: date


class Deadlines(Strict):
    """The clock. Source: GDPR Art. 12(3); Reg. (EEC, Euratom) 1182/71."""

    country: str = "FI"
    months: int = 1
    target_days: int = 20
    suspension: Literal["none", "pause", "restart"] = "none"  # whether questions to the person stop the clock
    prompt_days: int = 3  # a question counts if asked within so many working days
    not_holidays: tuple[str, ...] = ()  # names the `holidays` package lists that are no statutory holidays


class Decisions(Strict):
    """Who must decide."""

    access_without_person: bool = True  # a clean answer goes out by itself
    erasure_approvals: int = Field(default=2, ge=1, le=5)
    review_texts: bool = False  # an answer whose texts name somebody else's address or number waits for a person


class Delivery(Strict):
    """How long things can be fetched."""

    link_days: int = Field(default=14, ge=14, le=60)
    code_minutes: int = Field(default=30, ge=5, le=1440)
    code_tries: int = Field(default=5, ge=3, le=10)
    codes_an_hour: int = Field(default=6, ge=1, le=100)  # to one contact, whatever asks for them
    mails_a_day: int = Field(default=30, ge=5, le=1000)  # to one address, that strangers may cause
    keep_days_before_erasing: int = Field(default=14, ge=0, le=28)  # a copy that was asked for together with an erasure
    objection_hours: int = Field(default=24, ge=0, le=168)  # for the contact on file, when staff proved the person


class Backups(Strict):
    """How long copies of the sources are kept: what is erased today is in none of them that many days on."""

    days: int | None = Field(default=None, ge=0, le=3650)


class Staff(Strict):
    """Who may work on requests: with `nda_required` only those who signed to keep secrets may log in."""

    nda_required: bool = False


class Controller(Strict):
    """`controller.yaml`: who we are. Only `name` is required."""

    name: str
    business_id: str = ""
    address: str = ""
    phone: str = ""
    email: str = ""
    website: str = ""
    dpo: Officer = Officer()
    signer: Officer = Officer()
    authority: Authority | None = None
    languages: tuple[Literal["fi", "sv", "en"], ...] = ("fi", "sv", "en")
    time_zone: str = "Europe/Helsinki"
    fiscal_year_end: str = "12-31"
    notice_version: str = ""
    brand_colour: str = "#0b5c8a"
    deadlines: Deadlines = Deadlines()
    decisions: Decisions = Decisions()
    delivery: Delivery = Delivery()
    backups: Backups = Backups()
    own_records: OwnRecords = OwnRecords()
    staff: Staff = Staff()
    mail: Mail = Mail()
    doors: Doors = Doors()
    names_recipients: bool = True  # letters name those who were told; else they are named when the person asks
    identity: Identity = Identity()
    canary: Mapping[str, str] = {}  # who is in every source that expects a canary and names none of its own


class Category(Strict):
    """One category of `categories.yaml` (C01 …). `keys` are Fideslang data categories that map to it."""

    code: str
    label: Text
    keys: tuple[str, ...] = ()
    purpose: Text | None = None
    basis: Text | None = None
    obtained_from: Text | None = None
    recipients: Text | None = None
    transfers: Text | None = None
    retention: Text | None = None
    elsewhere: Text | None = None  # who else holds such data as a controller of its own, and that they can be asked
    keeps: Keeps | None = None  # the same as a rule; without it nothing of the category is erased unasked
    provided: bool = True  # by the person or observed: portable. Source: GDPR Art. 20(1)
    sensitive: bool = False
    consent_only: bool = False  # erased when the consent is withdrawn. Source: GDPR Art. 17(1)(b)
    interest_only: bool = False  # erased when an objection is upheld. Source: GDPR Art. 17(1)(c)
    risk: Risk = "medium"  # what harm it would do in a stranger's hands: it decides the proof of who asks


class Law(Strict):
    """Where a rule of law stands."""

    act: str
    sections: tuple[str, ...] = ()
    gdpr: tuple[str, ...] = ()


class HoldRule(Strict):
    """One dated rule of `holds.yaml`.

    `trigger` and `until` are CEL over `rules.items.FACTS` and `SUBJECT_FACTS`; dates are ISO texts and
    `until` gives the last day of the hold, or "" when no end can be told yet. `categories` maps a
    category to "all" or to the column roles the rule needs (what else the record holds goes now).
    """

    id: str
    active: bool = True
    why_inactive: str = ""  # of a rule that is kept and not used
    correctable: bool = False  # what it holds may be put right meanwhile; else it stays exactly as it is
    in_use: bool = False  # what it holds goes on being used, for the contract or role it is about; else it rests
    law: Law
    source: str
    checked_on: date
    approved_by: str | None = None
    valid_from: date | None = None
    valid_to: date | None = None
    categories: Mapping[str, Literal["all"] | tuple[str, ...]]
    trigger: str
    until: str
    text: Text
    owner: str = "dpo"


class FactSpec(Strict):
    """Where a fact comes from: a column; what its NULL means; which of its values mean true."""

    field: str
    null: str | float | bool | None = None  # None: a NULL is unknown, and unknown holds
    true_when: tuple[str, ...] | None = None  # makes a bool: the column's text is one of these


class ColumnSpec(Strict):
    """What a column is to a person."""

    label: Text | None = None
    role: str | None = None  # what `categories` of a hold rule may keep: name, customer_no, address …
    unit: str | None = None
    codes: Mapping[str, Text] | None = None
    hidden: bool = False  # delivered in JSON and CSV, not shown in the book


class SeriesSpec(Strict):
    """A time series: many rows that count as one item a day (a day at the controller's seat)."""

    at: str  # the column with the instant
    key: tuple[str, ...]  # the columns that name the series (metering point)
    zone: Literal["utc", "local"] = "utc"  # how a naive instant is meant


class Window(Strict):
    """When a value that leads on belongs to the person: [start, end), local midnight."""

    start: str
    end: str


class CollectionSpec(Strict):
    """What Fideslang can't say about a collection; every part is optional."""

    category: str | None = None
    label: Text | None = None
    ownership: Literal["auto", "own", "shared", "third_party"] = "auto"
    owner: tuple[str, ...] = ()  # columns that name whose row it is; another's value makes it a third party's
    on: str | None = None
    created: str | None = None  # since when the source has the record; what is younger than an erasure is another's
    facts: Mapping[str, str | FactSpec] = {}
    series: SeriesSpec | None = None
    windows: Mapping[str, Window] = {}  # column that leads on -> when it is the person's
    third_party: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()  # columns that the dataset leaves out on purpose: nobody is told of them again
    erase: Literal["delete", "mask", "keep"] | None = None
    restrict: Restriction | None = None
    columns: Mapping[str, ColumnSpec] = {}


class SubjectSpec(Strict):
    """The collection whose rows are the people, and where their contact on file stands."""

    collection: str
    key: str  # the controller's own number for the person
    name: tuple[str, ...] = ()
    email: str | None = None
    phone: str | None = None
    postal: tuple[str, ...] = ()
    phone_since: str | None = None  # the day since which the number stands there, and the address
    postal_since: str | None = None
    language: str | None = None
    protected: str | None = None  # true: address under protection (turvakielto)


class PersonSpec(Strict):
    """`person:` of a source file."""

    subject: SubjectSpec | None = None
    order: int = 50  # erased in rising order: leaves first, the register that leads to the rest last
    strength: Mapping[str, Literal["strong", "weak", "hint"]] = {}  # identity -> how much it says of whose a record is
    collections: Mapping[str, CollectionSpec] = {}


class SourceSpec(Strict):
    """One `sources/NAME.yaml`."""

    source: str
    kind: str
    connection: Mapping[str, Any]
    dataset: tuple[Dataset, ...]
    person: PersonSpec = PersonSpec()
    label: Text | None = None
    owner: str = ""
    timeout_seconds: int = Field(default=60, ge=1, le=3600)
    slots: int | None = Field(default=None, ge=1, le=100)  # steps that may work on it at a time, over all workers
    canary: Canary | None = None
    backup_days: int | None = Field(default=None, ge=0, le=3650)  # how long copies of it are kept; None: `backups.days`
    review: Literal["needed", "done"] = "done"  # a draft that nobody has gone through loads nowhere
    file: str = ""  # path inside the register, for messages; filled in when read


class Register(Strict):
    """One controller, whole."""

    folder: str
    controller: Controller
    categories: Mapping[str, Category]
    holds: tuple[HoldRule, ...]
    sources: Mapping[str, SourceSpec]
    digest: str  # over all files: a plan says which register it was made with
    recipes: tuple[Recipe, ...] = ()
    recipients: tuple[Recipient, ...] = ()
    grounds: tuple[GroundRule, ...] = ()  # its own, besides `grounds.built_in`
