"""Requests from a file: looked at first, opened once, one line stopping no other."""

import io
import json
from pathlib import Path

import pytest
from sqlalchemy import select

from models.intake import Message
from models.mandate import Mandate
from models.request import Request
from models.vocabulary import Channel, RequestState, Right
from tests.webhooks.desk import Desk, give_passwords
from tests.world import World, open_world, prepare
from webhooks.staff import create_app
from workers.cli import main
from workflows.bulk import Outcome, import_lines
from workflows.errors import BadInput, NotAllowed

FILE = """key,right,language,channel,name,email,received_on,mandate,mandate_name
A1,access,en,letter,Jane,jane@shop.example,2026-02-20,,
A2,access+erasure,fi,phone,Bob,bob@shop.example,,,
A3,access,en,letter,Jane,jane@shop.example,2026-02-20,,
A4,acces,en,letter,Eve,eve@shop.example,,,
A5,access,sv,desk,Eve,eve@shop.example,,power,Joe
"""


@pytest.fixture
def world(tmp_path: Path) -> World:
    return open_world(prepare(tmp_path))


def read(world: World, text: str = FILE, **more: bool) -> list[Outcome]:
    return list(import_lines(world.rt, text, by="cleo", **more))


def requests_of(world: World) -> list[Request]:
    with world.rt.unit() as session:
        return list(session.scalars(select(Request).order_by(Request.received_on, Request.right)))


def states(found: list[Outcome]) -> list[tuple[int, str]]:
    return [(one.line, one.state) for one in found]


EXPECTED = [(2, "opened"), (3, "opened"), (4, "duplicate"), (5, "wrong"), (6, "opened")]


def test_a_dry_run_says_what_would_happen_and_does_nothing(world: World) -> None:
    assert states(read(world, dry_run=True)) == EXPECTED
    with world.rt.unit() as session:
        assert session.scalars(select(Message)).all() == []
    assert requests_of(world) == []


def test_each_good_line_is_opened_and_a_wrong_one_stops_no_other(world: World) -> None:
    found = read(world)
    assert states(found) == EXPECTED
    assert found[2].of == 2
    assert [f.where for f in found[3].faults] == ["right"]
    opened = requests_of(world)
    assert len(opened) == 4
    assert opened[0].channel is Channel.LETTER
    assert opened[0].received_on.isoformat() == "2026-02-20"
    bob = [r for r in opened if r.channel is Channel.PHONE]
    erasure = next(r for r in bob if r.right is Right.ERASURE)
    assert erasure.after_request_id == next(r for r in bob if r.right is Right.ACCESS).id, "delivered before erased"
    with world.rt.unit() as session:
        assert session.scalars(select(Mandate.kind)).all() == ["power"]


def test_nobody_is_proven_by_a_line(world: World) -> None:
    read(world)
    world.work()
    assert all(r.verified_at is None and r.state is not RequestState.DELIVERING for r in requests_of(world))


def test_the_same_file_again_opens_nothing_and_says_what_is_known(world: World) -> None:
    first = read(world)
    again = read(world)
    assert states(again) == [(n, "known" if state == "opened" else state) for n, state in EXPECTED]
    assert [one.references for one in again if one.state == "known"] == [
        one.references for one in first if one.state == "opened"
    ]
    assert len(requests_of(world)) == 4


def test_a_file_that_grew_opens_its_new_lines_alone(world: World) -> None:
    read(world)
    assert states(read(world, f"{FILE}A6,access,en,letter,Joe,joe@shop.example,,,\n"))[-1] == (7, "opened")
    assert len(requests_of(world)) == 5


def test_a_line_that_says_more_or_came_earlier_is_no_line_written_twice(world: World) -> None:
    text = "key,right,name,email,received_on,message\nA,access,Jane,jane@shop.example,2026-02-20,\n"
    text += "B,access,Jane,jane@shop.example,2026-02-10,\nC,access,Jane,jane@shop.example,2026-02-20,The calls too\n"
    text += "D,access,JANE,jane@shop.example,2026-02-20,\n"
    assert states(read(world, text)) == [(2, "opened"), (3, "opened"), (4, "opened"), (5, "duplicate")]
    assert requests_of(world)[0].received_on.isoformat() == "2026-02-10"


def test_a_key_that_stands_for_something_else_already_is_told(world: World) -> None:
    read(world)
    (one,) = read(world, "key,right,name\nA1,access,Somebody else\n")
    assert (one.state, one.faults[0].what) == ("wrong", "key_taken")
    two = read(world, "key,right,name\nB,access,Jane\nB,erasure,Jane\n")
    assert (states(two), two[1].of) == ([(2, "opened"), (3, "wrong")], 2)


def test_who_may_not_enter_requests_imports_none(world: World) -> None:
    with pytest.raises(NotAllowed):
        list(import_lines(world.rt, FILE, by="ben"))
    with pytest.raises(NotAllowed):
        list(import_lines(world.rt, FILE, by="nobody"))


def test_a_file_with_an_unknown_column_opens_nothing(world: World) -> None:
    with pytest.raises(BadInput):
        read(world, "right,name,shoe_size\naccess,Jane,40\n")
    assert requests_of(world) == []


def test_the_command_names_lines_and_ends_with_six_where_one_is_wrong(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("workers.commands.importing.runtime", lambda: world.rt)
    path = tmp_path / "letters.csv"
    path.write_text(FILE.replace("right", "Oikeus", 1), encoding="latin-1")
    arguments = ["request", "import", str(path), "--as", "cleo", "--column", "right=Oikeus", "--encoding", "latin-1"]
    for more, count in ((["--dry-run"], 0), (["--json"], 4)):
        with pytest.raises(SystemExit) as ended:
            main([*arguments, *more])
        out = capsys.readouterr().out
        assert ended.value.code == 6
        assert len(requests_of(world)) == count
        assert "eve@" not in out
        told = [row["line"] for row in json.loads(out)] if "--json" in more else out.count("line ")
        assert told in ([2, 3, 4, 5, 6], 6)


def test_the_page_looks_first_and_opens_when_told_to(world: World) -> None:
    give_passwords(world)
    desk = Desk(create_app(world.rt), "ilse")

    def send(go: str, content: bytes) -> str:
        fields = {"csrf": desk.token(), "go": go, "file": (io.BytesIO(content), "letters.csv")}
        return desk.client.post("/requests/import", data=fields, content_type="multipart/form-data").text

    looked = send("look", FILE.encode())
    assert "would be opened" in looked
    assert requests_of(world) == []
    done = send("open", FILE.encode("cp1252"))
    assert len(requests_of(world)) == 4
    assert requests_of(world)[0].reference in done
    assert "known from before" in send("open", FILE.encode())
    assert "Choose a file" in send("open", b"")
    assert "none of ours" in send("open", b"right,shoe\naccess,40\n")


def test_only_who_enters_requests_finds_the_page(world: World) -> None:
    give_passwords(world)
    assert Desk(create_app(world.rt), "otto").get("/requests/import").status_code == 403


def test_a_line_may_ask_for_a_copy_of_some_data_only(world: World) -> None:
    lines = "key,right,email,categories\nB1,access,jane@shop.example,c07+other\nB2,erasure,jane@shop.example,C07\n"
    found = read(world, lines + "B3,access,bob@shop.example,\nB4,access,eve@shop.example,C99\n")
    assert states(found) == [(2, "opened"), (3, "wrong"), (4, "opened"), (5, "wrong")]
    assert [f.what for one in found for f in one.faults] == ["categories_no_copy", "category_unknown"]
    assert sorted((r.categories for r in requests_of(world)), key=str) == [None, ["C07", "other"]]
