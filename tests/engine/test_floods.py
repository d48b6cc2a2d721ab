"""Whoever sends without end stops nobody else, fills nobody's mailbox, and loses nothing that was accepted."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from email.message import EmailMessage
from email.message import Message as Part
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import select

from models.asking import AskKind
from models.audit import AuditEntry
from models.delivery import Outbox
from models.doors import DoorCanary
from models.intake import Message
from models.request import Request
from models.staff import HumanTask
from models.verification import Pace
from models.vocabulary import Letter, MessageState, OutboxState, Role, TaskState
from tests.webhooks.visitor import PERSON, Caller
from tests.world import JANE, World, open_world, prepare
from webhooks.api import tokens
from webhooks.public import create_app
from webhooks.staff import create_app as console_app
from workflows import flooding, mailroom, thread, triage
from workflows.acting import ask_for_it
from workflows.asking import ask_person
from workflows.bulk import import_lines
from workflows.casefile import open_claim, open_key
from workflows.doors import minding
from workflows.doors.marks import mark_of
from workflows.pace import Limit, forget, mail_waits
from workflows.post import send_all
from workflows.staffing import new_token
from workflows.trial import take_side

ASKS = "I want a copy of all my personal data."


@pytest.fixture
def world(tmp_path: Path) -> World:
    return open_world(prepare(tmp_path))


def letter(number: int, sender: str = "mallory@elsewhere.example", text: str = ASKS) -> bytes:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = sender, "office@shop.example", f"My data {number}"
    message["Message-ID"] = f"<{number}@elsewhere.example>"
    message.set_content(f"{text} {number}")
    return message.as_bytes()


def counted(world: World, model: type) -> int:
    with world.rt.unit() as session:
        return len(session.scalars(select(model)).all())


def flood_tasks(world: World) -> list[HumanTask]:
    with world.rt.unit() as session:
        found = (HumanTask.code == flooding.FLOOD, HumanTask.state == TaskState.OPEN)
        return list(session.scalars(select(HumanTask).where(*found)))


def test_a_flood_of_forms_from_many_places_loses_nothing_that_was_accepted(world: World) -> None:
    answers: Counter[int] = Counter()
    for network in range(5):
        app = create_app(world.rt)  # a process that begins anew each time
        caller = Caller(app, REMOTE_ADDR=f"198.51.100.{network}")
        for number in range(24):
            answers[caller.fill(**{**PERSON, "message": f"{network} {number}"}).status_code] += 1
    assert answers == {303: 100, 429: 20}
    assert counted(world, Request) == 100
    world.work()
    to = Counter(mail.to for mail in world.mailer.sent)
    most = world.rt.register.controller.delivery.mails_a_day
    assert to[PERSON["email"]] <= most + world.rt.register.controller.delivery.codes_an_hour
    with world.rt.unit() as session:
        waiting = session.scalars(select(Outbox).where(Outbox.state == OutboxState.READY)).all()
        assert all(row.error_code == "mail_too_often" and row.run_at > world.rt.now() for row in waiting)
    assert len(waiting) + sum(to.values()) >= 100, "what is not sent today waits"
    world.clock.advance(days=1)
    send_all(world.rt)
    assert Counter(mail.to for mail in world.mailer.sent)[PERSON["email"]] > to[PERSON["email"]]


def test_another_address_hears_while_one_is_flooded(world: World) -> None:
    most = world.rt.register.controller.delivery.mails_a_day
    for _ in range(most + 5):
        world.open(desk=False)
    before = len(world.mailer.sent)
    send_all(world.rt)
    assert len(world.mailer.sent) - before == most
    mailroom.receive(world.rt, letter(1, sender="bob@shop.example"))
    send_all(world.rt)
    assert world.mailer.sent[-1].to == "bob@shop.example"


def test_no_flood_of_receipts_holds_up_an_answer_or_a_code(world: World) -> None:
    for _ in range(3 * world.rt.register.controller.delivery.mails_a_day + 1):
        with world.rt.unit() as session:
            mail_waits(session, world.rt, Letter.ACKNOWLEDGEMENT, JANE)
    for desk in (True, False):
        world.open(who=JANE, desk=desk)
        world.work()
    with world.rt.unit() as session:
        rows = session.scalars(select(Outbox).where(Outbox.letter.in_((Letter.READY, Letter.CODE)))).all()
    assert {row.letter: row.state for row in rows} == {Letter.READY: OutboxState.SENT, Letter.CODE: OutboxState.SENT}


def test_no_flood_holds_up_what_staff_ask_or_write(world: World) -> None:
    case, other = world.open(who=JANE, desk=False), world.open(who=JANE, desk=False)
    with world.rt.unit() as session:
        request = session.get_one(Request, case)
        to = open_claim(open_key(session, world.rt, request.data_key_id), request).reply_to
        for kind_of in (Letter.ASK, Letter.MESSAGE) * (3 * world.rt.register.controller.delivery.mails_a_day + 1):
            mail_waits(session, world.rt, kind_of.value, to)
    with world.rt.unit() as session:
        request = session.get_one(Request, case, with_for_update=True)
        kind, words = AskKind.SPECIFICATION, "Which of your contracts do you mean?"
        ask_person(session, world.rt, request, user="cleo", kind=kind, wanted=["contract"], words=words)
        thread.reply(session, world.rt, request, user="cleo", words=words)
        by_itself = session.get_one(Request, other, with_for_update=True)
        ask_for_it(session, world.rt, by_itself)
    send_all(world.rt)
    with world.rt.unit() as session:
        rows = session.scalars(select(Outbox).where(Outbox.letter.in_((Letter.ASK, Letter.MESSAGE)))).all()
        states = {(row.letter, row.request_id == case): row.state for row in rows}
    assert states == {
        (Letter.ASK, True): OutboxState.SENT,
        (Letter.MESSAGE, True): OutboxState.SENT,
        (Letter.ASK, False): OutboxState.READY,  # anybody brings this one about, with a form
    }


def test_the_page_that_says_too_often_says_when_and_how_else(world: World) -> None:
    caller = Caller(create_app(world.rt))
    for number in range(20):
        caller.ask(message=str(number))
    answer = caller.fill(**PERSON)
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "3600")
    assert "Nothing that you sent before is lost" in answer.text
    assert "office@shop.example" in answer.text


def test_one_sender_without_end_is_kept_whole_and_read_a_few_at_a_time(world: World) -> None:
    most = world.rt.register.controller.mail.letters_an_hour
    for number in range(most + 50):
        mailroom.receive(world.rt, letter(number))
    assert counted(world, Request) == most
    assert counted(world, Message) == most + 50
    flooding.take_up(world.rt)
    flooding.take_up(world.rt)
    assert len(flood_tasks(world)) == flooding.AT_ONCE
    got = mailroom.receive(world.rt, letter(1000, sender="jane@shop.example"))
    assert len(got.references) == 1, "others are served"
    seen = 0
    while tasks := flood_tasks(world):
        for task in tasks:
            with world.rt.unit() as session:
                message = triage.waiting_message(session, task.message_id)
                triage.no_request(session, world.rt, message, user="cleo")
            seen += 1
        flooding.take_up(world.rt)
    assert seen == 50
    with world.rt.unit() as session:
        assert session.scalars(select(Message).where(Message.state == MessageState.TRIAGE)).all() == []
        entries = session.scalars(select(AuditEntry.facts).where(AuditEntry.event == "message:triaged")).all()
    assert Counter(Counter(str(facts["message"]) for facts in entries).values()) == {1: 50}


def test_the_next_hour_the_sender_is_served_again(world: World) -> None:
    most = world.rt.register.controller.mail.letters_an_hour
    for number in range(most + 1):
        mailroom.receive(world.rt, letter(number))
    world.clock.advance(hours=1)
    assert mailroom.receive(world.rt, letter(5000)).references


def test_mail_of_machines_counts_for_nobody(world: World) -> None:
    for number in range(40):
        raw = letter(number, sender="jane@shop.example").replace(b"Subject:", b"Auto-Submitted: auto-replied\nSubject:")
        mailroom.receive(world.rt, raw)
    assert mailroom.receive(world.rt, letter(5000, sender="jane@shop.example")).references


@pytest.mark.parametrize("guise", ["machine", "report"])
def test_who_calls_their_mail_a_machines_gives_people_no_more_work(world: World, guise: str) -> None:
    most = world.rt.register.controller.mail.letters_an_hour
    for number in range(most + 5):
        message = EmailMessage()
        told = {
            "From": "mallory@elsewhere.example",
            "Subject": "My data",
            "Message-ID": f"<{number}@elsewhere.example>",
        }
        for name, value in told.items():
            message[name] = value
        message.set_content(ASKS)
        if guise == "machine":
            message["Precedence"] = "bulk"
        else:
            status = Part()
            status["Content-Type"] = "message/delivery-status"
            status.set_payload([Part()])
            message.make_mixed()
            message.attach(status)
        mailroom.receive(world.rt, message.as_bytes())
    with world.rt.unit() as session:
        kept = session.scalars(select(Message).where(Message.why == flooding.FLOOD)).all()
    assert len(kept) == 5


def test_a_token_that_calls_without_end_is_told_to_wait_and_others_are_not(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tokens, "CALLS", Limit("api_calls", most=3))
    with world.rt.unit() as session:
        mine, theirs = (new_token(session, world.rt, label=n, role=Role.CASEWORKER, days=1) for n in ("a", "b"))

    def call(token: str) -> int:
        client = console_app(world.rt).test_client()  # another process each time
        return client.get("/api/v1/requests", headers={"Authorization": f"Bearer {token}"}).status_code

    assert [call(mine) for _ in range(4)] == [200, 200, 200, 429]
    assert call(theirs) == 200
    world.clock.advance(hours=1)
    assert call(mine) == 200


def mind_at_once(world: World, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    both, before = Barrier(2, timeout=20), minding.open_task
    waits = iter((True, True))

    def open_task(*args: Any, **more: Any) -> HumanTask:
        if next(waits, False):
            both.wait()  # each has seen that there is none
        return before(*args, **more)

    with monkeypatch.context() as patch, ThreadPoolExecutor(2) as threads:
        patch.setattr(minding, "open_task", open_task)
        return list(threads.map(lambda _: minding.mind(world.rt), range(2)))


def counted_alarms(world: World) -> int:
    with world.rt.unit() as session:
        return len(minding.alarms(session))


def test_the_same_holds_on_postgresql(tmp_path: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    world = open_world(prepare(tmp_path, database_url=postgres_url))
    most = world.rt.register.controller.mail.letters_an_hour
    for number in range(most + 3):
        mailroom.receive(world.rt, letter(number))
    assert (counted(world, Request), flooding.take_up(world.rt), flooding.take_up(world.rt)) == (most, 3, 0)
    caller = Caller(create_app(world.rt))
    assert [caller.fill(**{**PERSON, "message": str(n)}).status_code for n in range(21)] == [303] * 20 + [429]
    send_all(world.rt)
    world.clock.advance(days=3)
    assert caller.fill(**PERSON).status_code == 303
    forget(world.rt)
    with world.rt.unit() as session:
        oldest = min(row.window_start for row in session.scalars(select(Pace)))
    assert oldest >= world.rt.now() - timedelta(hours=1), "what is over is let go"
    mark = DoorCanary(door="portal", sent_at=world.rt.now())
    with world.rt.unit() as session:
        session.add(mark)
    assert caller.fill(**{**PERSON, "message": mark_of(world.rt, mark)}).headers["Location"].endswith("/received")
    minding.alive(world.rt)
    assert minding.mind(world.rt) == 0
    world.clock.advance(minutes=20)
    assert mind_at_once(world, monkeypatch) == [1, 1], "two that open the same alarm in the same instant"
    assert counted_alarms(world) == 1
    take_side(world.rt)
    lines = "key,right,name\nA,access,Jane\nA,access,Jane\n"
    assert [one.state for one in import_lines(world.rt, lines, by="cleo")] == ["opened", "duplicate"]
    world.close()
