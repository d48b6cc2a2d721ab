"""An archive of mail on a real IMAP server: what is found, whose it is, and what goes when it is erased."""

import socket
import socketserver
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import date
from email.message import EmailMessage
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from models.vocabulary import Action, Ownership, ReceiptOutcome
from tests.connectors.service import Notes
from tests.connectors.shop import dataset, field, register, source
from tests.mail_servers import ImapAccount, ImapServer
from workflows.connectors import mailbox_client
from workflows.connectors.mailbox_client import Account
from workflows.connectors.mailbox_message import read_message, stands_in
from workflows.connectors.mailbox_source import MailboxConnector
from workflows.errors import NeverAgain, PersonMustLook, SourceDown
from workflows.ports import EraseItem, Lead, Seeds
from workflows.rules.attachments import FETCH
from workflows.rules.items import Item, canonical

ANNA, BERTTA, DESK = "anna@example.test", "bertta@example.test", "desk@house.test"
FIELDS = [
    field("date", "user.behavior"),
    field("from", "user.contact.email", identity="email"),
    field("to", "user.contact.email"),
    field("subject", "user.content"),
    field("text", "user.content"),
    field("quoted", "user.content"),
]
SEEDS: Seeds = {
    "identity:email": [Lead(ANNA)],
    "identity:customer_number": [Lead("1001")],
    "identity:phone_number": [Lead("+358401111111")],
}


def mail(
    ident: str, author: str, to: str, *, subject: str = "Asia", text: str = "Hei", answers: str = "", **more: Any
) -> bytes:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = author, to, subject
    message["Date"] = "Tue, 24 Nov 2026 10:00:00 +0200"
    message["Message-ID"] = f"<{ident}@house.test>"
    if answers:
        message["In-Reply-To"] = f"<{answers}@house.test>"
        message["References"] = f"<{answers}@house.test>"
    message.set_content(text)
    for name, content in more.items():
        message.add_attachment(content, maintype="application", subtype="octet-stream", filename=name)
    return message.as_bytes().replace(b"\n", b"\r\n")


@pytest.fixture
def archive(imap_server: ImapAccount) -> ImapAccount:
    with imap_server.open() as box:
        for folder in ("Customers", "Trash"):
            if not box.folder.exists(folder):
                box.folder.create(folder)
    for folder, raw in (
        ("INBOX", mail("a1", ANNA, DESK, subject="Sähkölasku", text="Lasku on väärin.", bill=b"%PDF-1.7 x")),
        ("INBOX", mail("a2", DESK, ANNA, text="Korjaamme.\n\n> Lasku on väärin.", answers="a1")),
        ("INBOX", mail("a3", DESK, BERTTA, text="Naapurisi Anna (1001) kysyi samaa.", answers="a2")),
        ("Customers", mail("b1", BERTTA, DESK, text="Asiakasnumeroni on 10012.")),
        ("Customers", mail("b2", BERTTA, DESK, text="Soittakaa Annalle 0401111111.")),
        ("Customers", mail("b3", BERTTA, DESK, text="Ei mitään muuta.")),
        ("Customers", mail("c1", DESK, "boss@house.test", text="Ketju jatkuu.", answers="a3")),
    ):
        imap_server.append(raw, folder)
    return imap_server


def connector(account: ImapAccount, *, marks: Notes | None = None, **connection: Any) -> MailboxConnector:
    spec = source(
        "post",
        dataset({"message": FIELDS}, key="post"),
        kind="mailbox",
        connection={
            "url": f"{account.url}?tls=none",
            "folders": ["INBOX", "Customers"],
            "writable": True,
            "trash": "Trash",
            **connection,
        },
        person={"collections": {"message": {"erase": "delete", "on": "date"}}},
    )
    made = MailboxConnector(spec, register=register(spec), environ={})
    made._marks = marks
    return made


def collected(made: MailboxConnector, seeds: Seeds = SEEDS) -> dict[str, Item]:
    items: list[Item] = []
    made.collect(seeds, items.append)
    found = {str(item.locator["message_id"]).strip("<>").partition("@")[0]: item for item in items}
    assert len(found) == len(items), "each once"
    return found


