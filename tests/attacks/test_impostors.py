"""Somebody who is not the person asks for the person's data."""

import json
import re
from collections.abc import Iterator
from email.policy import SMTP

import pytest
from sqlalchemy import select

from models.staff import HumanTask
from models.vocabulary import Outcome, RequestState, TaskKind
from tests.attacks.house import HETUS, NOTE, NUMBERS, OUR_SERVER, PHONES, House, body_of
from tests.attacks.outside import WISH, Browser, letter
from tests.identity.broker import back
from tests.identity.conftest import JANES, Bank, bank  # noqa: F401  # a fixture
from tests.identity.test_signin import SPOILT
from tests.webhooks.desk import words_of
from tests.world import BOB, JANE
from webhooks.staff import create_app as console_app
from workers.serving import Server

MALLORY = "first.jane.last@freemail.example"
THREATS = (
    "Answer within 24 hours or my lawyers at Harsh & Partner report you to the Data Protection Ombudsman, who told "
    "me that you have to skip the check. It is urgent, I can not wait!"
)


def tasks(house: House) -> list[str]:
    with house.world.rt.unit() as session:
        return [task.code for task in session.scalars(select(HumanTask).order_by(HumanTask.created_at))]


def no_hint(house: House, address: str) -> None:
    """Whoever reads this mailbox holds no code, no file and no word about anybody's data."""
    for mail in house.sent_to(address):
        assert not re.search(r"\b\d{8}\b", body_of(mail))
        assert "/fetch/" not in body_of(mail)
        assert not list(mail.iter_attachments())
        for word in (NOTE, "Invoice", JANE, *NUMBERS.values(), *HETUS.values()):
            assert word not in body_of(mail).replace(MALLORY, "")


def test_row_01_a_look_alike_mailbox_gets_no_code_and_no_hint(house: House) -> None:
    house.mail(letter(MALLORY, name="Jane"))
    assert house.codes(MALLORY) == []
    assert house.codes(JANE) == [], "a name finds nobody"
    house.mail(letter(MALLORY, f"{WISH} My customer number is {NUMBERS[1]}.", name="Jane", ident="2"))
    assert len(house.codes(JANE)) == 1, "the challenge goes to the contact on file"
    assert house.codes(MALLORY) == []
    no_hint(house, MALLORY)
    unknown, known = (re.sub(r"TP-\S+|http\S+", "", body_of(m)) for m in house.sent_to(MALLORY))
    assert unknown == known, "the same answer whether the number is a customer's or not"
    assert house.unproven()


LOOK_ALIKES = {
    "a Cyrillic letter in the name": "jаne@shop.example",
    "a Cyrillic letter in the domain": "jane@shоp.example",
    "the same spelt in ASCII": "jane@xn--shp-tec.example",
    "another ending": "jane@shop-example.example",
    "the domain as a part of another": "jane@shop.example.evil.example",
    "a dot more": "ja.ne@shop.example",
    "a tag": "jane+new@shop.example",
}


@pytest.mark.parametrize("how", LOOK_ALIKES)
def test_row_02_an_address_that_looks_like_the_one_on_file_is_another(house: House, how: str) -> None:
    house.browser().ask(email=LOOK_ALIKES[how])
    house.work()
    assert not [m for m in house.sent if re.search(r"\b\d{8}\b", body_of(m))]
    assert house.unproven()


def test_row_02_staff_are_told_to_look_at_the_letters(house: House) -> None:
    pages = {how: house.browser().ask(email=LOOK_ALIKES[how], message=how) for how in LOOK_ALIKES}
    pages["none"] = house.browser().ask(email=JANE)
    house.work()
    cleo = house.desk("cleo")
    warned = {
        how for how, page in pages.items() if "Look at the letters" in cleo.get(f"/requests/{page.split('/')[3]}").text
    }
    assert warned == {"a Cyrillic letter in the name", "a Cyrillic letter in the domain", "the same spelt in ASCII"}


NEARLY = {"tag": "jane+new@shop.example", "dots": "ja.ne@shop.example", "letters": "jаne@shop.example"}


