"""A drop on an SFTP server: found, previewed, erased to the byte, and nothing of another writer lost."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import paramiko
import pytest

from models.vocabulary import Action, ReceiptOutcome
from tests.connectors.sftp_server import PASSWORD, USER, SftpServer, running
from tests.connectors.shop import dataset, register, source
from tests.connectors.test_csv import ANSWER, ANSWERS, dump, found, plan
from workflows.connectors.csv_source import CsvConnector
from workflows.connectors.drop_sftp import SftpDrop
from workflows.connectors.drops import FolderDrop
from workflows.errors import BadInput, NeverAgain, SourceDown, TryAgain

NAME = "answers_1.csv"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[SftpServer]:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / NAME).write_bytes(ANSWERS)
    with running(tmp_path) as server:
        yield server


def drop(server: SftpServer, **connection: Any) -> CsvConnector:
    said = {
        "url": f"sftp://{USER}@127.0.0.1:{server.port}/in",
        "pattern": "answers_*.csv",
        "encoding": "iso-8859-1",
        "writable": True,
        "known_hosts": server.known_hosts,
        "password": {"env": "PASSWORD"},
        **connection,
    }
    spec = source("survey", dataset({"answer": ANSWER}, key="survey"), kind="csv", connection=said, timeout_seconds=10)
    return CsvConnector(spec, register=register(spec), environ={"PASSWORD": PASSWORD, "WRONG": "guess"})


def test_a_person_s_lines_are_found_on_a_server(server: SftpServer) -> None:
    connector = drop(server)
    connector.health()
    assert [i.locator for i in found(connector)] == [{"no": "1"}, {"no": "3"}]


def test_erasing_on_a_server_takes_exactly_these_lines_and_leaves_every_other_byte(server: SftpServer) -> None:
    connector = drop(server)
    assert connector.guarantee == "C"
    items = plan(found(connector))
    file = server.folder / "in" / NAME
    file.chmod(0o640)
    os.utime(file, (1_700_000_000, 1_700_000_000))
    items = plan(found(connector))
    assert [p.refused for p in connector.preview(items)] == ["", ""]
    assert dump(server.folder) == {NAME: ANSWERS}
    assert [d.outcome for d in connector.erase("op", 1, items)] == [ReceiptOutcome.ERASED] * 2
    assert dump(server.folder) == {NAME: b"no;email;name;text\r\n2;two@x.example;Kaksi;Huono\r\n\r\n"}
    assert [p.name for p in (server.folder / "in").iterdir()] == [NAME]
    assert (file.stat().st_mode & 0o777, int(file.stat().st_mtime)) == (0o640, 1_700_000_000)
    assert [d.outcome for d in connector.erase("op", 2, items)] == [ReceiptOutcome.ABSENT] * 2


def test_masking_on_a_server_empties_the_fields(server: SftpServer) -> None:
    connector = drop(server)
    items = plan(found(connector)[:1], Action.MASK, "name", "text")
    assert [d.outcome for d in connector.erase("op", 1, items)] == [ReceiptOutcome.MASKED]
    told = ANSWERS.replace('Yksi Äyräs;"Hyvä; oikein\r\nhyvä"'.encode("iso-8859-1"), b";")
    assert dump(server.folder) == {NAME: told}


def test_calling_off_on_a_server_tells_how_the_lines_look_now(server: SftpServer) -> None:
    connector = drop(server)
    items = plan(found(connector))
    assert [d.outcome for d in connector.call_off("op", 1, items)] == [ReceiptOutcome.KEPT] * 2
    assert dump(server.folder) == {NAME: ANSWERS}
    connector.erase("op", 2, items)
    assert [d.outcome for d in connector.call_off("op", 3, items)] == [ReceiptOutcome.ABSENT] * 2


def test_a_server_with_another_key_is_told_nothing(server: SftpServer) -> None:
    stranger = paramiko.RSAKey.generate(2048).get_base64()
    for known in (f"[127.0.0.1]:{server.port} ssh-rsa {stranger}", server.known_hosts.replace("127.0.0.1", "10.0.0.1")):
        with pytest.raises(NeverAgain, match="wrong_host_key"):
            drop(server, known_hosts=known).health()
    with pytest.raises(BadInput):
        drop(server, known_hosts="no key at all")


def test_a_wrong_password_is_refused_and_stands_in_no_message(server: SftpServer) -> None:
    with pytest.raises(NeverAgain, match="refused") as caught:
        drop(server, password={"env": "WRONG"}).health()
    assert "guess" not in f"{caught.value!r}{caught.value.__cause__!r}"


def test_a_server_that_is_gone_is_down(server: SftpServer) -> None:
    gone = drop(server, url=f"sftp://{USER}@127.0.0.1:9/in", known_hosts=server.known_hosts)
    with pytest.raises(SourceDown):
        gone.health()
    with pytest.raises(SourceDown):
        found(drop(server, url=f"sftp://{USER}@127.0.0.1:{server.port}/nowhere"))


def places(server: SftpServer) -> list[Any]:
    """The same folder over SFTP and directly."""
    over = SftpDrop("127.0.0.1", server.port, USER, folder="/in", known_hosts=server.known_hosts, password=PASSWORD)
    return [over, FolderDrop(server.folder / "in")]


@pytest.mark.parametrize("which", [0, 1], ids=["sftp", "folder"])
@pytest.mark.parametrize("how", ["a line more", "as long and in the same second", "put anew"])
def test_what_another_writer_adds_before_the_rename_is_never_lost(server: SftpServer, which: int, how: str) -> None:
    place, file = places(server)[which], server.folder / "in" / NAME
    os.utime(file, (1_700_000_000, 1_700_000_000))
    (dropped,) = place.files()

    def write(out: BinaryIO) -> None:
        out.write(b"ours")

    def another_writes() -> None:
        if how == "a line more":
            with file.open("ab") as more:
                more.write(b"4;four@x.example;Neljas;new\r\n")
        elif how == "put anew":
            (file.parent / "new").write_bytes(b"all new\r\n")
            (file.parent / "new").replace(file)
        else:
            with file.open("r+b") as same:
                same.seek(-10, 2)
                same.write(b"!")
            if which == 0:
                os.utime(file, (1_700_000_000, 1_700_000_000))

    with pytest.raises(TryAgain, match="changed_meanwhile"):
        place.replace(dropped, write, before=another_writes)
    expected = {"a line more": b"new\r\n", "put anew": b"all new\r\n"}.get(how, b"")
    assert file.read_bytes().endswith(expected)
    assert b"ours" not in file.read_bytes()
    assert [p.name for p in file.parent.iterdir()] == [NAME]
