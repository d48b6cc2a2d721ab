"""A service called over HTTP, described by its source file alone, behind the `Connector` port."""

import ssl
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import date
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from models.vocabulary import ReceiptOutcome
from workflows.connectors.dataset import build_graph
from workflows.connectors.http_auth import Entry
from workflows.connectors.http_client import Service
from workflows.connectors.http_erase import Eraser, guarantee_of
from workflows.connectors.http_files import Files
from workflows.connectors.http_records import HttpRecords, described, lists_all
from workflows.connectors.http_session import Ask, CallByCall, Reads, Session
from workflows.connectors.listing import listable, readable_of, record_items_of, records_of
from workflows.connectors.records_discovery import RecordDiscovery
from workflows.connectors.records_items import record_digest
from workflows.connectors.records_search import RecordSearch
from workflows.connectors.records_shape import shape_of
from workflows.connectors.records_standing import pointed_at
from workflows.errors import BadInput, Fault, PersonMustLook, WaitFor
from workflows.listed import Listed
from workflows.ports import (
    ErasedItem,
    EraseItem,
    Guarantee,
    Lead,
    Limiter,
    Marks,
    Person,
    PreviewedItem,
    Seeds,
)
from workflows.register.http_connection import HttpConnection
from workflows.register.model import Register, SourceSpec
from workflows.register.secret import resolve
from workflows.rules.items import Item
from workflows.setting_values import Wrong, webhook_secrets

_FIRST_PATIENCE = 5.0
"""Longer than this a worker does not stand in line: another source's step is done meanwhile."""
_LATER_PATIENCE = 600.0
_MB = 1_000_000
_AT_ONCE = 500


class HttpConnector(RecordDiscovery):
    """One service. Nothing is held between calls but the token that lets us in."""

    def __init__(self, spec: SourceSpec, *, register: Register, environ: Mapping[str, str]) -> None:
        self.spec = spec
        self._register = register
        self._zone = ZoneInfo(register.controller.time_zone)
        self._graph = build_graph(spec, register)
        self._connection = HttpConnection.model_validate(dict(spec.connection))
        self._entry = Entry(self._connection.auth, environ)
        self._headers = {name: resolve(value, environ) for name, value in self._connection.headers.items()}
        self._service = _service(spec, self._connection, register=register, environ=environ)
        self._specs = {name: described(self._connection, node) for name, node in self._graph.nodes.items()}
        callback_secrets(spec, environ)
        self._limiter: Limiter | None = None
        self._marks: Marks | None = None
        canary = (spec.canary.identity or register.controller.canary) if spec.canary else {}
        super().__init__(self._looking, list(self._graph.nodes.values()), known=canary)

    def pace(self, limiter: Limiter, marks: Marks) -> None:
        """From now on, wait for turns, and write down what is asked for."""
        self._limiter, self._marks = limiter, marks

    @property
    def guarantee(self) -> Guarantee:
        """B with idempotency keys, C without, D where the service only reads."""
        return guarantee_of(self._specs)

    def entries(self) -> frozenset[str]:
        """The keys of `Seeds` that a search here can start from."""
        return self._graph.entries()

    def health(self) -> None:
        """Return if the service lets us in and answers where its file says; raise otherwise."""
        with self._session() as session:
            session.ask(Ask(self._connection.health))

    def find(self, identifiers: Mapping[str, str]) -> list[Person]:
        """The people whose record carries any of these identifiers; a service that knows no people is not asked."""
        if self.spec.person.subject is None:
            return []
        with self._session() as session:
            return self._search(self._records(session)).find(identifiers)

    def collect(self, seeds: Seeds, emit: Callable[[Item], None]) -> dict[str, list[Lead]]:
        """Emit every record these seeds lead to, each once, with its files; return the values that lead on."""
        with self._session() as session:
            records = self._records(session)
            files = Files(session, {name: s.files for name, s in self._specs.items() if s.files}, emit)
            return self._search(records).collect(records.respelled(seeds), files.emit)

    def preview(self, items: Sequence[EraseItem]) -> list[PreviewedItem]:
        """What `erase` would do; changes nothing."""
        done: list[PreviewedItem] = []
        for start in range(0, len(items), _AT_ONCE):  # a list of thousands is many uses of the service
            with self._session() as session:
                done += self._eraser(session).preview(items[start : start + _AT_ONCE])
        return done

    def erase(self, op_id: str, fence: int, items: Sequence[EraseItem]) -> list[ErasedItem]:
        """Treat these items one by one; safe to call again with `op_id`.

        Raises `WaitFor` while the service works on a job or on letting its yes show.
        """
        if not items:
            return []
        if self.guarantee == "D":
            raise PersonMustLook("by_hand", detail="this service only reads; whoever keeps it erases")
        with self._session() as session:
            return self._eraser(session).erase(op_id, fence, items)

    def call_off(self, op_id: str, fence: int, items: Sequence[EraseItem]) -> list[ErasedItem]:
        """Ask for nothing more, and tell what has been done already."""
        if items and self._connection.by_hand is not None:
            now = self.present(items)
            gone, kept = ReceiptOutcome.ABSENT, ReceiptOutcome.KEPT
            return [ErasedItem(item.item_no, kept if item.item_no in now else gone) for item in items]
        if not items or self.guarantee == "D":
            return [ErasedItem(item.item_no, ReceiptOutcome.KEPT) for item in items]
        with self._session() as session:
            return self._eraser(session).call_off(op_id, fence, items)

    def present(self, items: Sequence[EraseItem]) -> dict[int, str]:
        """The digests of those items that still exist as records, by item number."""
        found = {}
        with self._session() as session:
            records = self._records(session)
            for item in items:
                node = self._graph.nodes.get(item.collection)
                if node is None or self._specs[node.name].one is None:
                    raise PersonMustLook("by_hand", detail="this service has no way to read one record again")
                record = records.again(node, item.locator)
                if record is not None:
                    found[item.item_no] = record_digest(record)
        return found

    def collections(self) -> list[str]:
        """The collections that `everything` reads: those with a call that finds all their records."""
        nodes = self._graph.nodes.values()
        return [node.name for node in nodes if listable(node) and lists_all(node, self._specs[node.name])]

    def everything(self, collection: str) -> Iterator[Listed]:
        """Every record of a collection, page by page; between two pages the service's place is free for others."""
        yield from records_of(self._reading_through(), self._graph.nodes[collection])

    def readable(self) -> dict[str, str]:
        """The collections that `records` reads, and their categories.

        Not those that others of the service point at: which of their records must stay for that can't be told.
        """
        pointed = pointed_at(shape_of(self._graph))
        mine = {name: self._graph.nodes[name] for name in self.collections() if name not in pointed}
        return readable_of(mine, source=self.spec.source, register=self._register)

    def records(self, collection: str, *, before: date) -> Iterator[Item]:  # noqa: ARG002 (no series is read so)
        """Every record of a collection as an item, page by page, without its files."""
        node = self._graph.nodes[collection]
        yield from record_items_of(self._reading_through(), node, source=self.spec.source, register=self._register)

    def _reading_through(self) -> HttpRecords:
        return self._records(CallByCall(self._patiently, calls=self._connection.limits.calls))

    def _search(self, records: HttpRecords) -> RecordSearch:
        return RecordSearch(records, self._graph, spec=self.spec, register=self._register)

    def _records(self, session: Reads) -> HttpRecords:
        return HttpRecords(session, self._connection, self._graph, zone=self._zone)

    @contextmanager
    def _looking(self) -> Iterator[HttpRecords]:
        with self._session() as session:
            yield self._records(session)

    def _eraser(self, session: Session) -> Eraser:
        if self._marks is None:
            raise PersonMustLook("not_wired", detail="nobody writes down what this source is asked to do")
        records = self._records(session)
        return Eraser(session, records, self._connection, self._graph, marks=self._marks)

    @contextmanager
    def _patiently(self) -> Iterator[Session]:
        """A session for one call, however long the line is: who reads a source through comes last."""
        ends = time.monotonic() + _LATER_PATIENCE
        with ExitStack() as stack:
            while True:
                try:
                    session = stack.enter_context(self._session(_LATER_PATIENCE))
                except WaitFor as busy:
                    if time.monotonic() > ends:
                        raise
                    time.sleep(min(busy.after_seconds or 1.0, 2.0))
                else:
                    break
            yield session

    @contextmanager
    def _session(self, first: float = _FIRST_PATIENCE) -> Iterator[Session]:
        """A session at one of the source's places, each call in its turn."""
        rate, limiter, limits = self._connection.rate, self._limiter, self._connection.limits
        if rate is None or limiter is None:
            with self._opened(lambda: None) as session:
                yield session
            return
        patience = [first]
        with limiter.place(self.spec.source, rate.slots) as keep:

            def turn() -> None:
                keep()
                limiter.turn(
                    self.spec.source,
                    per_second=rate.per_second,
                    burst=rate.burst,
                    patience=min(patience[0], limits.minutes * 60),
                )
                patience[0] = _LATER_PATIENCE

            with self._opened(turn) as session:
                yield session

    def _opened(self, turn: Callable[[], None]) -> Session:
        limits = self._connection.limits
        return Session(
            self._service,
            self._entry,
            headers=self._headers,
            turn=turn,
            calls=limits.calls,
            seconds=limits.minutes * 60,
        )


