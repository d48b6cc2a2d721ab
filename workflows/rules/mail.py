"""What a mail says: who writes, what for, and whether a person must read it first."""

import hashlib
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from models.vocabulary import Right
from workflows.rules import identifiers
from workflows.rules.identifiers import normalise
from workflows.rules.identity import NAME
from workflows.rules.language import language_of
from workflows.rules.mail_auth import authenticated
from workflows.rules.mail_claims import Claim, claims_in, references_in
from workflows.rules.mail_files import IDENTITY, identity_copies, says_identity
from workflows.rules.mail_forward import Forwarded, forwarded_of
from workflows.rules.mail_heads import answered_by, message_id_of, reply_to_of, sender_of, sent_at_of
from workflows.rules.mail_parts import MAX_BYTES, Attachment, Contents, TooComplex, read_parts
from workflows.rules.mail_reports import Report, report_in
from workflows.rules.mail_signs import CERTAIN, automatic
from workflows.rules.mail_text import take_apart
from workflows.rules.wishes import Wishes, wishes_in


@dataclass(frozen=True, slots=True)
class House:
    """What a reader of mail must know of the house: its own addresses, its further domains, its servers.

    `authserv_ids`, `own_hops`: see `mail_auth.authenticated`. `customer_number`: the pattern of the controller's
    customer numbers, "" if there is none.
    """

    addresses: Collection[str] = ()
    domains: Collection[str] = ()
    authserv_ids: Collection[str] = ()
    own_hops: int = 3
    customer_number: str = ""


@dataclass(frozen=True, slots=True)
class Understood:
    """All that a machine can tell about one mail; everything in it is claimed by its sender.

    `text` are the sender's own words. `rights` are those surely asked for, `confidence` (0 to 1) has the others
    too. With `automatic` nothing may be answered; keep it silently if `triage` is None as well. `triage` is the
    code why a person must read it first: too_large, too_complex, unreadable, encrypted, no_sender,
    other_language, on_behalf, several_rights, several_letters, in_attachment, asks_how, unclear_right, no_right,
    automatic_request. `questions`: rights that are only asked about. A mail with `references` belongs to those
    requests; `answers` are Message-IDs that it answers.
    `report`: a mail server tells what became of mail of ours. `authenticated`: what our own mail server found out.
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
    questions: frozenset[Right] = frozenset()
    identifiers: tuple[Claim, ...] = ()
    forwarded: Forwarded | None = None
    triage: str | None = None
    answers: tuple[str, ...] = ()
    report: Report | None = None
    authenticated: Mapping[str, str] = field(default_factory=dict)

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


def understand_mail(raw: bytes, house: House, *, now: datetime | None = None) -> Understood:
    """Understand a raw message; never raises, whatever the bytes. `now` (UTC): later dates are not believed."""
    fallback = "digest:" + hashlib.sha256(raw).hexdigest()
    if len(raw) > MAX_BYTES:
        return Understood(fallback, "", triage="too_large")
    try:
        contents = read_parts(raw)
        return _understand(contents, fallback, house=house, now=now)
    except (TooComplex, RecursionError):
        return Understood(fallback, "", triage="too_complex")
    except Exception:  # noqa: BLE001 - the bytes are a stranger's; whatever breaks on them, a person reads the raw mail
        return Understood(fallback, "", triage="unreadable")


def _understand(contents: Contents, fallback: str, *, house: House, now: datetime | None) -> Understood:
    ours = {n for a in house.addresses if (n := normalise(identifiers.EMAIL, a))}
    name, sender = sender_of(contents.headers)
    subject = " ".join(contents.get("subject")[:1])[:1000]
    letter = take_apart(contents.text)
    proven = authenticated(contents.headers, authserv_ids=house.authserv_ids, own_hops=house.own_hops)
    forwarded = None
    if proven.get("dmarc") != "fail":  # somebody who only writes that he is a colleague passes nothing on
        domains = {a.rpartition("@")[2] for a in ours} | {d.lower() for d in house.domains}
        forwarded = forwarded_of(contents, letter, sender=sender, subject=subject, ours=domains)
    machine = automatic(contents.headers, sender="" if forwarded else sender, subject=subject, own_addresses=ours)
    references = references_in(f"{subject}\n{letter.own}\n{letter.quoted}")
    passed_on = letter.own, letter.quoted
    if forwarded and forwarded.text:  # what a colleague wrote above it is neither the person's wish nor about them
        letter = take_apart(forwarded.text)
        passed_on = letter.own or forwarded.text, ""
    # what was passed on is the person's letter; without own words the quote is all there is
    own_words = "\n\n".join(x for x in passed_on if x) if forwarded or not letter.own else letter.own
    asked = wishes_in(f"{_topic(subject)}\n\n{own_words}")
    answers = answered_by(contents.headers)
    language = language_of(own_words if own_words.strip() else subject)
    triage = _triage(contents, own_words, asked=asked, language=language, known=bool(references))
    if machine:
        triage = "automatic_request" if machine not in CERTAIN and asked.rights else None
    elif forwarded and forwarded.several:
        triage = "several_letters"
    elif not (forwarded.sender if forwarded else sender) and triage not in ("encrypted", "too_large"):
        triage = "no_sender"
    return Understood(
        message_id=message_id_of(contents.headers) or fallback,
        sender=sender,
        sender_name=name,
        reply_to=reply_to_of(contents.headers, sender),
        subject=subject,
        sent_at=sent_at_of(contents.get("date"), now),
        text=own_words,
        signature=letter.signature,
        language=language,
        attachments=_marked(contents, [subject, own_words]),
        automatic=machine,
        references=references,
        rights=asked.rights,
        confidence=asked.confidence,
        questions=asked.questions,
        identifiers=claims_in(f"{subject}\n{own_words}\n{letter.signature}", customer_number=house.customer_number),
        forwarded=forwarded,
        triage=triage,
        answers=answers,
        report=report_in(contents, automatic=machine, answers=answers),
        authenticated=proven,
    )


def _triage(contents: Contents, text: str, *, asked: Wishes, language: str, known: bool) -> str | None:
    """Why a person must read this mail first; None if the flow can take it."""
    rights = set(asked.rights)
    reasons = (
        ("too_large", contents.too_large),
        ("encrypted", contents.encrypted),
        ("unreadable", contents.undecodable and not text.strip()),
        ("in_attachment", not rights and not known and bool(contents.attachments) and len(text) < 400),
        ("other_language", language == "other"),
        ("on_behalf", asked.on_behalf and (bool(rights) or asked.vague)),
        ("several_rights", len(rights) > 1 and rights != {Right.ACCESS, Right.ERASURE}),
        ("asks_how", bool(asked.questions) and not known and not asked.confidence),
        ("unclear_right", not rights and not known and (asked.vague or bool(asked.confidence))),
        ("no_right", not rights and not known),
    )
    return next((code for code, applies in reasons if applies), None)


def _marked(contents: Contents, texts: Sequence[str]) -> tuple[Attachment, ...]:
    """The attachments, with copies of identity documents marked as such."""
    copies = identity_copies([(a.name, a.media) for a in contents.attachments], said=says_identity(texts))
    return tuple(
        replace(a, signs=(*a.signs, IDENTITY)) if copy else a
        for a, copy in zip(contents.attachments, copies, strict=True)
    )


def _topic(subject: str) -> str:
    """The subject of a first mail; that of a reply repeats our own words and says nothing of a wish."""
    return "" if re.match(r"^\s*(re|vs|sv|aw|antw)\s*:", subject, re.IGNORECASE) else subject
