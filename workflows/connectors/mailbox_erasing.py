"""Delete messages from an archive of mail: exactly those that were approved, unchanged, one by one."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256

from models.vocabulary import Action, ReceiptOutcome
from workflows.connectors.mailbox_client import Account
from workflows.errors import NeverAgain, PersonMustLook, TryAgain
from workflows.ports import ErasedItem, EraseItem, Marks, PreviewedItem

ASKED, DONE = "asked", "done"


@dataclass(frozen=True, slots=True)
class Standing:
    """A message as it is now: where, and the digest of its bytes; `drifted` if only another one is there."""

    folder: str = ""
    uid: int = 0
    digest: str = ""

    @property
    def there(self) -> bool:
        """Whether there is one."""
        return self.uid > 0


class MailErasing:
    """One erasure, or one look at what it would do."""

    def __init__(self, account: Account, *, collection: str, trash: str, most_bytes: int, marks: Marks | None) -> None:
        self._account, self._collection, self._trash = account, collection, trash
        self._most, self._marks = most_bytes, marks

    def preview(self, items: Sequence[EraseItem]) -> list[PreviewedItem]:
        """What `erase` would do with each."""
        return [PreviewedItem(item.item_no, self._word(item)) for item in items]

    def present(self, items: Sequence[EraseItem]) -> dict[int, str]:
        """The digests of those that are there."""
        standings = ((item, self._standing(item)) for item in items if item.collection == self._collection)
        return {item.item_no: standing.digest for item, standing in standings if standing.there}

    def erase(self, op_id: str, fence: int, items: Sequence[EraseItem]) -> list[ErasedItem]:
        """Item by item; a mark is written before each, so that what is gone afterwards is known to be our doing."""
        asked = self._marks.of(op_id) if self._marks is not None else {}
        done = []
        for item in items:
            mark = asked.get(item.item_no)
            if mark is not None and self._trash:
                self._finish(item)
            word = self._word(item)
            if word == "absent":
                outcome = ReceiptOutcome.ABSENT if mark is None else ReceiptOutcome.ERASED
            elif word:
                outcome = ReceiptOutcome.DRIFTED if word == "drifted" else ReceiptOutcome.REFUSED
            else:
                self._mark(op_id, item, ASKED, fence=fence)
                self._delete(item)
                self._mark(op_id, item, DONE, fence=fence)
                outcome = ReceiptOutcome.ERASED
            done.append(ErasedItem(item.item_no, outcome))
        return done

    def called_off(self, op_id: str, items: Sequence[EraseItem]) -> list[ErasedItem]:
        """What was asked for and is gone; the rest is kept."""
        asked = self._marks.of(op_id) if self._marks is not None else {}
        left = self.present(items)
        gone = {item.item_no for item in items if item.item_no in asked and item.item_no not in left}
        return [
            ErasedItem(i.item_no, ReceiptOutcome.ERASED if i.item_no in gone else ReceiptOutcome.KEPT) for i in items
        ]

    def _mark(self, op_id: str, item: EraseItem, state: str, *, fence: int) -> None:
        if self._marks is not None:
            self._marks.set(op_id, item.item_no, state, fence=fence)

    def _word(self, item: EraseItem) -> str:
        """Why it would not be deleted; "" if it would."""
        if item.collection != self._collection:
            return "unknown_collection"
        if item.action is not Action.DELETE:
            return "unmaskable"
        standing = self._standing(item)
        if not standing.there:
            return "absent"
        if standing.digest != item.digest:
            return "drifted"
        return "" if self._account.can_erase() else "no_uidplus"

    def _standing(self, item: EraseItem) -> Standing:
        """By its number; where numbers were given anew, by its Message-ID and digest in the same folder."""
        folder, uid = str(item.locator["folder"]), int(str(item.locator["uid"]))
        if self._account.validity(folder) == item.locator["validity"]:
            digest = self._digest(folder, uid)
            return Standing(folder, uid, digest) if digest else Standing()
        same = list(self._alike(folder, item))
        exact = [standing for standing in same if standing.digest == item.digest]
        if len(exact) == 1:
            return exact[0]
        if not item.locator["message_id"] or same:
            return Standing(folder, 1, "")  # it may be there, and nobody can tell which it is: a person looks
        return Standing()

    def _alike(self, folder: str, item: EraseItem) -> Iterator[Standing]:
        ident = str(item.locator["message_id"])
        for uid in self._account.found(folder, "HEADER", "MESSAGE-ID", value=ident) if ident else ():
            digest = self._digest(folder, uid)
            if digest:
                yield Standing(folder, uid, digest)

    def _digest(self, folder: str, uid: int) -> str:
        raw = self._account.read(folder, uid, most_bytes=self._most)
        return "" if raw is None else sha256(raw).hexdigest()

    def _delete(self, item: EraseItem) -> None:
        """Compared a last time just now; gone afterwards, or somebody must look."""
        standing = self._standing(item)
        if not standing.there or standing.digest != item.digest:
            raise TryAgain("changed_meanwhile", detail="a message changed while it was to be deleted")
        if not self._trash:
            self._account.remove(standing.folder, standing.uid)
        else:
            moved = self._account.move(standing.folder, standing.uid, self._trash)
            if moved is not None and moved[0] == self._account.validity(self._trash):
                self._account.remove(self._trash, moved[1])
            else:
                self._finish(item)
        if self._digest(standing.folder, standing.uid):
            raise NeverAgain("still_there", detail="the mail server says that it deleted a message and shows it still")

    def _finish(self, item: EraseItem) -> None:
        """Delete for good what was moved to the trash and left there; a copy that somebody else put there stays."""
        exact = [standing for standing in self._alike(self._trash, item) if standing.digest == item.digest]
        if len(exact) > 1:
            raise PersonMustLook("copies_in_trash", detail="the trash holds the same message several times")
        for standing in exact:
            self._account.remove(standing.folder, standing.uid)
