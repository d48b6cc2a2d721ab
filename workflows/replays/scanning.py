"""Read a source through for what was erased from it: which records came back, and which only look like it.

What can't be read through, such as a service that lists nothing, is named: "nothing came back" is never said of it.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from itertools import islice
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.erasure import Tombstone, TombstoneKind
from models.vocabulary import Action
from workflows.errors import PersonMustLook
from workflows.listed import Listed, Lists
from workflows.ports import Connector, EraseItem
from workflows.register.categories import erasable
from workflows.runtime import Runtime
from workflows.tombstones import Recogniser, recogniser

_BATCH = 500


@dataclass(frozen=True, slots=True)
class Hit:
    """One record that came back. `undated`: nobody can tell whether it is older than the erasure."""

    row: Listed
    undated: bool


@dataclass(slots=True)
class Scan:
    """What was seen of a source. `younger` came after the erasure: a person who is a customer again."""

    hits: list[Hit] = field(default_factory=list)
    scanned: int = 0
    younger: int = 0
    unread: tuple[str, ...] = ()
    """Collections of which something was erased and that can't be read through: whoever keeps them has to look."""

    @property
    def undated(self) -> int:
        """Records that a person has to decide about."""
        return sum(hit.undated for hit in self.hits)


@dataclass(frozen=True, slots=True)
class Stones:
    """The tombstones of one source: kind, collection and digest to when, and what a masked record said before."""

    known: Mapping[tuple[TombstoneKind, str, bytes], tuple[datetime, bytes | None]]
    made: Recogniser

    def of(self, kind: TombstoneKind, collection: str, digest: bytes) -> tuple[datetime, bytes | None] | None:
        """When this was erased, the last time."""
        return self.known.get((kind, collection, digest))

    def any_of(self, *names: str) -> bool:
        """Whether anything of this collection was erased, by whichever of its names."""
        return any(collection in names for _, collection, _ in self.known)


def stones_of(session: Session, rt: Runtime, source: str, since: datetime) -> Stones:
    """Those of erasures after an instant."""
    known: dict[tuple[TombstoneKind, str, bytes], tuple[datetime, bytes | None]] = {}
    found = select(Tombstone).where(Tombstone.source == source, Tombstone.erased_at > since)
    for row in session.scalars(found.order_by(Tombstone.erased_at).execution_options(yield_per=1000)):
        known[row.kind, row.collection, row.digest] = (row.erased_at, row.content_digest)
    return Stones(known, recogniser(rt, source))


def scan(rt: Runtime, source: str, stones: Stones) -> Scan:
    """Read the source through. Raises `PersonMustLook("replay_by_hand")` where nothing of it can be listed."""
    connector = rt.connectors[source]
    names = connector.collections() if isinstance(connector, Lists) else ()
    if not isinstance(connector, Lists) or not names:
        text = "this source can't be read through; whoever keeps it has to look"
        raise PersonMustLook("replay_by_hand", detail=text)
    seen = Scan(unread=_unread(rt, source, names, stones))
    zone = ZoneInfo(rt.register.controller.time_zone)
    for collection in names:
        rows = iter(connector.everything(collection))
        while batch := list(islice(rows, _BATCH)):
            seen.scanned += len(batch)
            for row, erased_at in _recognised(connector, batch, stones):
                older = _is_older(row.created, erased_at, zone)
                if older is False:
                    seen.younger += 1
                else:
                    seen.hits.append(Hit(row, undated=older is None))
    return seen


def _unread(rt: Runtime, source: str, names: Sequence[str], stones: Stones) -> tuple[str, ...]:
    kept = erasable(rt.register, rt.register.sources[source])
    return tuple(
        name for name, qualified, _ in kept if not {name, qualified} & set(names) and stones.any_of(name, qualified)
    )


def _recognised(connector: Connector, batch: Sequence[Listed], stones: Stones) -> Iterator[tuple[Listed, datetime]]:
    maybe: list[tuple[Listed, datetime, bytes]] = []
    for row in batch:
        digest = stones.made.locator(row.collection, row.locator)
        gone = stones.of(TombstoneKind.LOCATOR, row.collection, digest)
        named = gone or _by_identifier(row, stones)
        masked = stones.of(TombstoneKind.MASKED, row.collection, digest)
        if named is not None:
            yield _as_named(row, stones), named[0]
        elif masked is not None and masked[1] is not None:
            maybe.append((row, masked[0], masked[1]))
    # A masked record is still there, as it should be; it came back only if it says again what it said.
    yield from _saying_again(connector, maybe, stones)


def _as_named(row: Listed, stones: Stones) -> Listed:
    """With the identifiers that say whose it is. A message names also who it was sent to, or the house itself."""
    if not row.names_others:
        return row
    own = {
        identity: [value for value in values if _erased(stones, row.collection, identity, value)]
        for identity, values in row.identifiers.items()
    }
    return replace(row, identifiers={identity: values for identity, values in own.items() if values})


def _erased(stones: Stones, collection: str, identity: str, value: str) -> tuple[datetime, bytes | None] | None:
    return stones.of(TombstoneKind.IDENTIFIER, collection, stones.made.identifier(identity, value))


def _by_identifier(row: Listed, stones: Stones) -> tuple[datetime, bytes | None] | None:
    for identity, values in row.identifiers.items():
        for value in values:
            known = _erased(stones, row.collection, identity, value)
            if known is not None:
                return known
    return None


def _saying_again(
    connector: Connector, maybe: Sequence[tuple[Listed, datetime, bytes]], stones: Stones
) -> Iterable[tuple[Listed, datetime]]:
    items = [EraseItem(n, row.collection, row.locator, Action.DELETE, (), "") for n, (row, _, _) in enumerate(maybe)]
    now = connector.present(items) if items else {}
    for n, (row, erased_at, before) in enumerate(maybe):
        if n in now and stones.made.content(now[n]) == before:
            yield row, erased_at


def _is_older(created: date | datetime | None, erased_at: datetime, zone: ZoneInfo) -> bool | None:
    """Whether a record was there before the erasure; None: nobody can tell, which is also so on the very day."""
    if created is None:
        return None
    if isinstance(created, datetime):
        return (created if created.tzinfo else created.replace(tzinfo=zone)) < erased_at
    day = erased_at.astimezone(zone).date()
    return None if created == day else created < day
