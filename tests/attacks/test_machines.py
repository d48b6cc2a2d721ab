"""Programs that forge, repeat, flood and overfeed."""

import base64
import hmac
import json
import resource
import socket
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from sqlalchemy import select

from models.intake import InboundEvent, Message
from models.request import Request
from models.verification import Pace
from models.vocabulary import MessageState, SourceResult
from tests.attacks.house import House
from tests.attacks.outside import FORM, Answer, letter
from tests.connectors.test_http_hostile import ANSWERS
from tests.http_source import ANNA, running
from tests.story.test_services import moved_in
from tests.webhooks.test_events import NEW, OLD, secret_of
from tests.world import JANE
from webhooks.security import MAX_BODY_BYTES

PAID = json.dumps({"type": "invoice.paid", "data": {"source": "shop", "key": "2"}}).encode()


def signed(
    house: House, body: bytes, *, ident: str, secret: str = NEW, late: float = 0, kind: str = ""
) -> dict[str, str]:
    """The head of a webhook as its sender signs it."""
    stamp = str(int((house.world.rt.now() - timedelta(seconds=late)).timestamp()))
    mac = hmac.new(base64.b64decode(secret.removeprefix("whsec_")), f"{ident}.{stamp}.".encode() + body, "sha256")
    head = {"webhook-id": ident, "webhook-timestamp": stamp, "Content-Type": kind or "application/json"}
    return {**head, "webhook-signature": "v1," + base64.b64encode(mac.digest()).decode()}


def tell(house: House, body: bytes = PAID, path: str = "/webhooks/events", *, ident: str = "m1", **how: Any) -> Answer:
    return house.browser().send("POST", path, body, signed(house, body, ident=ident, **how))


def test_row_23_sec_44_forged_stale_and_repeated_events_change_nothing(house: House) -> None:
    assert tell(house, secret=secret_of("stranger")).status == 401
    assert tell(house, late=301).status == 401
    assert tell(house, late=-301).status == 401
    head = signed(house, PAID, ident="m1")
    door = house.browser()
    assert door.send("POST", "/webhooks/events", PAID.replace(b"2", b"1"), head).status == 401, "another body"
    assert door.send("POST", "/webhooks/events", PAID, {**head, "webhook-id": "m2"}).status == 401, "another id"
    for gone in ("webhook-id", "webhook-timestamp", "webhook-signature"):
        assert door.send("POST", "/webhooks/events", PAID, {k: v for k, v in head.items() if k != gone}).status == 401
    weak = {**head, "webhook-signature": "v1,", "X-Forwarded-For": "127.0.0.1"}
    assert door.send("POST", "/webhooks/events", PAID, weak).status == 401
    assert door.send("POST", "/webhooks/jobs/shop", b"", head).status == 401, "a secret opens its own door only"
    assert door.send("POST", "/webhooks/jobs/nobody", b"", head).status == 401
    assert house.count(InboundEvent) == 0
    assert [door.send("POST", "/webhooks/events", PAID, head).status for _ in range(3)] == [202] * 3
    assert house.count(InboundEvent) == 1, "one event, however often it comes"
    assert tell(house, ident="m3", secret=OLD).status == 202, "while secrets change the old one counts too"


def test_row_23_a_call_of_the_api_is_done_once_and_only_with_a_token_in_force(house: House) -> None:
    body = json.dumps({"right": "access", "identifiers": {"email": JANE}}).encode()
    api = house.caller()
    head = {"Idempotency-Key": "one"}
    first, again = (api.send("POST", "/api/v1/requests", body, head) for _ in range(2))
    assert (first.status, first.body) == (again.status, again.body)
    assert api.send("POST", "/api/v1/requests", body.replace(b"access", b"erasure"), head).status == 422
    assert house.count(Request) == 1
    token = api.headers["Authorization"]
    for wrong in (token[:-1], token.replace("Bearer", "Basic"), "Bearer ", "Bearer x", "Bearer null", ""):
        stranger = house.caller()
        stranger.headers["Authorization"] = wrong
        assert stranger.send("POST", "/api/v1/requests", body, {"Idempotency-Key": "two"}).status == 401
    house.world.clock.advance(days=31)
    assert api.get("/api/v1/requests").status == 401, "it ran out"
    assert house.count(Request) == 1


