"""A raw mail without the copies of identity documents in it: each part gives way to a note, the rest stays."""

from collections.abc import Sequence
from datetime import datetime
from email import message_from_bytes
from email.generator import BytesGenerator
from email.message import Message
from email.policy import compat32
from io import BytesIO
from typing import Any

from workflows.rules.mail_files import examine, identity_copies, says_identity
from workflows.rules.mail_parts import header_text


class _Writer(BytesGenerator):
    """Writes a part that says it has parts, and has none, as it came: the standard one can't where it isn't ASCII."""

    def _handle_multipart(self, msg: Any) -> None:
        writer: Any = self
        if isinstance(msg._payload, str):  # noqa: SLF001  # what is public decodes it
            writer._handle_text(msg)  # noqa: SLF001
        else:
            getattr(super(), "_handle_multipart")(msg)  # noqa: B009  # the stubs know no such name


def without(raw: bytes, at: datetime, *, texts: Sequence[str]) -> tuple[bytes, int]:
    """(the mail, how many parts were taken out); `at` is when. The very same bytes where there was nothing.

    `texts`: the subject and the words of the person, by which the copies were recognised in the first place.
    """
    said = says_identity(texts)
    message = message_from_bytes(raw, policy=compat32)
    files = [part for part in message.walk() if _is_file(part)]
    copies = identity_copies([_seen(part) for part in files], said=said)
    for part, copy in zip(files, copies, strict=True):
        if copy:
            _note(part, at)
    if not any(copies):
        return raw, 0
    out = BytesIO()
    _Writer(out, mangle_from_=False, policy=compat32).flatten(message)
    return out.getvalue(), sum(copies)


def _is_file(part: "Message[str, str]") -> bool:
    text = part.get_content_type() in ("text/plain", "text/html")
    return not part.is_multipart() and not (text and part.get_content_disposition() != "attachment")


def _seen(part: "Message[str, str]") -> tuple[str, str]:
    body = part.get_payload(decode=True)
    try:
        name = header_text(part.get_filename() or "")
    except (LookupError, TypeError, ValueError, AttributeError):
        name = "?"
    return name[:255], examine(name[:255], body if isinstance(body, bytes) else b"")[0]


def _note(part: "Message[str, str]", at: datetime) -> None:
    for header in [name for name in part.keys() if name.lower().startswith("content-")]:  # noqa: SIM118  # a mail
        del part[header]
    part["Content-Type"] = "text/plain; charset=utf-8"
    part["Content-Disposition"] = 'attachment; filename="destroyed.txt"'
    part["Content-Transfer-Encoding"] = "7bit"
    part.set_payload(f"A copy of an identity document that nobody had asked for was destroyed on {at:%Y-%m-%d}.\n")
