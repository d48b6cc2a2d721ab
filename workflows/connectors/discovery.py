"""A database as something that can be looked around in, behind the `Discovers` port."""

from collections.abc import Iterable, Sequence
from datetime import date

from workflows.connectors.sql_alike import with_likenesses
from workflows.connectors.sql_discover import ROWS, catalogue, look
from workflows.connectors.sql_source import SqlSource
from workflows.rules.discovered import Discovered, FoundTable

SECONDS = 10
"""Patience with one statement: a view that takes longer is described without a sample."""


class SqlDiscovery:
    """One database. Only reads, and never for long."""

    def __init__(self, url: str) -> None:
        self._source = SqlSource(url, timeout_seconds=SECONDS)

    def discover(self, *, schemas: Sequence[str] = ()) -> Discovered:
        """Tables, columns and keys as the catalogue has them: all, or those of some schemas."""
        return catalogue(self._source, schemas=schemas)

    def look(self, tables: Iterable[FoundTable], *, today: date, rows: int = ROWS) -> list[FoundTable]:
        """The same tables with counts over a sample of so many rows each."""
        return list(look(self._source, tables, rows=rows, today=today)) if rows else list(tables)

    def alike(self, tables: Sequence[FoundTable], *, default: str) -> list[FoundTable]:
        """The same tables with the references that nobody declared."""
        return with_likenesses(self._source, tables, default=default)

    def dispose(self) -> None:
        """Close the connections."""
        self._source.dispose()
