"""Tagged PDFs from our own HTML, rendered in a child process with limits.

Importing WeasyPrint takes a second and its memory is not given back, so each process that prints keeps
one warm child, replaces it after a number of documents, and kills it when a document takes too long.
"""

import contextlib
import os
import select
import subprocess
import sys
import threading
import weakref
from pathlib import Path
from typing import IO

from workflows.documents import printing
from workflows.documents.printing import receive, send
from workflows.errors import NeverAgain, TryAgain

WALL_SECONDS = 120.0
DOCUMENTS_PER_CHILD = 300
LARGEST_INPUT_BYTES = 16 << 20
_PROGRAM = Path(printing.__file__)
_PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "FONTCONFIG_FILE", "FONTCONFIG_PATH", "XDG_CACHE_HOME", "TMPDIR")


class PdfRenderer:
    """Renders one document at a time; safe to share between threads and to carry over a fork."""

    def __init__(self, *, wall_seconds: float = WALL_SECONDS) -> None:
        self._wall_seconds = wall_seconds
        self._lock = threading.Lock()
        self._child: subprocess.Popen[bytes] | None = None
        self._owner = 0
        self._done = 0

    def render(self, html: str) -> bytes:
        """The document as PDF/UA-1.

        `NeverAgain("blocked_fetch")` if it would load anything, `NeverAgain("too_large")` beyond the limits,
        `TryAgain("render_child")` if the child died.
        """
        body = html.encode()
        if len(body) > LARGEST_INPUT_BYTES:
            raise NeverAgain("too_large", detail="The document is too large to be printed.")
        with self._lock:
            answer = self._ask(body)
        if answer[:1] == b"0":
            return answer[1:]
        raise NeverAgain(answer[1:].decode(), detail="The document could not be printed.")

    def close(self) -> None:
        """Stop the child; the next `render` starts another."""
        with self._lock:
            self._stop()

    def _ask(self, body: bytes) -> bytes:
        for _ in range(2):  # an idle child may have ended itself just now
            child = self._warm()
            if child.stdin is None or child.stdout is None:
                break
            try:
                send(child.stdin, body)
            except BrokenPipeError:
                self._stop()
                continue
            if not select.select([child.stdout], [], [], self._wall_seconds)[0]:
                self._stop()
                raise NeverAgain("too_slow", detail="The document took too long to print.")
            answer = receive(child.stdout)
            if answer is not None:
                self._done += 1
                return answer
            code = child.wait()
            self._stop()
            if code < 0:
                raise NeverAgain("too_large", detail="The document needed more time or memory than allowed.")
        raise TryAgain("render_child", detail="The printing process ended unexpectedly.")

    def _warm(self) -> subprocess.Popen[bytes]:
        if self._child is not None and self._owner != os.getpid():
            self._child = None  # the parent's child: its pipes must not be shared
        if self._child is not None and (self._done >= DOCUMENTS_PER_CHILD or self._child.poll() is not None):
            self._stop()
        if self._child is None:
            self._child = subprocess.Popen(  # noqa: S603 - our own file, nothing from outside
                [sys.executable, "-I", str(_PROGRAM)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={name: os.environ[name] for name in _PASSED_ON if name in os.environ},
            )
            self._owner, self._done = os.getpid(), 0
            weakref.finalize(self, _end, self._child, self._owner)
        return self._child

    def _stop(self) -> None:
        if self._child is not None and self._owner == os.getpid():
            _end(self._child, self._owner)
        self._child = None


def _end(child: subprocess.Popen[bytes], owner: int) -> None:
    """Kill and reap a child, by the process that started it only."""
    if owner != os.getpid():
        return
    child.kill()
    child.wait()
    for pipe in (child.stdin, child.stdout):
        _close(pipe)


def _close(pipe: IO[bytes] | None) -> None:
    if pipe is None:
        return
    with contextlib.suppress(BrokenPipeError):  # what was left in the buffer was for a child that is gone
        pipe.close()
