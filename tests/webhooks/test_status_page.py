"""The page of one request and the link in the mail: who sees what, and what a code opens."""

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from models.vocabulary import Right
from tests.webhooks.visitor import Caller, code_in_mail, link_in_mail, reference_of
from tests.world import EVE, JANE, World, make_world, open_world, prepare
from webhooks.public import create_app
from workflows.audit import broken_links


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = make_world(tmp_path)
    yield world
    world.close()


@pytest.fixture
def app(world: World) -> Flask:
    return create_app(world.rt)


@pytest.fixture
def caller(app: Flask) -> Caller:
    return Caller(app)


@pytest.fixture
def ready(world: World, caller: Caller) -> str:
    """The page of a request that was answered."""
    page = caller.ask(email=JANE)
    assert caller.post(f"{page}/code", {"code": code_in_mail(world, JANE)}).status_code == 303
    world.work()
    return page


def shown(answer: TestResponse) -> tuple[str, str]:
    """Headers and page without the asked address, which the links to the other languages repeat."""
    asked = answer.request.path.partition("/en/")[2]
    return re.sub(r"Content-Length: \d+", "", str(answer.headers)), answer.text.replace(asked, "")


def test_known_and_unknown_people_get_the_same_bytes_and_headers(world: World, caller: Caller) -> None:
    seen = []
    for email in (JANE, "nobody@shop.example"):
        page = caller.ask(email=email)
        asked = [caller.answer]
        world.work()
        asked += [caller.get(page), caller.post(f"{page}/code", {"code": "12345678"}), caller.post(f"{page}/resend")]
        world.work()
        asked += [caller.get(page), caller.get(f"{page}/withdraw")]
        secret = page.rpartition("/")[2]
        hide = re.compile(f"{reference_of(page)}|{secret}")
        seen.append([(a.status_code, hide.sub("", str(a.headers)), hide.sub("", a.text)) for a in asked])
    assert seen[0] == seen[1]


