"""What the headers of a mail say: who wrote it, when, and what it answers. All of it is claimed."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from email.utils import getaddresses, parsedate_to_datetime

from workflows.rules import identifiers
from workflows.rules.identifiers import clean, normalise
from workflows.rules.mail_parts import TooComplex, values

_MAX_COMMENTS = 100  # of one header
_MOST_ANSWERED = 50
_MESSAGE_ID = re.compile(r"<[^<>\s@\x00-\x1f\x7f]{1,200}@[^<>\s@\x00-\x1f\x7f]{1,200}>", re.ASCII)
_SOON = timedelta(hours=26)  # clocks and zones of senders are wrong by up to a day
_FIRST_MAIL = datetime(1990, 1, 1, tzinfo=UTC)


def sender_of(headers: Sequence[tuple[str, str]]) -> tuple[str, str]:
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


def reply_to_of(headers: Sequence[tuple[str, str]], sender: str) -> str:
    """Where answers are wanted, if that is not the sender."""
    boxes = _mailboxes(values(headers, "reply-to"))
    return boxes[0][1] if boxes and boxes[0][1] != sender else ""


def message_id_of(headers: Sequence[tuple[str, str]]) -> str:
    """The one Message-ID; "" if there is none, or no clear one."""
    given = values(headers, "message-id")
    if len(given) != 1:
        return ""
    return given[0] if _MESSAGE_ID.fullmatch(given[0]) else ""


def answered_by(headers: Sequence[tuple[str, str]]) -> tuple[str, ...]:
    """The Message-IDs that a mail answers, the nearest first. Source: RFC 5322 section 3.6.4."""
    nearest = [i for value in values(headers, "in-reply-to") for i in _MESSAGE_ID.findall(value)]
    earlier = [i for value in values(headers, "references") for i in reversed(_MESSAGE_ID.findall(value))]
    return tuple(dict.fromkeys(nearest + earlier))[:_MOST_ANSWERED]


def sent_at_of(dates: Sequence[str], now: datetime | None) -> datetime | None:
    """The Date header as UTC; None if it is missing, absurd or in the future."""
    if len(dates) != 1:
        return None
    try:
        given = parsedate_to_datetime(dates[0][:100])
        sent_at = given.replace(tzinfo=UTC) if given.tzinfo is None else given.astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return sent_at if sent_at >= _FIRST_MAIL and (now is None or sent_at <= now + _SOON) else None
