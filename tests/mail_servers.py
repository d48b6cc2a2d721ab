"""A real IMAP server (Dovecot) and an SMTP sink for the tests, on free loopback ports.

VASTINE_TEST_IMAP_URL (imap://user:password@host:port) replaces Dovecot; its account is emptied before each test.
"""

import os
import pwd
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from imap_tools import BaseMailBox, MailBoxUnencrypted

from tests.processes import ServerProcess, answers_tcp, find_program, free_port, is_root
from workers.demo.postbox import PASSWORD, configuration, version_of


@dataclass(frozen=True, slots=True)
class ImapAccount:
    """One empty account on a real IMAP server that speaks without TLS."""

    host: str
    port: int
    user: str
    password: str

    @property
    def url(self) -> str:
        """The account as a URL, inbox included."""
        return f"imap://{self.user}:{self.password}@{self.host}:{self.port}/INBOX"

    @contextmanager
    def open(self, folder: str = "INBOX") -> Iterator[BaseMailBox]:
        """A logged-in imap-tools mailbox, with this folder selected."""
        with MailBoxUnencrypted(self.host, self.port, timeout=10).login(self.user, self.password, folder) as mailbox:
            yield mailbox

    def append(self, raw: bytes, folder: str = "INBOX") -> None:
        """Put a message into the folder as if it had been delivered."""
        with self.open() as mailbox:
            mailbox.append(raw, folder)

    def messages(self, folder: str = "INBOX") -> list[bytes]:
        """The raw messages in the folder, oldest first; none are marked as seen."""
        with self.open(folder) as mailbox:
            return [message.obj.as_bytes() for message in mailbox.fetch(mark_seen=False)]

    def folders(self) -> list[str]:
        """The names of all folders."""
        with self.open() as mailbox:
            return sorted(folder.name for folder in mailbox.folder.list())

    def empty(self) -> None:
        """Delete every message of every folder."""
        for folder in self.folders():
            with self.open(folder) as mailbox:
                mailbox.delete(mailbox.uids())


class ImapServer:
    """Dovecot in a folder, or the server that VASTINE_TEST_IMAP_URL names; started with root's rights or without."""

    def __init__(self, folder: Path, *, may_be_foreign: bool = False) -> None:
        self._process: ServerProcess | None = None
        self._foreign = urlsplit(os.environ.get("VASTINE_TEST_IMAP_URL", "")) if may_be_foreign else urlsplit("")
        if self._foreign.hostname:
            return
        program = find_program("dovecot", remedy="run `make test` once, which installs it")
        self.port = free_port()
        written = folder / "dovecot.conf"
        written.write_text(_furnished(folder, self.port, version=version_of(program)), encoding="utf-8")
        self._process = ServerProcess([program, "-F", "-c", str(written)], log=folder / "out", last_signal="TERM")
        self.start()

    def start(self) -> None:
        """Start, or start again after `stop` on the same port with the same messages."""
        assert self._process is not None, "this server is not ours to start"
        self._process.start(lambda: answers_tcp(self.port))

    def new_account(self) -> ImapAccount:
        """An empty account that nobody else uses."""
        foreign = self._foreign
        if not foreign.hostname:
            return ImapAccount("127.0.0.1", self.port, f"inbox-{secrets.token_hex(6)}", PASSWORD)
        user, password = unquote(foreign.username or ""), unquote(foreign.password or "")
        account = ImapAccount(foreign.hostname, foreign.port or 143, user, password)
        account.empty()
        return account

    def stop(self) -> None:
        """End it; the messages stay until the folder goes."""
        if self._process is not None:
            self._process.stop()


def _furnished(folder: Path, port: int, *, version: tuple[int, ...]) -> str:
    # As root Dovecot hands its parts to nobody; otherwise everything runs as whoever runs the tests.
    user = pwd.getpwnam("nobody") if is_root() else pwd.getpwuid(os.geteuid())
    for name in ("run", "state", "mail", "home"):
        (folder / name).mkdir()
    for name in ("mail", "home"):
        os.chown(folder / name, user.pw_uid, user.pw_gid)
    return configuration(folder, port, user=user, version=version)


@dataclass(frozen=True, slots=True)
class Received:
    """One message as the sink took it."""

    sender: str
    recipients: tuple[str, ...]
    content: bytes


@dataclass
class SmtpSink:
    """An SMTP server that keeps what it gets, or fails in the way a test asks for.

    `recipient_answer` and `data_answer` are whole SMTP answers ("451 4.7.1 come back later", "550 5.1.1 nobody
    here"); empty means accept. `drop_after_data` takes the message, keeps it, and hangs up without an answer.
    """

    host: str = "127.0.0.1"
    port: int = 0
    messages: list[Received] = field(default_factory=list)
    recipient_answer: str = ""
    data_answer: str = ""
    drop_after_data: bool = False
    connections: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def url(self) -> str:
        """The sink as a mail URL without TLS."""
        return f"smtp://{self.host}:{self.port}?tls=none"

    def clear(self) -> None:
        """Forget the messages and every failure asked for."""
        with self._lock:
            self.messages.clear()
        self.recipient_answer = self.data_answer = ""
        self.drop_after_data = False

    async def handle_EHLO(  # noqa: N802, RUF100
        self, _server: SMTP, session: Session, _envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        """Count the caller; aiosmtpd calls this."""
        self.connections += 1
        session.host_name = hostname
        return responses

    async def handle_RCPT(  # noqa: N802, RUF100
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: Any
    ) -> str:
        """Accept or refuse a recipient; aiosmtpd calls this."""
        if self.recipient_answer:
            return self.recipient_answer
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 fine"

    async def handle_DATA(self, server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802, RUF100
        """Keep or refuse a message; aiosmtpd calls this."""
        if self.data_answer:
            return self.data_answer
        content = envelope.original_content or b""
        with self._lock:
            self.messages.append(Received(envelope.mail_from or "", tuple(envelope.rcpt_tos), content))
        if self.drop_after_data:
            assert server.transport is not None
            server.transport.abort()
        return "250 2.0.0 taken"


@contextmanager
def running_sink() -> Iterator[SmtpSink]:
    """A sink that listens until the block ends."""
    for attempt in range(5):
        sink = SmtpSink(port=free_port())
        controller = Controller(sink, hostname=sink.host, port=sink.port, ready_timeout=10)
        try:
            controller.start()
            break
        except OSError:  # someone else took the port in between
            if attempt == 4:
                raise
    try:
        yield sink
    finally:
        controller.stop(no_assert=True)
