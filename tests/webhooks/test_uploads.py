"""Files that people send on the page of their case: limits, what they are by their bytes, and who sees them."""

from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from werkzeug.test import TestResponse

from models.intake import Message
from models.purge import PurgeStage
from models.staff import HumanTask
from models.vocabulary import Channel
from tests.scanner import EICAR, clamd_twin
from tests.webhooks.desk import Desk, give_passwords
from tests.webhooks.visitor import Caller
from tests.world import World
from webhooks.public import create_app
from webhooks.security import MAX_BODY_BYTES
from webhooks.staff import create_app as console_app
from workflows.adapters.clamd import Clamd
from workflows.purge.shredding import shred
from workflows.stages.intake import open_raw
from workflows.uploads import LARGEST_BYTES

PDF = b"%PDF-1.4\n1 0 obj\n<< /OpenAction 2 0 R >>\nendobj\n%%EOF\n"
NAME = "Jane Doe 010190-123X.pdf"


def body_of(content: bytes, *, note: str = "", name: str = NAME) -> dict[str, Any]:
    """As a browser sends it."""
    head = f'--x\r\nContent-Disposition: form-data; name="note"\r\n\r\n{note}\r\n--x\r\n'
    head += f'Content-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'
    return {"data": head.encode() + content + b"\r\n--x--\r\n", "content_type": "multipart/form-data; boundary=x"}


def send(caller: Caller, page: str, content: bytes, *, note: str = "", name: str = NAME) -> TestResponse:
    return caller.client.post(f"{page}/message", **body_of(content, note=note, name=name))


class Slow(BytesIO):
    """A body that is on its way: notes how many connections of the database wait for it."""

    def __init__(self, world: World, content: bytes) -> None:
        super().__init__(content)
        self._pool, self.held = world.rt.sessions.kw["bind"].pool, set[int]()

    def readinto(self, buffer: Any, /) -> int:
        """The next bytes."""
        self.held.add(self._pool.checkedout())
        return super().readinto(buffer)


def test_who_sends_a_file_slowly_holds_neither_the_case_nor_a_connection(world: World, caller: Caller) -> None:
    page, body = caller.ask(), body_of(PDF)
    slow = Slow(world, body["data"])
    more = {"content_type": body["content_type"], "content_length": len(body["data"])}
    assert caller.client.post(f"{page}/message", input_stream=slow, **more).status_code == 303
    assert slow.held == {0}
    assert len(messages(world)) == 1


def messages(world: World) -> list[Message]:
    with world.rt.unit() as session:
        found = select(Message).where(Message.channel == Channel.PORTAL, Message.why.is_not(None))
        return list(session.scalars(found.order_by(Message.arrived_at)))


def test_a_file_is_kept_sealed_without_its_name_once_and_waits_for_a_person(world: World, caller: Caller) -> None:
    page = caller.ask()
    before = set(Path(world.rt.settings.data_dir).rglob("*"))
    for _ in range(2):  # a double click
        assert send(caller, page, PDF).status_code == 303
    [kept] = messages(world)
    assert b"PDF" not in kept.raw_sealed
    with world.rt.unit() as session:
        assert open_raw(session, world.rt, session.get_one(Message, kept.id)) == PDF
        [task] = session.scalars(select(HumanTask).where(HumanTask.message_id == kept.id))
        assert (task.code, task.request_id is not None) == ("message_attached", True)
    assert "You sent a file." in caller.get(page).text
    assert "Jane Doe" not in str(set(Path(world.rt.settings.data_dir).rglob("*")) - before)
    assert b"Jane Doe" not in b"".join(p.read_bytes() for p in Path(world.rt.settings.data_dir).glob("*.db*"))


def test_words_and_a_file_are_two_messages_of_one_case(world: World, caller: Caller) -> None:
    page = caller.ask()
    assert send(caller, page, PDF, note="This is my contract.").status_code == 303
    give_passwords(world)
    cleo = Desk(console_app(world.rt), "cleo")
    shown = cleo.get(f"/requests/{page.split('/')[3]}").text
    [kept] = messages(world)
    assert "This is my contract." in shown
    assert f'href="/messages/{kept.id}"' in shown
    about = cleo.text(f"/messages/{kept.id}")
    assert "application/pdf" in about
    assert "active" in about
    assert "OpenAction" not in about
    answer = cleo.get(f"/messages/{kept.id}/raw")
    assert (answer.data, answer.mimetype) == (PDF, "application/octet-stream")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="message.pdf"'
    assert Desk(console_app(world.rt), "ilse").get(f"/messages/{kept.id}/raw").status_code == 403


@pytest.mark.parametrize(
    "content", [b"MZ\x90\x00", b"PK\x03\x04 archive", b"<html><script>", b"\x00\x01", b"%PDF-1.4 cut \xff off"]
)
def test_what_is_no_document_by_its_bytes_is_refused_and_words_stay(
    world: World, caller: Caller, content: bytes
) -> None:
    page = caller.ask()
    answer = send(caller, page, content, note="See the file.", name="x.pdf")
    assert answer.status_code == 422
    assert 'href="#file"' in answer.text
    assert "See the file." in answer.text
    assert messages(world) == []


def test_what_is_too_large_is_refused_in_words_or_not_read_at_all(world: World, caller: Caller) -> None:
    page = caller.ask()
    large = b"%PDF-" + b"x" * LARGEST_BYTES + b"%%EOF"
    assert "larger than 10 MB" in send(caller, page, large).text
    assert send(caller, page, large + b"x" * MAX_BODY_BYTES).status_code == 413
    assert messages(world) == []


def test_a_case_takes_so_many_files_and_no_more(world: World, caller: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workflows.uploads.MOST_OF_A_CASE", 2)
    page = caller.ask()
    seen = [send(caller, page, b"page %d" % n).status_code for n in range(3)]
    assert seen == [303, 303, 422]
    assert len(messages(world)) == 2


def test_nobody_sends_files_without_the_secret_and_an_empty_form_sends_none(world: World, caller: Caller) -> None:
    page = caller.ask()
    assert send(caller, f"{page.rpartition('/')[0]}/{'x' * 22}", PDF).status_code == 404
    assert send(caller, page, b"", name="").status_code == 422
    assert messages(world) == []


def test_no_upload_lies_on_a_disk_in_the_clear(world: World) -> None:
    for app in (create_app(world.rt), console_app(world.rt)):
        with app.test_request_context("/", method="POST", **body_of(b"x" * 2_000_000)) as context:
            context.request.max_content_length = LARGEST_BYTES
            assert isinstance(context.request.files["file"].stream, BytesIO)


def test_the_scanner_looks_at_a_file_before_staff_get_it(world: World, caller: Caller) -> None:
    send(caller, caller.ask(), b"see: " + EICAR)
    [kept] = messages(world)
    give_passwords(world)
    with clamd_twin() as twin:
        cleo = Desk(console_app(replace(world.rt, scanner=Clamd(twin.address))), "cleo")
        assert cleo.get(f"/messages/{kept.id}/raw").status_code == 409


def test_a_file_goes_when_its_time_is_over(world: World, caller: Caller) -> None:
    send(caller, caller.ask(), PDF)
    [kept] = messages(world)
    with world.rt.unit() as session:
        shred(session, world.rt, PurgeStage.MESSAGE, kept.id)
    assert [m.raw_sealed for m in messages(world)] == [b""]
