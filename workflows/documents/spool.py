"""Bytes that wait in memory until their turn in the zip comes: small ones as they are, large ones compressed.

Personal data must not lie on a disk in the clear, and a zip takes one file at a time while a source
mixes its collections. A year of quarter hours waits in about a twentieth of its size.
"""

import zlib
from collections.abc import Iterator

PLAIN_BYTES = 1 << 18
_BLOCK = 1 << 16


class Spool:
    """Write first, then read once or more with `chunks`."""

    def __init__(self) -> None:
        self._plain = bytearray()
        self._packed: list[bytes] = []
        self._packer: zlib._Compress | None = None
        self.size_bytes = 0

    def write(self, data: bytes) -> None:
        """Append."""
        self.size_bytes += len(data)
        self._plain += data
        if len(self._plain) >= (PLAIN_BYTES if self._packer is None else _BLOCK):
            if self._packer is None:
                self._packer = zlib.compressobj(1, zlib.DEFLATED, -15)
            self._packed.append(self._packer.compress(bytes(self._plain)))
            self._plain.clear()

    def chunks(self) -> Iterator[bytes]:
        """Everything that was written, in order."""
        if self._packer is not None:
            opener = zlib.decompressobj(-15)
            for block in [*self._packed, self._packer.copy().flush()]:
                yield from _opened(opener, block)
        if self._plain:
            yield bytes(self._plain)


def _opened(opener: "zlib._Decompress", block: bytes) -> Iterator[bytes]:
    while block:
        if plain := opener.decompress(block, _BLOCK):
            yield plain
        block = opener.unconsumed_tail
