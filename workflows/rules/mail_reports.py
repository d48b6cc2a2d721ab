"""Reports of mail servers about mail of ours: it could not be delivered, or its reader calls it unwanted.

Source: RFC 3464 (delivery), RFC 5965 (feedback), RFC 3798 (read receipts, which say nothing here).
"""

import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from workflows.rules.mail_parts import Contents, values

_OURS = re.compile(r"([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})@", re.IGNORECASE)
_SEARCHED = 100_000
_MOST = 10
_FAILED = re.compile(
    r"undeliverable|not be delivered|delivery (has )?failed|permanent(ly)? (error|fail)|address not found|user unknown"
    r"|no such user|mailbox (is )?(full|unavailable)|\b5\.\d\.\d{1,2}\b|ei voitu toimittaa|kunde inte levereras"
    r"|gick inte att leverera",
    re.IGNORECASE,
)
_DELAYED = re.compile(r"delayed|will (be )?retr(y|ied)|still trying|\b4\.\d\.\d{1,2}\b|viivästy|fördröj", re.IGNORECASE)

What = Literal["failed", "delayed", "complaint", "delivered", "read"]


@dataclass(frozen=True, slots=True)
class Report:
    """What became of mail of ours; `about` are names that our own Message-IDs begin with."""

    what: What
    about: tuple[uuid.UUID, ...]


def report_in(contents: Contents, *, automatic: str | None, answers: tuple[str, ...]) -> Report | None:
    """The report that a mail is; None for mail that is none. What it is about is claimed by whoever wrote it."""
    kind = next(iter(contents.get("content-type")), "").lower()
    structured = kind.startswith("multipart/report") or bool(contents.reports)
    if not structured and automatic != "bounce":
        return None
    what = _of_fields(contents, kind) or (_of_words(contents.text) if not structured else "delayed")
    return Report(what, tuple(dict.fromkeys(_about(contents, answers)))[:_MOST])


def _of_fields(contents: Contents, kind: str) -> What | None:
    if "disposition-notification" in kind:
        return "read"
    if any(values(block, "feedback-type") for block in contents.reports) or "feedback-report" in kind:
        # "not-spam" takes a complaint back
        types = [v.strip().lower() for block in contents.reports for v in values(block, "feedback-type")]
        return "delivered" if types and all(t == "not-spam" for t in types) else "complaint"
    actions = {v.split(";")[0].split()[0].lower() for b in contents.reports for v in values(b, "action") if v.split()}
    if "failed" in actions:
        return "failed"
    if "delayed" in actions:
        return "delayed"
    return "delivered" if actions & {"delivered", "relayed", "expanded"} else None


def _of_words(text: str) -> What:
    searched = text[:_SEARCHED]
    return "delayed" if _DELAYED.search(searched) and not _FAILED.search(searched) else "failed"


def _about(contents: Contents, answers: tuple[str, ...]) -> Iterator[uuid.UUID]:
    texts = [*answers, *contents.returned]
    for head in contents.forwarded:
        texts += values(head, "message-id")
    for block in contents.reports:
        texts += values(block, "original-message-id") + values(block, "x-original-message-id")
    texts.append(contents.text)
    for text in texts:
        for match in _OURS.finditer(text[:_SEARCHED]):
            yield uuid.UUID(match[1])
