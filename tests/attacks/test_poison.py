"""Somebody sends what harms whoever opens it, or has it in their records already."""

import csv
import io
import json
import re
import resource
import socket
import sys
import threading
import time
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from email.message import EmailMessage
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pikepdf
import pytest

from models.intake import Message
from models.vocabulary import MessageState
from tests.attacks.house import NOTE, NUMBERS, House, body_of, running_house
from tests.attacks.outside import WISH, letter
from tests.composed import ROOT
from tests.world import BOB, JANE
from workers.serving import Server
from workflows.stages.intake import open_raw
from workflows.sweeps import sweep

PASSPORT = b"\xff\xd8\xff\xe0" + bytes(range(256)) * 8
PAYLOADS = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'><svg/onload=alert(1)>",
    "javascript:alert(1)",
    "{{7*7}}${7*7}<%= 7*7 %>",
    "</title></textarea><iframe src=//evil.example>",
    "\u202egnp.exe",
)


def packed(*names: str, size: int = 10) -> bytes:
    """A ZIP archive with these entries."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            archive.writestr(name, b"\x00" * size)
    return out.getvalue()


def with_file(name: str, data: bytes, *, text: str = WISH, ident: str = "1") -> EmailMessage:
    """A request with one attachment."""
    mail = letter("stranger@elsewhere.example", text, ident=ident)
    mail.add_attachment(data, maintype="application", subtype="octet-stream", filename=name)
    return mail


def kept(house: House, message: Message) -> bytes:
    with house.world.rt.unit() as session:
        return open_raw(session, house.world.rt, session.get_one(Message, message.id))


class Elements(HTMLParser):
    """Every element and attribute of a page that could do something."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, str]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("script", "iframe", "object", "embed", "img", "base", "meta-refresh", "audio", "video"):
            self.found.append((tag, ""))
        for name, value in attrs:
            leads = name in ("href", "src", "action", "formaction", "data", "content")
            if name.startswith("on") or name == "style" or (leads and "javascript:" in (value or "").lower()):
                self.found.append((tag, f"{name}={value}"))


def test_row_15_sec_06_a_copy_of_an_identity_document_is_kept_shut_and_destroyed(house: House, tmp_path: Path) -> None:
    mail = letter(JANE, f"{WISH} I attach a copy of my passport.")
    mail.add_attachment(PASSPORT, maintype="image", subtype="jpeg", filename="passport.jpg")
    house.mail(mail)
    [message] = house.messages()
    assert message.state is MessageState.OPENED, "the request goes on without it"
    page = house.desk("anna").get(f"/messages/{message.id}").text
    assert "<img" not in page
    assert "passport.jpg" in page
    told = " ".join(" ".join(map(body_of, house.sent)).split())
    assert "Do not send your personal identity code or a picture of your identity document" in told
    house.world.clock.advance(days=8)
    sweep(house.world.rt)
    [message] = house.messages()
    assert message.stripped_at is not None
    assert b"/9j/4" not in kept(house, message)
    stored = b"".join(p.read_bytes() for p in tmp_path.rglob("*") if p.is_file())
    assert PASSPORT[4:80] not in stored


HARMFUL = {
    "invoice.docm": b"PK\x03\x04" + b"\x00" * 60,
    "letter.pdf": b"%PDF-1.7\n1 0 obj<</OpenAction<</S/JavaScript/JS(app.alert(1))>>>>endobj",
    "nested.pdf": b"%PDF-1.7\n1 0 obj<</Names<</EmbeddedFiles<<>>>>>>endobj",
    "photo.jpg": b"MZ\x90\x00" + b"\x00" * 60,
    "request.html": b"<html><script>alert(1)</script>",
    "request.lnk": b"L\x00\x00\x00\x01\x14\x02\x00",
    "inner.zip": packed("request.exe", "inner.zip"),
    "locked.7z": b"7z\xbc\xaf\x27\x1c" + b"\x00" * 40,
}


@pytest.mark.parametrize("name", HARMFUL)
def test_row_17_sec_40_a_harmful_file_is_never_opened_or_shown_and_staff_are_warned(house: House, name: str) -> None:
    house.mail(with_file(name, HARMFUL[name], text="When are you open?\nhttps://evil.example/run.exe"))
    [message] = house.messages()
    assert message.state is MessageState.TRIAGE
    seat = house.desk("ilse")
    page = seat.get(f"/messages/{message.id}").text
    assert "open" in page
    assert not Elements(page).found
    assert 'href="https://evil.example' not in page
    assert "Do not open" in page or "harm" in page.lower()
    raw = seat.get(f"/messages/{message.id}/raw")
    assert raw.headers["Content-Type"] == "application/octet-stream"
    assert raw.headers["Content-Disposition"].startswith("attachment")
    assert raw.headers["X-Content-Type-Options"] == "nosniff"
    assert seat.get(f"/messages/{message.id}/raw/{name}").status == 404, "no part has an address of its own"


