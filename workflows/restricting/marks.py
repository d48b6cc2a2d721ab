"""The mark on a record in its source: whose it is, how it is taken away, and what the record looks like now."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.restriction import RestrictedHow, RestrictedItem, Restriction
from models.vocabulary import Action
from workflows.changing import unrestrict
from workflows.exchange import ChangedItem
from workflows.ports import EraseItem
from workflows.restriction import in_force
from workflows.work import Changes

_MARKS = (RestrictedHow.PENDING, RestrictedHow.IN_SOURCE, RestrictedHow.BY_HAND)


def of_others(session: Session, row: Restriction, items: Iterable[RestrictedItem]) -> set[tuple[str, bytes]]:
    """Those of the records, by source and digest, that another restriction in force marks too: it is not ours alone."""
    digests = {item.locator_digest for item in items}
    if not digests:
        return set()
    other = (
        select(RestrictedItem.source, RestrictedItem.locator_digest)
        .join(Restriction, Restriction.id == RestrictedItem.restriction_id)
        .where(in_force(), Restriction.id != row.id, RestrictedItem.how.in_(_MARKS))
        .where(RestrictedItem.locator_digest.in_(digests))
    )
    return {(source, digest) for source, digest in session.execute(other).all()}


def free(changes: Changes, fence: int, *, now: Mapping[int, str]) -> Sequence[ChangedItem]:
    """Take the marks away. A record's content need not be what it was: nobody is told anything new by it.

    `now`: the records' digests from which on nobody may have written.
    """
    there = [replace(i, digest=now[i.item_no]) for i in changes.items if i.item_no in now]
    done = unrestrict(changes.connector, changes.op_id, fence, items=there) if there else []
    return [*done, *(ChangedItem(i.item_no, "absent") for i in changes.items if i.item_no not in now)]


def now_of(changes: Changes) -> Mapping[int, str]:
    """The records' digests as their source has them now; none of those that are gone."""
    connector: Any = changes.connector
    found: Mapping[int, str] = connector.present(
        [EraseItem(i.item_no, i.collection, i.locator, Action.RESTRICT, (), i.digest) for i in changes.items]
    )
    return dict(found)
