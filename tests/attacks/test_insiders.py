"""Somebody who has a log-in looks for what is not theirs to see, or lets out alone what takes two."""

import re
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from models.audit import AuditEntry
from models.decision import Approval
from models.request import Request
from models.vocabulary import RequestState, Right
from tests.attacks.house import HETUS, NOTE, House, running_house
from tests.attacks.outside import Browser
from tests.webhooks.desk import EVERY_ROLE, form_of
from tests.world import BOB, JANE
from webhooks.console import roles
from webhooks.public import create_app as portal_app
from webhooks.staff import create_app as console_app
from workflows.audit import broken_links
from workflows.staffing import disable_user

FETCH_SITES = ({"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Origin": "https://evil.example"})


@pytest.fixture
def case(house: House) -> str:
    """An erasure of Jane's that waits to be decided; the path of its page."""
    ident = house.world.open(Right.ERASURE, JANE)
    house.work()
    assert house.world.state(ident) is RequestState.DECIDING
    return f"/requests/{house.world.request(ident).reference}"


@pytest.fixture
def behind_tls(tmp_path: Path) -> Iterator[House]:
    """The house as people reach it in production: by https, behind a proxy."""
    settings = {"VASTINE_PUBLIC_URL": "https://portal.example", "VASTINE_CONSOLE_URL": "https://desk.example"}
    with running_house(tmp_path, settings=settings) as made:
        yield made


def entries(house: House, *events: str) -> list[tuple[str, str]]:
    with house.world.rt.unit() as session:
        found = session.scalars(select(AuditEntry).where(AuditEntry.event.in_(events)).order_by(AuditEntry.at)).all()
        return [(entry.actor, entry.event) for entry in found]


def test_row_25_who_has_no_business_with_a_case_sees_nobody_in_it(house: House, case: str) -> None:
    for name in ("ilse", "otto"):
        shown = house.desk(name).get(case)
        assert shown.status in (200, 403)
        for secret in (NOTE, JANE, HETUS[1], "Jane"):
            assert secret not in shown.text, name
    assert house.desk("ada").get(case).status == 403
    for path in (f"{case}/files/package.zip", f"{case}/sources/shop", f"{case}/candidates"):
        for name in ("ilse", "otto", "ada"):
            assert house.desk(name).get(path).status == 403, f"{name} {path}"
    found = house.desk("otto").get("/requests?state=all&q=Jane")
    assert JANE not in found.text


def test_row_25_every_look_is_on_record_where_the_officer_sees_it_and_nobody_changes_it(
    house: House, case: str
) -> None:
    cleo = house.desk("cleo")
    cleo.get(case)
    cleo.get(f"{case}/sources/shop")
    looks = entries(house, "case:read")
    assert [actor for actor, _ in looks].count("cleo") >= 2
    reference = case.rpartition("/")[2]
    record = house.desk("anna").get(f"/audit?q={reference}")
    assert record.status == 200
    assert "cleo" in record.text
    assert cleo.get(f"/audit?q={reference}").status == 403, "not her own record"
    rules = [r for r in console_app(house.world.rt).url_map.iter_rules() if r.rule.startswith("/audit")]
    assert all(r.methods == {"GET", "HEAD", "OPTIONS"} for r in rules)
    with house.world.rt.unit() as session:
        assert list(broken_links(session)) == []


def test_row_25_nobody_releases_an_erasure_alone_however_often_they_press(house: House, case: str) -> None:
    before = house.untouched()
    reference = case.rpartition("/")[2]
    anna = house.desk("anna")
    assert anna.press(case, f"{case}/approve", {"reference": reference}).status == 302
    again = house.desk("anna")
    csrf = form_of(again.get(case).text, "/logout")["csrf"]
    again.post(
        f"{case}/approve", {**form_of(again.get(case).text, f"{case}/approve"), "csrf": csrf, "reference": reference}
    )
    for name in ("ilse", "cleo", "otto", "ada"):
        seat = house.desk(name)
        token = form_of(seat.get("/").text, "/logout")["csrf"]
        assert seat.post(f"{case}/approve", {"csrf": token, "reference": reference}).status == 403
    house.work()
    with house.world.rt.unit() as session:
        assert [a.approver for a in session.scalars(select(Approval))] == ["anna"]
    assert house.untouched() == before


def test_row_25_who_was_let_go_is_out_at_once(house: House, case: str) -> None:
    cleo = house.desk("cleo")
    assert cleo.get(case).status == 200
    with house.world.rt.unit() as session:
        disable_user(session, house.world.rt, "cleo")
    assert cleo.get(case).status == 302
    assert cleo.post("/login", {"name": "cleo", "password": "correct horse battery"}).status == 403


def test_sec_18_the_cookie_of_a_session_belongs_to_this_host_and_ends(behind_tls: House) -> None:
    seat = Browser(behind_tls.console)
    seat.get("/login")
    fixed = "chosen-by-somebody-else"
    seat.cookies["__Host-vastine_staff"] = fixed
    answer = seat.post("/login", {"name": "anna", "password": "correct horse battery"})
    [cookie] = [c for c in answer.headers.get_all("Set-Cookie") or () if c.startswith("__Host-vastine_staff=")]
    assert fixed not in cookie, "a new id at each log-in"
    for word in ("Secure", "HttpOnly", "Path=/"):
        assert word in cookie
    assert "SameSite=Lax" in cookie or "SameSite=Strict" in cookie
    assert "Domain" not in cookie
    old = seat.cookies["__Host-vastine_staff"]
    seat.post("/login", {"name": "anna", "password": "correct horse battery"})
    assert seat.cookies["__Host-vastine_staff"] != old
    behind_tls.world.clock.advance(minutes=14)
    assert seat.get("/").status == 200
    behind_tls.world.clock.advance(minutes=16)
    assert seat.get("/").status == 302, "idle"
    seat.post("/login", {"name": "anna", "password": "correct horse battery"})
    for _ in range(34):
        behind_tls.world.clock.advance(minutes=14)
        assert seat.get("/").status == 200
    behind_tls.world.clock.advance(minutes=5)
    assert seat.get("/").status == 302, "after eight hours"


