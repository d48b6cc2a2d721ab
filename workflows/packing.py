"""Compressing what comes in bit by bit, beside the work of whoever brings it."""

import zlib
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor

_LEVEL = 1  # what was read is read back soon, and seldom
_GZIP = 31
_BESIDE_BYTES = 1_048_576
"""More than this is compressed in a thread of its own: it takes as long as to read a source, and waits for nobody."""
_WAITING = 4


class Packing:
    """One gzip member after the other. What `add` and `end` give, put together, is the members."""

    def __init__(self) -> None:
        self._member = _member()
        self._bytes = 0
        self._beside: ThreadPoolExecutor | None = None
        self._waiting: deque[Future[bytes]] = deque()

    def add(self, data: bytes) -> bytes:
        """Take this; give what is compressed by now."""
        self._bytes += len(data)
        if self._beside is None:
            if self._bytes <= _BESIDE_BYTES:
                return self._member.compress(data)
            self._beside = ThreadPoolExecutor(1, thread_name_prefix="packing")
        self._waiting.append(self._beside.submit(self._member.compress, data))
        ready = []
        while self._waiting and (len(self._waiting) > _WAITING or self._waiting[0].done()):
            ready.append(self._waiting.popleft().result())
        return b"".join(ready)

    def end(self) -> bytes:
        """End the member; give the rest of it. What is added now begins the next one."""
        rest = [one.result() for one in self._waiting]
        self._waiting.clear()
        rest.append(self._member.flush())
        self._member = _member()
        return b"".join(rest)

    def close(self) -> None:
        """Nothing is added any more."""
        if self._beside is not None:
            self._beside.shutdown()


def _member() -> "zlib._Compress":
    return zlib.compressobj(_LEVEL, zlib.DEFLATED, _GZIP)
