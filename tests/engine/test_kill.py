"""kill -9 at each border of the story, and whatever was left is finished by the next process, once."""

import json
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from models.delivery import Outbox
from models.intake import Message
from models.request import Request
from models.staff import HumanTask
from models.step import Step, StepAttempt
from models.vocabulary import OutboxState, Outcome, Right, StepState, TaskKind
from tests.engine.child import at_its_end, world_of
from tests.engine.invariants import Watch, clear
from tests.servers import PostgresServer
from tests.world import BILLING, SHOP, fill_source, prepare, write_register

ROOT = Path(__file__).parents[2]
KEPT = {"orders": [(3, 2, "his"), (4, 2, "his too")], "invoice": [72, 73], "customer": [2, 3]}

# A claim and a settlement are commits, and so among the borders already.
KILLED_AT = ("before_commit", "after_commit", "stored", "worked", "intended", "erased", "mail_sent")
# Where no transaction is open: nobody waits for the sleeper.
STOPPED_AT = ("claimed", "worked", "intended", "erased")

pytestmark = pytest.mark.slow


class Story:
    """One world, told from the start as often as one likes, by processes that die."""

    def __init__(self, folder: Path, environ: Mapping[str, str]) -> None:
        self.environ = environ
        (folder / "environ.json").write_text(json.dumps(dict(environ)))
        self._log = (folder / "log").open("wb")
        self._server = subprocess.Popen(
            [sys.executable, "-m", "tests.engine.child", str(folder / "environ.json")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            cwd=ROOT,
            text=True,
        )
        self._answer()
        self.world = world_of(environ)
        self.watch = Watch(may_send_twice=True)

    def restart(self) -> None:
        """Everything as it was before the first line."""
        clear(self.world)
        for source, script in (("shop", SHOP), ("billing", BILLING)):
            inserts = ";".join(s for s in script.split(";") if s.strip().startswith("INSERT"))
            fill_source(self.environ[f"{source.upper()}_URL"], inserts)
        data = Path(self.environ["VASTINE_DATA_DIR"])
        for name in ("clock", "mails"):
            (data / name).unlink(missing_ok=True)
        shutil.rmtree(data / "blobs", ignore_errors=True)
        (data / "blobs" / "tmp").mkdir(parents=True)
        self.watch = Watch(may_send_twice=True)
        self.watch.learn(self.world)

    def order(self, **order: Any) -> Mapping[str, Any]:
        """Have a process tell the story, up to a border if one is named; how it ended."""
        assert self._server.stdin is not None
        self._server.stdin.write(json.dumps(order) + "\n")
        self._server.stdin.flush()
        return self._answer()

    def _answer(self) -> Mapping[str, Any]:
        assert self._server.stdout is not None
        line = self._server.stdout.readline()
        assert line, Path(self._log.name).read_text()[-3000:]
        return dict(json.loads(line))

    def finish(self) -> None:
        """Let processes tell the rest of it; the first one that comes to the end ends well."""
        ended = self.order()
        assert ended["code"] == 0, Path(self._log.name).read_text()[-3000:]

    def borders(self) -> Counter[str]:
        """How often each border is come by in an undisturbed story."""
        self.restart()
        self.finish()
        self.check()
        return Counter(json.loads(Path(self.environ["VASTINE_DATA_DIR"], "borders").read_text()))

    def check(self) -> None:
        """Nothing lost, nothing twice, nothing unapproved; the story is at its end."""
        assert at_its_end(self.world)
        self.watch.check(self.world)
        assert [r[0] for r in self.world.rows("billing", "invoice")] == KEPT["invoice"]
        assert self.world.rows("shop", "orders") == KEPT["orders"]
        assert self.world.rows("shop", "customer")[0] == (1, None, "poistettu")
        assert [r[0] for r in self.world.rows("shop", "customer")[1:]] == KEPT["customer"]
        with self.world.rt.unit() as session:
            outcomes = dict(session.execute(select(Request.right, Request.outcome)).all())
            assert outcomes == {Right.ACCESS: Outcome.DELIVERED, Right.ERASURE: Outcome.ERASED}
            assert len(session.scalars(select(Message.id)).all()) == 1
            done = set(session.scalars(select(StepAttempt.step_id).where(StepAttempt.result == "done")))
            finished = set(session.scalars(select(Step.id).where(Step.state == StepState.DONE)))
            assert finished - done <= _decided(session), "a step is done that nobody settled"
            letters = Counter(session.scalars(select(Outbox.letter)))
            unknown = select(Outbox.letter).where(Outbox.state == OutboxState.UNKNOWN)
            asked = Counter(session.scalars(unknown))
            tasks = session.scalars(select(HumanTask.id).where(HumanTask.kind == TaskKind.MAIL_FAILED)).all()
        assert letters == {"acknowledgement": 2, "code": 1, "ready": 2}, letters
        assert asked in ({}, {"ready": 1}), "only a link may not be sent again without asking"
        assert len(tasks) == asked.total()
        different = {m.message_id for m in self.world.mailer.sent}
        assert letters.total() - asked.total() <= len(different) <= letters.total()
        assert len(self.world.mailer.sent) <= len(different) + 1

    def close(self) -> None:
        """End the server of this story."""
        assert self._server.stdin is not None
        self._server.stdin.close()
        self._server.wait(timeout=10)
        if self._server.stdout is not None:
            self._server.stdout.close()
        self._log.close()
        self.world.close()


def _decided(session: Any) -> set[Any]:
    return set(session.scalars(select(Step.id).where(Step.kind == "decide")))


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def story(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    """The story on each kind of database, Vastine's own and the sources' alike."""
    folder = tmp_path_factory.mktemp(request.param)
    if request.param == "sqlite":
        environ = prepare(folder)
    else:
        server: PostgresServer = request.getfixturevalue("postgres_server")
        urls = {name: server.create_database() for name in ("shop", "billing")}
        environ = prepare(folder, database_url=server.create_database(), source_urls=urls)
    # Nobody in this story fetches the copy, so that nothing waits for days.
    delivery = "{objection_hours: 0, keep_days_before_erasing: 0}"
    dpo = "{name: Anna, email: dpo@shop.example}"
    controller = f"{{name: Shop Oy, email: office@shop.example, dpo: {dpo}, delivery: {delivery}}}"
    write_register(folder / "register", {"controller.yaml": controller})
    told = Story(folder, environ)
    yield told
    told.close()


@pytest.fixture(scope="module")
def borders(story: Story) -> Counter[str]:
    """How often an undisturbed story comes by each border."""
    return story.borders()


@pytest.mark.parametrize("border", KILLED_AT)
def test_a_process_killed_there_loses_nothing_and_does_nothing_twice(
    story: Story, borders: Counter[str], border: str
) -> None:
    assert borders[border]
    for hit in range(1, borders[border] + 1):
        story.restart()
        died = story.order(border=border, hit=hit)
        assert died["code"] == -9, f"{border} {hit} was not come by"
        story.finish()
        try:
            story.check()
        except AssertionError as error:
            error.add_note(f"killed at {border} number {hit}")
            raise


@pytest.mark.parametrize("border", STOPPED_AT)
def test_a_process_that_slept_through_its_lease_changes_nothing_when_it_wakes(
    story: Story, borders: Counter[str], border: str
) -> None:
    assert borders[border]
    for hit in range(1, borders[border] + 1):
        story.restart()
        sleeper = story.order(border=border, hit=hit, signal="STOP")
        assert sleeper["stopped"], f"{border} {hit} was not come by"
        story.finish()
        woken = story.order(pid=sleeper["pid"])
        assert woken["code"] == 0
        story.check()
