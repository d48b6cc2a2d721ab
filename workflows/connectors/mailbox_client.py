"""An IMAP account as a source uses it: searched in windows of UIDs, read by UID, changed by exactly these UIDs."""

import imaplib
import re
import ssl
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from types import TracebackType
from typing import Any, TypeVar

from imap_tools import BaseMailBox, MailBox, MailBoxStartTls, MailBoxUnencrypted
from imap_tools.errors import ImapToolsError, MailboxFolderSelectError, MailboxLoginError
from imap_tools.imap_utf7 import utf7_encode

from workflows.errors import NeverAgain, SourceDown, TryAgain
from workflows.setting_values import MailServer

WINDOW = 10_000
"""So many UIDs one search looks at: an answer is one line of the protocol, and lines have an end."""

_BROKEN = (OSError, imaplib.IMAP4.error, ImapToolsError)
_SIZE = re.compile(rb"RFC822\.SIZE (\d+)")
_COPIED = re.compile(rb"(\d+) (\d+) (\d+)")
_T = TypeVar("_T")


class Account:
    """One connection at a time; one that breaks is made anew once, and the work goes on where it was."""

    def __init__(self, server: MailServer, *, timeout_seconds: float) -> None:
        self._server, self._timeout = server, timeout_seconds
        self._mailbox: BaseMailBox | None = None
        self._selected: tuple[str, bool] | None = None
        self._validity: dict[str, int] = {}  # folder to what it was when this use of the account began

    def __enter__(self) -> "Account":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._drop()

    def validity(self, folder: str) -> int:
        """The folder's UIDVALIDITY. Raises `NeverAgain("folder_missing")`."""
        self._tried_twice(lambda _: None, folder)
        return self._validity[folder]

    def found(self, folder: str, *criteria: str, value: str = "") -> Iterator[int]:
        """UIDs of what fits, rising. `value` is sent as it is, whatever signs are in it."""
        for first in range(1, self._tried_twice(self._next_uid, folder), WINDOW):
            window = f"{first}:{first + WINDOW - 1}"
            yield from self._tried_twice(partial(_search, window=window, criteria=criteria, value=value), folder)

    def read(self, folder: str, uid: int, *, most_bytes: int) -> bytes | None:
        """The message's bytes; None if there is none. Raises `NeverAgain`: message_too_large, message_unreadable."""
        return self._tried_twice(partial(_read, uid=uid, most_bytes=most_bytes), folder)

    def head(self, folder: str, uid: int) -> bytes | None:
        """The message's header alone; None if there is none. Raises `NeverAgain("message_unreadable")`."""
        return self._tried_twice(partial(_head, uid=uid), folder)

    def can_erase(self) -> bool:
        """Whether the server can expunge one message and leave what others marked (RFC 4315 section 2.1)."""
        return "UIDPLUS" in self._open().client.capabilities

    def move(self, folder: str, uid: int, target: str) -> tuple[int, int] | None:
        """Move it; its new folder's UIDVALIDITY and UID, None where the server does not say."""
        client = self._select(folder, writable=True).client
        name = b'"' + utf7_encode(target).replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"'
        with _mapped("source_unsure"):
            client.response("COPYUID")
            _ok(client.uid("MOVE" if "MOVE" in client.capabilities else "COPY", str(uid), name.decode()))
            said = [line for line in client.response("COPYUID")[1] if isinstance(line, bytes)]
            if "MOVE" not in client.capabilities:
                self.remove(folder, uid)
        copied = _COPIED.fullmatch(said[-1]) if said else None
        return (int(copied[1]), int(copied[3])) if copied else None

    def remove(self, folder: str, uid: int) -> None:
        """Delete this one message for good and no other, whatever else is marked."""
        client = self._select(folder, writable=True).client
        with _mapped("source_unsure"):
            _ok(client.uid("STORE", str(uid), "+FLAGS.SILENT", r"(\Deleted)"))
            _ok(client.uid("EXPUNGE", str(uid)))

    @staticmethod
    def _next_uid(mailbox: BaseMailBox) -> int:
        """One more than any UID there is."""
        newest = _numbers(_ok(mailbox.client.uid("SEARCH", "UID", "*")))
        return max(newest, default=0) + 1

    def _tried_twice(self, work: Callable[[BaseMailBox], _T], folder: str) -> _T:
        if self._mailbox is not None:
            try:
                return work(self._select(folder))
            except _BROKEN:
                self._drop()
        with _mapped("no_answer"):
            return work(self._select(folder))

    def _select(self, folder: str, *, writable: bool = False) -> BaseMailBox:
        """The connection with this folder open. Raises `TryAgain("mailbox_changed")` where its numbers mean nothing."""
        mailbox = self._open()
        if self._selected != (folder, writable):
            self._selected = None
            try:
                mailbox.folder.set(folder, readonly=not writable)
            except MailboxFolderSelectError:
                detail = "a folder that the source file names is not there, or not for us"
                raise NeverAgain("folder_missing", detail=detail) from None
            said = mailbox.client.response("UIDVALIDITY")[1][-1]
            now = int(said) if isinstance(said, bytes) else 0
            if self._validity.setdefault(folder, now) != now:
                raise TryAgain("mailbox_changed", detail="a folder was made anew while it was read")
            self._selected = (folder, writable)
        return mailbox

    def _open(self) -> BaseMailBox:
        if self._mailbox is None:
            with _mapped("no_answer"):
                self._mailbox = self._connected()
        return self._mailbox

    def _connected(self) -> BaseMailBox:
        server, mailbox = self._server, _mailbox(self._server, self._timeout)
        try:
            mailbox.login(server.user, server.password, initial_folder=None)
            # What it can do it may tell only those who logged in.
            mailbox.client.capabilities = tuple(mailbox.client.capability()[1][-1].decode("ascii").upper().split())
        except BaseException:
            mailbox.client.shutdown()
            raise
        return mailbox

    def _drop(self) -> None:
        mailbox, self._mailbox, self._selected = self._mailbox, None, None
        if mailbox is not None:
            with suppress(*_BROKEN):
                mailbox.logout()
            with suppress(*_BROKEN):
                mailbox.client.shutdown()