def test_row_02_staff_are_told_how_an_address_is_nearly_one_on_file_and_the_asker_is_not(house: House) -> None:
    pages = {how: house.browser().ask(email=NEARLY[how], message=how) for how in NEARLY}
    pages["other"] = house.browser().ask(email="nobody@shop.example", message="other")
    pages["known"] = house.browser().ask(email="jane+x@shop.example", message="x", customer_number=NUMBERS[1])
    house.work()
    cleo = house.desk("cleo")
    shown = {how: words_of(cleo.get(f"/requests/{page.split('/')[3]}").text) for how, page in pages.items()}
    told = {how: [k for k, v in TOLD.items() if v in text] for how, text in shown.items()}
    assert told == {k: [k] for k in NEARLY} | {"other": [], "known": ["tag"]}
    with house.world.rt.unit() as session:
        codes = session.scalars(select(HumanTask.code).where(HumanTask.kind == TaskKind.IDENTIFY)).all()
    assert sorted(codes) == ["near_dots", "near_letters", "near_tag"]
    assert len(house.codes(JANE)) == 1, "only to whom the number selects"
    assert house.unproven()


TOLD = {
    "tag": "differs from the one that was given only behind the plus sign",
    "dots": "differs from the one that was given only by dots",
    "letters": "looks just like the one that was given, with other letters",
}


def test_row_02_the_same_address_in_wide_letters_challenges_the_contact_on_file(house: House) -> None:
    house.browser().ask(email="jane@ｓｈｏｐ.example")
    assert len(house.codes(JANE)) == 1
    assert house.written_to == {JANE}
    assert house.unproven()


SPOOFED = {
    "our server says that it failed": (f"{OUR_SERVER}; spf=fail; dkim=none; dmarc=fail", {"dmarc": "fail"}),
    "a stranger's server says that it passed": ("mx.evil.example; dmarc=pass", None),
    "our server says nothing": (f"{OUR_SERVER}; none", None),
    "even if our server says that it passed": (f"{OUR_SERVER}; dmarc=pass", {"dmarc": "pass"}),
}


@pytest.mark.parametrize("how", SPOOFED)
def test_row_03_a_forged_sender_is_a_claim_and_its_code_goes_to_the_real_one(house: House, how: str) -> None:
    header, known = SPOOFED[how]
    house.mail(
        b"Authentication-Results: " + header.encode() + b"\r\n" + letter(JANE, name="Jane").as_bytes(policy=SMTP)
    )
    [message] = house.messages()
    told = {k: v for k, v in (message.authenticated or {}).items() if k == "dmarc"}
    assert (told or None) == known
    assert house.written_to == {JANE}
    assert len(house.codes(JANE)) == 1
    assert house.unproven()


def test_row_04_no_answer_goes_to_another_reply_address(house: House) -> None:
    text = f"{WISH} I can not read this mailbox any more, please answer to my new address {MALLORY}."
    house.mail(letter(JANE, text, Reply_To=MALLORY, Return_Path=f"<{MALLORY}>"))
    who, page = house.browser(), house.link(JANE, "status")
    house.prove(who, page, JANE)
    assert house.request_of(page).outcome is Outcome.DELIVERED
    assert house.link(JANE, "fetch")
    assert house.written_to == {JANE}


def test_row_05_a_letter_with_a_new_postal_address_gets_its_data_at_the_contact_on_file(house: House) -> None:
    written = {
        "right": "access", "language": "en", "channel": "letter", "name": "Jane", "customer_number": NUMBERS[1],
        "reply_to": MALLORY, "message": "Send it to Mallory Street 1, 00100 Helsinki. I have moved there.",
    }  # fmt: skip
    assert house.desk("ilse").press("/requests/new", "/requests/new", written).status == 302
    assert len(house.codes(JANE)) == 1
    assert house.unproven()
    no_hint(house, MALLORY)
    house.prove(house.browser(), house.link(MALLORY, "status"), JANE)  # Jane herself goes on
    assert house.link(JANE, "fetch")
    no_hint(house, MALLORY)


def test_row_06_pictures_of_documents_prove_nobody_and_one_clerk_can_not_say_otherwise(house: House) -> None:
    sent = letter(MALLORY, f"{WISH} I attach a scan of my passport. My number is {NUMBERS[1]}.", name="Jane")
    for name, subtype, data in (("passport.jpg", "jpeg", b"\xff\xd8\xff\xe0"), ("statement.pdf", "pdf", b"%PDF-1.7 ")):
        sent.add_attachment(data + b"\x00" * 40, maintype="application", subtype=subtype, filename=name)
    house.mail(sent)
    assert house.unproven()
    page = f"/requests/{house.requests()[0].reference}"
    for seat in (house.desk("ilse"), house.desk("cleo"), house.desk("anna")):
        for method in ("document", "passport", "letter", "code", "strong", "session", ""):
            given = {"method": method, "customer_number": NUMBERS[1]}
            assert seat.press(page, f"{page}/verify", given).status == 422, method
        assert seat.press(page, f"{page}/verify", {"method": "desk"}).status == 422, "what was checked must be named"
    assert house.unproven()
    no_hint(house, MALLORY)


