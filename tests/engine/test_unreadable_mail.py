"""A mail that nobody can open any more is told, and holds up none of the mail behind it."""

from pathlib import Path

import pytest
from sqlalchemy import select

from models.delivery import Outbox
from models.request import DataKey, Request
from models.staff import HumanTask
from models.vocabulary import Channel, OutboxState, TaskKind
from tests.world import BOB, JANE, World, make_world
from workflows import engine, post
from workflows.messages import WORK


@pytest.fixture
def world(tmp_path: Path) -> World:
    return make_world(tmp_path)


def test_mail_whose_key_is_gone_fails_alone(world: World) -> None:
    first = world.open(who=JANE, desk=False, channel=Channel.PORTAL)
    second = world.open(who=BOB, desk=False, channel=Channel.PORTAL)
    engine.drain(world.rt, WORK)
    with world.rt.unit() as session:
        key = session.get_one(DataKey, session.get_one(Request, first).data_key_id)
        key.wrapped, key.destroyed_at = None, world.rt.now()
    post.send_all(world.rt)
    with world.rt.unit() as session:
        states = {
            who: set(session.scalars(select(Outbox.state).where(Outbox.request_id == who))) for who in (first, second)
        }
        told = session.scalars(select(HumanTask).where(HumanTask.kind == TaskKind.MAIL_FAILED)).all()
    assert states == {first: {OutboxState.FAILED}, second: {OutboxState.SENT}}
    assert {task.request_id for task in told} == {first}
    assert BOB in {mail.to for mail in world.mailer.sent}
