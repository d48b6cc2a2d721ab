"""What the story needs from the outside, as protocols, and the plain data that passes through them.

Nothing here knows a database session, a web framework or a broker. Every port has a real class (in
`connectors`, `documents`, `adapters`) and a twin in `tests/fakes.py`, held together by one contract test.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import date, datetime
from typing import BinaryIO, Protocol, runtime_checkable

from models.vocabulary import Letter
from workflows.exchange import (
    CaseFacts,
    Contact,
    ErasedItem,
    EraseItem,
    Guarantee,
    Lead,
    MailText,
    Mark,
    OutgoingMail,
    PackageSummary,
    Person,
    PlanLine,
    PreviewedItem,
    Seeds,
    SourceFacts,
)
from workflows.register.model import Register, SourceSpec
from workflows.rules.discovered import Discovered, FoundTable
from workflows.rules.items import Item
from workflows.rules.privileges import Privilege


class Connector(Protocol):
    """One source. Every call may raise `SourceDown`, `TryAgain`, `NeverAgain` or `PersonMustLook`."""

    spec: SourceSpec

    @property
    def guarantee(self) -> Guarantee:
        """What this source can promise about erasure."""
        ...

    def entries(self) -> frozenset[str]:
        """The keys of `Seeds` that a search here can start from."""
        ...

    def health(self) -> None:
        """Return if the source answers and its schema is as described; raise otherwise."""
        ...

    def find(self, identifiers: Mapping[str, str]) -> list[Person]:
        """The people whose record carries *any* of these identifiers; [] where this source knows no people."""
        ...

    def collect(self, seeds: Seeds, emit: Callable[[Item], None]) -> dict[str, list[Lead]]:
        """Emit every record these seeds lead to, each once; return the values that lead on to other sources.

        Streams: never holds more than one batch of rows. The result's keys are like those of `Seeds`.
        """
        ...

    def preview(self, items: Sequence[EraseItem]) -> list[PreviewedItem]:
        """What `erase` would do: refused ones with the code why; changes nothing."""
        ...

    def erase(self, op_id: str, fence: int, items: Sequence[EraseItem]) -> list[ErasedItem]:
        """Treat exactly these items, all or none (guarantee A), or item by item; safe to call again with `op_id`.

        A record whose content differs from its digest is left alone and answered `DRIFTED`; one that is
        gone is `ABSENT`.
        """
        ...

    def call_off(self, op_id: str, fence: int, items: Sequence[EraseItem]) -> list[ErasedItem]:
        """See to it that this operation will not happen any more, and tell what it has done already.

        `KEPT` is what was not touched. Where nothing can be kept in the source (guarantee C) this is what the
        records look like now, and whoever is still on the way is not stopped.
        """
        ...

    def present(self, items: Sequence[EraseItem]) -> dict[int, str]:
        """The digests of those items that still exist as records, by item number; changes nothing."""
        ...


class Limiter(Protocol):
    """How often and how many at a time all workers together may call a source."""

    def turn(self, source: str, *, per_second: float, burst: int, patience: float) -> None:
        """Wait for the next call's turn, `patience` seconds at most, and count it; raises `WaitFor` beyond that."""
        ...

    def place(self, source: str, slots: int) -> AbstractContextManager[Callable[[], None]]:
        """Hold one of the source's places; the block calls what it is given to keep it. Raises `WaitFor` if full."""
        ...


class Marks(Protocol):
    """What sources that keep no receipts were asked to do, item by item; durable before the source is asked."""

    def of(self, op_id: str) -> Mapping[int, Mark]:
        """The marks of one operation by item number."""
        ...

    def set(self, op_id: str, item_no: int, state: str, *, fence: int, note: str = "") -> None:
        """Write a mark, committed on return. Raises `Fenced` where a later worker wrote one."""
        ...


@runtime_checkable
class Paced(Protocol):
    """A connector that wants to know these two; the wiring tells it before it is used."""

    def pace(self, limiter: Limiter, marks: Marks) -> None:
        """From now on, wait for turns and write marks."""
        ...


@runtime_checkable
class Discovers(Protocol):
    """What can look around in a source. It only reads, and of what it samples nothing but counts comes out."""

    def discover(self, *, schemas: Sequence[str] = ()) -> Discovered:
        """Tables, columns and keys as they are now. Raises as a search does."""
        ...

    def look(self, tables: Iterable[FoundTable], *, today: date, rows: int = 200) -> list[FoundTable]:
        """The same tables with counts over a sample of so many rows each."""
        ...

    def alike(self, tables: Sequence[FoundTable], *, default: str) -> list[FoundTable]:
        """The same tables with the references that nobody declared but that names and values speak for."""
        ...


