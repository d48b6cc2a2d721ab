"""Several mailboxes: one that fails or is silent is told, and stops none of the others."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from models.intake import Message
from models.mailbox import Mailbox
from models.staff import HumanTask
from models.vocabulary import TaskState
from tests.effort import examples
from tests.fakes import ListInbox
from tests.world import World, make_world
from workflows import mailboxes, mailroom
from workflows.errors import TryAgain
from workflows.rules.silence import too_silent, with_gap


class DeadInbox:
    """`Inbox` that does not let us in."""

    def fetch(self, limit: int) -> Iterator[tuple[str, bytes]]:
        raise TryAgain("inbox_login")
        yield

    def settle(self, handle: str) -> None:
        """Nothing was offered."""


@pytest.fixture
def world(tmp_path: Path) -> World:
    made = make_world(tmp_path)
    made.rt = replace(made.rt, inboxes={"a@mail/INBOX": DeadInbox(), "b@mail/INBOX": ListInbox()})
    return made


def deliver(world: World, number: int) -> None:
    box = world.rt.inboxes["b@mail/INBOX"]
    assert isinstance(box, ListInbox)
    box.append(f"From: x@y.example\r\nMessage-ID: <{number}@y.example>\r\n\r\nWhen are you open?".encode())


def tasks(world: World, code: str) -> list[HumanTask]:
    with world.rt.unit() as session:
        found = session.scalars(select(HumanTask).where(HumanTask.code == code)).all()
        session.expunge_all()
        return list(found)


def test_a_mailbox_that_does_not_let_us_in_stops_no_other(world: World) -> None:
    deliver(world, 1)
    assert mailroom.poll(world.rt) == 1
    with world.rt.unit() as session:
        assert session.get_one(Mailbox, "a@mail/INBOX").code == "inbox_login"
        assert session.get_one(Mailbox, "b@mail/INBOX").mail_at == world.rt.now()


def test_one_that_breaks_in_a_way_nobody_expected_stops_no_other_and_is_told(world: World) -> None:
    class BrokenInbox(DeadInbox):
        def fetch(self, limit: int) -> Iterator[tuple[str, bytes]]:
            raise UnicodeDecodeError("ascii", b"\xff", 0, 1, "of a server's answer")
            yield

    world.rt = replace(world.rt, inboxes={"a@mail/INBOX": BrokenInbox(), "b@mail/INBOX": ListInbox()})
    deliver(world, 1)
    assert mailroom.poll(world.rt) == 1
    world.clock.advance(hours=1)
    mailroom.poll(world.rt)
    assert len(tasks(world, "mailbox_failing")) == 1


def test_one_that_fails_for_an_hour_is_told_until_it_lets_us_in(world: World) -> None:
    mailroom.poll(world.rt)
    assert tasks(world, "mailbox_failing") == []
    world.clock.advance(hours=1)
    mailroom.poll(world.rt)
    mailroom.poll(world.rt)
    (task,) = tasks(world, "mailbox_failing")
    assert (task.state, task.facts["mailbox"]) == (TaskState.OPEN, "a@mail/INBOX")
    world.rt = replace(world.rt, inboxes={"a@mail/INBOX": ListInbox()})
    mailroom.poll(world.rt)
    assert tasks(world, "mailbox_failing")[0].state is TaskState.DONE


def test_a_mailbox_that_is_silent_for_longer_than_usual_is_told_until_mail_comes(world: World) -> None:
    for number in range(5):
        deliver(world, number)
        mailroom.poll(world.rt)
        world.clock.advance(hours=100)  # three times that is more than a week
    world.clock.advance(hours=150)
    mailroom.poll(world.rt)
    assert tasks(world, "mailbox_silent") == []
    world.clock.advance(hours=60)
    mailroom.poll(world.rt)
    (task,) = tasks(world, "mailbox_silent")
    assert task.state is TaskState.OPEN
    deliver(world, 9)
    mailroom.poll(world.rt)
    assert tasks(world, "mailbox_silent")[0].state is TaskState.DONE


def test_one_to_which_nobody_ever_wrote_is_told_after_the_time_that_is_set(world: World) -> None:
    world.rt = replace(world.rt, inboxes={"b@mail/INBOX": ListInbox()})
    mailroom.poll(world.rt)
    world.clock.advance(hours=169)
    mailroom.poll(world.rt)
    assert len(tasks(world, "mailbox_silent")) == 1


def test_a_silence_that_was_looked_at_is_told_again_when_it_goes_on_for_as_long(world: World) -> None:
    world.rt = replace(world.rt, inboxes={"b@mail/INBOX": ListInbox()})
    mailroom.poll(world.rt)
    world.clock.advance(hours=169)
    mailroom.poll(world.rt)
    with world.rt.unit() as session:
        task = session.scalars(select(HumanTask).where(HumanTask.code == "mailbox_silent")).one()
        mailboxes.close_task(session, world.rt, task, by="anna", answer="nothing_to_do")
    world.clock.advance(hours=100)
    mailroom.poll(world.rt)
    assert tasks(world, "mailbox_silent")[0].state is TaskState.DONE
    world.clock.advance(hours=100)
    mailroom.poll(world.rt)
    assert tasks(world, "mailbox_silent")[0].state is TaskState.OPEN


def test_what_is_too_large_in_two_mailboxes_is_two_messages(world: World) -> None:
    boxes = {name: ListInbox([b""]) for name in ("a@mail/INBOX", "b@mail/INBOX")}
    world.rt = replace(world.rt, inboxes=boxes)
    assert mailroom.poll(world.rt) == 2
    with world.rt.unit() as session:
        assert [m.why for m in session.scalars(select(Message))] == ["too_large", "too_large"]


@settings(max_examples=examples(200))
@given(st.lists(st.floats(0, 1e7), max_size=70), st.integers(0, 10_000), st.integers(1, 1_000))
def test_silence_is_never_told_before_the_time_that_is_set(gaps: list[float], quiet: int, least: int) -> None:
    told = too_silent(gaps, quiet=timedelta(hours=quiet), least=timedelta(hours=least))
    assert not (told and quiet <= least)
    assert told or quiet <= least or len(gaps) >= 3
    assert len(with_gap(gaps, 1.0)) <= 60
