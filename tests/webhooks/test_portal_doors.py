"""The portal's doors: headers, where a POST may come from, paces, limits, and the pages machines look for."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from models.intake import Message
from models.request import Request
from models.verification import Pace
from tests.effort import examples
from tests.webhooks.visitor import PERSON, Caller, reference_of
from tests.world import World, make_world, open_world, prepare
from webhooks.intake.acceptance import accept
from webhooks.intake.form import SENDING
from webhooks.public import create_app
from workflows.rules.form import understand_form

LANGUAGES = ("fi", "sv", "en")
PAGES = (
    "/",
    "/fi/",
    "/sv/request",
    "/en/accessibility",
    "/en/received",
    "/fi/nothing",
    "/xx/",
    "/brand.css",
    "/healthz",
)


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


def count(world: World, table: type) -> int:
    with world.rt.unit() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


@pytest.mark.parametrize("path", PAGES)
def test_every_page_carries_the_headers_that_keep_it_to_itself(caller: Caller, path: str) -> None:
    headers = caller.get(path).headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert "Set-Cookie" not in headers
    assert "Strict-Transport-Security" not in headers  # this world speaks plain HTTP to itself


def test_over_https_browsers_are_told_to_stay_there(tmp_path: Path) -> None:
    world = open_world({**prepare(tmp_path), "VASTINE_PUBLIC_URL": "https://portal.example"})
    assert "max-age" in create_app(world.rt).test_client().get("/fi/").headers["Strict-Transport-Security"]
    world.close()


def test_no_page_has_a_script_an_inline_style_or_a_foreign_address(caller: Caller) -> None:
    for lang in LANGUAGES:
        for path in (f"/{lang}/", f"/{lang}/request", f"/{lang}/accessibility"):
            page = caller.get(path).text
            assert "<script" not in page
            assert " style=" not in page
            assert not re.search(r"\son\w+=", page)
            assert not re.search(r'(?:src|<link[^>]*href)="(?!data:,|/)', page)


@pytest.mark.parametrize(
    "headers",
    [{"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Origin": "https://elsewhere.example"}],
)
def test_a_post_that_another_site_caused_is_refused_on_every_route(
    world: World, app: Flask, caller: Caller, headers: dict[str, str]
) -> None:
    caller.get("/en/request")
    state, seen = caller.state, 0
    for rule in app.url_map.iter_rules():
        if "POST" in (rule.methods or ()) and not rule.rule.startswith("/webhooks/"):
            path = rule.rule.replace("<lang>", "en").replace("<name>", "right")
            assert caller.post(re.sub(r"<\w+>", "x", path), {"state": state}, headers=headers).status_code == 403, path
            seen += 1
    assert seen >= 6
    assert count(world, Request) == 0


def test_a_get_on_a_route_that_changes_something_changes_nothing(world: World, app: Flask, caller: Caller) -> None:
    caller.ask()
    before = count(world, Request), count(world, Message), count(world, Pace)
    for rule in app.url_map.iter_rules():
        path = rule.rule.replace("<lang>", "en").replace("<name>", "right")
        for method in (caller.client.get, caller.client.head):
            assert method(re.sub(r"<[\w:]+>", "x", path)).status_code < 500
    assert (count(world, Request), count(world, Message), count(world, Pace)) == before


def test_twenty_forms_an_hour_from_one_place_and_a_restart_forgives_nothing(world: World, caller: Caller) -> None:
    for number in range(20):
        caller.ask(message=str(number))
    again = Caller(create_app(world.rt))
    answer = again.fill("sv", **PERSON)
    assert answer.status_code == 429
    assert 'lang="sv"' in answer.text
    assert again.state  # what was typed is still there
    assert count(world, Request) == 20
    elsewhere = Caller(create_app(world.rt), REMOTE_ADDR="198.51.100.7")
    assert elsewhere.ask()
    world.clock.advance(hours=1)
    assert again.ask()


def test_a_pace_keeps_no_address(world: World, caller: Caller) -> None:
    caller.environ = {"REMOTE_ADDR": "203.0.113.77"}
    caller.ask()
    with world.rt.unit() as session:
        rows = session.scalars(select(Pace)).all()
    assert rows
    assert all(b"203.0.113.77" not in row.key and len(row.key) == 32 for row in rows)


def test_a_body_that_is_too_large_is_refused_in_the_reader_s_language(caller: Caller) -> None:
    caller.get("/fi/request")
    state = caller.state
    answer = caller.post("/fi/request/message", {"state": state, "message": "x" * 300_000})
    assert answer.status_code == 413
    assert 'lang="fi"' in answer.text
    multipart = {"content_type": "multipart/form-data"}
    assert caller.post("/fi/request/message", {"message": "x" * 200_000}, **multipart).status_code == 413
    many = {"state": state, **{f"f{n}": "1" for n in range(200)}}
    assert caller.post("/fi/request/message", many, **multipart).status_code == 413


@pytest.mark.parametrize("body", [b"\xff\xfe=\x00", b"state=%ff%fe&go=%00", b"&&&===", b"--x\r\n\r\n"])
@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/xml"])
def test_a_body_that_is_no_form_is_answered_by_a_page(caller: Caller, body: bytes, kind: str) -> None:
    answer = caller.post("/sv/request/right", body, content_type=kind)
    assert answer.status_code == 400
    assert 'lang="sv"' in answer.text


@pytest.mark.parametrize(
    ("accepted", "lang"), [("sv-FI,fi;q=0.5", "sv"), ("fi;q=0.4,EN-us", "en"), ("en", "en"), ("de", "fi"), ("", "fi")]
)
def test_the_first_page_is_in_the_reader_s_language(caller: Caller, accepted: str, lang: str) -> None:
    answer = caller.get("/", headers={"Accept-Language": accepted})
    assert (answer.status_code, answer.headers["Location"]) == (302, f"/{lang}/")


def test_a_changed_or_foreign_state_is_not_taken(world: World, caller: Caller) -> None:
    caller.get("/en/request")
    good = caller.state
    for bad in ("", good[:-2], good[5:], "e30.aaaa.bbbb", good.replace(good[:4], "AAAA")):
        answer = caller.post("/en/request/check", {"state": bad, "go": "next"})
        assert answer.status_code == 400
    untouched = caller.post("/en/request/right", {"state": good, "right": "access"})
    assert untouched.status_code == 200
    assert count(world, Request) == 0


def test_health_says_only_whether_the_database_answers(world: World, caller: Caller) -> None:
    answer = caller.get("/healthz")
    assert (answer.status_code, answer.text) == (200, "ok\n")


def test_health_is_bad_while_the_database_is_gone(tmp_path: Path) -> None:
    world = make_world(tmp_path / "w")
    app = create_app(world.rt)
    world.rt.sessions.kw["bind"].dispose()
    path = tmp_path / "w" / "vastine.db"
    path.rename(path.with_suffix(".away"))
    path.mkdir()
    answer = app.test_client().get("/healthz")
    assert (answer.status_code, answer.text) == (503, "unavailable\n")
    world.close()


def test_machines_find_robots_and_whom_to_tell_about_a_weakness(caller: Caller) -> None:
    assert "Disallow: /\n" in caller.get("/robots.txt").text
    told = caller.get("/.well-known/security.txt").text
    assert "Contact: mailto:dpo@shop.example" in told
    assert re.search(r"^Expires: \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$", told, re.MULTILINE)


def test_a_reference_alone_tells_nothing_of_whether_it_exists(caller: Caller) -> None:
    real = reference_of(caller.ask())
    shown = []
    for reference in (real, "TP-2026-0000-0000-?".replace("?", _check("202600000000"))):
        answer = caller.post("/en/reference", {"reference": reference})
        shown.append((answer.status_code, answer.text.replace(reference, "")))
    assert shown[0] == shown[1]
    assert shown[0][0] == 200
    assert caller.post("/en/reference", {"reference": "nonsense <b>"}).status_code == 422


def _check(body: str) -> str:
    from workflows.rules.reference import ALPHABET, parse_reference

    return next(c for c in ALPHABET if parse_reference(body + c))


def test_a_form_that_breaks_inside_is_kept_for_a_person(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    from workflows.errors import NeverAgain

    def broken(*_args: object, **_more: object) -> object:
        raise NeverAgain("placeholder")

    monkeypatch.setattr("webhooks.intake.acceptance.open_request", broken)
    form = understand_form({**PERSON, "language": "en"})
    assert accept(world.rt, form, PERSON, nonce="n", limit=SENDING, whose="here").reference == ""
    assert accept(world.rt, form, PERSON, nonce="n", limit=SENDING, whose="here").reference == ""
    assert (count(world, Message), count(world, Request)) == (1, 0)


ANY = st.text(max_size=300) | st.binary(max_size=200).map(lambda b: b.decode("utf-8", "surrogateescape"))
FIELD = st.sampled_from(["right", "name", "email", "phone_number", "customer_number", "gsrn", "message", "on_behalf"])


@settings(max_examples=examples(60), suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.dictionaries(FIELD, ANY, max_size=8), st.integers(1, 40))
def test_any_text_of_any_length_is_recorded_or_refused_with_a_clear_answer(
    world: World, app: Flask, typed: dict[str, str], times: int
) -> None:
    caller = Caller(app, REMOTE_ADDR=f"2001:db8:{hash(str(typed)) & 0xFFFF:x}:{times:x}::1")
    long = {k: (v * times if k != "right" else v) for k, v in typed.items()}
    sendable = {k: v.encode("utf-8", "surrogateescape") for k, v in {**PERSON, **long}.items()}
    before = count(world, Request)
    answer = caller.fill("en", **sendable)  # type: ignore[arg-type]
    if answer.status_code == 303:
        assert count(world, Request) == before + 1
        assert caller.get(answer.headers["Location"]).status_code == 200
    else:
        assert answer.status_code in (413, 422, 429)
        assert count(world, Request) == before
        assert "<h1" in answer.text
