"""Records of a service: looked up by the values a search wants, by the calls its source file describes."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, tzinfo
from functools import partial
from itertools import product
from typing import Any

from workflows.connectors.dataset import Graph, Node
from workflows.connectors.http_json import at
from workflows.connectors.http_paging import Raw, records_of
from workflows.connectors.http_session import Ask, Reads
from workflows.connectors.http_template import SPELLINGS, Hole, filled_body, filled_url, holes
from workflows.connectors.records import Record, Wanted, locator_of
from workflows.connectors.records_paths import replaced, text_of, values_at
from workflows.errors import NeverAgain
from workflows.ports import Lead, Seeds
from workflows.register.http_connection import Find, HttpCollection, HttpConnection
from workflows.rules.items import Json, canonical

_NOTHING = HttpCollection()


def described(connection: HttpConnection, node: Node) -> HttpCollection:
    """What the source file says to call for this collection."""
    said = connection.collections
    return said.get(node.name) or said.get(node.collection) or _NOTHING


def lists_all(node: Node, spec: HttpCollection) -> bool:
    """Whether a call of this collection asks for nothing in particular and so finds all of its records."""
    return any(not columns_of(node, find) for find in spec.find)


class HttpRecords:
    """The records of one search; implements `records.Records`."""

    def __init__(self, session: Reads, connection: HttpConnection, graph: Graph, *, zone: tzinfo) -> None:
        self._session, self._connection, self._graph, self._zone = session, connection, graph, zone
        self._tags: dict[tuple[str, str], str] = {}
        self._respelled: dict[str, set[str]] = {}  # spelling -> values that exist only in that spelling

    def respelled(self, seeds: Seeds) -> dict[str, list[Lead]]:
        """The seeds, and beside them each identity as the service spells it where it keeps another spelling."""
        whole = {key: list(leads) for key, leads in seeds.items()}
        for node in self._graph.nodes.values():
            for field, spelling in described(self._connection, node).spelled.items():
                for kind in ("identity", "shared"):
                    key = f"{kind}:{node.identities.get(field, '')}"
                    for lead in seeds.get(key, ()):
                        value = SPELLINGS[spelling](lead.value)
                        if value != lead.value:
                            whole[key].append(Lead(value, lead.start, lead.end))
                        self._respelled.setdefault(spelling, set()).add(value)
        return whole

    def rows(self, node: Node, wanted: Wanted | None) -> Iterator[Record]:
        """The records that carry any of these values.

        Raises `NeverAgain("no_call")` where the source file describes no call that would find them all.
        """
        spec = described(self._connection, node)
        for find, columns in self._calls(node, spec, wanted):
            if not columns:
                yield from self._listed(node, spec, find, ask=_ask(find, {}), asked={})
                continue
            choices = [sorted(self._values(spec, column, (wanted or {})[column])) for column in columns.values()]
            for values in product(*choices):
                asked = dict(zip(columns, values, strict=True))
                ask = _ask(find, asked)
                if ask is not None:
                    by_column = {columns[name]: value for name, value in asked.items()}
                    yield from self._listed(node, spec, find, ask=ask, asked=by_column)

    def once(self, node: Node) -> bool:  # noqa: ARG002 (the protocol's shape)
        """No: two calls may find the same record, and pages shift while they are read."""
        return False

    def again(self, node: Node, locator: Mapping[str, Json]) -> Record | None:
        """One record as it is now; None if there is none. Raises `NeverAgain("wrong_record")` for another one."""
        spec = described(self._connection, node)
        if spec.one is None:
            raise NeverAgain("no_call", detail=f"the source file says no way to read one record of {node.name}")
        path = filled_url(spec.one.path, locator)
        if path is None:
            raise NeverAgain("bad_key", detail=f"a record of {node.name} has a key that can't be part of a path")
        answer, value = self._session.read(Ask(path), absent=True)
        if answer.status >= 300:
            return None
        raw = at(value, spec.one.record)
        if isinstance(raw, list) and len(raw) <= 1:
            raw = raw[0] if raw else None
        if raw is None:
            return None
        if not isinstance(raw, dict):
            raise NeverAgain("schema_changed", detail=f"the answer for one record of {node.name} is not an object")
        content = self._content(spec, raw, asked=_inside(locator, raw))
        found = locator_of(node, content)
        if found is None or {k: text_of(v) for k, v in found.items()} != {k: text_of(v) for k, v in locator.items()}:
            raise NeverAgain("wrong_record", detail=f"the service gave another record of {node.name} than asked for")
        self._tags[node.name, canonical(locator)] = answer.headers.get("etag", "")
        return Record(locator, content)

    def tag(self, node: Node, locator: Mapping[str, Json]) -> str:
        """The ETag of the record as it was read last. Raises `NeverAgain("no_etag")` where there was none to rely on.

        Source: RFC 9110 section 13.1.1: a weak one never matches.
        """
        tag = self._tags.get((node.name, canonical(locator)), "")
        if not tag or tag.startswith("W/"):
            raise NeverAgain("no_etag", detail=f"the service gives records of {node.name} no strong ETag")
        return tag

    def _calls(self, node: Node, spec: HttpCollection, wanted: Wanted | None) -> list[tuple[Find, dict[str, str]]]:
        """The calls to make, each with its holes and the columns whose values go into them."""
        resolved = [(find, columns_of(node, find)) for find in spec.find]
        everything = [(find, columns) for find, columns in resolved if not columns]
        if wanted is not None:
            fitting = [(f, c) for f, c in resolved if c and set(c.values()) <= wanted.keys()]
            if set(wanted) <= {column for _, columns in fitting for column in columns.values()}:
                return fitting
        if everything:
            return everything[:1]
        missing = ", ".join(sorted(wanted or ())) or "anything"
        raise NeverAgain("no_call", detail=f"the source file says no way to find records of {node.name} by {missing}")

    def _values(self, spec: HttpCollection, column: str, wanted: Iterable[str]) -> Iterator[str]:
        mine = spec.spelled.get(column)
        if mine is not None:
            yield from (value for value in wanted if value in self._respelled.get(mine, ()))
            return
        strange = set().union(*(v for s, v in self._respelled.items() if s not in ("as_is", "lower")))
        yield from (value for value in wanted if value not in strange)

    def _listed(
        self, node: Node, spec: HttpCollection, find: Find, *, ask: Ask | None, asked: Mapping[str, str]
    ) -> Iterator[Record]:
        for raw in records_of(self._session, ask or Ask(find.path), find, most_pages=self._connection.limits.pages):
            if find.whole and not _carries(node, find, raw, asked=asked):
                continue
            content = self._content(spec, raw, asked=asked if find.answers == "believed" else {})
            locator = locator_of(node, content)
            if locator is None or any(v is None or v == "" or isinstance(v, (list, dict)) for v in locator.values()):
                raise NeverAgain("bad_key", detail=f"a record of {node.name} has no single value in its primary key")
            if find.whole:
                yield Record(locator, content)
                continue
            whole = self.again(node, locator)
            if whole is not None and _carries(node, find, whole.content, asked=asked):
                yield whole

    def _content(self, spec: HttpCollection, raw: Raw, *, asked: Mapping[str, Json]) -> dict[str, Any]:
        """The record as it is kept: what says nothing left out, instants as texts in UTC, what was asked put in."""
        content: dict[str, Any] = {name: value for name, value in raw.items() if name not in spec.volatile}
        for path in spec.volatile:
            if "." in path:
                content = replaced(content, path, lambda _: None)
        for path, meant in spec.times.items():
            content = replaced(content, path, partial(_instant, meant=meant, zone=self._zone))
        for column, value in asked.items():
            if column not in content and "." not in column:
                content[column] = value
        return content


def _carries(node: Node, find: Find, content: Mapping[str, Any], *, asked: Mapping[str, str]) -> bool:
    """Whether the record carries what was asked for. Raises `NeverAgain("other_record")` where it must and doesn't.

    A service that does not know a filter drops it in silence, and gives everybody's records.
    """
    for column, value in asked.items():
        carried = {text_of(v) for v in values_at(content, column)}
        if node.identities.get(column) == "email":
            carried = {v.lower() for v in carried}
        if value in carried or (find.answers == "believed" and not carried):
            continue
        if find.answers == "more":
            return False
        detail = f"the service gave a record of {node.name} that does not carry the value asked for in `{column}`"
        raise NeverAgain("other_record", detail=detail)
    return True


def columns_of(node: Node, find: Find) -> dict[str, str]:
    """The holes of a call and the column each is about; `identity:…` is the first field with that identity.

    Raises `NeverAgain("no_call")` for a hole that is no field of the collection.
    """
    by_identity = {f"identity:{key}": column for column, key in reversed(node.identities.items())}
    columns = {}
    for hole in all_holes(find):
        column = by_identity.get(hole.name, hole.name)
        if column not in node.fields:
            raise NeverAgain("no_call", detail=f"a call for {node.name} has a hole that is none of its fields")
        columns[hole.name] = column
    return columns


def all_holes(find: Find) -> list[Hole]:
    """The placeholders of a call, in path, query and body."""
    return list(dict.fromkeys([*holes(find.path), *holes(find.body)]))


def _ask(find: Find, values: Mapping[str, Json]) -> Ask | None:
    url = filled_url(find.path, values)
    return None if url is None else Ask(url, find.method, filled_body(find.body, values) if find.body else None)


def _inside(locator: Mapping[str, Json], raw: Raw) -> dict[str, Json]:
    """The parts of the key that the record itself does not tell."""
    return {name: value for name, value in locator.items() if name not in raw and "." not in name}


def _instant(value: Any, *, meant: str, zone: tzinfo) -> Any:
    """An instant as ISO text in UTC. Raises `NeverAgain("bad_instant")` where it is none."""
    if value is None or value == "":
        return value
    try:
        if meant in ("epoch", "epoch_ms"):
            seconds = float(value) / (1000 if meant == "epoch_ms" else 1)
            return datetime.fromtimestamp(seconds, UTC).isoformat()
        instant = datetime.fromisoformat(str(value))
        if instant.tzinfo is None:
            instant = instant.replace(tzinfo=UTC if meant == "utc" else zone)
        return instant.astimezone(UTC).isoformat()
    except (ValueError, TypeError, OverflowError, OSError):
        raise NeverAgain("bad_instant", detail="a record has an instant that can't be read as its file says") from None
