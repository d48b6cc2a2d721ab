"""A small controller to try things on: a shop and its billing in two databases, three members of staff.

The shop is described as for Fides and nothing more; billing refers to it across databases and says what is
still owed, so an invoice may be held. Everything real but the clock and the way out for mail.
"""

import atexit
import shutil
import tempfile
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from models.migrate import upgrade
from models.request import Request
from models.staff import StaffUser
from models.vocabulary import Channel, Method, RequestState, Right, Role
from tests.fakes import RecordingMailer, SettableClock
from workers.idle import work_until_idle
from workflows import news
from workflows.adapters.broker import NullBell
from workflows.casefile import Claim
from workflows.ports import Bell, Clock, Mailer
from workflows.runtime import Runtime
from workflows.settings import Settings
from workflows.stages import decision, intake
from workflows.wiring import build

JANE, BOB, EVE = "jane@shop.example", "bob@shop.example", "eve@shop.example"
"""On file: Jane owes nothing, Bob still owes 40 euros, Eve has neither orders nor invoices."""

STAFF = {"anna": Role.DPO, "ben": Role.APPROVER, "cleo": Role.CASEWORKER}

SHOP = """
CREATE TABLE customer (id INTEGER PRIMARY KEY, email VARCHAR(80), name VARCHAR(60) NOT NULL);
CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id INTEGER REFERENCES customer (id), note VARCHAR(80));
INSERT INTO customer VALUES (1, 'jane@shop.example', 'Jane'), (2, 'bob@shop.example', 'Bob'),
  (3, 'eve@shop.example', 'Eve');
INSERT INTO orders VALUES (1, 1, 'first'), (2, 1, 'second'), (3, 2, 'his'), (4, 2, 'his too');
"""
BILLING = """
CREATE TABLE invoice (id INTEGER PRIMARY KEY, customer_no INTEGER NOT NULL, payer VARCHAR(60), owed NUMERIC(10, 2));
INSERT INTO invoice VALUES (70, 1, 'Jane', 0), (71, 1, 'Jane', 0), (72, 2, 'Bob', 40), (73, 2, 'Bob', 0);
"""
TABLES = {"shop": ("customer", "orders"), "billing": ("invoice",)}

_REGISTER = {
    "controller.yaml": "{name: Shop Oy, email: office@shop.example, dpo: {name: Anna, email: dpo@shop.example},"
    " delivery: {objection_hours: 0}}",
    "categories.yaml": """
- {code: C01, label: {fi: Asiakastiedot, sv: Kunduppgifter, en: Customer data}, keys: [user]}
- {code: C07, label: {fi: Laskut, sv: Fakturor, en: Invoices}, keys: [user.financial]}
""",
    "holds.yaml": """
- id: H06
  law: {act: 728/2003, sections: ["4"], gdpr: ["17(3)(e)"]}
  source: Finlex
  checked_on: 2026-01-15
  categories: {C07: all}
  trigger: open_balance > 0.0
  until: '""'
  text: {fi: Lasku on maksamatta., sv: Fakturan är obetald., en: The invoice is not paid.}
- id: H99
  law: {act: 1050/2018, gdpr: ["17(3)(e)"]}
  source: Finlex
  checked_on: 2026-01-15
  categories: {C01: all, C07: all}
  trigger: "false"
  until: '""'
  text: {fi: Asia on kesken., sv: Ärendet är öppet., en: The matter is open.}
""",
    "sources/shop.yaml": """
source: shop
kind: sql
connection: {url: {env: SHOP_URL}}
dataset:
  - fides_key: shop
    collections:
      - name: customer
        fields:
          - {name: id, data_categories: [user.unique_id], fides_meta: {primary_key: true, data_type: integer}}
          - {name: email, data_categories: [user.contact.email], fides_meta: {identity: email, data_type: string}}
          - {name: name, data_categories: [user.name], fides_meta: {data_type: string}}
      - name: orders
        fides_meta: {masking_strategy_override: {strategy: delete}}
        fields:
          - {name: id, data_categories: [system.operations], fides_meta: {primary_key: true, data_type: integer}}
          - name: customer_id
            data_categories: [user.unique_id]
            fides_meta: {data_type: integer, references: [{dataset: shop, field: customer.id, direction: from}]}
          - {name: note, data_categories: [user.content], fides_meta: {data_type: string}}
""",
    "sources/billing.yaml": """
source: billing
kind: sql
connection: {url: {env: BILLING_URL}}
dataset:
  - fides_key: billing
    collections:
      - name: invoice
        fides_meta: {masking_strategy_override: {strategy: delete}}
        fields:
          - {name: id, data_categories: [system.operations], fides_meta: {primary_key: true, data_type: integer}}
          - name: customer_no
            data_categories: [user.unique_id]
            fides_meta: {data_type: integer, references: [{dataset: shop, field: customer.id, direction: from}]}
          - {name: payer, data_categories: [user.name], fides_meta: {data_type: string}}
          - {name: owed, data_categories: [user.financial], fides_meta: {data_type: float}}
person:
  order: 10
  collections:
    invoice: {category: C07, facts: {open_balance: owed}}
""",
}