def to_erase(*items: Item) -> list[EraseItem]:
    return [EraseItem(n, i.collection, i.locator, Action.DELETE, (), i.digest) for n, i in enumerate(items)]


def everything(account: ImapAccount) -> Mapping[str, list[bytes]]:
    return {folder: sorted(account.messages(folder)) for folder in account.folders()}


def test_mail_of_the_person_is_found_by_address_number_telephone_and_thread(archive: ImapAccount) -> None:
    found = collected(connector(archive))
    assert set(found) == {"a1", "a2", "a3", "b2", "c1"}
    assert "thread" in found["c1"].path
    assert found["a1"].fields["text"] == "Lasku on väärin."
    assert found["a1"].fields["subject"] == "Sähkölasku"
    assert str(found["a1"].on) == "2026-11-24"


def test_only_what_the_person_wrote_or_alone_received_is_theirs_at_once(archive: ImapAccount) -> None:
    found = collected(connector(archive))
    whose = {name: item.ownership for name, item in found.items()}
    assert whose == {
        "a1": Ownership.OWN,
        "a2": Ownership.OWN,
        "a3": Ownership.CANDIDATE,
        "b2": Ownership.CANDIDATE,
        "c1": Ownership.CANDIDATE,
    }
    shared = collected(connector(archive), {**SEEDS, "shared:email": [Lead(ANNA)]})
    assert {item.ownership for item in shared.values()} == {Ownership.CANDIDATE}


def test_what_went_to_several_is_not_the_persons_at_once(archive: ImapAccount) -> None:
    archive.append(mail("d1", DESK, f"{ANNA}, {BERTTA}"), "Customers")
    archive.append(mail("d2", f"{BERTTA}, {ANNA}", DESK), "Customers")
    found = collected(connector(archive))
    assert {found["d1"].ownership, found["d2"].ownership} == {Ownership.CANDIDATE}


def test_what_a_message_quotes_of_others_is_marked_as_theirs(archive: ImapAccount) -> None:
    answer = collected(connector(archive))["a2"]
    assert answer.fields["text"] == "Korjaamme."
    assert answer.fields["quoted"] == "Lasku on väärin."
    assert "quoted" in answer.third_party


def test_attachments_come_along_known_by_their_bytes(archive: ImapAccount) -> None:
    (file,) = collected(connector(archive))["a1"].files
    fetch: Any = file[FETCH]
    assert fetch() == (b"%PDF-1.7 x", "application/pdf")


def test_nothing_is_found_for_somebody_who_is_in_no_message_and_none_is_marked_as_read(archive: ImapAccount) -> None:
    assert collected(connector(archive), {"identity:email": [Lead("nobody@example.test")]}) == {}
    with archive.open() as box:
        assert all("\\Seen" not in message.flags for message in box.fetch(mark_seen=False))


def test_a_number_inside_a_longer_one_is_somebody_elses() -> None:
    assert not stands_in("1001", read_message(mail("x", BERTTA, DESK, text="numero 10012")))
    assert stands_in("1001", read_message(mail("x", BERTTA, DESK, text="numero 1001.")))
    assert stands_in("1001", read_message(mail("x", BERTTA, DESK, text="liitteessä")))  # the server saw it elsewhere


def marked(account: ImapAccount, folder: str, ident: str) -> None:
    """Somebody marked a message for deletion; it is theirs to expunge, and theirs to keep after all."""
    with account.open(folder) as box:
        (uid,) = [m.uid for m in box.fetch(mark_seen=False) if f"<{ident}@" in str(m.headers["message-id"])]
        box.client.uid("STORE", str(uid), "+FLAGS", r"(\Deleted)")


