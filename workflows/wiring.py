"""The only module that knows which class implements which port."""

import os
import socket
import ssl
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

from sqlalchemy.orm import Session

from models.request import Request
from models.session import open_engine, open_sessions
from models.vocabulary import Kind, RequestState, Right
from workflows.adapters.blobs import FileBlobStore
from workflows.adapters.broker import NullBell
from workflows.adapters.clamd import Clamd
from workflows.adapters.clock import SystemClock
from workflows.adapters.keys import FileKeyVault
from workflows.adapters.mail import FolderMailer, SmtpMailer
from workflows.adapters.mailbox import ImapInbox
from workflows.adapters.oidc import Call, OidcProvider
from workflows.adapters.visitor import HttpVisitor
from workflows.banning import BanWork
from workflows.connectors.csv_discovery import Folder, SheetDiscovery
from workflows.connectors.csv_source import CsvConnector
from workflows.connectors.discovery import SqlDiscovery
from workflows.connectors.erasing import ErasureKinds
from workflows.connectors.file import FileConnector
from workflows.connectors.hand import HandConnector
from workflows.connectors.hooks import SignedHooks, SilentHooks
from workflows.connectors.http import HttpConnector
from workflows.connectors.http_client import Client, Service
from workflows.connectors.mailbox_source import MailboxConnector
from workflows.connectors.registry import Registry
from workflows.connectors.sql_by_people import sql_connector
from workflows.documents.documents import Documents
from workflows.documents.signatures import PdfSignatures
from workflows.documents.signing import LetterSigner
from workflows.ports import Bell, Clock, Connector, Discovers, Limiter, Mailer, Marks, Paced
from workflows.rectifying.work import Rectifying
from workflows.register.kinds import kinds
from workflows.register.load import load_register
from workflows.register.model import Register, SourceSpec
from workflows.register.proofs import Provider
from workflows.register.secret import connection_url
from workflows.rehearsing import rehearse
from workflows.restricting.keeping import Keeping
from workflows.restricting.objecting import Objecting
from workflows.restricting.work import Restricting
from workflows.rules.holds import compile_rules
from workflows.rules.overdue import compile_retention
from workflows.runtime import Runtime
from workflows.setting_values import mail_server, scanner_address
from workflows.settings import Settings
from workflows.stages import changing, closing, collection, decision, delivery, erasure, holds, proof, verification
from workflows.throttle import Marking, Throttle
from workflows.work import ChangeWork, NewStep, Stage

STAGES: Mapping[Kind, Stage] = {
    Kind.VERIFY: verification.Verification(),
    Kind.COLLECT: collection.Collection(),
    Kind.ASSESS: holds.Assessment(),
    Kind.DELIVER: delivery.Delivery(),
    Kind.ERASE: erasure.Erasure(),
    Kind.PROVE: proof.Proof(),
    Kind.CHANGE: changing.Changing(),
    Kind.CLOSE: closing.Closing(),
}

Entry = Callable[[Session, Runtime, Request], Sequence[NewStep]]

ENTRIES: Mapping[RequestState, Entry] = {
    RequestState.VERIFYING: verification.begin,
    RequestState.COLLECTING: collection.begin,
    RequestState.ASSESSING: holds.begin,
    RequestState.DECIDING: decision.begin,
    RequestState.DELIVERING: delivery.begin,
    RequestState.ERASING: erasure.begin,
    RequestState.PROVING: proof.begin,
    RequestState.CHANGING: changing.begin,
    RequestState.CLOSING: closing.begin,
}

_MOST_TOLD = 262_144  # bytes that a provider of identities may answer with
CHANGES: Mapping[Right, ChangeWork] = {
    Right.ERASURE: Keeping(),  # what its holds keep
    Right.RECTIFICATION: Rectifying(),
    Right.RESTRICTION: Restricting(),
    Right.OBJECTION: Objecting(),
    Right.MARKETING_BAN: BanWork(),
    Right.WITHDRAW_CONSENT: BanWork(),
}
"""How a right's decisions are carried out; a right whose flow changes things and that is not here is done by hand."""

