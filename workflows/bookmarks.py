"""How far a search came, so that one that was cut short goes on from there instead of from its beginning."""

from collections.abc import Callable, Sequence
from typing import Protocol, runtime_checkable

from workflows.exchange import Lead, Seeds
from workflows.rules.item_lines import Batch
from workflows.rules.items import Item, Json

Place = Sequence[Json]
"""Where in a collection: what it means only the connector knows."""


class Bookmark(Protocol):
    """What is kept of a large answer while it comes in. Between `after` and `done` all items are of one collection."""

    def after(self, collection: str, mark: Json) -> Place | None:
        """Begin a collection: the place up to which its items are kept already; None if none are.

        `mark` says what is searched for: what was kept of another search is not gone on with.
        """
        ...

    def takes(self, collection: str) -> bool:
        """Whether items of this collection may be given together, unseen."""
        ...

    def take(self, batch: Batch) -> None:
        """The same as to emit each of these items; only after `takes` said yes."""
        ...

    def reached(self, place: Place) -> None:
        """All items up to this place have been emitted."""
        ...

    def done(self) -> None:
        """The collection has come to its end."""
        ...


@runtime_checkable
class Resumes(Protocol):
    """What a connector can do besides that can begin in the middle."""

    def collect_on(self, seeds: Seeds, emit: Callable[[Item], None], *, bookmark: Bookmark) -> dict[str, list[Lead]]:
        """Like `collect`, but without the items that the bookmark says to be kept."""
        ...
