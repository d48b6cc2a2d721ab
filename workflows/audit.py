"""The append-only record of what was done, by whom and why, chained by hashes.

An entry is written in the transaction that does what it records. The hash covers ciphertext, never the
words themselves, so destroying a request's key leaves its chain whole and verifiable.
"""

import hashlib
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import bindparam, select, text
from sqlalchemy.orm import Session

from models.audit import AuditEntry
from workflows.barring import require_free
from workflows.rules.items import canonical

HOUSE = "house"
_GENESIS = bytes(32)
_HOUSE_LOCK = 0x56415354
_LAST = (
    select(AuditEntry.n, AuditEntry.digest)
    .where(AuditEntry.chain == bindparam("of"))
    .order_by(AuditEntry.n.desc())
    .limit(1)
)
LAST_N, LAST_DIGEST = (
    select(column)
    .where(AuditEntry.chain == bindparam("chain"))
    .order_by(AuditEntry.n.desc())
    .limit(1)
    .scalar_subquery()
    for column in (AuditEntry.n, AuditEntry.digest)
)
"""A chain's last entry as columns of another statement, for `seen_head`; `chain` is a parameter of it."""

EVENTS = frozenset(
    {
        "request:opened",
        "request:state:changed",
        "request:extended",
        "request:reopened",
        "request:case:prepared",
        "request:case:agreed",
        "request:case:dropped",
        "request:fee:announced",
        "request:fee:settled",
        "mandate:checked",
        "mandate:offered",
        "mandate:accepted",
        "mandate:ended",
        "mandate:none",
        "mandate:estate",
        "ask:made",
        "ask:answered",
        "ask:insufficient",
        "request:received:corrected",
        "request:withdrawn",
        "request:merged",
        "request:joined",
        "message:received",
        "message:understood",
        "message:triaged",
        "message:ignored",
        "message:answered",
        *("message:read", "file:held"),
        "message:stripped",
        "identity:challenged",
        "identity:code:failed",
        "identity:proven",
        "identity:failed",
        "identity:signed_in",
        "identity:unmatched",
        *(f"identity:{what}" for what in ("checked", "supporting", "near")),
        *(f"identity:letter:{what}" for what in ("asked", "written", "posted")),
        *(f"identity:signin:{what}" for what in ("begun", "failed")),
        "identity:lowering:asked",
        "identity:lowered",
        "source:searched",
        "source:failed",
        "source:skipped",
        "source:paused",
        "source:resumed",
        "source:canary",
        "source:supplemented",
        "candidate:decided",
        "plan:frozen",
        "plan:voided",
        "plan:approved",
        "plan:postponed",
        *(f"request:{what}" for what in ("refused", "withheld", "narrowed", "rest_asked")),
        "package:made",
        "package:fetched",
        "package:renewed",
        "package:purged",
        "letter:made",
        "letter:fetched",
        "letter:to_print",
        "letter:posted",
        "erasure:intended",
        "erasure:done",
        "erasure:proven",
        "erasure:residue",
        "change:intended",
        "change:done",
        "restriction:named",
        "restriction:begun",
        "restriction:lifting",
        "restriction:ended",
        "restriction:checked",
        "objection:weighed",
        "mail:queued",
        "mail:sent",
        "mail:failed",
        "mail:returned",
        "step:stuck",
        "step:requeued",
        "step:skipped",
        "task:done",
        *(f"hold:{what}" for what in ("placed", "confirmed", "release:asked", "kept", "released")),
        "hold:event",
        "hand:asked",
        "hand:saved",
        "hand:answered",
        "hand:ticked",
        "hand:confirmed",
        "hand:left",
        "hand:file",
        "hand:taken",
        "hand:returned",
        "rectification:said",
        "rectification:decided",
        "rectification:overwritten",
        "notice:made",
        "notice:sent",
        "notice:reminded",
        "notice:acknowledged",
        "notice:excused",
        "notice:failed",
        "case:read",
        "case:searched",
        "reminder:sent",
        "staff:added",
        "staff:disabled",
        "staff:logged_in",
        "staff:login:failed",
        "staff:signed",
        "staff:known",
        "case:near",
        "case:near:opened",
        "case:near:denied",
        "case:near:barred",
        "token:made",
        "key:destroyed",
        "purge:done",
        "purge:refused",
        "tombstone:set",
        "replay:opened",
        "replay:closed",
        "retention:frozen",
        "retention:shown",
        "retention:approved",
        "retention:voided",
        "retention:intended",
        "retention:done",
        *(f"rules:{what}" for what in ("adopted", "refused")),
        "ban:set",
        "ban:lifted",
        "ban:filtered",
    }
)
"""Every event there is; a test compares the list with what the code records."""