Build = Callable[[SourceSpec, Register, Mapping[str, str]], Connector]
CONNECTORS: Registry[Build] = Registry()


@CONNECTORS.register("sql")
def _sql(spec: SourceSpec, register: Register, environ: Mapping[str, str]) -> Connector:
    url, erase = connection_url(spec.connection, environ), spec.connection.get("erase")
    erase_url = connection_url(erase, environ) if erase else ""
    return sql_connector(spec, register=register, url=url, erase_url=erase_url)


@CONNECTORS.register("file")
def _file(spec: SourceSpec, register: Register, environ: Mapping[str, str]) -> Connector:
    return FileConnector(spec, register=register, environ=environ)


@CONNECTORS.register("csv")
def _csv(spec: SourceSpec, register: Register, environ: Mapping[str, str]) -> Connector:
    return CsvConnector(spec, register=register, environ=environ)


@CONNECTORS.register("mailbox")
def _mailbox(spec: SourceSpec, register: Register, environ: Mapping[str, str]) -> Connector:
    return MailboxConnector(spec, register=register, environ=environ)


@CONNECTORS.register("parquet")
def _parquet(spec: SourceSpec, register: Register, environ: Mapping[str, str]) -> Connector:  # noqa: ARG001 (no secret)
    from workflows.connectors.parquet_source import ParquetConnector  # noqa: PLC0415  # loads only where it is used

    return ParquetConnector(spec, register=register)


@CONNECTORS.register("http")
def _http(spec: SourceSpec, register: Register, environ: Mapping[str, str]) -> Connector:
    return HttpConnector(spec, register=register, environ=environ)


@CONNECTORS.register("manual")
@CONNECTORS.register("paper")
def _by_hand(spec: SourceSpec, register: Register, environ: Mapping[str, str]) -> Connector:  # noqa: ARG001 (no secret)
    return HandConnector(spec, register=register)


def connectors_of(
    register: Register,
    environ: Mapping[str, str],
    *,
    limiter: Limiter | None = None,
    marks: Marks | None = None,
    simulates: bool = False,
) -> dict[str, Connector]:
    """One connector a source. Raises `BadInput` where a secret is not there.

    In a trial that `simulates` none of them writes.
    Without `limiter` and `marks` sources are only looked at, each caller at its own pace.
    """
    connectors = {name: connector_of(spec, register, environ) for name, spec in register.sources.items()}
    for name, connector in connectors.items() if simulates else ():
        rehearse(name, connector)
    for connector in connectors.values():
        if isinstance(connector, Paced) and limiter is not None and marks is not None:
            connector.pace(limiter, marks)
    return connectors


def connector_of(spec: SourceSpec, register: Register, environ: Mapping[str, str]) -> Connector:
    """What speaks to this source: a class of ours, or of whoever brought the kind. Raises `BadInput` as above."""
    foreign = kinds()[spec.kind].build
    if foreign is not None:
        return cast("Connector", foreign(spec, register, environ))
    return CONNECTORS[spec.kind](spec, register, environ)


def discovery_at(url: str) -> Discovers:
    """What can look around at this address, of which no register knows yet."""
    return SqlDiscovery(url)


def discovery_in(folder: Path) -> tuple[str, Discovers, list[str]]:
    """The kind of files there, what can look around in them, and a draft's lines under `connection:`."""
    if folder.suffix == ".parquet" or any(folder.glob("*.parquet")):
        from workflows.connectors.parquet_discovery import in_folder  # noqa: PLC0415  # loads only where it is used

        return ("parquet", *in_folder(folder))
    sheets = Folder(folder)
    return "csv", SheetDiscovery(sheets), sheets.connection()


def open_vault(settings: Settings) -> FileKeyVault:
    """The key ring; made on first use in the embedded default only."""
    settings.key_file.parent.mkdir(parents=True, exist_ok=True)
    return FileKeyVault(settings.key_file, create=settings.may_create_keys)


