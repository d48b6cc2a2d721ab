"""From raw mail to requests: store first, understand in a second transaction, triage what can't be understood."""

import hashlib
import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from models.intake import Message
from models.request import Request
from models.vocabulary import Channel, MessageState, RequestState, Right, TaskKind
from workflows import audit, flooding
from workflows.casefile import Claim
from workflows.doors.marks import CANARY, is_own
from workflows.errors import TryAgain
from workflows.human import COMPLAINT, open_task
from workflows.mailboxes import listen, note_failure, note_read
from workflows.ports import Inbox
from workflows.rectifying import saying
from workflows.returned import case_answered, take_report
from workflows.rules.deadlines import due_dates
from workflows.rules.items import canonical
from workflows.rules.mail import House, Understood, understand_mail
from workflows.runtime import Runtime
from workflows.stages.intake import Asked, Opened, belongs, open_raw, open_requests, requests_of, store, to_triage
from workflows.thread import WRITTEN
from workflows.unasked import mark

log = structlog.get_logger("vastine.mailroom")

_MESSAGE_ID = re.compile(rb"^message-id:[ \t\r\n]*(<[^\s<>]{3,250}>)", re.IGNORECASE | re.MULTILINE)
_HEADER_BYTES = 65_536
_OLDEST_FORWARD = timedelta(days=60)
_FEEDBACK_DAYS = timedelta(days=14)
FEEDBACK = "accessibility_feedback"
BROKEN = "inbox_broken"
"""The code of a mailbox, or of a mail in it, that does what nobody expected."""


@dataclass(frozen=True, slots=True)
class Received:
    """What became of one mail."""

    message_id: uuid.UUID
    state: MessageState
    why: str
    references: tuple[str, ...]
    new: bool


def receive(rt: Runtime, raw: bytes) -> Received:
    """Take one raw mail in: durable and sealed when this returns, whatever it holds.

    The same Message-ID with the same words is the same mail, however many ways it came, even in the same instant.
    """
    try:
        ident, new = _keep(rt, raw)
    except IntegrityError:  # another process took it in just now
        ident, new = _keep(rt, raw)
    rt.failpoint("stored")
    return understand(rt, ident, new=new)


def _keep(rt: Runtime, raw: bytes) -> tuple[uuid.UUID, bool]:
    header = raw[:_HEADER_BYTES].split(b"\r\n\r\n", 1)[0].split(b"\n\n", 1)[0]
    found = _MESSAGE_ID.search(header)
    name = found[1].decode("ascii", "replace") if found else f"digest:{hashlib.sha256(raw).hexdigest()}"
    with rt.unit() as session:
        message, new = store(session, rt, channel=Channel.EMAIL, external_id=name, raw=raw)
        if not new and _differs(session, rt, message, raw):
            # A Message-ID is only as good as who wrote it: other words are another mail.
            other = f"{name}#{hashlib.sha256(raw).hexdigest()}"
            message, new = store(session, rt, channel=Channel.EMAIL, external_id=other, raw=raw)
        return message.id, new


def _differs(session: Session, rt: Runtime, known: Message, raw: bytes) -> bool:
    if known.body_digest == hashlib.sha256(raw).digest():
        return False
    if not known.raw_sealed:  # destroyed since: nobody can say any more whether the words were the same
        return True
    return _content(read(rt, open_raw(session, rt, known))) != _content(read(rt, raw))


def _content(mail: Understood) -> str:
    return canonical([mail.sender, mail.subject, mail.text])


def read(rt: Runtime, raw: bytes) -> Understood:
    """What a raw mail says, to this house."""
    return understand_mail(raw, house_of(rt), now=rt.now())


def house_of(rt: Runtime) -> House:
    """What a reader of mail must know of us. Mail from our own mailboxes is a loop."""
    c = rt.register.controller
    sender = rt.settings.mail_from.rpartition("<")[2].rstrip("> ")
    addresses = tuple(dict.fromkeys(a for a in (c.email, c.dpo.email, sender, *c.mail.addresses) if a))
    return House(addresses, c.mail.domains, c.mail.authserv_ids, c.mail.own_hops)


