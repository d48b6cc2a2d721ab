"""Writing down and reading back what a source answered."""

import gzip
import hashlib
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any, BinaryIO

import structlog
from sqlalchemy.orm import Session

from models.collection import Finding
from models.request import Request
from models.session import after_commit
from models.vocabulary import SourceResult
from workflows.attaching import with_files
from workflows.casefile import findings_of
from workflows.errors import VastineError
from workflows.ports import RequestKey
from workflows.rules.items import Item
from workflows.runtime import Runtime

log = structlog.get_logger("vastine.findings")


class Hashing:
    """Passes bytes on, and knows how many they were and their digest."""

    def __init__(self, out: BinaryIO) -> None:
        self.out, self.hash, self.size = out, hashlib.sha256(), 0

    def write(self, data: Any) -> int:
        """Pass on."""
        self.hash.update(data)
        self.size += len(data)
        return self.out.write(data)

    def flush(self) -> None:
        """Pass on."""
        self.out.flush()


def finding_of(session: Session, request: Request, source: str) -> Finding:
    """The source's answer, made if there is none."""
    known = findings_of(session, request)
    if source in known:
        return known[source]
    finding = known[source] = Finding(
        request_id=request.id,
        source=source,
        result=SourceResult.NOT_SEARCHED,
        counts={},
        ownerships={},
        items=0,
        undecided=0,
        blob_bytes=0,
        round=0,
    )
    session.add(finding)
    return finding


def read_items(rt: Runtime, key: RequestKey, blob: str | None) -> Iterator[Item]:
    """The items of one finding, streamed; none where there is no blob."""
    if blob is None:
        return
    with rt.blobs.read(blob, key) as sealed, gzip.GzipFile(fileobj=sealed, mode="rb") as lines:
        for line in lines:
            yield Item.from_json(line)


def forget_items(session: Session, rt: Runtime, request: Request) -> None:
    """Delete the copies of a person's records that a request no longer needs; counts and results stay.

    A copy of what was erased must not outlive the erasure, nor one of what was packed the package. The files go
    after the commit: a roll-back must not leave a finding without its file.
    """
    for finding in findings_of(session, request).values():
        replace_items(session, rt, finding, None)


def replace_items(session: Session, rt: Runtime, finding: Finding, blob: str | None) -> None:
    """Let this blob stand for what the source answered; the one before it goes after the commit."""
    if finding.blob not in (None, blob):
        after_commit(session, partial(_delete, rt, [finding.blob]))
    finding.blob = blob


def _delete(rt: Runtime, names: list[str]) -> None:
    for name in names:
        try:
            for blob in with_files(rt, name):
                rt.blobs.delete(blob)
        except VastineError as error:
            log.warning("blob.not_deleted", code=error.code)  # no row names it any more: the nightly sweep will


class AllItems:
    """All items of a request, as often as they are asked for."""

    def __init__(self, rt: Runtime, key: RequestKey, blobs: Mapping[str, str | None]) -> None:
        self._rt, self._key, self._blobs = rt, key, blobs

    def __iter__(self) -> Iterator[Item]:
        for blob in self._blobs.values():
            yield from read_items(self._rt, self._key, blob)
