"""Mail over LMTP: taken only when it is kept, with an answer for each recipient."""

import smtplib
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from models.intake import Message
from models.vocabulary import MessageState
from tests.processes import free_port
from tests.world import World, make_world
from workers.lmtp import Door

RAW = b"From: x@y.example\r\nMessage-ID: <1@y.example>\r\n\r\nWhen are you open? \xff\r\n.dot\r\n"


@pytest.fixture
def world(tmp_path: Path) -> World:
    return make_world(tmp_path)


@pytest.fixture
def client(world: World) -> Iterator[smtplib.LMTP]:
    door = Door(world.rt, host="127.0.0.1", port=free_port(), size=10_000)
    door.open()
    client = smtplib.LMTP("127.0.0.1", door.port)
    yield client
    client.close()
    door.stop()


def kept(world: World) -> list[Message]:
    with world.rt.unit() as session:
        found = session.scalars(select(Message)).all()
        session.expunge_all()
        return list(found)


def test_a_mail_to_two_mailboxes_is_kept_once_and_answered_twice(world: World, client: smtplib.LMTP) -> None:
    client.ehlo_or_helo_if_needed()
    client.mail("x@y.example")
    for to in ("privacy@shop.example", "office@shop.example"):
        assert client.rcpt(to)[0] == 250
    assert client.docmd("DATA")[0] == 354
    client.send(RAW.replace(b"\r\n.dot", b"\r\n..dot") + b".\r\n")
    assert [client.getreply()[0], client.getreply()[0]] == [250, 250]
    assert client.noop()[0] == 250
    assert [(m.state, m.size_bytes) for m in kept(world)] == [(MessageState.TRIAGE, len(RAW))]


def test_one_that_could_not_be_kept_stays_with_the_mail_server(world: World, client: smtplib.LMTP) -> None:
    with world.rt.unit() as session:
        session.connection().exec_driver_sql("DROP TABLE messages")
    with pytest.raises(smtplib.SMTPDataError) as told:
        client.sendmail("x@y.example", ["privacy@shop.example"], RAW)
    assert told.value.smtp_code == 451


def test_one_that_is_too_large_is_refused_for_good(world: World, client: smtplib.LMTP) -> None:
    client.ehlo_or_helo_if_needed()
    assert client.mail("x@y.example", ["size=20000"])[0] == 552
    client.mail("x@y.example")  # the same without having said so
    client.rcpt("privacy@shop.example")
    assert client.data(RAW + b"xxx\r\n" * 4_000)[0] == 552
    assert kept(world) == []
