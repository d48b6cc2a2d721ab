"""Who wrote the mail that a colleague passed on, and when it first came into the house."""

from datetime import UTC, date, datetime
from email.message import EmailMessage

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.effort import examples
from workflows.rules.mail import House, understand_mail
from workflows.rules.mail_forward import day_in

HOUSE = House(["privacy@shop.example"], domains=["shop-service.example"], authserv_ids=["mx.shop.example"])


def passed_on(body: str, *, subject: str = "VL: Tietoni", sender: str = "matti@shop.example", above: str = "") -> bytes:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = sender, "privacy@shop.example", subject
    mail["Message-ID"] = "<f@shop.example>"
    mail.set_content(body)
    return above.encode() + mail.as_bytes()


BLOCKS = {
    "Outlook in Finnish": "Kuuluu teille.\n\nLähettäjä: Aino <aino@posti.example>\nLähetetty: tiistai 3. marraskuuta"
    " 2026 9.15\nVastaanottaja: Matti <matti@shop.example>\nAihe: Tietoni\n\nPoistakaa kaikki tietoni.",
    "Outlook in Swedish": "Från: Aino <aino@posti.example>\nSkickat: den 3 november 2026 09:15\nTill: M\nÄmne: x\n\n"
    "Radera alla mina uppgifter.",
    "Outlook in English": "From: Aino <aino@posti.example>\nSent: Tuesday, November 3, 2026 9:15 AM\nTo: Matti\n"
    "Subject: x\n\nDelete all my data.",
    "Gmail": "---------- Forwarded message ---------\nFrom: Aino <aino@posti.example>\n"
    "Date: Tue, Nov 3, 2026 at 9:15 AM\nSubject: x\nTo: <matti@shop.example>\n\nDelete all my data.",
    "Gmail in Finnish": "---------- Forwarded message ---------\nLähettäjä: Aino <aino@posti.example>\n"
    "Date: ti 3. marrask. 2026 klo 9.15\nSubject: x\n\nPoistakaa tietoni.",
    "Apple": "Begin forwarded message:\n\n> From: Aino <aino@posti.example>\n> Subject: x\n"
    "> Date: 3. November 2026 at 9.15.00 EET\n> To: matti@shop.example\n>\n> Delete all my data.",
    "Apple in Swedish": "Vidarebefordrat brev:\n\nFrån: Aino <aino@posti.example>\nÄmne: x\n"
    "Datum: 3 november 2026 09:15:00 EET\nTill: matti@shop.example\n\nRadera alla mina uppgifter.",
    "through two colleagues": "Lähettäjä: Liisa <liisa@shop.example>\nLähetetty: 4.11.2026 8.00\nAihe: VL\n\nKuka?\n\n"
    "Lähettäjä: Aino <aino@posti.example>\nLähetetty: 3.11.2026 9.15\nAihe: Tietoni\n\nPoistakaa tietoni.",
}  # fmt: skip


@pytest.mark.parametrize("block", BLOCKS.values(), ids=BLOCKS)
def test_a_colleagues_forward_names_the_person_and_the_day(block: str) -> None:
    got = understand_mail(passed_on(block, subject="Fwd: x"), HOUSE)
    assert got.forwarded is not None
    assert got.forwarded.sender == "aino@posti.example"
    assert got.forwarded.sent_at is not None
    assert got.forwarded.sent_at.date() == date(2026, 11, 3)
    assert got.claims()["email"] == "aino@posti.example"


@pytest.mark.parametrize("sender", ["aino@posti.example", "x@notshop.example", "x@shop.example.evil.example"])
def test_a_strangers_forward_is_just_text(sender: str) -> None:
    assert understand_mail(passed_on(BLOCKS["Gmail"], sender=sender, subject="Fwd: x"), HOUSE).forwarded is None


