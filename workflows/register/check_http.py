"""Faults of a `kind: http` source that its shape can't tell: addresses, keys, and calls that could find nothing."""

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from pydantic import ValidationError

from workflows.errors import Fault
from workflows.register.check_http_calls import call_faults
from workflows.register.document import Document, Path
from workflows.register.http_connection import Auth, HttpConnection
from workflows.register.model import SourceSpec

_OURS = frozenset({"host", "content-length", "content-type", "transfer-encoding", "accept-encoding", "connection"})
_SECRETIVE = frozenset({"key", "apikey", "api_key", "api-key", "token", "access_token", "secret", "password"})
_TOKEN = frozenset("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz")
_AT: Path = ("connection",)


def http_faults(source: SourceSpec, doc: Document) -> Iterator[Fault]:
    """Everything wrong with how the service is reached, and with each call."""
    try:
        connection = HttpConnection.model_validate(dict(source.connection))
    except ValidationError:
        return  # told by its shape
    private = {host.lower() for host in connection.allow_private}
    for n, host in enumerate(connection.allow_private):
        if not host or any(sign in host for sign in "/:@ *"):
            what = f"`{host}` is not the name of a host"
            yield doc.fault((*_AT, "allow_private", n), what, remedy="write the name alone, as in `base_url`")
    if isinstance(connection.base_url, str):
        yield from _address(doc, (*_AT, "base_url"), connection.base_url, private)
    yield from _headers(doc, connection)
    if connection.auth is not None:
        yield from _auth(doc, connection.auth, private)
    yield from _by_hand(doc, connection)
    for at, path in _paths(connection):
        yield from _path(doc, at, path)
    yield from call_faults(source, doc, connection)


def _by_hand(doc: Document, connection: HttpConnection) -> Iterator[Fault]:
    """Whoever erases by hand says so of single records, which must be found again to see that it is so."""
    if connection.by_hand is None:
        return
    for name, spec in connection.collections.items():
        at = (*_AT, "collections", name)
        if spec.delete is not None or spec.mask is not None:
            what = f"`by_hand`, and calls that erase records of `{name}`: either people do or programs"
            yield doc.fault(at, what, remedy="remove `by_hand`, or `delete` and `mask`")
        elif spec.one is None:
            what = f"nobody could see whether people erased a record of `{name}`"
            yield doc.fault(at, what, remedy="add `one: {path: …}`")


def _address(doc: Document, at: Path, url: str, private: set[str]) -> Iterator[Fault]:
    name = at[-1]
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").lower()
        odd = parts.query or parts.fragment or parts.username or parts.port == 0
    except ValueError:
        host, odd, parts = "", "", urlsplit("")
    if parts.scheme not in ("http", "https") or not host or odd or not url.isascii():
        yield doc.fault(at, f"`{name}` is no address of a service", remedy="write https://host or https://host/path")
    elif parts.scheme == "http" and host not in private:
        remedy = "write https://, or list the host under `allow_private` if it is on your own network"
        yield doc.fault(at, f"`{name}` is not encrypted", remedy=remedy)


def _headers(doc: Document, connection: HttpConnection) -> Iterator[Fault]:
    given: list[tuple[Path, str]] = [((*_AT, "headers", name), name) for name in connection.headers]
    if connection.auth is not None and connection.auth.api_key is not None:
        given.append(((*_AT, "auth", "api_key", "header"), connection.auth.api_key.header))
    for at, name in given:
        if not name or not set(name.lower()) <= _TOKEN or name.lower() in _OURS:
            yield doc.fault(at, f"`{name}` can't be set as a header", remedy="write a header's name, such as X-Api-Key")


def _auth(doc: Document, auth: Auth, private: set[str]) -> Iterator[Fault]:
    at = (*_AT, "auth")
    named = [name for name in Auth.model_fields if getattr(auth, name) is not None]
    if len(named) != 1:
        what = "`auth` names no way in" if not named else f"`auth` names several ways in: {', '.join(named)}"
        yield doc.fault(at, what, remedy=f"write exactly one of {', '.join(Auth.model_fields)}")
    if auth.oauth2 is not None:
        yield from _address(doc, (*at, "oauth2", "token_url"), auth.oauth2.token_url, private)


def _paths(connection: HttpConnection) -> Iterator[tuple[Path, str]]:
    yield (*_AT, "health"), connection.health
    for name, spec in connection.collections.items():
        at = (*_AT, "collections", name)
        for n, find in enumerate(spec.find):
            yield (*at, "find", n, "path"), find.path
        calls: Mapping[str, Any] = {"one": spec.one, "delete": spec.delete, "mask": spec.mask}
        for key, call in calls.items():
            if call is not None:
                yield (*at, key, "path"), call.path


def _path(doc: Document, at: Path, path: str) -> Iterator[Fault]:
    if not path.startswith("/") or path.startswith("//") or "#" in path or not path.isascii() or " " in path:
        yield doc.fault(
            at, "a path begins with one `/` and is below `base_url`", remedy="write it like /customers/{id}"
        )
        return
    for name, value in parse_qsl(path.partition("?")[2], keep_blank_values=True):
        if name.lower() in _SECRETIVE and "{" not in value:
            what = f"`{name}` puts a key into the URL, where logs keep it"
            yield doc.fault(at, what, remedy="send it in a header: `auth: {api_key: {header: …, key: {env: …}}}`")
