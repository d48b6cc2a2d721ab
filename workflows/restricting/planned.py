"""The plan of a restriction: the person's own records that were named, each to be restricted and nothing else."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy.orm import Session

from models.request import Request
from models.vocabulary import Action, Ownership
from workflows.findings import AllItems
from workflows.planning import Planned
from workflows.ports import RequestKey
from workflows.restriction import restriction_of
from workflows.rules.items import Item, Verdict
from workflows.runtime import Runtime

_RESTRICTED = Verdict(action=Action.RESTRICT, fields=(), holds=(), reason="restriction", erase_on=None)


@dataclass(frozen=True, slots=True)
class Scope:
    """Which records; an empty set narrows nothing. Nothing is named yet: all of them."""

    categories: frozenset[str] = frozenset()
    sources: frozenset[str] = frozenset()

    def has(self, item: Item) -> bool:
        """Whether this record is meant."""
        named = not self.categories or item.category in self.categories
        return named and (not self.sources or item.source in self.sources)


def scope_of(session: Session, request: Request) -> Scope:
    """What the restriction of this request is about."""
    row = restriction_of(session, request)
    return Scope() if row is None else Scope(frozenset(row.categories), frozenset(row.sources))


def restrictions_planned(rt: Runtime, key: RequestKey, blobs: Mapping[str, str | None], scope: Scope) -> list[Planned]:
    """One planned item for each of the person's own records in scope; what is shared with others stays usable."""
    return [
        Planned(
            source=item.source,
            collection=item.collection,
            locator=item.locator,
            category=item.category,
            ownership=item.ownership,
            digest=item.digest,
            verdict=_RESTRICTED,
            later=None,
            later_fields=(),
        )
        for item in AllItems(rt, key, blobs)
        if item.ownership is Ownership.OWN and scope.has(item)
    ]