def test_row_24_sec_21_a_flood_of_forms_stops_nobody_else_and_a_restart_forgives_nothing(house: House) -> None:
    flood = house.browser()
    answers = [flood.fill(right="access", name="Jane", email=JANE, message=str(n)).status for n in range(25)]
    assert answers == [303] * 20 + [429] * 5
    assert "message" in flood.fill(right="access", name="Jane", email=JANE, message="more").text
    assert house.count(Request) == 20, "what was accepted is there"
    house.work()
    limit = house.world.rt.register.controller.delivery.codes_an_hour
    assert len(house.codes(JANE)) <= limit, "nor is the mailbox of the person they name filled"
    with house.world.rt.unit() as session:
        assert all(len(row.key) == 32 for row in session.scalars(select(Pace))), "counted in the database, by digests"
    house.mail(letter("other@elsewhere.example"))
    api = house.caller()
    body = json.dumps({"right": "access", "identifiers": {"email": JANE}}).encode()
    assert api.send("POST", "/api/v1/requests", body, {"Idempotency-Key": "k"}).status == 201
    assert house.count(Request) == 22
    house.world.clock.advance(hours=1)
    assert flood.fill(right="access", name="Jane", email=JANE, message="later").status == 303


def test_row_24_the_same_form_and_the_same_mail_a_hundred_times_are_one_request(house: House) -> None:
    who = house.browser()
    who.get("/en/request")
    fields = {"right": "access", "name": "Jane", "email": JANE, "go": "next"}
    for name in ("right", "who", "message"):
        who.post(f"/en/request/{name}", {**fields, "state": who.state})
    state = who.state
    places = {who.post("/en/request/check", {"state": state, "go": "next"}).location for _ in range(10)}
    assert len(places) == 1
    for _ in range(20):
        house.mail(letter(JANE, ident="same"))
    assert (house.count(Request), house.count(Message)) == (2, 2)


MACHINES = (
    {"Auto_Submitted": "auto-replied"},
    {"Precedence": "bulk"},
    {"X_Autoreply": "yes"},
    {"List_Id": "<list.example>"},
    {"Return_Path": "<>"},
    {"X_Vastine_Mail": "1"},
)


def test_row_24_sec_42_machines_that_answer_each_other_come_to_rest(house: House) -> None:
    house.mail(letter(JANE))
    before = len(house.sent)
    for number in range(30):
        head = MACHINES[number % len(MACHINES)]
        house.mail(letter(JANE, "I am away until Monday.", subject="Out of office", ident=f"auto{number}", **head))
    house.mail(
        letter("answers@shop.example", "Thank you for your request.", ident="own", Auto_Submitted="auto-replied")
    )
    for own in list(house.sent):  # our own mail comes back to us
        house.mail(own.as_bytes().replace(b"\n", b"\r\n").replace(b"\r\r", b"\r"))
    assert len(house.sent) == before
    assert house.count(Request) == 1
    assert {m.state for m in house.messages()} <= {MessageState.OPENED, MessageState.IGNORED, MessageState.ATTACHED}


def test_sec_42_whatever_a_mail_proves_of_itself_the_person_is_challenged(house: House) -> None:
    header = b"Authentication-Results: mx.shop.example; spf=pass; dkim=pass header.d=shop.example; dmarc=pass\r\n"
    house.mail(header + letter(JANE).as_bytes().replace(b"\n", b"\r\n"))
    [message] = house.messages()
    assert message.authenticated == {"spf": "pass", "dkim": "pass", "dmarc": "pass"}
    assert len(house.codes(JANE)) == 1
    assert house.unproven()


def raw_call(base: str, head: str, body: Iterable[bytes] = ()) -> int:
    """Send bytes until the other side has had enough; the status, 0 where it hung up without one."""
    place = urlsplit(base)
    with socket.create_connection((place.hostname or "", place.port or 0), timeout=20) as line:
        try:
            line.sendall(head.encode())
            for part in body:
                line.sendall(part)
        except OSError:
            pass
        try:
            got = line.recv(65_536)
        except OSError:
            return 0
    return int(got.split()[1]) if got[:5] == b"HTTP/" else 0