def callback_secrets(spec: SourceSpec, environ: Mapping[str, str]) -> tuple[str, ...]:
    """The secrets that this service's rings are signed with; () where it does not ring. Raises `BadInput`."""
    named = (spec.connection.get("callback") or {}).get("secret")
    if spec.kind != "http" or named is None:
        return ()
    try:
        return webhook_secrets(resolve(named, environ))
    except Wrong as wrong:
        raise BadInput([Fault(spec.file or spec.source, f"`callback` {wrong.what}", wrong.remedy)]) from None


def _service(
    spec: SourceSpec, connection: HttpConnection, *, register: Register, environ: Mapping[str, str]
) -> Service:
    """Raises `BadInput` where the base URL or the certificates are not what they should be."""
    where = spec.file or spec.source
    base = urlsplit(resolve(connection.base_url, environ))
    host = (base.hostname or "").lower()
    private = {name.lower() for name in connection.allow_private}
    if base.scheme not in ("http", "https") or not host or base.query or base.fragment or base.username:
        raise BadInput(
            [Fault(where, "`base_url` is no address of a service", "write https://host or https://host/path")]
        )
    if base.scheme == "http" and host not in private:
        remedy = "write https://, or list the host under `allow_private` if it is on your own network"
        raise BadInput([Fault(where, "`base_url` is not encrypted", remedy)])
    ca_file = str(Path(register.folder) / connection.ca_file) if connection.ca_file else None
    try:
        tls = ssl.create_default_context(cafile=ca_file)
    except (OSError, ssl.SSLError):
        raise BadInput([Fault(where, "`ca_file` can't be read", "name a file with certificates in PEM")]) from None
    return Service(
        base=base,
        private_hosts=private,
        tls=tls,
        seconds=float(spec.timeout_seconds),
        most_bytes=int(connection.limits.answer_mb * _MB),
        redirects=connection.redirects,
    )
