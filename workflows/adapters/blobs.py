"""Sealed bytes in files: a stream of AES-GCM frames, each bound to its blob, its place and whether it is the last."""

import io
import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO, cast

from workflows.errors import BadInput, Fault, NeverAgain, NotFound, TryAgain
from workflows.ports import RequestKey

_MAGIC = b"VBLOB1\n"
_STREAM_BYTES = 16
_HEAD_BYTES = len(_MAGIC) + _STREAM_BYTES
_FRAME_BYTES = 1_048_576
_OVERHEAD_BYTES = 29  # format byte, nonce and tag of one sealed frame
_SEALED_BYTES = _FRAME_BYTES + _OVERHEAD_BYTES
_PART = r"[A-Za-z0-9][A-Za-z0-9_.-]{0,127}"
_NAME = re.compile(rf"{_PART}(?:/{_PART}){{0,7}}")
_UNFINISHED = "tmp"


class FileBlobStore:
    """`BlobStore` in a folder: written aside, synced, then renamed; memory stays at a few frames of 1 MiB.

    A frame's context names the blob, a number drawn for this writing, the frame's place and whether it is the
    last, so that cutting, reordering, repeating or swapping frames is found out when they are read.
    """

    __slots__ = ("_folder",)

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        for needed in (folder, folder / _UNFINISHED):
            needed.mkdir(mode=0o700, parents=True, exist_ok=True)

    @contextmanager
    def write(self, name: str, key: RequestKey) -> Iterator[BinaryIO]:
        """A writer; the blob takes its name, replacing an older one, only when the block ends well.

        Raises `TryAgain("blobs")` if the disk does not take it.
        """
        path = self._path(name)
        beside = self._folder / _UNFINISHED / secrets.token_hex(16)
        try:
            try:
                file = os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb", buffering=0)
            except OSError as error:
                raise _disk(error) from None
            with file:
                writer = _Writer(file, name, key)
                yield cast(BinaryIO, writer)
                writer.finish()
            try:
                path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                beside.replace(path)
                self._sync_folders(path)
            except OSError as error:
                raise _disk(error) from None
        finally:
            beside.unlink(missing_ok=True)

    @contextmanager
    def read(self, name: str, key: RequestKey) -> Iterator[BinaryIO]:
        """A reader that streams and can seek; raises `NotFound`, or `NeverAgain("sealed")` at any tampering."""
        try:
            file = self._path(name).open("rb", buffering=0)
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
            raise NotFound("blob") from None
        with file, io.BufferedReader(_Reader(file, name, key), buffer_size=65_536) as reader:
            yield cast(BinaryIO, reader)

    def delete(self, name: str) -> None:
        """Gone is gone, durably: no error if it does not exist."""
        path = self._path(name)
        try:
            path.unlink()
        except (FileNotFoundError, NotADirectoryError):
            return
        except OSError as error:
            raise _disk(error) from None
        _sync(path.parent)

    def names(self, prefix: str = "", *, before: datetime | None = None) -> Iterator[str]:
        """Names that exist and begin so, in order of the folders; unfinished ones are not among them.

        `before`: only what was last written before this instant.
        """
        for folder, folders, files in os.walk(self._folder / prefix.rpartition("/")[0]):
            if Path(folder) == self._folder:
                folders.remove(_UNFINISHED)
            folders.sort()
            for file in sorted(files):
                name = (Path(folder) / file).relative_to(self._folder).as_posix()
                if name.startswith(prefix) and (before is None or _older(Path(folder) / file, before)):
                    yield name

    def clear_unfinished(self, before: datetime) -> int:
        """Remove what killed writers left behind before this instant; returns how many."""
        cleared = 0
        for left in (self._folder / _UNFINISHED).iterdir():
            if _older(left, before):
                left.unlink(missing_ok=True)
                cleared += 1
        return cleared

    def _path(self, name: str) -> Path:
        if not _NAME.fullmatch(name) or name.split("/", 1)[0] == _UNFINISHED:
            raise BadInput([Fault("blob", "a blob's name has letters, digits, _ . - and / only")], "bad_blob_name")
        return self._folder / name

    def _sync_folders(self, path: Path) -> None:
        folder = path.parent
        while folder != self._folder:
            _sync(folder)
            folder = folder.parent
        _sync(self._folder)


