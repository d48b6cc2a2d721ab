"""What people said of records that may be the person's, and what that makes of these records.

A word counts for one record of one request as it was when somebody looked at it: a record that changed since is a
candidate again.
"""

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import partial

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.candidates import CandidateVerdict
from models.request import Request
from models.vocabulary import Belongs, Ownership
from workflows.bookmarks import Bookmark, Resumes
from workflows.casefile import findings_of
from workflows.ports import Connector, ErasedItem, EraseItem, Guarantee, KeyVault, Lead, Person, PreviewedItem, Seeds
from workflows.rules.items import Item, Json, canonical
from workflows.runtime import Runtime

_BECOMES = {
    Belongs.MINE: Ownership.OWN,
    Belongs.NOT_MINE: Ownership.THIRD_PARTY,
    Belongs.CANT_TELL: Ownership.CANDIDATE,
}


@dataclass(frozen=True, slots=True)
class Verdicts:
    """What was said of one source's candidates; `said` maps (collection, keyed locator) to (item digest, word)."""

    vault: KeyVault
    request_id: uuid.UUID
    said: Mapping[tuple[str, bytes], tuple[bytes, Belongs]]

    def of(self, item: Item) -> Belongs | None:
        """The word on this candidate as it is now; None if nobody has said any, or it changed since."""
        if not self.said:
            return None
        digest, word = self.said.get(self.mark(item), (b"", None))
        return word if digest.hex() == item.digest else None

    def mark(self, item: Item) -> tuple[str, bytes]:
        """What this record is remembered by."""
        return item.collection, locator_digest(self.vault, self.request_id, item.source, item.collection, item.locator)

    def judged(self, item: Item) -> Item:
        """The item with the ownership that people gave it; anything but a candidate as it is."""
        word = self.of(item) if item.ownership is Ownership.CANDIDATE else None
        return item if word is None else replace(item, ownership=_BECOMES[word], leads={})


def locator_digest(
    vault: KeyVault, request_id: uuid.UUID, source: str, collection: str, locator: Mapping[str, Json]
) -> bytes:
    """Keyed: nobody without the key can try out which record it is."""
    return vault.digest("candidate", canonical([str(request_id), source, collection, dict(locator)]))


def verdicts_of(session: Session, rt: Runtime, request: Request) -> dict[str, Verdicts]:
    """By source, those of which somebody said anything."""
    rows = session.scalars(select(CandidateVerdict).where(CandidateVerdict.request_id == request.id)).all()
    said: dict[str, dict[tuple[str, bytes], tuple[bytes, Belongs]]] = {}
    for row in rows:
        said.setdefault(row.source, {})[(row.collection, row.locator_digest)] = (row.item_digest, row.verdict)
    return {source: Verdicts(rt.vault, request.id, marks) for source, marks in said.items()}


def undecided(session: Session, request: Request) -> int:
    """How many candidates still need somebody's word."""
    return sum(f.undecided for f in findings_of(session, request).values())


class JudgedConnector:
    """A source as people judged its candidates: theirs are the person's, and lead on as such."""

    def __init__(self, connector: Connector, verdicts: Verdicts) -> None:
        self.spec, self.connector, self.verdicts = connector.spec, connector, verdicts

    @property
    def guarantee(self) -> Guarantee:
        """The source's."""
        return self.connector.guarantee

    def entries(self) -> frozenset[str]:
        """The source's."""
        return self.connector.entries()

    def health(self) -> None:
        """The source's."""
        self.connector.health()

    def find(self, identifiers: Mapping[str, str]) -> list[Person]:
        """The source's."""
        return self.connector.find(identifiers)

    def collect(self, seeds: Seeds, emit: Callable[[Item], None]) -> dict[str, list[Lead]]:
        """The source's, each candidate as people judged it; what was given to the person leads on."""
        return self._judging(self.connector.collect, seeds, emit)

    def collect_on(self, seeds: Seeds, emit: Callable[[Item], None], *, bookmark: Bookmark) -> dict[str, list[Lead]]:
        """The same, beginning in the middle where the source can."""
        if isinstance(self.connector, Resumes):
            return self._judging(partial(self.connector.collect_on, bookmark=bookmark), seeds, emit)
        return self.collect(seeds, emit)

    def _judging(
        self,
        collect: Callable[[Seeds, Callable[[Item], None]], Mapping[str, Sequence[Lead]]],
        seeds: Seeds,
        emit: Callable[[Item], None],
    ) -> dict[str, list[Lead]]:
        more: dict[str, list[Lead]] = {}

        def judged(item: Item) -> None:
            now = self.verdicts.judged(item)
            if now.ownership is Ownership.OWN:
                for key, leads in item.leads.items():
                    more.setdefault(key, []).extend(map(_lead, leads))
            emit(now)

        found = collect(seeds, judged)
        return {key: list(dict.fromkeys([*found.get(key, ()), *more.get(key, ())])) for key in [*found, *more]}

    def preview(self, items: Sequence[EraseItem]) -> list[PreviewedItem]:
        """The source's."""
        return self.connector.preview(items)

    def erase(self, op_id: str, fence: int, items: Sequence[EraseItem]) -> list[ErasedItem]:
        """The source's."""
        return self.connector.erase(op_id, fence, items)

    def call_off(self, op_id: str, fence: int, items: Sequence[EraseItem]) -> list[ErasedItem]:
        """The source's."""
        return self.connector.call_off(op_id, fence, items)

    def present(self, items: Sequence[EraseItem]) -> dict[int, str]:
        """The source's."""
        return self.connector.present(items)


def as_judged(
    session: Session, rt: Runtime, request: Request, connectors: Mapping[str, Connector]
) -> Mapping[str, Connector]:
    """The sources with what people said of their candidates in this request."""
    verdicts = verdicts_of(session, rt, request)
    if not verdicts:
        return connectors
    return {n: JudgedConnector(c, verdicts[n]) if n in verdicts else c for n, c in connectors.items()}


def _lead(plain: Sequence[Json]) -> Lead:
    value, start, end = plain
    return Lead(str(value), *(date.fromisoformat(str(day)) if day else None for day in (start, end)))
