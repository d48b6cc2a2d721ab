"""Broker and database fall over under real workers, and everything that was asked is answered, once."""

import os
import signal
import subprocess
import sys
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import date, timedelta
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from models.delivery import Outbox
from models.request import Reminder, Request
from models.vocabulary import Channel, Letter, Method, OutboxState, RequestState, Right
from tests.engine.invariants import Watch
from tests.mail_servers import SmtpSink, running_sink
from tests.processes import open_folder
from tests.servers import PostgresServer, RedisServer
from tests.world import JANE, World, open_world, prepare
from workers.app import make_app
from workflows.adapters.broker import CeleryBell
from workflows.adapters.clock import SystemClock
from workflows.casefile import Claim
from workflows.ports import OutgoingMail
from workflows.settings import Settings
from workflows.stages import intake

ROOT = Path(__file__).parents[2]
MANY = 10
PATIENCE_S = 150

pytestmark = pytest.mark.slow


class SinkReader:
    """What the mail server took, as mails."""

    def __init__(self, sink: SmtpSink) -> None:
        self._sink = sink

    @property
    def sent(self) -> list[OutgoingMail]:
        """Every mail so far."""
        found = []
        for received in self._sink.messages:
            mail = message_from_bytes(received.content, policy=policy.default)
            found.append(OutgoingMail(mail["Message-ID"], mail["To"], mail["Subject"], mail.get_content(), "en"))
        return found