@dataclass(slots=True)
class World:
    """A runtime with its sources, and what a test does with them all the time."""

    rt: Runtime
    clock: Any
    mailer: Any
    sources: Mapping[str, sa.Engine]
    environ: Mapping[str, str]

    def open(
        self,
        right: Right = Right.ACCESS,
        who: str = JANE,
        *,
        desk: bool = True,
        language: str = "en",
        channel: Channel = Channel.DESK,
    ) -> uuid.UUID:
        """Open a request; `desk`: staff saw the person, else a code goes to the contact on file."""
        claim = Claim(identifiers={"email": who}, reply_to="asks@elsewhere.example")
        method, by = (Method.DESK, "cleo") if desk else (None, "person")
        asked = intake.Asked(right, language, channel, claim, method=method, by=by)
        with self.rt.unit() as session:
            return intake.open_request(session, self.rt, asked).request.id

    def request(self, ident: uuid.UUID) -> Request:
        """The request as it stands, detached."""
        with self.rt.unit() as session:
            return session.get_one(Request, ident)

    def state(self, ident: uuid.UUID) -> RequestState:
        """Where it stands."""
        return self.request(ident).state

    def tell(self, number: str, event: str = "invoice.opened", *, ident: str = "1", name: str = "record:shop") -> bool:
        """Another system tells something about the customer of this number."""
        with self.rt.unit() as session:
            return news.note(session, self.rt, sender="billing", ident=ident, event=event, names=[name], value=number)

    def approve(self, ident: uuid.UUID, *users: str) -> None:
        """Each of them approves the plan as it is now."""
        for user in users or ("anna", "ben"):
            with self.rt.unit() as session:
                request = session.get_one(Request, ident, with_for_update=True)
                decision.approve(session, self.rt, request, user=user)

    def work(self) -> int:
        """Do everything that is due; how many steps were run."""
        return work_until_idle(self.rt)

    def rows(self, source: str, table: str) -> list[tuple[Any, ...]]:
        """All rows of a source's table by their first column."""
        with self.sources[source].connect() as connection:
            return [tuple(row) for row in connection.execute(sa.text(f"SELECT * FROM {table} ORDER BY 1"))]

    def execute(self, source: str, statement: str) -> None:
        """Change a source behind everybody's back."""
        with self.sources[source].begin() as connection:
            connection.execute(sa.text(statement))

    def close(self) -> None:
        """Let go of every database."""
        for engine in (self.rt.sessions.kw["bind"], *self.sources.values()):
            engine.dispose()
        for connector in self.rt.connectors.values():
            with suppress(AttributeError):
                connector.dispose()  # type: ignore[attr-defined]


