"""From raw bytes to headers, texts and attachments, within bounds whatever the bytes are.

The older `compat32` policy reads the structure: it never refuses a message, where the newer one raises on
some broken headers. Header texts are decoded here, bounded in length.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from email.errors import HeaderParseError, MessageError
from email.header import decode_header
from email.message import Message
from email.parser import BytesFeedParser
from email.policy import Compat32
from itertools import count
from typing import TypeAlias

from workflows.rules.identifiers import clean
from workflows.rules.mail_files import examine
from workflows.rules.mail_text import decode, text_of_html

MAX_BYTES = 25_000_000
MAX_DEPTH = 20
MAX_PARTS = 500
MAX_HEADERS = 2_000
MAX_HEADER_CHARACTERS = 8_000
MAX_TEXT = 200_000
_MAX_BOUNDARIES = 60  # the parser tries every open boundary on every line
_MAX_HEAD_BYTES = 256_000

_BLANK_LINE = re.compile(rb"\r?\n\r?\n")
_PGP = re.compile(r"-----BEGIN PGP MESSAGE-----")

Mime: TypeAlias = "Message[str, str]"


class TooComplex(Exception):  # noqa: N818
    """More parts, headers or depth than a letter from a person has."""


@dataclass(frozen=True, slots=True)
class Attachment:
    """What came along, unopened. `name` is as the sender wrote it: never a path of ours."""

    name: str
    type: str  # as the sender says
    size_bytes: int
    media: str = ""  # by its bytes
    signs: tuple[str, ...] = ()  # why nobody should open it, see `mail_files`


@dataclass(slots=True)
class Contents:
    """The parts of one message. `forwarded` are messages inside it: their headers, outermost first, with `depths`
    and their `words`.

    `reports`: blocks of fields about mail that was sent earlier; `returned`: what came back of its headers.
    """

    headers: list[tuple[str, str]]
    text: str = ""
    attachments: list[Attachment] = field(default_factory=list)
    forwarded: list[list[tuple[str, str]]] = field(default_factory=list)
    depths: list[int] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    reports: list[list[tuple[str, str]]] = field(default_factory=list)
    returned: list[str] = field(default_factory=list)
    encrypted: bool = False
    undecodable: bool = False  # a part whose text only a certain mail program can read
    too_large: bool = False

    def get(self, name: str) -> list[str]:
        """All values of a header, decoded, in order."""
        return values(self.headers, name)


def values(headers: Sequence[tuple[str, str]], name: str) -> list[str]:
    """All values of one header."""
    return [v for n, v in headers if n == name]


def read_parts(raw: bytes) -> Contents:
    """Take a message apart. Raises `TooComplex`, and for bytes that break the parser whatever it raises."""
    if raw.lower().count(b"boundary") > _MAX_BOUNDARIES:
        raise TooComplex
    head = _BLANK_LINE.search(raw, 0, _MAX_HEAD_BYTES)
    if head is None and len(raw) > _MAX_HEAD_BYTES:
        raise TooComplex
    parser = BytesFeedParser(_counting_factory(), policy=_bounded_policy())
    for start in range(0, len(raw), 1_000_000):
        parser.feed(raw[start : start + 1_000_000])
    message = parser.close()
    contents = Contents(_headers(message))
    texts: list[str] = []
    _walk(message, contents, texts=texts, depth=0)
    text = "\n\n".join(t for t in texts if t.strip())
    contents.encrypted = contents.encrypted or bool(_PGP.search(text))
    contents.too_large = contents.too_large or len(text) > MAX_TEXT
    contents.text = clean(text[:MAX_TEXT])
    return contents


def _bounded_policy() -> Compat32:
    """Cuts a header before anything tries to understand it, and counts them over all parts."""
    seen = count(1)

    class Bounded(Compat32):
        def header_source_parse(self, sourcelines: list[str]) -> tuple[str, str]:
            if next(seen) > MAX_HEADERS:
                raise TooComplex
            name, value = super().header_source_parse(sourcelines)
            return name, value[:MAX_HEADER_CHARACTERS]

    return Bounded()


def _counting_factory() -> Callable[..., Mime]:
    parts = 0

    def factory(policy: Compat32 | None = None) -> Mime:
        nonlocal parts
        parts += 1
        if parts > MAX_PARTS:
            raise TooComplex
        return Message() if policy is None else Message(policy=policy)

    return factory


def _headers(message: Mime) -> list[tuple[str, str]]:
    return [(str(n).lower(), header_text(str(v))) for n, v in message.raw_items()]


def header_text(value: str) -> str:
    """A header as a person reads it: on one line, encoded words decoded, raw bytes guessed."""
    flat = " ".join(_unescaped(value[:MAX_HEADER_CHARACTERS]).split())
    try:
        pieces = decode_header(flat)
    except (HeaderParseError, MessageError, ValueError, LookupError, AssertionError):
        return clean(flat)
    text = "".join(p if isinstance(p, str) else decode(p, c or "ascii") for p, c in pieces)
    return " ".join(clean(text).split())


def _unescaped(value: str) -> str:
    try:
        value.encode()
    except UnicodeEncodeError:
        return decode(value.encode("utf-8", "surrogateescape"), "utf-8")
    return value


def _walk(part: Mime, contents: Contents, *, texts: list[str], depth: int) -> None:
    if depth > MAX_DEPTH:
        raise TooComplex
    kind = part.get_content_type()
    payload = part.get_payload()
    if kind in (
        "multipart/encrypted",
        "application/pgp-encrypted",
        "application/pkcs7-mime",
        "application/x-pkcs7-mime",
    ):
        contents.encrypted = True
    if isinstance(payload, list):
        parts = [p for p in payload if isinstance(p, Message)]
        if kind in ("message/rfc822", "message/global"):
            _walk_forwarded(parts, contents, texts=texts, depth=depth)
            return
        if kind.startswith("message/"):
            contents.reports.extend(_headers(p) for p in parts)
            return
        _walk_parts(parts, contents, texts=texts, depth=depth, alternative=kind == "multipart/alternative")
    else:
        _leaf(part, kind, contents=contents, texts=texts)


def _walk_forwarded(parts: list[Mime], contents: Contents, *, texts: list[str], depth: int) -> None:
    for part in parts:
        own: list[str] = []
        place = len(contents.words)
        contents.forwarded.append(_headers(part))
        contents.depths.append(depth)
        contents.words.append("")
        _walk(part, contents, texts=own, depth=depth + 1)
        contents.words[place] = clean("\n\n".join(t for t in own if t.strip())[:MAX_TEXT])
        texts.extend(own)


def _walk_parts(parts: list[Mime], contents: Contents, *, texts: list[str], depth: int, alternative: bool) -> None:
    if not alternative:
        for part in parts:
            _walk(part, contents, texts=texts, depth=depth + 1)
        return
    # the same words several times: the plain ones if they say anything, else what comes last
    versions = []
    for part in parts:
        own: list[str] = []
        _walk(part, contents, texts=own, depth=depth + 1)
        versions.append((part.get_content_type() == "text/plain", "\n\n".join(own)))
    said = [v for v in versions if v[1].strip()]
    texts.append(next((t for plain, t in said if plain), said[-1][1] if said else ""))


def _leaf(part: Mime, kind: str, *, contents: Contents, texts: list[str]) -> None:
    body = part.get_payload(decode=True)
    data = body if isinstance(body, bytes) else b""
    name = _file_name(part)
    attached = part.get_content_disposition() == "attachment" or (name and part.get_content_disposition() != "inline")
    if kind in ("text/plain", "text/html") and not attached:
        charset = str(part.get_param("charset", "", header="content-type") or "utf-8")
        contents.too_large = contents.too_large or len(data) > 8 * MAX_TEXT
        text = decode(data[: 8 * MAX_TEXT], charset)
        texts.append(text_of_html(text) if kind == "text/html" else text)
        return
    if kind in ("text/rfc822-headers", "message/global-headers"):
        contents.returned.append(decode(data[:_MAX_HEAD_BYTES], "utf-8"))
        return
    if kind in ("application/ms-tnef", "application/vnd.ms-tnef"):
        contents.undecodable = True
    if kind.startswith("multipart/") and not data:
        return
    media, signs = examine(name[:255], data)
    contents.attachments.append(Attachment(name[:255], kind[:100], len(data), media, signs))


def _file_name(part: Mime) -> str:
    try:
        name = part.get_filename() or ""
    except (LookupError, TypeError, ValueError, AttributeError):
        name = "?"
    return header_text(name)
