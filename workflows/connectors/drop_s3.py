"""A drop in an S3 bucket. What is put back is put only if nobody else wrote meanwhile."""

import io
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, BinaryIO, cast

import obstore
from obstore import exceptions
from obstore.store import S3Store

from workflows.connectors.drops import Before, Dropped, Write, nothing
from workflows.errors import NeverAgain, SourceDown, TryAgain, VastineError

IN_MEMORY = 8 << 20


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
            stream: Any = obstore.open_reader(self._store, file.name, buffer_size=1 << 20)
            if stream.meta.get("e_tag") != file.version:
                raise TryAgain("still_written", detail="a file changed before it was read")
            with io.BufferedReader(cast("Any", _Raw(stream)), 1 << 18) as buffered:
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
    def _at(meta: Any) -> Dropped:
        return Dropped(meta["path"], meta["size"], meta["last_modified"], str(meta.get("e_tag")))


class _Raw(io.RawIOBase):
    """What obstore reads with, as Python's own streams want it."""

    def __init__(self, reader: Any) -> None:
        super().__init__()
        self._reader = reader

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._reader.read(len(buffer))
        buffer[: len(data)] = memoryview(data)
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