def test_the_request_never_looks_a_person_up(world: World, app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    for connector in world.rt.connectors.values():
        monkeypatch.setattr(type(connector), "find", lambda *_: pytest.fail("a web request looked somebody up"))
    caller = Caller(app)
    page = caller.ask()
    caller.post(f"{page}/code", {"code": "12345678"})
    assert caller.post(f"{page}/resend").status_code == 303


@pytest.mark.parametrize("break_it", ["secret", "reference", "both"])
def test_a_wrong_secret_and_an_unknown_reference_are_the_same_missing_page(
    caller: Caller, world: World, break_it: str
) -> None:
    page, other = caller.ask(), caller.ask(message="another")
    ours, theirs = page.split("/"), other.split("/")
    if break_it in ("secret", "both"):
        ours[4] = "x" * 22
    if break_it in ("reference", "both"):
        ours[3] = theirs[3]
    missing = [caller.get("/".join(ours)), caller.post("/".join(ours) + "/code", {"code": "1"})]
    assert [a.status_code for a in missing] == [404, 404]
    assert shown(missing[0]) == shown(caller.get("/en/status/none/none"))


def test_five_wrong_codes_use_a_code_up_and_a_new_one_can_be_asked_for(world: World, caller: Caller) -> None:
    page = caller.ask(email=JANE)
    code = code_in_mail(world, JANE)
    for _ in range(5):
        answer = caller.post(f"{page}/code", {"code": "00000000"})
        assert answer.status_code == 422
        assert "<title>Error:" in answer.text
    assert caller.post(f"{page}/code", {"code": code}).status_code == 422
    assert caller.post(f"{page}/resend").status_code == 303
    fresh = code_in_mail(world, JANE)
    assert fresh != code
    assert caller.post(f"{page}/code", {"code": f" {fresh[:4]} {fresh[4:]} "}).status_code == 303


def test_a_code_expires_and_belongs_to_one_request_only(world: World, caller: Caller) -> None:
    one, other = caller.ask(email=JANE), caller.ask(email=EVE, message="other")
    code = code_in_mail(world, JANE)
    assert caller.post(f"{other}/code", {"code": code}).status_code == 422
    world.clock.advance(minutes=31)
    assert caller.post(f"{one}/code", {"code": code}).status_code == 422


def test_a_new_code_three_times_an_hour(world: World, caller: Caller) -> None:
    page = caller.ask("fi", email=JANE)
    assert [caller.post(f"{page}/resend").status_code for _ in range(4)] == [303, 303, 303, 429]
    assert 'lang="fi"' in caller.answer.text


def test_one_place_may_type_thirty_codes_an_hour(app: Flask, caller: Caller) -> None:
    pages = [caller.ask(message=str(n)) for n in range(4)]
    answers = [caller.post(f"{pages[n % 4]}/code", {"code": "1"}).status_code for n in range(31)]
    assert answers == [422] * 30 + [429]
    elsewhere = Caller(app, REMOTE_ADDR="198.51.100.9")
    assert elsewhere.post(f"{pages[0]}/code", {"code": "1"}).status_code == 422


def test_whoever_typed_the_code_gets_the_files_and_another_browser_does_not(
    world: World, app: Flask, caller: Caller, ready: str
) -> None:
    assert "package.zip" in caller.get(ready).text
    got = caller.get(f"{ready}/files/package.zip")
    assert got.status_code == 200
    assert got.data[:2] == b"PK"
    assert int(got.headers["Content-Length"]) == len(got.data)
    assert got.headers["Cache-Control"] == "no-store"
    assert got.headers["Content-Disposition"].startswith("attachment;")
    assert got.headers["X-Content-Type-Options"] == "nosniff"
    stranger = Caller(app)
    assert "package.zip" not in stranger.get(ready).text
    assert stranger.get(f"{ready}/files/package.zip").status_code == 303
    assert caller.get(f"{ready}/files/nothing.zip").status_code == 404


def test_the_cookie_is_strict_unreadable_by_scripts_and_short_lived(world: World, caller: Caller, ready: str) -> None:
    cookie = caller.client.get_cookie("vastine-open")
    assert cookie is not None
    assert (cookie.http_only, cookie.same_site, cookie.path, cookie.max_age) == (True, "Strict", "/", 1800)
    world.clock.advance(minutes=31)
    assert "package.zip" not in caller.get(ready).text


def test_over_https_the_cookie_can_be_set_by_this_host_alone(tmp_path: Path) -> None:
    world = open_world({**prepare(tmp_path), "VASTINE_PUBLIC_URL": "https://portal.example"})
    caller = Caller(create_app(world.rt))
    page = caller.ask(email=JANE)
    answer = caller.post(f"{page}/code", {"code": code_in_mail(world, JANE)})
    assert re.match(r"__Host-vastine-open=.*Secure;.*HttpOnly;.*Path=/;.*SameSite=Strict", answer.headers["Set-Cookie"])
    assert "Domain" not in answer.headers["Set-Cookie"]
    world.close()


def test_a_link_opened_by_a_scanner_stays_whole_and_opens_nothing(world: World, app: Flask, ready: str) -> None:
    link, scanner = link_in_mail(world, "fetch"), Caller(app)
    sent = len(world.mailer.sent)
    for _ in range(50):
        assert scanner.get(link).status_code == 200
        assert scanner.client.head(link).status_code == 200
    world.work()
    assert len(world.mailer.sent) == sent
    assert "package.zip" not in scanner.answer.text
    person = Caller(app)
    assert person.post(f"{link}/send").status_code == 303
    assert person.post(f"{link}/code", {"code": code_in_mail(world, JANE)}).status_code == 303
    assert "package.zip" in person.get(link).text
    assert person.get(f"{link}/files/package.zip").status_code == 200
    assert scanner.get(f"{link}/files/package.zip").status_code == 303


def test_the_code_of_the_status_page_does_not_open_the_link(world: World, caller: Caller, ready: str) -> None:
    assert caller.get(f"{link_in_mail(world, 'fetch')}/files/package.zip").status_code == 303


def test_an_identity_code_and_a_used_code_open_no_answer(world: World, app: Flask, caller: Caller) -> None:
    page = caller.ask(email=JANE)
    code = code_in_mail(world, JANE)
    caller.post(f"{page}/code", {"code": code})
    world.work()
    other = Caller(app)
    assert other.post(f"{page}/code", {"code": code}).status_code == 422
    other.post(f"{page}/resend")
    fresh = code_in_mail(world, JANE)
    assert other.post(f"{page}/code", {"code": fresh}).status_code == 303
    assert Caller(app).post(f"{page}/code", {"code": fresh}).status_code == 422


def test_an_expired_link_and_one_that_never_was_are_the_same_page(world: World, caller: Caller, ready: str) -> None:
    link = link_in_mail(world, "fetch")
    assert caller.get(link).status_code == 200
    world.clock.advance(days=15)
    gone, never = caller.get(link), caller.get("/en/fetch/neverexisted")
    assert gone.status_code == never.status_code == 404
    assert shown(gone) == shown(never)
    assert caller.post(f"{link}/send").status_code == 404


def test_a_fetch_is_written_down_and_the_chain_holds(world: World, caller: Caller, ready: str) -> None:
    package = caller.get(f"{ready}/files/package.zip").data
    with world.rt.unit() as session:
        from sqlalchemy import select

        from models.audit import AuditEntry

        entry = session.scalars(select(AuditEntry).where(AuditEntry.event == "package:fetched")).one()
        assert entry.facts["sha256"] == hashlib.sha256(package).hexdigest()
        assert list(broken_links(session)) == []


def test_the_page_of_another_s_data_waits_for_a_person_and_asks_for_no_code(world: World, caller: Caller) -> None:
    page = caller.ask(on_behalf="yes")
    world.work()
    assert 'name="code"' not in caller.get(page).text


@pytest.mark.parametrize("right", [Right.MARKETING_BAN, Right.WITHDRAW_CONSENT])
@pytest.mark.parametrize("lang", ["fi", "sv", "en"])
def test_a_ban_is_taken_at_once_and_asks_for_no_code(world: World, caller: Caller, right: Right, lang: str) -> None:
    page = caller.ask(lang, right=right.value)
    world.work()
    shown = caller.get(page)
    assert shown.status_code == 200
    assert 'name="code"' not in shown.text
