"""What was erased, remembered without knowing it: keyed digests that recognise a record that comes back.

The key is derived from the key ring's digest key, which no rotation changes, for each source by itself, so that
digests of two sources never meet. They are in the audit record too: that is append-only and leaves the machine,
so a restored database of our own learns from it what was erased since.
"""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from fideslang.models import DatasetCollection, DatasetField
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from models.erasure import Tombstone, TombstoneKind
from models.vocabulary import ReceiptOutcome
from workflows import audit
from workflows.ports import ErasedItem, EraseItem, KeyVault, Lead
from workflows.register.model import SourceSpec
from workflows.register.naming import spelled
from workflows.rules.items import Json, canonical
from workflows.rules.strength import strength_of
from workflows.runtime import Runtime

BACKUP_DAYS = 35  # the longest usual cycle, where the register names none
AFTER_BACKUP = timedelta(days=30)
_FILED = ("csv", "parquet")
_MAIL = {"folder", "validity", "uid", "message_id"}
_AN_ENTRY = 200  # digests in one audit entry: a line that still can be read


@dataclass(frozen=True, slots=True)
class Recogniser:
    """Makes a source's digests. Purposes are apart, so that none passes for another."""

    vault: KeyVault
    source: str
    in_files: bool = False  # its records stand in files, which may be merged into others

    def locator(self, collection: str, locator: Mapping[str, Json]) -> bytes:
        """Of one record."""
        return self._digest("record", f"{collection}:{canonical(self._lasting(locator))}")

    def _lasting(self, locator: Mapping[str, Json]) -> Mapping[str, Json]:
        """What stays of it when the source is put back: a message gets a new UID, a line may come in another file."""
        if locator.keys() == _MAIL and locator["message_id"]:
            return {"folder": locator["folder"], "message_id": locator["message_id"]}
        if self.in_files and locator.keys() > {"file"}:
            return {name: value for name, value in locator.items() if name != "file"}
        return locator

    def content(self, digest: str) -> bytes:
        """Of what a record says, by its digest in hex."""
        return self._digest("content", digest)

    def identifier(self, identity: str, value: str) -> bytes:
        """Of one person, in whatever spelling the value comes."""
        return self._digest("person", f"{identity}:{spelled(f'identity:{identity}', value)}")

    def _digest(self, what: str, value: str) -> bytes:
        return self.vault.digest(f"tombstone:{self.source}:{what}", value)


def recogniser(rt: Runtime, source: str) -> Recogniser:
    """The one of this source."""
    spec = rt.register.sources.get(source)
    return Recogniser(rt.vault, source, in_files=spec is not None and spec.kind in _FILED)


def known_until(rt: Runtime, source: str) -> date:
    """As long as a copy of the source that is put back might bring a record back, and a month.

    Source: GDPR Art. 5(1)(e), 5(2), 17(1); a tombstone outlives the oldest copy and nothing else.
    """
    own = rt.register.sources[source].backup_days if source in rt.register.sources else None
    days = own if own is not None else rt.register.controller.backups.days
    return rt.today() + timedelta(days=BACKUP_DAYS if days is None else days) + AFTER_BACKUP


def set_tombstones(
    session: Session,
    rt: Runtime,
    request_id: uuid.UUID | None,
    *,
    source: str,
    items: Mapping[int, EraseItem],
    erased: Sequence[ErasedItem],
    seeds: Mapping[str, Sequence[Lead]],
) -> None:
    """One for each record that was erased or masked, and one for each identifier that went with them.

    No request: what went because its time was over.
    """
    made = recogniser(rt, source)
    rows: dict[tuple[str, TombstoneKind, bytes], bytes | None] = {}
    gone: dict[str, set[str]] = {}  # collection -> columns that lost their value; "" is all of them
    for one in erased:
        item = items[one.item_no]
        where = made.locator(item.collection, item.locator)
        if one.outcome is ReceiptOutcome.ERASED:
            rows[item.collection, TombstoneKind.LOCATOR, where] = None
            gone.setdefault(item.collection, set()).add("")
        elif one.outcome is ReceiptOutcome.MASKED:
            rows[item.collection, TombstoneKind.MASKED, where] = made.content(item.digest)
            gone.setdefault(item.collection, set()).update(item.fields)
    spec = rt.register.sources.get(source)
    for collection, columns in gone.items() if spec else ():
        for identity in _identities(spec, collection, columns) if spec else ():
            for lead in seeds.get(f"identity:{identity}", ()):
                rows[collection, TombstoneKind.IDENTIFIER, made.identifier(identity, lead.value)] = None
    until, now = known_until(rt, source), rt.now()
    for (collection, kind, digest), content in rows.items():
        session.add(
            Tombstone(
                source=source,
                collection=collection,
                kind=kind,
                digest=digest,
                content_digest=content,
                erased_at=now,
                expires_on=until,
            )
        )
    _tell(session, request_id, at=now, source=source, until=until, rows=rows)


