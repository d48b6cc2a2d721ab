"""The way out for mail: over SMTP, or into a folder that a local page shows."""

import hashlib
import os
import re
import secrets
import smtplib
import ssl
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from email import message_from_bytes, policy
from email.headerregistry import Address, HeaderRegistry, MessageIDHeader
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from pathlib import Path
from typing import Any, cast

from workflows.errors import NeverAgain, PersonMustLook, TryAgain
from workflows.ports import Clock, OutgoingMail
from workflows.setting_values import MailServer, is_address

_RETRY_SECONDS = 900
"""Greylisting wants a pause; a quarter of an hour is what its operators expect."""
_ANSWER_SECONDS = 30.0
_TAKEN_SECONDS = 120.0
_MESSAGE_ID = re.compile(r"<[!-;=?-~]{1,240}>")
_OURS = re.compile(r"(from|to|cc|bcc|subject|date|message-id|reply-to|sender|return-path|mime-.*|content-.*)", re.I)
_HEADER_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,60}")
_THREADING = {"in-reply-to", "references"}
_LOGIN_CODES = {530, 534, 535, 538}
_LONGEST_HEADER = 400

_REGISTRY = HeaderRegistry()
for _header in sorted(_THREADING):
    # As ids they are never folded into encoded words; the type stubs know the mix-in by another base.
    _REGISTRY.map_to_type(_header, cast(Any, MessageIDHeader))
_POLICY = policy.SMTP.clone(header_factory=_REGISTRY)


def compose(mail: OutgoingMail, sender: str, clock: Clock) -> EmailMessage:
    """The message as it goes out; raises `NeverAgain` if a header of it can't be safe.

    No header takes a line break or control character, whatever the Python release does about it. A
    threading header that is unfit is left out: it came from outside and only serves to sort mail.
    """
    message = EmailMessage(policy=_POLICY)
    name, address = parseaddr(sender)
    message["From"] = Address(display_name=_one_line(name, "sender"), addr_spec=recipient(address))
    message["To"] = Address(addr_spec=recipient(mail.to))
    message["Subject"] = _one_line(mail.subject, "subject")
    message["Date"] = format_datetime(clock.now())
    if not _MESSAGE_ID.fullmatch(mail.message_id):
        raise NeverAgain("mail_header", detail="the message id is not one")
    message["Message-ID"] = mail.message_id
    for header, value in {"Auto-Submitted": "auto-generated", **_allowed(mail.headers)}.items():
        message[header] = value
    if any(unicodedata.category(char) == "Cs" for char in mail.body):
        raise NeverAgain("mail_body", detail="the text holds half a character, which no mail can carry")
    message.set_content(mail.body, charset="utf-8", cte="quoted-printable")
    message["Content-Language"] = _one_line(mail.language, "language")
    return message


def recipient(address: str) -> str:
    """The address as it goes on the wire: ASCII, domain in IDNA; raises `NeverAgain("mail_address")`."""
    local, _, domain = address.strip().rpartition("@")
    try:
        wired = f"{local}@{domain.encode('idna').decode('ascii')}"
    except UnicodeError:
        wired = ""
    if not is_address(wired):
        raise NeverAgain("mail_address", detail="not an address that mail can be sent to")
    return wired


class SmtpMailer:
    """`Mailer` over SMTP with verified TLS; one connection a mail.

    `allow` limits whom it may write to: addresses and @domains in lower case; None is everybody.
    """

    def __init__(self, server: MailServer, sender: str, *, clock: Clock, allow: Sequence[str] | None = None) -> None:
        self._server = server
        self._sender = sender
        self._clock = clock
        self._allow = None if allow is None else frozenset(allow)

    def send(self, mail: OutgoingMail) -> None:
        """Hand one mail over.

        `TryAgain` if surely nothing was taken: no connection, log-in refused, a 4xx answer.
        `NeverAgain` at a 5xx answer, an unfit header, or a recipient that trial mode forbids.
        `PersonMustLook("mail_unknown")` if the connection broke when the message was on its way.
        """
        message = compose(mail, self._sender, self._clock)
        to = recipient(mail.to)
        self._check_allowed(to)
        smtp = self._connect()
        try:
            self._envelope(smtp, recipient(parseaddr(self._sender)[1]), to)
            _hand_over(smtp, message.as_bytes())
            with suppress(OSError, smtplib.SMTPException):  # it is taken: how they part does not matter
                smtp.quit()
        finally:
            smtp.close()

    def reach(self) -> None:
        """Connect, log in and part without sending anything; raises as `send` does."""
        smtp = self._connect()
        with suppress(OSError, smtplib.SMTPException):
            smtp.quit()
        smtp.close()

    def _check_allowed(self, to: str) -> None:
        if self._allow is not None:
            address = to.casefold()
            if address not in self._allow and "@" + address.rpartition("@")[2] not in self._allow:
                raise NeverAgain("trial_mode", detail="trial mode sends only to the addresses in VASTINE_MAIL_ALLOW")

    def _connect(self) -> smtplib.SMTP:
        server, name = self._server, parseaddr(self._sender)[1].rpartition("@")[2]
        context = ssl.create_default_context() if server.tls in ("ssl", "starttls") else None  # reads every root
        smtp: smtplib.SMTP | None = None
        try:
            if server.tls == "ssl":
                smtp = smtplib.SMTP_SSL(
                    server.host, server.port, local_hostname=name, timeout=_ANSWER_SECONDS, context=context
                )
            else:
                smtp = smtplib.SMTP(server.host, server.port, local_hostname=name, timeout=_ANSWER_SECONDS)
            if server.tls == "starttls":
                smtp.starttls(context=context)
            if server.user:
                smtp.login(server.user, server.password)
            smtp.ehlo_or_helo_if_needed()
        except (OSError, smtplib.SMTPException, ValueError) as error:
            if smtp is not None:
                smtp.close()
            raise _not_connected(error) from None
        return smtp

    @staticmethod
    def _envelope(smtp: smtplib.SMTP, sender: str, to: str) -> None:
        try:
            _judge(smtp.mail(sender)[0], "mail_sender_refused")
            _judge(smtp.rcpt(to)[0], "mail_refused")
            code = smtp.docmd("DATA")[0]
        except (OSError, smtplib.SMTPException) as error:
            raise _not_connected(error) from None
        if code != 354:
            _judge(code, "mail_refused")
            raise TryAgain("mail_deferred", detail="the server did not want the text", after_seconds=_RETRY_SECONDS)


