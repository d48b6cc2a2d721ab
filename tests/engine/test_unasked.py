"""Copies of identity documents that nobody asked for go by themselves; what our server found out is kept beside."""

from email.message import EmailMessage
from pathlib import Path

import pytest

from models.intake import Message
from tests.world import JANE, World, make_world
from workflows import mailroom
from workflows.audit import broken_links
from workflows.stages.intake import open_raw
from workflows.sweeps import sweep

JPEG = b"\xff\xd8\xff\xe0" + b"\x10" * 40


@pytest.fixture
def world(tmp_path: Path) -> World:
    return make_world(tmp_path)


def mail(name: str) -> bytes:
    made = EmailMessage()
    made["From"], made["Subject"], made["Message-ID"] = JANE, "My data", "<1@shop.example>"
    made.set_content("Please send me a copy of all personal data that you hold about me.")
    made.add_attachment(JPEG, maintype="image", subtype="jpeg", filename=name)
    return made.as_bytes()


def kept(world: World, got: mailroom.Received) -> tuple[Message, bytes]:
    with world.rt.unit() as session:
        message = session.get_one(Message, got.message_id)
        return message, open_raw(session, world.rt, message)


def test_an_unasked_copy_of_a_passport_is_destroyed_after_its_week_and_the_request_goes_on(world: World) -> None:
    got = mailroom.receive(world.rt, mail("passport.jpg"))
    assert got.references
    world.clock.advance(days=6)
    sweep(world.rt)
    assert b"/9j/4" in kept(world, got)[1]
    world.clock.advance(days=1)
    assert sweep(world.rt)["stripped"] == 1
    message, raw = kept(world, got)
    assert message.stripped_at is not None
    assert b"/9j/4" not in raw
    assert b"was destroyed on" in raw
    assert sweep(world.rt)["stripped"] == 0
    with world.rt.unit() as session:
        assert list(broken_links(session)) == []
    again = mailroom.receive(world.rt, mail("passport.jpg"))
    assert (again.new, again.references) == (False, got.references)


def test_any_other_attachment_stays(world: World) -> None:
    got = mailroom.receive(world.rt, mail("invoice.jpg"))
    world.clock.advance(days=30)
    assert sweep(world.rt)["stripped"] == 0
    assert kept(world, got)[1] == mail("invoice.jpg") or b"/9j/4" in kept(world, got)[1]


def test_a_copy_in_a_mail_that_a_colleague_passed_on_goes_too(world: World) -> None:
    made = EmailMessage()
    made["From"], made["Subject"], made["Message-ID"] = "matti@shop.example", "Fwd: My data", "<2@shop.example>"
    made.set_content(
        "Yours.\n\nFrom: Jane <jane@elsewhere.example>\nSent: 2026-11-24 09:15\nSubject: My data\n\n"
        "Please send me a copy of all personal data that you hold about me. I attach a copy of my passport.\n"
    )
    made.add_attachment(JPEG, maintype="image", subtype="jpeg", filename="IMG_1.jpg")
    got = mailroom.receive(world.rt, made.as_bytes())
    world.clock.advance(days=8)
    sweep(world.rt)
    assert b"was destroyed on" in kept(world, got)[1]


def test_one_that_can_not_be_taken_apart_holds_up_no_other(world: World) -> None:
    first, second = (
        mailroom.receive(world.rt, mail("passport.jpg")),
        mailroom.receive(world.rt, mail("passport.jpg").replace(b"<1@", b"<3@")),
    )
    with world.rt.unit() as session:
        session.get_one(Message, first.message_id).raw_sealed = b"spoilt"
    world.clock.advance(days=8)
    assert sweep(world.rt)["stripped"] == 1
    assert kept(world, second)[0].stripped_at is not None