def test_sec_18_the_cookie_that_opens_an_answer_is_strict_and_short(behind_tls: House) -> None:
    who = behind_tls.browser()
    page = who.ask(email=JANE)
    answer = who.post(f"{page}/code", {"code": behind_tls.codes(JANE)[-1]})
    assert re.match(r"__Host-vastine-open=.*Secure;.*HttpOnly;.*Path=/;.*SameSite=Strict", answer.headers["Set-Cookie"])


def holes(rule: str, reference: str) -> str:
    path = rule.replace("<lang>", "en").replace("<reference>", reference)
    return re.sub(r"<(?:\w+:)?\w+>", "1", re.sub(r"<uuid:\w+>", str(uuid.UUID(int=1)), path))


def state_of(house: House) -> list[object]:
    with house.world.rt.unit() as session:
        return [
            [
                (r.id, r.state, r.outcome, r.verified_method)
                for r in session.scalars(select(Request).order_by(Request.id))
            ],
            [(a.plan_id, a.approver) for a in session.scalars(select(Approval))],
        ]


@pytest.mark.parametrize("caused_by", FETCH_SITES)
def test_sec_19_no_form_works_that_another_site_sends(house: House, case: str, caused_by: dict[str, str]) -> None:
    before = state_of(house)
    anna, reference = house.desk("anna"), case.rpartition("/")[2]
    token, seen = form_of(anna.get("/").text, "/logout")["csrf"], 0
    app = console_app(house.world.rt)
    for rule in app.url_map.iter_rules():
        if "POST" in (rule.methods or ()) and not roles.takes_token(app.view_functions[rule.endpoint]):
            path = holes(rule.rule, reference)
            assert anna.post(path, {"csrf": token, "reference": reference}, **caused_by).status == 403, path
            seen += 1
    who = house.browser()
    who.get("/en/request")
    for rule in portal_app(house.world.rt).url_map.iter_rules():
        if "POST" in (rule.methods or ()) and not rule.rule.startswith("/webhooks/"):
            assert who.post(holes(rule.rule, reference), {"state": who.state}, **caused_by).status == 403, rule.rule
            who.get("/en/request")
            seen += 1
    assert seen > 40
    assert state_of(house) == before


def test_sec_19_no_form_works_without_its_token_and_nothing_changes_by_looking(house: House, case: str) -> None:
    before = state_of(house)
    anna, ben, reference = house.desk("anna"), house.desk("ben"), case.rpartition("/")[2]
    other = form_of(ben.get("/").text, "/logout")["csrf"]
    app = console_app(house.world.rt)
    for rule in app.url_map.iter_rules():
        path = holes(rule.rule, reference)
        view = app.view_functions[rule.endpoint]
        if roles.takes_token(view) or rule.endpoint.startswith("login."):
            continue
        if "POST" in (rule.methods or ()):
            for token in ("", other):
                assert anna.post(path, {"csrf": token, "reference": reference}).status == 403, path
        for method in ("GET", "HEAD"):
            assert anna.send(method, path).status < 500, path
    assert anna.get("/").status == 200, "still logged in"
    assert state_of(house) == before


def test_sec_20_every_answer_of_both_doors_carries_its_headers(behind_tls: House) -> None:
    seat = Browser(behind_tls.console)
    seat.post("/login", {"name": "anna", "password": "correct horse battery"})
    doors = ((behind_tls.browser(), portal_app(behind_tls.world.rt)), (seat, console_app(behind_tls.world.rt)))
    seen = 0
    for browser, app in doors:
        for rule in app.url_map.iter_rules():
            for method in ("GET", "POST"):
                answer = browser.send(
                    method, holes(rule.rule, "TP-2026-0000-0000-0"), b"" if method == "POST" else None
                )
                assert answer.status < 500, rule.rule
                policy = answer.headers["Content-Security-Policy"]
                assert "default-src 'none'" in policy
                assert "frame-ancestors 'none'" in policy
                assert "unsafe" not in policy
                assert answer.headers["Strict-Transport-Security"]
                assert answer.headers["Referrer-Policy"] == "no-referrer"
                assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin"
                assert answer.headers["X-Content-Type-Options"] == "nosniff"
                assert "Server" not in answer.headers or "Python" not in answer.headers["Server"]
                seen += 1
    assert seen > 100


@pytest.mark.parametrize("name", EVERY_ROLE)
def test_row_25_a_role_opens_its_own_pages_and_no_other(house: House, case: str, name: str) -> None:
    house.world.open(Right.ACCESS, BOB)
    seat, reference = house.desk(name), case.rpartition("/")[2]
    app = console_app(house.world.rt)
    for rule in app.url_map.iter_rules():
        view = app.view_functions[rule.endpoint]
        if "GET" not in (rule.methods or ()) or roles.takes_token(view) or roles.is_open(view):
            continue
        allowed = EVERY_ROLE[name] in roles.roles_of(view)
        assert (seat.get(holes(rule.rule, reference)).status != 403) == allowed, rule.rule
