"""Accept a message, open the request, start the clock, say that it arrived.

A message is stored raw and sealed in a transaction of its own before anyone tries to understand it;
what can't be understood becomes a task for a person. Nothing that arrived is ever dropped.
"""

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.base import new_id
from models.intake import Message, MessageCase
from models.request import Request
from models.vocabulary import Channel, Event, Letter, MessageState, Right, TaskKind
from workflows import audit, lifecycle
from workflows.acting import note
from workflows.banning import NOTHING_TO_BAN, ban_at_once, is_ban, look_for_consent_data, rests_on_consent
from workflows.casefile import make_key, open_key
from workflows.caseview import case_facts
from workflows.delivered import DELIVERIES
from workflows.human import open_task
from workflows.nearness import is_kept_from, note_case
from workflows.outbox import queue_mail
from workflows.ports import RequestKey
from workflows.registering import Asked as Asked  # noqa: PLC0414
from workflows.registering import register
from workflows.restricting.objecting import rest_at_once
from workflows.rules.deadlines import due_dates, received_on
from workflows.rules.narrowed import NARROWABLE
from workflows.runtime import Runtime


@dataclass(frozen=True, slots=True)
class Opened:
    """A request that was opened; `secret` opens its status page and is known to nobody else."""

    request: Request
    secret: str


def store(
    session: Session,
    rt: Runtime,
    *,
    channel: Channel,
    external_id: str,
    raw: bytes,
    arrived_at: datetime | None = None,
    noted: bool = True,
) -> tuple[Message, bool]:
    """Keep a message as it came, sealed; (message, True) if it is new, (the first copy, False) if it is not.

    Who says that it is not to be `noted` here calls `note_arrival` in the same transaction, as late as possible:
    from then on until the commit all other arrivals wait.
    """
    ident = hashlib.sha256(external_id.encode()).digest()
    known = session.scalar(select(Message).where(Message.channel == channel, Message.external_id == ident))
    if known is not None:
        return known, False
    row, key = make_key(session, rt)
    ident_of_row = new_id()  # the seal is bound to it
    message = Message(
        id=ident_of_row,
        channel=channel,
        external_id=ident,
        body_digest=hashlib.sha256(raw).digest(),
        size_bytes=len(raw),
        data_key_id=row.id,
        arrived_at=arrived_at or rt.now(),
        state=MessageState.RECEIVED,
        raw_sealed=key.seal(raw, f"messages.raw:{ident_of_row}"),
    )
    session.add(message)
    session.flush()  # what follows in this transaction names it
    if noted:
        note_arrival(session, rt, message)
    return message, True


def note_arrival(session: Session, rt: Runtime, message: Message) -> None:
    """Put a message that was stored on record."""
    facts = {"message": str(message.id), "channel": message.channel.value, "bytes": message.size_bytes}
    audit.record(session, "message:received", at=rt.now(), actor="vastine", facts=facts)


def open_raw(session: Session, rt: Runtime, message: Message) -> bytes:
    """The message as it came."""
    key = open_key(session, rt, message.data_key_id)
    return key.open(message.raw_sealed, f"messages.raw:{message.id}")


def belongs(session: Session, message: Message, request: Request) -> None:
    """The message is part of this case too; one mail may ask for several rights."""
    message.request_id = message.request_id or request.id
    if session.get(MessageCase, (message.id, request.id)) is None:
        session.add(MessageCase(message_id=message.id, request_id=request.id))


def requests_of(session: Session, message: Message) -> Sequence[Request]:
    """The cases a message belongs to, what is delivered before what is erased."""
    return session.scalars(
        select(Request)
        .join(MessageCase, MessageCase.request_id == Request.id)
        .where(MessageCase.message_id == message.id)
        .order_by(Request.after_request_id.is_not(None), Request.right, Request.id)
    ).all()


def to_triage(session: Session, rt: Runtime, message: Message, *, code: str) -> None:
    """A person must read this one."""
    message.state, message.why = MessageState.TRIAGE, code
    ask_to_read(session, rt, message, code=code)
    audit.record(
        session,
        "message:triaged",
        at=rt.now(),
        actor="vastine",
        facts={"message": str(message.id), "code": code},
    )


def ask_to_read(session: Session, rt: Runtime, message: Message, *, code: str) -> None:
    """The task that asks a person to read it; that they must is on record by then, or is written down next."""
    due_on = due_dates(received_on(message.arrived_at, _zone(rt))).due_a
    key = f"triage:{message.id}"
    open_task(session, rt, key=key, kind=TaskKind.TRIAGE, code=code, message_id=message.id, due_on=due_on)


def _zone(rt: Runtime) -> str:
    return rt.register.controller.time_zone


