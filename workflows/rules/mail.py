"""What a mail says: who writes, what for, and whether a person must read it first."""

import hashlib
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import getaddresses, parsedate_to_datetime

from models.vocabulary import Right
from workflows.rules import identifiers
from workflows.rules.identifiers import clean, normalise
from workflows.rules.identity import NAME
from workflows.rules.language import language_of
from workflows.rules.mail_claims import Claim, claims_in, references_in
from workflows.rules.mail_parts import MAX_BYTES, Attachment, Contents, TooComplex, read_parts, values
from workflows.rules.mail_signs import CERTAIN, automatic
from workflows.rules.mail_text import Letter, take_apart
from workflows.rules.wishes import Wishes, wishes_in

_MAX_COMMENTS = 100  # of one header
_AUTOMATIC_RIGHTS = frozenset({Right.ACCESS, Right.PORTABILITY, Right.ERASURE})
_MESSAGE_ID = re.compile(r"<[^<>\s@\x00-\x1f\x7f]{1,200}@[^<>\s@\x00-\x1f\x7f]{1,200}>", re.ASCII)
_FORWARD_SUBJECT = re.compile(r"^\s*(fwd?|vl|vb|vbs|wl|edelleen|välitys)\s*:", re.IGNORECASE)
_SOON = timedelta(hours=26)  # clocks and zones of senders are wrong by up to a day
_FIRST_MAIL = datetime(1990, 1, 1, tzinfo=UTC)
_HEADER_LINE = re.compile(r"^\W{0,3}([^\W\d]{3,12})\W{0,3}:\s*(.+)$")
PUBLIC_DOMAINS = frozenset(
    [
        "gmail.com",
        "googlemail.com",
        "outlook.com",
        "hotmail.com",
        "hotmail.fi",
        "live.com",
        "msn.com",
        "yahoo.com",
        "icloud.com",
        "me.com",
        "gmx.com",
        "gmx.net",
        "proton.me",
        "protonmail.com",
        "luukku.com",
        "suomi24.fi",
        "kolumbus.fi",
        "elisanet.fi",
        "saunalahti.fi",
        "pp.inet.fi",
    ]
)
"""Where anybody can have a mailbox: sharing such a domain with us makes nobody our colleague."""

_FROM_WORDS = frozenset({"from", "lähettäjä", "från", "keneltä"})
_DATE_WORDS = frozenset({"sent", "date", "lähetetty", "päivämäärä", "päiväys", "skickat", "datum", "pvm"})
_DAY = re.compile(r"(?<!\d)(\d{1,2})\.\s?(\d{1,2})\.\s?(\d{4})(?!\d)|(?<!\d)(\d{4})-(\d{2})-(\d{2})(?!\d)")


@dataclass(frozen=True, slots=True)
class Forwarded:
    """The mail that a member of staff passed on. `sent_at`: UTC; a day without time counts from its midnight UTC."""

    sender: str
    sent_at: datetime | None


@dataclass(frozen=True, slots=True)
class Understood:
    """All that a machine can tell about one mail; everything in it is claimed by its sender.

    `text` are the sender's own words. `rights` are those surely asked for, `confidence` (0 to 1) has the others
    too. With `automatic` nothing may be answered; keep it silently if `triage` is None as well. `triage` is the
    code why a person must read it first: too_large, too_complex, unreadable, encrypted, no_sender,
    other_language, on_behalf, other_right, several_rights, in_attachment, unclear_right, no_right,
    automatic_request. A mail with `references` belongs to those requests.
    """

    message_id: str
    sender: str  # "" if there is none, or not exactly one
    sender_name: str = ""
    reply_to: str = ""  # only if it differs from the sender
    subject: str = ""
    sent_at: datetime | None = None
    text: str = ""
    signature: str = ""
    language: str = "fi"
    attachments: tuple[Attachment, ...] = ()
    automatic: str | None = None
    references: tuple[str, ...] = ()
    rights: tuple[Right, ...] = ()
    confidence: Mapping[Right, float] = field(default_factory=dict)
    identifiers: tuple[Claim, ...] = ()
    forwarded: Forwarded | None = None
    triage: str | None = None

    def claims(self) -> dict[str, str]:
        """What to look records up by: identity keys and "name"; a kind that is mentioned twice is left out.

        The address is the requester's: the forwarded mail's sender, else this mail's; one in the text is not.
        """
        by_kind: dict[str, set[str]] = {}
        for claim in self.identifiers:
            by_kind.setdefault(claim.kind, set()).add(claim.value)
        claims = {k: next(iter(v)) for k, v in by_kind.items() if len(v) == 1 and k != identifiers.EMAIL}
        if email := self.forwarded.sender if self.forwarded else self.sender:
            claims[identifiers.EMAIL] = email
        if self.sender_name and not self.forwarded:
            claims[NAME] = self.sender_name
        return claims


