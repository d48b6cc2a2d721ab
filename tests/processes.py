"""Child processes of the tests: started with a free port, known to be up, and never outliving the tests."""

import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

_PATIENCE_S = 30


def free_port() -> int:
    """A TCP port on the loopback address that nobody holds right now.

    Not one of those that outgoing connections get: one of them may be taken before a server listens on it.
    """
    for _ in range(100):
        port = 12_000 + secrets.randbelow(20_000)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise RuntimeError("no port is free")


def is_root() -> bool:
    """Whether the tests run as root, which PostgreSQL refuses to be."""
    return os.geteuid() == 0


@contextmanager
def open_folder() -> Iterator[Path]:
    """A temporary folder that other users can walk into: as root, servers run as someone else than the tests."""
    with tempfile.TemporaryDirectory(prefix="vastine-test-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder


def find_program(*names: str, remedy: str) -> str:
    """The path of the first of these programs; fails with the remedy, since a missing server is not a pass."""
    for name in names:
        for found in (shutil.which(name), shutil.which(name, path="/usr/sbin:/usr/local/sbin:/opt/homebrew/bin")):
            if found:
                return found
    raise RuntimeError(f"{' or '.join(names)} is not installed: {remedy}")


class ServerProcess:
    """One server of the tests, in its own session so that Ctrl-C reaches it through us and not before us."""

    def __init__(self, command: Sequence[str], *, log: Path, as_user: str = "", last_signal: str = "KILL") -> None:
        self._command = _bound_to_us(command, as_user=as_user, last_signal=last_signal)
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None
        self._last_signal = getattr(signal, f"SIG{last_signal}")

    def start(self, is_up: Callable[[], bool]) -> None:
        """Start and return once `is_up` says so; raises with the end of the server's log if it dies or dawdles."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, cwd="/"
            )
        give_up_at = time.monotonic() + _PATIENCE_S
        while not is_up():
            if self._process.poll() is not None or time.monotonic() > give_up_at:
                self.stop()
                tail = self._log.read_text(errors="replace")[-2000:]
                raise RuntimeError(f"{self._command[-1]} did not come up:\n{tail}")
            time.sleep(0.02)

    @property
    def pid(self) -> int:
        """The process id; an error if it was never started."""
        assert self._process is not None, "not started"
        return self._process.pid

    def signal(self, number: int) -> None:
        """Send a signal to the server alone, e.g. SIGSTOP to freeze it and SIGCONT to thaw it."""
        os.kill(self.pid, number)

    def kill(self) -> None:
        """kill -9, as a power cut would."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    def stop(self) -> None:
        """End it for good, gently for five seconds at most."""
        if self._process is None or self._process.poll() is not None:
            return
        self._process.send_signal(signal.SIGCONT)
        self._process.send_signal(self._last_signal)
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def _bound_to_us(command: Sequence[str], *, as_user: str, last_signal: str) -> list[str]:
    # The kernel ends the server when the test process dies, however it dies; elsewhere than on Linux only
    # the fixtures' own clean-up does.
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        if as_user:
            raise RuntimeError("as root the tests need setpriv (package util-linux) to start PostgreSQL")
        return list(command)
    user = [f"--reuid={as_user}", f"--regid={as_user}", "--init-groups"] if as_user else []
    return [setpriv, *user, f"--pdeathsig={last_signal}", "--", *command]


def answers_tcp(port: int) -> bool:
    """Whether something accepts connections on this loopback port."""
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0
