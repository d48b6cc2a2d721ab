"""A SQL source described by Fideslang datasets, behind the `Connector` port."""

from collections.abc import Callable, Mapping

import sqlalchemy as sa

from workflows.connectors.dataset import build_graph
from workflows.connectors.sql_collect import Collect
from workflows.connectors.sql_find import find_people
from workflows.connectors.sql_schema import Schema, fingerprint, read_schema
from workflows.connectors.sql_source import SqlSource
from workflows.ports import Lead, Person, Seeds
from workflows.register.model import Register, SourceSpec
from workflows.rules.items import Item


class SqlConnector:
    """One database. Its schema is looked at before every use: what the dataset names must be there."""

    def __init__(self, spec: SourceSpec, *, register: Register, url: str) -> None:
        self.spec = spec
        self._register = register
        self._graph = build_graph(spec, register)
        self.exports = self._graph.exports
        self._source = SqlSource(url, timeout_seconds=spec.timeout_seconds)
        self._known: Schema | None = None

    def entries(self) -> frozenset[str]:
        """The keys of `Seeds` that a search here can start from."""
        return self._graph.entries()

    def health(self) -> None:
        """Return if the source answers and its schema is as described; raise otherwise."""
        with self._source.reading() as connection:
            self._schema(connection)

    def find(self, identifiers: Mapping[str, str]) -> list[Person]:
        """The people whose record carries any of these identifiers."""
        with self._source.reading() as connection:
            return find_people(connection, self._schema(connection), spec=self.spec, identifiers=identifiers)

    def collect(self, seeds: Seeds, emit: Callable[[Item], None]) -> dict[str, list[Lead]]:
        """Emit every record these seeds lead to, each once; return the values that lead on to other sources."""
        with self._source.reading() as connection:
            schema = self._schema(connection)
            collect = Collect(connection, self._graph, schema=schema, spec=self.spec, register=self._register)
            return collect.run(seeds, emit)

    def dispose(self) -> None:
        """Close the connections."""
        self._source.dispose()

    def _schema(self, connection: sa.Connection) -> Schema:
        mark = fingerprint(connection, (node.schema for node in self._graph.nodes.values()))
        if self._known is None or not mark or self._known.fingerprint != mark:
            self._known = read_schema(connection, self._graph, mark=mark)
        return self._known