def understand(rt: Runtime, message_id: uuid.UUID, *, new: bool = False) -> Received:
    """Make requests of a stored mail, once; safe to call again."""
    with rt.unit() as session:
        message = session.get_one(Message, message_id, with_for_update=True)
        references: tuple[str, ...] = ()
        if message.state is MessageState.RECEIVED:
            mail = read(rt, open_raw(session, rt, message))
            message.authenticated = dict(mail.authenticated) or None
            mark(message, rt, mail)
            own = not _comes_back(mail) and is_own(session, rt, message, (mail.subject, mail.text))
            if not own and flooding.is_flood(session, rt, mail):
                flooding.keep(session, rt, message)
            elif not own:
                references = _file(session, rt, message, mail)
        else:
            references = tuple(request.reference for request in requests_of(session, message))
        return Received(message.id, message.state, message.why or "", references, new)


def _comes_back(mail: Understood) -> bool:
    """Whether it is about a mail of ours that was sent, whose words it repeats, and not that mail itself."""
    return mail.report is not None or mail.automatic in ("bounce", "auto_reply") or bool(mail.answers)


def _file(session: Session, rt: Runtime, message: Message, mail: Understood) -> tuple[str, ...]:
    if mail.report is not None and mail.triage is None:
        concerned = take_report(session, rt, message, mail.report)
        if concerned:
            return concerned
    if mail.automatic is not None and mail.triage is None:
        message.state, message.why = MessageState.IGNORED, mail.automatic[:64]
        facts: dict[str, object] = {"message": str(message.id), "code": message.why}
        audit.record(session, "message:ignored", at=rt.now(), actor="vastine", facts=facts)
        return ()
    known = _known_request(session, mail)
    if known is not None:
        return attach(session, rt, message, known)
    if mail.triage is not None:
        to_triage(session, rt, message, code=mail.triage)
        return ()
    if not mail.rights:  # it names a case that is closed, or none of ours
        to_triage(session, rt, message, code="unknown_case")
        return ()
    opened = open_requests(session, rt, asked_of(mail, message.arrived_at), message=message)
    _draft_corrections(session, rt, opened, mail.text)
    if mail.questions:  # something else is only asked about: the case answers no questions
        _to_read(session, rt, message, opened[0].request)
    facts = {"message": str(message.id), "requests": len(opened)}
    audit.record(session, "message:understood", at=rt.now(), actor="vastine", facts=facts)
    return tuple(o.request.reference for o in opened)


def _draft_corrections(session: Session, rt: Runtime, opened: Sequence[Opened], text: str) -> None:
    """What a mail says is wrong stands whole in one item; staff see what is missing of it, and ask."""
    for one in opened:
        if one.request.right is Right.RECTIFICATION and text.strip():
            said = saying.Said(what=text.strip()[: saying.LONGEST])
            saying.say(session, rt, one.request, said, remedy=None, flaw=None, by="person")


def asked_of(mail: Understood, arrived_at: datetime) -> Sequence[Asked]:
    """The requests a mail makes. What it says of the person is claimed, its sender included."""
    sender = mail.forwarded.sender if mail.forwarded else mail.sender
    identifiers = {k: v for k, v in mail.claims().items() if k != "name"}
    received = arrived_at
    if mail.forwarded and mail.forwarded.sent_at and arrived_at - mail.forwarded.sent_at < _OLDEST_FORWARD:
        # The clock runs from the first arrival anywhere in the house, not from the forwarding.
        received = min(arrived_at, mail.forwarded.sent_at)
    claim = Claim(
        name=mail.sender_name if not mail.forwarded else "", reply_to=sender, identifiers=identifiers, text=mail.text
    )
    return [
        Asked(right=right, language=mail.language, channel=Channel.EMAIL, claim=claim, received_at=received)
        for right in mail.rights
    ]


def _known_request(session: Session, mail: Understood) -> Request | None:
    """The open case that a mail belongs to: the one it names, else the one whose mail it answers."""
    for reference in mail.references:
        request = session.scalar(select(Request).where(Request.reference == reference))
        if request is not None and request.state is not RequestState.CLOSED:
            return request
    answered = case_answered(session, mail.answers)
    return answered if answered is not None and answered.state is not RequestState.CLOSED else None