@dataclass
class House:
    """Two workers and two schedules over one PostgreSQL, one Redis and one mail server."""

    postgres: PostgresServer
    redis: RedisServer
    world: World
    bell: CeleryBell
    environ: dict[str, str]
    folder: Path
    watch: Watch
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(self, name: str) -> None:
        """A process of the command line, by the name of its command and a number."""
        with (self.folder / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                [sys.executable, "-m", "tests.engine.fast", name.partition("-")[0]],
                env={**os.environ, **self.environ},
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def kill(self, name: str) -> None:
        """kill -9 for it and all its children."""
        process = self.processes.pop(name)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def ask(self, right: Right = Right.ACCESS, *, received_on: date | None = None) -> uuid.UUID:
        """Open a request like a door does; it must not wait for the broker, whatever the broker does."""
        # Each from an address of its own: to one address only so many mails go in a day.
        claim = Claim(identifiers={"email": JANE}, reply_to=f"{uuid.uuid4().hex}@elsewhere.example")
        asked = intake.Asked(right, "en", Channel.DESK, claim, method=Method.DESK, by="cleo", received_on=received_on)
        with self.world.rt.unit() as session:
            ident = intake.open_request(session, self.world.rt, asked).request.id
        self.watch.opened[ident] = right
        return ident

    def wait_until(self, true: Callable[[], bool]) -> None:
        """Return when it is so; fail with the logs if it never becomes so."""
        give_up_at = time.monotonic() + PATIENCE_S
        while not self._is(true):
            if time.monotonic() > give_up_at:
                logs = "".join(p.read_text(errors="replace")[-1500:] for p in sorted(self.folder.glob("*.log")))
                pytest.fail(f"it never came to be: {self.states()}\n{logs}")
            time.sleep(0.2)

    @staticmethod
    def _is(true: Callable[[], bool]) -> bool:
        """A look that the database ended, since this process had no turn for too long, is a look that saw nothing."""
        try:
            return true()
        except SQLAlchemyError:
            return False

    def states(self) -> Counter[str]:
        """How many requests are in which state, and mails."""
        with self.world.rt.unit() as session:
            states = Counter(state.value for state in session.scalars(select(Request.state)))
            states.update(f"mail {state.value}" for state in session.scalars(select(Outbox.state)))
            return states

    def all_closed(self) -> bool:
        """Whether everything that was asked is answered and the answers are out."""
        with self.world.rt.unit() as session:
            states = session.scalars(select(Request.state)).all()
            waiting = (OutboxState.READY, OutboxState.SENDING)
            unsent = session.scalars(select(Outbox.id).where(Outbox.state.in_(waiting))).first()
        return set(states) <= {RequestState.CLOSED, RequestState.DECIDING} and unsent is None

    def some_closed(self) -> bool:
        """Whether the work is in full swing."""
        with self.world.rt.unit() as session:
            mine = select(Request.id).where(Request.id.in_(self.watch.opened), Request.state == RequestState.CLOSED)
            open_ones = select(Request.id).where(Request.state != RequestState.CLOSED)
            return session.scalars(mine).first() is not None or session.scalars(open_ones).first() is None

    def check(self) -> None:
        """Every request asked for has its answer, and every invariant holds."""
        self.watch.check(self.world)
        with self.world.rt.unit() as session:
            for ident, right in self.watch.opened.items():
                state = session.get_one(Request, ident).state
                assert state is (RequestState.CLOSED if right is Right.ACCESS else RequestState.DECIDING)


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    """The house with everything running."""
    with ExitStack() as stack:
        folders = [stack.enter_context(open_folder()) for _ in range(3)]
        postgres, redis = PostgresServer(folders[0]), RedisServer(folders[1])
        stack.callback(postgres.stop)
        stack.callback(redis.stop)
        sink = stack.enter_context(running_sink())
        folder = folders[2]
        urls = {name: postgres.create_database() for name in ("shop", "billing")}
        environ = prepare(folder, database_url=postgres.create_database(), source_urls=urls)
        environ |= {
            "VASTINE_BROKER_URL": redis.url,
            "VASTINE_KEY_FILE": str(folder / "var" / "keys.json"),
            "VASTINE_MAIL_URL": sink.url,
            "VASTINE_MAIL_FROM": "office@localhost",
            "VASTINE_MAIL_ALLOW": "@shop.example,@elsewhere.example",
        }
        bell = CeleryBell(make_app(Settings.from_environ(environ)))
        world = open_world(environ, clock=SystemClock(), mailer=SinkReader(sink), bell=bell)  # type: ignore[arg-type]
        stack.callback(world.close)
        watch = Watch(may_send_twice=True)
        watch.learn(world)
        made = House(postgres, redis, world, bell, environ, folder, watch)
        for name in ("worker-1", "worker-2", "beat-1", "beat-2"):
            made.start(name)
        stack.callback(lambda: [made.kill(name) for name in list(made.processes)])
        yield made


def begin(house: House) -> None:
    house.watch.opened.clear()
    for _ in range(MANY):
        house.ask()


def end(house: House) -> None:
    house.wait_until(house.all_closed)
    house.check()


def test_emptying_the_broker_again_and_again_loses_nothing(house: House) -> None:
    begin(house)
    for _ in range(5):
        house.redis.flush()
        house.ask()
    end(house)


def test_with_a_frozen_broker_requests_are_taken_in_and_answered_after_it(house: House) -> None:
    house.redis.freeze()
    begin(house)  # returns although nobody hears the bell
    with house.world.rt.unit() as session:
        assert len(session.scalars(select(Request.id).where(Request.id.in_(house.watch.opened))).all()) == MANY
    house.redis.thaw()
    end(house)


def test_a_broker_that_dies_and_comes_back_empty_loses_nothing(house: House) -> None:
    begin(house)
    house.redis.kill()
    house.ask()
    house.redis.start()
    end(house)


def test_a_database_that_dies_in_the_middle_loses_nothing(house: House) -> None:
    begin(house)
    house.wait_until(house.some_closed)
    house.postgres.kill()
    house.postgres.start()
    end(house)


def test_a_worker_that_is_killed_in_the_middle_loses_nothing(house: House) -> None:
    begin(house)
    house.wait_until(house.some_closed)
    house.kill("worker-1")
    house.start("worker-1")
    end(house)


def test_two_schedules_remind_once(house: House) -> None:
    house.watch.opened.clear()
    house.ask(Right.ERASURE, received_on=house.world.rt.today() - timedelta(days=25))

    def reminded() -> bool:
        with house.world.rt.unit() as session:
            return session.scalars(select(Reminder.id).where(Reminder.sent)).first() is not None

    house.wait_until(reminded)
    house.ask()  # while this is answered both schedules ring many times
    end(house)
    with house.world.rt.unit() as session:
        rungs = Counter(map(tuple, session.execute(select(Reminder.rung, Reminder.recipient))))
        mails = select(Outbox).where(Outbox.letter == Letter.REMINDER.value)
        sent = [f"<{row.id}@localhost>" for row in session.scalars(mails)]
    assert max(rungs.values()) == 1
    heard: Any = Counter(mail.message_id for mail in house.world.mailer.sent)
    assert sent
    assert all(heard[ident] == 1 for ident in sent)
