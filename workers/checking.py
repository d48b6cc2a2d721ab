"""Everything `vastine check` looks at: each finding says what is, and how to mend it."""

import shutil
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Protocol, runtime_checkable

from sqlalchemy.exc import SQLAlchemyError

from models.migrate import is_current
from models.session import open_engine, open_sessions
from workers.checking_letters import check_letters, check_signing
from workers.checking_scanner import check_scanner
from workers.finding import Finding, of_fault
from workers.queues import LIMITS
from workflows import news
from workflows.errors import BadInput, VastineError
from workflows.messages import QUEUES
from workflows.ports import Connector, ProvesPrivileges
from workflows.register.categories import declared_facts
from workflows.register.check import advice_on, check_folder
from workflows.register.load import load_register
from workflows.register.model import Register
from workflows.rules.hold_ends import never_ending
from workflows.rules.holds import compile_rules, not_applying
from workflows.settings import Settings
from workflows.trial import leftovers

_LEAST_FREE_BYTES = 1 << 30
_MENDED_IN = ((3, 11, 9), (3, 12, 4), (3, 13, 0))
"""Python releases from which the standard library's mail parser refuses header injection by itself."""


@runtime_checkable
class CanBeReadOnly(Protocol):
    """A connector that can tell whether its source lets itself be changed at all."""

    def read_only(self) -> bool:
        """Whether nothing can be erased in it."""
        ...


def offline(told: Settings) -> Iterator[Finding]:
    """All that can be said without connecting anywhere but to our own database."""
    for name, shown, origin in told.origins():
        yield Finding("settings", name, "ok", shown or "(empty)", f"from {origin}")
    yield from _machine(told)
    yield from _keys(told)
    yield from check_signing(told)
    yield from _database(told)
    faults = check_folder(told.register)
    yield from (of_fault("register", fault, "fail") for fault in faults)
    if faults:
        return
    register = load_register(told.register)
    found = f"{register.controller.name}: {len(register.sources)} sources, {len(register.categories)} categories"
    yield Finding("register", str(told.register), "ok", found)
    today = datetime.now(UTC).date()
    yield from (of_fault("register", fault, "warn") for fault in advice_on(told.register, today=today))
    yield from _hold_rules(register)
    yield from check_letters(register)
    yield from _secrets(told, register)


def online(told: Settings) -> Iterator[Finding]:
    """What is reachable: sources, mail servers, broker."""
    from workflows.wiring import connectors_of  # noqa: PLC0415

    if not check_folder(told.register):
        register = load_register(told.register)
        try:
            connectors = connectors_of(register, told.environ)
        except BadInput:
            connectors = {}  # said already: a secret is missing
        for name, connector in sorted(connectors.items()):
            yield _source(name, connector)
            yield from _privileges(name, connector)
    yield from _events(told)
    yield from _mail(told)
    yield from check_scanner(told)
    if not told.embedded:
        yield _broker(told)


def _machine(told: Settings) -> Iterator[Finding]:
    now = sys.version_info[:3]
    mended = any(now[:2] == least[:2] and now >= least for least in _MENDED_IN) or now >= (3, 13)
    version = ".".join(map(str, now))
    yield (
        Finding("machine", "python", "ok", version)
        if mended
        else Finding("machine", "python", "warn", f"{version} has known faults", "take the newest patch release of it")
    )
    folder = told.data_dir
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    text = f"{free >> 30} GiB free for {told.data_dir}"
    few = free < _LEAST_FREE_BYTES
    yield Finding("machine", "disk", "warn" if few else "ok", text, "make room" if few else "")
    missing = set(QUEUES) - set(LIMITS)
    if missing:
        yield Finding("machine", "queues", "fail", f"no limits for {', '.join(sorted(missing))}", "this is our fault")


def _keys(told: Settings) -> Iterator[Finding]:
    from workflows.wiring import open_vault  # noqa: PLC0415

    if told.may_create_keys and not told.key_file.exists():
        yield Finding("keys", told.key_file.name, "ok", "is made at first use; keep a copy of it")
        return
    try:
        vault = open_vault(told)
    except BadInput as bad:
        yield from (of_fault("keys", fault, "fail") for fault in bad.faults)
        return
    yield Finding("keys", told.key_file.name, "ok", f"{len(vault.master_keys)} master keys, current {vault.master_key}")
    if told.key_file.parent == told.data_dir and told.mode == "live":
        remedy = "move it elsewhere and set VASTINE_KEY_FILE"
        yield Finding("keys", told.key_file.name, "warn", "lies beside the data: one backup would hold both", remedy)


def _database(told: Settings) -> Iterator[Finding]:
    name = told.database_url.partition(":")[0]
    if name == "sqlite":
        from pathlib import Path  # noqa: PLC0415

        path = Path(told.database_url.removeprefix("sqlite:///"))
        if not path.exists():
            yield Finding("database", name, "ok", "is made at first use")
            return
        if told.mode == "live":
            yield Finding("database", name, "warn", "SQLite serves one process", "use PostgreSQL for several")
    engine = open_engine(told.database_url)
    try:
        current = is_current(engine)
    except Exception as error:  # noqa: BLE001  # whatever the driver says may hold the address
        remedy = "is it running, and is VASTINE_DATABASE_URL right?"
        yield Finding("database", name, "fail", f"does not answer ({type(error).__name__})", remedy)
        return
    finally:
        engine.dispose()
    if current:
        yield Finding("database", name, "ok", "has this release's schema")
        yield from _whose(told)
    elif name == "sqlite":
        yield Finding("database", name, "ok", "is brought to this release's schema at the next start")
    else:
        yield Finding("database", name, "fail", "has another release's schema", "run `vastine db upgrade`")


