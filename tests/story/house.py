"""The demo company with everything real but the clock and the way out for mail, and what its people do all day."""

import base64
import hashlib
import json
import re
import uuid
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import select
from sqlalchemy.orm import Session

from models.migrate import upgrade
from models.request import Request
from models.session import open_engine
from models.staff import HumanTask, StaffUser
from models.vocabulary import Channel, Method, Right, TaskState
from tests.fakes import RecordingMailer, SettableClock
from tests.world import source_engine
from workers.idle import work_until_idle
from workflows import posting, views
from workflows.adapters.mailbox import ImapInbox
from workflows.answer import PACKAGE, fetch
from workflows.audit import broken_links
from workflows.casefile import Claim
from workflows.demo.build import AS_OF
from workflows.demo.planting import CAST, as_person, customer_number
from workflows.demo.stories import STAFF
from workflows.outbox import PRINT
from workflows.runtime import Runtime
from workflows.settings import Settings
from workflows.stages import decision, intake, verification
from workflows.wiring import build

ROOT = Path(__file__).parents[2]
TODAY = datetime(AS_OF.year, AS_OF.month, AS_OF.day, 8, 0, tzinfo=UTC)
TWO = ("anneli", "tuulikki")
"""Those who may approve: the approver and the data protection officer."""

WEBHOOK_SECRET = "whsec_" + base64.b64encode(hashlib.sha256(b"story").digest()).decode()

Row = frozenset[tuple[str, str]]
"""Column and text of one record."""

Dump = dict[tuple[str, str], set[Row]]
"""(source, table) to all its records."""

_CODE = re.compile(r"\b(\d{8})\b")


def prepare(database_url: str) -> None:
    """Schema and staff of an empty database."""
    engine = open_engine(database_url)
    upgrade(engine)
    with engine.begin() as connection:
        connection.execute(
            sa.insert(StaffUser),
            [
                {"name": n, "role": r, "display_name": n.title(), "email": f"{n}@staff.example", "created_at": TODAY}
                for n, r in STAFF
            ],
        )
    engine.dispose()