@pytest.fixture
def portal(bank: Bank) -> Iterator[str]:  # noqa: F811
    """A portal where strong identification is what it takes."""
    door = Server(bank.app, host="127.0.0.1", port=0, threads=2).start()
    yield f"http://127.0.0.1:{door.port}"
    door.stop()


def test_row_07_whoever_can_not_log_in_is_offered_nothing_weaker(bank: Bank, portal: str) -> None:  # noqa: F811
    who = Browser(portal)
    page = who.ask(message="I forgot my password and can not log in. Please send a code, or ask me my birth date.")
    bank.world.work()
    assert 'name="code"' not in who.get(page).text
    assert "signin/bank" in who.get(page).text
    who.post(f"{page}/resend")
    bank.world.work()
    assert not [m for m in bank.world.mailer.sent if re.search(r"\b\d{8}\b", m.body)]
    assert [who.post(f"{page}/code", {"code": code}).status for code in ("", "00000000", "12345678")] == [422] * 3
    desk = Server(console_app(bank.world.rt), host="127.0.0.1", port=0, threads=2).start()
    from tests.webhooks.desk import give_passwords

    give_passwords(bank.world)
    seat = Browser(f"http://127.0.0.1:{desk.port}").log_in("cleo")
    case = f"/requests/{page.split('/')[3]}"
    call = {"method": "call_back", "email": JANE}
    assert seat.press(case, f"{case}/verify", call).status == 403, "a call is weaker than the bank"
    desk.stop()


def test_row_08_what_anybody_can_find_out_is_no_proof(house: House) -> None:
    facts = {"name": "Jane", "email": MALLORY, "customer_number": NUMBERS[1], "phone_number": PHONES[1]}
    house.browser().ask(**facts, message="Born 1 January 1970, Main Street 5, meter 643007572012345671.")
    body = {"right": "erasure", "name": "Jane", "identifiers": {"national_id": HETUS[1]}, "reply_to": MALLORY}
    api = house.caller()
    assert api.send("POST", "/api/v1/requests", json.dumps(body).encode(), {"Idempotency-Key": "k"}).status == 201
    house.mail(letter(MALLORY, f"{WISH} My personal identity code is {HETUS[1]}, I was born 1.1.1970.", name="Jane"))
    assert house.unproven()
    assert len(house.requests()) == 3
    assert house.codes(MALLORY) == []
    no_hint(house, MALLORY)


def test_row_09_a_cookie_alone_opens_no_other_case_and_nothing_after_half_an_hour(house: House) -> None:
    who = house.browser()
    page = who.ask(email=JANE)
    house.prove(who, page, JANE)
    victim = house.browser()
    other = victim.ask(email=BOB, name="Bob")
    house.prove(victim, other, BOB)
    assert victim.get(f"{other}/files/package.zip").status == 200
    assert who.get(f"{page}/files/package.zip").status == 200
    assert who.get(f"{other}/files/package.zip").status == 303, "a cookie of the same kind, for another case"
    link = house.link(JANE, "fetch")
    assert who.get(f"{link}/files/package.zip").status == 303, "the mailed link asks for a code of its own"
    thief = house.browser()
    for value in ("", "x", "e30.x.y", json.dumps([1, "status"])):
        thief.cookies = {"vastine-open": value}
        assert thief.get(f"{page}/files/package.zip").status == 303
    house.world.clock.advance(minutes=31)
    assert who.get(f"{page}/files/package.zip").status == 303


def test_row_09_a_log_in_of_long_ago_is_not_enough(bank: Bank, portal: str) -> None:  # noqa: F811
    import html

    who = Browser(portal)
    page = who.ask(email=JANE)
    bank.world.work()
    bank.broker.spoil = SPOILT["old auth_time"]
    found = re.search(r'href="(https://broker\.example/auth[^"]*)"', who.post(f"{page}/signin/bank").text)
    assert found
    assert who.get(back(bank.broker.log_in(html.unescape(found[1]), JANES))).status == 403
    bank.world.work()
    with bank.world.rt.unit() as session:
        from models.request import Request

        assert session.scalars(select(Request)).one().proof_sealed is None


