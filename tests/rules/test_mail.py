"""Mail is understood, or handed to a person; it never breaks anything."""

from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.vocabulary import Right
from tests.effort import examples
from workflows.rules.mail import House, understand_mail

NOW = datetime(2026, 11, 24, 6, tzinfo=UTC)
OWN = ("tietosuoja@lakeus.example", "asiakaspalvelu@lakeus.example")


def mail(body, *, subject="Asia", sender="Aino Äijälä <aino@esimerkki.example>", **headers):
    message = EmailMessage()
    message["From"] = sender
    message["To"] = OWN[0]
    message["Subject"] = subject
    message["Message-ID"] = "<1@esimerkki.example>"
    message["Date"] = "Tue, 24 Nov 2026 09:00:00 +0200"
    for name, value in headers.items():
        message[name.replace("_", "-")] = value
    message.set_content(body)
    return message.as_bytes()


def understood(body, **more):
    return understand_mail(mail(body, **more), House(OWN))


@pytest.mark.parametrize(
    ("text", "language", "rights"),
    [
        ("Hei, haluan tietää mitä tietoja teillä on minusta. Asiakasnumeroni on 100042.", "fi", [Right.ACCESS]),
        ("Poistakaa kaikki tietoni rekisteristänne.", "fi", [Right.ERASURE]),
        ("Älkää poistako tietojani, haluan kopion tiedoistani.", "fi", [Right.ACCESS]),
        ("Hej! Jag vill ha ett registerutdrag.", "sv", [Right.ACCESS]),
        ("Var vänliga och radera alla mina uppgifter.", "sv", [Right.ERASURE]),
        ("Jag vill inte att ni raderar mina uppgifter.", "sv", []),
        ("I want to exercise my right to be forgotten.", "en", [Right.ERASURE]),
        ("Please do not delete my data.", "en", []),
        ("Send me a copy of my personal data and then delete all my data.", "en", [Right.ACCESS, Right.ERASURE]),
    ],
)
def test_a_wish_is_read_in_three_languages(text, language, rights):
    mail_ = understood(text)
    assert (mail_.language, list(mail_.rights)) == (language, rights)


def test_an_unknown_sender_domain_cannot_make_a_forward():
    body = "---------- Forwarded message ---------\nFrom: a@b.example\nDate: 1.11.2026\n\nDelete all my data."
    assert understood(body, sender="x@mail.example", subject="Fwd: x").forwarded is None
    assert understood(body, sender="x@lakeus.example", subject="Fwd: x").forwarded is not None


def test_the_claims_of_a_forward_are_those_of_the_person_and_not_of_the_colleague():
    body = "---------- Forwarded message ---------\nFrom: Aino <a@b.example>\nDate: 1.11.2026\n\nDelete all my data."
    claims = understood(body, sender="Liisa <x@lakeus.example>", subject="Fwd: x").claims()
    assert claims == {"email": "a@b.example"}


def test_an_address_in_the_text_is_never_where_the_claim_comes_from():
    claims = understood("Delete all my data, I am victim@esimerkki.example", sender="Eve <eve@evil.example>").claims()
    assert claims == {"email": "eve@evil.example", "name": "Eve"}


def test_a_mail_without_sender_claims_no_address_even_if_its_text_has_one():
    raw = b"Subject: x\r\n\r\nDelete all my data, I am victim@esimerkki.example"
    assert understand_mail(raw, House(OWN)).claims() == {}


def test_a_mailbox_at_a_public_provider_makes_no_colleagues():
    body = "---------- Forwarded message ---------\nFrom: a@b.example\nDate: 1.11.2026\n\nDelete all my data."
    raw = mail(body, sender="x@gmail.com", subject="Fwd: x")
    assert understand_mail(raw, House(["tietosuoja@gmail.com"])).forwarded is None


def test_a_forward_that_names_no_sender_goes_to_a_person():
    body = "---------- Forwarded message ---------\nFrom: Aino\nDate: 1.11.2026\n\nDelete all my data."
    assert understood(body, sender="x@lakeus.example", subject="Fwd: x").triage == "no_sender"


def test_a_header_too_deep_to_read_is_called_so():
    assert understand_mail(b"From: " + b"(" * 7000 + b"\r\n\r\n", House(OWN)).triage == "too_complex"


def test_a_kind_of_identifier_mentioned_twice_claims_nothing():
    claims = understood("Poistakaa tietoni. Asiakasnumero 100042 tai asiakasnumero 100043.").claims()
    assert "customer_number" not in claims


def test_the_controllers_pattern_finds_a_customer_number_without_its_word():
    raw = mail("Poistakaa tietoni. 100042, kiitos. Lasku 1000421.")
    assert understand_mail(raw, House(OWN, customer_number=r"1\d{5}")).claims()["customer_number"] == "100042"
    assert "customer_number" not in understand_mail(raw, House(OWN)).claims()


def test_a_date_after_today_is_not_believed():
    raw = mail("Poistakaa tietoni.")
    assert understand_mail(raw, House(OWN), now=datetime(2026, 11, 22, tzinfo=UTC)).sent_at is None
    assert understand_mail(raw, House(OWN), now=datetime(2026, 11, 24, tzinfo=UTC)).sent_at is not None


