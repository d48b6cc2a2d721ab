"""How the text of each setting is read: what is wrong with it and how to mend it, never quoting a secret."""

import base64
import binascii
import ipaddress
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import parseaddr
from itertools import pairwise
from pathlib import Path
from typing import Literal
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

_PLACEHOLDER = re.compile(
    r"change.?me|replace.?me|example|secret.?key|password|placeholder|xxxx|your.?(key|secret)", re.I
)
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?")
_PASSWORD = re.compile(r"^([A-Za-z0-9+.-]+://[^:@/?]*):.*@", re.S)
_SECRET_OPTION = re.compile(r"([?&][^=&]*(?:pass|secret|key|token)[^=&]*=)[^&]*", re.I)
_SHORTEST_SECRET, _LONGEST_SECRET = 32, 512
_LONGEST_ADDRESS = 254
_TLS = ("starttls", "ssl", "none")


class Wrong(ValueError):  # noqa: N818
    """The text can't be this setting."""

    def __init__(self, what: str, remedy: str = "") -> None:
        self.what = what
        self.remedy = remedy
        super().__init__(what)


@dataclass(frozen=True, slots=True)
class MailServer:
    """An address of a mail server, taken apart. `tls` is how the connection is secured, verified always."""

    host: str
    port: int
    tls: Literal["starttls", "ssl", "none"]
    user: str = ""
    password: str = field(default="", repr=False)
    folder: str = ""
    options: Mapping[str, str] = field(default_factory=dict)

    @property
    def place(self) -> str:
        """Where a mailbox is, without the password: what people are told it is called."""
        return f"{self.user}@{self.host}:{self.port}/{self.folder or 'INBOX'}"[:250]


def folder(text: str) -> Path:
    """An absolute path."""
    if not text.isprintable():
        raise Wrong("has a control character", "write an absolute path on one line")
    try:
        return Path(os.path.abspath(Path(text).expanduser()))  # noqa: PTH100  # resolve() would follow links
    except (ValueError, RuntimeError):
        raise Wrong("is not a path, or of a user who does not exist", "write an absolute path") from None


def optional_file(text: str) -> Path | None:
    """An absolute path, or None where nothing is told."""
    return folder(text) if text else None


def database_url(text: str) -> str:
    """PostgreSQL, or SQLite in a file."""
    if text.startswith("sqlite:///") and len(text) > len("sqlite:///"):
        return text
    if text.startswith("sqlite:"):
        raise Wrong("has no file", "write sqlite:///PATH")
    parts = _split(text, ("postgresql", "postgresql+psycopg"), "postgresql://user@host/name, or sqlite:///PATH")
    if parts.path in {"", "/"}:
        raise Wrong("names no database", "end it with /NAME")
    return text


def broker_url(text: str) -> str:
    """Redis, or `memory://` for the embedded default."""
    if text in {"memory:", "memory://"}:
        return "memory://"
    _split(text, ("redis", "rediss"), "redis://host:6379/0, or memory:// for one process")
    return text


def blobs_url(text: str) -> str:
    """A folder as `file:///absolute/path`."""
    if text.startswith("s3:"):
        raise Wrong("s3:// is not supported in this version", "use file:// on a disk that all processes share")
    if not text.startswith("file:///") or text == "file:///" or "?" in text or "#" in text:
        raise Wrong("is not a folder's address", "write file:///absolute/path")
    return f"file://{folder(text.removeprefix('file://'))}"


def mail_url(text: str) -> str:
    """`smtp://user:password@host:port?tls=starttls|ssl|none`, `smtps://`, or `outbox://`."""
    if text in {"outbox:", "outbox://"}:
        return "outbox://"
    mail_server(text, "smtp")
    return text


def inbox_url(text: str) -> tuple[str, ...]:
    """`imap://user:password@host:port/folder?tls=…` or `imaps://`, several with blanks between them, or nothing."""
    places = set()
    for one in text.split():
        server = mail_server(one, "imap")
        if not server.user:
            raise Wrong("names no user", "write imaps://user:password@host/INBOX")
        if server.place in places:
            raise Wrong("names one mailbox twice", "keep one address for each folder")
        places.add(server.place)
    return tuple(text.split())


def mail_server(text: str, protocol: Literal["smtp", "imap"]) -> MailServer:
    """Take an SMTP or IMAP address apart; encryption is the default, plain text only on request."""
    remedy = f"{protocol}://user:password@host:port?tls=starttls" + (", or outbox://" if protocol == "smtp" else "")
    parts = _split(text, (protocol, f"{protocol}s"), remedy)
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    secure = parts.scheme.endswith("s")
    tls = options.pop("tls", "ssl" if secure else "starttls")
    if tls not in _TLS or (secure and tls != "ssl"):
        raise Wrong("tls= is not starttls, ssl or none", remedy)
    unknown = set(options) - ({"archive", "too_large"} if protocol == "imap" else set())
    if unknown:
        raise Wrong(f"has an option it does not know: {sorted(unknown)[0][:40]}", remedy)
    if tls == "none" and parts.password and not is_loopback(text):
        raise Wrong("would send its password in clear text", "use tls=starttls, or tls=none without a password")
    port = {("smtp", "ssl"): 465, ("imap", "ssl"): 993, ("imap", "none"): 143, ("imap", "starttls"): 143}
    return MailServer(
        host=parts.hostname or "",
        port=parts.port or port.get((protocol, tls), 587 if parts.username else 25),
        tls=tls,  # type: ignore[arg-type]
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        folder=unquote(parts.path.strip("/")),
        options=options,
    )


