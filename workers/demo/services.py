"""The two services of the demo company on a loopback port: they keep their records in files, as long as it runs.

Customer service knows tickets and recorded calls, the newsletter its subscribers; both page, and delete for good.
"""

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar, NamedTuple
from urllib.parse import parse_qs, urlsplit

from workflows.demo.channels import SERVICES, tone

PAGE = 20
Record = dict[str, Any]


class _Place(NamedTuple):
    service: str
    collection: str
    key: str


_PLACES: Mapping[str, _Place] = {
    "tiketit": _Place("asiakaspalvelu", "tiketti", "id"),
    "puhelut": _Place("asiakaspalvelu", "puhelu", "id"),
    "tilaajat": _Place("uutiskirje", "tilaaja", "tunniste"),
}


class Services:
    """The records of both services; every change is on disk before it is answered."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._data = {name: json.loads((folder / f"{name}.json").read_text(encoding="utf-8")) for name in SERVICES}

    def listed(self, what: str, asked: Mapping[str, str]) -> list[Record]:
        """The records that carry all of these values."""
        place = _PLACES[what]
        with self._lock:
            records: list[Record] = list(self._data[place.service][place.collection])
        return [r for r in records if all(_carried(r, name).lower() == value.lower() for name, value in asked.items())]

    def one(self, what: str, key: str) -> Record | None:
        """One record."""
        place = _PLACES[what]
        with self._lock:
            return next((r for r in self._data[place.service][place.collection] if r[place.key] == key), None)

    def delete(self, what: str, key: str) -> bool:
        """Whether there was one; now there is none."""
        place = _PLACES[what]
        with self._lock:
            content = self._data[place.service]
            left = [r for r in content[place.collection] if r[place.key] != key]
            if len(left) == len(content[place.collection]):
                return False
            content[place.collection] = left
            whole = json.dumps(content, ensure_ascii=False, indent=1)
            path = self._folder / f"{place.service}.json"
            unfinished = path.with_suffix(".new")
            unfinished.write_text(f"{whole}\n", encoding="utf-8")
            unfinished.replace(path)
            return True


def _carried(record: Record, name: str) -> str:
    """The value of a filter: `ani` of a call, `email` and `asnro` of the ticket's customer."""
    customer = record.get("asiakas")
    return str((customer if isinstance(customer, dict) and name in customer else record).get(name) or "")


class _Handler(BaseHTTPRequestHandler):
    services: ClassVar[Services]
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Lists, records, recordings, and whether all is well."""
        url = urlsplit(self.path)
        parts = url.path.strip("/").split("/")
        if parts == ["tila"]:
            self._reply(200, {"tila": "ok"})
        elif parts[0] not in _PLACES:
            self._reply(404, {})
        elif len(parts) == 1:
            self._page(parts[0], {name: values[0] for name, values in parse_qs(url.query).items()})
        elif (record := self.services.one(parts[0], parts[1])) is None:
            self._reply(404, {})
        elif parts[2:] == ["aani.wav"] and parts[0] == "puhelut":
            self._send(200, "audio/wav", tone(str(record["id"]), int(record["kesto_s"])))
        else:
            self._reply(200, record)

    def do_DELETE(self) -> None:
        """One record goes for good; a second time there is none."""
        parts = urlsplit(self.path).path.strip("/").split("/")
        known = len(parts) == 2 and parts[0] in _PLACES and self.services.delete(*parts)
        self._reply(200 if known else 404, {})

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (the base's name)
        """Nothing: a query holds what people are found by."""

    def _page(self, what: str, asked: dict[str, str]) -> None:
        first = int(asked.pop("sivu", "0"))
        if not asked:
            self._reply(400, {})  # nobody gets everybody's records
            return
        found = self.services.listed(what, asked)
        following = str(first + PAGE) if first + PAGE < len(found) else None
        self._reply(200, {what: found[first : first + PAGE], "seuraava": following})

    def _reply(self, status: int, content: Mapping[str, Any]) -> None:
        self._send(status, "application/json", json.dumps(content, ensure_ascii=False).encode())

    def _send(self, status: int, media_type: str, content: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


@contextmanager
def serving(folder: Path) -> Iterator[dict[str, str]]:
    """Serve what `folder` holds until the block ends; the variables that name each service's address."""
    handler = type("Handler", (_Handler,), {"services": Services(folder)})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True)
    thread.start()
    try:
        url = f"http://127.0.0.1:{server.server_port}"
        yield {f"VASTINE_SOURCE_{name.upper()}_URL": url for name in SERVICES}
    finally:
        server.shutdown()
        server.server_close()
