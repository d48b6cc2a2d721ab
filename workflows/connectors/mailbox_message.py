"""What one message says: who wrote to whom, in which thread, what is theirs and what they quote; never raises."""

import re
from dataclasses import dataclass
from email import message_from_bytes
from email.message import Message
from email.policy import compat32
from email.utils import getaddresses, parsedate_to_datetime

from workflows.rules.mail_parts import MAX_TEXT, Contents, read_parts
from workflows.rules.mail_text import take_apart

_IDENT = re.compile(r"<[^<>\s]{3,250}>")
_GLUE = "0-9A-Za-zÀ-ɏ_"


@dataclass(frozen=True, slots=True)
class Attached:
    """A file that came along."""

    content: bytes


@dataclass(frozen=True, slots=True)
class Read:
    """One message. `garbled`: it could not be taken apart, and only its own bytes tell what it says."""

    ident: str = ""
    before: tuple[str, ...] = ()  # the messages it answers to
    sent: str = ""  # ISO instant, "" where it does not say
    authors: tuple[str, ...] = ()
    readers: tuple[str, ...] = ()
    subject: str = ""
    text: str = ""
    quoted: str = ""
    files: tuple[Attached, ...] = ()
    garbled: bool = False

    @property
    def told(self) -> dict[str, str]:
        """The fields of a mailbox's collection."""
        return {
            "message_id": self.ident,
            "date": self.sent,
            "from": ", ".join(self.authors),
            "to": ", ".join(self.readers),
            "subject": self.subject,
            "text": self.text,
            "quoted": self.quoted,
        }


def read_message(raw: bytes) -> Read:
    """Take a message apart. What can't be understood is handed on as it is: in `files`, with `garbled`."""
    try:
        contents = read_parts(raw)
        whole = not (contents.encrypted or contents.undecodable or contents.too_large)
        files = _files(raw)
    except Exception:  # noqa: BLE001  # whatever breaks a parser of the world's mail: the bytes tell it all
        return Read(files=(Attached(raw),), garbled=True)
    letter = take_apart(contents.text[:MAX_TEXT])
    return Read(
        ident=_first(_idents(contents, "message-id")),
        before=tuple(dict.fromkeys((*_idents(contents, "references"), *_idents(contents, "in-reply-to")))),
        sent=_instant(contents),
        authors=_addresses(contents, "from"),
        readers=_addresses(contents, "to", "cc", "bcc"),
        subject=_first(contents.get("subject")),
        text="\n\n".join(filter(None, (letter.own, letter.signature))),
        quoted=letter.quoted,
        files=files if whole else (*files, Attached(raw)),
    )


def stands_in(value: str, raw: Read) -> bool:
    """Whether it may be there: False only where each place that has it has it as a part of something longer."""
    text = "\n".join(raw.told.values()).lower()
    wanted = value.lower()
    if wanted not in text:
        return True  # the server saw it where we do not look: in a file, or under an encoding of its own
    return re.search(f"(?<![{_GLUE}]){re.escape(wanted)}(?![{_GLUE}])", text) is not None


def _first(values: list[str]) -> str:
    return values[0] if values else ""


def _idents(contents: Contents, name: str) -> list[str]:
    return [ident for value in contents.get(name) for ident in _IDENT.findall(value)][:100]


def _addresses(contents: Contents, *names: str) -> tuple[str, ...]:
    values = [value for name in names for value in contents.get(name)]
    return tuple(dict.fromkeys(address.lower() for _, address in getaddresses(values) if address))


def _instant(contents: Contents) -> str:
    try:
        return parsedate_to_datetime(_first(contents.get("date"))).isoformat()
    except (ValueError, TypeError, IndexError, OverflowError):
        return ""


def _files(raw: bytes) -> tuple[Attached, ...]:
    """The attachments; `read_parts` has found the message to be within bounds."""
    files = []
    for part in message_from_bytes(raw, policy=compat32).walk():
        if part.is_multipart():
            continue
        spoken = part.get_content_type() in ("text/plain", "text/html") and not _is_attached(part)
        content = None if spoken else part.get_payload(decode=True)
        if isinstance(content, bytes) and content:
            files.append(Attached(content))
    return tuple(files)


def _is_attached(part: "Message[str, str]") -> bool:
    how = part.get_content_disposition()
    return how == "attachment" or (bool(part.get_filename()) and how != "inline")