def understand_mail(
    raw: bytes, *, own_addresses: Collection[str], now: datetime | None = None, customer_number: str = ""
) -> Understood:
    """Understand a raw message; never raises, whatever the bytes.

    `own_addresses` are those of our mailboxes; `now` (UTC) lets a date in the future be noticed;
    `customer_number` is the pattern of the controller's customer numbers, "" if there is none.
    """
    fallback = "digest:" + hashlib.sha256(raw).hexdigest()
    if len(raw) > MAX_BYTES:
        return Understood(fallback, "", triage="too_large")
    try:
        contents = read_parts(raw)
        return _understand(contents, fallback, own=own_addresses, now=now, customer_number=customer_number)
    except (TooComplex, RecursionError):
        return Understood(fallback, "", triage="too_complex")
    except Exception:  # noqa: BLE001 - the bytes are a stranger's; whatever breaks on them, a person reads the raw mail
        return Understood(fallback, "", triage="unreadable")


def _understand(
    contents: Contents, fallback: str, *, own: Collection[str], now: datetime | None, customer_number: str
) -> Understood:
    ours = {n for a in own if (n := normalise(identifiers.EMAIL, a))}
    name, sender = _sender(contents.headers)
    subject = " ".join(contents.get("subject")[:1])[:1000]
    letter = take_apart(contents.text)
    forwarded = _forwarded(contents, letter, sender=sender, subject=subject, ours=ours)
    machine = automatic(contents.headers, sender="" if forwarded else sender, subject=subject, own_addresses=ours)
    # what was passed on is the person's letter; without own words the quote is all there is
    own_words = "\n\n".join(x for x in (letter.own, letter.quoted) if x) if forwarded or not letter.own else letter.own
    asked = wishes_in(f"{_topic(subject)}\n\n{own_words}")
    references = references_in(f"{subject}\n{own_words}\n{letter.quoted}")
    language = language_of(own_words if own_words.strip() else subject)
    triage = _triage(contents, own_words, asked=asked, language=language, references=references)
    if machine:
        triage = "automatic_request" if machine not in CERTAIN and asked.rights else None
    elif not (forwarded.sender if forwarded else sender) and triage not in ("encrypted", "too_large"):
        triage = "no_sender"
    return Understood(
        message_id=_message_id(contents) or fallback,
        sender=sender,
        sender_name=name,
        reply_to=_reply_to(contents.headers, sender),
        subject=subject,
        sent_at=_sent_at(contents.get("date"), now),
        text=own_words,
        signature=letter.signature,
        language=language,
        attachments=tuple(contents.attachments),
        automatic=machine,
        references=references,
        rights=asked.rights,
        confidence=asked.confidence,
        identifiers=claims_in(f"{subject}\n{own_words}\n{letter.signature}", customer_number=customer_number),
        forwarded=forwarded,
        triage=triage,
    )


