"""A drop in an S3 bucket. What is put back is put only if nobody else wrote meanwhile."""

import io
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from obstore import exceptions
from obstore.store import S3Store

from workflows.connectors.drops import Before, Dropped, Write, nothing
from workflows.errors import NeverAgain, SourceDown, TryAgain, VastineError

if TYPE_CHECKING:
    from obstore import GetOptions, ObjectMeta
    from typing_extensions import Buffer

IN_MEMORY = 8 << 20
STRIDE = 4 << 20
"""Bytes a request asks for."""


class S3Drop:
    """Objects below a prefix. An object's age is told by the bucket, so rewriting one makes it new."""

    def __init__(
        self,
        bucket: str,
        prefix: str,
        *,
        access_key: str = "",
        secret_key: str = "",
        endpoint: str = "",
        region: str = "",
        timeout_seconds: float = 60,
    ) -> None:
        config: dict[str, Any] = {"region": region or "eu-north-1", "conditional_put": "etag"}
        if access_key:
            config |= {"access_key_id": access_key, "secret_access_key": secret_key}
        if endpoint:
            config["endpoint"] = endpoint
        seconds = timedelta(seconds=timeout_seconds)
        client: Any = {
            "timeout": seconds,
            "connect_timeout": timedelta(seconds=min(10, timeout_seconds)),
            "allow_http": endpoint.startswith("http://"),
        }
        retry: Any = {"max_retries": 1, "retry_timeout": seconds}
        self._store = S3Store(bucket, prefix=prefix or None, client_options=client, retry_config=retry, **config)

    def files(self) -> list[Dropped]:
        """All objects below the prefix."""
        with _told():
            found = [self._at(meta) for page in self._store.list() for meta in page]
        return sorted(found, key=lambda f: f.name)

    @contextmanager
    def open(self, file: Dropped) -> Iterator[BinaryIO]:
        """Read one as it was when it was looked at; a bucket never changes an object that is being read."""
        with _told():
            with io.BufferedReader(_Raw(self._store, file), STRIDE) as buffered:
                yield buffered
            if self._at(self._store.head(file.name)) != file:
                raise TryAgain("still_written", detail="a file changed while it was read")

    def replace(self, file: Dropped, write: Write, *, before: Before = nothing) -> Dropped:
        """Put the new content if the object is still this version (If-Match)."""
        with _told(), tempfile.SpooledTemporaryFile(max_size=IN_MEMORY) as out:
            write(cast("BinaryIO", out))
            before()
            out.seek(0)
            try:
                self._store.put(file.name, cast("Any", out), mode={"e_tag": file.version}, use_multipart=False)
            except exceptions.PreconditionError:
                raise TryAgain("changed_meanwhile", detail="the file was written to while it was rewritten") from None
            return self._at(self._store.head(file.name))

    @staticmethod
    def _at(meta: "ObjectMeta") -> Dropped:
        return Dropped(meta["path"], meta["size"], meta["last_modified"], str(meta.get("e_tag")))


class _Raw(io.RawIOBase):
    """One version of an object, part by part: each part is a request of its own, so that none of them lasts long."""

    def __init__(self, store: S3Store, file: Dropped) -> None:
        super().__init__()
        self._store, self._file, self._done = store, file, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "Buffer") -> int:
        room = memoryview(buffer)
        end = min(self._done + len(room), self._file.size)
        if end == self._done:
            return 0
        options: GetOptions = {"range": (self._done, end), "if_match": self._file.version}
        try:
            data = self._store.get(self._file.name, options=options).bytes()
        except exceptions.PreconditionError:
            raise TryAgain("still_written", detail="a file changed while it was read") from None
        if len(data) != end - self._done:
            raise SourceDown("source_down", detail="the bucket sent another part than it was asked for")
        room[: len(data)] = memoryview(data)
        self._done = end
        return len(data)


@contextmanager
def _told() -> Iterator[None]:
    """Whatever the store says, as one of our errors and without its words."""
    try:
        yield
    except VastineError:
        raise
    except (exceptions.PermissionDeniedError, exceptions.UnauthenticatedError):
        raise NeverAgain("refused", detail="the bucket refused the key") from None
    except (exceptions.NotFoundError, FileNotFoundError):
        raise SourceDown("source_down", detail="the bucket or an object in it is not there") from None
    except (exceptions.BaseError, OSError):
        raise SourceDown("source_down", detail="the bucket does not answer as it should") from None
