"""One contract per port, kept by the real class and by its twin."""

import zipfile
from collections.abc import Callable, Iterator
from datetime import UTC, timedelta
from pathlib import Path

import pytest
from celery import Celery

from tests import fakes
from tests.mail_servers import ImapAccount, SmtpSink
from workflows import ports
from workflows.adapters.blobs import FileBlobStore
from workflows.adapters.broker import CeleryBell, NullBell
from workflows.adapters.clock import SystemClock
from workflows.adapters.keys import FileKeyVault
from workflows.adapters.mail import FolderMailer, SmtpMailer, kept_mails
from workflows.adapters.mailbox import ImapInbox
from workflows.errors import BadInput, NeverAgain, NotFound
from workflows.setting_values import mail_server

SENDER = "Vastaaja <answers@example.fi>"


def a_mail(**changes: object) -> ports.OutgoingMail:
    facts: dict[str, object] = {
        "message_id": "<4711@example.fi>",
        "to": "aino@example.org",
        "subject": "Pyyntösi on saapunut",
        "body": "Hei!\n\nVastaamme viimeistään 2.4.2026.\n",
        "language": "fi",
    }
    return ports.OutgoingMail(**(facts | changes))  # type: ignore[arg-type]


def break_off(blobs: ports.BlobStore, name: str, key: ports.RequestKey) -> None:
    with blobs.write(name, key) as out:
        out.write(b"half")
        raise RuntimeError


@pytest.fixture(params=["real", "twin"])
def vault(request: pytest.FixtureRequest, tmp_path: Path) -> ports.KeyVault:
    if request.param == "twin":
        return fakes.MemoryVault()
    return FileKeyVault(tmp_path / "keys.json", create=True)


@pytest.fixture(params=["real", "twin"])
def blobs(request: pytest.FixtureRequest, tmp_path: Path) -> ports.BlobStore:
    return fakes.MemoryBlobStore() if request.param == "twin" else FileBlobStore(tmp_path / "blobs")


@pytest.fixture
def key() -> ports.RequestKey:
    return fakes.MemoryVault().new_key()[1]


