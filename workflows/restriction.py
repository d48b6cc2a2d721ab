"""What is restricted: which records, whose, and who asks may hear it by keyed digest only.

Source: GDPR Art. 18(1), 18(2).
"""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, select
from sqlalchemy.orm import Session

from models.request import Request
from models.restriction import RestrictedHow, RestrictedIdentifier, RestrictedItem, Restriction, RestrictionGround
from models.session import reading
from workflows.rules import identifiers
from workflows.rules.items import Item, canonical
from workflows.runtime import Runtime

HELD_BY = "H16"
"""The hold rule of what a person wants kept: erasing it would take from them what they asked for."""

_WANTED_KEPT = (RestrictionGround.UNLAWFUL, RestrictionGround.CLAIM)
_NUMBER = re.compile("-?(0|[1-9][0-9]{0,18})")
_OVER = (RestrictedHow.FREED, RestrictedHow.GONE)
_RESTRICTION = select(Restriction).where(Restriction.request_id == bindparam("of"))


def in_force() -> ColumnElement[bool]:
    """A restriction that has begun and has not ended. Nothing but a lifting by a named person ends one."""
    return and_(Restriction.since.is_not(None), Restriction.ended_at.is_(None))


def restriction_of(session: Session, request: Request) -> Restriction | None:
    """The restriction this request is about."""
    with reading(session, Restriction):
        return session.scalar(_RESTRICTION, {"of": request.id})


def is_in_force(session: Session, request: Request) -> bool:
    """Whether the request's restriction holds now."""
    found = restriction_of(session, request)
    return found is not None and found.since is not None and found.ended_at is None


def record_digest(rt: Runtime, source: str, collection: str, locator: Mapping[str, Any]) -> bytes:
    """What a record is found by among those that are restricted."""
    return rt.vault.digest("restricted-record", canonical([source, collection, locator]))


def identifier_digest(rt: Runtime, kind: str, value: str) -> bytes:
    """What a person is found by, however the value is spelt."""
    known = identifiers.normalise(kind, value) if kind in identifiers.KINDS else None
    return rt.vault.digest("restricted-identifier", canonical([kind, known or value.strip().casefold()]))


def wanted_kept(session: Session, rt: Runtime) -> Callable[[Item], bool] | None:
    """Tells of a record whether somebody asked that it be kept, under Art. 18(1)(b) or (c); None: of no record.

    Over all restrictions, not one person's: a record that somebody else's erasure also leads to is kept as well.
    """
    digests = frozenset(
        session.scalars(
            select(RestrictedItem.locator_digest)
            .join(Restriction, Restriction.id == RestrictedItem.restriction_id)
            .where(in_force(), Restriction.ground.in_(_WANTED_KEPT), RestrictedItem.how.not_in(_OVER))
        )
    )
    if not digests:
        return None
    return lambda item: record_digest(rt, item.source, item.collection, item.locator) in digests


def restrictions_on(session: Session, rt: Runtime, asked: Iterable[tuple[str, str]]) -> list[Restriction]:
    """The restrictions in force on whoever any of these (kind, value) belongs to."""
    digests = [identifier_digest(rt, kind, value) for kind, value in asked]
    if not digests:
        return []
    ids = select(RestrictedIdentifier.restriction_id).where(RestrictedIdentifier.digest.in_(digests))
    return list(
        session.scalars(select(Restriction).where(in_force(), Restriction.id.in_(ids)).order_by(Restriction.id))
    )


def restrictions_on_record(
    session: Session, rt: Runtime, source: str, collection: str, *, locator: Mapping[str, Any]
) -> list[Restriction]:
    """The restrictions in force on one record, whether its numbers come as numbers or as texts."""
    digests = [record_digest(rt, source, collection, spelt) for spelt in _spellings(locator)]
    ids = select(RestrictedItem.restriction_id).where(
        RestrictedItem.source == source,
        RestrictedItem.locator_digest.in_(digests),
        RestrictedItem.how.not_in(_OVER),
    )
    return list(
        session.scalars(select(Restriction).where(in_force(), Restriction.id.in_(ids)).order_by(Restriction.id))
    )


def _spellings(locator: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    texts = {name: str(value) if type(value) is int else value for name, value in locator.items()}
    numbers = {name: int(v) if isinstance(v, str) and _NUMBER.fullmatch(v) else v for name, v in locator.items()}
    return [locator, texts, numbers]


def start(rt: Runtime, request: Request, row: Restriction) -> None:
    """In force from now on, for the first time or because the case was taken up again."""
    row.since, row.subject_digest = rt.now(), request.subject_digest
    row.ended_at, row.ended_by, row.ended_why = None, None, None


def remember(session: Session, rt: Runtime, row: Restriction, told: Mapping[str, Iterable[str]]) -> None:
    """Let other systems find the restriction by these identifiers too, by kind."""
    known = set(
        session.scalars(select(RestrictedIdentifier.digest).where(RestrictedIdentifier.restriction_id == row.id))
    )
    for kind, values in told.items():
        for value in values:
            digest = identifier_digest(rt, kind, value)
            if digest not in known:
                known.add(digest)
                session.add(RestrictedIdentifier(restriction_id=row.id, digest=digest))
