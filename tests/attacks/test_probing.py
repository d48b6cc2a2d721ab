"""Somebody who knocks to hear who lives here, and tries every key that lies about."""

import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy import select

from models.audit import AuditEntry
from models.delivery import Grant
from models.vocabulary import Outcome, RequestState, Right
from tests.attacks.house import HETUS, NOTE, NUMBERS, House, body_of
from tests.attacks.outside import Answer, Browser, letter
from tests.world import BOB, EVE, JANE
from webhooks.console import roles
from webhooks.public import create_app as portal_app
from webhooks.staff import create_app as console_app
from workflows.rules.reference import ALPHABET

NOBODY = "nobody@shop.example"
EVIL = "evil.example"


@pytest.fixture
def ready(house: House) -> tuple[Browser, str]:
    """Jane's browser, in which she typed her code, and the page of her answered request."""
    who = house.browser()
    page = who.ask(email=JANE)
    house.prove(who, page, JANE)
    assert house.request_of(page).outcome is Outcome.DELIVERED
    return who, page


@contextmanager
def statements(house: House) -> Iterator[list[str]]:
    """What the database is asked meanwhile: how much work an answer is, without a clock."""
    seen: list[str] = []
    engine = house.world.rt.sessions.kw["bind"]

    def note(_connection: object, _cursor: object, statement: str, *_more: object) -> None:
        seen.append(statement)

    sa.event.listen(engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        sa.event.remove(engine, "before_cursor_execute", note)


def walk(house: House, email: str) -> tuple[list[object], list[str]]:
    """Everything a prober sees from the form to the page of an unproven request, and what it took to show it."""
    who = house.browser()
    with statements(house) as asked:
        page = who.ask(email=email, name="Somebody")
        before = list(asked)
        answers: list[Answer | None] = [who.answer]
        house.work()
        asked.clear()
        typed = {"code": "12345678"}
        answers += [who.get(page), who.post(f"{page}/code", typed), who.post(f"{page}/resend")]
        answers += [who.get(f"{page}/withdraw"), who.get(f"{page}/files/package.zip")]
        took = before + list(asked)
        house.work()
        answers.append(who.get(page))
    hidden = (page, page.split("/")[3], page.split("/")[4])
    return [a.seen(*hidden) for a in answers if a is not None], took


def erase(house: House, email: str) -> None:
    """Erase a person who owes nothing, as it should be done."""
    ident = house.world.open(Right.ERASURE, email)
    house.work()
    house.world.approve(ident)
    house.work()
    assert house.world.state(ident) is RequestState.CLOSED


def test_row_10_sec_01_known_unknown_and_erased_people_get_the_same_answers_for_the_same_work(house: House) -> None:
    erase(house, EVE)
    known, unknown, erased = (walk(house, email) for email in (JANE, NOBODY, EVE))
    assert known[0] == unknown[0] == erased[0]
    assert known[1] == unknown[1] == erased[1], "the same questions to the database, so the same time"
    assert house.codes(JANE)
    assert house.codes(NOBODY) == []


def receipts(house: House, address: str) -> list[EmailMessage]:
    """What says that a request has come; a code goes to contacts on file besides, where only they see it."""
    return [mail for mail in house.sent_to(address) if "received your request" in mail["Subject"]]


def test_sec_01_every_door_writes_to_everybody_and_waits_for_no_mail_server(house: House) -> None:
    calls = house.sink.connections
    for email in (JANE, NOBODY):
        house.browser().ask(email=email)
    assert house.sink.connections == calls, "mail leaves with the next work, not while somebody waits"
    house.work()
    assert len(receipts(house, JANE)) == len(receipts(house, NOBODY)) == 1


def test_sec_01_mail_is_answered_alike(house: House) -> None:
    told = []
    for number, sender in enumerate((JANE, NOBODY)):
        house.mail(letter(sender, ident=str(number)))
        [first] = receipts(house, sender)
        told.append((first["Subject"], re.sub(r"TP-\S+|http\S+", "", body_of(first))))
    assert re.sub(r"TP-\S+", "", told[0][0]) == re.sub(r"TP-\S+", "", told[1][0])
    assert told[0][1] == told[1][1]


def test_sec_02_an_address_takes_a_secret_that_nobody_can_count_up(house: House, ready: tuple[Browser, str]) -> None:
    who, page = ready
    pages = [page, *(who.ask(email=BOB, message=str(n)) for n in range(3))]
    secrets = [one.split("/")[4] for one in pages]
    assert all(re.fullmatch(r"[\w-]{22}", secret) for secret in secrets), "132 bits"
    assert len({secret[:4] for secret in secrets}) == 4
    assert all(re.fullmatch(rf"TP-2026(-[{ALPHABET}]{{4}}){{2}}-[{ALPHABET}]", one.split("/")[3]) for one in pages)
    assert re.fullmatch(r"[\w-]{43}", house.link(JANE).rpartition("/")[2]), "256 bits"
    assert who.get("/".join([*page.split("/")[:4], ""])).status == 404


def test_sec_02_no_address_of_the_portal_and_no_case_of_the_console_is_a_number(house: House) -> None:
    assert not [r.rule for r in portal_app(house.world.rt).url_map.iter_rules() if "int:" in r.rule]
    counted = [r.rule for r in console_app(house.world.rt).url_map.iter_rules() if "int:" in r.rule]
    assert all(rule.index("<uuid:") < rule.index("<int:") for rule in counted), "a number only below a random id"


def test_row_14_a_mail_holds_no_data_and_its_link_opens_nothing_by_itself(house: House) -> None:
    who = house.browser()
    page = who.ask(email=JANE, message="About my secret illness", customer_number=NUMBERS[1])
    house.prove(who, page, JANE)
    for mail in house.sent:
        text = str(mail)
        for word in ("illness", NOTE, NUMBERS[1], HETUS[1], "Jane"):
            assert word not in text, mail["Subject"]
    link = house.link(JANE)
    stranger = house.browser()
    shown = stranger.get(link)
    assert shown.status == 200
    assert "package.zip" not in shown.text
    assert JANE not in shown.text
    assert stranger.get(f"{link}/files/package.zip").status == 303
    assert stranger.get(link[:-1] + ("A" if link[-1] != "A" else "B")).status == 404
    stranger.post(f"{link}/send")
    code = house.codes(JANE)[-1]
    assert stranger.post(f"{link}/code", {"code": code}).status == 303
    assert stranger.get(f"{link}/files/package.zip").body[:2] == b"PK"
    with house.world.rt.unit() as session:
        fetched = session.scalars(select(AuditEntry).where(AuditEntry.event == "package:fetched")).all()
    assert [e.facts["name"] for e in fetched] == ["package.zip"]


HOSTILE = (f"https://{EVIL}/", f"//{EVIL}", f"/\\{EVIL}", f"https:{EVIL}", f"%2f%2f{EVIL}", "javascript:alert(1)")


def paths(app: object) -> Iterator[str]:
    for rule in app.url_map.iter_rules():  # type: ignore[attr-defined]
        if "GET" in (rule.methods or ()):
            path = re.sub(r"<uuid:\w+>", str(uuid.UUID(int=1)), rule.rule).replace("<lang>", "en")
            yield re.sub(r"<(?:\w+:)?\w+>", "1", path)


def leads_away(answer: Answer) -> bool:
    place = answer.location
    return bool(place) and not (place.startswith("/") and not place.startswith(("//", "/\\")))


def test_row_16_no_address_of_ours_leads_to_somebody_else_s(house: House, ready: tuple[Browser, str]) -> None:
    who, page = ready
    query = "&".join(f"{name}={HOSTILE[n % 6]}" for n, name in enumerate(
        ("next", "redirect_to", "redirect_uri", "back", "url", "return", "iss", "note", "right", "src")
    ))  # fmt: skip
    staff = house.desk("anna")
    for browser, app in ((who, portal_app(house.world.rt)), (staff, console_app(house.world.rt))):
        for path in [*paths(app), *([page] if browser is who else [])]:
            for answer in (browser.get(f"{path}?{query}"), browser.get(path, Host=EVIL, X_Forwarded_Host=EVIL)):
                assert not leads_away(answer), f"{path} → {answer.location}"
                assert f"//{EVIL}" not in re.sub(r'href="\?[^"]*"|value="[^"]*"', "", answer.text), path
    for target in HOSTILE:
        seat = house.desk()
        given = {"name": "anna", "password": "correct horse battery", "next": target}
        assert not leads_away(seat.post("/login", given))
        assert not leads_away(seat.post("/language", {"language": "en", "back": target}))


def test_row_16_links_in_mails_are_of_one_address_whatever_a_browser_calls_us(house: House) -> None:
    who = house.browser(Host=EVIL, X_Forwarded_Host=EVIL, X_Forwarded_Proto="https", Forwarded=f"host={EVIL}")
    page = who.ask(email=JANE)
    house.prove(who, page, JANE)
    ours = house.world.rt.settings.public_url
    for mail in house.sent:
        assert EVIL not in str(mail)
        assert all(link.startswith(f"{ours}/") for link in re.findall(r"https?://\S+", body_of(mail)))
        assert mail["From"] == "Shop <answers@shop.example>"
    reference = page.split("/")[3]
    assert reference in str(house.sent_to(JANE)[0]), "mail and page show the same reference"
    assert reference in who.get(page).text


def test_row_28_numbers_of_others_and_secrets_of_others_open_nothing(house: House, ready: tuple[Browser, str]) -> None:
    who, jane = ready
    bob = house.browser().ask(email=BOB, name="Bob")
    mine, theirs = jane.split("/"), bob.split("/")
    mixed = "/".join([*theirs[:4], mine[4]])
    invented = "/".join([*mine[:3], "TP-2026-0000-0000-0", mine[4]])
    wrong = "/".join([*theirs[:4], "x" * 22])
    shown = [who.get(path).seen(path.removeprefix("/en")) for path in (mixed, invented, wrong)]
    assert [one[0] for one in shown] == [404] * 3
    assert shown[0] == shown[1] == shown[2], "a case that exists looks like one that does not"
    for path in (mixed, invented, wrong):
        for act in ("/code", "/resend", "/message", "/withdraw"):
            assert who.post(path + act, {"code": "1", "note": "x"}).status == 404
        assert who.get(f"{path}/files/package.zip").status == 404
    for name in ("..%2f..%2fkeys.json", "%2e%2e/keys.json", "package.zip%00", "x" * 3000, "PACKAGE.ZIP"):
        assert who.get(f"{jane}/files/{name}").status == 404


def test_row_28_no_case_of_the_console_opens_to_who_guesses(house: House, ready: tuple[Browser, str]) -> None:
    reference = ready[1].split("/")[3]
    stranger, admin, auditor = house.desk(), house.desk("ada"), house.desk("otto")
    app = console_app(house.world.rt)
    for rule in app.url_map.iter_rules():
        view = app.view_functions[rule.endpoint]
        if "<reference>" not in rule.rule or "GET" not in (rule.methods or ()) or roles.takes_token(view):
            continue
        path = re.sub(r"<uuid:\w+>", str(uuid.UUID(int=1)), rule.rule.replace("<reference>", reference))
        path = re.sub(r"<(?:\w+:)?\w+>", "package.zip", path)
        assert stranger.get(path).status == 302
        assert admin.get(path).status == 403
        assert JANE not in auditor.get(path).text
    assert Browser(house.console).get(f"/api/v1/requests/{reference}").status == 401


def test_sec_05_looking_at_a_link_uses_nothing_up(house: House) -> None:
    who = house.browser()
    page = who.ask(email=JANE)
    code = house.codes(JANE)[-1]
    scanner = house.browser(User_Agent="Mozilla/5.0 (compatible; SafeLinks)")
    for _ in range(50):
        assert scanner.get(page).status == 200
        assert scanner.send("HEAD", f"{page}/withdraw").status == 200
        scanner.get(f"{page}/code")
    assert who.post(f"{page}/code", {"code": code}).status == 303
    house.work()
    link, sent = house.link(JANE), len(house.sent)
    for _ in range(50):
        assert scanner.get(link).status == 200
        assert scanner.send("HEAD", link).status == 200
        scanner.get(f"{link}/send")
    assert len(house.sent) == sent
    assert house.request_of(page).outcome is Outcome.DELIVERED, "nothing was taken back"
    with house.world.rt.unit() as session:
        assert [g.fetches for g in session.scalars(select(Grant))] == [0]
    assert 'method="post"' in scanner.get(link).text, "a button, which only a person presses"


def test_sec_09_a_mailed_link_is_kept_as_a_digest_ends_and_belongs_to_the_browser_that_showed_a_code(
    house: House, ready: tuple[Browser, str], tmp_path: Path
) -> None:
    link = house.link(JANE)
    one, other = house.browser(), house.browser()
    one.post(f"{link}/send")
    one.post(f"{link}/code", {"code": house.codes(JANE)[-1]})
    got = one.get(f"{link}/files/package.zip")
    assert got.status == 200
    assert got.headers["Cache-Control"] == "no-store"
    assert got.headers["Content-Disposition"].startswith("attachment;")
    assert got.headers["X-Content-Type-Options"] == "nosniff"
    assert got.headers["Referrer-Policy"] == "no-referrer"
    assert other.get(f"{link}/files/package.zip").status == 303
    other.cookies = {"vastine-open": ready[0].cookies["vastine-open"]}
    assert other.get(f"{link}/files/package.zip").status == 303, "the cookie of another page"
    token = link.rpartition("/")[2].encode()
    assert token not in b"".join(path.read_bytes() for path in tmp_path.glob("vastine.db*"))
    with house.world.rt.unit() as session:
        session.execute(sa.update(Grant).values(fetches=100))
    assert one.get(f"{link}/files/package.zip").status == 404, "used up"
    with house.world.rt.unit() as session:
        session.execute(sa.update(Grant).values(fetches=1))
    house.world.clock.advance(days=14, minutes=1)
    assert one.get(link).status == 404