@pytest.fixture(params=["smtp", "folder", "twin"])
def mailer(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[ports.Mailer, Callable[[], int]]:
    """A mailer, and a count of the mails that got through it."""
    clock = fakes.SettableClock()
    if request.param == "smtp":
        sink: SmtpSink = request.getfixturevalue("smtp_sink")
        return SmtpMailer(mail_server(sink.url, "smtp"), SENDER, clock=clock), lambda: len(sink.messages)
    if request.param == "folder":
        folder = tmp_path / "outbox"
        return FolderMailer(folder, SENDER, clock=clock), lambda: len(list(kept_mails(folder)))
    twin = fakes.RecordingMailer()
    return twin, lambda: len(twin.sent)


@pytest.fixture(params=["imap", "twin"])
def inbox(request: pytest.FixtureRequest) -> Iterator[tuple[ports.Inbox, Callable[[bytes], None]]]:
    """An inbox, and a way to deliver into it."""
    if request.param == "twin":
        twin = fakes.ListInbox()
        yield twin, twin.append
        return
    account: ImapAccount = request.getfixturevalue("imap_server")
    real = ImapInbox(mail_server(account.url + "?tls=none", "imap"))
    yield real, account.append
    real.close()


def test_a_wrapped_key_opens_what_the_fresh_key_sealed(vault: ports.KeyVault) -> None:
    wrapped, fresh = vault.new_key()
    sealed = fresh.seal("Äänitteet".encode(), "item.body:1")
    assert vault.unwrap(wrapped, vault.master_key).open(sealed, "item.body:1").decode() == "Äänitteet"


def test_sealed_bytes_moved_to_another_row_do_not_open(vault: ports.KeyVault) -> None:
    _, key = vault.new_key()
    with pytest.raises(NeverAgain, match="sealed"):
        key.open(key.seal(b"x", "item.body:1"), "item.body:2")


@pytest.mark.parametrize("place", [0, 5, 20, -1])
def test_a_flipped_bit_is_found_out(vault: ports.KeyVault, place: int) -> None:
    _, key = vault.new_key()
    sealed = bytearray(key.seal(b"some bytes that matter", "c"))
    sealed[place] ^= 1
    with pytest.raises(NeverAgain, match="sealed"):
        key.open(bytes(sealed), "c")


def test_another_requests_key_opens_nothing(vault: ports.KeyVault) -> None:
    sealed = vault.new_key()[1].seal(b"x", "c")
    with pytest.raises(NeverAgain, match="sealed"):
        vault.new_key()[1].open(sealed, "c")


def test_a_master_key_that_the_vault_does_not_have_opens_nothing(vault: ports.KeyVault) -> None:
    with pytest.raises(NeverAgain, match="sealed"):
        vault.unwrap(vault.new_key()[0], "k-unheard-of")


def test_digests_are_stable_keyed_and_apart_by_purpose(vault: ports.KeyVault) -> None:
    digest = vault.digest("email", "aino@example.org")
    assert len(digest) == 32
    assert digest == vault.digest("email", "aino@example.org")
    assert digest != vault.digest("hetu", "aino@example.org")
    assert digest != vault.digest("email", "aino@example.com")


@pytest.mark.parametrize("size", [0, 1, 100_000])
def test_a_blob_reads_back_as_it_was_written(blobs: ports.BlobStore, key: ports.RequestKey, size: int) -> None:
    with blobs.write("package/1", key) as out:
        out.write(b"\x07" * size)
    with blobs.read("package/1", key) as stream:
        assert stream.read() == b"\x07" * size


def test_a_block_that_fails_leaves_no_blob(blobs: ports.BlobStore, key: ports.RequestKey) -> None:
    with pytest.raises(RuntimeError):
        break_off(blobs, "package/1", key)
    assert list(blobs.names()) == []
    with pytest.raises(NotFound), blobs.read("package/1", key):
        pass


def test_a_failed_rewriting_leaves_the_old_blob(blobs: ports.BlobStore, key: ports.RequestKey) -> None:
    with blobs.write("a", key) as out:
        out.write(b"old")
    with pytest.raises(RuntimeError):
        break_off(blobs, "a", key)
    with blobs.read("a", key) as stream:
        assert stream.read() == b"old"


def test_a_blob_under_another_key_is_refused(blobs: ports.BlobStore, key: ports.RequestKey) -> None:
    with blobs.write("a", key) as out:
        out.write(b"mine")
    with pytest.raises(NeverAgain, match="sealed"), blobs.read("a", fakes.MemoryVault("other").new_key()[1]) as stream:
        stream.read()


def test_a_zip_can_be_written_into_and_read_out_of_a_blob(blobs: ports.BlobStore, key: ports.RequestKey) -> None:
    with blobs.write("p.zip", key) as out, zipfile.ZipFile(out, "w") as archive:
        archive.writestr("data.json", b"{}" * 1000)
    with blobs.read("p.zip", key) as stream, zipfile.ZipFile(stream) as archive:
        assert archive.read("data.json") == b"{}" * 1000


def test_names_lists_what_exists_and_delete_may_come_twice(blobs: ports.BlobStore, key: ports.RequestKey) -> None:
    for name in ("raw/1", "raw/2", "package/1"):
        with blobs.write(name, key) as out:
            out.write(b"x")
    blobs.delete("raw/1")
    blobs.delete("raw/1")
    assert list(blobs.names("raw/")) == ["raw/2"]
    assert set(blobs.names()) == {"raw/2", "package/1"}


@pytest.mark.parametrize("name", ["", "../keys.json", "a/../../b", "/etc/x", "a//b", ".hidden", "a\0b", "tmp/x", "a\n"])
def test_a_name_that_leaves_the_store_is_refused(blobs: ports.BlobStore, key: ports.RequestKey, name: str) -> None:
    with pytest.raises(BadInput), blobs.write(name, key):
        pass
    with pytest.raises(BadInput), blobs.read(name, key):
        pass
    with pytest.raises(BadInput):
        blobs.delete(name)


def test_a_mail_is_handed_over(mailer: tuple[ports.Mailer, Callable[[], int]]) -> None:
    post, count = mailer
    post.send(a_mail())
    assert count() == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"subject": "Hei\r\nBcc: everybody@example.com"},
        {"subject": "Hei\nBcc: everybody@example.com"},
        {"to": "aino@example.org\r\nBcc: everybody@example.com"},
        {"to": "nobody"},
        {"message_id": "<a@b>\r\nX: y"},
    ],
)
def test_a_line_break_in_a_header_is_refused(
    mailer: tuple[ports.Mailer, Callable[[], int]], changes: dict[str, str]
) -> None:
    post, count = mailer
    with pytest.raises(NeverAgain):
        post.send(a_mail(**changes))
    assert count() == 0


def test_messages_come_oldest_first_until_they_are_settled(
    inbox: tuple[ports.Inbox, Callable[[bytes], None]],
) -> None:
    box, deliver = inbox
    for number in range(3):
        deliver(b"Subject: %d\r\n\r\nbody\r\n" % number)
    first = list(box.fetch(2))
    assert [raw[:10] for _, raw in first] == [b"Subject: 0", b"Subject: 1"]
    assert [handle for handle, _ in box.fetch(2)] == [handle for handle, _ in first]
    box.settle(first[0][0])
    box.settle(first[0][0])
    deliver(b"Subject: 3\r\n\r\nbody\r\n")
    assert [raw[9:10] for _, raw in box.fetch(10)] == [b"1", b"2", b"3"]


def test_messages_may_be_settled_while_they_are_read(inbox: tuple[ports.Inbox, Callable[[bytes], None]]) -> None:
    box, deliver = inbox
    for number in range(5):
        deliver(b"Subject: %d\r\n\r\nbody\r\n" % number)
    seen = []
    for handle, raw in box.fetch(10):
        seen.append(raw[9:10])
        box.settle(handle)
    assert seen == [b"0", b"1", b"2", b"3", b"4"]
    assert list(box.fetch(10)) == []


@pytest.mark.parametrize("clock", [SystemClock(), fakes.SettableClock()])
def test_now_is_aware_and_in_utc(clock: ports.Clock) -> None:
    assert clock.now().tzinfo is UTC
    assert clock.now() <= clock.now() + timedelta(0)


@pytest.mark.parametrize(
    "bell", [NullBell(), fakes.RecordingBell(), CeleryBell(Celery("vastine", broker="redis://127.0.0.1:1/0"))]
)
def test_a_bell_never_raises(bell: ports.Bell) -> None:
    for _ in range(3):
        bell.ring("collect", "0190f3c2")
