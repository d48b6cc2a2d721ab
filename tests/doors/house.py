"""The small controller with real doors."""

from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from email import message_from_bytes, policy
from pathlib import Path

from sqlalchemy import select

from models.doors import DoorCanary
from models.request import Request
from models.staff import HumanTask
from models.vocabulary import Role, TaskState
from tests.fakes import ListInbox
from tests.mail_servers import SmtpSink
from tests.world import World, open_world, prepare
from webhooks.public import create_app as portal_app
from webhooks.staff import create_app as console_app
from workers.serving import Server
from workflows import mailroom
from workflows.doors import minding
from workflows.ports import Inbox
from workflows.runtime import Runtime
from workflows.staffing import new_token
from workflows.wiring import mailer_of

OFFICE = "office@shop.example"


@dataclass
class House:
    """What a test does with it."""

    world: World
    sink: SmtpSink
    ports: tuple[int, int]
    inbox: ListInbox = field(default_factory=ListInbox)

    @property
    def rt(self) -> Runtime:
        """Its runtime, as the worker's."""
        return self.world.rt

    def serve(self, stack: ExitStack) -> None:
        """Open portal and console."""
        for app, port in zip((portal_app, console_app), self.ports, strict=True):
            stack.callback(Server(app(self.rt), host="127.0.0.1", port=port, threads=2).start().stop)

    def deliver(self) -> int:
        """The post brings what the house sent to its own address; how many mails of ours were taken in."""
        mine = [m.content for m in self.sink.messages if OFFICE in m.recipients]
        for content in mine:
            self.inbox.append(content)
        self.sink.messages[:] = [m for m in self.sink.messages if OFFICE not in m.recipients]
        mailroom.poll(self.rt)
        return len(mine)

    def give_token(self) -> None:
        """Another system may use the API from now on."""
        with self.rt.unit() as session:
            new_token(session, self.rt, label="crm", role=Role.INTAKE, days=365)

    def canaries(self) -> dict[str, bool]:
        """Door to whether the last canary arrived."""
        with self.rt.unit() as session:
            rows = session.scalars(select(DoorCanary).order_by(DoorCanary.sent_at)).all()
        return {row.door: row.arrived_at is not None for row in rows}

    def alarms(self) -> list[str]:
        """The keys of the open alarms, after looking."""
        minding.mind(self.rt)
        with self.rt.unit() as session:
            return [task.key for task in minding.alarms(session)]

    def called(self) -> list[tuple[str, str]]:
        """(to, text) of the mails that reached anybody but ourselves."""
        self.world.work()
        mails = [(m.recipients[0], message_from_bytes(m.content, policy=policy.default)) for m in self.sink.messages]
        return [(to, mail.get_content()) for to, mail in mails if to != OFFICE]

    def traces(self) -> tuple[int, int]:
        """How many requests and open tasks there are."""
        with self.rt.unit() as session:
            requests = len(session.scalars(select(Request.id)).all())
            tasks = session.scalars(select(HumanTask.id).where(HumanTask.state == TaskState.OPEN)).all()
        return requests, len(tasks)

    def close(self) -> None:
        """Let go of everything."""
        self.world.close()


def open_house(folder: Path, sink: SmtpSink, *, ports: tuple[int, int], doors: str, more: dict[str, str]) -> House:
    """The house, with nobody at its doors yet."""
    environ = prepare(folder)
    told = folder / "register" / "controller.yaml"
    told.write_text(told.read_text(encoding="utf-8").rstrip("\n}") + f"}}{doors and f', doors: {doors}'}}}\n")
    environ |= {
        "VASTINE_PUBLIC_URL": f"http://127.0.0.1:{ports[0]}",
        "VASTINE_CONSOLE_URL": f"http://127.0.0.1:{ports[1]}",
        "VASTINE_MAIL_URL": sink.url,
        "VASTINE_MAIL_FROM": "Shop <vastine@shop.example>",
        "VASTINE_MAIL_ALLOW": "@shop.example",
        "VASTINE_INBOX_URL": "imap://office:pw@127.0.0.1/INBOX?tls=none",
        **more,
    }
    inbox = ListInbox()
    inboxes: dict[str, Inbox] = {"office@127.0.0.1/INBOX": inbox}
    world = open_world(environ, inboxes=inboxes)
    world.mailer = mailer_of(world.rt.settings, world.clock)
    world.rt = replace(world.rt, mailer=world.mailer)
    return House(world, sink, ports, inbox)
