"""The files in a raw mail as bytes, for whoever looks for malware in them."""

from collections.abc import Iterator
from email import message_from_bytes
from email.policy import compat32

from workflows.rules.mail_parts import MAX_PARTS, TooComplex


def pieces(raw: bytes) -> Iterator[bytes]:
    """The mail itself, then each part of it as a mail program would save it.

    A scanner takes a mail apart by rules of its own, which need not be ours. Raises `TooComplex` for more parts or
    depth than a letter from a person has.
    """
    yield raw
    try:
        parts = [part for part in message_from_bytes(raw, policy=compat32).walk() if not part.is_multipart()]
    except Exception:  # noqa: BLE001  # the bytes are a stranger's; what can't be taken apart can't be looked at
        raise TooComplex from None
    if len(parts) > MAX_PARTS:
        raise TooComplex
    for part in parts:
        body = part.get_payload(decode=True)
        if isinstance(body, bytes) and body.strip():
            yield body
