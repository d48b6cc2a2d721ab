"""What strangers attach is given to staff once the scanner has found nothing in it, and not before."""

import uuid
from base64 import encodebytes
from collections.abc import Callable
from dataclasses import replace

import pytest
from sqlalchemy import select

from models.audit import AuditEntry
from tests.scanner import EICAR, clamd_twin
from tests.webhooks.desk import Desk
from tests.world import JANE, World
from webhooks.staff import create_app
from workflows.adapters.clamd import Clamd
from workflows.mailroom import receive

Seat = Callable[[Clamd | None], Desk]


@pytest.fixture
def seat(desk: object, desk_world: World) -> Seat:  # it gives everybody a password
    def sit(scanner: Clamd | None) -> Desk:
        return Desk(create_app(replace(desk_world.rt, scanner=scanner)), "ilse")

    return sit


def mail(world: World, content: bytes = b"Hello", *, encoding: str = "base64") -> uuid.UUID:
    body = encodebytes(content) if encoding == "base64" else content
    head = f"From: Jane <{JANE}>\r\nTo: office@shop.example\r\nSubject: Hello\r\n"
    head += f"Message-ID: <{uuid.uuid4()}@m.example>\r\n"
    head += 'Content-Type: multipart/mixed; boundary="b"\r\n\r\n--b\r\n\r\nWhat is this?\r\n--b\r\n'
    head += 'Content-Type: application/pdf; name="x.pdf"\r\nContent-Disposition: attachment; filename="x.pdf"\r\n'
    head += f"Content-Transfer-Encoding: {encoding}\r\n\r\n"
    return receive(world.rt, head.encode() + body + b"\r\n--b--\r\n").message_id


def held(world: World) -> list[tuple[str, str, str]]:
    with world.rt.unit() as session:
        entries = session.scalars(select(AuditEntry).where(AuditEntry.event == "file:held"))
        return [(e.actor, e.facts["code"], e.facts.get("found", "")) for e in entries]


def test_a_message_with_malware_stays_shut_and_that_is_on_record(seat: Seat, desk_world: World) -> None:
    clean, infected = mail(desk_world), mail(desk_world, EICAR)
    with clamd_twin() as twin:
        ilse = seat(Clamd(twin.address))
        assert "looks at the message before it is downloaded" in ilse.text(f"/messages/{infected}")
        assert ilse.get(f"/messages/{clean}/raw").status_code == 200
        answer = ilse.get(f"/messages/{infected}/raw")
    assert answer.status_code == 409
    assert "The virus scanner found malware in it" in answer.text
    assert held(desk_world) == [("ilse", "infected", "Eicar-Test.UNOFFICIAL")]


def test_a_scanner_that_is_down_lets_nothing_pass(seat: Seat, desk_world: World) -> None:
    ident = mail(desk_world)
    with clamd_twin() as twin:
        twin.says = b""
        ilse = seat(Clamd(twin.address))
        answer = ilse.get(f"/messages/{ident}/raw")
        assert answer.status_code == 503
        assert "The virus scanner does not answer" in answer.text
        twin.says = None
        assert ilse.get(f"/messages/{ident}/raw").status_code == 200
    assert ilse.get(f"/messages/{ident}/raw").status_code == 503
    assert [code for _, code, _ in held(desk_world)] == ["scanner", "scanner"]


def test_without_a_scanner_the_page_says_that_nobody_looked(seat: Seat, desk_world: World) -> None:
    ident = mail(desk_world, EICAR)
    ilse = seat(None)
    assert "nobody has looked at the attachments" in ilse.text(f"/messages/{ident}")
    assert ilse.get(f"/messages/{ident}/raw").status_code == 200


def test_every_part_is_looked_at_as_a_mail_program_would_save_it(seat: Seat, desk_world: World) -> None:
    ident = mail(desk_world, b"=58" + EICAR[1:], encoding="quoted-printable")
    with clamd_twin() as twin:  # it can read no mail
        assert seat(Clamd(twin.address)).get(f"/messages/{ident}/raw").status_code == 409


def test_what_can_not_be_taken_apart_stays_shut(seat: Seat, desk_world: World) -> None:
    part = b"--b\r\nContent-Type: text/plain\r\n\r\nx\r\n"
    head = b"From: a@b.example\r\nMessage-ID: <many@b.example>\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
    ident = receive(desk_world.rt, head + part * 600 + b"--b--\r\n").message_id
    with clamd_twin() as twin:
        answer = seat(Clamd(twin.address)).get(f"/messages/{ident}/raw")
    assert (answer.status_code, "can not be taken apart" in answer.text.replace("cannot", "can not")) == (409, True)