def record(
    session: Session,
    event: str,
    *,
    at: datetime,
    actor: str,
    request_id: uuid.UUID | None = None,
    facts: Mapping[str, Any] | None = None,
    sealed: bytes | None = None,
) -> None:
    """Append one entry to the request's chain, or to the house's where there is no request.

    The caller holds the request's row lock, which makes the numbers gapless. `facts` are codes, counts
    and ids of ours; raises `ValueError` for an event that is not in `EVENTS`, and what `barring.require_free` raises
    where the case is kept from this member of staff.
    """
    if event not in EVENTS:
        msg = f"unknown audit event {event}"
        raise ValueError(msg)
    if request_id is not None:
        require_free(session, request_id, actor=actor, event=event, at=at)
    chain = str(request_id) if request_id else HOUSE
    heads = _heads(session)
    if chain not in heads:
        heads[chain] = _head(session, chain)
    n, previous = heads[chain]
    entry = AuditEntry(
        chain=chain,
        n=n + 1,
        request_id=request_id,
        at=at.astimezone(UTC),
        actor=actor,
        event=event,
        facts=dict(facts or {}),
        sealed=sealed,
        previous=previous,
        digest=b"",
    )
    entry.digest = digest(entry)
    session.add(entry)
    heads[chain] = (n + 1, entry.digest)


def seen_head(session: Session, request_id: uuid.UUID, n: int | None, last: bytes | None) -> None:
    """Take note of a chain's last entry that another statement read along with its own, or that there is none.

    Only where the transaction held the request's row lock when that statement began: the next number rests on it.
    """
    _heads(session).setdefault(str(request_id), (n, last) if n is not None and last is not None else (0, _GENESIS))


def _heads(session: Session) -> dict[str, tuple[int, bytes]]:
    heads: dict[str, tuple[int, bytes]] = session.info.setdefault("audit_heads", {})
    return heads


def _head(session: Session, chain: str) -> tuple[int, bytes]:
    if chain == HOUSE and session.get_bind().dialect.name == "postgresql":
        session.execute(text("SELECT pg_advisory_xact_lock(:k)"), {"k": _HOUSE_LOCK})
    with session.no_autoflush:  # the first entry of this transaction in this chain: none is waiting to be written
        row = session.execute(_LAST, {"of": chain}).one_or_none()
    return (row.n, row.digest) if row else (0, _GENESIS)


def digest(entry: AuditEntry) -> bytes:
    """SHA-256 over the entry and the digest before it."""
    body = canonical(
        {
            "chain": entry.chain,
            "n": entry.n,
            "at": entry.at.astimezone(UTC).isoformat(timespec="microseconds"),
            "actor": entry.actor,
            "event": entry.event,
            "facts": entry.facts,
            "sealed": entry.sealed.hex() if entry.sealed else None,
        }
    )
    return hashlib.sha256(b"vastine-audit-1\n" + entry.previous + body.encode()).digest()


@dataclass(frozen=True, slots=True)
class BrokenLink:
    """The first entry of a chain that does not follow from the one before it."""

    chain: str
    n: int
    why: str


def broken_links(session: Session) -> Iterator[BrokenLink]:
    """The first broken link of every chain that has one, in the order of the chains.

    A removed tail leaves no gap: it shows against a head exported earlier (`heads`).
    """
    chain, expected, previous, broken = "", 0, _GENESIS, False
    entries = select(AuditEntry).order_by(AuditEntry.chain, AuditEntry.n).execution_options(yield_per=500)
    for entry in session.scalars(entries):
        if entry.chain != chain:
            chain, expected, previous, broken = entry.chain, 0, _GENESIS, False
        expected += 1
        if broken:
            continue
        if entry.n != expected:
            broken = True
            yield BrokenLink(chain, expected, "missing")
        elif entry.previous != previous:
            broken = True
            yield BrokenLink(chain, entry.n, "does not follow")
        elif digest(entry) != entry.digest:
            broken = True
            yield BrokenLink(chain, entry.n, "changed")
        previous = entry.digest


def heads(session: Session) -> dict[str, tuple[int, str]]:
    """Chain to (length, hex digest of its last entry): keep it elsewhere and a cut tail shows."""
    latest: dict[str, tuple[int, str]] = {}
    links = select(AuditEntry.chain, AuditEntry.n, AuditEntry.digest).order_by(AuditEntry.chain, AuditEntry.n)
    for row in session.execute(links):
        latest[row.chain] = (row.n, row.digest.hex())
    return latest
