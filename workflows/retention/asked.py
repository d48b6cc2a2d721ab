"""What somebody who still waits for an answer asked about: none of it goes unasked before they have it."""

import uuid
from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.request import Request
from models.vocabulary import RequestState
from workflows.casefile import open_claim, open_key, seeds_of
from workflows.ports import Lead
from workflows.retention.late import Where, where_of
from workflows.retention.people import search
from workflows.rules.flows import Identity, flow_of
from workflows.rules.identity import proven_identifiers, shared_keys
from workflows.runtime import Runtime

Seeds = dict[str, list[Lead]]


def asked_about(rt: Runtime) -> set[Where]:
    """Every record that an unanswered request leads to, as it would be searched for now.

    Also of whom nobody has proven yet: then of everybody they may be. Raises what a source raises that does not
    answer, for then nobody can tell. Source: GDPR Art. 12(3), 15(1).
    """
    found: set[Where] = set()
    for seeds in _seeds(rt):
        found.update(where_of(item) for item in search(rt, seeds))
    return found


def _seeds(rt: Runtime) -> Iterator[Seeds]:
    waits = (Request.answered_at.is_(None), Request.state != RequestState.CLOSED)
    with rt.unit() as session:
        proven: list[Seeds] = []
        said: list[dict[str, str]] = []
        for request in session.scalars(select(Request).where(*waits).order_by(Request.id)):
            if flow_of(request.right, request.flow_version).identity is Identity.MATCH:
                continue  # a ban asks about no record
            key = open_key(session, rt, request.data_key_id)
            if request.proof_sealed is not None:
                proven.append(seeds_of(session, key, request))
            else:
                claim = open_claim(key, request)
                said.append({**claim.identifiers, **claim.checked})
    yield from proven
    for identifiers in said:
        _, people = rt.look_up(identifiers)
        for person in people:
            mine = proven_identifiers(person, shared=shared_keys(person, people))
            yield {f"identity:{kind}": [Lead(value)] for kind, value in mine.items()}


def asking(session: Session) -> frozenset[tuple[uuid.UUID, datetime | None]]:
    """Every request that waits for its answer, and when its person was proven: what a look has to have seen.

    Told by what is there, not by when it came: a request may be committed later than the instant it carries.
    """
    rows = session.execute(select(Request.id, Request.verified_at).where(Request.answered_at.is_(None)))
    return frozenset((ident, proven) for ident, proven in rows)