@runtime_checkable
class ProvesPrivileges(Protocol):
    """A connector whose source can be asked what its users may do."""

    def privileges(self) -> list[Privilege]:
        """What the user who searches and the one who erases may do too much, or too little."""
        ...


class RequestKey(Protocol):
    """One request's or message's key, opened."""

    def seal(self, plain: bytes, context: str) -> bytes:
        """Encrypt and bind to `context` ("table.column:row"): moved elsewhere it can't be opened."""
        ...

    def open(self, sealed: bytes, context: str) -> bytes:
        """Decrypt; raises `NeverAgain("sealed")` if the bytes, the key or the context are not the same."""
        ...


class KeyVault(Protocol):
    """The master key, which never leaves it."""

    @property
    def master_key(self) -> str:
        """The id of the key that wraps new keys."""
        ...

    def new_key(self) -> tuple[bytes, RequestKey]:
        """A fresh key: wrapped for the database, and opened."""
        ...

    def unwrap(self, wrapped: bytes, master_key: str) -> RequestKey:
        """Open a wrapped key."""
        ...

    def digest(self, purpose: str, value: str) -> bytes:
        """Keyed 32-byte digest for looking things up without storing them; purposes never meet."""
        ...


class BlobStore(Protocol):
    """Sealed bytes by name. A name is made by us and says nothing about a person."""

    def write(self, name: str, key: RequestKey) -> AbstractContextManager[BinaryIO]:
        """A writer; the blob exists under its name, whole and durable, only when the block ends well."""
        ...

    def read(self, name: str, key: RequestKey) -> AbstractContextManager[BinaryIO]:
        """A streaming reader of the plain bytes; raises `NotFound`, or `NeverAgain("sealed")` at any tampering."""
        ...

    def delete(self, name: str) -> None:
        """Gone is gone: no error if it does not exist."""
        ...

    def names(self, prefix: str = "", *, before: datetime | None = None) -> Iterator[str]:
        """Names that exist; `before`: only those last written before this instant, for finding orphans."""
        ...

    def clear_unfinished(self, before: datetime) -> int:
        """Remove what killed writers left behind before this instant; how many there were."""
        ...


class Mailer(Protocol):
    """The way out. Raises `TryAgain` before anything was handed over, `PersonMustLook("mail_unknown")` if the
    connection broke when it may have been, `NeverAgain` if it was refused for good."""

    def send(self, mail: OutgoingMail) -> None:
        """Hand one mail over."""
        ...


class Inbox(Protocol):
    """A mailbox to read. A message is settled only after it was stored."""

    def fetch(self, limit: int) -> Iterator[tuple[str, bytes]]:
        """(handle, raw message) of messages not yet settled, oldest first."""
        ...

    def settle(self, handle: str) -> None:
        """Never offer this one again; it stays in the mailbox's archive folder."""
        ...


class Documents(Protocol):
    """Letters, mails and packages. Raises `NeverAgain("placeholder")` where a text would have a hole."""

    def mail(self, letter: Letter, case: CaseFacts) -> MailText:
        """The notice that goes by mail, in the case's language; holds no personal data."""

    def letter(self, letter: Letter, case: CaseFacts) -> bytes:
        """A tagged PDF in the case's language."""

    def template(self, letter: Letter, language: str) -> str:
        """File, version and approver of the text that `letter` uses, to be kept with what it made."""

    def package(
        self,
        case: CaseFacts,
        items: Mapping[str, Callable[[], Iterable[Item]]],
        out: BinaryIO,
        *,
        open_file: Callable[[str], AbstractContextManager[BinaryIO]] | None = None,
    ) -> PackageSummary:
        """Write `vastine-package/1` as a zip; `items` maps a source to a fresh iterator over its items.

        `open_file(blob)` opens a scan or attachment that a record names in `Item.files`.
        """


class Clock(Protocol):
    """The only place time comes from."""

    def now(self) -> datetime:
        """The present instant, aware, UTC."""
        ...


class Bell(Protocol):
    """Wakes a worker. Never raises, never waits longer than a second; losing a ring loses nothing."""

    def ring(self, kind: str, step_id: str) -> None:
        """Say that there is work of this kind; the id is a hint and gives no authority."""
        ...


__all__ = [
    "Bell",
    "BlobStore",
    "CaseFacts",
    "Clock",
    "Connector",
    "Contact",
    "Discovers",
    "Documents",
    "EraseItem",
    "ErasedItem",
    "Guarantee",
    "Inbox",
    "KeyVault",
    "Lead",
    "Limiter",
    "MailText",
    "Mailer",
    "Mark",
    "Marks",
    "OutgoingMail",
    "Paced",
    "PackageSummary",
    "Person",
    "PlanLine",
    "PreviewedItem",
    "ProvesPrivileges",
    "Register",
    "RequestKey",
    "Seeds",
    "SourceFacts",
]
