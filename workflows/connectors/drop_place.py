"""From a source's `connection` to its drop."""

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import unquote, urlsplit

from workflows.connectors.drops import Drop, FolderDrop
from workflows.register.csv_connection import DropConnection
from workflows.register.model import Register, Secret, SourceSpec
from workflows.register.secret import resolve


def drop_of(connection: DropConnection, *, spec: SourceSpec, register: Register, environ: Mapping[str, str]) -> Drop:
    """The folder (a relative one is beside the register's files), the server or the bucket. Raises `BadInput`."""

    def secret(value: str | Secret | None) -> str:
        return resolve(value, environ) if value is not None else ""

    url = urlsplit(connection.url)
    if url.scheme == "sftp":
        from workflows.connectors.drop_sftp import SftpDrop  # noqa: PLC0415  # loads only where it is used

        return SftpDrop(
            url.hostname or "",
            url.port or 22,
            unquote(url.username or ""),
            folder=unquote(url.path).removeprefix("/~/"),
            known_hosts=secret(connection.known_hosts),
            password=secret(connection.password),
            key=secret(connection.key),
            timeout_seconds=spec.timeout_seconds,
        )
    if url.scheme == "s3":
        from workflows.connectors.drop_s3 import S3Drop  # noqa: PLC0415  # loads only where it is used

        return S3Drop(
            url.hostname or "",
            unquote(url.path).strip("/"),
            access_key=secret(connection.access_key),
            secret_key=secret(connection.secret_key),
            endpoint=connection.endpoint or "",
            region=connection.region or "",
            timeout_seconds=spec.timeout_seconds,
        )
    path = unquote(url.path) if url.scheme == "file" else connection.url
    return FolderDrop(Path(register.folder) / path)
