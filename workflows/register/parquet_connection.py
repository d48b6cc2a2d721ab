"""What a folder of Parquet files needs under `connection`, and what can be wrong with it."""

from collections.abc import Iterator
from typing import Literal
from urllib.parse import urlsplit

from workflows.errors import Fault
from workflows.register.csv_connection import FolderConnection, drop_faults
from workflows.register.document import Document
from workflows.register.model import SourceSpec


class ParquetConnection(FolderConnection):
    """A folder of Parquet files; all that fit are read, as archives are cut by month."""

    take: Literal["newest", "all"] = "all"


def parquet_faults(source: SourceSpec, doc: Document) -> Iterator[Fault]:
    """Faults of the folder, of columns that are no columns, and of series that would be masked."""
    yield from drop_faults(source, doc)
    connection = source.connection
    if urlsplit(str(connection.get("url") or "")).scheme in ("sftp", "s3"):
        what = "Parquet files are read here and there, which only a folder lets us"
        yield doc.fault(("connection", "url"), what, remedy="mount it, and write the folder")
    for name, files in (connection.get("files") or {}).items():
        if files.get("columns"):
            at = ("connection", "files", name, "columns")
            yield doc.fault(at, "a Parquet file names its columns itself", remedy="remove `columns`")
    for n, dataset in enumerate(source.dataset):
        for m, collection in enumerate(dataset.collections):
            for k, one in enumerate(collection.fields):
                if one.fields:
                    where = ("dataset", n, "collections", m, "fields", k)
                    what = f"`{one.name}` holds other fields, and columns of Parquet are read as plain values"
                    yield doc.fault(where, what, remedy="leave it out: it counts for the digest, and is not shown")
    for name, spec in source.person.collections.items():
        if spec.series is not None and spec.erase == "mask":
            at = ("person", "collections", name, "erase")
            yield doc.fault(at, f"`{name}` is a time series, whose days are deleted", remedy="write `erase: delete`")
