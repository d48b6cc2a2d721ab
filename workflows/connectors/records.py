"""Records of any source that is not a database: what a kind gives, and what it gets for it.

A kind of source implements `Records`: it hands out the records of a collection, of all or of those that carry
certain values. Everything that decides what is a person's is done once for all kinds, by `RecordSearch`:

    search = RecordSearch(records, graph, spec=spec, register=register)   # graph = build_graph(spec, register)
    leads  = search.collect(seeds, emit)       # the `collect` of a Connector
    people = search.find(identifiers)          # the `find` of a Connector

It matches records with seeds by identity and by reference, follows references inside the source until nothing
new is found, judges whose each record is by the rules that databases are judged by, cuts by time, takes elements
of arrays that are somebody else's out of what is shown, and makes items, facts and leads.

`Record.content` is the record whole, as plain data: its digest is over all of it. Annotated fields are reached by
dotted path (`customer.email`, `messages.author.email`), and so are the fields of the item and those to be masked.

Memory: records of a collection that nothing goes out from and nothing points at are never held, only passed on;
of the others a key and the values that lead on are held for each record found.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from workflows.connectors.dataset import Node
from workflows.connectors.records_paths import shown
from workflows.rules.items import Json

Wanted = Mapping[str, frozenset[str]]
"""Column to the values looked for, as texts (`records_paths.text_of`); e-mail addresses of identities in lower case.

Each column's values are wanted by themselves: a record that carries one of them in any of the columns is asked for.
"""


@dataclass(frozen=True, slots=True)
class Record:
    """One record. `locator` finds it again and never changes while the record is the same; `place` is its file."""

    locator: Mapping[str, Json]
    content: Mapping[str, Any]
    place: str = ""


class Records(Protocol):
    """Where records come from."""

    def rows(self, node: Node, wanted: Wanted | None) -> Iterator[Record]:
        """The records of a collection that carry any of these values, or all (None); more than asked does no harm.

        A source that can look up by value does so; one that can't is read from beginning to end. Raises
        `SourceDown`, `TryAgain` or `NeverAgain` rather than stop short: an end means that there is no more.
        """
        ...

    def once(self, node: Node) -> bool:
        """Whether one call of `rows` gives no record twice."""
        ...


def locator_of(node: Node, content: Mapping[str, Any]) -> dict[str, Json] | None:
    """The primary key as a locator; None where the dataset declares none."""
    return {c: shown(content, c) for c in node.primary} if node.primary else None
