"""Blobs: whole, durable and unchanged, or not at all; memory stays small."""

import os
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.effort import examples
from tests.fakes import MemoryVault
from workflows.adapters.blobs import FileBlobStore
from workflows.errors import NeverAgain, TryAgain
from workflows.ports import RequestKey

FRAME = 1_048_576
SEALED = FRAME + 29
HEAD = 23


@pytest.fixture
def store(tmp_path: Path) -> FileBlobStore:
    return FileBlobStore(tmp_path / "blobs")


@pytest.fixture
def key() -> RequestKey:
    return MemoryVault().new_key()[1]


def keep(store: FileBlobStore, name: str, key: RequestKey, *, data: bytes) -> None:
    with store.write(name, key) as out:
        out.write(data)


def read(store: FileBlobStore, name: str, key: RequestKey) -> bytes:
    with store.read(name, key) as stream:
        return stream.read()


def test_blobs_and_folders_are_their_owners_only(store: FileBlobStore, key: RequestKey, tmp_path: Path) -> None:
    keep(store, "package/1", key, data=b"x")
    assert (tmp_path / "blobs/package/1").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "blobs/package").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "blobs").stat().st_mode & 0o777 == 0o700


def test_no_plain_byte_is_ever_in_the_folder(store: FileBlobStore, key: RequestKey, tmp_path: Path) -> None:
    with store.write("p", key) as out:
        for _ in range(40):
            out.write(b"CANARY-131052" * 10_000)
            for path in (tmp_path / "blobs").rglob("*"):
                assert path.is_dir() or b"CANARY" not in path.read_bytes()
    assert b"CANARY" not in (tmp_path / "blobs/p").read_bytes()


@pytest.mark.parametrize("size", [FRAME - 1, FRAME, FRAME + 1, 3 * FRAME, 3 * FRAME + 17])
def test_sizes_around_a_frame_read_back(store: FileBlobStore, key: RequestKey, size: int) -> None:
    data = os.urandom(size)
    keep(store, "p", key, data=data)
    assert read(store, "p", key) == data


@settings(max_examples=examples(40), deadline=None)
@given(parts=st.lists(st.integers(0, 700_000), max_size=6), at=st.floats(0, 1), length=st.integers(0, 1_500_000))
def test_any_part_can_be_read_from_any_place(
    tmp_path_factory: pytest.TempPathFactory, parts: list[int], at: float, length: int
) -> None:
    store, key = FileBlobStore(tmp_path_factory.mktemp("blobs")), MemoryVault().new_key()[1]
    data = b"".join(os.urandom(size) for size in parts)
    with store.write("p", key) as out:
        start = 0
        for size in parts:
            out.write(data[start : start + size])
            start += size
    place = int(at * len(data))
    with store.read("p", key) as stream:
        stream.seek(place)
        assert stream.read(length) == data[place : place + length]


def frame(raw: bytes, number: int) -> bytes:
    return raw[HEAD + number * SEALED : HEAD + (number + 1) * SEALED]


def flipped(raw: bytes, place: int) -> bytes:
    return raw[:place] + bytes([raw[place] ^ 1]) + raw[place + 1 :]


TAMPERED: dict[str, Callable[[bytes], bytes]] = {
    "cut at a frame": lambda raw: raw[: HEAD + 2 * SEALED],
    "cut at the first frame": lambda raw: raw[: HEAD + SEALED],
    "cut inside a frame": lambda raw: raw[:-5],
    "cut inside a tag": lambda raw: raw[: HEAD + 2 * SEALED + 10],
    "only the head": lambda raw: raw[:HEAD],
    "empty": lambda _raw: b"",
    "frames swapped": lambda raw: raw[:HEAD] + frame(raw, 1) + frame(raw, 0) + frame(raw, 2),
    "a frame repeated": lambda raw: raw[:HEAD] + frame(raw, 0) + frame(raw, 0) + frame(raw, 2),
    "a frame left out": lambda raw: raw[:HEAD] + frame(raw, 0) + frame(raw, 2),
    "a frame added": lambda raw: raw[: HEAD + 2 * SEALED] + frame(raw, 1) + frame(raw, 2),
    "something added": lambda raw: raw + b"x" * 40,
    "one bit in the first frame": lambda raw: flipped(raw, HEAD + 100),
    "one bit in the head": lambda raw: flipped(raw, 0),
    "one bit in the writing's number": lambda raw: flipped(raw, 10),
}


