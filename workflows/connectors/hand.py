"""A source that people search and erase: a system without a door for programs, or a paper archive.

The connector never waits for anybody. Whoever runs it binds the answer that people gave for a request
(`answered`) and gets a connector that reads like any other; without one there is nothing to read.
"""

from collections.abc import Callable, Mapping, Sequence
from zoneinfo import ZoneInfo

from models.vocabulary import Action, Ownership, ReceiptOutcome
from workflows.connectors.dataset import Node, build_graph
from workflows.connectors.hand_match import Door, Told, together
from workflows.connectors.shares import Shares
from workflows.connectors.sql_values import fact, local_day
from workflows.connectors.windows import ALWAYS, Windows, both, covers, of_span, union
from workflows.errors import PersonMustLook, WaitFor
from workflows.handed import HandAnswer, HandRecord, place_of
from workflows.ports import ErasedItem, EraseItem, Guarantee, Lead, Person, PreviewedItem, Seeds
from workflows.register.categories import category_of
from workflows.register.model import Register, SourceSpec
from workflows.rules.items import Item, Json, canonical

_LOOK_AGAIN = 3600.0
"""Seconds after which a step looks again by itself, should nobody wake it."""
_CAUTION = {Ownership.OWN: 0, Ownership.SHARED: 1, Ownership.CANDIDATE: 2, Ownership.THIRD_PARTY: 3}


