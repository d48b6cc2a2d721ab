"""A restored database knows again what was let go of: the audit record that left the machine says what goes again.

Keys are destroyed again and tombstones set again. What the export says is believed only if its chains are whole.
"""

import json
import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.audit import AuditEntry
from models.delivery import Artifact
from models.intake import Message
from models.purge import PurgeStage
from models.request import DataKey, Request
from workflows import audit
from workflows.errors import BadInput, Fault
from workflows.purge.shredding import shred
from workflows.purge.tidying import tidy
from workflows.runtime import Runtime
from workflows.tombstones import set_again


@dataclass(slots=True)
class Again:
    """How much was done again."""

    keys: int = 0
    tombstones: int = 0


def do_again(rt: Runtime, lines: Iterable[str], *, dry_run: bool = False) -> Again:
    """Destroy again the keys, and set again the tombstones, that an audit export tells of. May be repeated.

    Raises `BadInput` where a line is no entry or a chain does not follow; nothing is done then.
    """
    entries = [e for e in _entries(lines) if e.event in ("key:destroyed", "tombstone:set")]
    done = Again()
    if dry_run:
        with rt.unit() as session:
            keys = [uuid.UUID(e.facts["data_key"]) for e in entries if e.event == "key:destroyed"]
            alive = select(DataKey.id).where(DataKey.id.in_(keys), DataKey.destroyed_at.is_(None))
            done.keys = len(session.scalars(alive).all())
        return done
    for entry in entries:
        with rt.unit() as session:
            if entry.event == "tombstone:set":
                done.tombstones += set_again(session, at=entry.at, facts=entry.facts, today=rt.today())
            else:
                done.keys += _destroy(session, rt, entry.facts)
    if done.keys:
        tidy(rt)
    return done


_OWNERS: Mapping[str, tuple[PurgeStage, Any]] = {
    "case": (PurgeStage.CASE, Request),
    "message": (PurgeStage.MESSAGE, Message),
    "package": (PurgeStage.PACKAGE, Artifact),
}


def _destroy(session: Session, rt: Runtime, facts: Mapping[str, Any]) -> bool:
    key = session.get(DataKey, uuid.UUID(facts["data_key"]), with_for_update=True)
    if key is None or key.wrapped is None:
        return False
    stage, table = _OWNERS[facts["of"]]
    owner = session.scalar(select(table.id).where(table.data_key_id == key.id))
    if owner is not None:
        shred(session, rt, stage, owner)
    if key.wrapped is not None:  # nobody's any more, or its owner was let go of without it
        key.wrapped, key.destroyed_at = None, rt.now()
    return True


def _entries(lines: Iterable[str]) -> Iterator[AuditEntry]:
    last: dict[str, tuple[int, bytes]] = {}
    for number, line in enumerate(lines, 1):
        entry = _entry(line, number)
        n, previous = last.get(entry.chain, (entry.n - 1, entry.previous))
        follows = entry.n == n + 1 and entry.previous == previous
        if not follows or audit.digest(entry) != entry.digest:
            what = f"entry {entry.n} of chain {entry.chain} is not as it was written"
            raise BadInput([Fault(f"line {number}", what, "take an export that `vastine audit export` wrote")])
        last[entry.chain] = (entry.n, entry.digest)
        yield entry


def _entry(line: str, number: int) -> AuditEntry:
    try:
        plain = json.loads(line)
        return AuditEntry(
            chain=plain["chain"],
            n=plain["n"],
            at=datetime.fromisoformat(plain["at"]),
            actor=plain["actor"],
            event=plain["event"],
            facts=plain["facts"],
            sealed=bytes.fromhex(plain["sealed"]) if plain["sealed"] else None,
            previous=bytes.fromhex(plain["previous"]),
            digest=bytes.fromhex(plain["digest"]),
        )
    except (ValueError, KeyError, TypeError):
        what = "this is no entry of an audit export"
        raise BadInput([Fault(f"line {number}", what, "make one with `vastine audit export`")]) from None
