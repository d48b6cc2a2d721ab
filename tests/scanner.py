"""ClamAV's daemon for the tests: the real one with a database of one signature where it is installed, and a twin of
its protocol that is always there.
"""

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.processes import ServerProcess, answers_tcp, free_port

EICAR = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$" + b"EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
"""What every scanner takes for malware by agreement, and no machine is harmed by."""

CLAMD = Path("/usr/sbin/clamd")
LARGEST = 1_000_000


@contextmanager
def real_clamd(folder: Path) -> Iterator[tuple[str, int]]:
    """A clamd that knows one signature."""
    (folder / "db").mkdir()
    (folder / "db" / "one.ndb").write_text(f"Eicar-Test:0:*:{EICAR.hex()}\n")
    port = free_port()
    told = f"DatabaseDirectory {folder}/db\nTCPSocket {port}\nTCPAddr 127.0.0.1\nForeground yes\n"
    (folder / "conf").write_text(f"{told}StreamMaxLength {LARGEST}\nPidFile {folder}/pid\n")
    server = ServerProcess([str(CLAMD), "-c", str(folder / "conf")], log=folder / "log")
    server.start(lambda: answers_tcp(port))
    try:
        yield ("127.0.0.1", port)
    finally:
        server.stop()


class ClamdTwin:
    """Speaks as clamd does; `says` replaces its answers, "" hangs up without one."""

    def __init__(self) -> None:
        self.says: bytes | None = None
        self.looked = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address: tuple[str, int] = self._listener.getsockname()[:2]
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        """Nobody listens from now on."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection, suppress(OSError, struct.error):
                connection.settimeout(10)
                answer = self._answer(connection.makefile("rb"))
                connection.sendall(answer if self.says is None else self.says)

    def _answer(self, stream: object) -> bytes:
        read = stream.read  # type: ignore[attr-defined]
        command = b""
        while not command.endswith(b"\0"):
            command += read(1)
        if command == b"zPING\0":
            return b"PONG\0"
        assert command == b"zINSTREAM\0", command
        content = b""
        while size := struct.unpack("!I", read(4))[0]:
            content += read(size)
        self.looked += 1
        if len(content) > LARGEST:
            return b"INSTREAM size limit exceeded. ERROR\0"
        return b"stream: Eicar-Test.UNOFFICIAL FOUND\0" if EICAR in content else b"stream: OK\0"


@contextmanager
def clamd_twin() -> Iterator[ClamdTwin]:
    """A twin that listens."""
    twin = ClamdTwin()
    try:
        yield twin
    finally:
        twin.close()
