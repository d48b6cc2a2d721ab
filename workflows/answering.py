"""A source's answer on its way into its blob, and what is kept of a large one that was cut short.

Of a large collection every so many items are sealed in a part of their own beside the answer, with the place they end
at. The next attempt of the same step takes these parts over as they are, and asks the source for what comes after.
"""

import io
from collections import Counter
from collections.abc import Iterator, Set
from datetime import datetime, timedelta
from typing import Any, BinaryIO

import orjson

from models.vocabulary import Ownership
from workflows.bookmarks import Place
from workflows.errors import NotFound
from workflows.findings import Hashing
from workflows.packing import Packing
from workflows.ports import RequestKey
from workflows.rules.item_lines import Batch
from workflows.rules.items import Item, Json, canonical
from workflows.runtime import Runtime
from workflows.work import Lease

PART_ITEMS = 50_000
KEEP = timedelta(days=1)
"""Older parts are read anew: an answer is no mixture of what was true long ago and now."""
_LINES_BYTES = 65_536  # compressed in one go: a call for each record costs more than the record
_COPY_BYTES = 1_048_576
_END = ".at"


class Answering:
    """One attempt. `asked`: all that says what an item is like, besides the source; no other attempt's parts count.

    `whole`: collections that are always read from their beginning. `unseen`: whether items may come together, none
    of them looked at by itself.
    """

    def __init__(
        self,
        rt: Runtime,
        lease: Lease,
        out: BinaryIO,
        *,
        key: RequestKey,
        asked: Json,
        whole: Set[str] = frozenset(),
        unseen: bool = False,
    ) -> None:
        self._unseen = unseen
        self._rt, self._key, self._asked, self._whole, self._fence = rt, key, asked, whole, lease.fence
        self._prefix = f"{lease.request_id}/{lease.source}.cut.{lease.step_id.hex}"
        self._hashing = Hashing(out)
        self._lines, self._member = bytearray(), io.BytesIO()
        self._packing = Packing()
        self.counts: Counter[str] = Counter()
        self.ownerships: Counter[str] = Counter()
        self._parts = ""  # the beginning of the names of this collection's parts; "" where none are kept
        self._begins: Place | None = None
        self._number = self._since = 0
        self._before: tuple[Counter[str], Counter[str]] = (Counter(), Counter())
        self._used = False

    @property
    def items(self) -> int:
        """How many there are."""
        return self.counts.total()

    def add(self, item: Item) -> None:
        """Write one down."""
        self._lines += item.to_json()
        self._lines += b"\n"
        self.counts[item.collection] += 1
        self.ownerships[item.ownership.value] += 1
        self._since += 1
        if item.ownership is Ownership.CANDIDATE:
            self._parts = ""  # what people say of it until the next attempt would be missed
        self._pack_if_many()

    def takes(self, collection: str) -> bool:
        """Whether nobody has to look at each item of this collection."""
        return self._unseen and collection not in self._whole

    def take(self, batch: Batch) -> None:
        """Write these down, none of which is a candidate."""
        if batch.ownership is Ownership.CANDIDATE:
            raise ValueError("candidates are added one by one")
        self._lines += batch.lines
        self.counts[batch.collection] += batch.count
        self.ownerships[batch.ownership.value] += batch.count
        self._since += batch.count
        self._pack_if_many()

    def after(self, collection: str, mark: Json) -> Place | None:
        """Take over the parts of this collection that are there."""
        self._pack()
        self._end_member()
        if collection in self._whole:
            return None
        context = canonical([self._prefix, self._asked, collection, mark])
        self._parts = f"{self._prefix}.{self._rt.vault.digest('part', context).hex()[:16]}"
        self._used, self._begins, self._number = True, None, 0
        ends = list(self._ends())
        while (
            found := next((e for e in ends if (e[0], e[2]["after"]) == (self._number, self._begins)), None)
        ) is not None:
            number, name, told = found
            try:
                self._take_over(name)
            except NotFound:
                break
            self.counts.update(told["counts"])
            self.ownerships.update(told["ownerships"])
            self._begins, self._number = told["place"], number + 1
        self._begin_part()
        return self._begins

    def reached(self, place: Place) -> None:
        """Seal a part if it is large enough."""
        if not self._parts or self._since < PART_ITEMS:
            return
        self._pack()
        self._member.write(self._packing.end())
        part = self._member.getvalue()
        name = f"{self._parts}.{self._number:05d}.{self._fence}"
        with self._rt.blobs.write(name, self._key) as out:
            out.write(part)
        told = {
            "at": self._rt.now().isoformat(),
            "after": self._begins,
            "place": list(place),
            "counts": self.counts - self._before[0],
            "ownerships": self.ownerships - self._before[1],
        }
        with self._rt.blobs.write(name + _END, self._key) as out:
            out.write(orjson.dumps(told))
        self._hashing.write(part)
        self._member, self._begins, self._number = io.BytesIO(), list(place), self._number + 1
        self._begin_part()

    def done(self) -> None:
        """What comes now belongs to no part."""
        self._pack()
        self._end_member()

    def finish(self) -> tuple[bytes, int]:
        """Write the rest; the digest and the size of the whole."""
        self._pack()
        self._end_member()
        self._packing.close()
        return self._hashing.hash.digest(), self._hashing.size

    def forget_parts(self) -> None:
        """The answer is whole: delete what was kept for another attempt."""
        if self._used:
            for name in list(self._rt.blobs.names(self._prefix)):
                self._rt.blobs.delete(name)

    def _begin_part(self) -> None:
        self._since, self._before = 0, (self.counts.copy(), self.ownerships.copy())

    def _pack_if_many(self) -> None:
        if len(self._lines) > _LINES_BYTES:
            self._pack()
            if not self._parts:
                self._pass_on()

    def _pack(self) -> None:
        if self._lines:
            self._member.write(self._packing.add(bytes(self._lines)))
            self._lines.clear()

    def _pass_on(self) -> None:
        """Hand over what is compressed so far; the member goes on."""
        self._hashing.write(self._member.getvalue())
        self._member.seek(0)
        self._member.truncate()

    def _end_member(self) -> None:
        self._member.write(self._packing.end())
        self._parts = ""
        self._pass_on()

    def _ends(self) -> Iterator[tuple[int, str, dict[str, Any]]]:
        """(number, name, what it says of itself) of each part that is young enough."""
        oldest = self._rt.now() - KEEP
        for end in self._rt.blobs.names(f"{self._parts}."):
            if not end.endswith(_END):
                continue
            name = end.removesuffix(_END)
            try:
                with self._rt.blobs.read(end, self._key) as sealed:
                    told = orjson.loads(sealed.read())
            except NotFound:  # a slower worker came to its end, or the night swept
                continue
            if datetime.fromisoformat(told["at"]) >= oldest:
                yield int(name.split(".")[-2]), name, told

    def _take_over(self, name: str) -> None:
        with self._rt.blobs.read(name, self._key) as sealed:
            while part := sealed.read(_COPY_BYTES):
                self._hashing.write(part)
