"""What nobody can come through is noticed by ourselves: every door is tried every day, over real connections."""

import json
from collections.abc import Callable
from dataclasses import replace
from email.message import EmailMessage
from typing import Any

import pytest
from sqlalchemy import select

from models.delivery import Outbox
from models.doors import DoorCanary
from models.intake import Message
from models.staff import ApiToken
from models.vocabulary import Channel, MessageState, Role
from tests.doors.house import OFFICE, House
from tests.mail_servers import ImapAccount
from tests.webhooks.desk import Desk, give_passwords
from tests.webhooks.visitor import Caller
from webhooks.public import create_app
from webhooks.staff import create_app as console_app
from workers.cli import main
from workflows import mailroom
from workflows.doors import knocking, minding
from workflows.doors.marks import mark_of
from workflows.human import close_task
from workflows.staffing import new_token
from workflows.wiring import inboxes_of

MAIL = f"mail:{OFFICE}"
Move = Callable[..., House]


def canary(house: House, door: str) -> DoorCanary:
    """One that was sent just now and has not arrived."""
    with house.rt.unit() as session:
        row = DoorCanary(door=door, sent_at=house.rt.now())
        session.add(row)
    return row


def messages(house: House) -> list[Message]:
    with house.rt.unit() as session:
        return list(session.scalars(select(Message)))


def mail(text: str, sender: str = "jane@shop.example") -> bytes:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = sender, OFFICE, "My data"
    message["Message-ID"] = f"<{len(text)}@shop.example>"
    message.set_content(text)
    return message.as_bytes()


def test_a_request_of_our_own_comes_through_every_door_and_is_no_case(house: House) -> None:
    house.give_token()
    assert knocking.knock(house.rt) == {"portal": None, MAIL: None, "api": None}
    assert house.canaries() == {"portal": True, MAIL: False, "api": True}
    assert house.deliver() == 1
    assert house.canaries() == {"portal": True, MAIL: True, "api": True}
    assert house.traces() == (0, 0)
    assert {(m.channel, m.state, m.why) for m in messages(house)} == {
        (channel, MessageState.IGNORED, "canary") for channel in (Channel.PORTAL, Channel.EMAIL, Channel.API)
    }
    assert house.called() == []
    assert house.alarms() == []


def test_each_door_is_tried_once_a_day(house: House) -> None:
    assert len(knocking.knock(house.rt)) == 2
    house.deliver()
    house.world.clock.advance(hours=19)
    assert knocking.knock(house.rt) == {}
    house.world.clock.advance(hours=1)
    assert len(knocking.knock(house.rt)) == 2


def test_a_mailbox_that_gets_no_mail_is_told_with_a_task_a_mail_and_a_banner(house: House) -> None:
    give_passwords(house.world)
    knocking.knock(house.rt)  # and the mail is lost on its way
    house.world.clock.advance(hours=5)
    assert house.alarms() == []
    house.world.clock.advance(hours=1)
    assert house.alarms() == [f"door_silent:{MAIL}"]
    assert [to for to, _ in house.called()] == ["anna@shop.example"]
    assert OFFICE in house.called()[0][1]
    assert OFFICE in Desk(console_app(house.rt), "anna").text("/")
    minding.mind(house.rt)
    assert len(house.called()) == 1, "once a day"
    house.world.clock.advance(days=1)
    minding.mind(house.rt)
    assert len(house.called()) == 2
    house.deliver()  # the old one comes after all
    knocking.knock(house.rt)
    house.deliver()
    assert house.alarms() == []


def test_our_own_mail_breaks_no_silence_of_people(house: House) -> None:
    house.inbox.append(mail("When are you open?"))
    mailroom.poll(house.rt)
    for _ in range(8):
        knocking.knock(house.rt)
        assert house.deliver() == 1
        house.world.clock.advance(hours=24)
    mailroom.poll(house.rt)
    assert house.alarms() == ["mailbox_silent:office@127.0.0.1/INBOX"]


def test_a_door_at_which_nobody_answers_is_told_and_tried_again(move_in: Move) -> None:
    house = move_in("{mail: false}", serving=False)
    assert knocking.knock(house.rt) == {"portal": "door_down"}
    house.world.clock.advance(minutes=29)
    assert knocking.knock(house.rt) == {}
    house.world.clock.advance(hours=6)
    assert knocking.knock(house.rt) == {"portal": "door_down"}
    assert house.alarms() == ["door_silent:portal"]
    with house.rt.unit() as session:
        (door,) = minding.standing(session, house.rt)
    assert (door.shut, door.code) == (True, "door_down")