class _Writer(io.BufferedIOBase):
    """Seals frames as they fill; the last one is known only at `finish`."""

    def __init__(self, file: io.RawIOBase | BinaryIO, name: str, key: RequestKey) -> None:
        self._file, self._name, self._key = file, name, key
        self._stream = os.urandom(_STREAM_BYTES)
        self._waiting = bytearray()
        self._frame = self._length = 0
        self._put(_MAGIC + self._stream)

    def write(self, data: Any, /) -> int:
        """Take these bytes."""
        if self.closed:
            raise ValueError("write to a finished blob")
        view = memoryview(data).cast("B")
        for start in range(0, len(view), _FRAME_BYTES):
            self._waiting += view[start : start + _FRAME_BYTES]
            # One byte more than a frame proves that the frame is not the last.
            while len(self._waiting) > _FRAME_BYTES:
                self._seal(bytes(self._waiting[:_FRAME_BYTES]), last=False)
                del self._waiting[:_FRAME_BYTES]
        self._length += len(view)
        return len(view)

    def finish(self) -> None:
        """Seal the last frame and make all of it durable."""
        self._seal(bytes(self._waiting), last=True)
        try:
            os.fsync(self._file.fileno())
        except OSError as error:
            raise _disk(error) from None
        self._waiting.clear()
        super().close()

    def close(self) -> None:
        """Closing from inside the block changes nothing: the block's end decides."""

    def writable(self) -> bool:
        """Yes."""
        return True

    def tell(self) -> int:
        """Bytes taken so far."""
        return self._length

    def _seal(self, plain: bytes, *, last: bool) -> None:
        self._put(self._key.seal(plain, _context(self._name, self._stream, frame=self._frame, last=last)))
        self._frame += 1

    def _put(self, sealed: bytes) -> None:
        view = memoryview(sealed)
        while view:
            try:
                written = self._file.write(view)
            except OSError as error:
                raise _disk(error) from None
            view = view[written or 0 :]


class _Reader(io.RawIOBase):
    """Opens one frame at a time; its place tells whether it must be the last."""

    def __init__(self, file: io.RawIOBase | BinaryIO, name: str, key: RequestKey) -> None:
        self._file, self._name, self._key = file, name, key
        size = os.fstat(file.fileno()).st_size
        head = file.read(_HEAD_BYTES) or b""
        frames, rest = divmod(size - _HEAD_BYTES, _SEALED_BYTES)
        if size < _HEAD_BYTES + _OVERHEAD_BYTES or not head.startswith(_MAGIC) or 0 < rest < _OVERHEAD_BYTES:
            raise NeverAgain("sealed", detail="not a whole sealed blob")
        self._stream = head[len(_MAGIC) :]
        self._last = frames if rest else frames - 1
        self._size = size - _HEAD_BYTES - (self._last + 1) * _OVERHEAD_BYTES
        self._opened, self._plain, self._at = -1, b"", 0
        # The end is proven before the first byte is given out: a blob cut at a frame's border is no blob.
        self._open_frame(self._last)

    def readinto(self, buffer: Any, /) -> int:
        """Fill the buffer, up to the end of a frame."""
        if self._at >= self._size:
            return 0
        frame, start = divmod(self._at, _FRAME_BYTES)
        self._open_frame(frame)
        part = self._plain[start : start + len(buffer)]
        buffer[: len(part)] = part
        self._at += len(part)
        return len(part)

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Go to a place in the plain bytes."""
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        if start + offset < 0:
            raise ValueError("a place before the beginning")
        self._at = start + offset
        return self._at

    def tell(self) -> int:
        """Where we are in the plain bytes."""
        return self._at

    def seekable(self) -> bool:
        """Yes."""
        return True

    def readable(self) -> bool:
        """Yes."""
        return True

    def _open_frame(self, frame: int) -> None:
        if frame == self._opened:
            return
        self._file.seek(_HEAD_BYTES + frame * _SEALED_BYTES)
        sealed = _whole(self._file, _SEALED_BYTES)
        last = frame == self._last
        self._plain = self._key.open(sealed, _context(self._name, self._stream, frame=frame, last=last))
        self._opened = frame


def _whole(file: io.RawIOBase | BinaryIO, size: int) -> bytes:
    parts, left = [], size
    while left and (part := file.read(left)):
        parts.append(part)
        left -= len(part)
    return b"".join(parts)


def _context(name: str, stream: bytes, *, frame: int, last: bool) -> str:
    return f"blob:{name}:{stream.hex()}:{frame}:{'last' if last else 'more'}"


def _older(path: Path, before: datetime) -> bool:
    try:
        return path.stat().st_mtime < before.timestamp()
    except FileNotFoundError:  # its writer ended, or somebody deleted it, in this moment
        return False


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _disk(error: OSError) -> TryAgain:
    return TryAgain("blobs", detail=f"the blob store does not take it ({error.strerror})", after_seconds=60)


__all__ = ["FileBlobStore"]
