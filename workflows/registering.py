"""A request as a row: its reference, the day it came, both due dates, the claim, and the message it was in."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy.orm import Session

from models.intake import Message, MessageCase
from models.request import Request
from models.vocabulary import Channel, MessageState, Method, RequestState, Right
from workflows import audit
from workflows.acting import Acting
from workflows.banning import is_ban
from workflows.casefile import Claim, make_key, seal_claim
from workflows.ports import RequestKey
from workflows.rules.bucket import deadline_bucket
from workflows.rules.deadlines import due_dates, received_on
from workflows.rules.flows import VERSION
from workflows.rules.reference import new_reference
from workflows.runtime import Runtime

_RANDOM = secrets.SystemRandom()


@dataclass(frozen=True, slots=True)
class Asked:
    """One request as it was understood."""

    right: Right
    language: str
    channel: Channel
    claim: Claim
    received_at: datetime | None = None
    received_on: date | None = None
    method: Method | None = None  # staff's word that they saw the person
    by: str = "person"  # a name of staff, or the person
    categories: Sequence[str] | None = None  # of which kinds of data they want a copy; None: of all
    acting: Acting | None = None  # who asks, where `claim.for_another`


def register(
    session: Session,
    rt: Runtime,
    asked: Asked,
    *,
    message: Message | None,
    after: Request | None,
    secret: str,
    categories: Sequence[str] | None = None,
) -> tuple[Request, RequestKey]:
    """The new request and its key. `after`: what must be delivered before it erases. `secret`: the status page's.

    `categories`: what it is about, if not about all.
    """
    zone, settings = rt.register.controller.time_zone, rt.register.controller.deadlines
    arrived = asked.received_at or (message.arrived_at if message else rt.now())
    day = asked.received_on or received_on(arrived, zone)
    due = due_dates(day, months=settings.months, country=settings.country, not_holidays=settings.not_holidays)
    data_key, key = make_key(session, rt)
    request = Request(
        reference=new_reference(_RANDOM, year=day.year),
        right=asked.right,
        flow_version=VERSION,
        state=RequestState.RECEIVED,
        channel=asked.channel,
        language=asked.language,
        bucket=deadline_bucket(due.due_a, rt.today()),
        received_at=arrived,
        received_on=day,
        registered_at=rt.now(),
        due_a=due.due_a,
        due_b=due.due_b,
        data_key_id=data_key.id,
        claim_sealed=b"",
        status_digest=rt.vault.digest("status", secret),
        after_request_id=after.id if after and not is_ban(asked.right) else None,
        categories=list(categories) if categories is not None else None,
    )
    if asked.method is not None:
        request.verified_method, request.verified_at, request.verified_by = asked.method, rt.now(), asked.by
    session.add(request)
    session.flush()  # the claim is sealed to the row's id
    request.claim_sealed = seal_claim(key, request.id, asked.claim)
    if message is not None:
        message.state = MessageState.OPENED
        message.request_id = message.request_id or request.id
        session.add(MessageCase(message_id=message.id, request_id=request.id))  # of a new case it can't be one yet
    facts: dict[str, Any] = {"right": asked.right.value, "channel": asked.channel.value, "received_on": day.isoformat()}
    facts |= {"due_a": due.due_a.isoformat(), "due_b": due.due_b.isoformat(), "why": list(due.why)}
    facts |= {"categories": request.categories} if request.categories is not None else {}
    audit.record(session, "request:opened", at=rt.now(), actor=asked.by, request_id=request.id, facts=facts)
    return request, key
