"""Personal log-ins: what opens a session, what ends it, and that strangers learn nothing."""

from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select

from models.audit import AuditEntry
from tests.webhooks.desk import PASSWORD, Desk, give_passwords, words_of
from tests.world import World, open_world, prepare
from webhooks.console.login import BY_NAME
from webhooks.staff import create_app
from workflows.staffing import disable_user

Seat = Callable[..., Desk]


def events(world: World, event: str) -> list[AuditEntry]:
    with world.rt.unit() as session:
        return list(session.scalars(select(AuditEntry).where(AuditEntry.event == event)))


def test_a_log_in_leads_to_today_and_is_on_record(desk: Seat, desk_world: World) -> None:
    assert "Anna (data protection officer)" in desk("anna").text("/")
    assert [e.actor for e in events(desk_world, "staff:logged_in")] == ["anna"]


def test_a_wrong_password_and_an_unknown_name_look_the_same(desk: Seat, desk_world: World) -> None:
    wrong, unknown = desk().log_in("anna", "not the password"), desk().log_in("nina", "not the password")
    assert wrong.status_code == unknown.status_code == 403
    assert wrong.text.replace("anna", "nina") == unknown.text
    assert [e.facts for e in events(desk_world, "staff:login:failed")] == [{"name": "anna"}, {}]


def test_without_a_session_every_page_leads_to_the_log_in_and_back(desk: Seat) -> None:
    stranger = desk()
    answer = stranger.get("/requests?state=all")
    assert answer.status_code == 302
    assert answer.location == "/login?next=/requests?state%3Dall"
    assert stranger.log_in("anna", next="/requests?state=all").location == "/requests?state=all"


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example", "/\\evil.example", "evil", "/a b"])
def test_a_log_in_never_leads_to_another_site(desk: Seat, target: str) -> None:
    assert desk().log_in("anna", next=target).location == "/"


def test_a_session_ends_when_idle_when_old_and_at_the_log_out(desk: Seat, desk_world: World) -> None:
    idle = desk("anna")
    desk_world.clock.advance(minutes=14)
    assert idle.get("/").status_code == 200
    desk_world.clock.advance(minutes=16)
    assert idle.get("/").status_code == 302
    busy = desk("anna")
    for _ in range(34):
        desk_world.clock.advance(minutes=14)
        assert busy.get("/").status_code == 200
    desk_world.clock.advance(minutes=5)
    assert busy.get("/").status_code == 302
    left = desk("anna")
    cookie = left.client.get_cookie("vastine_staff")
    assert cookie is not None
    assert left.send("/", "/logout").status_code == 302
    left.client.set_cookie("vastine_staff", cookie.value)
    assert left.get("/").status_code == 302


def test_disabling_a_user_ends_the_session_at_once(desk: Seat, desk_world: World) -> None:
    ben = desk("ben")
    with desk_world.rt.unit() as session:
        disable_user(session, desk_world.rt, "ben")
    assert ben.get("/").status_code == 302
    assert desk().log_in("ben").status_code == 403


def test_logging_in_again_ends_the_session_before(desk: Seat) -> None:
    first = desk("anna")
    old = first.client.get_cookie("vastine_staff")
    assert old is not None
    first.log_in("anna")
    first.client.set_cookie("vastine_staff", old.value)
    assert first.get("/").status_code == 302


def test_too_many_tries_have_to_wait_even_with_the_right_password(desk: Seat, desk_world: World) -> None:
    guesser = desk()
    for _ in range(BY_NAME.most):
        assert guesser.log_in("anna", "wrong wrong wrong").status_code == 403
    answer = guesser.log_in("anna")
    assert answer.status_code == 429
    assert "15 minutes" in words_of(answer.text)
    desk_world.clock.advance(minutes=16)
    assert guesser.log_in("anna").status_code == 302


def test_the_cookie_is_out_of_reach_of_scripts_and_bound_to_the_host(tmp_path: Path) -> None:
    environ = prepare(tmp_path) | {"VASTINE_CONSOLE_URL": "https://desk.example"}
    world = open_world(environ)
    give_passwords(world)
    answer = create_app(world.rt).test_client().post("/login", data={"name": "anna", "password": PASSWORD})
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("__Host-vastine_staff=")
    assert all(word in cookie for word in ("Secure", "HttpOnly", "SameSite=Lax", "Path=/"))
    assert answer.headers["Strict-Transport-Security"]
    world.close()


def test_the_language_is_chosen_without_a_log_in_and_kept(console: Flask) -> None:
    reader = console.test_client()
    assert 'lang="fi"' in reader.get("/login").text
    assert 'lang="sv"' in reader.get("/login", headers={"Accept-Language": "sv"}).text
    assert 'lang="sv"' in reader.get("/login", headers={"Accept-Language": "sv-FI,en;q=0.7"}).text
    assert 'lang="fi"' in reader.get("/login", headers={"Accept-Language": "de"}).text
    reader.post("/language", data={"language": "en", "back": "/login"})
    assert 'lang="en"' in reader.get("/login", headers={"Accept-Language": "sv"}).text
