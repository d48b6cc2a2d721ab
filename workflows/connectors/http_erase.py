"""Erase in a service, item by item, children first; and say beforehand what that would do."""

from collections.abc import Mapping, Sequence

from models.vocabulary import Action, ReceiptOutcome
from workflows.connectors.dataset import Graph
from workflows.connectors.http_hands import Hands
from workflows.connectors.http_records import HttpRecords
from workflows.connectors.http_session import Session
from workflows.connectors.http_work import Work
from workflows.connectors.records_items import record_digest
from workflows.errors import WaitFor
from workflows.ports import ErasedItem, EraseItem, Guarantee, Marks, PreviewedItem
from workflows.register.http_connection import HttpCollection, HttpConnection


class Eraser:
    """One erasure, or one look at what an erasure would do."""

    def __init__(
        self, session: Session, records: HttpRecords, connection: HttpConnection, graph: Graph, *, marks: Marks
    ) -> None:
        self._graph, self._by_people = graph, connection.by_hand is not None
        self._hands = Hands(session, records, connection, graph, marks=marks)

    def preview(self, items: Sequence[EraseItem]) -> list[PreviewedItem]:
        """What `erase` would do with each; reads only."""
        return [self._previewed(item) for item in items]

    def erase(self, op_id: str, fence: int, items: Sequence[EraseItem]) -> list[ErasedItem]:
        """Treat the items one by one, children first. Raises `WaitFor` while the service is not done with them all."""
        marks = self._hands.marks.of(op_id)
        outcomes: dict[int, ReceiptOutcome | None] = {}
        for item in sorted(items, key=lambda one: -self._depth(one.collection)):
            if self._hands.refused(item):
                outcomes[item.item_no] = ReceiptOutcome.REFUSED
                continue
            work = Work(self._hands, self._hands.target(item), op_id=op_id, fence=fence)
            outcomes[item.item_no] = work.go_on(marks.get(item.item_no))
        if self._hands.soonest is not None:
            raise WaitFor("source_works", after_seconds=self._hands.soonest)
        return [ErasedItem(item.item_no, outcomes[item.item_no] or ReceiptOutcome.REFUSED) for item in items]

    def call_off(self, op_id: str, fence: int, items: Sequence[EraseItem]) -> list[ErasedItem]:
        """Ask for nothing more, and tell what was done; raises `WaitFor` while a job that was begun goes on."""
        marks = self._hands.marks.of(op_id)
        result = []
        for item in items:
            if self._hands.refused(item):
                result.append(ErasedItem(item.item_no, ReceiptOutcome.KEPT))
                continue
            work = Work(self._hands, self._hands.target(item), op_id=op_id, fence=fence)
            result.append(ErasedItem(item.item_no, work.call_off(marks.get(item.item_no))))
        if self._hands.soonest is not None:
            raise WaitFor("source_works", after_seconds=self._hands.soonest)
        return result

    def _previewed(self, item: EraseItem) -> PreviewedItem:
        if refused := self._hands.refused(item):
            return PreviewedItem(item.item_no, refused)
        target = self._hands.target(item)
        record = self._hands.look(target)
        if record is None:
            return PreviewedItem(item.item_no, "absent")
        if record_digest(record) != item.digest:
            return PreviewedItem(item.item_no, "drifted")
        if not self._by_people and target.in_array(record):
            return PreviewedItem(item.item_no, "in_array")
        if item.action is Action.MASK and target.is_masked(record):
            return PreviewedItem(item.item_no, "nothing_personal", item.fields)
        return PreviewedItem(item.item_no, "", item.fields)

    def _depth(self, collection: str, above: frozenset[str] = frozenset()) -> int:
        """How many collections lead down to this one: what hangs below others goes first."""
        parents = {
            edge.source
            for edge in self._graph.edges
            if edge.target == collection and self._graph.nodes[collection].fields[edge.target_fields[0]].points
        }
        return max((1 + self._depth(p, above | {collection}) for p in parents - above - {collection}), default=0)


def guarantee_of(specs: Mapping[str, HttpCollection]) -> Guarantee:
    """B where every erasing call carries an idempotency key, C where some don't, D where nothing can be erased."""
    changes = [c for spec in specs.values() if spec.one for c in (spec.delete, spec.mask) if c is not None]
    if not changes:
        return "D"
    return "B" if all(change.idempotency_header for change in changes) else "C"