def test_colleagues_may_write_from_further_domains_and_from_below_them() -> None:
    for sender in ("a@shop-service.example", "a@north.shop.example"):
        got = understand_mail(passed_on(BLOCKS["Gmail"], sender=sender, subject="Fwd: x"), HOUSE)
        assert got.forwarded is not None


def test_one_who_only_writes_that_he_is_a_colleague_passes_nothing_on() -> None:
    above = "Authentication-Results: mx.shop.example; dmarc=fail header.from=shop.example\r\n"
    got = understand_mail(passed_on(BLOCKS["Gmail"], subject="Fwd: x", above=above), HOUSE)
    assert got.authenticated == {"dmarc": "fail"}
    assert got.forwarded is None


def attached(*letters: EmailMessage) -> bytes:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "matti@shop.example", "privacy@shop.example", "Fwd"
    mail.set_content("Kuuluu teille.")
    for one in letters:
        mail.add_attachment(one)
    return mail.as_bytes()


def letter(sender: str, day: int, inner: EmailMessage | None = None) -> EmailMessage:
    mail = EmailMessage()
    mail["From"], mail["Date"] = sender, f"Tue, {day:02} Nov 2026 23:30:00 +0200"
    mail.set_content("Poistakaa kaikki tietoni.")
    if inner is not None:
        mail.add_attachment(inner)
    return mail


def test_an_attached_mail_is_found_behind_a_chain_of_colleagues() -> None:
    got = understand_mail(attached(letter("liisa@shop.example", 5, letter("aino@posti.example", 3))), HOUSE).forwarded
    assert got is not None
    assert (got.sender, got.sent_at) == ("aino@posti.example", datetime(2026, 11, 3, 21, 30, tzinfo=UTC))


def test_letters_of_two_people_passed_on_at_once_wait_for_a_person() -> None:
    got = understand_mail(attached(letter("aino@posti.example", 3), letter("bo@posti.example", 4)), HOUSE)
    assert got.triage == "several_letters"
    assert "email" not in got.claims() or got.claims()["email"] == "matti@shop.example"


def test_what_a_person_attaches_of_somebody_else_does_not_change_whose_the_letter_is() -> None:
    got = understand_mail(attached(letter("aino@posti.example", 3, letter("perinta@velka.example", 1))), HOUSE)
    assert got.forwarded is not None
    assert got.forwarded.sender == "aino@posti.example"
    assert got.forwarded.sent_at == datetime(2026, 11, 3, 21, 30, tzinfo=UTC)


OLDER = (
    "\n\nSain tällaisen:\n\nLähettäjä: Perintä <perinta@velka.example>\nLähetetty: 1.10.2026 9.00\nAihe: x\n\nMaksa."
)


def test_a_head_without_an_address_is_not_taken_for_that_of_a_mail_quoted_below_it() -> None:
    block = "Lähettäjä: Aino Esimerkki\nLähetetty: 3.11.2026 9.15\nAihe: Tietoni\n\nPoistakaa kaikki tietoni."
    got = understand_mail(passed_on(block + OLDER), HOUSE)
    assert (got.triage, got.claims().get("email")) == ("no_sender", None)


@pytest.mark.parametrize(
    "head",
    [
        "Lähettäjä: Aino <aino@posti.example>\nLähetetty: 3/4/2026 9:15 AM\nAihe: x",
        "Päiväys: 3.11.2026 9.15\nLähettäjä: Aino <aino@posti.example>\nAihe: x",
        "---------- Forwarded message ---------\nLähettäjä: Aino <aino@posti.example>\nAihe: x",
    ],
    ids=["a day that could be two", "the day first", "no day"],
)
def test_what_stands_below_the_head_tells_no_earlier_day(head: str) -> None:
    below = "\n\nPoistakaa kaikki tietoni.\nPvm: 1.10.2026\n"
    got = understand_mail(passed_on(head + below + OLDER, subject="VL: x"), HOUSE).forwarded
    assert got is not None
    assert got.sender == "aino@posti.example"
    assert got.sent_at in (None, datetime(2026, 11, 3, tzinfo=UTC))


