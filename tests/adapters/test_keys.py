"""The key vault: what it refuses, how it rotates, and that two processes never make two rings."""

import base64
import json
import multiprocessing
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflows.adapters.keys import AesKey, FileKeyVault, create_key_file
from workflows.errors import BadInput, NeverAgain


@pytest.fixture
def ring(tmp_path: Path) -> Path:
    path = tmp_path / "keys.json"
    create_key_file(path)
    return path


def change(path: Path, edit: Callable[[dict[str, Any]], None]) -> None:
    content = json.loads(path.read_text())
    edit(content)
    path.write_text(json.dumps(content))


def test_a_new_ring_is_readable_by_its_owner_only(ring: Path) -> None:
    assert ring.stat().st_mode & 0o777 == 0o600
    assert sorted(path.name for path in ring.parent.iterdir()) == ["keys.json"]


def test_a_missing_ring_is_not_made_unless_asked(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="can't be read"):
        FileKeyVault(tmp_path / "keys.json")
    assert not (tmp_path / "keys.json").exists()


def test_an_existing_ring_is_never_overwritten(ring: Path) -> None:
    before = ring.read_bytes()
    with pytest.raises(BadInput, match="exists already"):
        create_key_file(ring)
    FileKeyVault(ring, create=True)
    assert ring.read_bytes() == before


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o666])
def test_a_ring_that_others_can_read_is_refused(ring: Path, mode: int) -> None:
    ring.chmod(mode)
    with pytest.raises(BadInput, match="others than its owner"):
        FileKeyVault(ring)


def test_a_read_only_ring_is_fine(ring: Path) -> None:
    ring.chmod(0o400)
    FileKeyVault(ring)


WEAK = {
    "zeros": bytes(32),
    "a repeated pattern": bytes(range(8)) * 4,
    "counting": bytes(range(32)),
    "words": b"change-me-change-me-please-12345",
    "a password": b"my very secret password number 1",
    "short": secrets.token_bytes(16),
    "long": secrets.token_bytes(64),
    "nothing": b"",
}


@pytest.mark.parametrize("name", WEAK)
@pytest.mark.parametrize("place", ["keys", "digest"])
def test_a_weak_key_is_refused(ring: Path, name: str, place: str) -> None:
    text = base64.b64encode(WEAK[name]).decode()
    if place == "digest":
        change(ring, lambda content: content.update(digest=text))
    else:
        change(ring, lambda content: content["keys"].update(k1=text))
    with pytest.raises(BadInput, match="not 32 random bytes"):
        FileKeyVault(ring)


@pytest.mark.parametrize("_round", range(200))
def test_a_random_key_is_never_taken_for_a_weak_one(tmp_path: Path, _round: int) -> None:
    FileKeyVault(tmp_path / "keys.json", create=True)


NO_RINGS = (
    "",
    "{",
    "[]",
    "null",
    '"x"',
    "{}",
    '{"current": "k", "keys": [], "digest": ""}',
    '{"keys": {"k": 1}, "digest": 2}',
    '{"current": "k", "keys": {"k": "no base64!"}, "digest": "x"}',
    "\xff\x00",
)


@pytest.mark.parametrize("content", NO_RINGS)
def test_what_is_not_a_ring_is_refused_in_plain_words(ring: Path, content: str) -> None:
    ring.write_bytes(content.encode("latin-1"))
    with pytest.raises(BadInput, match="is not a key ring"):
        FileKeyVault(ring)


def test_a_current_key_that_is_missing_is_refused(ring: Path) -> None:
    change(ring, lambda content: content.update(current="k-lost"))
    with pytest.raises(BadInput, match="does not hold"):
        FileKeyVault(ring)


def test_one_key_for_two_purposes_is_refused(ring: Path) -> None:
    change(ring, lambda content: content.update(digest=content["keys"][content["current"]]))
    with pytest.raises(BadInput, match="same key twice"):
        FileKeyVault(ring)


