"""A mailbox read over IMAP; a message leaves the inbox only when it was settled."""

import imaplib
import re
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar

import structlog
from imap_tools import BaseMailBox, MailBox, MailBoxStartTls, MailBoxUnencrypted
from imap_tools.errors import ImapToolsError, MailboxLoginError

from workflows.errors import TryAgain
from workflows.setting_values import MailServer

_LARGEST_BYTES = 50 * 1024 * 1024
_ANSWER_SECONDS = 30.0
_LOOK_SECONDS = 2.0
_HANDLE = re.compile(r"(\d+):(\d+)(:large)?")
_SIZE = re.compile(rb"RFC822\.SIZE (\d+)")
_BROKEN = (OSError, imaplib.IMAP4.error, ImapToolsError)

_log = structlog.get_logger("vastine.inbox")
_T = TypeVar("_T")


class ImapInbox:
    """`Inbox` over one folder of an IMAP account.

    A handle is the folder's UIDVALIDITY and the message's UID, so that a handle from before the folder was made
    anew never touches another message. Larger messages than `largest_bytes` are offered with no bytes at all:
    they stay on the server, and settling moves them into the folder for large ones, for a person to look at.
    The mail address may name the folders: `?archive=Archive&too_large=TooLarge`.
    """

    def __init__(self, server: MailServer, *, largest_bytes: int = _LARGEST_BYTES) -> None:
        self._server = server
        self._folder = server.folder or "INBOX"
        self._archive = server.options.get("archive", "Archive")
        self._too_large = server.options.get("too_large", "TooLarge")
        self._largest_bytes = largest_bytes
        self._mailbox: BaseMailBox | None = None
        self._validity = ""

    def fetch(self, limit: int) -> Iterator[tuple[str, bytes]]:
        """(handle, raw message) of at most `limit` messages, oldest first; marks nothing as seen.

        No bytes where the message is too large, or spoilt on the server. Raises `TryAgain`: "inbox" where it does
        not answer, "inbox_login" where it refused us.
        """
        # Marked for deletion means that someone deleted it, or that a move was cut off after the copy.
        uids = self._tried_twice(self._search)[:limit]
        for uid in uids:
            validity = self._validity
            raw = self._tried_twice(partial(self._read, uid=uid))
            if validity != self._validity:
                return  # the folder was made anew while we read: what we listed means nothing now
            if raw is not None:
                yield f"{validity}:{uid}" + ("" if raw else ":large"), raw

    def settle(self, handle: str) -> None:
        """Move it into the archive, or into the folder for large ones; one that is gone already is settled."""
        parts = _HANDLE.fullmatch(handle)
        if parts is None:
            raise ValueError("not a handle of this inbox")
        validity, uid, large = parts.groups()
        folder = self._too_large if large else self._archive

        def move(mailbox: BaseMailBox) -> None:
            if validity != self._validity:
                _log.warning("inbox_made_anew")  # it will be offered under its new number
                return
            if not mailbox.folder.exists(folder):
                mailbox.folder.create(folder)
                mailbox.folder.subscribe(folder, value=True)
            mailbox.move(uid, folder)

        self._tried_twice(move)

    def wait(self, seconds: float, *, stop: Callable[[], bool]) -> bool:
        """Wait until something happens in the folder, but no longer than that; False if the server can't tell.

        Looks at `stop` every other second; returns at once where nobody has fetched yet. Raises `TryAgain` where the
        line was cut: what came meanwhile must be fetched first.
        """
        if self._mailbox is None:
            return True
        try:
            return self._idle(self._mailbox, until=time.monotonic() + seconds, stop=stop)
        except _BROKEN as error:
            self.close()
            raise TryAgain("inbox", detail=f"the mailbox can't be read ({type(error).__name__})") from None

    @staticmethod
    def _idle(mailbox: BaseMailBox, *, until: float, stop: Callable[[], bool]) -> bool:
        if "IDLE" not in mailbox.client.capabilities:
            return False
        idle: Any = mailbox.idle
        heard = mailbox.client.untagged_responses
        # What came since the last look was told along with some other answer, and is not told again.
        if "EXISTS" in heard:
            return True
        idle.start()
        while "EXISTS" not in heard and not stop() and (left := until - time.monotonic()) > 0:
            began = time.monotonic()
            if idle.poll(min(_LOOK_SECONDS, left)):
                break
            if time.monotonic() - began < _LOOK_SECONDS / 10 < left:
                break  # something to read that says nothing: the end of the line, which `stop` will meet
        idle.stop()
        return True

    def close(self) -> None:
        """Log out; the next call logs in again."""
        mailbox, self._mailbox = self._mailbox, None
        if mailbox is not None:
            with suppress(*_BROKEN):
                mailbox.logout()
            with suppress(*_BROKEN):
                mailbox.client.shutdown()

    def _tried_twice(self, work: Callable[[BaseMailBox], _T]) -> _T:
        """On the open connection, which may have been cut while we were away; then on a new one."""
        if self._mailbox is not None:
            try:
                return work(self._mailbox)
            except _BROKEN:
                self.close()
        try:
            return work(self._connect())
        except MailboxLoginError:
            self.close()
            raise TryAgain("inbox_login", detail="the mail server refused the log-in") from None
        except ssl.SSLError:
            self.close()
            raise TryAgain("inbox_tls", detail="no encrypted connection could be made") from None
        except _BROKEN as error:
            self.close()
            raise TryAgain("inbox", detail=f"the mailbox can't be read ({type(error).__name__})") from None

    def _connect(self) -> BaseMailBox:
        server = self._server
        mailbox: BaseMailBox
        if server.tls == "none":
            mailbox = MailBoxUnencrypted(server.host, server.port, timeout=_ANSWER_SECONDS)
        elif server.tls == "starttls":
            context = ssl.create_default_context()
            mailbox = _StartTlsMailBox(server.host, server.port, timeout=_ANSWER_SECONDS, ssl_context=context)
        else:
            context = ssl.create_default_context()
            mailbox = MailBox(server.host, server.port, timeout=_ANSWER_SECONDS, ssl_context=context)
        self._mailbox = mailbox
        mailbox.login(server.user, server.password, initial_folder=None)
        # A server may say more of what it can do, MOVE above all, only to those who logged in.
        mailbox.client.capabilities = tuple(mailbox.client.capability()[1][-1].decode("ascii").upper().split())
        mailbox.folder.set(self._folder)
        self._validity = _text(mailbox.client.response("UIDVALIDITY")[1])
        return mailbox

    @staticmethod
    def _search(mailbox: BaseMailBox) -> list[str]:
        mailbox.client.noop()  # a selected folder shows new mail only after a command
        mailbox.client.untagged_responses.pop("EXISTS", None)  # what is told from here on, `wait` has to hear of
        return sorted(mailbox.uids("UNDELETED"), key=int)

    def _read(self, mailbox: BaseMailBox, *, uid: str) -> bytes | None:
        """The raw bytes, b"" if too many or not to be had, None if it went away meanwhile."""
        sizes = _SIZE.search(b" ".join(_pieces(mailbox.client.uid("FETCH", uid, "(RFC822.SIZE)"))))
        if sizes is None:
            return None
        if int(sizes[1]) > self._largest_bytes:
            return b""
        status, answer = mailbox.client.uid("FETCH", uid, "(BODY.PEEK[])")
        if status != "OK":
            return b""  # spoilt on the server: one such message must not keep back those after it
        for piece in answer:
            if isinstance(piece, tuple) and b"BODY[]" in piece[0].upper():
                return bytes(piece[1])
        return None


class _StartTlsMailBox(MailBoxStartTls):
    """Closes its socket where no encrypted connection comes about."""

    def _get_mailbox_client(self) -> imaplib.IMAP4:
        client = imaplib.IMAP4(self._host, self._port, timeout=self._timeout)
        try:
            client.starttls(self._ssl_context)
        except BaseException:
            client.shutdown()
            raise
        return client


def _pieces(result: tuple[str, list[Any]]) -> Iterator[bytes]:
    for piece in result[1] or []:
        if isinstance(piece, bytes):
            yield piece
        elif isinstance(piece, tuple):
            yield from piece


def _text(answer: list[Any]) -> str:
    value = answer[-1] if answer else None
    return value.decode("ascii") if isinstance(value, bytes) else "0"


__all__ = ["ImapInbox"]