def mailer_of(settings: Settings, clock: Clock) -> Mailer:
    """The way out: SMTP, or the local outbox folder."""
    if settings.mail_url.startswith("outbox:"):
        return FolderMailer(settings.outbox_dir, settings.mail_from, clock=clock)
    allow = settings.mail_allow if settings.mode == "trial" else None
    return SmtpMailer(mail_server(settings.mail_url, "smtp"), settings.mail_from, clock=clock, allow=allow)


def signer_of(settings: Settings, clock: Clock) -> LetterSigner | None:
    """Who signs letters, if anybody does. Raises `BadInput` for a key that can't be used."""
    if settings.signing_key_file is None:
        return None
    return LetterSigner.from_file(settings.signing_key_file, password=settings.signing_password, clock=clock)


def inboxes_of(settings: Settings) -> dict[str, ImapInbox]:
    """Every mailbox that is read, by a name that says where it is."""
    servers = [mail_server(url, "imap") for url in settings.inbox_url]
    return {server.place: ImapInbox(server) for server in servers}


def scanner_of(settings: Settings) -> Clamd | None:
    """Who looks for malware in what strangers send, if anybody does."""
    return Clamd(scanner_address(settings.scanner_url)) if settings.scanner_url else None


def providers_of(register: Register, settings: Settings) -> dict[str, OidcProvider]:
    """Who vouches for people. Raises `BadInput` where a key or secret is not there or can't be used."""
    live = settings.mode == "live"
    return {
        name: OidcProvider(name, spec, environ=settings.environ, call=_calls_to(spec), live=live)
        for name, spec in register.controller.identity.providers.items()
    }


def _calls_to(spec: Provider) -> Call:
    service = Service(
        urlsplit(spec.issuer), spec.allow_private, ssl.create_default_context(), spec.timeout_seconds, _MOST_TOLD
    )

    def call(method: str, url: str, headers: Mapping[str, str], content: bytes) -> bytes:
        with Client(service) as client:
            return client.call(method, url, headers=headers, content=content).body

    return call


def process_name() -> str:
    """Who holds a step, for whoever looks at the table: machine and process."""
    return f"{socket.gethostname()[:40]}:{os.getpid()}"


def build(
    settings: Settings,
    *,
    bell: Bell | None = None,
    clock: Clock | None = None,
    render_pdf: bool = True,
    **parts: Any,
) -> Runtime:
    """One process's runtime. `parts` replace fields of `Runtime`, for tests.

    Raises `BadRegister` or `BadInput` with every mistake of the register, the keys or the secrets.
    """
    register = load_register(settings.register)
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    clock = clock or SystemClock()
    vault = open_vault(settings)
    sessions = open_sessions(open_engine(settings.database_url))
    throttle = Throttle(sessions, clock.now)
    marks = Marking(sessions, clock.now, key=vault.derive("source-marks"))
    wired: dict[str, Any] = {
        "settings": settings,
        "register": register,
        "sessions": sessions,
        "clock": clock,
        "bell": bell or NullBell(),
        "vault": vault,
        "blobs": FileBlobStore(settings.blobs_dir),
        "mailer": mailer_of(settings, clock),
        "documents": Documents(
            register,
            signing_key=vault.derive("package-signing"),
            render_pdf=render_pdf,
            signer=signer_of(settings, clock),
            trial=settings.simulates,
        ),
        "connectors": connectors_of(
            register, settings.environ, limiter=throttle, marks=marks, simulates=settings.simulates
        ),
        "holds": compile_rules(register.holds),
        "retained": compile_retention({code: c.keeps for code, c in register.categories.items() if c.keeps}),
        "erasure_kind": ErasureKinds(register),
        "stages": STAGES,
        "entries": ENTRIES,
        "changes": CHANGES,
        "hooks": SilentHooks() if settings.simulates else SignedHooks(settings.environ),
        "visitor": HttpVisitor(),
        "scanner": scanner_of(settings),
        "inboxes": inboxes_of(settings),
        "providers": providers_of(register, settings),
        "signatures": PdfSignatures.from_files(
            Path(register.folder), register.controller.identity.signature_roots, clock=clock
        ),
        "worker": process_name(),
    }
    return Runtime(**{**wired, **parts})
