"""kill -9 between the steps of an erasure on paper: the next process goes on, and two people did each thing once."""

import os
import shutil
import signal
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event, select
from sqlalchemy.orm import Session

from models.audit import AuditEntry
from models.erasure import Receipt
from models.hand import HandTick
from models.request import Request
from models.staff import HumanTask
from models.vocabulary import Outcome, ReceiptOutcome, RequestState, Right, TaskState
from tests.fakes import NOON, SettableClock
from tests.hand.archive import answer, confirm, found, numbers, open_archive, tick
from tests.world import World, open_world
from workflows.audit import broken_links

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
DEATHS = 16
"""So many of some hundred borders are died at, spread over the story; each death costs two processes."""


class Borders:
    """Counts beginnings and ends of commits and the engine's own borders, and dies at one of them."""

    def __init__(self, fatal: int) -> None:
        self.fatal, self.count = fatal, 0

    def __call__(self, *_told: Any) -> None:
        self.count += 1
        if self.count == self.fatal:
            os.kill(os.getpid(), signal.SIGKILL)


def tell(world: World) -> None:
    """Whatever is to be done next, by programs and by people, until the request is at its end."""
    for _ in range(30):
        world.work()
        with world.rt.unit() as session:
            request = session.scalar(select(Request))
            tasks = session.scalars(select(HumanTask.code).where(HumanTask.state == TaskState.OPEN)).all()
            ticks = {t.item_no: t.confirmed_by for t in session.scalars(select(HandTick))}
        if request is None:
            world.open(Right.ERASURE)
        elif request.state in (RequestState.CLOSED, RequestState.HELD):
            return
        elif "search_by_hand" in tasks:
            answer(world, request.id, found({"values": {"content": "one note"}}, {"values": {"content": "another"}}))
        elif request.state is RequestState.DECIDING:
            world.approve(request.id)
        elif "erase_by_hand" in tasks:
            for number in numbers(world, request.id):
                if number not in ticks:
                    tick(world, request.id, number)
                elif ticks[number] is None:
                    confirm(world, request.id, number)
        world.clock.advance(minutes=1)


def incarnation(environ: dict[str, str], later: timedelta, fatal: int) -> tuple[bool, int]:
    """A process that tells the story; whether it came to the end, and how many borders it came by."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            borders = Borders(fatal)
            world = open_world(environ, clock=SettableClock(NOON + later), failpoint=borders)
            event.listen(Engine, "commit", borders)
            event.listen(Session, "after_commit", borders)
            tell(world)
            os.write(writer, str(borders.count).encode())
            world.close()
            code = 0
        finally:
            os._exit(code)
    os.close(writer)
    _, status = os.waitpid(child, 0)
    told = os.read(reader, 20)
    os.close(reader)
    if not told:
        assert os.WIFSIGNALED(status), "the process failed by itself"
    return bool(told), int(told or b"0")


def check(environ: dict[str, str]) -> None:
    """Every item was ticked once and confirmed by another, has one receipt, and the record of it is whole."""
    world = open_world(environ)
    with world.rt.unit() as session:
        (request,) = session.scalars(select(Request)).all()
        assert (request.state, request.outcome) == (RequestState.CLOSED, Outcome.ERASED)
        ticks = session.scalars(select(HandTick)).all()
        assert [(t.done_by, t.confirmed_by, t.looked) for t in ticks] == [("cleo", "anna", True)] * 2
        receipts = session.scalars(select(Receipt)).all()
        assert len({(r.plan_id, r.item_no) for r in receipts}) == len(receipts)
        by_hand = {t.item_no for t in ticks}
        assert {r.outcome for r in receipts if r.item_no in by_hand} == {ReceiptOutcome.ERASED}
        told = session.scalars(select(AuditEntry.event)).all()
        assert (told.count("hand:ticked"), told.count("hand:confirmed"), told.count("hand:answered")) == (2, 2, 1)
        assert not session.scalars(select(HumanTask.code).where(HumanTask.state == TaskState.OPEN)).all()
        assert list(broken_links(session)) == []
    assert world.rows("shop", "customer")[0] == (1, None, "poistettu")
    world.close()


def test_an_erasure_on_paper_survives_deaths_all_over_its_story(tmp_path: Path) -> None:
    template = tmp_path / "template"
    world = open_archive(template)
    environ = dict(world.environ)
    world.close()

    def copy() -> dict[str, str]:
        place = tmp_path / "one"
        shutil.rmtree(place, ignore_errors=True)
        shutil.copytree(template, place)
        return {name: value.replace(str(template), str(place)) for name, value in environ.items()}

    here = copy()
    ended, borders = incarnation(here, timedelta(), fatal=0)
    assert ended
    assert borders > 50
    check(here)
    for fatal in range(3, borders, borders // DEATHS):
        here = copy()
        ended, _ = incarnation(here, timedelta(), fatal=fatal)
        assert not ended
        ended, _ = incarnation(here, timedelta(hours=1), fatal=0)
        assert ended
        check(here)
