"""What a look at a live source found: names, types and counts. No value of the source is in here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a bounded sample of a column told: how many values there were, and how many of them passed which test."""

    seen: int = 0  # values that were not empty
    distinct: int = 0
    hits: Mapping[str, int] = field(default_factory=dict)  # test -> how many of the distinct values passed it

    def share(self, test: str) -> float:
        """How much of the sample passed a test, between 0 and 1."""
        return self.hits.get(test, 0) / self.distinct if self.distinct else 0.0


NOTHING_SEEN = Evidence()


@dataclass(frozen=True, slots=True)
class FoundField:
    """A column. `data_type` is Fideslang's word or ""; `kind` tells dates apart, for which it has none."""

    name: str
    type: str = ""
    data_type: str = ""
    kind: str = ""  # "date", "instant", "binary", "" for all else
    length: int | None = None
    primary: bool = False
    readable: bool = True
    evidence: Evidence = NOTHING_SEEN


@dataclass(frozen=True, slots=True)
class FoundKey:
    """A foreign key the source knows: `columns` hold what `targets` of the other table hold."""

    columns: tuple[str, ...]
    schema: str
    table: str
    targets: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Likeness:
    """A reference that nobody declared: the name fits, and `held` of `tried` sampled values exist over there."""

    column: str
    schema: str
    table: str
    target: str
    reason: str
    tried: int
    held: int


@dataclass(frozen=True, slots=True)
class FoundTable:
    """A table, view or file with its columns in their order. `unread` says why there is no sample of it.

    `loose`: nothing declares the columns, so one that was not seen may be there all the same.
    """

    name: str
    fields: tuple[FoundField, ...]
    schema: str = ""
    keys: tuple[FoundKey, ...] = ()
    alike: tuple[Likeness, ...] = ()
    view: bool = False
    unread: str = ""
    loose: bool = False

    @property
    def place(self) -> tuple[str, str]:
        """What tells it apart: its schema and name."""
        return (self.schema, self.name)

    @property
    def primary(self) -> tuple[str, ...]:
        """The columns of its primary key."""
        return tuple(f.name for f in self.fields if f.primary)

    def field(self, name: str) -> FoundField | None:
        """The column of this name."""
        return next((f for f in self.fields if f.name == name), None)


@dataclass(frozen=True, slots=True)
class Discovered:
    """All of a source's tables; `default` is the schema that a description need not name."""

    tables: Sequence[FoundTable]
    default: str = ""