FORMULAS = ("=cmd|' /C calc'!A0", "@SUM(1+1)*cmd|' /C calc'!A0")


@dataclass
class Watch:
    """Which files were opened for writing while `on`, by whatever part of this process."""

    on: bool = False
    written: list[str] = field(default_factory=list)


WATCH = Watch()


def _watch(event: str, arguments: tuple[object, ...]) -> None:
    if WATCH.on and event == "open" and isinstance(arguments[0], str | bytes):
        mode, flags = arguments[1], arguments[2]
        writes = (isinstance(mode, str) and set(mode) & set("wax+")) or (isinstance(flags, int) and flags & 3)
        if writes:
            WATCH.written.append(str(arguments[0]))


sys.addaudithook(_watch)


@dataclass
class Canary:
    """A place that a document might be made to fetch something from."""

    port: int
    calls: int = 0


@pytest.fixture(scope="module")
def canary() -> Iterator[Canary]:
    """Listens on this machine, and counts."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        made = Canary(listening.getsockname()[1])

        def count() -> None:
            with suppress(OSError):
                while True:
                    listening.accept()[0].close()
                    made.calls += 1

        threading.Thread(target=count, daemon=True).start()
        yield made


@dataclass
class Poisoned:
    """What a person with hostile records got, and which files were written until then."""

    package: zipfile.ZipFile
    written: list[str]
    folder: Path
    house: House


@pytest.fixture(scope="module")
def poisoned(tmp_path_factory: pytest.TempPathFactory, canary: Canary) -> Iterator[Poisoned]:
    """Jane's name fetches from elsewhere and from this disk; her orders are formulas. She asks for a copy."""
    folder = tmp_path_factory.mktemp("poisoned")
    picture = folder / "secret.png"
    picture.write_bytes(b"\x89PNG\r\n\x1a\n")
    here = f"http://127.0.0.1:{canary.port}"
    name = (
        f"<img src='{here}/a'><link rel=attachment href='file:///etc/passwd'><img src='file://{picture}'>"
        f"<style>@import url({here}/b)</style><script>alert(1)</script>{{{{7*7}}}}"
    )
    with running_house(folder, render_pdf=True) as house:
        house.world.execute("shop", "UPDATE customer SET name = :n WHERE id = 1".replace(":n", quoted(name)))
        for ident, formula in enumerate(FORMULAS, start=1):
            house.world.execute("shop", f"UPDATE orders SET note = {quoted(formula + NOTE)} WHERE id = {ident}")
        WATCH.on = True
        who = house.browser()
        page = who.ask(email=JANE, name="x<img src=file:///etc/passwd>", message=name)
        house.prove(who, page, JANE)
        got = who.get(f"{page}/files/package.zip")
        WATCH.on = False
        assert got.status == 200
        yield Poisoned(zipfile.ZipFile(io.BytesIO(got.body)), WATCH.written, folder, house)


def quoted(text: str) -> str:
    return "'" + text.replace("'", "''").replace(":", "\\:") + "'"


def test_row_18_nothing_in_a_name_fetches_or_runs_in_any_document(poisoned: Poisoned, canary: Canary) -> None:
    pages = [n for n in poisoned.package.namelist() if n.endswith((".html", ".pdf"))]
    assert any(n.endswith(".pdf") for n in pages)
    for name in pages:
        content = poisoned.package.read(name)
        if name.endswith(".html"):
            found = Elements(content.decode()).found
            assert not [f for f in found if f[0] in ("script", "iframe", "img", "object")], name
            assert b'href="file:' not in content
        else:
            with pikepdf.open(io.BytesIO(content)) as pdf:
                assert "/Names" not in pdf.Root or "/EmbeddedFiles" not in pdf.Root.Names
                assert not [i for p in pdf.pages for i in p.get_images()]
            assert b"root:" not in content
    assert b"{{7*7}}" in b"".join(poisoned.package.read(n) for n in poisoned.package.namelist() if n.endswith(".json"))
    assert canary.calls == 0


def test_row_19_no_cell_of_a_table_is_a_formula(poisoned: Poisoned) -> None:
    tables = [n for n in poisoned.package.namelist() if n.endswith(".csv")]
    cells = [
        cell
        for n in tables
        for row in csv.reader(io.StringIO(poisoned.package.read(n).decode("utf-8-sig")))
        for cell in row
    ]
    hits = [cell for cell in cells if NOTE in cell]
    assert len(hits) == 2
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]


