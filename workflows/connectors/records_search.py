"""From seeds to everything they lead to in one source of records: found, judged, emitted once, and passed on."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from zoneinfo import ZoneInfo

from models.vocabulary import Ownership
from workflows.connectors.comparing import compare
from workflows.connectors.dataset import Graph
from workflows.connectors.joint import Joint
from workflows.connectors.records import Record, Records
from workflows.connectors.records_doors import Door, Values, outer_doors, wanted
from workflows.connectors.records_found import RecordDiscovery, stronger
from workflows.connectors.records_items import RecordItems
from workflows.connectors.records_paths import parts, text_of
from workflows.connectors.records_people import people_of
from workflows.connectors.records_pointed import RecordPointers
from workflows.connectors.records_shape import shape_of
from workflows.connectors.shares import Doubt, Shares
from workflows.connectors.sql_collect import as_json_leads, as_leads, days_together, doubted, whose
from workflows.connectors.sql_found import Found, Key, Row
from workflows.connectors.sql_pointed import Pointed
from workflows.connectors.sql_schema import Schema, Way
from workflows.connectors.windows import Windows, union
from workflows.errors import NeverAgain, TryAgain
from workflows.ports import Lead, Person, Seeds
from workflows.register.model import Register, SourceSpec
from workflows.rules.items import Item

Emit = Callable[[Item], None]
SeriesOf = Callable[[str, tuple[str, ...], Values, Emit], None]
"""Emits the days of a series: (collection, columns, values that lead to it with their windows, emit)."""


class RecordSearch:
    """The search of one source. Holds nothing between calls."""

    def __init__(
        self,
        records: Records,
        graph: Graph,
        *,
        spec: SourceSpec,
        register: Register,
        series: SeriesOf | None = None,
        keyed: bool = True,
    ) -> None:
        self._records, self._graph, self._spec, self._register = records, graph, spec, register
        self._schema = shape_of(graph, keyed=keyed)
        self._series = series

    @property
    def schema(self) -> Schema:
        """The collections in the shape of tables."""
        return self._schema

    def find(self, identifiers: Mapping[str, str]) -> list[Person]:
        """The people whose record carries any of these identifiers, each once, in the order of their keys."""
        return people_of(self._records, self._schema, spec=self._spec, identifiers=identifiers)

    def collect(self, seeds: Seeds, emit: Emit) -> dict[str, list[Lead]]:
        """Emit every record these seeds lead to, each once; return the values that lead on to other sources."""
        zone = ZoneInfo(self._register.controller.time_zone)
        shares = Shares(seeds, self._spec.person.strength)

        def searched() -> tuple[RecordDiscovery, _Run]:
            discovery = RecordDiscovery(self._spec, self._graph, self._schema, seeds=seeds, zone=zone, shares=shares)
            run = _Run(self._records, self._graph, discovery, spec=self._spec, register=self._register)
            for name, door in outer_doors(self._graph, self._schema, seeds, shares=shares):
                run.open(name, door)
            run.search()
            return discovery, run

        discovery, run = searched()
        while compare(discovery):
            discovery, run = searched()
        run.judge_together(seeds)
        run.emit_passing(emit)
        run.emit_piles(emit)
        if (run.series or run.doubtful_series) and self._series is None:
            raise NeverAgain("no_series", detail="this kind of source has no time series")
        for (name, columns), values in run.series.items():
            self._days(name, columns, values, run.together(name, emit))
        for (name, columns), values in run.doubtful_series.items():
            self._days(name, columns, values, lambda item: emit(doubted(item)))
        return run.leads() | shares.leads()

    def _days(self, name: str, columns: tuple[str, ...], values: Values, emit: Emit) -> None:
        if self._series is not None:
            self._series(name, columns, values, emit)


class _Run:
    """One collect."""

    def __init__(
        self, records: Records, graph: Graph, discovery: RecordDiscovery, *, spec: SourceSpec, register: Register
    ) -> None:
        self._records, self._graph, self._found = records, graph, discovery
        self._spec, self._schema = spec, discovery.schema
        self._exports = {
            name: [c for c in bound.node.fields if f"{name}.{c}" in graph.exports]
            for name, bound in self._schema.bound.items()
        }
        self._items = RecordItems(discovery, spec=spec, register=register)
        self._pending: dict[str, list[Door]] = {}
        self._opened: dict[str, list[Door]] = {}  # every door there was, to read a record again or judge one in passing
        self._sent: dict[tuple[Way, bool, Doubt], Values] = {}
        self._leads: dict[str, dict[str, Windows]] = {}
        self._joint_leads: dict[str, dict[str, Windows]] = {}
        self.series: dict[tuple[str, tuple[str, ...]], Values] = {}
        self.doubtful_series: dict[tuple[str, tuple[str, ...]], Values] = {}
        self._passing = {name for name in self._schema.bound if self._only_passes(name)}
        self._pointers = RecordPointers(records, discovery, judged=self.judged)

    def open(self, name: str, door: Door) -> None:
        """Look behind this door in the next round."""
        if self._schema.bound[name].node.spec.series:
            series = self.doubtful_series if door.doubt else self.series
            known = series.setdefault((name, door.columns), {})
            for value, windows in door.values.items():
                known[value] = union(known[value], windows) if value in known else windows
            return
        self._pending.setdefault(name, []).append(door)

    def search(self) -> None:
        """Until nothing new is found, one reading of a collection for all that is to be looked up in it by then."""
        while True:
            due = [name for name in self._pending if name not in self._passing]
            if not due and not self._reconsider():
                break
            for name in due:
                self._read(name, self._pending.pop(name))
        for name in list(self._pending):
            self._opened[name] = self._pending.pop(name)

    def _only_passes(self, name: str) -> bool:
        """Nothing goes out from it inside the source and nothing points at it: its records need not be kept."""
        pile = self._found.piles[name]
        if pile.roles.people or pile.roles.identities.keys() & pile.bound.node.spec.windows.keys():
            return False  # they tell whether an identifier is somebody else's too
        return not any(w.source == name or (w.target == name and w.up) for w in self._schema.ways)

    def _read(self, name: str, doors: list[Door]) -> None:
        self._opened.setdefault(name, []).extend(doors)
        node = self._schema.bound[name].node
        for record in self._records.rows(node, wanted(doors)):
            row: Row | None = None
            for door in doors:
                row = row or self._found.links(name, record)
                hit, windows = door.match(row)
                if hit:
                    self._admit(name, record, row, door=door, windows=windows)

    def _admit(self, name: str, record: Record, row: Row, *, door: Door, windows: Windows) -> None:
        when = self._found.in_time(self._schema.bound[name], row, windows)
        if when is False:
            return
        found = self._found.note(name, record, row, door=door, windows=windows, undated=when is None)
        if found is not None:
            self._follow(name, found)

    def _reconsider(self) -> bool:
        for name, found in list(self._found.reconsider()):
            self._follow(name, found)
        return any(name not in self._passing for name in self._pending)

    def _follow(self, name: str, found: Found) -> None:
        """Note where this record's values lead; another's leads nowhere, a parent never downwards."""
        if found.ownership is Ownership.THIRD_PARTY:
            return
        for way in self._schema.ways:
            if way.source != name or not (found.strong or way.up):
                continue
            new: Values = {}
            sent = self._sent.setdefault((way, found.identified, found.doubt), {})
            windows = self._found.onward(name, found, way.source_fields[0])
            for value in self._found.combinations(found.links, way.source_fields):
                wider = union(sent[value], windows) if value in sent else windows
                if value not in sent or sent[value] != wider:
                    sent[value] = new[value] = wider
            if new:
                path = f"{name}.{'+'.join(way.source_fields)} → {way.target}.{'+'.join(way.target_fields)}"
                door = Door(way.target_fields, new, path, strong=not way.up, direct=found.identified, doubt=found.doubt)
                self.open(way.target, door)

    def judged(self, name: str, record: Record) -> Found | None:
        """The record as its doors found it, by all of them together; None where none did or it is not in time."""
        row = self._found.links(name, record)
        key = self._found.key(name, row)
        if name not in self._passing:
            return self._found.piles[name].rows.get(key)
        found: Found | None = None
        for door in self._opened.get(name, ()):
            hit, windows = door.match(row)
            when = self._found.in_time(self._schema.bound[name], row, windows) if hit else False
            if when is False:
                continue
            doubt = self._found.doubts(name, door, row)
            if found is None:
                found = Found(
                    key, row, None, door.strong, door.identified, door.direct, windows, door.path, when is None, doubt
                )
            else:
                stronger(found, door, windows, undated=when is None, doubt=doubt)
        return self._found.weigh(name, found) if found is not None else None

    def emit_passing(self, emit: Emit) -> None:
        """Records that are only passed on: judged, emitted, forgotten."""
        for name in sorted(self._passing & self._opened.keys()):
            node = self._schema.bound[name].node
            once = self._records.once(node)
            seen: set[Key] = set()
            for record in self._records.rows(node, wanted(self._opened[name])):
                found = self.judged(name, record)
                if found is None or found.key in seen:
                    continue
                if not once:
                    seen.add(found.key)
                self._pointers.noted(name, found)
                self._emit(name, record, found, Pointed(), emit)

    def emit_piles(self, emit: Emit) -> None:
        """Records that were kept; those there was no room for are read again."""
        for name, pile in self._found.piles.items():
            left = dict(pile.rows)
            if not left:
                continue
            batch = list(left.values())
            pointed = dict(zip(left, self._pointers.at(pile.bound, batch), strict=True))
            for record in self._again(name):
                key = self._found.key(name, self._found.links(name, record))
                found = left.pop(key, None)
                if found is not None:
                    self._found.same(name, key, record)
                    self._emit(name, record, found, pointed[key], emit)
            if left:
                raise TryAgain("changed_meanwhile", detail=f"records of {name} went away while they were read")

    def _again(self, name: str) -> Iterator[Record]:
        kept = self._found.kept(name)
        yield from kept
        if len(kept) < len(self._found.piles[name].rows):
            yield from self._records.rows(self._schema.bound[name].node, wanted(self._opened[name]))

    def _emit(self, name: str, record: Record, found: Found, by: Pointed, emit: Emit) -> None:
        ownership = whose(found, by)
        if found.doubt is Doubt.FOREIGN and ownership is Ownership.THIRD_PARTY:
            return  # nothing of the person's own led there, and it is another's: it has no place here
        held, others = False, tuple[str, ...]()
        if ownership is Ownership.OWN and self._joint.concerns(name):
            row = self._found.links(name, record)
            held, others = self._joint.holds(name, row, self._found.day(name, row)), self._joint.others(name, row)
        item = self._items.item(name, record, found, ownership=Ownership.SHARED if held else ownership, by=by)
        if others:
            item = replace(item, third_party=tuple(dict.fromkeys((*item.third_party, *others))))
        if ownership is Ownership.CANDIDATE:
            item = replace(item, leads=as_json_leads(self._led(name, found, {})))
        emit(item)
        if ownership is Ownership.OWN:
            self._led(name, found, self._leads)
            if held:
                self._led(name, found, self._joint_leads)

    def judge_together(self, seeds: Seeds) -> None:
        """Find out what is held together with others, now that all is found."""
        self._joint = Joint(self._found, seeds, self._graph.people)

    def together(self, name: str, emit: Emit) -> Emit:
        """Passes days of a series on; one that is held together with somebody is shared."""
        return lambda item: emit(days_together(item, name, self._joint))

    def _led(self, name: str, found: Found, into: dict[str, dict[str, Windows]]) -> dict[str, dict[str, Windows]]:
        for column in self._exports[name]:
            windows = self._found.onward(name, found, column)
            values = into.setdefault(self._schema.bound[name].node.address(column), {})
            for one in parts(found.links[column]):
                value = text_of(one)
                values[value] = union(values[value], windows) if value in values else windows
        return into

    def leads(self) -> dict[str, list[Lead]]:
        """The values that lead on to other sources."""
        return as_leads(self._leads | {f"joint:{key}": values for key, values in self._joint_leads.items()})