def test_row_12_threats_and_hurry_change_nothing(house: House) -> None:
    calm, loud = house.browser(), house.browser()
    pages = calm.ask(email=JANE), loud.ask(email=BOB, name="Bob", message=THREATS)
    house.mail(letter(MALLORY, f"{THREATS} {WISH}", X_Priority="1", Importance="high"))
    house.work()
    quiet, urgent = (house.request_of(page) for page in pages)
    assert (quiet.bucket, quiet.due_a, quiet.state) == (urgent.bucket, urgent.due_a, urgent.state)
    assert house.unproven()
    assert "report you" not in "".join(map(body_of, house.sent))


def test_row_13_whoever_refuses_mail_gets_a_page_that_asks_and_ends_and_never_a_file_by_mail(house: House) -> None:
    text = f"{WISH} I do not trust e-mail and refuse your portal: send the file as an attachment to {MALLORY}."
    house.mail(letter(JANE, text))
    who, page = house.browser(), house.link(JANE, "status")
    house.prove(who, page, JANE)
    assert all(not list(mail.iter_attachments()) for mail in house.sent)
    assert MALLORY not in house.written_to
    link = house.link(JANE, "fetch")
    assert house.browser().get(f"{link}/files/package.zip").status == 303
    house.world.clock.advance(days=15)
    assert house.browser().get(link).status == 404


HERS = {
    "en": "Please send me a copy of all personal data that you hold about my wife.",
    "fi": "Pyydän kopion kaikista henkilötiedoista, joita teillä on vaimostani.",
    "sv": "Jag begär en kopia av alla personuppgifter som ni har om min fru.",
}


def test_row_21_somebody_else_s_request_waits_for_a_person_and_asks_nobody_for_a_code(house: House) -> None:
    who = house.browser()
    page = who.ask(email=JANE, on_behalf="yes", message="She is my wife.")
    body = {"right": "access", "name": "Jane", "identifiers": {"email": JANE}, "on_behalf": True}
    api = house.caller()
    assert api.send("POST", "/api/v1/requests", json.dumps(body).encode(), {"Idempotency-Key": "k"}).status == 201
    for number, text in enumerate(HERS.values()):
        house.mail(letter("husband@home.example", text, ident=str(number)))
    assert house.codes(JANE) == []
    assert 'name="code"' not in who.get(page).text
    assert tasks(house).count("for_another") == 2
    assert [m.why for m in house.messages() if m.why] == ["on_behalf"] * 3, "the mails wait to be read"
    assert house.unproven()


def test_row_22_no_address_is_changed_after_a_request_was_filed(house: House) -> None:
    who = house.browser()
    page = who.ask(email=JANE)
    house.work()
    new = f"My address has changed, from now on write to {MALLORY}. It is about {house.request_of(page).reference}."
    assert who.post(f"{page}/message", {"note": new}).status == 303
    house.mail(letter(MALLORY, new, name="Jane"))
    house.mail(letter(JANE, new, name="Jane", ident="7"))
    house.prove(who, page, JANE)
    house.world.execute("shop", f"UPDATE customer SET email = '{MALLORY}' WHERE id = 1")
    assert who.post(f"{page}/resend").status == 303
    house.work()
    assert house.link(JANE, "fetch"), "the old contact hears of the answer"
    assert MALLORY not in house.written_to


def test_row_26_a_fresh_customer_is_answered_and_nobody_refuses_alone(house: House) -> None:
    house.world.execute("shop", "INSERT INTO customer (id, email, name) VALUES (9, 'fresh@shop.example', 'Fresh')")
    who = house.browser()
    page = who.ask(email="fresh@shop.example", name="Fresh", message="I will claim damages.")
    house.prove(who, page, "fresh@shop.example")
    assert house.request_of(page).outcome is Outcome.DELIVERED, "a new customer has no fewer rights"
    again = who.ask(email="fresh@shop.example", name="Fresh", right="erasure")
    house.prove(who, again, "fresh@shop.example")
    assert house.request_of(again).state is RequestState.DECIDING
    case = f"/requests/{house.request_of(again).reference}"
    for name in ("ben", "anna"):
        for ground in ("unfounded", "excessive"):
            given = {"ground": ground, "reason": "A claim for damages was announced with it.", "sure": "yes"}
            assert house.desk(name).press(case, f"{case}/refuse", given).status in (403, 409, 422)
    assert house.request_of(again).state is RequestState.DECIDING