def _tell(
    session: Session,
    request_id: uuid.UUID | None,
    *,
    at: datetime,
    source: str,
    until: date,
    rows: Mapping[tuple[str, TombstoneKind, bytes], bytes | None],
) -> None:
    listed = [
        [collection, kind.value, digest.hex(), content.hex() if content else None]
        for (collection, kind, digest), content in rows.items()
    ]
    for start in range(0, len(listed), _AN_ENTRY):
        facts = {"source": source, "expires_on": until.isoformat(), "tombstones": listed[start : start + _AN_ENTRY]}
        audit.record(session, "tombstone:set", at=at, actor="vastine", request_id=request_id, facts=facts)


def set_again(session: Session, *, at: datetime, facts: Mapping[str, Any], today: date) -> int:
    """The tombstones of one audit entry, those that are not over and not there; how many. For a restored database."""
    until = date.fromisoformat(facts["expires_on"])
    if until < today:
        return 0
    count = 0
    for collection, kind, digest, content in facts["tombstones"]:
        known = select(Tombstone.id).where(
            Tombstone.source == facts["source"],
            Tombstone.collection == collection,
            Tombstone.kind == TombstoneKind(kind),
            Tombstone.digest == bytes.fromhex(digest),
            Tombstone.erased_at == at,
        )
        if session.scalar(known.limit(1)) is not None:
            continue
        count += 1
        session.add(
            Tombstone(
                source=facts["source"],
                collection=collection,
                kind=TombstoneKind(kind),
                digest=bytes.fromhex(digest),
                content_digest=bytes.fromhex(content) if content else None,
                erased_at=at,
                expires_on=until,
            )
        )
    return count


def forget_tombstones(session: Session, today: date) -> int:
    """Delete those that no copy of their source can outlive any more; how many."""
    gone = session.execute(
        delete(Tombstone).where(Tombstone.expires_on < today).execution_options(synchronize_session=False)
    )
    return int(gone.rowcount)  # type: ignore[attr-defined]


def identity_columns(spec: SourceSpec, collection: str) -> dict[str, str]:
    """Column to identity of a collection, as the source file annotates it; nested fields by dotted path."""
    return {
        name: field.fides_meta.identity
        for found in _collections(spec, collection)
        for name, field in _flat(found.fields)
        if field.fides_meta and field.fides_meta.identity
    }


def _identities(spec: SourceSpec, collection: str, columns: Iterable[str]) -> list[str]:
    """Identities that are gone with these columns and that name one person. Those shared by several never seed."""
    lost = set(columns)
    return [
        identity
        for column, identity in identity_columns(spec, collection).items()
        if ("" in lost or column in lost) and strength_of(identity, spec.person.strength) != "hint"
    ]


def _collections(spec: SourceSpec, name: str) -> Iterable[DatasetCollection]:
    for dataset in spec.dataset:
        for found in dataset.collections:
            if name in (found.name, f"{dataset.fides_key}.{found.name}"):
                yield found


def _flat(fields: Iterable[DatasetField], prefix: str = "") -> Iterable[tuple[str, DatasetField]]:
    for field in fields:
        yield f"{prefix}{field.name}", field
        yield from _flat(field.fields or (), f"{prefix}{field.name}.")
