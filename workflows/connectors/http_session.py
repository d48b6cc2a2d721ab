"""Calls to one service as its source file describes them: let in, counted, bounded as a whole."""

import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Any, Protocol
from urllib.parse import parse_qsl, quote, urlencode, urljoin, urlsplit

import orjson

from workflows.connectors.http_auth import Entry
from workflows.connectors.http_client import Answer, Client, Service, is_same_origin
from workflows.connectors.http_json import parsed
from workflows.errors import NeverAgain
from workflows.rules.items import Json


@dataclass(frozen=True, slots=True)
class Ask:
    """One call to be made; `url` is a path under the service's base, or a whole URL of the same service."""

    url: str
    method: str = "GET"
    body: Json = None

    def with_param(self, name: str, value: Json) -> "Ask":
        """The same with one parameter set: in the body where there is one, in the query otherwise."""
        if isinstance(self.body, Mapping):
            return replace(self, body={**self.body, name: value})
        path, _, query = self.url.partition("?")
        pairs = [(n, v) for n, v in parse_qsl(query, keep_blank_values=True) if n != name]
        return replace(self, url=f"{path}?{urlencode([*pairs, (name, str(value))], quote_via=quote)}")


class Reads(Protocol):
    """What records are read by."""

    def read(self, ask: Ask, *, absent: bool = False) -> tuple[Answer, Json]:
        """The answer and the JSON in it; None where the service says that there is nothing, and may say so."""
        ...


class Session:
    """One use of a service, from the first call of a search or an erasure to its last."""

    def __init__(
        self,
        service: Service,
        entry: Entry,
        *,
        headers: Mapping[str, str],
        turn: Callable[[], None],
        calls: int,
        seconds: float,
    ) -> None:
        self._entry, self._headers = entry, headers
        self._ends, self._turn = time.monotonic() + seconds, turn
        self._base = service.base
        self._client = Client(service, turn=self._before, calls=calls)

    def __enter__(self) -> "Session":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.__exit__(kind, error, trace)

    def _before(self) -> None:
        if time.monotonic() > self._ends:
            raise NeverAgain("too_long", detail="the source takes longer than its file allows")
        self._turn()

    def url(self, path: str) -> str:
        """The whole URL. Raises `NeverAgain("other_service")` where it is not the same service's."""
        base = self._base.geturl().rstrip("/")
        whole = base + path if path.startswith("/") and not path.startswith("//") else urljoin(base + "/", path)
        if not is_same_origin(urlsplit(whole), self._base):
            raise NeverAgain("other_service", detail="the answer leads to another service, which is not asked")
        return whole

    def ask(
        self, ask: Ask, *, headers: Mapping[str, str] | None = None, absent: bool = False, most_bytes: int | None = None
    ) -> Answer:
        """The answer; a token that was refused is renewed once. Raises as `Client.call` does."""
        url = self.url(ask.url)
        content = orjson.dumps(ask.body) if ask.body is not None else b""
        given: dict[str, Any] = dict(self._headers)
        given |= {"Content-Type": "application/json"} if content else {}
        given |= headers or {}
        entry = self._entry.headers(self._client)
        try:
            return self._client.call(
                ask.method, url, headers={**given, **entry}, content=content, absent=absent, most_bytes=most_bytes
            )
        except NeverAgain as error:
            if error.code != "not_authorised" or not self._entry.renewable:
                raise
        entry = self._entry.headers(self._client, anew=entry["Authorization"].removeprefix("Bearer "))
        return self._client.call(
            ask.method, url, headers={**given, **entry}, content=content, absent=absent, most_bytes=most_bytes
        )

    def read(self, ask: Ask, *, absent: bool = False) -> tuple[Answer, Json]:
        """The answer and the JSON in it; None where the service says that there is nothing, and may say so."""
        answer = self.ask(ask, absent=absent)
        if answer.status in (404, 410):
            return answer, None
        return answer, parsed(answer.body, answer.content_type)


class CallByCall:
    """A use of a service that takes as long as its reader does, and holds none of its places between two calls."""

    def __init__(self, opened: Callable[[], AbstractContextManager[Session]], *, calls: int) -> None:
        self._opened, self._left = opened, calls

    def read(self, ask: Ask, *, absent: bool = False) -> tuple[Answer, Json]:
        """As a session's. Raises `NeverAgain("too_many_calls")` beyond what the source file allows."""
        if self._left <= 0:
            raise NeverAgain("too_many_calls", detail="the source needs more calls than its file allows")
        self._left -= 1
        with self._opened() as session:
            return session.read(ask, absent=absent)