class _mapped:  # noqa: N801  # a with-statement reads it as a word
    """Turns what IMAP raises into our words; nothing of what a server says is repeated."""

    def __init__(self, code: str) -> None:
        self._code = code

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, MailboxLoginError):
            raise NeverAgain("not_authorised", detail="the mail server refuses the log-in") from None
        if isinstance(error, ssl.SSLError):
            raise SourceDown("no_encryption", detail="no encrypted connection could be made") from None
        if isinstance(error, _BROKEN):
            detail = f"the mail server does not answer as it should ({type(error).__name__})"
            raise SourceDown(self._code, detail=detail) from None


def _mailbox(server: MailServer, timeout: float) -> BaseMailBox:
    if server.tls == "none":
        return MailBoxUnencrypted(server.host, server.port, timeout=timeout)
    context = ssl.create_default_context()
    kind = MailBoxStartTls if server.tls == "starttls" else MailBox
    return kind(server.host, server.port, timeout=timeout, ssl_context=context)


def _search(mailbox: BaseMailBox, *, window: str, criteria: tuple[str, ...], value: str) -> list[int]:
    if value:
        mailbox.client.literal = value.encode()  # type: ignore[assignment]
        answer = mailbox.client.uid("SEARCH", "CHARSET", "UTF-8", "UID", window, *criteria)
    else:
        answer = mailbox.client.uid("SEARCH", "UID", window, *criteria)
    return sorted(_numbers(_ok(answer)))


def _read(mailbox: BaseMailBox, *, uid: int, most_bytes: int) -> bytes | None:
    pieces = _ok(mailbox.client.uid("FETCH", str(uid), "(UID RFC822.SIZE)"))
    size = _SIZE.search(b" ".join(piece for piece in pieces if isinstance(piece, bytes)))
    if size is None:
        return None
    if int(size[1]) > most_bytes:
        raise NeverAgain("message_too_large", detail="a message is larger than the source file allows")
    return _part(mailbox, uid, "BODY[]")


def _head(mailbox: BaseMailBox, *, uid: int) -> bytes | None:
    there = _ok(mailbox.client.uid("FETCH", str(uid), "(UID)"))
    return _part(mailbox, uid, "BODY[HEADER]") if any(isinstance(piece, bytes) for piece in there) else None


def _part(mailbox: BaseMailBox, uid: int, name: str) -> bytes:
    status, answer = mailbox.client.uid("FETCH", str(uid), f"(UID {name.replace('BODY', 'BODY.PEEK')})")
    for piece in answer if status == "OK" else ():
        if isinstance(piece, tuple) and name.encode() in piece[0].upper():
            return bytes(piece[1])
    raise NeverAgain("message_unreadable", detail="the mail server can't give a message that it has")


def _ok(answer: tuple[str, list[Any]]) -> list[Any]:
    if answer[0] != "OK":
        raise imaplib.IMAP4.error("refused")
    return answer[1]


def _numbers(lines: list[Any]) -> list[int]:
    return [int(word) for line in lines if isinstance(line, bytes) for word in line.split()]
