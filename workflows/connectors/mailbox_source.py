"""An archive of mail as a source: searched for what names the person, thread by thread; whose it is, people confirm."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from hashlib import sha256
from zoneinfo import ZoneInfo

from models.vocabulary import Ownership
from workflows.connectors.dataset import build_graph
from workflows.connectors.mailbox_client import Account
from workflows.connectors.mailbox_erasing import MailErasing
from workflows.connectors.mailbox_message import Attached, Read, read_message, stands_in
from workflows.connectors.shares import Doubt, Shares
from workflows.connectors.sql_values import as_instant, fact, local_day
from workflows.errors import BadInput, Fault, NeverAgain, PersonMustLook
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
from workflows.register.categories import category_of
from workflows.register.mailbox_connection import MailboxConnection
from workflows.register.model import Register, SourceSpec
from workflows.register.secret import resolve
from workflows.rules.attachments import FETCH, media_of
from workflows.rules.identifiers import EMAIL, PHONE
from workflows.rules.items import Item, Json
from workflows.setting_values import MailServer, Wrong, mail_server

MOST_MESSAGES = 5_000
"""More than this nobody can look through: the search says so and stops."""
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
"""IMAP's own, whatever the machine speaks. Source: RFC 3501 section 9."""

Place = tuple[str, int]
"""Folder and UID."""


@dataclass(slots=True)
class _Run:
    """One search: what was seen, and which messages the threads still lead to."""

    shares: Shares
    emit: Callable[[Item], None]
    seen: dict[Place, None]
    known: set[str]  # Message-IDs asked for
    due: list[str]