class HandConnector:
    """One source of kind `manual` or `paper`."""

    def __init__(self, spec: SourceSpec, *, register: Register, answer: HandAnswer | None = None) -> None:
        self.spec = spec
        self._register = register
        self._answer = answer
        self._zone = ZoneInfo(register.controller.time_zone)
        self._graph = build_graph(spec, register)
        self._doors: dict[str, list[Door]] = {name: [] for name in self._graph.nodes}
        for name, node in self._graph.nodes.items():
            self._doors[name] += [Door((f,), (f"identity:{key}",)) for f, key in node.identities.items()]
        for inlet in self._graph.inlets:
            self._doors[inlet.target].append(Door(inlet.fields, inlet.keys))

    @property
    def guarantee(self) -> Guarantee:
        """D: by hand."""
        return "D"

    def answered(self, answer: HandAnswer) -> "HandConnector":
        """The same source as these people found it."""
        return HandConnector(self.spec, register=self._register, answer=answer)

    def entries(self) -> frozenset[str]:
        """The keys of `Seeds` that a search here can start from: those of the fields, and those people look by."""
        terms = self.spec.connection.get("search_terms", ())
        return self._graph.entries() | {f"{kind}:{term}" for term in terms for kind in ("identity", "shared")}

    def health(self) -> None:
        """Return: there is nobody to ask at any minute; a search that stays open is noticed by its due date."""

    def find(self, identifiers: Mapping[str, str]) -> list[Person]:  # noqa: ARG002 (the port's shape)
        """Nobody: people look for records when they are asked to, not for who is at the door."""
        return []

    def collect(self, seeds: Seeds, emit: Callable[[Item], None]) -> dict[str, list[Lead]]:
        """Emit what people found that is still there. Raises `WaitFor("by_hand")` while nobody has answered."""
        if self._answer is None and not any(seeds.values()):
            return {}  # nobody is asked to look for nothing
        leads: dict[str, dict[str, Windows]] = {}
        for record in self._standing():
            node = self._graph.nodes.get(record.collection)
            if node is None:
                raise PersonMustLook("unknown_collection", detail="the register no longer describes a record's place")
            match = self._match(node, record, seeds)
            if match is None:
                continue
            ownership, windows, path = match
            emit(self._item(node, record, ownership=ownership, path=path))
            if ownership is Ownership.OWN:
                self._lead(node, record, windows, leads=leads)
        return {
            key: [Lead(value, *span) for value, windows in values.items() for span in windows or ((None, None),)]
            for key, values in leads.items()
        }

    def preview(self, items: Sequence[EraseItem]) -> list[PreviewedItem]:
        """People can do anything that was approved: nothing is refused."""
        return [PreviewedItem(i.item_no, "", i.fields if i.action is Action.MASK else ()) for i in items]

    def erase(self, op_id: str, fence: int, items: Sequence[EraseItem]) -> list[ErasedItem]:  # noqa: ARG002
        """Never by program. Raises `PersonMustLook("by_hand")`."""
        if not items:
            return []
        raise PersonMustLook("by_hand", detail="records of this source are erased by people, item by item")

    def call_off(self, op_id: str, fence: int, items: Sequence[EraseItem]) -> list[ErasedItem]:  # noqa: ARG002
        """What two people said they did is done; the rest is kept."""
        answer = self._answer or HandAnswer()
        done = []
        for item in items:
            where = place_of(item.collection, item.locator)
            outcome = ReceiptOutcome.KEPT
            if where in answer.gone:
                outcome = ReceiptOutcome.ERASED
            elif where in answer.masked:
                outcome = ReceiptOutcome.MASKED
            done.append(ErasedItem(item.item_no, outcome))
        return done

    def present(self, items: Sequence[EraseItem]) -> dict[int, str]:
        """The digests of those items that two people did not say are gone, by item number."""
        wanted = {(item.collection, canonical(item.locator)): item.item_no for item in items}
        found = {}
        for record in self._standing() if wanted else ():
            where = (record.collection, canonical(self._locator(record)))
            if where in wanted:
                found[wanted[where]] = record.digest()
        return found

    def _standing(self) -> list[HandRecord]:
        if self._answer is None:
            detail = "nobody has searched this source for this request yet"
            raise WaitFor("by_hand", detail=detail, after_seconds=_LOOK_AGAIN)
        standing = []
        for record in self._answer.records:
            where = place_of(record.collection, self._locator(record))
            if where not in self._answer.gone:
                taken = self._answer.masked.get(where)
                standing.append(record.without(taken) if taken else record)
        return standing

    def _locator(self, record: HandRecord) -> dict[str, Json]:
        node = self._graph.nodes.get(record.collection)
        return locator_of(node.primary if node else (), record)

    def _match(self, node: Node, record: HandRecord, seeds: Seeds) -> tuple[Ownership, Windows, str] | None:
        """Whose, when and why; None where the record's day lies outside the person's time."""
        spec = node.spec
        day = local_day(record.values.get(spec.on) or None, self._zone) if spec.on else None
        told = Told(record.values, seeds, shares=Shares(seeds, self.spec.person.strength), day=day)
        for door in self._doors[node.name]:
            told.ask(node.name, door)
        windows = told.windows if told.said else ALWAYS  # who is not named was found under the person
        ownership = told.ownership
        if windows is not None and told.hit and spec.on:
            if day is None:
                ownership = Ownership.THIRD_PARTY
            elif not covers(windows, day):
                return None
        if spec.ownership != "auto":
            ownership = Ownership(spec.ownership)
        elif spec.owner and any(record.values.get(c) for c in spec.owner):
            ownership = max(ownership, self._owner(node, record, seeds), key=_CAUTION.__getitem__)
        worst = max(ownership, record.whose, key=_CAUTION.__getitem__)
        return worst, windows, told.path or f"by hand → {node.name}"

    def _owner(self, node: Node, record: HandRecord, seeds: Seeds) -> Ownership:
        doors = {d.fields[0]: d for d in self._doors[node.name] if len(d.fields) == 1}
        for column in node.spec.owner:
            value, door = record.values.get(column, ""), doors.get(column)
            if value and (door is None or together(door, [value], seeds) is None):
                return Ownership.THIRD_PARTY
        return Ownership.OWN

    def _item(self, node: Node, record: HandRecord, *, ownership: Ownership, path: str) -> Item:
        spec = node.spec
        told = {name: record.values.get(name) or None for name in node.fields}
        return Item(
            source=self.spec.source,
            collection=node.name,
            locator=self._locator(record),
            category=category_of(self._register, self.spec.source, node.name),
            ownership=ownership,
            digest=record.digest(),
            fields={name: record.values.get(name, "") for name in node.fields},
            facts={name: fact(name, one, row=told, zone=self._zone) for name, one in spec.facts.items()},
            on=local_day(record.values.get(spec.on) or None, self._zone) if spec.on else None,
            path=path,
            third_party=spec.third_party,
            files=tuple(
                {
                    "blob": scan.blob,
                    "media_type": scan.media_type,
                    "size_bytes": scan.size_bytes,
                    "sha256": scan.sha256,
                }
                for scan in record.scans
            ),
        )

    def _lead(self, node: Node, record: HandRecord, windows: Windows, *, leads: dict[str, dict[str, Windows]]) -> None:
        for export in self._graph.exports:
            name, _, field = export.rpartition(".")
            value = record.values.get(field, "")
            if name != node.name or not value:
                continue
            when, window = windows, node.spec.windows.get(field)
            if window is not None:
                ends = [local_day(record.values.get(c) or None, self._zone) for c in (window.start, window.end)]
                when = both(windows, of_span(ends[0], ends[1]))
            values = leads.setdefault(node.address(field), {})
            values[value] = union(values[value], when) if value in values else when


def locator_of(primary: Sequence[str], record: HandRecord) -> dict[str, Json]:
    """What finds the record again: its primary key where the dataset has one, else the number we gave it."""
    return {c: record.values.get(c, "") for c in primary} if primary else {"entry": record.entry}
