"""Mail of ours that comes back, and answers to it, find the case that it was sent for."""

import uuid
from email.message import EmailMessage
from pathlib import Path
from random import Random

import pytest
from sqlalchemy import select

from models.delivery import Outbox
from models.intake import Message, MessageCase
from models.staff import HumanTask
from models.vocabulary import Channel, MessageState, OutboxState, TaskKind
from tests.world import JANE, World, make_world
from workflows import engine, mailroom, post
from workflows.messages import WORK
from workflows.rules.reference import new_reference


@pytest.fixture
def world(tmp_path: Path) -> World:
    return make_world(tmp_path)


@pytest.fixture
def case(world: World) -> uuid.UUID:
    """A request whose acknowledgement and code were sent."""
    ident = world.open(who=JANE, desk=False, channel=Channel.EMAIL)
    engine.drain(world.rt, WORK)
    post.send_all(world.rt)
    return ident


def report(
    fields: str, original: str, *, kind: str = "delivery-status", returned: str = "text/rfc822-headers"
) -> bytes:
    return (
        "From: MAILER-DAEMON@elsewhere.example\r\nTo: office@shop.example\r\nSubject: Report\r\n"
        "Message-ID: <report@elsewhere.example>\r\nMIME-Version: 1.0\r\nAuto-Submitted: auto-replied\r\n"
        f'Content-Type: multipart/report; report-type={kind}; boundary="b"\r\n\r\n'
        "--b\r\nContent-Type: text/plain\r\n\r\nYour mail.\r\n"
        f"--b\r\nContent-Type: message/{kind}\r\n\r\n{fields}\r\n\r\n"
        f"--b\r\nContent-Type: {returned}\r\n\r\nSubject: x\r\nMessage-ID: {original}\r\n\r\n--b--\r\n"
    ).encode()


FAILED = (
    "Reporting-MTA: dns; mx.elsewhere.example\r\n\r\n"
    "Final-Recipient: rfc822; a@b.example\r\nAction: failed\r\nStatus: 5.1.1"
)
DELAYED = FAILED.replace("failed", "delayed").replace("5.1.1", "4.4.1")


def answer(text: str, *, to: str, sender: str = "asks@elsewhere.example") -> bytes:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = sender, "office@shop.example", "Re: Your request"
    mail["Message-ID"], mail["In-Reply-To"], mail["References"] = "<answer@elsewhere.example>", to, f"<x@y> {to}"
    mail.set_content(text)
    return mail.as_bytes()


def sent(world: World, which: int = 0) -> tuple[Outbox, str]:
    """A mail that was sent, and its Message-ID."""
    mail = world.mailer.sent[which]
    with world.rt.unit() as session:
        return session.get_one(Outbox, uuid.UUID(mail.message_id[1:37])), mail.message_id


def state(world: World, row: Outbox) -> tuple[OutboxState, str | None]:
    with world.rt.unit() as session:
        again = session.get_one(Outbox, row.id)
        return again.state, again.error_code


def mail_tasks(world: World) -> list[tuple[str, uuid.UUID | None]]:
    with world.rt.unit() as session:
        tasks = session.scalars(select(HumanTask).where(HumanTask.kind == TaskKind.MAIL_FAILED))
        return [(task.code, task.request_id) for task in tasks]


@pytest.mark.parametrize("returned", ["text/rfc822-headers", "message/rfc822"])
def test_a_mail_that_came_back_counts_as_not_delivered_and_is_told(
    world: World, case: uuid.UUID, returned: str
) -> None:
    row, name = sent(world)
    got = mailroom.receive(world.rt, report(FAILED, name, returned=returned))
    assert got.state is MessageState.ATTACHED
    assert state(world, row) == (OutboxState.FAILED, "mail_bounced")
    assert mail_tasks(world) == [("mail_bounced", case)]


def test_the_same_report_twice_is_one_task(world: World, case: uuid.UUID) -> None:
    _, name = sent(world)
    mailroom.receive(world.rt, report(FAILED, name))
    mailroom.receive(world.rt, report(FAILED, name).replace(b"<report@", b"<report-2@"))
    assert mail_tasks(world) == [("mail_bounced", case)]


def test_a_delay_changes_nothing(world: World, case: uuid.UUID) -> None:
    row, name = sent(world)
    assert mailroom.receive(world.rt, report(DELAYED, name)).state is MessageState.IGNORED
    assert state(world, row)[0] is OutboxState.SENT
    assert mail_tasks(world) == []


def test_a_report_about_a_mail_that_we_never_sent_is_kept_and_changes_nothing(world: World, case: uuid.UUID) -> None:
    got = mailroom.receive(world.rt, report(FAILED, f"<{uuid.uuid4()}@shop.example>"))
    assert (got.state, got.why) == (MessageState.IGNORED, "bounce")
    assert mail_tasks(world) == []


def test_a_bounce_in_plain_words_is_matched_by_the_name_of_the_mail(world: World, case: uuid.UUID) -> None:
    row, name = sent(world)
    mail = answer(f"Delivery has failed permanently.\n\nMessage-ID: {name}\n", to="<other@x.example>")
    mail = mail.replace(b"asks@elsewhere", b"mailer-daemon@elsewhere")
    mailroom.receive(world.rt, mail)
    assert state(world, row)[0] is OutboxState.FAILED


def test_a_complaint_is_a_task_and_the_mail_stays_sent(world: World, case: uuid.UUID) -> None:
    row, name = sent(world)
    mailroom.receive(
        world.rt, report("Feedback-Type: abuse\r\nUser-Agent: x/1\r\nVersion: 1", name, kind="feedback-report")
    )
    assert state(world, row)[0] is OutboxState.SENT
    assert mail_tasks(world) == [("mail_complained", case)]


def test_an_answer_without_a_reference_finds_its_case_by_the_mail_that_it_answers(
    world: World, case: uuid.UUID
) -> None:
    _, name = sent(world)
    got = mailroom.receive(world.rt, answer("Here is what you asked for.", to=name))
    assert got.state is MessageState.ATTACHED
    with world.rt.unit() as session:
        assert session.get(MessageCase, (got.message_id, case)) is not None


def test_an_away_message_to_our_mail_is_kept_and_never_answered(world: World, case: uuid.UUID) -> None:
    _, name = sent(world)
    before = len(world.mailer.sent)
    mail = answer("I am away.", to=name).replace(b"Subject: Re:", b"Auto-Submitted: auto-replied\nSubject: Re:")
    assert mailroom.receive(world.rt, mail).state is MessageState.IGNORED
    post.send_all(world.rt)
    assert len(world.mailer.sent) == before


def test_a_mail_that_only_names_a_case_that_is_not_there_waits_for_a_person(world: World) -> None:
    got = mailroom.receive(world.rt, answer(f"About {new_reference(Random(7), year=2026)}.", to="<a@b.example>"))
    assert (got.state, got.why) == (MessageState.TRIAGE, "unknown_case")
    with world.rt.unit() as session:
        assert session.get_one(Message, got.message_id).state is MessageState.TRIAGE