def attach(
    session: Session, rt: Runtime, message: Message, request: Request, *, code: str = WRITTEN
) -> tuple[str, ...]:
    """Knowing a reference proves nobody: the message waits for a person to read it beside the case."""
    message.state = MessageState.ATTACHED
    belongs(session, message, request)
    _to_read(session, rt, message, request, code=code)
    return (request.reference,)


def _to_read(session: Session, rt: Runtime, message: Message, request: Request, *, code: str = WRITTEN) -> None:
    open_task(
        session,
        rt,
        key=f"message:{message.id}",
        kind=TaskKind.CHECK,
        code=code,
        request_id=request.id,
        message_id=message.id,
        due_on=request.due_on if request.answered_at is None else due_dates(rt.today()).due_a,
    )


def take_note(session: Session, rt: Runtime, request: Request, *, text: str, language: str) -> bool:
    """Keep what was written on the page of a case, for a person to read; False for the same words on one day.

    Whoever knows the page's address proves nothing by it. The caller holds the request's lock.
    """
    message, new = _written(session, rt, where=str(request.id), text=text, language=language)
    if new:
        attach(session, rt, message, request)
    return new


def take_complaint(session: Session, rt: Runtime, request: Request, *, text: str, language: str) -> bool:
    """Keep what the person is unhappy with, for the data protection officer; False for the same words on one day.

    Also about a case that is closed. The caller holds the request's lock. Source: GDPR Art. 12(4), 38(4).
    """
    message, new = _written(session, rt, where=f"{COMPLAINT}:{request.id}", text=text, language=language)
    if new:
        attach(session, rt, message, request, code=COMPLAINT)
    return new


def take_feedback(session: Session, rt: Runtime, *, text: str, language: str) -> bool:
    """Keep feedback on accessibility, to be answered in 14 days. Source: Act 306/2019 s. 8."""
    message, new = _written(session, rt, where=FEEDBACK, text=text, language=language)
    if new:
        to_triage(session, rt, message, code=FEEDBACK)
        session.flush()
        open_task(
            session,
            rt,
            key=f"triage:{message.id}",
            kind=TaskKind.TRIAGE,
            code=FEEDBACK,
            message_id=message.id,
            due_on=rt.today() + _FEEDBACK_DAYS,
        )
    return new


def _written(session: Session, rt: Runtime, *, where: str, text: str, language: str) -> tuple[Message, bool]:
    raw = canonical({"message": text, "language": language}).encode()
    ident = f"note:{where}:{rt.today().isoformat()}:{hashlib.sha256(raw).hexdigest()}"
    return store(session, rt, channel=Channel.PORTAL, external_id=ident, raw=raw)


def poll(rt: Runtime, *, most: int = 200) -> int:
    """Read every mailbox, and listen for those that have gone silent. How many mails were taken in."""
    count = 0
    for name, inbox in rt.inboxes.items():
        try:
            count += poll_one(rt, name, inbox, most=most)
        except TryAgain as error:
            log.warning("mailbox.not_read", code=error.code)  # the others are read all the same
        except Exception as error:  # noqa: BLE001 - whatever one server or one of its mails does, others are not its
            log.warning("mailbox.not_read", code=BROKEN, error=type(error).__name__)
    listen(rt)
    return count


def poll_one(rt: Runtime, name: str, inbox: Inbox, *, most: int = 200) -> int:
    """Read one mailbox; a mail is settled there only after it is safe here. Raises what keeps it from that, noted."""
    count = own = 0
    try:
        for handle, raw in inbox.fetch(most):
            if raw:
                own += receive(rt, raw).why == CANARY
            else:
                _too_large(rt, f"{name}:{handle}")
            inbox.settle(handle)
            count += 1
    except Exception as error:
        note_failure(rt, name, error.code if isinstance(error, TryAgain) else BROKEN)
        raise
    note_read(rt, name, taken=count - own)  # what we send ourselves breaks no silence of people
    return count


def _too_large(rt: Runtime, where: str) -> None:
    with rt.unit() as session:
        message, new = store(session, rt, channel=Channel.EMAIL, external_id=f"too_large:{where}", raw=b"")
        if new:
            to_triage(session, rt, message, code="too_large")
