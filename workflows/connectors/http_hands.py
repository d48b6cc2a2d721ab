"""One record of a service and what may be asked about it: how it looks now, and that it be erased."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from models.vocabulary import Action
from workflows.connectors.dataset import Graph, Node
from workflows.connectors.http_jobs import Jobs, begun
from workflows.connectors.http_records import HttpRecords, described
from workflows.connectors.http_session import Ask, Session
from workflows.connectors.http_template import filled_body, filled_url
from workflows.connectors.records import Record
from workflows.connectors.records_paths import in_array, values_at
from workflows.errors import NeverAgain
from workflows.ports import EraseItem, Marks
from workflows.register.http_connection import Change, HttpCollection, HttpConnection, Masking
from workflows.rules.items import Json


@dataclass(frozen=True, slots=True)
class Target:
    """One item with what the source file says of its collection."""

    item: EraseItem
    node: Node
    spec: HttpCollection

    @property
    def change(self) -> Change | Masking:
        """The call that treats it."""
        found = self.spec.mask if self.item.action is Action.MASK else self.spec.delete
        if found is None:
            raise NeverAgain("no_call", detail=f"the source file says no way to erase records of {self.node.name}")
        return found

    def is_masked(self, record: Record) -> bool:
        """Whether the fields hold what masking writes; a field that is not there holds nothing."""
        mask = self.spec.mask
        return mask is not None and all(
            all(value == mask.values[name] for value in values_at(record.content, name)) for name in self.item.fields
        )

    def in_array(self, record: Record) -> bool:
        """Whether a field to be masked stands in an array: a service takes an array whole, with others' elements."""
        return self.item.action is Action.MASK and any(in_array(record.content, name) for name in self.item.fields)


class Hands:
    """What an erasure does with a service. `soonest` is when something must be looked at again, in seconds."""

    def __init__(
        self, session: Session, records: HttpRecords, connection: HttpConnection, graph: Graph, *, marks: Marks
    ) -> None:
        self._session, self._records, self._connection, self._graph = session, records, connection, graph
        self.marks = marks
        self.soonest: float | None = None

    def refused(self, item: EraseItem) -> str:
        """Why this can't be done here at all, as a code; empty if it can."""
        node = self._graph.nodes.get(item.collection)
        if node is None:
            return "unknown_collection"
        if set(item.locator) != set(node.primary):
            return "unknown_locator"
        spec = described(self._connection, node)
        call = {Action.DELETE: spec.delete, Action.MASK: spec.mask}.get(item.action)
        if item.action not in (Action.DELETE, Action.MASK):
            return "action"
        if self._connection.by_hand is not None and spec.one is not None:
            return ""  # people can do anything that was approved
        if call is None or spec.one is None:
            return "by_hand"
        return _unmaskable(call, item.fields) if isinstance(call, Masking) else ""

    def target(self, item: EraseItem) -> Target:
        """The item with what is said of its collection, which `refused` has found to be there."""
        node = self._graph.nodes[item.collection]
        return Target(item, node, described(self._connection, node))

    def look(self, target: Target) -> Record | None:
        """The record as it is now."""
        return self._records.again(target.node, target.item.locator)

    def wait(self, seconds: float) -> None:
        """Note that something is to be looked at again in so many seconds."""
        self.soonest = seconds if self.soonest is None else min(self.soonest, seconds)

    @property
    def settle_seconds(self) -> float:
        """How long after the service said yes it must show."""
        return self._connection.settle_seconds

    def ask(self, target: Target, key: str) -> str | None:
        """Have it erased; where a job was begun, the job. A record that is not there any more is fine.

        Raises `TryAgain("changed_meanwhile")` where it is not what was looked at any more.
        """
        change, item = target.change, target.item
        path = filled_url(change.path, item.locator)
        if path is None:
            raise NeverAgain("bad_key", detail="a record has a key that can't be part of a path")
        body = _mask_body(change, item.fields) if isinstance(change, Masking) else change.body
        headers = {change.idempotency_header: key} if change.idempotency_header else {}
        if change.if_match:
            headers["If-Match"] = self._records.tag(target.node, item.locator)
        filled = filled_body(body, item.locator) if body is not None else None
        answer = self._session.ask(Ask(path, change.method, filled), headers=headers, absent=True)
        return begun(answer, change.job)

    def jobs(self) -> Jobs:
        """The service's own jobs."""
        return Jobs(self._session)


def _unmaskable(call: Masking, fields: Sequence[str]) -> str:
    if not fields:
        return "nothing_to_mask"
    return "" if set(fields) <= call.values.keys() else "unmaskable"


def _mask_body(mask: Masking, fields: Sequence[str]) -> dict[str, Any]:
    """Only the fields that are to lose their values, each where it stands in the record."""
    body: dict[str, Any] = {}
    for name in fields:
        _put(body, name.split("."), mask.values[name])
    for part in reversed([p for p in mask.wrap.split(".") if p]):
        body = {part: body}
    return body


def _put(body: dict[str, Any], path: Sequence[str], value: Json) -> None:
    for part in path[:-1]:
        body = body.setdefault(part, {})
    body[path[-1]] = value