def write_register(folder: Path, changes: Mapping[str, str] | None = None) -> Path:
    """The register's files in `folder`; `changes` replace or add files."""
    for name, text in {**_REGISTER, **(changes or {})}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def fill_source(url: str, script: str) -> None:
    """Run the statements of a script on a database."""
    engine = source_engine(url)
    with engine.begin() as connection:
        for statement in filter(str.strip, script.split(";")):
            connection.exec_driver_sql(statement)
    engine.dispose()


def source_engine(url: str) -> sa.Engine:
    """An engine of the test's own for a source."""
    return sa.create_engine(url.replace("postgresql://", "postgresql+psycopg://", 1), pool_pre_ping=True)


def prepare(folder: Path, *, database_url: str = "", source_urls: Mapping[str, str] | None = None) -> dict[str, str]:
    """Register, filled sources, schema and staff, once; the environment that `open_world` and real commands take.

    `source_urls` name the databases of "shop" and "billing"; without them both are SQLite files in `folder`.
    """
    if not database_url and not source_urls:
        shutil.copytree(_on_sqlite(), folder, dirs_exist_ok=True)
        return _environ(folder, "", {})
    return _make(folder, _environ(folder, database_url, source_urls or {}))


@cache
def _on_sqlite() -> Path:
    """What `prepare` makes without other databases, made once in this process."""
    folder = Path(tempfile.mkdtemp(prefix="vastine-test-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    _make(folder, _environ(folder, "", {}))
    return folder


def _environ(folder: Path, database_url: str, source_urls: Mapping[str, str]) -> dict[str, str]:
    urls = dict(source_urls or {name: f"sqlite:///{folder / name}.db" for name in TABLES})
    return {
        "VASTINE_REGISTER": str(folder / "register"),
        "VASTINE_DATA_DIR": str(folder / "var"),
        "VASTINE_DATABASE_URL": database_url or f"sqlite:///{folder / 'vastine.db'}",
        "SHOP_URL": urls["shop"],
        "BILLING_URL": urls["billing"],
    }


def _make(folder: Path, environ: dict[str, str]) -> dict[str, str]:
    folder.mkdir(parents=True, exist_ok=True)
    write_register(folder / "register")
    fill_source(environ["SHOP_URL"], SHOP)
    fill_source(environ["BILLING_URL"], BILLING)
    rt = build(Settings.from_environ(environ), render_pdf=False)
    upgrade(rt.sessions.kw["bind"])
    with rt.unit() as session:
        for name, role in STAFF.items():
            session.add(
                StaffUser(
                    name=name,
                    role=role,
                    display_name=name.title(),
                    email=f"{name}@shop.example",
                    created_at=rt.now(),
                )
            )
    rt.sessions.kw["bind"].dispose()
    return environ


def open_world(
    environ: Mapping[str, str],
    *,
    clock: Clock | None = None,
    mailer: Mailer | None = None,
    bell: Bell | None = None,
    render_pdf: bool = False,
    build_runtime: Callable[..., Runtime] = build,
    **parts: Any,
) -> World:
    """A world over what `prepare` made; as many as one likes, like processes."""
    clock = clock or SettableClock()
    mailer = mailer or RecordingMailer()
    rt = build_runtime(
        Settings.from_environ(environ),
        bell=bell or NullBell(),
        clock=clock,
        mailer=mailer,
        render_pdf=render_pdf,
        **parts,
    )
    sources = {name: source_engine(environ[f"{name.upper()}_URL"]) for name in TABLES}
    return World(rt, clock, mailer, sources, environ)


def make_world(
    folder: Path, *, database_url: str = "", source_urls: Mapping[str, str] | None = None, **parts: Any
) -> World:
    """`prepare` and `open_world` in one."""
    return open_world(prepare(folder, database_url=database_url, source_urls=source_urls), **parts)


__all__ = [
    "BOB",
    "EVE",
    "JANE",
    "STAFF",
    "TABLES",
    "World",
    "fill_source",
    "make_world",
    "open_world",
    "prepare",
    "source_engine",
    "write_register",
]
