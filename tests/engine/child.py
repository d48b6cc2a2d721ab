"""A process that does the whole story by itself until it is killed: `python -m tests.engine.child ENVIRONMENT`.

It reads orders from its standard input, one JSON object a line, and answers each with one. An order names a
border, the how-manieth time it is come by, and the signal to die of or to stop at; the story runs in a fork,
which opens its own connections like any process. A process that comes to the end of the story writes down how
often it came by each border.
"""

import json
import os
import re
import signal
import sys
import traceback
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event, select
from sqlalchemy.engine.default import DefaultDialect

from models.delivery import Outbox
from models.request import Request
from models.staff import HumanTask
from models.step import Step
from models.vocabulary import Letter, OutboxState, RequestState, Right, StepState, TaskKind, TaskState
from tests.fakes import NOON
from tests.world import World, open_world
from workflows import engine, mailroom, post, repair, sweeps
from workflows.ports import CaseFacts, Documents, OutgoingMail
from workflows.stages import verification

MAIL = (
    b"From: Jane <jane@shop.example>\r\nTo: office@shop.example\r\nMessage-ID: <1@elsewhere.example>\r\n"
    b"Subject: My data\r\n\r\n"
    b"Please send me a copy of all data that you hold about me, and then erase all my data.\r\n"
)
ROUNDS = 60
ANSWERS = 10  # the file descriptor of what was our standard output


class FileClock:
    """A clock in a file: it goes on when the processes have nothing to do, and outlives each of them."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def now(self) -> datetime:
        """What the file says."""
        return NOON + timedelta(seconds=int(self._path.read_text() or 0) if self._path.exists() else 0)

    def advance(self, seconds: int) -> None:
        """Go on, for everybody."""
        later = int((self.now() - NOON).total_seconds()) + seconds
        beside = self._path.with_suffix(f".{os.getpid()}")
        beside.write_text(str(later))
        beside.replace(self._path)


class JournalMailer:
    """Hands mail over to a file that survives kill -9: one JSON line a mail."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def send(self, mail: OutgoingMail) -> None:
        """Keep one mail, durably."""
        line = json.dumps([mail.message_id, mail.to, mail.subject, mail.body, mail.language]).encode() + b"\n"
        file = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        os.write(file, line)
        os.close(file)

    @property
    def sent(self) -> list[OutgoingMail]:
        """Every mail that was handed over."""
        lines = self._path.read_text().splitlines() if self._path.exists() else []
        return [OutgoingMail(*json.loads(line)) for line in lines]


class PlainLetters:
    """The documents, but for the letters' pages: drawing them takes longer than all the rest of the story."""

    def __init__(self, real: Documents) -> None:
        self._real = real

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def letter(self, letter: Letter, case: CaseFacts) -> bytes:
        """A letter that nobody reads."""
        return b"%PDF-1.7 " + letter.value.encode()


class Borders:
    """Counts each border, and dies or stops at one of them."""

    def __init__(self, order: Mapping[str, Any]) -> None:
        self._border, self._left = order.get("border"), order.get("hit", 1)
        self._signal = getattr(signal, f"SIG{order.get('signal', 'KILL')}")
        self.count: Counter[str] = Counter()

    def __call__(self, name: str) -> None:
        self.count[name] += 1
        if name == self._border:
            self._left -= 1
            if self._left == 0:
                os.kill(os.getpid(), self._signal)

    def watch_commits(self) -> None:
        """Every commit that writes, to whatever database, is two borders: right before it, right after it."""
        writes = False

        def look(*told: Any) -> None:
            nonlocal writes
            writes = writes or told[2].lstrip().upper().startswith(("INSERT", "UPDATE", "DELETE", "CREATE"))

        def watched(original: Any) -> Any:
            def do_commit(dialect: Any, connection: Any) -> None:
                nonlocal writes
                wrote, writes = writes, False
                if wrote:
                    self("before_commit")
                original(dialect, connection)
                if wrote:
                    self("after_commit")

            return do_commit

        event.listen(Engine, "before_cursor_execute", look)
        for dialect in {DefaultDialect, *_subclasses(DefaultDialect)}:
            if "do_commit" in vars(dialect):
                dialect.do_commit = watched(dialect.do_commit)


def _subclasses(cls: type) -> set[type]:
    return {c for direct in cls.__subclasses__() for c in (direct, *_subclasses(direct))}