ABOVE = "Haluan tarkastaa omat tietoni. Terv. Matti, puh. 040 123 4567\n"


@pytest.mark.parametrize("above", [ABOVE, f"Kuuluu teille.\n\n-- \n{ABOVE}"], ids=["in the text", "as a signature"])
def test_what_a_colleague_writes_above_is_neither_the_persons_wish_nor_about_them(above: str) -> None:
    got = understand_mail(passed_on(f"{above}\n{BLOCKS['Outlook in Finnish']}"), HOUSE)
    assert [right.value for right in got.rights] == ["erasure"]
    assert got.claims() == {"email": "aino@posti.example"}
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "matti@shop.example", "privacy@shop.example", "Fwd"
    mail.set_content(above)
    mail.add_attachment(letter("aino@posti.example", 3))
    got = understand_mail(mail.as_bytes(), HOUSE)
    assert [right.value for right in got.rights] == ["erasure"]
    assert got.claims() == {"email": "aino@posti.example"}


def test_an_older_mail_of_a_colleague_beside_the_persons_tells_no_earlier_day() -> None:
    got = understand_mail(attached(letter("liisa@shop.example", 1), letter("aino@posti.example", 3)), HOUSE).forwarded
    assert got is not None
    assert (got.sender, got.sent_at) == ("aino@posti.example", datetime(2026, 11, 3, 21, 30, tzinfo=UTC))


@pytest.mark.parametrize("text", ["3/4/2026 9:15 AM", "tomorrow", "", "99.99.2026", "31. helmikuuta 2026"])
def test_a_day_that_could_be_two_or_none_is_not_told(text: str) -> None:
    assert day_in(text) is None


@pytest.mark.parametrize("text", ["11/23/2026 9:15 AM", "23/11/2026 09.15", "23.11.2026", "2026-11-23T09:15"])
def test_a_day_in_numbers_is_read_where_it_can_be_one_only(text: str) -> None:
    assert day_in(text) == datetime(2026, 11, 23, tzinfo=UTC)


@settings(max_examples=examples(150))
@given(st.text(max_size=300))
def test_any_text_is_a_day_or_none(text: str) -> None:
    assert day_in(text) is None or day_in(text) is not None


RESULTS = "Authentication-Results: {}; spf=pass smtp.mailfrom=a.example; dkim=fail header.d=x.example;"
RESULTS += " dkim=pass header.d=a.example; dmarc=pass header.from=a.example\r\n"


@pytest.mark.parametrize(
    ("above", "seen"),
    [
        (RESULTS.format("mx.shop.example"), {"spf": "pass", "dkim": "pass", "dmarc": "pass"}),
        ("Received: by imap\r\nReceived: by mx\r\n" + RESULTS.format("MX.shop.example 1"), {"spf": "pass"}),
        (RESULTS.format("mx.evil.example"), {}),
        ("Received: x\r\n" * 4 + RESULTS.format("mx.shop.example"), {}),
        ("Authentication-Results: mx.shop.example; spf=fail\r\n" + RESULTS.format("mx.shop.example"), {"spf": "fail"}),
        ("Authentication-Results: mx.shop.example; ((((\r\n", {}),
        ("Authentication-Results: mx.shop.example; none\r\n", {}),
    ],
    ids=["ours", "behind our own hops", "another server", "from outside", "two of ours", "broken", "none"],
)
def test_only_what_our_own_server_wrote_counts(above: str, seen: dict[str, str]) -> None:
    got = understand_mail(passed_on("x", above=above), HOUSE).authenticated
    assert {k: got.get(k) for k in seen} == seen
    assert seen or got == {}


def test_without_the_name_of_our_server_no_header_is_believed() -> None:
    raw = passed_on("x", above=RESULTS.format("mx.shop.example"))
    assert understand_mail(raw, House(["privacy@shop.example"])).authenticated == {}
