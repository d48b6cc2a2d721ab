"""Whether records of other people point at a record of this source, by a reference of the dataset."""

from collections.abc import Callable, Iterator, Sequence

from models.vocabulary import Ownership
from workflows.connectors.dataset import Node
from workflows.connectors.records import Record, Records
from workflows.connectors.records_found import RecordDiscovery
from workflows.connectors.sql_found import Found
from workflows.connectors.sql_pointed import NOT_THEIRS, Pointed, Pointers, all_looked_up
from workflows.connectors.sql_pointers import Pointer
from workflows.connectors.sql_schema import Bound
from workflows.connectors.sql_values import local_day
from workflows.connectors.windows import covers

Texts = tuple[str, ...]


class RecordPointers(Pointers):
    """Asks who else points at records; `judged` tells what this search makes of a record."""

    def __init__(
        self, records: Records, discovery: RecordDiscovery, *, judged: Callable[[str, Record], Found | None]
    ) -> None:
        self._records, self._discovery, self._judged = records, discovery, judged
        self._found = discovery
        self._by_node: dict[str, tuple[Pointer, ...]] = {}
        self._passed: dict[str, list[Found]] = {}

    def noted(self, name: str, found: Found) -> None:
        """Remember another's record that is kept nowhere else: what it points at is pointed at by another."""
        if found.ownership in NOT_THEIRS:
            self._passed.setdefault(name, []).append(found)

    def at(self, bound: Bound, batch: Sequence[Found]) -> list[Pointed]:
        """For each record of the batch, in order."""
        anyone: set[int] = set()
        people: set[int] = set()
        for pointer in self._pointers(bound):
            asked: dict[Texts, list[int]] = {}
            strangers = self._of_strangers(pointer)
            hit: set[int] = set()
            for i, found in enumerate(batch):
                for value in self._discovery.combinations(found.links, pointer.columns):
                    if not all_looked_up(bound, pointer, found):
                        asked.setdefault(value, []).append(i)
                    elif value in strangers:
                        hit.add(i)
            hit |= set(self._asked(pointer, asked, batch)) if asked else set()
            anyone |= hit
            people |= hit if self._about_people(pointer) else set()
        return [Pointed(i in anyone, i in people) for i in range(len(batch))]

    def _of_strangers(self, pointer: Pointer) -> set[Texts]:
        kept = self._discovery.piles[pointer.node].rows.values()
        strangers = [f for f in kept if f.ownership in NOT_THEIRS] + self._passed.get(pointer.node, [])
        return {v for f in strangers for v in self._discovery.combinations(f.links, pointer.child_columns)}

    def _asked(self, pointer: Pointer, values: dict[Texts, list[int]], batch: Sequence[Found]) -> Iterator[int]:
        """Which of the batch a record points at that is not the person's."""
        child = self._discovery.schema.bound[pointer.node].node
        wanted = {c: frozenset(v[n] for v in values) for n, c in enumerate(pointer.child_columns)}
        for record in self._records.rows(child, wanted):
            row = self._discovery.links(child.name, record)
            for value in self._discovery.combinations(row, pointer.child_columns):
                for i in values.get(value, ()):
                    if not self._persons(child, pointer, record, batch[i]):
                        yield i

    def _persons(self, child: Node, pointer: Pointer, record: Record, parent: Found) -> bool:
        if child.spec.series:
            # What belongs to a series outside the person's time is somebody else's.
            row = self._discovery.links(child.name, record)
            day = local_day(row[child.spec.series.at], self._discovery.zone)
            return pointer.followed and day is not None and covers(parent.windows, day)
        found = self._judged(child.name, record)
        if found is None or not found.strong:
            return False
        # Should a candidate be the person's, then what it has below it most likely is as well.
        maybe = found.ownership is Ownership.CANDIDATE and parent.ownership is Ownership.CANDIDATE
        return maybe or found.ownership in (Ownership.OWN, Ownership.SHARED)
