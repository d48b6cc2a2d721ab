"""A service as companies have them, on a real socket: tickets with messages, recorded calls, a newsletter's members.

It journals every call, pages in every style, keeps idempotency keys, works on jobs, and misbehaves when told to:
`faults` are taken one by one, each instead of an answer, and write whatever bytes they like.
"""

import hashlib
import json
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

WAV = b"RIFF\x24\x00\x00\x00WAVEfmt " + bytes(range(32))
ANNA, BERTTA = "anna@example.test", "bertta@example.test"


def hashed(email: str) -> str:
    """As the newsletter spells its members."""
    return hashlib.sha256(email.lower().encode()).hexdigest()


def records() -> dict[str, list[dict[str, Any]]]:
    """What the service holds: Anna's, Bertta's, and what touches both."""
    return {
        "tickets": [
            _ticket(1, ANNA, "My meter", [(ANNA, "Help"), ("desk@house.test", "Of course")]),
            _ticket(2, BERTTA, "My invoice", [(BERTTA, "Too large")]),
            _ticket(3, ANNA, "Moving out", []),
            _ticket(4, ANNA, "Solar", [(BERTTA, "I am her neighbour")]),
        ],
        "messages": [
            {"no": 1, "_ticket": 1, "text": "Help"},
            {"no": 2, "_ticket": 1, "text": "Thank you"},
            {"no": 1, "_ticket": 2, "text": "Too large"},
        ],
        "calls": [
            {"id": "c-1", "ani": "+358401111111", "at": 1711846800, "audio": "/audio/c-1.wav", "agent": "Agentti"},
            {"id": "c-2", "ani": "+358402222222", "at": 1711846900, "audio": "/audio/c-2.wav", "agent": "Agentti"},
        ],
        "members": [
            {"hash": hashed(ANNA), "status": "subscribed", "topics": ["saving", "solar"]},
            {"hash": hashed(BERTTA), "status": "subscribed", "topics": []},
        ],
    }


def _ticket(number: int, email: str, subject: str, thread: list[tuple[str, str]]) -> dict[str, Any]:
    return {
        "id": number,
        "requester": {"email": email, "name": f"Name {number}"},
        "subject": subject,
        "created": f"2024-03-3{min(number, 1)}T23:30:00",
        "thread": [{"author": {"email": author}, "text": text} for author, text in thread],
    }


