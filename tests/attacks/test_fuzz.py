"""Any bytes at any door: recorded, or refused with a clear answer; never a traceback, never lost."""

import json
import re
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote_from_bytes

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from models.intake import InboundEvent, Message
from models.request import Request
from models.vocabulary import MessageState, Right
from tests.attacks.house import House, running_house
from tests.attacks.outside import FORM, Answer, Browser, hand_over
from tests.attacks.test_machines import signed
from tests.composed import ROOT
from tests.effort import examples
from tests.webhooks.desk import form_of
from tests.world import BOB, JANE
from webhooks.console import roles
from webhooks.public import create_app as portal_app
from webhooks.staff import create_app as console_app

QUICK = {"deadline": None, "suppress_health_check": [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]}
TYPES = st.sampled_from([FORM, "multipart/form-data; boundary=b", "application/json", "text/xml", "message/rfc822", ""])
TEXTS = st.one_of(
    st.text(max_size=60),
    st.sampled_from(
        ["", "0", "-1", "99999999999999999999", "2026-02-30", "\x00", "ä" * 300, "TP-2026-0000-0000-0", JANE]
    ),
    st.sampled_from([r.value for r in Right]),
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
CORPUS = sorted((ROOT / "tests" / "rules" / "mail").glob("*.eml"))


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """One house for all of them: what one leaves behind is there for the next.

    On PostgreSQL too, which takes no NUL in a text and no number that is too large.
    """
    server = request.getfixturevalue("postgres_server") if request.param == "postgresql" else None
    url = server.create_database() if server else ""
    with running_house(tmp_path_factory.mktemp("fuzz"), database_url=url) as made:
        for right, who in ((Right.ERASURE, JANE), (Right.ACCESS, BOB)):
            made.world.open(right, who)
        made.work()
        yield made
    if server:
        server.drop_database(url)


def clear(answer: Answer) -> bool:
    """An answer that says what is the matter, and is no accident of ours."""
    assert answer.status < 500, f"{answer.status}: {answer.text[:300]}"
    assert "Traceback" not in answer.text
    if answer.status >= 400 and answer.headers.get_content_type() == "application/problem+json":
        told = json.loads(answer.body)
        return bool(told["detail"]) and told["status"] == answer.status
    return answer.status < 400 or "<h1" in answer.text or answer.headers.get_content_type() == "text/plain"


def filled(rule: str, reference: str, hole: bytes) -> str:
    """A route with its holes filled: what exists where it can, any bytes elsewhere."""
    path = rule.replace("<lang>", "en").replace("<reference>", reference)
    path = re.sub(r"<uuid:\w+>", str(uuid.UUID(int=1)), path)
    path = re.sub(r"<int:\w+>", "99999999999999999999", path)
    return re.sub(r"<(?:\w+:)?\w+>", quote_from_bytes(hole) or "1", path)


@settings(max_examples=examples(60), **QUICK)
@given(st.binary(max_size=300), TYPES, st.integers(0, 10_000), st.binary(max_size=12))
def test_any_bytes_on_any_route_of_the_portal_get_a_clear_answer(
    place: House, body: bytes, kind: str, number: int, hole: bytes
) -> None:
    rules = [r for r in portal_app(place.world.rt).url_map.iter_rules() if "POST" in (r.methods or ())]
    who = place.browser()
    who.cookies = {"vastine-open": quote_from_bytes(hole), "vastine-signin": quote_from_bytes(body[:40])}
    path = filled(rules[number % len(rules)].rule, "TP-2026-0000-0000-0", hole)
    assert clear(who.send("POST", path, body, {"Content-Type": kind}))
    assert clear(who.get(f"{path}?{quote_from_bytes(body)}"))


@settings(max_examples=examples(20), **QUICK)
@given(st.dictionaries(st.sampled_from(["right", "name", "email", "customer_number", "message", "on_behalf"]), TEXTS))
def test_any_form_is_recorded_or_refused(place: House, typed: dict[str, str]) -> None:
    place.world.clock.advance(hours=1)
    before = place.count(Message)
    who = place.browser()
    answer = who.fill("en", **{"right": "access", "name": "Jane", **typed})
    assert clear(answer)
    assert place.count(Message) - before == (1 if answer.status == 303 else 0)
    if answer.status == 303:
        assert who.get(answer.location).status == 200
    place.work()


@st.composite
def mails(draw: Any) -> bytes:
    """Real mails with parts cut out, put in twice, and bytes changed; or no mail at all."""
    raw = draw(st.sampled_from(CORPUS)).read_bytes()[:20_000]
    for _ in range(draw(st.integers(0, 6))):
        at, length = draw(st.integers(0, len(raw))), draw(st.integers(0, 200))
        raw = raw[:at] + draw(st.binary(max_size=30) | st.just(raw[at : at + length] * 2)) + raw[at + length :]
    return draw(st.just(raw) | st.binary(max_size=400))


@settings(max_examples=examples(40), **QUICK)
@given(mails())
def test_any_mail_is_kept_or_refused_by_the_mailbox(place: House, raw: bytes) -> None:
    before = place.count(Message)
    lines = raw.replace(b"\r\n", b"\n").replace(b"\r", b"\n").replace(b"\n", b"\r\n")
    if max(map(len, lines.split(b"\r\n"))) > 990:
        return  # a mail server breaks such lines before it hands a mail over
    hand_over(place.mailbox, lines)
    assert place.count(Message) - before in (0, 1)
    assert MessageState.RECEIVED not in {m.state for m in place.messages()}, "understood, or with a person"
    hand_over(place.mailbox, lines)
    assert place.count(Message) - before in (0, 1), "once"


@settings(max_examples=examples(40), **QUICK)
@given(st.binary(max_size=200) | VALUES.map(lambda v: json.dumps(v).encode()) | mails(), st.uuids(), st.booleans())
def test_any_webhook_is_taken_or_refused_with_a_problem_document(
    place: House, body: bytes, ident: uuid.UUID, well_signed: bool
) -> None:
    events, messages = place.count(InboundEvent), place.count(Message)
    for path, kind in (("events", "application/json"), ("mail", "message/rfc822"), ("jobs/shop", "")):
        head = signed(place, body, ident=str(ident), kind=kind)
        if not well_signed:
            head["webhook-signature"] = "v1," + quote_from_bytes(body[:40])
        answer = place.browser().send("POST", f"/webhooks/{path}", body, head)
        assert clear(answer)
        assert answer.status in ((202, 401, 422) if well_signed else (401,))
    assert place.count(InboundEvent) == events or well_signed
    assert place.count(Message) - messages <= int(well_signed)


NAMES = st.sampled_from(
    ["right", "language", "name", "identifiers", "message", "received_on", "on_behalf", "reply_to", "x"]
)
BODIES = st.binary(max_size=200) | VALUES.map(lambda v: json.dumps(v).encode())
BODIES |= st.dictionaries(NAMES, VALUES | TEXTS, max_size=6).map(lambda v: json.dumps(v).encode())


@settings(max_examples=examples(60), **QUICK)
@given(BODIES, st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=20), st.binary(max_size=30))
def test_any_call_of_the_api_is_filed_or_refused_with_a_problem_document(
    place: House, body: bytes, key: str, query: bytes
) -> None:
    api, before = caller(place), place.count(Request)
    answer = api.send("POST", "/api/v1/requests", body, {"Idempotency-Key": key})
    assert clear(answer)
    assert answer.status in (201, 400, 422)
    assert (place.count(Request) > before) <= (answer.status == 201)
    for path in ("restrictions/check", "suppression/check"):
        assert clear(api.send("POST", f"/api/v1/{path}", body))
    for path in ("requests", f"requests/{quote_from_bytes(query) or '-'}", "requests/TP-2026-0000-0000-0/plan"):
        text = quote_from_bytes(query)
        assert clear(api.get(f"/api/v1/{path}?limit={text}&after={text}&state={text}&right={text}"))
    stranger = Browser(place.console, headers={"Authorization": "Bearer " + quote_from_bytes(body[:60])})
    assert stranger.send("POST", "/api/v1/requests", body, {"Idempotency-Key": key}).status in (401, 429)