def test_a_door_that_is_switched_off_alarms_nobody(move_in: Move) -> None:
    house = move_in("{portal: false, mail: false, api: false}")
    house.give_token()
    assert knocking.knock(house.rt) == {}
    house.world.clock.advance(days=3)
    assert house.alarms() == []


def test_switching_a_door_off_ends_its_alarm(move_in: Move) -> None:
    house = move_in("{mail: false, late_hours: 1}", serving=False)
    knocking.knock(house.rt)
    house.world.clock.advance(hours=1)
    assert house.alarms() == ["door_silent:portal"]
    told = house.rt.register.controller
    shut = told.model_copy(update={"doors": told.doors.model_copy(update={"portal": False})})
    house.world.rt = replace(house.rt, register=house.rt.register.model_copy(update={"controller": shut}))
    assert house.alarms() == []


def test_a_trial_tries_no_address_that_it_must_not_write_to(move_in: Move) -> None:
    house = move_in("{portal: false}", VASTINE_MAIL_ALLOW="anna@shop.example")
    assert knocking.knock(house.rt) == {}
    assert house.sink.messages == []


def test_only_other_peoples_tokens_make_the_api_a_door_and_ours_is_taken_back(house: House) -> None:
    assert "api" not in knocking.knock(house.rt)
    house.give_token()
    assert knocking.knock(house.rt)["api"] is None
    with house.rt.unit() as session:
        own = session.scalars(select(ApiToken).where(ApiToken.label == knocking.LABEL)).one()
    assert own.revoked_at is not None


@pytest.mark.parametrize("spoil", ["id", "seal", "door"])
def test_a_mark_that_is_not_ours_swallows_nothing(house: House, spoil: str) -> None:
    row = canary(house, "portal" if spoil == "door" else MAIL)
    mark = mark_of(house.rt, row)
    if spoil == "id":
        mark = mark.replace(row.id.hex, "0" * 32)
    elif spoil == "seal":
        mark = mark[:-32] + "0" * 32
    got = mailroom.receive(house.rt, mail(f"I want a copy of all my personal data. {mark}"))
    assert len(got.references) == 1
    assert house.canaries() == {row.door: False}


def test_a_mark_that_somebody_saw_pass_is_good_only_once(house: House) -> None:
    mark = mark_of(house.rt, canary(house, MAIL))
    assert mailroom.receive(house.rt, mail(mark)).why == "canary"
    got = mailroom.receive(house.rt, mail(f"I want a copy of all my personal data. {mark}"))
    assert len(got.references) == 1


@pytest.mark.parametrize(
    "headers",
    [
        {"Subject": "Undeliverable: {mark}", "From": "MAILER-DAEMON@elsewhere.example"},
        {"Subject": "Automatic reply: {mark}", "Auto-Submitted": "auto-replied"},
        {"Subject": "Re: {mark}", "In-Reply-To": "<{id}@shop.example>"},
    ],
)
def test_what_comes_back_about_our_own_mail_is_not_our_mail_that_arrived(house: House, headers: dict[str, str]) -> None:
    row = canary(house, MAIL)
    message = EmailMessage()
    told = {"From": "desk@elsewhere.example", "To": OFFICE, "Message-ID": "<1@elsewhere.example>", **headers}
    for name, value in told.items():
        message[name] = value.format(mark=mark_of(house.rt, row), id=row.id)
    message.set_content(f"Your mail could not be read here.\n\n{mark_of(house.rt, row)}")
    assert mailroom.receive(house.rt, message.as_bytes()).why != "canary"
    assert house.canaries() == {MAIL: False}


def test_a_mark_of_long_ago_is_good_for_nothing(house: House) -> None:
    mark = mark_of(house.rt, canary(house, MAIL))
    house.world.clock.advance(days=8)
    got = mailroom.receive(house.rt, mail(f"I want a copy of all my personal data. {mark}"))
    assert len(got.references) == 1


def test_a_form_with_somebody_elses_mark_is_a_request(house: House) -> None:
    row = canary(house, "portal")
    house.world.clock.advance(days=8)
    page = Caller(create_app(house.rt)).ask(message=mark_of(house.rt, row))
    assert "/status/" in page