class MailboxConnector:
    """One account. Nothing is held between calls."""

    def __init__(self, spec: SourceSpec, *, register: Register, environ: Mapping[str, str]) -> None:
        self.spec = spec
        self._said = MailboxConnection.model_validate(dict(spec.connection))
        self._server = _server(self._said, spec, environ)
        (self._node,) = build_graph(spec, register).nodes.values()
        self._category = category_of(register, spec.source, self._node.name)
        self._zone = ZoneInfo(register.controller.time_zone)
        self._most = int(self._said.most_mb * 1_000_000)
        self._marks: Marks | None = None

    def pace(self, limiter: Limiter, marks: Marks) -> None:  # noqa: ARG002 (one connection at a time is slow enough)
        """From now on, write down what is asked for."""
        self._marks = marks

    @property
    def guarantee(self) -> Guarantee:
        """C where we may delete, else D."""
        return "C" if self._said.writable else "D"

    def entries(self) -> frozenset[str]:
        """The keys of `Seeds` that a search here can start from."""
        return frozenset(f"{kind}:{term}" for term in self._said.search for kind in ("identity", "shared"))

    def health(self) -> None:
        """Return if the account opens and every folder is there; raise otherwise."""
        with self._account() as account:
            for folder in self._said.folders:
                account.validity(folder)

    def find(self, identifiers: Mapping[str, str]) -> list[Person]:  # noqa: ARG002 (the port's shape)
        """Nobody: mail knows addresses, and an address is no record of a person."""
        return []

    def collect(self, seeds: Seeds, emit: Callable[[Item], None]) -> dict[str, list[Lead]]:
        """Emit every message that names the person, and the threads these are in; one message is held at a time."""
        shares = Shares(seeds, self.spec.person.strength)
        run = _Run(shares, emit, {}, set(), [])
        with self._account() as account:
            for term in self._said.search:
                for value in sorted({lead.value for lead in shares.looked_up(term, seeds)}):
                    for spelling in _spellings(term, value):
                        for place in self._found(account, "TEXT", value=spelling):
                            self._take(account, run, place, path=f"{term} → {self._node.name}", wanted=spelling)
            while run.due:
                ident = run.due.pop()
                for header in ("MESSAGE-ID", "REFERENCES", "IN-REPLY-TO"):
                    for place in self._found(account, "HEADER", header, value=ident):
                        self._take(account, run, place, path=f"thread → {self._node.name}")
        return {}

    def preview(self, items: Sequence[EraseItem]) -> list[PreviewedItem]:
        """What `erase` would do; changes nothing."""
        if not self._said.writable:
            return [PreviewedItem(item.item_no, "by_hand") for item in items]
        with self._account() as account:
            return self._erasing(account).preview(items)

    def erase(self, op_id: str, fence: int, items: Sequence[EraseItem]) -> list[ErasedItem]:
        """Delete exactly these messages for good. Raises `PersonMustLook("by_hand")` where we may not."""
        with self._account() as account:
            erasing = self._erasing(account)
            if not self._said.writable and erasing.present(items):
                raise PersonMustLook("by_hand", detail="messages of this account are deleted by whoever keeps it")
            return erasing.erase(op_id, fence, items)

    def call_off(self, op_id: str, fence: int, items: Sequence[EraseItem]) -> list[ErasedItem]:  # noqa: ARG002
        """Nothing more happens by itself; what was asked for and is gone was done by this operation."""
        with self._account() as account:
            return self._erasing(account).called_off(op_id, items)

    def present(self, items: Sequence[EraseItem]) -> dict[int, str]:
        """The digests of those items that still exist as messages, by item number."""
        with self._account() as account:
            return self._erasing(account).present(items)

    def collections(self) -> list[str]:
        """The one collection of a mailbox."""
        return [self._node.name]

    def everything(self, collection: str) -> Iterator[Listed]:
        """Every message of every folder, however old, by its header alone."""
        self._known(collection)
        with self._account() as account:
            for place in self._messages(account):
                raw = account.head(*place)
                if raw is not None:
                    message = read_message(raw)
                    locator = self._locator(account, place, message)
                    since = message.told[self._node.spec.created] if self._node.spec.created else ""
                    yield Listed(collection, locator, self._named(message), as_instant(since), names_others=True)

    def readable(self) -> dict[str, str]:
        """The one collection, and its category."""
        return {self._node.name: self._category}

    def records(self, collection: str, *, before: date) -> Iterator[Item]:  # noqa: ARG002 (messages are no series)
        """Every message of every folder as an item, however old, without its files."""
        self._known(collection)
        with self._account() as account:
            for place in self._messages(account):
                raw = account.read(*place, most_bytes=self._most)
                if raw is not None:
                    message = read_message(raw)
                    item = self._item(account, place, raw, message=message, ownership=Ownership.OWN, path="")
                    yield replace(item, files=())

    def _known(self, collection: str) -> None:
        if collection != self._node.name:
            raise KeyError(collection)

    def _messages(self, account: Account) -> Iterator[Place]:
        for folder in self._said.folders:
            for uid in account.found(folder, "ALL"):
                yield folder, uid

    def _named(self, message: Read) -> dict[str, Sequence[str]]:
        """Identity to its values; a header names as many as it has addresses."""
        several = {"from": message.authors, "to": message.readers}
        found: dict[str, Sequence[str]] = {}
        for name, identity in self._node.identities.items():
            values = several[name] if name in several else (message.told[name],)
            found[identity] = tuple(dict.fromkeys((*found.get(identity, ()), *filter(None, values))))
        return {identity: values for identity, values in found.items() if values}

    def _account(self) -> Account:
        return Account(self._server, timeout_seconds=self.spec.timeout_seconds)

    def _erasing(self, account: Account) -> MailErasing:
        return MailErasing(account, collection=self._node.name, trash=self._said.trash, most_bytes=self._most,
                           marks=self._marks)  # fmt: skip

    def _found(self, account: Account, *criteria: str, value: str) -> Iterator[Place]:
        since = ("SINCE", _day(self._said.since_days)) if self._said.since_days else ()
        for folder in self._said.folders:
            for uid in account.found(folder, *since, *criteria, value=value):
                yield folder, uid

    def _take(self, account: Account, run: _Run, place: Place, *, path: str, wanted: str = "") -> None:
        """Read a message that was not read yet; if it is about the person, emit it and note where its thread goes."""
        if place in run.seen:
            return
        raw = account.read(*place, most_bytes=self._most)
        if raw is None:
            return  # somebody deleted it meanwhile
        message = read_message(raw)
        if wanted and not message.garbled and not stands_in(wanted, message):
            return  # 1001 is not 10012; another value may still lead here
        run.seen[place] = None
        if len(run.seen) > MOST_MESSAGES:
            raise NeverAgain("too_many_messages", detail=f"more than {MOST_MESSAGES} messages name the person")
        whose = _whose(message, run.shares)
        run.emit(self._item(account, place, raw, message=message, ownership=whose, path=path))
        fresh = {ident for ident in (message.ident, *message.before) if ident} - run.known
        run.known |= fresh
        run.due += sorted(fresh)

    def _locator(self, account: Account, place: Place, message: Read) -> dict[str, Json]:
        validity = account.validity(place[0])
        return {"folder": place[0], "validity": validity, "uid": place[1], "message_id": message.ident}

    def _item(
        self, account: Account, place: Place, raw: bytes, *, message: Read, ownership: Ownership, path: str
    ) -> Item:
        told, spec = message.told, self._node.spec
        named = {name: told.get(name, "") or None for name in self._node.fields}
        return Item(
            source=self.spec.source,
            collection=self._node.name,
            locator=self._locator(account, place, message),
            category=self._category,
            ownership=ownership,
            digest=sha256(raw).hexdigest(),
            fields={name: told.get(name, "") for name in self._node.fields},
            facts={name: fact(name, one, row=named, zone=self._zone) for name, one in spec.facts.items()},
            on=local_day(named.get(spec.on), self._zone) if spec.on and named.get(spec.on) else None,
            path=path,
            third_party=tuple(dict.fromkeys((*spec.third_party, *({"quoted"} & self._node.fields.keys())))),
            files=tuple({FETCH: partial(_content, file)} for file in message.files),
        )


def _whose(message: Read, shares: Shares) -> Ownership:
    """The person's where they wrote it or alone received it, by an address that is theirs only; else people say."""
    sole = message.readers if len(message.readers) == 1 else ()
    for address in (*(message.authors if len(message.authors) == 1 else ()), *sole):
        if shares.doubt(EMAIL, address, day=None) is Doubt.SURE:
            return Ownership.OWN
    return Ownership.CANDIDATE


def _content(file: Attached) -> tuple[bytes, str]:
    return file.content, media_of(file.content)


def _spellings(term: str, value: str) -> list[str]:
    """The ways in which people write it that a search for letters can find."""
    text = " ".join(value.split())
    if term == PHONE and text.startswith("+358"):
        return [text, f"0{text.removeprefix('+358')}"]
    return [text] if text else []


def _day(days: int) -> str:
    day = datetime.now(UTC).date() - timedelta(days=days)
    return f"{day.day}-{_MONTHS[day.month - 1]}-{day.year}"


def _server(said: MailboxConnection, spec: SourceSpec, environ: Mapping[str, str]) -> MailServer:
    url = resolve(said.url, environ)
    try:
        server = mail_server(url, "imap")
    except Wrong as wrong:
        raise BadInput([Fault(f"{spec.file}: connection.url", wrong.what, wrong.remedy)]) from None
    if said.password is None:
        return server
    return MailServer(server.host, server.port, server.tls, server.user, resolve(said.password, environ))
