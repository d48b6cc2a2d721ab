"""What a `kind: http` source says under `connection`: where its service is, how it lets us in, and what to call.

A path, a query and a body may hold placeholders: `{identity:email}` is a value the search was given, `{field}` a
field of the record or a value that leads to it, and `{field|sha256_lower}` the same, spelled as the service wants it.
"""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import Field

from workflows.register.hand_connection import ByHand
from workflows.register.model import Secret, Strict

Spelling = Literal["as_is", "lower", "upper", "digits", "sha256", "sha256_lower", "md5", "md5_lower"]


class Bearer(Strict):
    """`Authorization: Bearer …`."""

    token: Secret


class Basic(Strict):
    """`Authorization: Basic …`."""

    user: str | Secret
    password: Secret


class ApiKey(Strict):
    """A key in a header; a key in a URL would end up in logs, so there is no such thing here."""

    header: str = "X-Api-Key"
    key: Secret


class OAuth2(Strict):
    """OAuth 2.0 client credentials. Source: RFC 6749 section 4.4."""

    token_url: str
    client_id: str | Secret
    client_secret: Secret
    scope: str = ""
    audience: str = ""
    client_auth: Literal["basic", "post"] = "basic"


class Auth(Strict):
    """Exactly one of these."""

    bearer: Bearer | None = None
    basic: Basic | None = None
    api_key: ApiKey | None = None
    oauth2: OAuth2 | None = None


class Rate(Strict):
    """How often, and how many at a time, all workers together may call."""

    per_second: float = Field(default=5.0, gt=0, le=1000)
    burst: int = Field(default=1, ge=1, le=1000)
    slots: int = Field(default=4, ge=1, le=100)


class Limits(Strict):
    """What an answer may be at most; more than that is refused, never cut off."""

    answer_mb: float = Field(default=16.0, gt=0, le=256)
    pages: int = Field(default=1000, ge=1, le=100_000)
    calls: int = Field(default=20_000, ge=1, le=1_000_000)
    minutes: float = Field(default=60.0, gt=0, le=1440)


class ByNumber(Strict):
    """Pages by their number."""

    param: str = "page"
    first: int = 1
    size_param: str = ""
    size: int = Field(default=100, ge=1, le=10_000)


class ByOffset(Strict):
    """Pages by the number of records before them."""

    param: str = "offset"
    size_param: str = "limit"
    size: int = Field(default=100, ge=1, le=10_000)


class ByCursor(Strict):
    """Each answer says, at `path`, what to send as `param` for the next."""

    param: str = "cursor"
    path: str


class Page(Strict):
    """How a long answer goes on; exactly one of the first five. `total` is where the answer says how many there are."""

    number: ByNumber | None = None
    offset: ByOffset | None = None
    cursor: ByCursor | None = None
    next_url: str | None = None
    link_header: bool = False
    total: str = ""


class Find(Strict):
    """One way to find records. `records` is the dotted path of the list in the answer; empty: the answer itself.

    `answers` says how far the records are the ones asked for: each carries the value (`exact`), they don't repeat it
    and the service is believed (`believed`), or there are others among them, which are left out (`more`).
    `whole: false` says that this list is a summary: each record is read again with `one`.
    """

    path: str
    method: Literal["GET", "POST"] = "GET"
    body: Mapping[str, Any] | None = None
    records: str = ""
    page: Page | None = None
    not_found: Literal["failed", "none"] = "failed"
    answers: Literal["exact", "believed", "more"] = "exact"
    whole: bool = True


class One(Strict):
    """How one record is read again."""

    path: str
    record: str = ""


class Job(Strict):
    """An answer of 202 begins a job: its address is in `Location`, or its id is at `id` and goes into `path`."""

    id: str = ""
    path: str = ""
    state: str = "status"
    done: tuple[str, ...] = ("done", "completed", "succeeded")
    failed: tuple[str, ...] = ("failed", "error", "cancelled")
    every_seconds: int = Field(default=30, ge=1, le=86_400)


class Callback(Strict):
    """The service rings when it is done with a job: a Standard Webhook signed with this secret (or one of several)."""

    secret: Secret


class Change(Strict):
    """How one record is deleted. `if_match`: only if it is still what `one` showed, by its ETag."""

    path: str
    method: Literal["DELETE", "POST", "PATCH", "PUT"] = "DELETE"
    body: Mapping[str, Any] | None = None
    idempotency_header: str | None = None
    if_match: bool = False
    job: Job | None = None


class Masking(Strict):
    """How fields of one record lose their values: `values` are what they hold afterwards, sent inside `wrap`."""

    path: str
    method: Literal["PATCH", "PUT", "POST"] = "PATCH"
    values: Mapping[str, Any]
    wrap: str = ""
    idempotency_header: str | None = None
    if_match: bool = False
    job: Job | None = None


class Attached(Strict):
    """A file that a record points at: `url` is the field with its address, which must be of the same service."""

    url_may_be_path: ClassVar[bool] = True  # it names a field

    url: str
    name: str | None = None  # the field with the file's name
    most_mb: float = Field(default=10.0, gt=0, le=25)
    types: tuple[str, ...] = ()  # what it may be, such as audio/wav; empty: whatever is known by its first bytes


class HttpCollection(Strict):
    """One collection of the dataset, and what to call for it."""

    find: tuple[Find, ...] = ()
    one: One | None = None
    delete: Change | None = None
    mask: Masking | None = None
    files: tuple[Attached, ...] = ()
    spelled: Mapping[str, Spelling] = {}  # field -> how the service spells the identity in it
    times: Mapping[str, Literal["epoch", "epoch_ms", "utc", "local"]] = {}  # field -> how its instants are meant
    volatile: tuple[str, ...] = ()  # fields that differ at every reading and tell nothing


class HttpConnection(Strict):
    """A service that is called over HTTP."""

    base_url: str | Secret
    health: str
    auth: Auth | None = None
    headers: Mapping[str, str | Secret] = {}
    allow_private: tuple[str, ...] = ()
    ca_file: str | None = None
    redirects: int = Field(default=0, ge=0, le=5)
    rate: Rate | None = None
    limits: Limits = Limits()
    callback: Callback | None = None
    by_hand: ByHand | None = None
    settle_seconds: float = Field(default=0.0, ge=0, le=86_400)
    collections: Mapping[str, HttpCollection]