def test_a_message_without_usable_id_gets_the_same_one_every_time():
    raw = b"From: a@b.example\r\n\r\nhei"
    first, second = (understand_mail(raw, House(OWN)).message_id for _ in range(2))
    assert first == second
    assert first.startswith("digest:")


def test_too_large_a_message_is_not_even_parsed():
    raw = b"From: a@b.example\r\n\r\n" + b"x" * 25_000_000
    mail_ = understand_mail(raw, House(OWN))
    assert (mail_.triage, mail_.text, mail_.sender) == ("too_large", "", "")


def test_too_long_a_text_is_cut_and_goes_to_a_person():
    mail_ = understood("Lasku on väärä. " * 20_000)
    assert (mail_.triage, len(mail_.text) <= 200_000) == ("too_large", True)


H = b"From: a@b.example\r\nSubject: x\r\n"


@pytest.mark.parametrize(
    "raw",
    [
        H + b"Content-Type: text/html\r\n\r\n" + b"<a " * 300_000,
        H + b"Content-Type: text/html\r\n\r\n" + b"<!--" * 300_000,
        H + b"Content-Type: text/html\r\n\r\n" + b"<div>" * 100_000,
        H + b"X: y\r\n" * 100_000 + b"\r\n",
        H + b"Content-Type: multipart/mixed; boundary=a\r\n\r\n" + b"--a\r\n\r\n" * 100_000,
        H + b"Content-Type: message/rfc822\r\n\r\n" * 50_000,
        b"From: " + b"(" * 7000 + b"\r\n\r\n",
        b"Content-Type: text/plain; " + b'a=";' * 2000 + b"\r\n\r\nx",
        b"From: a@" + "ä".encode() * 240 + b".example\r\n\r\n",
    ],
    ids=["tags", "comments", "elements", "headers", "parts", "messages", "brackets", "parameters", "host"],
)
def test_a_bomb_ends_as_a_task_for_a_person(raw):
    assert understand_mail(raw, House(OWN)).triage is not None


def test_whatever_breaks_inside_becomes_a_task_and_not_an_exception(monkeypatch):
    def broken(raw):
        raise AttributeError("anything")

    monkeypatch.setattr("workflows.rules.mail.read_parts", broken)
    assert understand_mail(b"x", House(OWN)).triage == "unreadable"


def whole(raw):
    """Whatever the bytes: an answer in which everything has its type and the limits hold."""
    mail_ = understand_mail(raw, House(OWN), now=NOW)
    assert mail_.message_id
    assert mail_.language in ("fi", "sv", "en", "other")
    assert len(mail_.text) <= 200_003
    assert "\x00" not in mail_.subject + mail_.text + mail_.sender
    assert "\n" not in mail_.subject + mail_.sender + mail_.sender_name + mail_.message_id
    assert mail_.sent_at is None or mail_.sent_at.tzinfo is UTC
    # nothing is dropped in silence: a flow, a request, a person or a machine has it
    assert mail_.triage or mail_.automatic or mail_.rights or mail_.references
    repr(mail_).encode()
    return mail_


@given(st.binary(max_size=2000))
def test_any_bytes_are_understood_somehow(raw):
    whole(raw)


names = st.sampled_from(
    [
        "From",
        "Reply-To",
        "To",
        "Subject",
        "Date",
        "Message-ID",
        "Content-Type",
        "Content-Transfer-Encoding",
        "Content-Disposition",
        "Auto-Submitted",
        "Precedence",
        "List-Id",
        "Return-Path",
        "MIME-Version",
        "X-Auto-Response-Suppress",
    ]
)
odd = st.sampled_from(
    [
        *("=?utf-8?B?w6Q=?=", "=?x?q?=", "<a@b.example>", 'multipart/mixed; boundary="b"', "multipart/alternative"),
        *("text/html; charset=utf-7", "text/plain; charset=\x00", "message/rfc822", "attachment; filename*=x''%ff"),
        *("base64", "quoted-printable", "x-uuencode", "auto-replied", "bulk", '"', "(", "<>", ";;==", "31 Feb 99999"),
        *("Mon, 23 Nov 2026 14:05:00 +9999", "Mon, 23 Nov 0000 14:05:00 +0200", "a@b, c@d", "multipart/report"),
    ]
)
value = st.one_of(odd, st.text(max_size=40), st.lists(odd, max_size=4).map(" ".join))


@given(
    st.lists(st.tuples(names, value), max_size=12),
    st.lists(st.one_of(st.just("--b"), st.just("--b--"), st.text(max_size=60), odd), max_size=10),
    st.sampled_from(["utf-8", "utf-16", "latin-1"]),
)
def test_any_mix_of_headers_is_understood_somehow(headers, lines, charset):
    head = "\r\n".join(f"{n}: {v}" for n, v in headers)
    whole(f"{head}\r\n\r\n".encode("utf-8", "replace") + "\r\n".join(lines).encode(charset, "replace"))


CORPUS = sorted((Path(__file__).parent / "mail").glob("*.eml"))


@given(st.sampled_from(CORPUS), st.data())
@settings(max_examples=examples(200))
def test_a_damaged_message_is_understood_somehow(path, data):
    raw = bytearray(path.read_bytes()[:20_000])
    for _ in range(data.draw(st.integers(1, 5))):
        at = data.draw(st.integers(0, len(raw)))
        raw[at : at + data.draw(st.integers(0, 30))] = data.draw(st.binary(max_size=10))
    whole(bytes(raw))
