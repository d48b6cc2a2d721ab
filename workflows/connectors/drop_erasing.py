"""Erasing in files: each is written anew without what goes, and put in the old one's place all at once.

In a folder a journal beside the files tells what an operation did, so that nothing is done twice and nothing is
forgotten: where all records are in one file, they go all at once (guarantee A); where they may be in several, file by
file, and whoever comes again goes on from where it stopped (B). On other drops (C) the records are looked for
afterwards. Where we may not write (D), by hand.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from typing import Any, BinaryIO, cast

from models.vocabulary import Action, ReceiptOutcome
from workflows.connectors.drop_journal import Entry, Journal
from workflows.connectors.drops import Drop, Dropped, FolderDrop
from workflows.connectors.records import Records
from workflows.connectors.records_anonymise import weigh
from workflows.connectors.records_standing import Neutral, Standing, as_it_is, previewed, stand
from workflows.connectors.sql_schema import Schema
from workflows.errors import PersonMustLook
from workflows.ports import ErasedItem, EraseItem, Guarantee, PreviewedItem
from workflows.rules.items import canonical

Changes = Mapping[str, tuple[str, ...] | None]
"""Text of a locator to the fields that are masked; None where the record goes."""
Rewrite = Callable[[str, Dropped, Changes, BinaryIO], int]
"""(collection, file, changes, out): writes the file anew, returns how many records it changed."""
Outcomes = dict[int, ReceiptOutcome]


class DropErasing:
    """Erases in one drop. `lost`: the numbers of those items whose file is not there any more.

    It may have been merged into another: then its records are not erased, they are elsewhere.
    """

    def __init__(
        self,
        drop: Drop,
        records: Records,
        schema: Schema,
        *,
        rewrite: Rewrite,
        neutral: Neutral,
        writable: bool,
        one_file: bool,
        by_people: bool = False,
        lost: Callable[[Sequence[EraseItem]], Set[int]],
    ) -> None:
        self._drop, self._records, self._schema = drop, records, schema
        self._rewrite, self._neutral, self._writable, self._one_file = rewrite, neutral, writable, one_file
        self._by_people, self._lost = by_people, lost
        self._written: set[Dropped] = set()  # by this process, where no journal tells

    @property
    def guarantee(self) -> Guarantee:
        """What this drop can promise."""
        if not self._writable:
            return "D"
        if not isinstance(self._drop, FolderDrop):
            return "C"
        return "A" if self._one_file else "B"

    def preview(self, items: Sequence[EraseItem]) -> list[PreviewedItem]:
        """What `erase` would do."""
        if not self._writable and not self._by_people:
            return [PreviewedItem(item.item_no, "by_hand") for item in items]
        return previewed(self._standings(items), neutral=self._neutral)

    def erase(self, op_id: str, fence: int, items: Sequence[EraseItem]) -> list[ErasedItem]:
        """Treat these items. Raises `PersonMustLook` with codes by_hand, count_differs, still_there."""
        if not items:
            return []
        if not self._writable:
            raise PersonMustLook("by_hand", detail="these files are erased from by whoever keeps them")
        if isinstance(self._drop, FolderDrop):
            with self._drop.alone():
                done = self._with_journal(Journal(self._drop.folder), op_id, fence=fence, items=items)
            return _told(items, done)
        done = self._treat(items, self._no_note)
        gone = [i for i in items if done[i.item_no] is ReceiptOutcome.ERASED]
        if self.present(gone):
            raise PersonMustLook("still_there", detail="the drop took the file and still has the records")
        return _told(items, done)

    def call_off(self, op_id: str, fence: int, items: Sequence[EraseItem]) -> list[ErasedItem]:
        """Keep a journal that refuses a lower fence and says `KEPT`; elsewhere, what the records look like now."""
        if not self._writable and not self._by_people:
            return [ErasedItem(item.item_no, ReceiptOutcome.KEPT) for item in items]
        if not self._writable or not isinstance(self._drop, FolderDrop):
            return _told(items, self._as_it_is(items))
        with self._drop.alone():
            journal = Journal(self._drop.folder)
            entry = journal.read(op_id, fence=fence)
            if not entry.done:
                happened = self._happened(entry)
                entry.outcomes = {}
                entry.note({i.item_no: happened.get(i.item_no, ReceiptOutcome.KEPT) for i in items})
                entry.done = True
            journal.write(op_id, entry)
        return _told(items, entry.receipts())

    def present(self, items: Sequence[EraseItem]) -> dict[int, str]:
        """The digests of those items that still exist as records, by item number.

        Raises `PersonMustLook("file_gone")` where a file that held one of the items is not there any more.
        """
        self._all_there(items)
        return {s.item.item_no: s.digest for s in stand(self._records, self._schema, items) if s.records}

    def wrote(self, file: Dropped) -> bool:
        """Whether the file is as an erasure left it: then it may be empty, and nobody has dropped another since."""
        if file in self._written:
            return True
        if not isinstance(self._drop, FolderDrop):
            return False
        digests = Journal(self._drop.folder).digests(file)
        return bool(digests) and self._digest(file) in digests

    def _with_journal(self, journal: Journal, op_id: str, *, fence: int, items: Sequence[EraseItem]) -> Outcomes:
        entry = journal.read(op_id, fence=fence)
        if entry.done:
            journal.write(op_id, entry)
            return entry.receipts()
        done = self._happened(entry)
        rest = [i for i in items if i.item_no not in done]
        files = {f.name: f for f in self._drop.files()}

        def note(name: str, digest: str, standings: Iterable[Standing]) -> None:
            entry.files[name] = (digest, [s.item.item_no for s in standings])
            entry.dropped[name] = files[name].modified_at.isoformat()
            entry.note({s.item.item_no: s.outcome for s in standings})
            journal.write(op_id, entry)

        entry.note(done)
        done |= self._treat(rest, note) if rest else {}
        entry.note(done)
        entry.done = True
        journal.write(op_id, entry)
        return done

    def _happened(self, entry: Entry) -> Outcomes:
        """What files of an unfinished operation show to be done: they are what they were to become."""
        receipts, done = entry.receipts(), Outcomes()
        files = {f.name: f for f in self._drop.files()} if entry.files else {}
        for name, (digest, numbers) in entry.files.items():
            if name in files and self._digest(files[name]) == digest:
                done |= {number: receipts[number] for number in numbers}
        return done

    def _digest(self, file: Dropped) -> str:
        with self._drop.open(file) as stream:
            digest = hashlib.sha256()
            while part := stream.read(1 << 18):
                digest.update(part)
            return digest.hexdigest()

    def _standings(self, items: Sequence[EraseItem]) -> list[Standing]:
        self._all_there(items)
        standings = stand(self._records, self._schema, items)
        weigh(self._records, self._schema, standings, neutral=self._neutral)
        return standings

    def _treat(self, items: Sequence[EraseItem], note: Callable[[str, str, Sequence[Standing]], None]) -> Outcomes:
        files = {f.name: f for f in self._drop.files()}
        standings = self._standings(items)
        places: dict[tuple[str, str], list[Standing]] = {}
        for standing in standings:
            for place in dict.fromkeys(r.place for r in standing.records if standing.able):
                places.setdefault((standing.item.collection, place), []).append(standing)
        for (collection, place), several in sorted(places.items(), key=lambda pair: pair[0]):
            self._put(collection, files[place], several, note)
        return {s.item.item_no: s.outcome for s in standings}

    def _put(
        self,
        collection: str,
        file: Dropped,
        standings: Sequence[Standing],
        note: Callable[[str, str, Sequence[Standing]], None],
    ) -> None:
        changes: dict[str, tuple[str, ...] | None] = {
            canonical(s.item.locator): None if s.item.action is Action.DELETE else s.fields for s in standings
        }
        expected = sum(r.place == file.name for s in standings for r in s.records)
        hashing = _Hashing()

        def write(out: BinaryIO) -> None:
            hashing.out = out
            if self._rewrite(collection, file, changes, cast("BinaryIO", hashing)) != expected:
                raise PersonMustLook("count_differs", detail="the file would lose more or fewer records than approved")

        put = self._drop.replace(file, write, before=lambda: note(file.name, hashing.hexdigest(), standings))
        self._written.add(put)

    @staticmethod
    def _no_note(name: str, digest: str, standings: Sequence[Standing]) -> None:
        """Where nothing can be kept."""

    def _all_there(self, items: Sequence[EraseItem]) -> None:
        if self._lost(items):
            raise PersonMustLook("file_gone", detail="a file that held a record is gone; search the source again")

    def _as_it_is(self, items: Sequence[EraseItem]) -> Outcomes:
        """Of what was in a file that is gone nobody knows: it is not called erased, and holds up none of the others."""
        lost = self._lost(items)
        rest = [i for i in items if i.item_no not in lost]
        kept = dict.fromkeys(lost, ReceiptOutcome.KEPT)
        return kept | {erased.item_no: erased.outcome for erased in as_it_is(rest, self.present(rest))}


class _Hashing:
    """Passes bytes on and digests them; in a folder what was written can be read again."""

    def __init__(self) -> None:
        self.out: BinaryIO | None = None
        self._hash = hashlib.sha256()
        self.closed = False

    def hexdigest(self) -> str:
        return self._hash.hexdigest()

    def write(self, data: Any) -> int:
        self._hash.update(data)
        return self.out.write(data) if self.out is not None else 0

    def flush(self) -> None:
        if self.out is not None:
            self.out.flush()

    def close(self) -> None:
        """Whoever opened the file does."""

    def tell(self) -> int:
        return self.out.tell() if self.out is not None else 0

    def seek(self, offset: int, whence: int = 0) -> int:
        return self.out.seek(offset, whence) if self.out is not None else 0

    def read(self, size: int = -1) -> bytes:
        return self.out.read(size) if self.out is not None else b""

    def readable(self) -> bool:
        return self.out is not None and self.out.readable()

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return self.out is not None and self.out.seekable()


def _told(items: Sequence[EraseItem], done: Mapping[int, ReceiptOutcome]) -> list[ErasedItem]:
    return [ErasedItem(item.item_no, done[item.item_no]) for item in items if item.item_no in done]
