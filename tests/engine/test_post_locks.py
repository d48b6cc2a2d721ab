"""Sending mail takes its locks in the order that all others take them, so that nobody waits for ever."""

import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select

from models.delivery import Outbox
from models.request import Request
from models.vocabulary import Channel, OutboxState
from tests.world import JANE, make_world
from workflows import post


@pytest.mark.slow
def test_settling_a_mail_waits_for_the_request_before_it_takes_the_mail(
    fresh_postgres: Callable[[], str], tmp_path: Path
) -> None:
    world = make_world(tmp_path, database_url=fresh_postgres())
    ident = world.open(who=JANE, desk=False, channel=Channel.PORTAL)
    sent, done = threading.Event(), threading.Event()

    def hold_it_there(name: str) -> None:
        if name == "mail_sent" and not sent.is_set():
            sent.set()
            done.wait(20)  # until the other transaction has the request

    world.rt = replace(world.rt, failpoint=hold_it_there)
    sender = threading.Thread(target=post.send_all, args=(world.rt,))
    sender.start()
    assert sent.wait(20)
    with world.rt.unit() as session:
        session.get_one(Request, ident, with_for_update=True)
        done.set()
        sender.join(1)  # it is waiting now, for the request and without the mail's lock
        assert sender.is_alive()
        mine = select(Outbox).where(Outbox.request_id == ident).with_for_update(nowait=True)
        assert {row.state for row in session.scalars(mine)} == {OutboxState.SENDING}
    sender.join(20)
    with world.rt.unit() as session:
        states = set(session.scalars(select(Outbox.state).where(Outbox.request_id == ident)))
    world.close()
    assert states == {OutboxState.SENT}
