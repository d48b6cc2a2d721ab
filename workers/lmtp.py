"""A door for a mail server: LMTP, with one answer for each recipient, and "taken" only when the mail is safe here.

Meant for a mail server on the same machine or network: it listens where it is told to, and asks for no password.
Source: RFC 2033.
"""

import asyncio
from typing import Any

import structlog
from aiosmtpd.controller import Controller
from aiosmtpd.lmtp import LMTP
from aiosmtpd.smtp import Envelope, Session

from workflows.errors import BadInput, Fault
from workflows.mailroom import receive
from workflows.runtime import Runtime

log = structlog.get_logger("vastine.lmtp")

LARGEST_BYTES = 25_000_000
_MOST_RECIPIENTS = 100
_IDLE_SECONDS = 120.0
TAKEN, LATER = "250 2.0.0 taken", "451 4.3.0 it could not be kept, try again later"


class Door(Controller):
    """Listens until it is stopped. `size`: larger mails are refused before they are read whole."""

    def __init__(self, rt: Runtime, *, host: str, port: int, size: int = LARGEST_BYTES) -> None:
        super().__init__(Keeper(rt), hostname=host, port=port, ready_timeout=20)
        self._size = size

    def factory(self) -> LMTP:
        """One conversation."""
        return LMTP(
            self.handler, data_size_limit=self._size, timeout=_IDLE_SECONDS, hostname="vastine", enable_SMTPUTF8=True
        )

    def open(self) -> None:
        """Begin to listen. Raises `BadInput` where that place is taken."""
        try:
            self.start()
        except OSError as error:
            what = f"nobody can listen on {self.hostname}:{self.port} ({error.strerror or 'taken'})"
            raise BadInput([Fault("--port", what, "stop what listens there, or name another port")]) from None


class Keeper:
    """What to do with each mail; aiosmtpd calls it."""

    def __init__(self, rt: Runtime) -> None:
        self._rt = rt

    async def handle_RCPT(  # noqa: N802
        self, _server: Any, _session: Session, envelope: Envelope, address: str, _options: Any
    ) -> str:
        """Every recipient is welcome: the mail server knows which mailboxes are ours."""
        if len(envelope.rcpt_tos) >= _MOST_RECIPIENTS:
            return "452 4.5.3 too many recipients"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 fine"

    async def handle_DATA(self, _server: Any, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Keep it, then answer once for each recipient: it is one mail, however many mailboxes it was sent to."""
        raw = envelope.original_content or b""
        try:
            await asyncio.get_running_loop().run_in_executor(None, receive, self._rt, raw)
            answer = TAKEN
        except Exception as error:  # noqa: BLE001 - whatever went wrong here, the sender must keep the mail
            log.warning("lmtp.not_kept", error=type(error).__name__)
            answer = LATER
        return "\r\n".join([answer] * max(1, len(envelope.rcpt_tos)))
