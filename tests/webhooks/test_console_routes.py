"""Every route names whom it is for, keeps others out, and refuses forms that are not ours."""

import re
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask

from models.audit import AuditEntry
from models.vocabulary import (
    Action,
    Channel,
    Ground,
    Kind,
    Letter,
    Method,
    OutboxState,
    Outcome,
    Ownership,
    PlanState,
    ReceiptOutcome,
    RequestState,
    Right,
    Role,
    SourceResult,
    TaskKind,
)
from tests.webhooks.desk import EVERY_ROLE, Desk
from tests.world import World
from webhooks.console import roles
from webhooks.console.case import DONE
from webhooks.console.tasks import ANSWERS
from webhooks.words import FOLDER, read_texts
from workflows.audit import EVENTS
from workflows.stages.decision import EXTENSION_REASONS

Seat = Callable[..., Desk]
OPEN = {"static", "brand", "healthz", "login.login", "login.enter", "login.language", "api.openapi"}


def routes(app: Flask) -> Iterator[tuple[str, str, str]]:
    """(endpoint, method, path) of every route, holes filled with what exists nowhere."""
    for rule in app.url_map.iter_rules():
        path = re.sub(r"<uuid:\w+>", str(uuid.UUID(int=1)), rule.rule)
        path = re.sub(r"<int:\w+>", "1", path)
        path = re.sub(r"<(path:)?\w+>", "nothing", path)
        for method in rule.methods or ():
            if method in ("GET", "POST"):
                yield rule.endpoint, method, path


def test_every_route_names_its_roles(console: Flask) -> None:
    unguarded = {e for e, view in console.view_functions.items() if not roles.roles_of(view)}
    assert unguarded == OPEN
    assert {e for e, view in console.view_functions.items() if roles.is_open(view)} == OPEN


def test_a_route_that_names_no_roles_opens_for_nobody(console: Flask, desk: Seat) -> None:
    console.add_url_rule("/forgotten", "forgotten", lambda: "secret")
    assert desk().get("/forgotten").status_code == 302
    assert desk("anna").get("/forgotten").status_code == 403


@pytest.mark.parametrize("name", EVERY_ROLE)
def test_a_role_reaches_its_own_routes_and_no_other(console: Flask, desk: Seat, name: str) -> None:
    seat, role = desk(name), EVERY_ROLE[name]
    token = seat.token()
    for endpoint, method, path in routes(console):
        view = console.view_functions[endpoint]
        if endpoint in OPEN or endpoint == "login.leave" or roles.takes_token(view):
            continue
        answer = seat.get(path) if method == "GET" else seat.post(path, {"csrf": token})
        allowed = role in roles.roles_of(view)
        assert (answer.status_code != 403) == allowed, f"{role} {method} {path}: {answer.status_code}"
        assert answer.status_code < 500, f"{method} {path}"


@pytest.mark.parametrize("given", [{}, {"csrf": "0" * 64}, {"csrf": "ä"}])
def test_a_form_without_this_sessions_token_does_nothing(console: Flask, desk: Seat, given: dict[str, str]) -> None:
    seat = desk("anna")
    for endpoint, method, path in routes(console):
        if method == "POST" and endpoint not in OPEN and not roles.takes_token(console.view_functions[endpoint]):
            assert seat.post(path, given).status_code == 403, path
    other = desk("ben").token()
    assert seat.post("/logout", {"csrf": other}).status_code == 403


@pytest.mark.parametrize(
    "headers", [{"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Origin": "https://evil.example"}]
)
def test_a_form_that_another_site_sends_does_nothing(desk: Seat, headers: dict[str, str]) -> None:
    seat = desk("anna")
    answer = seat.client.post("/logout", data={"csrf": seat.token()}, headers=headers)
    assert answer.status_code == 403
    assert seat.get("/").status_code == 200


def test_every_page_carries_the_headers_that_protect_it(console: Flask, desk: Seat) -> None:
    seat = desk("anna")
    for _, method, path in routes(console):
        if method == "GET" and "static" not in path:
            headers = seat.get(path).headers
            assert headers["Content-Security-Policy"].startswith("default-src 'none'; script-src 'none'"), path
            assert headers["X-Content-Type-Options"] == "nosniff"
            assert headers["Cache-Control"] == "no-store"
            assert headers["Referrer-Policy"] == "no-referrer"


def test_an_unknown_page_and_a_wrong_method_say_so_in_words(desk: Seat) -> None:
    seat = desk("anna", language="en")
    assert "no such page" in seat.get("/nowhere").text
    assert seat.get("/logout").status_code == 405
    assert desk().get("/nowhere").status_code == 404


def test_the_health_check_tells_nothing(console: Flask, desk_world: World) -> None:
    assert console.test_client().get("/healthz").json == {"status": "ok"}


def test_every_word_a_console_page_asks_for_exists() -> None:
    known = read_texts(FOLDER / "console.fi.po")
    folder = Path(roles.__file__).parent
    sources = [*folder.glob("*.py"), *(folder.parent / "templates" / "console").glob("*.html")]
    for source in sources:
        asked = set(re.findall(r"\bt\(\"([a-z_.:]+[a-z])\"[,)]", source.read_text(encoding="utf-8")))
        assert asked <= known.keys(), f"{source.name}: {asked - known.keys()}"


@pytest.mark.parametrize(
    ("prefix", "words"),
    [
        ("right", Right),
        ("state", RequestState),
        ("next", RequestState),
        ("outcome", Outcome),
        ("channel", Channel),
        ("method", Method),
        ("result", SourceResult),
        ("ownership", Ownership),
        ("action", Action),
        ("receipt", ReceiptOutcome),
        ("mail", OutboxState),
        ("letter", Letter),
        ("ground", Ground),
        ("role", Role),
        ("kind", Kind),
        ("task", TaskKind),
        ("plan.state", PlanState),
        ("reason", EXTENSION_REASONS),
        ("done", DONE),
        ("answer", ANSWERS),
        ("event", EVENTS),
    ],
)
def test_every_word_of_the_vocabulary_has_its_text(prefix: str, words: object) -> None:
    known = read_texts(FOLDER / "console.fi.po")
    joint = "_" if prefix == "plan.state" else "."
    keys = {f"{prefix}{joint}{getattr(word, 'value', word)}" for word in words}  # type: ignore[attr-defined]
    assert keys <= known.keys(), keys - known.keys()


def test_looking_at_the_queue_is_on_record_where_names_were_shown(desk: Seat, desk_world: World) -> None:
    desk_world.open()
    desk_world.work()
    desk("otto").get("/requests?state=all")
    desk("anna").get("/requests?state=all")
    with desk_world.rt.unit() as session:
        entries = session.query(AuditEntry).filter_by(event="case:searched").all()
    assert [(e.actor, e.facts) for e in entries] == [("anna", {"rows": 1})]