def test_sec_10_what_is_delivered_is_never_plain_on_a_disk(poisoned: Poisoned) -> None:
    ours = [f for f in poisoned.folder.rglob("*") if f.is_file() and f.name not in ("shop.db", "billing.db")]
    assert [f for f in ours if "blobs" in f.parts]
    for file in ours:
        content = file.read_bytes()
        assert NOTE.encode() not in content, file.name
        assert b"PK\x03\x04" not in content[:4], file.name
    places = {Path(p) for p in poisoned.written if not p.startswith("/dev/")}
    strangers = [p for p in places if p.is_absolute() and not p.is_relative_to(poisoned.folder)]
    strangers = [p for p in strangers if "__pycache__" not in p.parts]
    assert not strangers, "no temporary file anywhere else"


def test_sec_10_what_a_slow_reader_has_not_read_yet_waits_in_memory(tmp_path: Path) -> None:
    chunk, count = bytes(65_536), 400
    made: list[int] = []

    def answer(_environ: object, start: Any) -> Iterator[bytes]:
        start("200 OK", [("Content-Type", "application/zip"), ("Content-Length", str(len(chunk) * count))])
        for n in range(count):
            made.append(n)
            yield chunk

    WATCH.written, WATCH.on = [], True
    door = Server(answer, host="127.0.0.1", port=0, threads=2).start()
    with socket.create_connection(("127.0.0.1", door.port)) as reader:
        reader.sendall(b"GET / HTTP/1.0\r\n\r\n")
        seen = -1
        while seen != len(made):  # until it makes no more of an answer that nobody reads
            seen = len(made)
            time.sleep(0.3)
        got = sum(len(part) for part in iter(lambda: reader.recv(1 << 20), b""))
    door.stop()
    WATCH.on = False
    assert seen < count
    assert got > len(chunk) * count
    assert WATCH.written == []


def test_sec_38_bombs_end_as_a_task_for_a_person(house: House) -> None:
    many = b"From: a@b.example\r\nMessage-ID: <many@b>\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n"
    many += b"--x\r\n\r\na\r\n" * 100_000 + b"--x--\r\n"
    inner = b"Content-Type: text/plain\r\n\r\nPlease send me my data"
    for n in range(50):
        inner = b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n%s\r\n--b%d--\r\n" % (n, n, inner, n)
    deep = b"From: a@b.example\r\nMessage-ID: <deep@b>\r\n" + inner
    heads = b"From: a@b.example\r\nMessage-ID: <heads@b>\r\n" + b"X-A: b\r\n" * 30_000 + b"\r\nhello"
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for raw in (many, deep, heads):
        house.mail(raw)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 300_000, "kilobytes"
    assert [m.why for m in house.messages()] == ["too_complex"] * 3
    sizes = sorted(m.size_bytes for m in house.messages())
    assert sizes == sorted(len(raw) if raw.endswith(b"\r\n") else len(raw) + 2 for raw in (many, deep, heads)), "whole"


@pytest.mark.parametrize(
    ("data", "sign"),
    [
        (packed("zeros.bin", size=30_000_000), "archive bomb"),
        (packed(*(f"{n}.txt" for n in range(1_100))), "archive bomb"),
        (packed("42.zip"), "archive inside an archive"),
    ],
)
def test_sec_38_an_archive_is_judged_by_its_list_and_never_unpacked(house: House, data: bytes, sign: str) -> None:
    house.mail(with_file("files.zip", data, text="When are you open?"))
    page = house.desk("ilse").get(f"/messages/{house.messages()[0].id}").text
    assert "Do not open the attachments" in page
    assert sign in page.lower()


def test_sec_39_pictures_and_xml_are_parsed_by_nobody(house: House) -> None:
    laughs = b'<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "ha">' + b"".join(
        b'<!ENTITY %s "%s">' % (bytes([98 + n]), b"&%s;" % bytes([97 + n]) * 10) for n in range(9)
    )
    laughs += b"]><l>&j;</l>"
    huge = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + (60_000).to_bytes(4, "big") * 2 + b"\x08\x02\x00\x00\x00"
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for n, (name, data) in enumerate({"a.xml": laughs, "a.svg": laughs, "a.png": huge}.items()):
        house.mail(with_file(name, data, ident=str(n)))
        page = house.desk("anna").get(f"/messages/{house.messages()[-1].id}")
        assert page.status == 200
        assert "haha" not in page.text
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000, "kilobytes"
    code = [f for part in ("models", "workflows", "webhooks", "workers") for f in (ROOT / part).rglob("*.py")]
    parsers = re.compile(r"^\s*(?:from|import) (?:xml|lxml|PIL|defusedxml|cv2)\b", re.M)
    assert not [f.name for f in code if parsers.search(f.read_text("utf-8"))]