def world_of(environ: Mapping[str, str]) -> World:
    """The world that all these processes share."""
    folder = Path(environ["VASTINE_DATA_DIR"])
    world = open_world(environ, clock=FileClock(folder / "clock"), mailer=JournalMailer(folder / "mails"))
    world.rt = replace(world.rt, documents=PlainLetters(world.rt.documents))
    return world


def play(world: World) -> None:
    """The story from wherever it is to its end: asked by mail, proven by code, approved by two, delivered, erased."""
    mailroom.receive(world.rt, MAIL)
    for _ in range(ROUNDS):
        sweeps.sweep(world.rt)
        did = engine.drain(world.rt) + post.send_all(world.rt)
        did += _answer_code(world) + _decide(world) + _set_going(world) + _see_to_mail(world)
        if not did:
            if at_its_end(world):
                return
            world.clock.advance(61)
    raise AssertionError("the story does not end")


def at_its_end(world: World) -> bool:
    """Whether both requests are closed and no mail is left to send."""
    with world.rt.unit() as session:
        states = session.scalars(select(Request.state)).all()
        unsent = session.scalars(
            select(Outbox.id).where(Outbox.state.in_((OutboxState.READY, OutboxState.SENDING)))
        ).all()
    return len(states) == 2 and set(states) == {RequestState.CLOSED} and not unsent


def _requests(world: World, state: RequestState) -> list[Request]:
    with world.rt.unit() as session:
        return list(session.scalars(select(Request).where(Request.state == state)))


def _answer_code(world: World) -> int:
    for request in _requests(world, RequestState.VERIFYING):
        for mail in world.mailer.sent:
            code = re.search(r"(?m)\b(\d{8})$", mail.body)
            if code and request.reference in mail.subject:
                with world.rt.unit() as session:
                    locked = session.get_one(Request, request.id, with_for_update=True)
                    return int(verification.answer(session, world.rt, locked, code[1]))
    return 0


def _decide(world: World) -> int:
    waiting = [r for r in _requests(world, RequestState.DECIDING) if r.right is Right.ERASURE]
    for request in waiting:
        world.approve(request.id, "anna", "ben")
    return len(waiting)


def _set_going(world: World) -> int:
    with world.rt.unit() as session:
        stuck = session.execute(select(Step.id, Step.request_id).where(Step.state == StepState.NEEDS_HUMAN)).all()
    for step_id, request_id in stuck:
        with world.rt.unit() as session:
            session.get_one(Request, request_id, with_for_update=True)
            repair.requeue(session, world.rt, session.get_one(Step, step_id), user="cleo")
    return len(stuck)


def _see_to_mail(world: World) -> int:
    """Staff find out what became of a mail whose sender died; what follows the mail waits until they have."""
    with world.rt.unit() as session:
        waiting = (HumanTask.kind == TaskKind.MAIL_FAILED, HumanTask.state == TaskState.OPEN)
        unclear = session.scalars(select(HumanTask.id).where(*waiting)).all()
    for ident in unclear:
        with world.rt.unit() as session:
            task, _ = repair.locked_task(session, ident)
            repair.close_by_word(session, world.rt, task, by="cleo", answer="done")
    return len(unclear)


def _in_a_fork(world: World, order: Mapping[str, Any]) -> int:
    pid = os.fork()
    if pid:
        return pid
    borders = Borders(order)
    borders.watch_commits()
    world.rt = replace(world.rt, failpoint=borders, worker=str(os.getpid()))
    try:
        play(world)
        Path(world.environ["VASTINE_DATA_DIR"], "borders").write_text(json.dumps(borders.count))
    except BaseException:  # noqa: BLE001  # a fork must not go on as its parent
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def main() -> None:
    """Obey until the input ends."""
    os.dup2(1, ANSWERS)
    os.dup2(2, 1)  # what anybody else says belongs into the log
    world = world_of(json.loads(Path(sys.argv[1]).read_text()))
    # Told once before the forks begin, so that they find everything loaded; no connection outlives this.
    play(world)
    world.close()
    _say(ready=True)
    for line in sys.stdin:
        order = json.loads(line)
        pid = order.get("pid") or _in_a_fork(world, order)
        if "pid" in order:
            os.kill(pid, signal.SIGCONT)
        _, status = os.waitpid(pid, os.WUNTRACED)
        stopped = os.WIFSTOPPED(status)
        code = 0 if stopped else os.waitstatus_to_exitcode(status)
        _say(pid=pid, stopped=stopped, code=code)


def _say(**answer: Any) -> None:
    os.write(ANSWERS, json.dumps(answer).encode() + b"\n")


if __name__ == "__main__":
    main()
