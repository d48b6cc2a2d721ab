"""Drops: places that other systems put files into. A folder here; over SFTP and in S3 beside this module.

Whatever goes wrong with a place is told by code, never by the name of a file's content. Files are read from
beginning to end; one that changes while it is read was still being written.
"""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from pathlib import Path
from typing import BinaryIO, Protocol

from workflows.errors import SourceDown, TryAgain

PART = ".vastine-part"
"""Ends the name of what is being written beside a file; such files are never read as data."""
MARKS = ".vastine"
"""Begins the names of our own files in a drop."""

Write = Callable[[BinaryIO], None]
Before = Callable[[], None]


def nothing() -> None:
    """Nothing to do before a file is put in its place."""


@dataclass(frozen=True, slots=True)
class Dropped:
    """One file. `version` changes whenever the content does."""

    name: str
    size: int
    modified_at: datetime
    version: str


class Drop(Protocol):
    """A place with files."""

    def files(self) -> list[Dropped]:
        """All files below the place, in the order of their names. Raises `SourceDown` if the place is not there."""
        ...

    def open(self, file: Dropped) -> AbstractContextManager[BinaryIO]:
        """Read one; leaving the block raises `TryAgain("still_written")` if it changed meanwhile."""
        ...

    def replace(self, file: Dropped, write: Write, *, before: Before = nothing) -> Dropped:
        """Put what `write` writes in the file's place, all at once and durably; the file as it is then.

        `before` is called when all is written and nothing has changed yet; what it raises leaves the file alone, and
        so does `TryAgain("changed_meanwhile")`, raised if it is no longer this version.
        """
        ...


def chosen(
    drop: Drop, pattern: str, *, newest: bool, oldest: timedelta | None, now: datetime | None = None
) -> list[Dropped]:
    """The files of a collection. Raises `SourceDown` with codes no_file and stale: silence is no answer."""
    files = [f for f in drop.files() if matches(f.name, pattern)]
    if not files:
        raise SourceDown("no_file", detail="no file in the drop fits the pattern")
    latest = max(files, key=lambda f: (f.modified_at, f.name))
    if oldest is not None and (now or datetime.now(UTC)) - latest.modified_at > oldest:
        raise SourceDown("stale", detail="the newest file is older than files may be")
    return [latest] if newest else files


def matches(name: str, pattern: str) -> bool:
    """Whether a file's name fits; a star does not cross a slash, and our own files fit nothing."""
    names, patterns = name.split("/"), pattern.split("/")
    if any(n.startswith(MARKS) for n in names) or name.endswith(PART):
        return False
    return len(names) == len(patterns) and all(map(fnmatchcase, names, patterns))


class FolderDrop:
    """A folder on this machine, or one that is mounted here."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def files(self) -> list[Dropped]:
        """All files below the folder."""
        if not self.folder.is_dir():
            raise SourceDown("source_down", detail="the folder is not there")
        try:
            return [self._at(path) for path in sorted(self.folder.rglob("*")) if path.is_file()]
        except FileNotFoundError:
            raise TryAgain("still_written", detail="a file went away while the folder was looked at") from None
        except OSError:
            raise SourceDown("source_down", detail="the folder can't be read") from None

    @contextmanager
    def open(self, file: Dropped) -> Iterator[BinaryIO]:
        """Read one."""
        try:
            stream = (self.folder / file.name).open("rb")
        except OSError:
            raise SourceDown("source_down", detail="a file is not there or can't be read") from None
        with stream:
            self._unchanged(file, stream)
            yield stream
            self._unchanged(file, stream)

    def replace(self, file: Dropped, write: Write, *, before: Before = nothing) -> Dropped:
        """Write beside it, make that durable, and rename; the age and the rights of the file stay."""
        path = self.folder / file.name
        part = path.with_name(path.name + PART)
        try:
            with part.open("w+b") as out:
                write(out)
                out.flush()
                old = path.stat()
                os.fchmod(out.fileno(), old.st_mode & 0o7777)
                if os.geteuid() == 0:
                    os.fchown(out.fileno(), old.st_uid, old.st_gid)
                os.utime(out.fileno(), ns=(old.st_atime_ns, old.st_mtime_ns))
                os.fsync(out.fileno())
            before()
            if self._at(path) != file:
                raise TryAgain("changed_meanwhile", detail="the file was written to while it was rewritten")
            part.replace(path)
            sync(path.parent)
            return self._at(path)
        except OSError:
            raise SourceDown("source_down", detail="the folder can't be written to") from None
        finally:
            part.unlink(missing_ok=True)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """One rewriting at a time, on this machine and on whatever mounts the folder with locks."""
        try:
            lock = (self.folder / f"{MARKS}-lock").open("w")
        except OSError:
            raise SourceDown("source_down", detail="the folder can't be written to") from None
        with lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _at(self, path: Path) -> Dropped:
        stat = path.stat()
        version = f"{stat.st_ino}-{stat.st_size}-{stat.st_mtime_ns}"
        modified = datetime.fromtimestamp(stat.st_mtime, UTC)
        return Dropped(path.relative_to(self.folder).as_posix(), stat.st_size, modified, version)

    def _unchanged(self, file: Dropped, stream: BinaryIO) -> None:
        stat = os.fstat(stream.fileno())
        if file.version != f"{stat.st_ino}-{stat.st_size}-{stat.st_mtime_ns}":
            raise TryAgain("still_written", detail="a file changed while it was read")


def sync(what: Path | int) -> None:
    """Make a folder's names, or an open file, durable."""
    if isinstance(what, int):
        os.fsync(what)
        return
    handle = os.open(what, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