def mail_from(text: str) -> str:
    """The sender: an address, or a name and an address; one line, ASCII address."""
    name, address = parseaddr(text)
    if not text.isprintable() or not is_address(address) or not (name or text.strip("<> ") == address):
        raise Wrong("is not a sender", "write answers@example.fi or Name <answers@example.fi>")
    return text


def mail_allow(text: str) -> tuple[str, ...]:
    """Addresses and @domains, separated by commas, in lower case."""
    entries = tuple(entry.strip().casefold() for entry in text.split(",") if entry.strip())
    for entry in entries:
        if "*" in entry or not is_address(f"x{entry}" if entry.startswith("@") else entry):
            raise Wrong("has an entry that is neither an address nor an @domain", "write a@example.fi, @example.fi")
    return entries


def web_address(text: str) -> str:
    """Where a browser finds an application: https://host, without a path's trailing slash."""
    parts = _split(text, ("http", "https"), "https://host")
    if parts.username or parts.query or parts.fragment:
        raise Wrong("has more than a host and a path", "write https://host")
    return text.rstrip("/")


def scanner_url(text: str) -> str:
    """Where clamd listens; "" where nothing is told."""
    if text:
        scanner_address(text)
    return text


def scanner_address(text: str) -> str | tuple[str, int]:
    """The path of clamd's socket, or (host, port)."""
    if text.startswith("clamd:///") and text.isprintable() and len(text) > len("clamd:///"):
        return text.removeprefix("clamd://")
    parts = _split(text, ("clamd",), "clamd:///run/clamav/clamd.ctl, or clamd://host:3310")
    if parts.hostname and parts.path in {"", "/"}:
        return parts.hostname, parts.port or 3310
    raise Wrong("names no place", "write clamd:///run/clamav/clamd.ctl, or clamd://host:3310")


def mode(text: str) -> str:
    """`trial` or `live`."""
    if text not in {"trial", "live"}:
        raise Wrong("is neither trial nor live", "trial sends mail to VASTINE_MAIL_ALLOW only; live to everybody")
    return text


def webhook_secrets(text: str) -> tuple[str, ...]:
    """Standard Webhooks secrets, separated by spaces: `whsec_` and the base64 of 24 to 64 random bytes.

    Source: Standard Webhooks specification, "Signature scheme".
    """
    remedy = "whsec_ and the base64 of 24 to 64 random bytes; the new one first while rotating"
    for secret in text.split():
        try:
            raw = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
        except (binascii.Error, ValueError):
            raw = b""
        if not secret.startswith("whsec_") or not 24 <= len(raw) <= 64 or weak(raw):
            raise Wrong("is not a secret of Standard Webhooks, or a weak one", remedy)
    return tuple(text.split())


def secret_key(text: str) -> str:
    """At least 32 characters that look random, or nothing."""
    if text and (
        not _SHORTEST_SECRET <= len(text) <= _LONGEST_SECRET or weak(text.encode()) or _PLACEHOLDER.search(text)
    ):
        raise Wrong(
            "is too short or long, too regular or a placeholder", "use 32 random bytes in hex, or leave it unset"
        )
    return text


def is_address(text: str) -> bool:
    """Whether it is a plain mail address in ASCII, as one recipient on one line."""
    return len(text) <= _LONGEST_ADDRESS and bool(_ADDRESS.fullmatch(text))


def weak(key: bytes) -> bool:
    """Whether a key is plainly not random: too few different bytes, a repeated pattern, or readable words."""
    short = len(key) < 16
    few = len(set(key)) < max(6, min(len(key), 32) // 4)
    repeats = any(key == (key[:n] * len(key))[: len(key)] for n in range(1, len(key) // 2 + 1))
    steps = {(b - a) % 256 for a, b in pairwise(key)}
    return short or few or repeats or len(steps) == 1 or bool(_PLACEHOLDER.search(key.decode("latin-1")))


def masked(text: str) -> str:
    """The text with the password of an address, and options that sound secret, struck out."""
    return _SECRET_OPTION.sub(r"\1•••", _PASSWORD.sub(r"\1:•••@", text))


def is_loopback(url: str) -> bool:
    """Whether the address never leaves this machine."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _split(text: str, schemes: tuple[str, ...], remedy: str) -> SplitResult:
    try:
        parts = urlsplit(text)
        usable = parts.hostname and (parts.port is None or parts.port > 0)
    except ValueError:
        raise Wrong("is not an address", f"write {remedy}; special characters in a password are %-encoded") from None
    if parts.scheme not in schemes:
        scheme = parts.scheme if re.fullmatch(r"[a-z0-9+.-]{1,20}", parts.scheme) else "nothing"
        raise Wrong(f"begins with {scheme}, not {' or '.join(f'{s}://' for s in schemes)}", f"write {remedy}")
    if not text.isprintable() or " " in text:
        raise Wrong("has a blank or a control character", f"write {remedy}")
    if not usable:
        raise Wrong("names no host", f"write {remedy}")
    return parts


__all__ = ["MailServer", "Wrong", "is_address", "mail_server", "masked", "weak"]
