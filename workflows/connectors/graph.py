"""What a source's collections are and how one leads to another, as plain data.

An edge says: values of these fields lead to rows that carry them in those fields.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from workflows.register.model import CollectionSpec
from workflows.register.recipes import Recipe

NOTHING = CollectionSpec()


@dataclass(frozen=True, slots=True)
class FieldNode:
    """One field as annotated."""

    name: str
    categories: tuple[str, ...] = ()
    identity: str = ""
    primary: bool = False
    read_only: bool = False
    length: int | None = None
    strategy: str = ""  # masking_strategy_override
    rewrite: str = ""  # what string_rewrite writes
    configuration: Mapping[str, Any] | None = None  # of the strategy
    refers: bool = False  # it refers to another field
    points: bool = False  # it takes its value from the field it refers to: its row is the child
    all_elements: bool = False  # return_all_elements, here or around it

    @property
    def personal(self) -> bool:
        """Whether any of its categories is `user` or under it."""
        return any(c == "user" or c.startswith("user.") for c in self.categories)

    @property
    def maskable(self) -> bool:
        """Whether masking may touch it: no key, nothing read-only, nothing of the system's.

        A field that refers to another is a key too, unless it is itself something about the person, such
        as the e-mail address by which a newsletter's list refers to a customer.
        """
        about = [c for c in self.categories if c != "user.unique_id" and not c.startswith("user.unique_id.")]
        key = self.primary or (self.refers and not (self.personal and about))
        return not (key or self.read_only or any(c == "system" or c.startswith("system.") for c in self.categories))


@dataclass(frozen=True, slots=True)
class Node:
    """One collection. `name` is what items call it: the collection's, with its dataset where two share it."""

    name: str
    dataset: str
    collection: str
    schema: str | None
    fields: Mapping[str, FieldNode]
    categories: tuple[str, ...]
    spec: CollectionSpec
    strategy: str = ""  # masking_strategy_override of the collection
    erase_after: tuple[str, ...] = ()
    identities: dict[str, str] = field(init=False, repr=False, compare=False)
    """Field to identity key."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "identities", {f.name: f.identity for f in self.fields.values() if f.identity})

    def address(self, field: str) -> str:
        """The field as a key of seeds."""
        return f"{self.dataset}:{self.collection}.{field}"

    @property
    def primary(self) -> tuple[str, ...]:
        """The fields annotated as primary key."""
        return tuple(f.name for f in self.fields.values() if f.primary)

    @property
    def of_people(self) -> bool:
        """Whether each record is a person's own, by what its primary key is about."""
        key = self.primary
        return len(key) == 1 and any(
            c == "user.unique_id" or c.startswith("user.unique_id.") for c in self.fields[key[0]].categories
        )


@dataclass(frozen=True, slots=True)
class Edge:
    """Values of `source_fields` lead to rows of `target` that carry them in `target_fields`."""

    source: str
    source_fields: tuple[str, ...]
    target: str
    target_fields: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Inlet:
    """Values from another source, under the keys of seeds, lead to rows that carry them in `fields`.

    More than one key where the other's primary key is composite: a row must carry one value of each.
    """

    keys: tuple[str, ...]
    target: str
    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Graph:
    """One source's collections, the edges between them, and what comes in from and goes out to other sources."""

    nodes: Mapping[str, Node]
    edges: tuple[Edge, ...]
    inlets: tuple[Inlet, ...]
    exports: frozenset[str]  # "collection.field" that another source's field refers to; collection as in `nodes`
    people: frozenset[str] = frozenset()  # the fields of all sources, as keys of seeds, that are a person's number
    recipes: tuple[Recipe, ...] = ()  # approved ones of this source

    def entries(self) -> frozenset[str]:
        """The keys of seeds that can start a search here."""
        identities = {key for node in self.nodes.values() for key in node.identities.values()}
        start = {f"{kind}:{key}" for key in identities for kind in ("identity", "shared")}
        leads = {key for inlet in self.inlets for key in inlet.keys}
        return frozenset(start | leads | {f"joint:{key}" for key in leads})