def open_request(
    session: Session,
    rt: Runtime,
    asked: Asked,
    *,
    message: Message | None = None,
    after: Request | None = None,
    secret: str = "",
    erases: bool = True,
    categories: list[str] | None = None,
) -> Opened:
    """Open one request: reference, both due dates, acknowledgement in the outbox, first step.

    `after`: a request that must have been delivered before this one may erase anything. `secret`: the status
    page's, at least 128 bits nobody can guess, where the door must be able to make it again; else a fresh one.
    `erases`: whether a withdrawn consent opens the erasure of what rested on it too. `categories`: what an erasure
    is about, if not about all.
    """
    secret = secret or secrets.token_urlsafe(16)
    if categories is None and asked.right in NARROWABLE:
        categories = list(asked.categories) if asked.categories is not None else None
    request, key = register(session, rt, asked, message=message, after=after, secret=secret, categories=categories)
    if asked.right is Right.OBJECTION:
        rest_at_once(session, rt, request, {kind: [value] for kind, value in asked.claim.identifiers.items()})
    if asked.claim.for_another:
        note(session, rt, request, key, claim=asked.claim, acting=asked.acting)
    unclear = is_ban(asked.right) and not ban_at_once(session, rt, request, asked.claim, by=asked.by)
    if erases and asked.right is Right.WITHDRAW_CONSENT and not unclear:
        _erase_what_rested(session, rt, request, asked, message=message, after=after)
    _acknowledge(session, rt, request, key, asked, secret, at_once=is_ban(asked.right) and not unclear)
    if unclear:
        _by_hand(session, rt, request, code=NOTHING_TO_BAN)
    elif lifecycle.is_automatic(rt, asked.right):
        lifecycle.advance(session, rt, request, Event.OPENED, actor=asked.by)
    else:
        _by_hand(session, rt, request, code=f"right_{asked.right.value}")
    # Last: from then on the case is kept from whom it concerns, who may well have written it down.
    note_case(session, rt, request, claim=asked.claim)
    if asked.method is not None and is_kept_from(session, request, asked.by):
        # Nobody vouches for themselves, nor for somebody near.
        request.verified_method = request.verified_at = request.verified_by = None
    return Opened(request, secret)


def _erase_what_rested(
    session: Session, rt: Runtime, request: Request, asked: Asked, *, message: Message | None, after: Request | None
) -> None:
    """What nothing but the consent allowed is erased: a case of its own, for which they have to be the person.

    Source: GDPR Art. 7(3), 17(1)(b).
    """
    categories = rests_on_consent(rt)
    if not categories:
        look_for_consent_data(session, rt, request)
        return
    linked = replace(asked, right=Right.ERASURE, received_on=request.received_on, received_at=request.received_at)
    open_request(session, rt, linked, message=message, after=after, categories=categories)


def _acknowledge(
    session: Session, rt: Runtime, request: Request, key: RequestKey, asked: Asked, secret: str, *, at_once: bool
) -> None:
    link = f"{rt.settings.public_url}/{request.language}/status/{request.reference}/{secret}"
    case = case_facts(rt, request, key, name="", link=link, extra={"at_once": "1"} if at_once else {})
    queue_mail(session, rt, request, key, letter=Letter.ACKNOWLEDGEMENT, to=asked.claim.reply_to, case=case)


def _by_hand(session: Session, rt: Runtime, request: Request, *, code: str) -> None:
    # A right that has no flow in this version is registered, acknowledged and timed like any other,
    # and a person answers it.
    open_task(
        session,
        rt,
        key=f"by_hand:{request.id}",
        kind=TaskKind.BY_HAND,
        code=code,
        request_id=request.id,
        due_on=request.due_on,
    )


def open_requests(
    session: Session, rt: Runtime, asked: Sequence[Asked], *, message: Message, status_secrets: Sequence[str] = ()
) -> list[Opened]:
    """Several rights in one message are linked requests: what is to be delivered comes before what is erased.

    `status_secrets`: one for each request in the order of the result, where the door must find them again.
    """
    order = sorted(asked, key=lambda a: (a.right is Right.ERASURE, a.right is Right.WITHDRAW_CONSENT))
    erases = all(one.right is not Right.ERASURE for one in asked)  # who asks for all to be erased asked for that too
    opened: list[Opened] = []
    for n, one in enumerate(order):
        delivered = [o.request for o in opened if o.request.right in DELIVERIES]
        after = delivered[-1] if delivered and one.right in (Right.ERASURE, Right.WITHDRAW_CONSENT) else None
        secret = status_secrets[n] if status_secrets else ""
        opened.append(open_request(session, rt, one, message=message, after=after, secret=secret, erases=erases))
    return opened