@pytest.mark.parametrize("how", TAMPERED)
def test_tampering_is_found_out(store: FileBlobStore, key: RequestKey, tmp_path: Path, how: str) -> None:
    keep(store, "p", key, data=os.urandom(2 * FRAME + 500))
    path = tmp_path / "blobs/p"
    path.write_bytes(TAMPERED[how](path.read_bytes()))
    with pytest.raises(NeverAgain, match="sealed"):
        read(store, "p", key)


def test_a_blob_cut_short_gives_out_no_byte_at_all(store: FileBlobStore, key: RequestKey, tmp_path: Path) -> None:
    keep(store, "p", key, data=os.urandom(2 * FRAME + 500))
    path = tmp_path / "blobs/p"
    path.write_bytes(TAMPERED["cut at a frame"](path.read_bytes()))
    with pytest.raises(NeverAgain), store.read("p", key):
        pass


def test_a_blob_under_another_name_does_not_open(store: FileBlobStore, key: RequestKey, tmp_path: Path) -> None:
    keep(store, "of-aino", key, data=b"hers")
    (tmp_path / "blobs/of-aino").rename(tmp_path / "blobs/of-eino")
    with pytest.raises(NeverAgain, match="sealed"):
        read(store, "of-eino", key)


def test_frames_of_two_writings_of_one_name_do_not_mix(store: FileBlobStore, key: RequestKey, tmp_path: Path) -> None:
    path = tmp_path / "blobs/p"
    keep(store, "p", key, data=os.urandom(2 * FRAME + 500))
    old = path.read_bytes()
    keep(store, "p", key, data=os.urandom(2 * FRAME + 500))
    new = path.read_bytes()
    path.write_bytes(new[: HEAD + SEALED] + old[HEAD + SEALED : HEAD + 2 * SEALED] + new[HEAD + 2 * SEALED :])
    with pytest.raises(NeverAgain, match="sealed"):
        read(store, "p", key)


def test_a_large_blob_passes_through_little_memory(store: FileBlobStore, key: RequestKey) -> None:
    piece = os.urandom(8 * FRAME)
    tracemalloc.start()
    try:
        with store.write("p", key) as out:
            for _ in range(4):
                out.write(piece)
        total = 0
        with store.read("p", key) as stream:
            while part := stream.read(65_536):
                total += len(part)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert total == 32 * FRAME
    assert peak < 8 * FRAME


def test_closing_inside_the_block_does_not_end_the_blob(store: FileBlobStore, key: RequestKey) -> None:
    with store.write("p", key) as out:
        out.write(b"one ")
        out.close()
        out.write(b"two")
    assert read(store, "p", key) == b"one two"


def test_writing_after_the_block_is_an_error(store: FileBlobStore, key: RequestKey) -> None:
    with store.write("p", key) as out:
        pass
    with pytest.raises(ValueError, match="finished"):
        out.write(b"late")


def test_a_disk_that_takes_nothing_means_try_again(store: FileBlobStore, key: RequestKey) -> None:
    program = """
import resource, signal, sys
from pathlib import Path
from tests.fakes import MemoryVault
from workflows.adapters.blobs import FileBlobStore
from workflows.errors import TryAgain
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    with FileBlobStore(Path(sys.argv[1])).write("p", MemoryVault().new_key()[1]) as out:
        out.write(bytes(3_000_000))
except TryAgain as error:
    print(error.code)
"""
    folder = store._folder
    done = subprocess.run(
        [sys.executable, "-c", program, str(folder)], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout == "blobs\n"
    assert list(store.names()) == []
    assert list((folder / "tmp").iterdir()) == []


def test_a_killed_writer_leaves_no_blob_and_its_rest_can_be_cleared(store: FileBlobStore, key: RequestKey) -> None:
    program = """
import os, sys
from pathlib import Path
from tests.fakes import MemoryVault
from workflows.adapters.blobs import FileBlobStore
with FileBlobStore(Path(sys.argv[1])).write("p", MemoryVault().new_key()[1]) as out:
    out.write(bytes(3_000_000))
    os.kill(os.getpid(), 9)
"""
    done = subprocess.run([sys.executable, "-c", program, str(store._folder)], check=False, timeout=60)
    assert done.returncode == -9
    assert list(store.names()) == []
    assert store.clear_unfinished(datetime(2020, 1, 1, tzinfo=UTC)) == 0
    assert store.clear_unfinished(datetime(2100, 1, 1, tzinfo=UTC)) == 1


def test_a_store_that_can_not_be_written_means_try_again(tmp_path: Path, key: RequestKey) -> None:
    store = FileBlobStore(tmp_path / "blobs")
    (tmp_path / "blobs/package").write_bytes(b"a file where a folder is needed")
    with pytest.raises(TryAgain, match="blobs"):
        keep(store, "package/1", key, data=b"x")
