"""The mailbox, on a real IMAP server."""

import socket
import threading
import time
from collections.abc import Callable

import pytest

from tests.mail_servers import ImapAccount, ImapServer
from workflows.adapters.mailbox import ImapInbox
from workflows.errors import TryAgain
from workflows.setting_values import MailServer, mail_server


def server_of(account: ImapAccount, *, folder: str = "INBOX", password: str = "") -> MailServer:
    secret = password or account.password
    return mail_server(f"imap://{account.user}:{secret}@{account.host}:{account.port}/{folder}?tls=none", "imap")


def a_message(text: str, *, size: int = 0) -> bytes:
    return f"From: aino@example.org\r\nSubject: {text}\r\n\r\n".encode() + b"x" * size + b"\r\n"


def test_the_very_bytes_come_out_and_stay_unseen(imap_server: ImapAccount) -> None:
    raw = b"Subject: =?utf-8?q?p=C3=A4?=\r\nX-Odd:\tfolded\r\n  twice \r\n\r\n\xff\xfe raw 8-bit bytes\r\n.\r\nend\r\n"
    imap_server.append(raw)
    inbox = ImapInbox(server_of(imap_server))
    assert [got for _, got in inbox.fetch(5)] == [raw]
    inbox.close()
    with imap_server.open() as mailbox:
        assert [message.flags for message in mailbox.fetch(mark_seen=False)] == [()]


def test_settled_messages_are_in_the_archive_folder(imap_server: ImapAccount) -> None:
    imap_server.append(a_message("one"))
    inbox = ImapInbox(server_of(imap_server))
    for handle, _ in inbox.fetch(5):
        inbox.settle(handle)
    inbox.close()
    assert imap_server.messages() == []
    assert len(imap_server.messages("Archive")) == 1


def test_a_larger_message_than_we_take_is_offered_without_bytes_and_kept_for_a_person(
    imap_server: ImapAccount,
) -> None:
    imap_server.append(a_message("small"))
    imap_server.append(a_message("large", size=20_000))
    imap_server.append(a_message("after"))
    inbox = ImapInbox(server_of(imap_server), largest_bytes=10_000)
    fetched = list(inbox.fetch(5))
    assert [bool(raw) for _, raw in fetched] == [True, False, True]
    assert len(imap_server.messages()) == 3
    for handle, _ in fetched:
        inbox.settle(handle)
    inbox.close()
    assert imap_server.messages() == []
    assert len(imap_server.messages("TooLarge")[0]) > 20_000
    assert len(imap_server.messages("Archive")) == 2


def test_the_folders_may_be_others(imap_server: ImapAccount) -> None:
    with imap_server.open() as mailbox:
        mailbox.folder.create("Pyynnöt")
    imap_server.append(a_message("one"), "Pyynnöt")
    url = imap_server.url.replace("INBOX", "Pyynn%C3%B6t") + "?tls=none&archive=Hoidetut"
    inbox = ImapInbox(mail_server(url, "imap"))
    for handle, _ in inbox.fetch(5):
        inbox.settle(handle)
    inbox.close()
    assert len(imap_server.messages("Hoidetut")) == 1


def test_a_message_that_someone_deleted_is_not_offered(imap_server: ImapAccount) -> None:
    imap_server.append(a_message("deleted"))
    imap_server.append(a_message("kept"))
    with imap_server.open() as mailbox:
        # By hand, since the library's own way removes the message at once.
        mailbox.client.uid("STORE", mailbox.uids()[0], "+FLAGS", r"(\Deleted)")
    inbox = ImapInbox(server_of(imap_server))
    assert [b"kept" in raw for _, raw in inbox.fetch(5)] == [True]
    inbox.close()
    assert len(imap_server.messages()) == 2


def test_a_message_that_goes_away_while_we_read_is_passed_over(imap_server: ImapAccount) -> None:
    for text in ("one", "two", "three"):
        imap_server.append(a_message(text))
    inbox = ImapInbox(server_of(imap_server))
    seen = []
    for _, raw in inbox.fetch(5):
        seen.append(raw.split(b"\r\n")[1])
        if len(seen) == 1:
            with imap_server.open() as mailbox:
                mailbox.delete(mailbox.uids()[1])
    inbox.close()
    assert seen == [b"Subject: one", b"Subject: three"]


def test_a_handle_from_before_the_folder_was_made_anew_touches_nothing(imap_server: ImapAccount) -> None:
    with imap_server.open() as mailbox:
        mailbox.folder.create("Requests")
    imap_server.append(a_message("old"), "Requests")
    inbox = ImapInbox(server_of(imap_server, folder="Requests"))
    handle = next(iter(inbox.fetch(1)))[0]
    inbox.close()
    with imap_server.open() as mailbox:
        mailbox.folder.delete("Requests")
        mailbox.folder.create("Requests")
    imap_server.append(a_message("new"), "Requests")
    inbox.settle(handle)
    assert [b"new" in raw for _, raw in inbox.fetch(5)] == [True]
    inbox.close()


