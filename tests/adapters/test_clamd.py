"""The scanner speaks with the real daemon and with its twin alike, and takes no silence for an answer."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.processes import free_port, open_folder
from tests.scanner import CLAMD, EICAR, LARGEST, clamd_twin, real_clamd
from workflows.adapters.clamd import Clamd
from workflows.errors import TryAgain


@pytest.fixture(
    scope="module",
    params=["twin", pytest.param("real", marks=pytest.mark.skipif(not CLAMD.exists(), reason="no clamd here"))],
)
def scanner(request: pytest.FixtureRequest) -> Iterator[Clamd]:
    if request.param == "twin":
        with clamd_twin() as twin:
            yield Clamd(twin.address)
        return
    with open_folder() as folder, real_clamd(folder) as address:
        yield Clamd(address)


@pytest.mark.parametrize("content", [b"", b"Hello", b"\0" * 300_000], ids=["nothing", "words", "many pieces"])
def test_what_is_clean_has_no_name(scanner: Clamd, content: bytes) -> None:
    assert scanner.find(content) == ""


@pytest.mark.parametrize("content", [EICAR, b"x" * 262_100 + EICAR], ids=["alone", "across two pieces"])
def test_what_is_known_has_one(scanner: Clamd, content: bytes) -> None:
    assert scanner.find(content) == "Eicar-Test.UNOFFICIAL"


def test_what_is_too_large_for_it_is_not_clean(scanner: Clamd) -> None:
    with pytest.raises(TryAgain):
        scanner.find(b"x" * (LARGEST + 1_000))


def test_it_says_that_it_is_there(scanner: Clamd) -> None:
    scanner.health()


@pytest.mark.parametrize(
    "says", [b"", b"stream: OK", b"OK\0", b"stream: ERROR\0", b"stream: x OK\0", b"x" * 9_000, b"\0"]
)
def test_no_other_answer_counts_as_clean(says: bytes) -> None:
    with clamd_twin() as twin:
        twin.says = says
        with pytest.raises(TryAgain):
            Clamd(twin.address).find(b"Hello")
        with pytest.raises(TryAgain):
            Clamd(twin.address).health()


def test_a_name_is_letters_whatever_the_scanner_says() -> None:
    with clamd_twin() as twin:
        twin.says = b"stream: <b>Bad one\n FOUND\0"
        assert Clamd(twin.address).find(b"Hello") == "bBadone"
        twin.says = b"stream:  FOUND\0"
        assert Clamd(twin.address).find(b"Hello")


def test_nobody_there_and_nobody_answering_are_no_clean_files(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as frozen:
        for address in (("127.0.0.1", free_port()), str(tmp_path / "none"), frozen.getsockname()[:2]):
            with pytest.raises(TryAgain):
                Clamd(address, seconds=0.3).find(b"Hello")
