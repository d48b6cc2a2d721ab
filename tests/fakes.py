"""Twins of the ports: in memory, instant, and held to the same contract as the real ones."""

import hashlib
import io
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, BinaryIO

from workflows.adapters.keys import AesKey
from workflows.errors import BadInput, Fault, NeverAgain, NotFound
from workflows.ports import OutgoingMail, RequestKey
from workflows.register.recipients import Hook

NOON = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
"""A Monday, noon in Helsinki."""


class SettableClock:
    """`Clock` that stands still until it is told."""

    def __init__(self, at: datetime = NOON) -> None:
        self.set(at)

    def now(self) -> datetime:
        """What it was set to."""
        return self._at

    def set(self, at: datetime) -> None:
        """Jump to an instant; a naive one is refused."""
        if at.tzinfo is None:
            raise ValueError("a naive datetime is no instant")
        self._at = at.astimezone(UTC)

    def advance(self, **units: float) -> datetime:
        """Go on by `days=`, `hours=`, `minutes=`, `seconds=`."""
        self._at += timedelta(**units)
        return self._at


class MemoryVault:
    """`KeyVault` with keys derived from a seed: the same seed opens what the other wrapped."""

    def __init__(self, seed: str = "test") -> None:
        self._seed = seed
        self._made = 0

    @property
    def master_key(self) -> str:
        """The id of its only key."""
        return "k-memory"

    def new_key(self) -> tuple[bytes, RequestKey]:
        """A fresh key, wrapped and opened."""
        self._made += 1
        key = self._hash(f"request:{self._made}")
        return self._wrapping().seal(key, "wrap"), AesKey(key)

    def unwrap(self, wrapped: bytes, master_key: str) -> RequestKey:
        """Open a wrapped key."""
        if master_key != self.master_key:
            raise NeverAgain("sealed")
        return AesKey(self._wrapping().open(wrapped, "wrap"))

    def digest(self, purpose: str, value: str) -> bytes:
        """Keyed 32-byte digest."""
        return self._hash(f"digest:{len(purpose)}:{purpose}:{value}")

    def derive(self, purpose: str) -> bytes:
        """A 32-byte key of its own for a purpose."""
        return self._hash(f"derive:{purpose}")

    def _wrapping(self) -> AesKey:
        return AesKey(self._hash("master"))

    def _hash(self, text: str) -> bytes:
        return hashlib.sha256(f"{self._seed}:{text}".encode()).digest()


class MemoryBlobStore:
    """`BlobStore` in a dict, sealed by the same keys."""

    def __init__(self) -> None:
        self.sealed: dict[str, bytes] = {}

    @contextmanager
    def write(self, name: str, key: RequestKey) -> Iterator[BinaryIO]:
        """The blob exists when the block ended well."""
        self._check(name)
        out = _Kept()
        yield out
        self.sealed[name] = key.seal(out.getvalue(), f"blob:{name}")

    @contextmanager
    def read(self, name: str, key: RequestKey) -> Iterator[BinaryIO]:
        """The plain bytes."""
        self._check(name)
        if name not in self.sealed:
            raise NotFound("blob")
        with io.BytesIO(key.open(self.sealed[name], f"blob:{name}")) as stream:
            yield stream

    def delete(self, name: str) -> None:
        """Gone is gone."""
        self._check(name)
        self.sealed.pop(name, None)

    def names(self, prefix: str = "", *, before: datetime | None = None) -> Iterator[str]:
        """Names that exist; how old they are is not known."""
        return iter(sorted(name for name in self.sealed if name.startswith(prefix)))

    def clear_unfinished(self, before: datetime) -> int:
        """Nothing: what is not finished is in no dict."""
        return 0

    @staticmethod
    def _check(name: str) -> None:
        parts = name.split("/")
        if parts[0] == "tmp" or not all(p and p[0].isalnum() and p.isascii() and p.isprintable() for p in parts):
            raise BadInput([Fault("blob", "not a blob's name")], "bad_blob_name")


class _Kept(io.BytesIO):
    """Bytes that outlive a `close` from inside the block."""

    def close(self) -> None:
        """Nothing."""


class RecordingMailer:
    """`Mailer` that keeps what it was given, and fails with what `failing` holds, in turn."""

    def __init__(self, *failing: Exception) -> None:
        self.sent: list[OutgoingMail] = []
        self.failing = list(failing)

    def send(self, mail: OutgoingMail) -> None:
        """Keep one mail."""
        if self.failing:
            raise self.failing.pop(0)
        if any(ord(char) < 32 for char in mail.to + mail.subject + mail.message_id):
            raise NeverAgain("mail_header")
        if "@" not in mail.to:
            raise NeverAgain("mail_address")
        self.sent.append(mail)


class RecordingHooks:
    """`Hooks` that keeps what it was given, or fails with `error` while there is one."""

    def __init__(self) -> None:
        self.posted: list[tuple[Hook, str, Any]] = []
        self.error: Exception | None = None

    def post(self, hook: Hook, *, ident: str, at: datetime, body: bytes) -> None:
        """Keep one event."""
        if self.error is not None:
            raise self.error
        self.posted.append((hook, ident, json.loads(body)))


class ListInbox:
    """`Inbox` over a list of raw messages."""

    def __init__(self, messages: Sequence[bytes] = ()) -> None:
        self._waiting = {str(number): raw for number, raw in enumerate(messages, start=1)}
        self._numbered = len(messages)
        self.settled: list[bytes] = []

    def append(self, raw: bytes) -> None:
        """As if it had been delivered."""
        self._numbered += 1
        self._waiting[str(self._numbered)] = raw

    def fetch(self, limit: int) -> Iterator[tuple[str, bytes]]:
        """Those not yet settled, oldest first."""
        yield from list(self._waiting.items())[:limit]

    def settle(self, handle: str) -> None:
        """Never offer it again."""
        raw = self._waiting.pop(handle, None)
        if raw is not None:
            self.settled.append(raw)


class RecordingBell:
    """`Bell` that keeps its rings."""

    def __init__(self) -> None:
        self.rings: list[tuple[str, str]] = []

    def ring(self, kind: str, step_id: str) -> None:
        """Keep one."""
        self.rings.append((kind, step_id))


__all__ = [
    "NOON",
    "ListInbox",
    "MemoryBlobStore",
    "MemoryVault",
    "RecordingBell",
    "RecordingMailer",
    "SettableClock",
]
