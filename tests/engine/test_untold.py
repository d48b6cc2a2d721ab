"""What a person must hear of reaches somebody: an extension before anybody is proven, a question nobody answered."""

from contextlib import AbstractContextManager
from dataclasses import fields
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from models.asking import AskKind
from models.request import Request
from models.session import unit_of_work
from models.staff import HumanTask
from models.vocabulary import Channel, Right
from tests.world import World, make_world
from workflows import asking, silence
from workflows.casefile import Claim
from workflows.outbox import PRINT
from workflows.runtime import Runtime
from workflows.stages import decision, intake


@pytest.fixture
def world(tmp_path: Path) -> World:
    return make_world(tmp_path)


def extended(world: World, reply_to: str) -> list[str]:
    """Letters of the extension of an unproven request that a person is asked to print and post."""
    claim = Claim(identifiers={"email": "x@y.example"}, reply_to=reply_to)
    asked = intake.Asked(Right.ACCESS, "en", Channel.DESK, claim)
    with world.rt.unit() as session:
        request = intake.open_request(session, world.rt, asked).request
        decision.extend(session, world.rt, request, user="anna", reason="complexity")
    world.work()
    with world.rt.unit() as session:
        return [task.facts["letter"] for task in session.scalars(select(HumanTask).where(HumanTask.code == PRINT))]


def test_who_is_not_proven_yet_hears_of_an_extension_where_they_asked_from(world: World) -> None:
    printed = extended(world, "asks@elsewhere.example")
    told = [mail for mail in world.mailer.sent if mail.to == "asks@elsewhere.example" and "2026" in mail.body]
    assert len(told) == 2  # that it arrived, and that it takes longer
    assert printed == []


def test_an_extension_that_no_mail_can_tell_is_told_by_a_person(world: World) -> None:
    assert "extension" in extended(world, "")


class AnswersMeanwhile(Runtime):
    """The runtime of a process before whose second transaction the person answers."""

    units = 0

    def unit(self) -> AbstractContextManager[Session]:
        """As ever, but for the second."""
        AnswersMeanwhile.units += 1
        if AnswersMeanwhile.units == 2:
            with unit_of_work(self.sessions, self.bell.ring) as session:
                request = session.scalars(select(Request).with_for_update()).one()
                asking.answered(session, self, request, kind=AskKind.SPECIFICATION, by="anna")
        return unit_of_work(self.sessions, self.bell.ring)


def test_an_answer_that_comes_while_silence_is_noted_leaves_no_task(world: World) -> None:
    ident = world.open()
    with world.rt.unit() as session:
        request = session.get_one(Request, ident, with_for_update=True)
        asking.ask(session, world.rt, request, kind=AskKind.SPECIFICATION, wanted=["period"], by="anna")
    world.clock.advance(days=25)
    parts = {field.name: getattr(world.rt, field.name) for field in fields(world.rt)}
    assert silence.mind(AnswersMeanwhile(**parts)) == 0
    with world.rt.unit() as session:
        assert session.scalars(select(HumanTask).where(HumanTask.code == silence.SILENT)).all() == []