def test_an_erasure_takes_exactly_the_messages_approved_and_leaves_none_in_the_trash(archive: ImapAccount) -> None:
    archive.append(mail("t1", BERTTA, DESK), "Trash")
    marked(archive, "INBOX", "a3")
    marked(archive, "Trash", "t1")
    made = connector(archive, marks=Notes())
    before, found = everything(archive), collected(made)
    plan = to_erase(found["a1"], found["a2"], found["b2"])
    assert [p.refused for p in made.preview(plan)] == ["", "", ""]
    assert everything(archive) == before
    assert {d.outcome for d in made.erase("op", 1, plan)} == {ReceiptOutcome.ERASED}
    after = everything(archive)
    gone = {folder: len(raws) - len(after[folder]) for folder, raws in before.items()}
    assert gone == {"INBOX": 2, "Customers": 1, "Trash": 0}
    assert all(set(after[folder]) <= set(before[folder]) for folder in before)
    assert made.present(plan) == {}
    assert {d.outcome for d in made.erase("op", 1, plan)} == {ReceiptOutcome.ERASED}, "a repeat knows what it did"
    assert {d.outcome for d in made.erase("other", 1, plan)} == {ReceiptOutcome.ABSENT}
    assert {d.outcome for d in made.call_off("op", 2, plan)} == {ReceiptOutcome.ERASED}


def test_without_a_trash_messages_are_deleted_where_they_are(archive: ImapAccount) -> None:
    made = connector(archive, trash="")
    marked(archive, "Customers", "b3")
    plan = to_erase(collected(made)["b2"])
    assert [d.outcome for d in made.erase("op", 1, plan)] == [ReceiptOutcome.ERASED]
    assert len(archive.messages("Customers")) == 3
    assert archive.messages("Trash") == []