def test_sec_22_more_than_a_form_holds_is_refused_and_not_held(house: House) -> None:
    who = house.browser()
    who.get("/en/request")
    state = who.state
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert who.post("/en/request/message", {"state": state, "message": "x" * (MAX_BODY_BYTES + 1)}).status == 413
    parts = (
        b"".join(b'--b\r\nContent-Disposition: form-data; name="f%d"\r\n\r\nx\r\n' % n for n in range(1_000)) + b"--b--"
    )
    assert who.send("POST", "/en/request/who", parts, {"Content-Type": "multipart/form-data; boundary=b"}).status == 413
    fields = "&".join(f"f{n}=1" for n in range(20_000)).encode()
    assert who.send("POST", "/en/request/who", fields, {"Content-Type": FORM}).status in (400, 413)
    for path in ("/en/request/who", "/login", "/api/v1/requests", "/webhooks/mail"):
        base = house.console if path.startswith(("/login", "/api")) else house.portal
        head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: {FORM}\r\nContent-Length: 1073741824\r\n\r\n"
        assert raw_call(base, head, (b"x" * 65_536 for _ in range(600))) in (0, 401, 413), path
    many = "".join(f"X-{n}: {'y' * 100}\r\n" for n in range(5_000))
    assert raw_call(house.portal, f"GET /en/ HTTP/1.1\r\nHost: x\r\n{many}\r\n") in (0, 400, 431)
    assert raw_call(house.portal, f"GET /en/{'y' * 400_000} HTTP/1.1\r\nHost: x\r\n\r\n") in (0, 400, 414, 431)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000, "kilobytes"
    assert who.get("/en/").status == 200, "everybody else is served"


def test_sec_22_slow_callers_do_not_keep_the_door(house: House) -> None:
    place = urlsplit(house.portal)
    slow = [socket.create_connection((place.hostname or "", place.port or 0)) for _ in range(40)]
    for line in slow:
        line.sendall(b"POST /en/request/who HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\na")
    try:
        assert house.browser().get("/en/").status == 200
    finally:
        for line in slow:
            line.close()


UNKNOWN = (
    "state",
    "verified_method",
    "verified_by",
    "id",
    "reference",
    "due_a",
    "outcome",
    "role",
    "__class__",
    "bucket",
)


@pytest.mark.parametrize("name", UNKNOWN)
def test_sec_23_a_member_that_is_not_offered_is_refused_everywhere(house: House, name: str) -> None:
    api = house.caller()
    body = {"right": "access", "identifiers": {"email": JANE}, name: "closed"}
    answer = api.send("POST", "/api/v1/requests", json.dumps(body).encode(), {"Idempotency-Key": "k"})
    assert answer.status == 422
    inner = {"right": "access", "identifiers": {"email": JANE, name: "x"}}
    assert api.send("POST", "/api/v1/requests", json.dumps(inner).encode(), {"Idempotency-Key": "k"}).status == 422
    asked = json.dumps({"identifiers": {"email": JANE}, name: "x"}).encode()
    assert api.send("POST", "/api/v1/restrictions/check", asked).status == 422
    event = json.dumps({"type": "invoice.paid", "data": {"source": "shop", "key": "2", name: "x"}}).encode()
    assert tell(house, event).status == 422
    assert house.count(Request) == 0
    page = house.browser().ask(email=JANE, **{name: "closed"})
    row = house.request_of(page)
    assert (row.state.value, row.verified_method, row.outcome) == ("verifying", None, None)


GARBAGE = (
    "html with a 200",
    "deeply nested",
    "a gzip bomb",
    "latin-1",
    "a name twice",
    "a record without its key",
    "silence",
)


@pytest.mark.parametrize("how", GARBAGE)
def test_sec_45_garbage_of_a_source_is_no_answer_and_never_nothing_found(tmp_path: Path, how: str) -> None:
    content = ANSWERS[how][0]

    def garbage(handler: Any) -> None:
        handler.wfile.write(content)
        handler.close_connection = True

    with running() as source:
        company = moved_in(tmp_path, source)
        source.once("GET /tickets", garbage, times=50)
        reference = company.ask({"email": ANNA})
        company.work()
        shown = company.show(reference)
        results = {s["source"]: s["result"] for s in shown["sources"]}
        assert results["service"] in (SourceResult.NOT_SEARCHED.value, SourceResult.FAILED.value)
        assert shown["state"] == "collecting"
        assert not [s for s in shown["sources"] if s["source"] == "service" and s["collections"]]
        company.close()
