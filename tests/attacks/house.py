"""A house under attack: portal and console on sockets of their own, a mailbox that takes mail, a way out for mail."""

import email
import re
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from email import policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from models.intake import Message
from models.request import Request
from models.vocabulary import RequestState, Role
from tests.attacks.outside import Browser, hand_over
from tests.fakes import SettableClock
from tests.mail_servers import SmtpSink, running_sink
from tests.processes import free_port
from tests.webhooks.desk import give_passwords
from tests.webhooks.test_events import NEW, OLD
from tests.world import _REGISTER, World, open_world, prepare, write_register
from webhooks.public import create_app as portal_app
from webhooks.staff import create_app as console_app
from workers.lmtp import Door
from workers.serving import Server
from workflows.rules.reference import parse_reference
from workflows.staffing import new_token
from workflows.views import find_request
from workflows.wiring import mailer_of

OUR_SERVER = "mx.shop.example"
CONTROLLER = (
    "{name: Shop Oy, email: office@shop.example, dpo: {name: Anna, email: dpo@shop.example},"
    f" delivery: {{objection_hours: 0}}, mail: {{authserv_ids: [{OUR_SERVER}]}}}}"
)
NOTE = "blue-heat-pump"
"""What stands on one order of Jane's, and nowhere else in the world."""
NUMBERS = {1: "C-1001", 2: "C-1002", 3: "C-1003"}
"""The customer numbers of Jane, Bob and Eve, who stand on paper that others see."""
PHONES = {1: "+358401111111", 2: "+358402222222", 3: "+358403333333"}
HETUS = {1: "010170-999R", 2: "010180-9026", 3: "010190-903A"}