INJECTED = (
    "Jane\r\nBcc: victim@evil.example",
    "Jane\nSubject: hello",
    "=?utf-8?q?Jane=0D=0ABcc:_victim@evil.example?=",
    "Jane\u2028Bcc: victim@evil.example",
    "Jane\x00\x0bBcc: victim@evil.example",
)


def test_sec_41_nobody_writes_a_line_into_the_head_of_our_mails(house: House) -> None:
    who = house.browser()
    for n, text in enumerate(INJECTED):
        who.ask(email=f"asks{n}@elsewhere.example", name=text, message=text)
        assert who.fill(right="access", name="J", email=f"j@elsewhere.example{text[4:]}").status == 422
        head = (
            f"From: {text.replace(chr(0), '').splitlines()[0]} <m{n}@elsewhere.example>\r\nSubject: {INJECTED[2]}\r\n"
        )
        house.mail(f"{head}Message-ID: <{n}@x>\r\n\r\n{WISH}\r\n".encode())
    body = {"right": "access", "identifiers": {"email": JANE}, "reply_to": "a@b.example\r\nBcc: victim@evil.example"}
    api = house.caller()
    assert api.send("POST", "/api/v1/requests", json.dumps(body).encode(), {"Idempotency-Key": "k"}).status == 422
    assert len(house.sent) >= len(INJECTED) + 3
    assert not [a for a in house.written_to if a.endswith("evil.example")]
    known = {"from", "to", "subject", "date", "message-id", "mime-version", "content-type", "content-transfer-encoding"}
    known |= {
        "auto-submitted",
        "precedence",
        "content-language",
        "x-vastine-loop",
        "reply-to",
        "references",
        "in-reply-to",
    }
    for mail in house.sent:
        assert {k.lower() for k in mail.keys()} <= known, list(mail.keys())  # noqa: SIM118
        assert mail["From"] == "Shop <answers@shop.example>"
        assert "hello" not in mail["Subject"]


def test_sec_43_no_mail_of_any_kind_says_who_it_is_about_or_what_we_hold(house: House) -> None:
    who = house.browser()
    for right in ("access", "erasure"):
        page = who.ask(email=BOB, name="Robert Bobson", right=right, message="My diagnosis")
        house.prove(who, page, BOB)
    house.world.approve(house.request_of(page).id)
    house.work()
    who.ask(email=BOB, name="Robert Bobson", right="marketing_ban")
    house.work()
    assert len(house.sent) >= 6
    for mail in house.sent:
        for word in ("Bob", "Robert", "diagnosis", "his too", "C-1002", r"\b40\b"):  # links hold any letters by chance
            assert not re.search(word, re.sub(r"https?://\S+", "", body_of(mail)).replace(BOB, "")), mail["Subject"]
            assert not re.search(word, str(mail["Subject"]))
        assert not list(mail.iter_attachments())


def test_sec_20_what_strangers_write_is_text_on_every_page(house: House) -> None:
    who = house.browser()
    pages: list[str] = []
    for n, text in enumerate(PAYLOADS):
        place = who.ask(email=f"x{n}@elsewhere.example", name=text, message=text, customer_number=NUMBERS[1])
        pages.append(place)
        who.post(f"{place}/message", {"note": text})
        for lang in ("fi", "en"):
            typed = {"right": text, "name": text, "email": text, "message": text}
            shown = who.fill(lang, **typed)
            assert shown.status == 422
            assert not Elements(shown.text).found
        assert not Elements(who.get(place).text).found
        assert not Elements(who.post("/en/reference", {"reference": text}).text).found
        mail = letter(f"m{n}@elsewhere.example", text, ident=str(n))
        mail.replace_header("Subject", text.replace("\n", ""))
        mail.add_attachment(b"x", maintype="text", subtype="plain", filename=text)
        house.mail(mail)
    api = house.caller()
    body = {"right": "access", "name": PAYLOADS[1], "identifiers": {"email": JANE}, "message": PAYLOADS[0]}
    assert api.send("POST", "/api/v1/requests", json.dumps(body).encode(), {"Idempotency-Key": "k"}).status == 201
    house.work()
    seat = house.desk("anna")
    places = ["/", "/requests?state=all", "/tasks", f"/requests?q={PAYLOADS[1][:30]}", "/audit", "/outbox"]
    places += [f"/requests/{r.reference}" for r in house.requests()]
    places += [f"/messages/{m.id}" for m in house.messages()]
    for path in places:
        shown = seat.get(path.replace(" ", "%20"))
        assert shown.status in (200, 404), path
        assert not Elements(shown.text).found, path
    assert len(places) > 25