@dataclass
class Call:
    """One call as it came in."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Any


Fault = Callable[["Handler"], None]


@dataclass
class HttpSource:
    """The service. `url` is its base; `page_size` is all it ever gives at once."""

    url: str = ""
    data: dict[str, list[dict[str, Any]]] = field(default_factory=records)
    calls: list[Call] = field(default_factory=list)
    faults: list[tuple[str, Fault]] = field(default_factory=list)  # "METHOD /prefix" it is for, and what to do
    page_size: int = 2
    ignores_filters: bool = False
    asynchronous: bool = False  # a DELETE begins a job
    forgets_keys: bool = True
    etags: str = ""  # what the ETags begin with: a quote, or W/ and a quote
    job_polls: int = 1  # how often a job says that it is running
    bearer: str = ""
    tokens: int = 0
    expires_in: int = 3600
    api_key: str = ""
    done_by_key: dict[str, tuple[int, Any]] = field(default_factory=dict)
    jobs: dict[str, tuple[str, str]] = field(default_factory=dict)  # id -> collection, record; polls left in `_left`
    left: dict[str, int] = field(default_factory=dict)
    lock: threading.RLock = field(default_factory=threading.RLock)

    def dump(self) -> dict[str, list[dict[str, Any]]]:
        """Everything there is, for before and after."""
        with self.lock:
            return deepcopy(self.data)

    def once(self, what: str, fault: Fault, times: int = 1) -> None:
        """Misbehave at the next calls that begin with `what`, such as "DELETE /tickets"."""
        self.faults += [(what, fault)] * times

    def made(self, method: str, prefix: str = "/") -> list[Call]:
        """The calls of this method below this path."""
        return [c for c in self.calls if c.method == method and c.path.startswith(prefix)]


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    source: HttpSource
    call: Call

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Nothing."""

    def _any(self) -> None:
        parts = urlsplit(self.path)
        length = int(self.headers.get("Content-Length") or 0)
        raw = self.rfile.read(length) if length else b""
        query = {name: values[-1] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
        headers = {name.lower(): value for name, value in self.headers.items()}
        body: Any = raw.decode() or None
        if headers.get("content-type") == "application/json" and raw:
            body = json.loads(raw)
        call = Call(self.command, unquote(parts.path), query, headers, body)
        with self.source.lock:
            self.source.calls.append(call)
            due = next((f for f in self.source.faults if f"{call.method} {call.path}".startswith(f[0])), None)
            if due is None:
                status, answer, more = self._answer(call)
            else:
                self.source.faults.remove(due)
        if due is None:
            self.reply(status, answer, **more)
        else:
            self.call = call
            due[1](self)

    def source_answer(self) -> tuple[int, Any, dict[str, str]]:
        """Do what was asked; the answer to it."""
        with self.source.lock:
            return self._answer(self.call)

    def answer_then_hang_up(self) -> None:
        """Do what was asked, and never say so."""
        with self.source.lock:
            self._answer(self.call)
        self.raw(b"")

    def reply(self, status: int, answer: Any, **headers: str) -> None:
        """A well-formed answer."""
        body = answer if isinstance(answer, bytes) else json.dumps(answer).encode() if answer is not None else b""
        self.send_response(status)
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        kind = "audio/wav" if isinstance(answer, bytes) else "application/json; charset=utf-8"
        for name, value in ({"Content-Type": kind} | given).items():
            self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def raw(self, data: bytes) -> None:
        """These bytes, and the line goes dead."""
        self.close_connection = True
        self.wfile.write(data)
        self.wfile.flush()

    def _answer(self, call: Call) -> tuple[int, Any, dict[str, str]]:
        source = self.source
        if call.path == "/token":
            source.tokens += 1
            source.bearer = f"token-{source.tokens}"
            told = {"access_token": source.bearer, "token_type": "Bearer", "expires_in": source.expires_in}
            return 200, told, {}
        if source.bearer and call.headers.get("authorization") != f"Bearer {source.bearer}":
            return 401, {"error": "token"}, {}
        if source.api_key and call.headers.get("x-api-key") != source.api_key:
            return 403, {"error": "key"}, {}
        key = call.headers.get("idempotency-key", "")
        if key in source.done_by_key:
            return (*source.done_by_key[key], {})
        status, answer, more = self._routed(call)
        if key and not source.forgets_keys:
            source.done_by_key[key] = (status, answer)
        return status, answer, more

    def _routed(self, call: Call) -> tuple[int, Any, dict[str, str]]:
        match call.path.strip("/").split("/"):
            case ["health"]:
                return 200, {"ok": True}, {}
            case ["audio", name]:
                return (200, WAV + name.encode(), {}) if name.endswith(".wav") else (404, {}, {})
            case ["jobs", ident]:
                return self._job(ident)
            case ["tickets", ident, "messages", *rest]:
                return self._messages(call, int(ident), rest)
            case [name] if name in self.source.data:
                return self._listed(call, name)
            case [name, ident] if name in self.source.data:
                return self._single(call, name, ident)
        return 404, {"error": "no such thing"}, {}

    def _job(self, ident: str) -> tuple[int, Any, dict[str, str]]:
        source = self.source
        if ident not in source.jobs:
            return 404, {}, {}
        source.left[ident] -= 1
        if source.left[ident] >= 0:
            return 200, {"status": "running"}, {}
        name, record = source.jobs[ident]
        source.data[name] = [r for r in source.data[name] if _id(r) != record]
        return 200, {"status": "done"}, {}

    def _messages(self, call: Call, ticket: int, rest: list[str]) -> tuple[int, Any, dict[str, str]]:
        mine = [m for m in self.source.data["messages"] if m["_ticket"] == ticket]
        if not rest:
            return 200, [{k: v for k, v in m.items() if k != "_ticket"} for m in mine], {}
        found = [m for m in mine if str(m["no"]) == rest[0]]
        if not found:
            return 404, {}, {}
        if call.method == "DELETE":
            self.source.data["messages"].remove(found[0])
            return 204, None, {}
        return 200, {k: v for k, v in found[0].items() if k != "_ticket"}, {}

    def _listed(self, call: Call, name: str) -> tuple[int, Any, dict[str, str]]:
        source = self.source
        found = list(source.data[name])
        asked = call.query | (call.body if isinstance(call.body, dict) else {})
        if "requester" in asked and not source.ignores_filters:
            found = [r for r in found if r["requester"]["email"].lower() == asked["requester"].lower()]
        if "ani" in asked and not source.ignores_filters:
            found = [r for r in found if r["ani"] == asked["ani"]]
        if "gsrn" in asked and not source.ignores_filters:
            found = [r for r in found if r["gsrn"] == asked["gsrn"]]
        total, size = len(found), min(int(asked.get("size", source.page_size)), source.page_size)
        start = int(asked.get("offset") or asked.get("cursor") or (int(asked.get("page", 1)) - 1) * size)
        page = found[start : start + size]
        meta: dict[str, Any] = {"total": total, "next": str(start + size) if start + size < total else None}
        more: dict[str, str] = {}
        if meta["next"]:
            there = f"/{name}?cursor={meta['next']}" + "".join(
                f"&{k}={v}" for k, v in call.query.items() if k != "cursor"
            )
            meta["url"] = source.url + there.replace("+", "%2B").replace("@", "%40")
            more["Link"] = f'<{meta["url"]}>; rel="next", <{source.url}/>; rel="first"'
        return 200, {"items": page, "meta": meta}, more

    def _single(self, call: Call, name: str, ident: str) -> tuple[int, Any, dict[str, str]]:
        source = self.source
        found = [r for r in source.data[name] if _id(r) == ident]
        if not found:
            return 404, {}, {}
        tag = f'{source.etags}{hashlib.sha256(repr(found[0]).encode()).hexdigest()[:12]}"' if source.etags else ""
        if call.method == "GET":
            return 200, {k: v for k, v in found[0].items() if k != "hash"}, {"ETag": tag} if tag else {}
        if "if-match" in call.headers and call.headers["if-match"] != tag:
            return 412, {"error": "changed"}, {}
        if call.method == "PATCH":
            _merge(found[0], call.body)
            return 200, found[0], {}
        if source.asynchronous:
            job = f"j{len(source.jobs) + 1}"
            source.jobs[job], source.left[job] = (name, ident), source.job_polls
            return 202, {"job": {"id": job}}, {"Location": f"/jobs/{job}"}
        source.data[name].remove(found[0])
        return 204, None, {}


for verb in ("GET", "POST", "PUT", "PATCH", "DELETE"):
    setattr(Handler, f"do_{verb}", Handler._any)


def _id(record: dict[str, Any]) -> str:
    return str(record.get("id", record.get("hash")))


def _merge(into: dict[str, Any], change: dict[str, Any]) -> None:
    for name, value in change.items():
        if isinstance(value, dict) and isinstance(into.get(name), dict):
            _merge(into[name], value)
        else:
            into[name] = value


@contextmanager
def running(*, certificate: tuple[str, str] | None = None) -> Iterator[HttpSource]:
    """A service on a free port of this machine; with a certificate and its key over TLS."""
    source = HttpSource()

    class Here(Handler):
        pass

    Here.source = source
    server = ThreadingHTTPServer(("127.0.0.1", 0), Here)
    server.daemon_threads = True
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    source.url = f"{'https' if certificate else 'http'}://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield source
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
