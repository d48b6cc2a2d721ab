"""Corrections, restrictions and objections come in by mail like anything else; what is unclear waits for a person."""

from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest
from sqlalchemy import select

from models.intake import Message
from models.rectification import RectificationItem
from models.restriction import Restriction
from models.vocabulary import MessageState, Right
from tests.world import JANE, World, make_world
from workflows import mailroom
from workflows.casefile import open_key
from workflows.rectifying.saying import said_of
from workflows.stages.intake import requests_of


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = make_world(tmp_path)
    yield made
    made.close()


def asked(world: World, text: str, subject: str = "") -> tuple[list[Right], MessageState]:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = f"Jane <{JANE}>", "office@shop.example", subject
    mail["Message-ID"] = "<one@shop.example>"
    mail.set_content(text)
    taken = mailroom.receive(world.rt, mail.as_bytes())
    with world.rt.unit() as session:
        message = session.get_one(Message, taken.message_id)
        return [request.right for request in requests_of(session, message)], message.state


@pytest.mark.parametrize(
    ("text", "right"),
    [
        (
            "Vaadin, että oikaisette virheelliset henkilötietoni (16 artikla). Osoitteeni on väärin.",
            Right.RECTIFICATION,
        ),
        ("Please correct my personal data: the surname is spelled wrong.", Right.RECTIFICATION),
        ("Vaadin henkilötietojeni käsittelyn rajoittamista (18 artikla).", Right.RESTRICTION),
        ("I object to the processing of my personal data under Article 21(1).", Right.OBJECTION),
    ],
)
def test_a_mail_that_says_it_plainly_opens_its_case(world: World, text: str, right: Right) -> None:
    assert asked(world, text) == ([right], MessageState.OPENED)
    with world.rt.unit() as session:
        assert len(session.scalars(select(RectificationItem)).all()) == (right is Right.RECTIFICATION)
        assert len(session.scalars(select(Restriction)).all()) == (right is Right.OBJECTION)  # its uses rest at once


def test_what_the_mail_says_is_wrong_stands_in_its_first_item(world: World) -> None:
    asked(world, "Please correct my personal data: the surname is spelled wrong. " + "x" * 3000)
    with world.rt.unit() as session:
        item = session.scalars(select(RectificationItem)).one()
        request = requests_of(session, session.scalars(select(Message)).one())[0]
        said = said_of(open_key(session, world.rt, request.data_key_id), item)
    assert (said.what[:6], len(said.what), item.remedy, item.flaw) == ("Please", 2000, None, None)


def test_several_wishes_at_once_wait_for_a_person(world: World) -> None:
    text = "Please correct my personal data, and I request restriction of processing of my data under Article 18."
    assert asked(world, text) == ([], MessageState.TRIAGE)