@dataclass(slots=True)
class House:
    """One process over the demo register. Requests go by their references."""

    rt: Runtime
    clock: SettableClock
    mailer: RecordingMailer
    folder: Path
    urls: Mapping[str, str]  # source name to database URL or file
    environ: Mapping[str, str]

    # What people do

    def ask(
        self,
        who: str | Mapping[str, str],
        right: Right = Right.ACCESS,
        *,
        desk: bool = True,
        language: str = "fi",
        reply_to: str = "",
        handed: bool = True,
        categories: Sequence[str] | None = None,
    ) -> str:
        """Open a request for one of the cast; `desk`: staff saw the person, else a code goes to the contact on file.

        At the desk staff print the acknowledgement and hand it over, unless `handed` says that nobody did.
        """
        given = dict(who) if isinstance(who, Mapping) else {"customer_number": str(customer_number(who))}
        claim = Claim(name=given.pop("name", ""), identifiers=given, reply_to=reply_to)
        method, by = (Method.DESK, "ilona") if desk else (None, "person")
        channel = Channel.DESK if desk else Channel.PORTAL
        with self.rt.unit() as session:
            asked = intake.Asked(right, language, channel, claim, method=method, by=by, categories=categories)
            request = intake.open_request(session, self.rt, asked).request
            if desk and handed and not reply_to:
                self._post(session, request, "handed_over", "kaspar")
            return request.reference

    def post_letters(self, reference: str, user: str = "kaspar") -> None:
        """Take to the post what waits to be printed."""
        with self.held(reference) as (session, request):
            self._post(session, request, "posted", user)

    def _post(self, session: Session, request: Request, how: str, user: str) -> None:
        session.flush()
        mine = (HumanTask.request_id == request.id, HumanTask.code == PRINT, HumanTask.state == TaskState.OPEN)
        for task in session.scalars(select(HumanTask).where(*mine)).all():
            posting.posted(session, self.rt, request, task, how=how, user=user)

    @contextmanager
    def held(self, reference: str) -> Iterator[tuple[Any, Request]]:
        """A session and the request, locked."""
        with self.rt.unit() as session:
            yield session, views.find_request(session, reference, lock=True)

    def answer(self, reference: str, code: str) -> bool:
        """Type a code."""
        with self.held(reference) as (session, request):
            return verification.answer(session, self.rt, request, code)

    def approve(self, reference: str, *users: str, plan_hash: str | None = None) -> int:
        """Each of them approves the plan as it is now; how many approvals are missing still."""
        missing = -1
        for user in users or TWO:
            with self.held(reference) as (session, request):
                missing = decision.approve(session, self.rt, request, user=user, plan_hash=plan_hash)
        return missing

    def work(self) -> int:
        """Do everything that is due; how many steps were run."""
        return work_until_idle(self.rt)

    def finish(self, who: str | Mapping[str, str], right: Right = Right.ACCESS) -> str:
        """Ask at the desk, have it approved by whoever must, work; the reference."""
        reference = self.ask(who, right)
        self.work()
        if self.state(reference) == "deciding":
            self.approve(reference, *(TWO if right is Right.ERASURE else TWO[1:]))
            self.work()
        return reference

    # What anybody may look at

    def show(self, reference: str) -> dict[str, Any]:
        """As `vastine request show`."""
        with self.rt.unit() as session:
            return views.show_request(session, self.rt, views.find_request(session, reference))

    def state(self, reference: str) -> str:
        """Where it stands."""
        return str(self.show(reference)["state"])

    def ended(self, reference: str) -> tuple[str, str | None]:
        """State and outcome."""
        shown = self.show(reference)
        return shown["state"], shown["outcome"]

    def plan(self, reference: str) -> dict[str, Any]:
        """As `vastine plan`."""
        with self.rt.unit() as session:
            return views.show_plan(session, self.rt, views.find_request(session, reference))

    def tasks(self, reference: str = "") -> list[HumanTask]:
        """Open tasks, of one request or of all."""
        with self.rt.unit() as session:
            query = select(HumanTask).where(HumanTask.state == TaskState.OPEN)
            if reference:
                query = query.where(HumanTask.request_id == views.find_request(session, reference).id)
            return list(session.scalars(query.order_by(HumanTask.created_at)))

    def mails_to(self, address: str) -> list[str]:
        """Subjects and texts of what was sent to an address."""
        return [f"{m.subject}\n{m.body}" for m in self.mailer.sent if m.to == address]

    def code_for(self, member: str) -> str:
        """The last code that went to the contact on file."""
        return last_code(self.mails_to(mail_of(member)))

    def file(self, reference: str, name: str = PACKAGE) -> Path:
        """A file of the answer, fetched as the person would, on disk."""
        path = self.folder / f"{uuid.uuid4().hex}-{name}"
        with self.held(reference) as (session, request):
            row, key = fetch(session, self.rt, request, name, actor="person")
        with self.rt.blobs.read(row.blob, key) as stream:
            path.write_bytes(stream.read())
        return path

    def chain_is_whole(self) -> bool:
        """Whether the audit verifies."""
        with self.rt.unit() as session:
            return not list(broken_links(session))

    # Behind everybody's back

    def execute(self, source: str, statement: str, **values: Any) -> None:
        """Change a source."""
        engine = source_engine(self.urls[source])
        with engine.begin() as connection:
            connection.execute(sa.text(statement), values)
        engine.dispose()

    def query(self, source: str, statement: str, **values: Any) -> list[tuple[Any, ...]]:
        """Read a source."""
        engine = source_engine(self.urls[source])
        with engine.connect() as connection:
            rows = [tuple(row) for row in connection.execute(sa.text(statement), values)]
        engine.dispose()
        return rows

    def dump(self) -> Dump:
        """Every record of every table of every source; the receipts of erasures aside."""
        found: Dump = {}
        for name, url in self.urls.items():
            if name == "perinta":
                head, *lines = (line.split("|") for line in Path(url).read_text("utf-8").splitlines())
                found[name, "toimeksianto"] = {frozenset(zip(head, line, strict=True)) for line in lines}
                continue
            engine = source_engine(url)
            with engine.connect() as connection:
                for table in sa.inspect(connection).get_table_names():
                    if not table.startswith("vastine"):
                        rows = connection.execute(sa.text(f"SELECT * FROM {table}")).mappings()
                        found[name, table] = {frozenset((c, str(v)) for c, v in row.items()) for row in rows}
            engine.dispose()
        return found

    def close(self) -> None:
        """Let go of every database and mailbox."""
        for inbox in self.rt.inboxes.values():
            if isinstance(inbox, ImapInbox):
                inbox.close()
        self.rt.sessions.kw["bind"].dispose()
        for connector in self.rt.connectors.values():
            with suppress(AttributeError):
                connector.dispose()  # type: ignore[attr-defined]

    def again(
        self, *, register: Path | None = None, settings: Mapping[str, str] | None = None, **parts: Any
    ) -> "House":
        """Another process over the same databases, perhaps with another register or other settings."""
        environ = {**self.environ, **(settings or {}), **({"VASTINE_REGISTER": str(register)} if register else {})}
        return open_house(self.folder, self.urls, environ, clock=self.clock, mailer=self.mailer, **parts)


def open_house(
    folder: Path,
    urls: Mapping[str, str],
    environ: Mapping[str, str],
    *,
    clock: SettableClock | None = None,
    mailer: Any = None,
    render_pdf: bool = False,
    build_runtime: Callable[..., Runtime] = build,
    **parts: Any,
) -> House:
    """A process over filled sources and a prepared database. Mail is recorded, or sent if settings say where."""
    clock = clock or SettableClock(TODAY)
    settings = Settings.from_environ(environ)
    mailer = mailer or RecordingMailer()
    if "VASTINE_MAIL_URL" not in environ:
        parts["mailer"] = mailer
    rt = build_runtime(settings, clock=clock, render_pdf=render_pdf, **parts)
    return House(rt, clock, mailer, folder, urls, environ)


def mail_of(member: str) -> str:
    """The address on file of one of the cast."""
    return as_person(next(m for m in CAST if m.slug == member)).email


def last_code(mails: list[str]) -> str:
    """The code in the last mail that has one."""
    codes = [found[1] for text in mails if (found := _CODE.search(text))]
    assert codes, "no code was sent"
    return codes[-1]


def records_of(package: Path) -> dict[str, list[dict[str, Any]]]:
    """Collection to its records, from the package's JSON files."""
    found: dict[str, list[dict[str, Any]]] = {}
    with zipfile.ZipFile(package) as files:
        for name in files.namelist():
            if name.startswith("data/") and name.endswith(".json"):
                data = json.loads(files.read(name))
                found.setdefault(data["collection"], []).extend(data["records"])
    return found
