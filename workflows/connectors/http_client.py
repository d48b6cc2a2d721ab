"""One conversation with one service: every call bounded in time and size, to checked addresses, nothing believed.

What a service may answer and what it becomes:

| Answer | Becomes |
|---|---|
| 2xx | the answer; 404 and 410 too where the caller may be told that a record is not there |
| 401 | once a new token, then `NeverAgain("not_authorised")`; 403 `NeverAgain("forbidden")` |
| 429, or anything with `Retry-After` from 500 on | `TryAgain("rate_limited" or "busy")` when it says |
| 408, 425, 5xx, no answer in time, no connection, a reset, a broken certificate | `SourceDown` |
| a redirect, a private address, an answer too large, another encoding, any other status | `NeverAgain` |
"""

import logging
import ssl
import time
import zlib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from types import TracebackType
from urllib.parse import SplitResult, urljoin, urlsplit

import httpcore

from workflows.connectors.http_addresses import Allowance, Checked
from workflows.connectors.http_retry import seconds_asked
from workflows.errors import NeverAgain, SourceDown, TryAgain, VastineError

# At its most talkative the library logs whole requests, and with them whom they ask about.
logging.getLogger("httpcore").setLevel(logging.WARNING)

HEAD_BYTES = 110_000
"""Room for an answer's head beside its body; the library itself refuses heads from 100 kB on."""
_GZIP = 31
_PARTS = 64
Headers = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; header names in lower case, those of the same name joined."""

    status: int
    headers: Headers
    body: bytes
    url: str

    @property
    def content_type(self) -> str:
        """The media type with its parameters."""
        return self.headers.get("content-type", "")


@dataclass(frozen=True, slots=True)
class Service:
    """Where a service is and what it is allowed; `headers` go with every call and are no secret to it."""

    base: SplitResult
    private_hosts: Collection[str]
    tls: ssl.SSLContext
    seconds: float
    most_bytes: int
    redirects: int = 0


def is_same_origin(one: SplitResult, other: SplitResult) -> bool:
    """Whether two URLs are of the same scheme, host and port."""
    return _origin(one) == _origin(other)


def _origin(url: SplitResult) -> tuple[str, str, int]:
    try:
        port = url.port
    except ValueError:
        port = -1
    return url.scheme, (url.hostname or "").rstrip("."), port or (443 if url.scheme == "https" else 80)


class Client:
    """Calls one service, one call at a time. `turn` is waited for before each."""

    def __init__(self, service: Service, *, turn: Callable[[], None] = lambda: None, calls: int = 1_000_000) -> None:
        self.service = service
        self._turn, self._calls = turn, calls
        self._allowance = Allowance()
        self._pool = httpcore.ConnectionPool(
            ssl_context=service.tls,
            max_connections=1,
            network_backend=Checked(self._allowance, service.private_hosts),
        )

    def __enter__(self) -> "Client":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.close()

    def call(
        self,
        method: str,
        url: str,
        *,
        headers: Headers,
        content: bytes = b"",
        most_bytes: int | None = None,
        absent: bool = False,
    ) -> Answer:
        """One call, and the redirects that are allowed; `absent`: 404 and 410 are answers too.

        Raises what the table above says.
        """
        most = most_bytes if most_bytes is not None else self.service.most_bytes
        for _ in range(self.service.redirects + 1):
            answer = self._once(method, url, headers=headers, content=content, most=most)
            if answer.status not in (301, 302, 303, 307, 308):
                return judged(answer, absent=absent)
            url = self._redirected(method, answer)
        raise NeverAgain("redirect", detail="the service redirects more often than the source file allows")

    def _redirected(self, method: str, answer: Answer) -> str:
        if self.service.redirects and method == "GET":
            there = urljoin(answer.url, answer.headers.get("location", ""))
            if is_same_origin(urlsplit(there), urlsplit(answer.url)):
                return there
        raise NeverAgain("redirect", detail="the service answers with a redirect, which is not followed")

    def _once(self, method: str, url: str, *, headers: Headers, content: bytes, most: int) -> Answer:
        if self._calls <= 0:
            raise NeverAgain("too_many_calls", detail="the source needs more calls than its file allows")
        self._calls -= 1
        self._turn()
        self._allowance.until = time.monotonic() + self.service.seconds
        self._allowance.received, self._allowance.most = 0, most + HEAD_BYTES
        whole = {"Accept": "application/json", "Accept-Encoding": "gzip", "User-Agent": "vastine", **headers}
        whole["Host"] = urlsplit(url).netloc.rpartition("@")[2]
        if content or method not in ("GET", "DELETE"):
            whole["Content-Length"] = str(len(content))
        try:
            with self._pool.stream(method, url, headers=list(whole.items()), content=content) as response:
                told: dict[str, str] = {}
                for raw, value in response.headers:
                    name, text = raw.decode("latin-1").lower(), value.decode("latin-1")
                    told[name] = f"{told[name]}, {text}" if name in told else text
                return Answer(response.status, told, _body(response, told, most), url)
        except VastineError:
            raise
        except httpcore.TimeoutException:
            raise SourceDown("timeout", detail="the service did not answer in time") from None
        except httpcore.ConnectError as error:
            raise _no_connection(error) from None
        except httpcore.NetworkError:
            raise SourceDown("reset", detail="the service hung up") from None
        except httpcore.RemoteProtocolError:
            raise TryAgain("bad_http", detail="the answer breaks off or is no HTTP") from None
        except (httpcore.LocalProtocolError, httpcore.UnsupportedProtocol, UnicodeError):
            raise NeverAgain("bad_request", detail="this can't be asked over HTTP") from None


def _no_connection(error: BaseException) -> SourceDown:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return SourceDown("certificate", detail=f"the service's certificate is refused: code {cause.verify_code}")
        if isinstance(cause, ssl.SSLError):
            return SourceDown("tls", detail="no secure connection to the service")
        cause = cause.__cause__ or cause.__context__
    return SourceDown("source_down", detail="no connection to the service")


def _body(response: httpcore.Response, headers: Headers, most: int) -> bytes:
    coding = headers.get("content-encoding", "identity").strip().lower()
    if coding in ("", "identity"):
        return _joined(response, most)
    if coding not in ("gzip", "x-gzip"):
        raise NeverAgain("encoding", detail="the answer is compressed in a way that was not asked for")
    out, size = [], 0
    packed = zlib.decompressobj(_GZIP)
    for chunk in response.iter_stream():
        data = chunk
        while data:
            if packed.eof:
                packed = zlib.decompressobj(_GZIP)
            try:
                part = packed.decompress(data, most - size + 1)
            except zlib.error:
                raise TryAgain("bad_gzip", detail="the answer can't be unpacked") from None
            size += len(part)
            if size > most:
                raise NeverAgain("too_large", detail="the answer is larger than the source file allows")
            out.append(part)
            data = packed.unconsumed_tail or packed.unused_data
    if not packed.eof:
        raise TryAgain("bad_gzip", detail="the answer breaks off")
    return b"".join(out)


def _joined(response: httpcore.Response, most: int) -> bytes:
    out, size = [], 0
    for chunk in response.iter_stream():
        size += len(chunk)
        if size > most:
            raise NeverAgain("too_large", detail="the answer is larger than the source file allows")
        out.append(chunk)
    return b"".join(out)


def judged(answer: Answer, *, absent: bool) -> Answer:
    """The answer if it is one. Raises what its status means otherwise."""
    status = answer.status
    if 200 <= status < 300 or (absent and status in (404, 410)):
        return answer
    asked = seconds_asked(answer.headers)
    if status == 429:
        raise TryAgain("rate_limited", detail="the service wants to be asked less often", after_seconds=asked)
    if status in (408, 425) or status >= 500:
        if asked is not None:
            raise TryAgain("busy", detail=f"the service answers {status} for now", after_seconds=asked)
        raise SourceDown(f"http_{status}", detail=f"the service answers {status}")
    if status == 412:
        raise TryAgain("changed_meanwhile", detail="the record is not what was looked at any more")
    raise NeverAgain(_CODES.get(status, f"http_{status}"), detail=f"the service answers {status}")


_CODES: Mapping[int, str] = {401: "not_authorised", 403: "forbidden", 404: "not_found", 410: "not_found"}