@dataclass(slots=True, repr=False)
class House:
    """What runs, and what only its owner sees."""

    world: World
    portal: str
    console: str
    mailbox: int
    sink: SmtpSink

    def browser(self, **headers: str) -> Browser:
        """Somebody before the portal."""
        return Browser(self.portal, headers={k.replace("_", "-"): v for k, v in headers.items()})

    def desk(self, name: str = "") -> Browser:
        """A member of staff before the console, or nobody yet."""
        seat = Browser(self.console, cookies={"vastine_language": "en"})
        return seat.log_in(name) if name else seat

    def caller(self, role: Role = Role.CASEWORKER) -> Browser:
        """Another system with a token of the API."""
        with self.world.rt.unit() as session:
            token = new_token(session, self.world.rt, label=f"crm-{role.value}", role=role, days=30)
        return Browser(self.console, headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"})

    def mail(self, raw: EmailMessage | bytes) -> None:
        """A mail arrives, and whatever is due is done."""
        hand_over(self.mailbox, raw if isinstance(raw, bytes) else raw.as_bytes(policy=policy.SMTP))
        self.work()

    def work(self) -> None:
        """Whatever is due is done; mail leaves."""
        self.world.work()

    @property
    def sent(self) -> list[EmailMessage]:
        """Every mail that left, as it left."""
        return [email.message_from_bytes(m.content, policy=policy.default) for m in self.sink.messages]  # type: ignore[misc]

    def sent_to(self, address: str) -> list[EmailMessage]:
        """The mails whose envelope names this address, whatever their head says."""
        pairs = zip(self.sink.messages, self.sent, strict=True)
        return [mail for taken, mail in pairs if address in {r.lower() for r in taken.recipients}]

    @property
    def written_to(self) -> set[str]:
        """Every address that any mail went to."""
        return {r.lower() for taken in self.sink.messages for r in taken.recipients}

    def codes(self, address: str) -> list[str]:
        """The one-time codes that were sent to this address."""
        self.work()
        return [m[1] for mail in self.sent_to(address) if (m := re.search(r"\b(\d{8})\b", body_of(mail)))]

    def link(self, address: str, word: str = "fetch") -> str:
        """The path of the last link with this word that was sent there."""
        self.work()
        found = [
            m
            for mail in self.sent_to(address)
            for m in re.findall(rf"https?://[^/\s]+(/\S*/{word}/\S+)", body_of(mail))
        ]
        assert found, f"no mail has a link with {word}"
        return found[-1]

    def requests(self) -> list[Request]:
        """Every request on record, oldest first."""
        with self.world.rt.unit() as session:
            return list(session.scalars(select(Request).order_by(Request.registered_at, Request.id)))

    def messages(self) -> list[Message]:
        """Every message on record."""
        with self.world.rt.unit() as session:
            return list(session.scalars(select(Message).order_by(Message.arrived_at, Message.id)))

    def count(self, table: type) -> int:
        """Rows of a table."""
        with self.world.rt.unit() as session:
            return session.scalar(select(func.count()).select_from(table)) or 0

    def prove(self, who: Browser, page: str, address: str) -> None:
        """Type the code that was sent to this address; what follows is done."""
        code = self.codes(address)[-1]
        assert who.post(f"{page}/code", {"code": code}).status == 303
        self.work()

    def request_of(self, page: str) -> Request:
        """The request behind a page's address."""
        with self.world.rt.unit() as session:
            return find_request(session, parse_reference(page.split("/")[3]) or "")

    def unproven(self) -> bool:
        """Whether nobody was taken for anybody."""
        self.work()
        rows = [(r.state, r.proof_sealed, r.verified_method) for r in self.requests()]
        return bool(rows) and all(row == (RequestState.VERIFYING, None, None) for row in rows)

    def untouched(self) -> dict[str, list[tuple[Any, ...]]]:
        """Every record of every source, to be compared."""
        tables = {"shop": ("customer", "orders"), "billing": ("invoice",)}
        return {f"{s}.{t}": self.world.rows(s, t) for s, names in tables.items() for t in names}


def body_of(mail: EmailMessage) -> str:
    """The words of a mail."""
    part = mail.get_body(("plain",))
    return str(part.get_content()) if part is not None else ""


@contextmanager
def running_house(
    folder: Path,
    *,
    changes: Mapping[str, str] | None = None,
    settings: Mapping[str, str] | None = None,
    database_url: str = "",
    **parts: Any,
) -> Iterator[House]:
    """The house, in live mode. `changes` replace files of its register, `settings` are its environment's."""
    with ExitStack() as stack:
        sink = stack.enter_context(running_sink())
        environ = {
            **prepare(folder, database_url=database_url),
            "VASTINE_MODE": "live",
            "VASTINE_KEY_FILE": str(folder / "var" / "keys.json"),
            "VASTINE_MAIL_URL": sink.url,
            "VASTINE_MAIL_FROM": "Shop <answers@shop.example>",
            "VASTINE_WEBHOOK_SECRET": f"{NEW} {OLD}",
            **(settings or {}),
        }
        columns = (
            "          - {name: number, data_categories: [user.unique_id], fides_meta: {identity: customer_number}}\n"
        )
        columns += (
            "          - {name: hetu, data_categories: [user.government_id], fides_meta: {identity: national_id}}\n"
        )
        columns += "          - {name: phone, data_categories: [user.contact], fides_meta: {identity: phone_number}}\n"
        shop = _REGISTER["sources/shop.yaml"].replace("      - name: orders\n", columns + "      - name: orders\n", 1)
        write_register(
            folder / "register", {"controller.yaml": CONTROLLER, "sources/shop.yaml": shop, **(changes or {})}
        )
        clock = SettableClock()
        world = open_world(environ, clock=clock, mailer=parts.pop("mailer", None) or _way_out(environ, clock), **parts)
        stack.callback(world.close)
        _give_numbers(world)
        give_passwords(world)
        doors = [
            Server(app(world.rt), host="127.0.0.1", port=0, threads=4).start() for app in (portal_app, console_app)
        ]
        mailbox = Door(world.rt, host="127.0.0.1", port=free_port())
        mailbox.open()
        stack.callback(mailbox.stop)
        for door in doors:
            stack.callback(door.stop)
        portal, console = (f"http://127.0.0.1:{door.port}" for door in doors)
        yield House(world, portal, console, mailbox.port, sink)


def _way_out(environ: Mapping[str, str], clock: SettableClock) -> Any:
    from workflows.settings import Settings

    return mailer_of(Settings.from_environ(environ), clock)


def _give_numbers(world: World) -> None:
    world.execute("shop", f"UPDATE orders SET note = '{NOTE}' WHERE id = 1")
    for column in ("number VARCHAR(20)", "phone VARCHAR(20)", "hetu VARCHAR(11)"):
        world.execute("shop", f"ALTER TABLE customer ADD COLUMN {column}")
    for ident, number in NUMBERS.items():
        values = f"number = '{number}', phone = '{PHONES[ident]}', hetu = '{HETUS[ident]}'"
        world.execute("shop", f"UPDATE customer SET {values} WHERE id = {ident}")
