"""What an attachment is by its bytes, and what of it is destroyed because nobody asked for it."""

import io
import re
import zipfile
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.effort import examples
from workflows.rules.mail import House, understand_mail
from workflows.rules.mail_files import examine
from workflows.rules.mail_strip import without

NOW = datetime(2026, 11, 24, 6, tzinfo=UTC)
JPEG, PDF = b"\xff\xd8\xff\xe0" + b"\x10" * 40, b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\n"


def packed(**files: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name.replace("__", "."), content)
    return out.getvalue()


@pytest.mark.parametrize(
    ("name", "data", "signs"),
    [
        ("letter.pdf", PDF, ()),
        ("photo.jpg", JPEG, ()),
        ("letter.docx", packed(word__xml=b"<w/>"), ()),
        ("letter.docx", packed(vbaProject__bin=b"x"), ("macro",)),
        ("letter.docm", packed(word__xml=b"<w/>"), ("macro",)),
        ("invoice.pdf", b"MZ\x90\x00", ("program", "disguised")),
        ("invoice.pdf.exe", PDF, ("program",)),
        ("letter.pdf", PDF + b"<</OpenAction 1 0 R /JS (x)>>", ("active",)),
        ("letter.pdf", PDF + b"<</Type /EmbeddedFile>>", ("active",)),
        ("page.svg", b"<svg onload='x'/>", ("active",)),
        ("a.zip", packed(b__zip=b"PK"), ("nested",)),
        ("a.zip", packed(b__exe=b"MZ"), ("program",)),
        ("a.zip", packed(zeros=bytes(30_000_000)), ("bomb",)),
        ("a.zip", packed(**{f"f{n}": b"" for n in range(1_100)}), ("bomb",)),
        ("a.zip", b"PK\x03\x04 broken", ("disguised",)),
        ("photo.jpg", b"Hello", ("disguised",)),
    ],
)
def test_an_attachment_is_told_by_its_bytes(name: str, data: bytes, signs: tuple[str, ...]) -> None:
    assert examine(name, data)[1] == signs


@settings(max_examples=examples(200))
@given(
    st.text(max_size=30), st.one_of(st.binary(max_size=300), st.binary(max_size=200).map(lambda b: b"PK\x03\x04" + b))
)
def test_any_bytes_are_examined(name: str, data: bytes) -> None:
    media, signs = examine(name, data)
    assert "/" in media
    assert len(signs) == len(set(signs))


def letter(text: str, *files: tuple[str, bytes, str]) -> bytes:
    mail = EmailMessage(policy=policy.SMTP)
    mail["From"], mail["Subject"], mail["Message-ID"] = "aino@posti.example", "Tietoni", "<1@posti.example>"
    mail.set_content(text)
    for name, data, kind in files:
        main, sub = kind.split("/")
        mail.add_attachment(data, maintype=main, subtype=sub, filename=name)
    return mail.as_bytes()


def copies(raw: bytes) -> list[str]:
    got = understand_mail(raw, House(["privacy@shop.example"]))
    return [a.name for a in got.attachments if "identity" in a.signs]


@pytest.mark.parametrize(
    "name",
    ["passi.jpg", "Ajokortti_Aino.jpg", "henkilökortti.jpg", "mitt körkort.jpg", "my-passport.jpg", "ID-card.jpg"],
)
def test_a_copy_is_known_by_its_name(name: str) -> None:
    assert copies(letter("Hei.", (name, JPEG, "image/jpeg"))) == [name]


@pytest.mark.parametrize("name", ["passiivitalo.jpg", "Passion.jpg", "sähköpassitus.jpg", "lasku.jpg"])
def test_an_innocent_name_is_none(name: str) -> None:
    assert copies(letter("Poistakaa tietoni.", (name, JPEG, "image/jpeg"))) == []


@pytest.mark.parametrize(
    "said",
    [
        "Ohessa kopio passistani.",
        "Henkilökorttini kuva on liitteenä.",
        "Jag bifogar en kopia av mitt körkort.",
        "I attach a copy of my passport.",
    ],
)
def test_a_single_picture_is_one_if_the_mail_says_so(said: str) -> None:
    assert copies(letter(said, ("IMG_1.jpg", JPEG, "image/jpeg"))) == ["IMG_1.jpg"]


def test_where_there_are_several_only_a_name_tells_which(  # the other one may be the letter itself
) -> None:
    raw = letter(
        "Ohessa kopio passistani ja kirjeeni.", ("kirje.pdf", PDF, "application/pdf"), ("x.jpg", JPEG, "image/jpeg")
    )
    assert copies(raw) == []
    named = raw.replace(b"x.jpg", b"passi.jpg")
    assert copies(named) == ["passi.jpg"]


def test_a_document_goes_by_its_name_alone() -> None:  # the letter may be in it, before the copy
    said = "Liitteenä tietopyyntöni ja kopio passistani."
    assert copies(letter(said, ("skannaus.pdf", PDF, "application/pdf"))) == []
    assert copies(letter(said, ("passi.pdf", PDF, "application/pdf"))) == ["passi.pdf"]


def test_the_copy_goes_with_a_note_and_all_else_stays() -> None:
    raw = letter(
        "Poistakaa tietoni.\r\nÄiti",
        ("kirje.pdf", PDF, "application/pdf"),
        ("passi.jpg", JPEG, "image/jpeg"),
    )
    stripped, count = without(raw, NOW, texts=[])
    assert count == 1
    parts = [p for p in message_from_bytes(stripped, policy=policy.default).walk() if not p.is_multipart()]
    assert [p.get_content_type() for p in parts] == ["text/plain", "application/pdf", "text/plain"]
    assert parts[1].get_content() == PDF
    assert "destroyed on 2026-11-24" in parts[2].get_content()
    assert understand_mail(stripped, House()).text == understand_mail(raw, House()).text
    assert without(stripped, NOW, texts=[]) == (stripped, 0)


def test_a_mail_without_such_a_copy_stays_byte_for_byte() -> None:
    raw = letter("Poistakaa tietoni.", ("lasku.pdf", PDF, "application/pdf"))
    assert without(raw, NOW, texts=[]) == (raw, 0)


def test_a_part_that_only_says_it_has_parts_is_kept_as_it_came() -> None:
    broken = (
        b'Content-Type: multipart/alternative; boundary="no"\r\n\r\nP\xe4iv\xe4\xe4, Aino \xc3\x84ij\xc3\xa4l\xc3\xa4'
    )
    raw = letter("Poistakaa tietoni.", ("lasku.pdf", PDF, "application/pdf"), ("passi.jpg", JPEG, "image/jpeg"))
    end = re.search(rb"--=+\d+==--", raw)
    assert end
    raw = raw[: end.start()] + end[0][:-2] + b"\r\n" + broken + b"\r\n" + raw[end.start() :]
    stripped, count = without(raw, NOW, texts=[])
    assert count == 1
    assert broken in stripped.replace(b"\n", b"\r\n")