class FolderMailer:
    """`Mailer` into a folder: one .eml file a mail, readable by its owner only; nothing leaves the machine."""

    def __init__(self, folder: Path, sender: str, *, clock: Clock) -> None:
        self._folder = folder
        self._sender = sender
        self._clock = clock
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def send(self, mail: OutgoingMail) -> None:
        """Keep one mail; the same message id takes the same file."""
        message = compose(mail, self._sender, self._clock)
        name = hashlib.sha256(mail.message_id.encode()).hexdigest()[:32]
        beside = self._folder / f".{name}.{secrets.token_hex(8)}"
        try:
            with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
                stream.write(message.as_bytes())
                stream.flush()
                os.fsync(stream.fileno())
            beside.replace(self._folder / f"{name}.eml")
        except OSError as error:
            raise TryAgain("outbox", detail=f"the outbox folder does not take it ({error.strerror})") from None
        finally:
            beside.unlink(missing_ok=True)


def kept_mails(folder: Path) -> Iterator[tuple[str, EmailMessage]]:
    """(file name, message) of what a `FolderMailer` kept, newest first."""
    for path in sorted(folder.glob("*.eml"), key=lambda path: path.stat().st_mtime_ns, reverse=True):
        yield path.name, message_from_bytes(path.read_bytes(), policy=policy.default)


def _hand_over(smtp: smtplib.SMTP, raw: bytes) -> None:
    """Send the text after DATA was granted. From here on a broken connection leaves the outcome unknown."""
    text = re.sub(rb"(?m)^\.", b"..", raw)
    try:
        if smtp.sock is not None:
            smtp.sock.settimeout(_TAKEN_SECONDS)
        smtp.send(text + (b"" if text.endswith(b"\r\n") else b"\r\n") + b".\r\n")
        code = smtp.getreply()[0]
    except (OSError, smtplib.SMTPException):
        code = 0
    if not 200 <= code < 600 or 300 <= code < 400:
        raise PersonMustLook("mail_unknown", detail="no clear answer came after the mail was handed over")
    _judge(code, "mail_refused")


def _judge(code: int, refused: str) -> None:
    # Answers of servers may quote the address: only the number is told.
    if 200 <= code < 300:
        return
    if code in _LOGIN_CODES:
        raise TryAgain("mail_login", detail=f"the server wants a log-in (answer {code})", after_seconds=_RETRY_SECONDS)
    if 500 <= code < 600:
        raise NeverAgain(refused, detail=f"the server refused it for good (answer {code})")
    raise TryAgain("mail_deferred", detail=f"the server wants it later (answer {code})", after_seconds=_RETRY_SECONDS)


def _not_connected(error: Exception) -> TryAgain:
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return TryAgain("mail_login", detail="the server refused the log-in", after_seconds=_RETRY_SECONDS)
    if isinstance(error, ssl.SSLError | smtplib.SMTPNotSupportedError | ValueError):
        return TryAgain("mail_tls", detail="no encrypted connection could be made", after_seconds=_RETRY_SECONDS)
    return TryAgain("mail_down", detail="the server does not answer as it should", after_seconds=_RETRY_SECONDS)


def _allowed(headers: Mapping[str, str]) -> dict[str, str]:
    kept = {}
    for name, value in headers.items():
        if name.lower() in _THREADING:
            if _MESSAGE_ID.fullmatch(value):
                kept[name.title()] = value
            continue
        if not _HEADER_NAME.fullmatch(name) or _OURS.fullmatch(name):
            raise NeverAgain("mail_header", detail="a header that a mail may not bring along")
        kept[name.title()] = _one_line(value, "header")
    return kept


def _one_line(text: str, what: str) -> str:
    if len(text) > _LONGEST_HEADER or any(unicodedata.category(char) in {"Cc", "Cs", "Zl", "Zp"} for char in text):
        raise NeverAgain("mail_header", detail=f"the {what} is too long, or has a line break or control character")
    return text


__all__ = ["FolderMailer", "SmtpMailer", "compose", "kept_mails", "recipient"]