def test_the_inbox_comes_back_after_the_server_did(own_imap: ImapServer) -> None:
    account = own_imap.new_account()
    inbox = ImapInbox(server_of(account))
    account.append(a_message("one"))
    handle = next(iter(inbox.fetch(5)))[0]
    own_imap.stop()
    inbox.close()  # the server lets a session that is open end in peace
    with pytest.raises(TryAgain, match="inbox"):
        inbox.settle(handle)
    with pytest.raises(TryAgain, match="inbox"):
        list(inbox.fetch(5))
    own_imap.start()
    inbox.settle(handle)
    account.append(a_message("two"))
    assert [b"two" in raw for _, raw in inbox.fetch(5)] == [True]
    inbox.close()


def test_a_cut_connection_is_made_again_without_a_word(imap_server: ImapAccount) -> None:
    inbox = ImapInbox(server_of(imap_server))
    imap_server.append(a_message("one"))
    handle = next(iter(inbox.fetch(5)))[0]
    cut(inbox)
    inbox.settle(handle)
    cut(inbox)
    assert list(inbox.fetch(5)) == []
    inbox.close()


def cut(inbox: ImapInbox) -> None:
    assert inbox._mailbox is not None
    inbox._mailbox.client.sock.shutdown(socket.SHUT_RDWR)


def test_a_refused_log_in_and_a_missing_folder_are_told(imap_server: ImapAccount) -> None:
    with pytest.raises(TryAgain, match="inbox_login"):
        list(ImapInbox(server_of(imap_server, password="wrong")).fetch(5))
    with pytest.raises(TryAgain, match="inbox"):
        list(ImapInbox(server_of(imap_server, folder="Nowhere")).fetch(5))


def test_a_server_without_tls_is_not_logged_in_to_where_tls_is_the_rule(imap_server: ImapAccount) -> None:
    with pytest.raises(TryAgain, match="inbox"):
        list(ImapInbox(mail_server(imap_server.url, "imap")).fetch(5))


def test_a_strange_handle_is_an_error() -> None:
    with pytest.raises(ValueError, match="not a handle"):
        ImapInbox(mail_server("imap://u:p@127.0.0.1:1?tls=none", "imap")).settle("1:2 3")


def woken(inbox: ImapInbox, act: Callable[[], None], *, stop: Callable[[], bool] = lambda: False) -> float:
    """How long the inbox waited when something was done a moment after it began."""
    list(inbox.fetch(5))
    timer = threading.Timer(0.3, act)
    timer.start()
    began = time.monotonic()
    assert inbox.wait(60, stop=stop)
    timer.join()
    return time.monotonic() - began


def test_waiting_ends_when_a_message_comes(imap_server: ImapAccount) -> None:
    inbox = ImapInbox(server_of(imap_server))
    assert woken(inbox, lambda: imap_server.append(a_message("new"))) < 30
    assert [b"new" in raw for _, raw in inbox.fetch(5)] == [True]
    inbox.close()


def test_a_message_that_was_told_of_while_another_was_put_away_is_not_waited_for(imap_server: ImapAccount) -> None:
    imap_server.append(a_message("one"))
    inbox = ImapInbox(server_of(imap_server))
    ((handle, _),) = inbox.fetch(5)
    imap_server.append(a_message("two"))
    inbox.settle(handle)
    looked: list[int] = []

    def stop() -> bool:
        looked.append(1)
        return True

    assert inbox.wait(20, stop=stop)
    assert not looked, "it waited, though the server had told of the second already"
    assert [b"two" in raw for _, raw in inbox.fetch(5)] == [True]
    inbox.close()


def test_waiting_ends_when_it_is_told_to_stop(imap_server: ImapAccount) -> None:
    inbox, told = ImapInbox(server_of(imap_server)), threading.Event()
    assert woken(inbox, told.set, stop=told.is_set) < 30
    inbox.close()


def test_a_line_that_is_cut_while_waiting_is_told_and_made_again_by_the_next_look(imap_server: ImapAccount) -> None:
    inbox = ImapInbox(server_of(imap_server))
    with pytest.raises(TryAgain, match="inbox"):
        woken(inbox, lambda: cut(inbox))
    imap_server.append(a_message("meanwhile"))
    assert [b"meanwhile" in raw for _, raw in inbox.fetch(5)] == [True]
    inbox.close()


def test_a_folder_that_is_made_anew_loses_no_message_and_doubles_none(imap_server: ImapAccount) -> None:
    with imap_server.open() as mailbox:
        mailbox.folder.create("Requests")
    imap_server.append(a_message("one"), "Requests")
    inbox = ImapInbox(server_of(imap_server, folder="Requests"))
    first = [(handle, raw) for handle, raw in inbox.fetch(5)]
    with imap_server.open() as mailbox:
        mailbox.folder.delete("Requests")
        mailbox.folder.create("Requests")
    for text in ("one", "two"):  # restored by whoever made it anew
        imap_server.append(a_message(text), "Requests")
    inbox.close()
    for handle, _ in first:
        inbox.settle(handle)
    again = list(inbox.fetch(5))
    assert [raw.split(b"\r\n")[1] for _, raw in again] == [b"Subject: one", b"Subject: two"]
    assert not {handle for handle, _ in first} & {handle for handle, _ in again}
    inbox.close()