def test_no_key_is_in_any_message_or_repr(ring: Path) -> None:
    content = json.loads(ring.read_text())
    texts = [content["digest"], *content["keys"].values()]
    change(ring, lambda content: content.update(current="k-lost"))
    with pytest.raises(BadInput) as caught:
        FileKeyVault(ring)
    change(ring, lambda new: new.update(content))
    vault = FileKeyVault(ring)
    shown = f"{caught.value!r} {caught.value} {vault!r} {vault.new_key()!r} {vault.unwrap(*wrapped_by(vault))!r}"
    assert not any(text in shown for text in texts)


def wrapped_by(vault: FileKeyVault) -> tuple[bytes, str]:
    return vault.new_key()[0], vault.master_key


def test_after_a_rotation_old_keys_open_and_new_ones_are_wrapped_by_the_new(ring: Path) -> None:
    vault = FileKeyVault(ring)
    old_id = vault.master_key
    wrapped, key = vault.new_key()
    sealed, digest, derived = key.seal(b"kept", "c"), vault.digest("email", "x"), vault.derive("cookies")
    new_id = vault.rotate()
    assert vault.master_key == new_id != old_id
    again = FileKeyVault(ring)
    assert again.unwrap(wrapped, old_id).open(sealed, "c") == b"kept"
    assert (again.digest("email", "x"), again.derive("cookies")) == (digest, derived)
    rewrapped, by = again.rewrap(wrapped, old_id)
    assert by == new_id
    assert again.unwrap(rewrapped, new_id).open(sealed, "c") == b"kept"
    assert ring.stat().st_mode & 0o777 == 0o600


def test_a_process_that_started_before_the_rotation_reads_the_ring_again(ring: Path) -> None:
    early, other = FileKeyVault(ring), FileKeyVault(ring)
    other.rotate()
    wrapped, key = other.new_key()
    assert early.unwrap(wrapped, other.master_key).open(key.seal(b"x", "c"), "c") == b"x"


def test_a_wrapped_key_claimed_for_another_master_key_does_not_open(ring: Path) -> None:
    vault = FileKeyVault(ring)
    wrapped, old_id = wrapped_by(vault)
    vault.rotate()
    with pytest.raises(NeverAgain, match="sealed"):
        vault.unwrap(wrapped, vault.master_key)
    assert old_id in vault.master_keys


def test_purposes_have_keys_of_their_own(ring: Path) -> None:
    vault = FileKeyVault(ring)
    assert len({vault.derive(p) for p in ("cookies", "links", "digest:email", "digest:hetu")}) == 4
    assert vault.digest("a:b", "c") != vault.digest("a", "b:c")


def _open_ring(path: str, results: Any) -> None:
    vault = FileKeyVault(Path(path), create=True)
    results.put((vault.master_key, vault.digest("email", "x").hex()))


def test_processes_that_start_at_once_share_one_ring(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    results = context.Queue()
    path = str(tmp_path / "var" / "keys.json")
    processes = [context.Process(target=_open_ring, args=(path, results)) for _ in range(6)]
    for process in processes:
        process.start()
    seen = {results.get(timeout=30) for _ in processes}
    for process in processes:
        process.join(30)
    assert len(seen) == 1
    assert [entry.name for entry in (tmp_path / "var").iterdir()] == ["keys.json"]


@given(plain=st.binary(max_size=300), context=st.text(max_size=60))
def test_what_is_sealed_opens_and_never_looks_the_same_twice(plain: bytes, context: str) -> None:
    key = AesKey(bytes(range(100, 132)))
    one, two = key.seal(plain, context), key.seal(plain, context)
    assert one != two
    assert key.open(one, context) == key.open(two, context) == plain
    assert len(one) == len(plain) + 29


@given(sealed=st.binary(max_size=200))
def test_bytes_that_were_never_sealed_do_not_open(sealed: bytes) -> None:
    with pytest.raises(NeverAgain, match="sealed"):
        AesKey(bytes(range(100, 132))).open(sealed, "c")