def test_work_that_stands_still_is_told_and_settles_when_it_goes_on(house: House) -> None:
    give_passwords(house.world)
    minding.alive(house.rt)
    house.world.clock.advance(minutes=14)
    assert house.alarms() == []
    house.world.clock.advance(minutes=2)
    assert house.alarms() == ["work_silent:sweep"]
    assert "worker" in Desk(console_app(house.rt), "anna").text("/")
    minding.alive(house.rt)
    assert house.alarms() == []


def test_work_that_never_began_is_told_to_who_looks_from_outside_alone(house: House) -> None:
    assert house.alarms() == []
    assert minding.mind(house.rt, even_never=True) == 1


def test_an_alarm_that_somebody_closed_comes_back_while_it_lasts(move_in: Move) -> None:
    house = move_in("{mail: false, late_hours: 1}", serving=False)
    knocking.knock(house.rt)
    house.world.clock.advance(hours=1)
    assert house.alarms() == ["door_silent:portal"]
    with house.rt.unit() as session:
        (task,) = minding.alarms(session)
        close_task(session, house.rt, task, by="anna", answer="done")
    assert house.alarms() == []
    house.world.clock.advance(days=1)
    assert house.alarms() == ["door_silent:portal"]


def test_the_numbers_for_a_watch_are_behind_a_token_and_name_no_person(house: House) -> None:
    house.give_token()
    knocking.knock(house.rt)
    minding.alive(house.rt)
    client = console_app(house.rt).test_client()
    assert client.get("/api/v1/metrics").status_code == 401
    with house.rt.unit() as session:
        token = new_token(session, house.rt, label="watch", role=Role.AUDITOR, days=1)
    told = client.get("/api/v1/metrics", headers={"Authorization": f"Bearer {token}"})
    lines = dict(line.rsplit(" ", 1) for line in told.text.splitlines() if not line.startswith("#"))
    assert lines['vastine_door_shut{door="portal"}'] == "0"
    assert lines["vastine_alarms"] == "0"
    assert lines["vastine_work_seconds_since_sweep"] == "0"


def test_what_is_long_ago_is_let_go(house: House) -> None:
    knocking.knock(house.rt)
    house.world.clock.advance(hours=7)
    minding.mind(house.rt)
    house.called()
    house.world.clock.advance(days=91)
    minding.forget(house.rt)
    assert house.canaries() == {}
    with house.rt.unit() as session:
        assert session.scalars(select(Outbox)).all() == []


def run(
    house: House, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> tuple[int, dict[str, Any]]:
    """`vastine canary run` over this house: its exit code and what it says."""
    monkeypatch.setattr("workers.commands.canary.runtime", lambda: house.rt)
    with pytest.raises(SystemExit) as ended:
        main(["canary", "run", "--json", "--wait", "0"])
    return int(ended.value.code or 0), json.loads(capsys.readouterr().out.splitlines()[-1])


def test_the_command_ends_by_what_it_found(
    house: House, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    minding.alive(house.rt)
    code, told = run(house, monkeypatch, capsys)
    assert (code, {d["door"]: d["state"] for d in told["doors"]}) == (6, {"portal": "open", MAIL: "waiting"})
    house.world.clock.advance(minutes=16)
    code, told = run(house, monkeypatch, capsys)
    assert (code, [a["code"] for a in told["alarms"]]) == (1, ["work_silent"])


def test_the_command_says_that_all_is_well(
    move_in: Move, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    house = move_in("{mail: false}")
    minding.alive(house.rt)
    assert run(house, monkeypatch, capsys)[0] == 0


def test_the_command_ends_with_one_where_a_door_can_not_be_reached(
    move_in: Move, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    house = move_in("{mail: false}", serving=False)
    minding.alive(house.rt)
    code, told = run(house, monkeypatch, capsys)
    assert (code, told["doors"][0]["code"]) == (1, "door_down")
    assert told["alarms"] == [], "it is not late yet"


def test_a_real_mail_server_and_a_real_mailbox_bring_the_canary(move_in: Move, imap_server: ImapAccount) -> None:
    house = move_in("{portal: false}", VASTINE_INBOX_URL=f"{imap_server.url}?tls=none")
    inboxes = inboxes_of(house.rt.settings)
    house.world.rt = replace(house.rt, inboxes=inboxes)
    knocking.knock(house.rt)
    for sent in house.sink.messages:
        imap_server.append(sent.content)
    mailroom.poll(house.rt)
    for inbox in inboxes.values():
        inbox.close()
    assert house.canaries() == {MAIL: True}
    assert house.traces() == (0, 0)
