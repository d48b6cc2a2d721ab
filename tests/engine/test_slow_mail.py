"""A mail server that takes its time: no second process takes the mail for lost and sends it again."""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select

from models.delivery import Outbox
from models.vocabulary import Channel, OutboxState
from tests.fakes import RecordingMailer
from tests.world import World, open_world, prepare
from workflows import lease, post
from workflows.ports import OutgoingMail

_LONGEST_SECONDS = 20.0


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """The shop, where a lease is renewed every tenth of a second."""
    monkeypatch.setattr(lease, "_third", lambda: 0.1)
    made = open_world(prepare(tmp_path))
    yield made
    made.close()


class SlowMailer(RecordingMailer):
    """`Mailer` that does `meanwhile` once before it takes a mail."""

    def __init__(self, meanwhile: Callable[[], None]) -> None:
        super().__init__()
        self._meanwhile: Callable[[], None] | None = meanwhile

    def send(self, mail: OutgoingMail) -> None:
        """Keep one mail, late."""
        meanwhile, self._meanwhile = self._meanwhile, None
        if meanwhile is not None:
            meanwhile()
        super().send(mail)


def test_a_mail_that_takes_longer_than_a_lease_is_sent_once(world: World) -> None:
    ident = world.open(desk=False, channel=Channel.PORTAL)
    mine = select(Outbox).where(Outbox.request_id == ident)
    by_others: list[int] = []

    def minutes_pass() -> None:
        for _ in range(3):
            world.clock.advance(seconds=90)
            end = time.monotonic() + _LONGEST_SECONDS
            while time.monotonic() < end:
                with world.rt.unit() as session:
                    until = session.scalars(mine).one().lease_until
                if until == world.rt.now() + post.LEASE:
                    break
                time.sleep(0.02)
            by_others.append(post.send_all(world.rt))

    slow = SlowMailer(minutes_pass)
    post.send_all(replace(world.rt, mailer=slow))
    assert by_others == [0, 0, 0]
    assert (len(slow.sent), world.mailer.sent) == (1, [])
    with world.rt.unit() as session:
        row = session.scalars(mine).one()
        assert (row.state, row.attempts, row.lease_until) == (OutboxState.SENT, 1, None)


def test_a_mail_that_another_process_has_taken_is_not_taken_back(world: World) -> None:
    ident = world.open(desk=False, channel=Channel.PORTAL)
    with world.rt.unit() as session:
        claimed = post._claim(session, world.rt)
    assert claimed is not None
    world.clock.advance(seconds=121)
    assert post.send_all(world.rt) == 1
    world.clock.advance(seconds=1)
    post._renew(world.rt, claimed[0])
    with world.rt.unit() as session:
        row = session.scalars(select(Outbox).where(Outbox.request_id == ident)).one()
        assert (row.state, row.lease_until) == (OutboxState.SENT, None)
