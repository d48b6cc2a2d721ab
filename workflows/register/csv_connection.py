"""What a drop of delimited files needs under `connection`, and what can be wrong with it."""

import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import ClassVar, Literal
from urllib.parse import urlsplit

from pydantic import field_validator

from workflows.errors import Fault
from workflows.register.document import Document, Path
from workflows.register.hand_connection import ByHand
from workflows.register.model import Secret, SourceSpec, Strict
from workflows.register.shape import nearest

SCHEMES = ("", "file", "sftp", "s3")
_AGE = re.compile(r"(\d{1,4})([hd])")
_UNITS = {"h": "hours", "d": "days"}


class DropFiles(Strict):
    """The files of one collection: their names below the drop, and their columns where no header names them."""

    pattern: str
    columns: tuple[str, ...] = ()


class FolderConnection(Strict):
    """Where files are dropped, and which of them are meant."""

    url_may_be_path: ClassVar[bool] = True

    url: str
    pattern: str = ""
    files: Mapping[str, DropFiles] = {}
    take: Literal["newest", "all"] = "newest"
    expect_every: str | None = None
    writable: bool = False
    by_hand: ByHand | None = None

    @field_validator("expect_every")
    @classmethod
    def _age(cls, value: str | None) -> str | None:
        if value is not None and not _AGE.fullmatch(value):
            raise ValueError("write a number of hours or days, such as 26h or 1d")
        return value

    @property
    def oldest(self) -> timedelta | None:
        """How old the newest file may be."""
        if self.expect_every is None:
            return None
        number, unit = self.expect_every[:-1], self.expect_every[-1]
        return timedelta(**{_UNITS[unit]: int(number)})

    def pattern_of(self, collection: str) -> str:
        """Which files hold this collection; "" where none is named."""
        return self.files[collection].pattern if collection in self.files else self.pattern


class DropConnection(FolderConnection):
    """A drop in a folder or elsewhere, and what opens it."""

    password: Secret | None = None
    key: Secret | None = None
    known_hosts: str | Secret | None = None
    access_key: Secret | None = None
    secret_key: Secret | None = None
    endpoint: str | None = None
    region: str | None = None


class CsvConnection(DropConnection):
    """A drop of delimited files."""

    encoding: str = "utf-8"
    delimiter: str = ";"
    header: bool = True
    end_marker: str | None = None
    may_be_empty: bool = False


def drop_faults(source: SourceSpec, doc: Document) -> Iterator[Fault]:
    """Faults of any drop: its address, what opens it, and a pattern for every collection."""
    connection = source.connection
    url = urlsplit(str(connection.get("url") or ""))
    at = ("connection", "url")
    if url.scheme not in SCHEMES:
        remedy = "write a folder, sftp://user@host/path or s3://bucket/prefix"
        yield doc.fault(at, f"`{url.scheme}` is no way to a drop", remedy=remedy)
    if url.scheme == "sftp":
        if not url.username or not url.hostname:
            yield doc.fault(at, "user or host is missing", remedy="write sftp://user@host/path")
        if not connection.get("known_hosts"):
            what = "`known_hosts` is missing: nobody could tell whether the server is the right one"
            yield doc.fault(("connection",), what, remedy="copy the server's line of known_hosts, or give {file: PATH}")
        if not connection.get("password") and not connection.get("key"):
            yield doc.fault(("connection",), "`password` or `key` is missing", remedy="add `key: {file: PATH}`")
    if url.scheme == "s3" and not url.hostname:
        yield doc.fault(at, "the bucket is missing", remedy="write s3://bucket/prefix")
    if connection.get("by_hand") and connection.get("writable"):
        what = "`by_hand` and `writable`: either people erase here or programs do"
        yield doc.fault(("connection", "by_hand"), what, remedy="keep one of them")
    yield from _pattern_faults(source, doc)


def _pattern_faults(source: SourceSpec, doc: Document) -> Iterator[Fault]:
    names = [c.name for d in source.dataset for c in d.collections if not _skipped(c)]
    connection = source.connection
    pattern, files = str(connection.get("pattern") or ""), connection.get("files") or {}
    if pattern and files:
        yield doc.fault(("connection", "pattern"), "`pattern` and `files` say the same", remedy="keep `files`")
    elif not files and not pattern:
        yield doc.fault(("connection",), "`pattern` is missing", remedy='write pattern: "survey_*.csv"')
    elif not files and len(names) > 1:
        what = f"one pattern, but {len(names)} collections"
        yield doc.fault(("connection", "pattern"), what, remedy="write `files: {COLLECTION: {pattern: PATTERN}, ...}`")
    for name in files:
        if name not in names:
            at: Path = ("connection", "files", name)
            yield doc.fault(at, f"there is no collection `{name}`", remedy=nearest(name, names))
    for name in names if files else ():
        if name not in files:
            remedy = f'add `{name}: {{pattern: "NAME_*"}}`'
            yield doc.fault(("connection", "files"), f"`{name}` has no files", remedy=remedy)
    said: list[tuple[Path, str]] = [
        (("connection", "files", n, "pattern"), str(f["pattern"])) for n, f in files.items()
    ]
    for at, one in [*said, *([(("connection", "pattern"), pattern)] if pattern else [])]:
        if one.startswith("/") or ".." in one.split("/"):
            yield doc.fault(at, "a pattern leads out of the drop", remedy="write names below `url` only")


def _skipped(collection: object) -> bool:
    meta = getattr(collection, "fides_meta", None)
    return bool(meta and meta.skip_processing)


def csv_faults(source: SourceSpec, doc: Document) -> Iterator[Fault]:
    """Faults of a drop, and of how its files are written."""
    yield from drop_faults(source, doc)
    connection = source.connection
    delimiter = connection.get("delimiter", ";")
    if isinstance(delimiter, str) and (len(delimiter) != 1 or delimiter in '"\r\n'):
        yield doc.fault(("connection", "delimiter"), "`delimiter` must be one character", remedy='write "|" or ";"')
    encoding = connection.get("encoding", "utf-8")
    if isinstance(encoding, str) and not plain_encoding(encoding):
        remedy = "write utf-8, iso-8859-1 or windows-1252"
        yield doc.fault(("connection", "encoding"), "`encoding` is not one we read line by line", remedy=remedy)
    for name, spec in source.person.collections.items():
        if spec.series is not None:
            at = ("person", "collections", name, "series")
            yield doc.fault(at, f"`{name}` is a time series, and files are read as records", remedy="remove `series`")
    files = connection.get("files") or {}
    if connection.get("header") is False:
        for collection in (c for d in source.dataset for c in d.collections if not _skipped(c)):
            named = [str(c) for c in (files.get(collection.name) or {}).get("columns") or ()]
            if not named or len(set(named)) != len(named) or not {f.name for f in collection.fields} <= set(named):
                what = f"files without a header need the columns of `{collection.name}` in their order"
                remedy = "name all of them, each once, under `files: {COLLECTION: {pattern: ..., columns: [...]}}`"
                yield doc.fault(("connection",), what, remedy=remedy)


def plain_encoding(name: str) -> bool:
    """Whether lines can be told apart before they are decoded: a newline is one byte, and no part of a character."""
    try:
        return 'a\n;\r"'.encode(name) == b'a\n;\r"'
    except (LookupError, ValueError):
        return False
