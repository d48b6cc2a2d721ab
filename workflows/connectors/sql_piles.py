"""The rows that a search found, and how they were reached."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from models.vocabulary import Ownership
from workflows.connectors.shares import Doubt
from workflows.connectors.sql_roles import Roles
from workflows.connectors.sql_schema import Bound
from workflows.connectors.windows import Windows

BUFFERED_ROWS = 1_000
Key = tuple[Any, ...]
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """How rows were reached; `path` says it in words of the schema."""

    path: str = field(kw_only=False)
    strong: bool
    identified: bool  # by an identity of the person itself
    direct: bool  # a row that was identified points at it
    doubt: Doubt = Doubt.SURE


@dataclass(slots=True)
class Found:
    """One row. `links` are the values that lead on or tell whose it is; `row` is the whole row while there is room."""

    key: Key
    links: Row
    row: Row | None
    strong: bool
    identified: bool
    direct: bool
    windows: Windows
    path: str
    undated: bool  # reached for a period only, and the row does not say when: nobody can tell whose it is
    doubt: Doubt = Doubt.SURE
    ownership: Ownership = Ownership.OWN


@dataclass(slots=True)
class Pile:
    """The rows found of one collection."""

    bound: Bound
    roles: Roles
    key: Callable[[Row], Key]
    rows: dict[Key, Found] = field(default_factory=dict)
