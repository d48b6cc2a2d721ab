"""The virus scanner ClamAV, over the socket of its daemon: bytes go to it in pieces, and no file is written."""

import re
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager

from workflows.errors import TryAgain

_PIECE = 262_144
_SECONDS = 60.0
_LONGEST_ANSWER = 4_096
_NAME = re.compile(r"[^A-Za-z0-9._:/-]")


class Clamd:
    """`Scanner` over clamd's INSTREAM. `address`: the path of its socket, or (host, port)."""

    def __init__(self, address: str | tuple[str, int], *, seconds: float = _SECONDS) -> None:
        self._address, self._seconds = address, seconds

    def find(self, content: bytes) -> str:
        """The name of the malware in it, "" for none; see `Scanner`. What it says is too large counts as unknown."""
        answer = self._ask(b"zINSTREAM\0", content)
        if answer == b"stream: OK":
            return ""
        if answer.startswith(b"stream: ") and answer.endswith(b" FOUND"):
            return _NAME.sub("", answer[8:-6].decode("ascii", "replace"))[:80] or "unnamed"
        raise TryAgain("scanner", detail="the virus scanner could not look at it")

    def health(self) -> None:
        """Raise `TryAgain` where it does not answer."""
        if self._ask(b"zPING\0") != b"PONG":
            raise TryAgain("scanner", detail="the virus scanner answers strangely")

    def _ask(self, command: bytes, content: bytes | None = None) -> bytes:
        try:
            with self._connection() as connection:
                connection.sendall(command)
                if content is not None:
                    self._send(connection, content)
                return _answer(connection)
        except (OSError, ValueError) as error:
            raise TryAgain("scanner", detail=f"the virus scanner does not answer ({type(error).__name__})") from None

    def _send(self, connection: socket.socket, content: bytes) -> None:
        try:
            for start in range(0, len(content), _PIECE):
                piece = content[start : start + _PIECE]
                connection.sendall(struct.pack("!I", len(piece)) + piece)
            connection.sendall(struct.pack("!I", 0))
        except (BrokenPipeError, ConnectionResetError):
            return  # it has stopped listening, and says why

    @contextmanager
    def _connection(self) -> Iterator[socket.socket]:
        if not isinstance(self._address, str):
            with socket.create_connection(self._address, timeout=self._seconds) as connection:
                yield connection
            return
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(self._seconds)
            connection.connect(self._address)
            yield connection


def _answer(connection: socket.socket) -> bytes:
    """What it says up to the end of the connection or a zero byte. An answer that breaks off is none."""
    said = b""
    while b"\0" not in said and len(said) < _LONGEST_ANSWER:
        more = connection.recv(_LONGEST_ANSWER)
        if not more:
            break
        said += more
    if b"\0" not in said:
        raise ValueError("cut off")
    return said.partition(b"\0")[0].strip()