def _triage(contents: Contents, text: str, *, asked: Wishes, language: str, references: Sequence[str]) -> str | None:
    """Why a person must read this mail first; None if the flow can take it."""
    rights = set(asked.rights)
    reasons = (
        ("too_large", contents.too_large),
        ("encrypted", contents.encrypted),
        ("unreadable", contents.undecodable and not text.strip()),
        ("in_attachment", not rights and not references and bool(contents.attachments) and len(text) < 400),
        ("other_language", language == "other"),
        ("on_behalf", asked.on_behalf and (bool(rights) or asked.vague)),
        ("other_right", not rights <= _AUTOMATIC_RIGHTS),
        ("several_rights", len(rights) > 1 and rights != {Right.ACCESS, Right.ERASURE}),
        ("unclear_right", not rights and not references and (asked.vague or bool(asked.confidence))),
        ("no_right", not rights and not references),
    )
    return next((code for code, applies in reasons if applies), None)


def _topic(subject: str) -> str:
    """The subject of a first mail; that of a reply repeats our own words and says nothing of a wish."""
    return "" if re.match(r"^\s*(re|vs|sv|aw|antw)\s*:", subject, re.IGNORECASE) else subject


def _sender(headers: Sequence[tuple[str, str]]) -> tuple[str, str]:
    """Name and address; ("", "") unless exactly one mailbox wrote it."""
    boxes = _mailboxes(values(headers, "from"))
    if len(boxes) != 1:
        return "", ""
    return boxes[0]


def _mailboxes(found: Sequence[str]) -> list[tuple[str, str]]:
    boxes = []
    first = [value[:2000] for value in found[:5]]
    if any(value.count("(") > _MAX_COMMENTS for value in first):
        raise TooComplex  # some releases of Python recurse into comments and some do not: the answer is the same
    for name, address in getaddresses(first):
        if plain := normalise(identifiers.EMAIL, address):
            boxes.append((" ".join(clean(name).split())[:200], plain))
    return list({address: (name, address) for name, address in boxes}.values())


def _reply_to(headers: Sequence[tuple[str, str]], sender: str) -> str:
    boxes = _mailboxes(values(headers, "reply-to"))
    return boxes[0][1] if boxes and boxes[0][1] != sender else ""


def _message_id(contents: Contents) -> str:
    given = contents.get("message-id")
    if len(given) != 1:
        return ""
    return given[0] if _MESSAGE_ID.fullmatch(given[0]) else ""


def _sent_at(dates: Sequence[str], now: datetime | None) -> datetime | None:
    """The Date header as UTC; None if it is missing, absurd or in the future."""
    if len(dates) != 1:
        return None
    try:
        given = parsedate_to_datetime(dates[0][:100])
        sent_at = given.replace(tzinfo=UTC) if given.tzinfo is None else given.astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return sent_at if sent_at >= _FIRST_MAIL and (now is None or sent_at <= now + _SOON) else None


def _forwarded(
    contents: Contents, letter: Letter, *, sender: str, subject: str, ours: Collection[str]
) -> Forwarded | None:
    """The original of a mail that somebody at one of our own domains passed on."""
    domains = {a.rpartition("@")[2] for a in ours} - PUBLIC_DOMAINS
    if not sender or sender.rpartition("@")[2] not in domains:
        return None
    if contents.forwarded:
        inner = contents.forwarded[0]
        return Forwarded(_sender(inner)[1], _sent_at(values(inner, "date"), None))
    if not letter.quoted or not (letter.forwarded or _FORWARD_SUBJECT.match(subject)):
        return None
    original, sent_at = "", None
    for line in letter.quoted.split("\n")[:12]:
        if not (match := _HEADER_LINE.match(line.strip()[:400])):
            continue
        word, value = match[1].lower(), match[2]
        if word in _FROM_WORDS and not original:
            original = next((c.value for c in claims_in(value) if c.kind == identifiers.EMAIL), "")
        elif word in _DATE_WORDS and sent_at is None:
            sent_at = _sent_at([value], None) or _day(value)
    return Forwarded(original, sent_at)


def _day(text: str) -> datetime | None:
    match = _DAY.search(text)
    if not match:
        return None
    day, month, year = (match[1], match[2], match[3]) if match[1] else (match[6], match[5], match[4])
    try:
        return datetime(int(year), int(month), int(day), tzinfo=UTC)
    except ValueError:
        return None
