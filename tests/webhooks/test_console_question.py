"""A mail that only asks how: a person answers with the way to begin, or opens the request that it may have meant."""

import uuid
from collections.abc import Callable
from datetime import date

import pytest
from sqlalchemy import select

from models.delivery import Outbox
from models.intake import Message
from models.purge import PurgeStage
from models.request import Request
from models.staff import HumanTask
from models.vocabulary import MessageState, Right, TaskState
from tests.webhooks.desk import Desk, form_of
from tests.world import JANE, World
from workflows.mailroom import receive
from workflows.purge.shredding import shred

Seat = Callable[..., Desk]


def asks(world: World, text: str, *, subject: str = "A question") -> uuid.UUID:
    head = f"From: Jane <{JANE}>\r\nTo: office@shop.example\r\nSubject: {subject}\r\n"
    head += f"Message-ID: <{uuid.uuid4()}@m.example>"
    head += "\r\nContent-Type: text/plain; charset=utf-8"
    return receive(world.rt, f"{head}\r\n\r\n{text}\r\n".encode()).message_id


def all_of(world: World, kind: type) -> list:
    with world.rt.unit() as session:
        return list(session.scalars(select(kind)))


@pytest.mark.parametrize(
    ("text", "language", "says"),
    [
        ("Is it possible to delete my account?", "en", "You asked how you can use your rights"),
        ("Miten voin poistaa tilini?", "fi", "Kysyit, miten voit käyttää oikeuksiasi"),
        ("Hej, hur avbeställer jag nyhetsbrevet?", "sv", "Du frågade hur du kan använda dina rättigheter"),
    ],
)
def test_a_question_is_answered_with_the_way_to_begin_once_a_person_says_so(
    desk: Seat, desk_world: World, text: str, language: str, says: str
) -> None:
    ident = asks(desk_world, text)
    desk_world.work()
    [message] = all_of(desk_world, Message)
    assert (message.state, message.why) == (MessageState.TRIAGE, "asks_how")
    assert (all_of(desk_world, Request), desk_world.mailer.sent) == ([], [])
    ilse, page = desk("ilse"), f"/messages/{ident}"
    assert says in ilse.text(page)
    assert ilse.send(page, f"{page}/point").status_code == 302
    desk_world.work()
    [mail] = desk_world.mailer.sent
    assert (mail.to, mail.language) == (JANE, language)
    assert f"/{language}/\n" in mail.body
    [message] = all_of(desk_world, Message)
    assert (message.state, message.why) == (MessageState.IGNORED, "pointed")
    assert [(t.state, t.done_by, t.answer) for t in all_of(desk_world, HumanTask)] == [
        (TaskState.DONE, "ilse", "pointed")
    ]


def test_what_was_meant_as_a_request_is_opened_from_the_day_it_came(desk: Seat, desk_world: World) -> None:
    ident = asks(desk_world, "Can I delete my account?")
    desk_world.clock.advance(days=4)
    ilse, page = desk("ilse"), f"/messages/{ident}"
    assert 'value="erasure" checked' in ilse.get(page).text
    assert ilse.send(page, f"{page}/open", {"right": "erasure"}).status_code == 302
    [found] = all_of(desk_world, Request)
    assert (found.right, found.received_on) == (Right.ERASURE, date(2026, 3, 2))
    cleo = desk("cleo")
    assert cleo.post(f"{page}/point", {"csrf": cleo.token()}).status_code == 409


def test_the_answer_goes_once_and_to_no_other_mail(desk: Seat, desk_world: World) -> None:
    question, other = asks(desk_world, "How do I unsubscribe?"), asks(desk_world, "What is this about, please tell me")
    cleo = desk("cleo")
    form = form_of(cleo.get(f"/messages/{question}").text, f"/messages/{question}/point")
    assert [cleo.post(f"/messages/{ident}/point", form).status_code for ident in (question, question, other)] == [
        302,
        409,
        409,
    ]
    desk_world.work()
    assert len(desk_world.mailer.sent) == 1


def test_the_answer_to_a_question_goes_when_the_question_goes(desk: Seat, desk_world: World) -> None:
    ident = asks(desk_world, "How do I unsubscribe?")
    desk("ilse").send(f"/messages/{ident}", f"/messages/{ident}/point")
    desk_world.work()
    with desk_world.rt.unit() as session:
        shred(session, desk_world.rt, PurgeStage.MESSAGE, ident)
    assert [(row.to_sealed, row.body_sealed) for row in all_of(desk_world, Outbox)] == [(b"", b"")]


def test_a_question_beside_a_request_waits_for_a_person_to_read_it(desk_world: World) -> None:
    asks(desk_world, "Please send me a copy of all my personal data. How do I unsubscribe from the newsletter?")
    [found] = all_of(desk_world, Request)
    assert found.right is Right.ACCESS
    assert [(t.code, t.request_id) for t in all_of(desk_world, HumanTask)] == [("message_attached", found.id)]


def test_an_answer_with_one_word_ends_the_advertising(desk_world: World) -> None:
    asks(desk_world, "STOP\n\n> You asked how you can use your rights, erase my data", subject="Re: An answer")
    assert [r.right for r in all_of(desk_world, Request)] == [Right.MARKETING_BAN]