def test_a_server_that_can_only_expunge_all_that_is_marked_is_not_asked_to(
    archive: ImapAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, before = connector(archive), everything(archive)
    plan = to_erase(collected(made)["a1"])
    monkeypatch.setattr(Account, "can_erase", lambda _: False)  # Dovecot can
    assert [p.refused for p in made.preview(plan)] == ["no_uidplus"]
    assert [d.outcome for d in made.erase("op", 1, plan)] == [ReceiptOutcome.REFUSED]
    assert everything(archive) == before


def test_another_message_under_the_same_number_is_left_alone(archive: ImapAccount) -> None:
    made = connector(archive)
    item = collected(made)["a1"]
    plan = [EraseItem(0, item.collection, item.locator, Action.DELETE, (), "0" * 64)]
    before = everything(archive)
    assert [p.refused for p in made.preview(plan)] == ["drifted"]
    assert [d.outcome for d in made.erase("op", 1, plan)] == [ReceiptOutcome.DRIFTED]
    assert everything(archive) == before


def made_anew(account: ImapAccount, folder: str) -> None:
    """As an administrator rebuilds a folder: its numbers begin again, its messages are the same."""
    raws = account.messages(folder)
    with account.open() as box:
        box.folder.delete(folder)
        box.folder.create(folder)
    for raw in reversed(raws):
        account.append(raw.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"), folder)


def test_a_message_is_found_again_by_its_own_number_when_its_folder_was_made_anew(archive: ImapAccount) -> None:
    made = connector(archive)
    item = collected(made)["b2"]
    made_anew(archive, "Customers")
    again = collected(made)["b2"]
    assert again.locator["validity"] != item.locator["validity"]
    assert again.digest == item.digest
    plan = to_erase(item)
    assert made.present(plan) == {0: item.digest}
    assert [d.outcome for d in made.erase("op", 1, plan)] == [ReceiptOutcome.ERASED]
    assert set(collected(made)) == {"a1", "a2", "a3", "c1"}


def test_two_copies_that_cannot_be_told_apart_are_left_for_a_person(archive: ImapAccount) -> None:
    made = connector(archive)
    item = collected(made)["b2"]
    made_anew(archive, "Customers")
    archive.append(mail("b2", BERTTA, DESK, text="Soittakaa Annalle 0401111111."), "Customers")
    assert [d.outcome for d in made.erase("op", 1, to_erase(item))] == [ReceiptOutcome.DRIFTED]
    assert len(archive.messages("Customers")) == 5


def test_what_stayed_in_the_trash_when_the_worker_died_goes_at_the_next_try(archive: ImapAccount) -> None:
    marks = Notes()
    made = connector(archive, marks=marks)
    item = collected(made)["b2"]
    marks.set("op", 0, "asked", fence=1)
    with Account(made._server, timeout_seconds=10) as account:
        account.move("Customers", int(str(item.locator["uid"])), "Trash")
    assert len(archive.messages("Trash")) == 1
    assert [d.outcome for d in made.erase("op", 1, to_erase(item))] == [ReceiptOutcome.ERASED]
    assert archive.messages("Trash") == []


def test_where_we_may_not_write_people_delete(archive: ImapAccount) -> None:
    made = connector(archive, writable=False)
    plan = to_erase(collected(made)["a1"])
    assert made.guarantee == "D"
    assert [p.refused for p in made.preview(plan)] == ["by_hand"]
    with pytest.raises(PersonMustLook, match="by_hand"):
        made.erase("op", 1, plan)
    assert len(archive.messages("INBOX")) == 3


def test_a_folder_that_is_missing_fails_the_source_and_never_counts_as_empty(archive: ImapAccount) -> None:
    made = connector(archive, folders=["INBOX", "Nowhere"])
    for call in (made.health, lambda: made.collect(SEEDS, lambda _: None)):
        with pytest.raises(NeverAgain, match="folder_missing"):
            call()
    connector(archive).health()


def test_a_message_that_is_too_large_fails_the_search(archive: ImapAccount) -> None:
    archive.append(mail("big", ANNA, DESK, text="x" * 5_000), "Customers")
    with pytest.raises(NeverAgain, match="message_too_large"):
        collected(connector(archive, most_mb=0.004))


def test_a_message_nobody_can_take_apart_comes_as_it_is_and_is_left_to_people(archive: ImapAccount) -> None:
    parts = b"".join(b"--b%d\r\nContent-Type: multipart/mixed; boundary=b%d\r\n\r\n" % (n, n + 1) for n in range(80))
    raw = b"From: anna@example.test\r\nContent-Type: multipart/mixed; boundary=b0\r\n\r\n" + parts
    archive.append(raw, "Customers")
    (garbled,) = [item for item in collected(connector(archive)).values() if not item.locator["message_id"]]
    assert garbled.ownership is Ownership.CANDIDATE
    fetch: Any = garbled.files[0][FETCH]
    assert fetch()[0] == raw


def test_a_wrong_password_is_told_as_one_and_repeats_nothing_of_it(archive: ImapAccount) -> None:
    made = connector(archive, url=archive.url.replace(f":{archive.password}@", ":wr0ng@") + "?tls=none")
    with pytest.raises(NeverAgain, match="not_authorised") as caught:
        made.health()
    assert "wr0ng" not in str(caught.value)
    assert archive.user not in str(caught.value)


def test_a_search_goes_on_over_many_windows_of_numbers(archive: ImapAccount, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mailbox_client, "WINDOW", 2)
    assert set(collected(connector(archive))) == {"a1", "a2", "a3", "b2", "c1"}


def test_a_connection_that_breaks_is_made_anew_and_the_search_goes_on(archive: ImapAccount) -> None:
    made = connector(archive)
    with Account(made._server, timeout_seconds=10) as account:
        assert list(account.found("INBOX", "TEXT", value=ANNA)) != []
        assert account._mailbox is not None
        account._mailbox.client.sock.shutdown(socket.SHUT_RDWR)
        assert account.read("INBOX", 1, most_bytes=10_000) is not None


class Cutting(socketserver.ThreadingTCPServer):
    """Passes bytes on to a server, and cuts some connections after so many bytes of the answer."""

    daemon_threads = True

    def __init__(self, port: int, *, after: int, times: int) -> None:
        self.target, self.after, self.times = port, after, times
        super().__init__(("127.0.0.1", 0), _Passing)


class _Passing(socketserver.BaseRequestHandler):
    server: Cutting

    def handle(self) -> None:
        left = self.server.after if self.server.times > 0 else None
        with socket.create_connection(("127.0.0.1", self.server.target)) as there:
            threading.Thread(target=self._asked, args=(there,), daemon=True).start()
            while answer := there.recv(512):
                if left is not None:
                    answer, left = answer[:left], left - len(answer)
                self.request.sendall(answer)
                if left is not None and left <= 0:
                    self.server.times -= 1
                    self.request.shutdown(socket.SHUT_RDWR)
                    return

    def _asked(self, there: socket.socket) -> None:
        with suppress(OSError):
            while asked := self.request.recv(512):
                there.sendall(asked)
            there.shutdown(socket.SHUT_WR)


@contextmanager
def cutting(account: ImapAccount, *, after: int, times: int) -> Iterator[ImapAccount]:
    with Cutting(account.port, after=after, times=times) as proxy:
        threading.Thread(target=proxy.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        yield replace(account, host="127.0.0.1", port=proxy.server_address[1])
        proxy.shutdown()


@pytest.mark.parametrize("after", [40, 900, 2_500, 3_600])
def test_a_connection_cut_inside_an_answer_loses_nothing(archive: ImapAccount, after: int) -> None:
    whole = {name: item.digest for name, item in collected(connector(archive)).items()}
    with cutting(archive, after=after, times=1) as there:
        try:
            found = collected(connector(there))
        except SourceDown:
            found = collected(connector(there))  # it was cut before anything was known; the next try is a new one
    assert {name: item.digest for name, item in found.items()} == whole


def test_a_connection_that_is_cut_every_time_is_a_source_that_is_down(archive: ImapAccount) -> None:
    with cutting(archive, after=700, times=1_000) as there, pytest.raises(SourceDown):
        collected(connector(there))


def test_a_server_that_is_down_is_a_source_that_is_down(own_imap: ImapServer) -> None:
    made = connector(own_imap.new_account(), folders=["INBOX"])
    made.health()
    own_imap.stop()
    with pytest.raises(SourceDown):
        made.health()


def test_only_the_last_days_are_searched_where_the_source_file_says_so(archive: ImapAccount) -> None:
    assert set(collected(connector(archive, since_days=1))) == {"a1", "a2", "a3", "b2", "c1"}


@given(st.binary(max_size=2_000))
@example(b"From: =?utf-8?q?=ff?= <a@b>\r\nDate: 99\r\nContent-Type: text/plain; charset=\xff\r\n\r\nx")
@example(
    b"Content-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\nContent-Transfer-Encoding: base64\r\n\r\n!!\r\n--a--"
)
@example(b"Message-ID: <a@b>\r\nReferences: <" + b"x" * 5_000 + b">\r\nTo: " + b"<," * 500 + b"\r\n\r\n")
def test_whatever_the_bytes_are_a_message_is_read_or_handed_on_as_it_is(raw: bytes) -> None:
    read = read_message(raw)
    assert not read.garbled or [file.content for file in read.files] == [raw]
    assert all(isinstance(value, str) for value in read.told.values())
    assert stands_in("\x00never", read)


def test_a_mailbox_read_through_gives_every_message_as_a_search_would(archive: ImapAccount) -> None:
    """Also of strangers, and however old: a search that goes back a day would find nothing here."""
    made = connector(archive, since_days=1)
    found = collected(connector(archive))
    through = {canonical(item.locator): item for item in made.records("message", before=date.max)}
    assert len(through) == 7
    for item in found.values():
        same = through[canonical(item.locator)]
        assert (same.digest, same.fields, same.facts, same.on) == (item.digest, item.fields, item.facts, item.on)


def test_a_mailbox_lists_who_each_message_names_and_since_when(archive: ImapAccount) -> None:
    made = connector(archive)
    listed = {str(row.locator["message_id"])[1:3]: row for row in made.everything("message")}
    assert set(listed) == {"a1", "a2", "a3", "b1", "b2", "b3", "c1"}
    assert {row.names_others for row in listed.values()} == {True}
    assert listed["a1"].identifiers == {"email": (ANNA,)}
    found = collected(made)
    assert {ident: listed[ident].locator for ident in found} == {n: i.locator for n, i in found.items()}


def test_a_message_too_large_to_be_read_is_listed_and_fails_a_look_at_what_it_says(archive: ImapAccount) -> None:
    made = connector(archive, most_mb=0.0001)
    assert len(list(made.everything("message"))) == 7
    with pytest.raises(NeverAgain, match="message_too_large"):
        list(made.records("message", before=date.max))