def _whose(told: Settings) -> Iterator[Finding]:
    """Whether the database goes with the mode, and what the mode means."""
    engine = open_engine(told.database_url)
    try:
        with open_sessions(engine)() as session:
            fault = leftovers(session, told)
    finally:
        engine.dispose()
    if fault is not None:
        yield of_fault("database", fault, "fail")
    if told.simulates:
        yield Finding("mode", "trial", "ok", "nothing is written in a source; pages, mails and letters say so")
    elif told.mode == "trial":
        yield Finding("mode", "not set", "ok", "mail is held back as in a trial, and what is approved is really erased")


def _hold_rules(register: Register) -> Iterator[Finding]:
    try:
        compiled = compile_rules(register.holds)
    except VastineError as error:
        yield Finding("holds", "holds.yaml", "fail", error.detail, "mend the rule")
        return
    active = sum(rule.active for rule in register.holds)
    text = f"{active} of {len(register.holds)} rules in force, for {len(compiled.by_category)} categories"
    yield Finding("holds", "holds.yaml", "ok", text)
    for rule in never_ending(compiled):
        what = f"the last day of {rule} moves on with today, so it never ends"
        yield Finding("holds", "holds.yaml", "warn", what, "count `until` from a fact of the record")
    for source in register.sources.values():
        for collection, category, declared in declared_facts(register, source):
            for rule in not_applying(compiled, category, declared):
                what = f"`{collection}` ({category}) tells none of the facts that {rule} looks at, so it never applies"
                remedy = f"declare them under `person.collections.{collection}.facts`, if the rule is meant for it"
                yield Finding("holds", source.file, "warn", what, remedy)


def _secrets(told: Settings, register: Register) -> Iterator[Finding]:
    from workflows.wiring import connector_of  # noqa: PLC0415

    for name, spec in sorted(register.sources.items()):
        try:
            connector_of(spec, register, told.environ)
        except BadInput as bad:
            yield from (of_fault(f"source {name}", fault, "fail") for fault in bad.faults)
        except VastineError as error:
            yield Finding("sources", name, "fail", error.detail, "mend its connection")
        else:
            yield Finding("sources", name, "ok", "its connection is complete; `--online` connects")


def _source(name: str, connector: Connector) -> Finding:
    try:
        connector.health()
        read_only = isinstance(connector, CanBeReadOnly) and connector.read_only()
    except VastineError as error:
        return Finding("online", name, "fail", f"{error.detail} ({error.code})", "mend the source or its description")
    if read_only:
        text = "answers as described, but is set to read only: an erasure stops before it"
        return Finding("online", name, "warn", text, "let Vastine's user write, or erase here by hand")
    return Finding("online", name, "ok", "answers as described")


def _privileges(name: str, connector: Connector) -> Iterator[Finding]:
    """Whether the users of a source may do no more than their work needs; a source that is away has its own line."""
    if not isinstance(connector, ProvesPrivileges):
        return
    try:
        found = connector.privileges()
    except VastineError:
        return
    for one in found:
        yield Finding("privileges", f"{name} {one.who}", one.status, one.text, one.remedy)


def _events(told: Settings) -> Iterator[Finding]:
    """Whether the senders of events name people as the register does shows only in the cases they met."""
    if not told.webhook_secret:
        return
    engine = open_engine(told.database_url)
    try:
        with open_sessions(engine).begin() as session:
            kept, none = news.counts(session)
    except SQLAlchemyError:
        return  # the database has its own line
    finally:
        engine.dispose()
    text = f"{kept} events in 30 days, {none} of them met no case"
    yield Finding("online", "events", "ok", text, "see docs/reference/events.md" if kept and none == kept else "")


def _mail(told: Settings) -> Iterator[Finding]:
    from workflows.adapters.clock import SystemClock  # noqa: PLC0415
    from workflows.adapters.mail import SmtpMailer  # noqa: PLC0415
    from workflows.adapters.mailbox import ImapInbox  # noqa: PLC0415
    from workflows.setting_values import mail_server  # noqa: PLC0415

    if not told.mail_url.startswith("outbox:"):
        smtp = SmtpMailer(mail_server(told.mail_url, "smtp"), told.mail_from, clock=SystemClock())
        try:
            smtp.reach()
        except VastineError as error:
            yield Finding("online", "VASTINE_MAIL_URL", "fail", f"{error.detail} ({error.code})", "check the address")
        else:
            yield Finding("online", "VASTINE_MAIL_URL", "ok", "the mail server lets us in")
    for url in told.inbox_url:
        server = mail_server(url, "imap")
        inbox = ImapInbox(server)
        try:
            list(inbox.fetch(0))
        except VastineError as error:
            text = f"{server.place}: {error.detail} ({error.code})"
            yield Finding("online", "VASTINE_INBOX_URL", "fail", text, "check the address")
        else:
            yield Finding("online", "VASTINE_INBOX_URL", "ok", f"the mailbox lets us in: {server.place}")
        finally:
            inbox.close()


def _broker(told: Settings) -> Finding:
    from workers.app import make_app  # noqa: PLC0415

    try:
        with make_app(told).connection_for_write(connect_timeout=3) as connection:
            connection.ensure_connection(max_retries=1, timeout=3)
    except Exception as error:  # noqa: BLE001  # whatever the driver says may hold the address
        remedy = "is Redis running, and is VASTINE_BROKER_URL right? Work goes on by the sweep once it is"
        return Finding("online", "VASTINE_BROKER_URL", "fail", f"does not answer ({type(error).__name__})", remedy)
    return Finding("online", "VASTINE_BROKER_URL", "ok", "answers")


__all__ = ["Finding", "offline", "online"]