def caller(place: House) -> Browser:
    """One token for all examples."""
    made = _KEPT.get("api")
    if made is None or made.base != place.console:
        made = _KEPT["api"] = place.caller()
    return Browser(made.base, headers=dict(made.headers))


_KEPT: dict[str, Browser] = {}


FIELDS = ["right", "reference", "method", "reason", "ground", "received_on", "user", "until", "language", "channel"]
FIELDS += [
    "email",
    "name",
    "note",
    "answer",
    "verified",
    "plan_hash",
    "mark",
    "sure",
    "day",
    "national_id",
    "days",
    "q",
]


@settings(max_examples=examples(25), **QUICK)
@given(st.dictionaries(st.sampled_from(FIELDS), TEXTS), st.integers(0, 10_000), st.binary(max_size=12))
def test_whatever_staff_send_to_any_page_is_done_or_refused_in_words(
    place: House, fields: dict[str, str], number: int, hole: bytes
) -> None:
    app = console_app(place.world.rt)
    rules = sorted(
        (r.rule for r in app.url_map.iter_rules() if not roles.takes_token(app.view_functions[r.endpoint])
         and r.endpoint not in ("login.leave", "login.enter", "static")), key=str
    )  # fmt: skip
    anna = _KEPT.get("anna")
    if anna is None or anna.base != place.console:
        anna = _KEPT["anna"] = place.desk("anna")  # once: whoever logs in too often has to wait
    token = form_of(anna.get("/").text, "/logout")["csrf"]
    reference = place.requests()[number % 2].reference
    path = filled(rules[number % len(rules)], reference, hole)
    assert clear(anna.post(path, {**fields, "csrf": token}))
    assert clear(anna.get(f"{path}?{quote_from_bytes(repr(fields).encode())}"))


@settings(max_examples=examples(5), **QUICK)
@given(TEXTS, TEXTS, TEXTS)
@example("an\x00na", "x\x00", "/\x00")
def test_any_log_in_is_refused_in_words(place: House, name: str, password: str, target: str) -> None:
    answer = place.desk().post("/login", {"name": name, "password": password, "next": target})
    assert clear(answer)
    assert answer.status in (403, 429)


def test_an_address_with_a_nul_is_no_page(place: House) -> None:
    doors = (place.desk("anna"), console_app(place.world.rt)), (place.browser(), portal_app(place.world.rt))
    reference = place.requests()[0].reference
    for browser, app in doors:
        for rule in app.url_map.iter_rules():
            path = filled(rule.rule, reference, b"a\x00")
            if "%00" in path:
                assert browser.get(path).status == 404, rule.rule


def test_the_house_goes_on_after_all_that(place: House, tmp_path: Path) -> None:
    place.world.clock.advance(hours=2)
    who = place.browser()
    page = who.ask(email="eve@shop.example", name="Eve")
    place.prove(who, page, "eve@shop.example")
    assert place.request_of(page).proof_sealed is not None
