"""The REST API: filed once, listed, shown; told in problem documents what is wrong; never decided by."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, update
from werkzeug.test import TestResponse

from models.mandate import Mandate
from models.request import Request
from models.staff import ApiToken
from models.vocabulary import Channel, RequestState, Right, Role
from tests.effort import examples
from tests.webhooks.desk import Desk
from tests.world import BOB, JANE, World
from webhooks.api.openapi import document
from webhooks.console import roles
from workflows.acting import holder_of
from workflows.casefile import open_key
from workflows.staffing import new_token

BODY = {"right": "access", "language": "en", "identifiers": {"email": JANE}, "message": "All of it, please."}


class Caller:
    """Another system with a token."""

    def __init__(self, client: FlaskClient, token: str) -> None:
        self.client, self.headers = client, {"Authorization": f"Bearer {token}"}

    def get(self, path: str) -> TestResponse:
        return self.client.get(f"/api/v1{path}", headers=self.headers)

    def file(self, body: Any, key: str | None = "key-1") -> TestResponse:
        headers = self.headers | ({"Idempotency-Key": key} if key is not None else {})
        data = body if isinstance(body, bytes) else json.dumps(body)
        return self.client.post("/api/v1/requests", data=data, headers=headers, content_type="application/json")


@pytest.fixture
def api(console: Flask, desk_world: World) -> Callable[[Role], Caller]:
    def make(role: Role = Role.CASEWORKER) -> Caller:
        with desk_world.rt.unit() as session:
            token = new_token(session, desk_world.rt, label=f"crm-{role.value}", role=role, days=30)
        return Caller(console.test_client(), token)

    return make


Make = Callable[..., Caller]


def requests_of(world: World) -> list[Request]:
    with world.rt.unit() as session:
        return list(session.scalars(select(Request)))


def is_problem(answer: TestResponse, status: int, code: str) -> None:
    assert answer.status_code == status
    assert answer.mimetype == "application/problem+json"
    body = answer.get_json(force=True)
    assert body["status"] == status
    assert body["type"] == f"urn:vastine:problem:{code}"
    assert check(body, schema("Problem")) == []


# A small reader of the schemas that the description uses


def schema(name: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = document("")["components"]["schemas"][name]
    return found


_KINDS = {"string": str, "integer": int, "boolean": bool, "array": list, "object": dict, "null": type(None)}


def check(value: Any, rule: Mapping[str, Any], where: str = "$") -> list[str]:
    """What of a value is not as its schema says, members that it does not know included."""
    if "$ref" in rule:
        return check(value, schema(rule["$ref"].rpartition("/")[2]), where)
    kinds = rule.get("type", [])
    kinds = kinds if isinstance(kinds, list) else [kinds]
    if kinds and not any(isinstance(value, _KINDS[k]) for k in kinds):
        return [f"{where} is {type(value).__name__}"]
    if "enum" in rule and value not in rule["enum"]:
        return [f"{where} is {value!r}"]
    found: list[str] = []
    if isinstance(value, dict) and "properties" in rule:
        found += [f"{where}.{name} is missing" for name in rule.get("required", []) if name not in value]
        for name, member in value.items():
            known = rule["properties"].get(name)
            found += check(member, known, f"{where}.{name}") if known else [f"{where}.{name} is not described"]
    if isinstance(value, list):
        for n, item in enumerate(value):
            found += check(item, rule.get("items", {}), f"{where}[{n}]")
    return found


def test_the_description_names_every_route_and_no_other(console: Flask) -> None:
    routes = {
        (re.sub(r"<(\w+)>", r"{\1}", rule.rule.removeprefix("/api/v1")), method.lower())
        for rule in console.url_map.iter_rules()
        if rule.rule.startswith("/api/v1")
        for method in rule.methods or ()
        if method in ("GET", "POST", "PUT", "DELETE", "PATCH")
    }
    described = {(path, method) for path, item in document("")["paths"].items() for method in item}
    assert described == routes
    served = console.test_client().get("/api/v1/openapi.json").json
    assert served is not None
    assert served["openapi"] == "3.1.0"


def test_no_route_of_the_api_decides(console: Flask) -> None:
    for rule in console.url_map.iter_rules():
        if rule.rule.startswith("/api/"):
            assert not re.search("approve|refuse|extend|withdraw", rule.rule)
    changing = {r.rule for r in console.url_map.iter_rules() if r.methods and r.methods - {"GET", "HEAD", "OPTIONS"}}
    # One files, and waits for the person to be proven; two are asked something in a body, so that no URL tells it.
    assert {rule.removeprefix("/api/v1/") for rule in changing if rule.startswith("/api/")} == {
        "requests",
        "restrictions/check",
        "suppression/check",
    }


def test_answers_are_as_described(api: Make, desk_world: World) -> None:
    caller = api()
    filed = caller.file(BODY)
    assert filed.status_code == 201
    assert check(filed.json, schema("Filed")) == []
    desk_world.open(Right.ERASURE, BOB)
    desk_world.open(Right.ACCESS, JANE)
    desk_world.work()
    listed = caller.get("/requests?state=all")
    assert check(listed.json, schema("RequestList")) == []
    assert listed.json is not None
    for row in listed.json["requests"]:
        assert check(caller.get(f"/requests/{row['reference']}").json, schema("Request")) == []
    waiting = next(r for r in listed.json["requests"] if r["state"] == "deciding")
    plan = caller.get(f"/requests/{waiting['reference']}/plan")
    assert check(plan.json, schema("Plan")) == []
    assert plan.json is not None
    assert plan.json["items"]


def test_the_same_key_and_body_give_the_same_answer_and_one_request(api: Make, desk_world: World) -> None:
    caller = api()
    first = caller.file(BODY)
    desk_world.work()
    second = caller.file(dict(reversed(list(BODY.items()))))
    assert (first.status_code, first.json) == (second.status_code, second.json)
    assert first.headers["Location"] == second.headers["Location"]
    assert len(requests_of(desk_world)) == 1
    assert requests_of(desk_world)[0].channel is Channel.API


def test_a_key_whose_case_was_let_go_of_opens_no_second_one(api: Make, desk_world: World) -> None:
    caller = api()
    assert caller.file(BODY).status_code == 201
    with desk_world.rt.unit() as session:
        session.scalars(select(Request)).one().status_digest = bytes(32)  # as letting go of a case does
    is_problem(caller.file(BODY), 410, "idempotency_key_over")
    assert len(requests_of(desk_world)) == 1


def test_the_same_key_with_another_body_is_refused(api: Make, desk_world: World) -> None:
    caller = api()
    caller.file(BODY)
    is_problem(caller.file({**BODY, "right": "erasure"}), 422, "idempotency_key_reused")
    assert len(requests_of(desk_world)) == 1


def test_a_key_belongs_to_its_token(api: Make, desk_world: World) -> None:
    api(Role.CASEWORKER).file(BODY)
    assert api(Role.INTAKE).file(BODY).status_code == 201
    assert len(requests_of(desk_world)) == 2


def test_a_copy_of_some_data_only_is_filed_and_shown_as_such(api: Make, desk_world: World) -> None:
    crm = api()
    reference = crm.file({**BODY, "categories": ["other", "C07"]}).json["reference"]
    assert crm.get(f"/requests/{reference}").json["categories"] == ["C07", "other"]
    whole = crm.file({**BODY, "categories": ["C01", "C07"]}, "key-2").json["reference"]
    assert crm.get(f"/requests/{whole}").json["categories"] is None


@pytest.mark.parametrize("key", [None, "", "two words", "x" * 256])
def test_without_a_usable_key_nothing_is_filed(api: Make, desk_world: World, key: str | None) -> None:
    is_problem(api().file(BODY, key), 400, "idempotency_key")
    assert requests_of(desk_world) == []


def test_several_rights_are_linked_and_the_same_when_asked_again(api: Make, desk_world: World) -> None:
    caller = api()
    body = {**BODY, "right": ["erasure", "access", "portability"]}
    first = caller.file(body).json
    assert first == caller.file(body).json
    assert first is not None
    assert first["right"] == "access"
    assert [r["right"] for r in first["linked"]] == ["portability", "erasure"]
    assert len(requests_of(desk_world)) == 3


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"{", "body"),
        (b"[" * 5000, "body"),
        (b"\xff\xfe", "body"),
        ([], "body"),
        ({**BODY, "secret_member": 1}, "body"),
        ({**BODY, "right": "everything"}, "right"),
        ({**BODY, "right": 17}, "right"),
        ({**BODY, "identifiers": {"shoe_size": "44"}}, "identifiers"),
        ({**BODY, "identifiers": "jane"}, "identifiers"),
        ({**BODY, "identifiers": {"email": ["jane"]}}, "identifiers.email"),
        ({**BODY, "identifiers": {"email": "not-an-address-at-all"}}, "email"),
        ({**BODY, "received_on": "2999-01-01"}, "received_on"),
        ({**BODY, "language": "klingon"}, "language"),
        ({**BODY, "on_behalf": "perhaps"}, "on_behalf"),
        ({**BODY, "categories": "C07"}, "categories"),
        ({**BODY, "categories": ["C07,C01"]}, "categories"),
        ({**BODY, "categories": ["C99"]}, "categories"),
        ({**BODY, "right": ["access", "erasure"], "categories": ["C07"]}, "categories"),
        ({**BODY, "acting": "her lawyer"}, "acting"),
        ({**BODY, "acting": {"kind": "cousin", "name": "Helena", "email": "h@e.example"}}, "mandate_kind"),
        ({**BODY, "acting": {"kind": "lawyer", "name": "Helena", "email": ["h"]}}, "acting.email"),
        ({**BODY, "reply_to": "not-an-address-at-all"}, "reply_to"),
    ],
)
def test_a_mistake_is_named_by_its_field_and_never_echoed(api: Make, desk_world: World, body: Any, field: str) -> None:
    answer = api().file(body)
    is_problem(answer, 422, "bad_input")
    assert field in [e["field"] for e in answer.get_json(force=True)["errors"]]
    assert not any(said in answer.text for said in ("everything", "klingon", "not-an-address", "shoe_size", "2999"))
    assert requests_of(desk_world) == []


def test_a_request_for_somebody_else_names_who_acts_and_by_what_right(api: Make, desk_world: World) -> None:
    acting = {"kind": "lawyer", "name": "Helena Helper", "email": "helper@elsewhere.example"}
    assert api().file({**BODY, "acting": acting}).status_code == 201
    desk_world.work()
    with desk_world.rt.unit() as session:
        row = session.scalars(select(Mandate)).one()
        request = session.get_one(Request, row.request_id)
        key = open_key(session, desk_world.rt, request.data_key_id)
        assert (row.kind, holder_of(key, row).email) == ("lawyer", "helper@elsewhere.example")
        assert (request.state, request.proof_sealed) == (RequestState.VERIFYING, None)
    assert {mail.to for mail in desk_world.mailer.sent} == {"helper@elsewhere.example"}


def test_a_body_that_is_too_large_is_a_problem_document(api: Make) -> None:
    is_problem(api().file(b" " * 300_000), 413, "request_entity_too_large")


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer nonsense", "Basic YTpi", "bearer " + "ä" * 20])
def test_without_a_token_in_force_nothing_is_told(console: Flask, header: str) -> None:
    client = console.test_client()
    for path in ("/requests", "/requests/TP-2026-0000-0000-0"):
        answer = client.get(f"/api/v1{path}", headers={"Authorization": header.encode("utf-8").decode("latin-1")})
        is_problem(answer, 401, "token")
        assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_a_token_ends_when_it_is_revoked_or_old(api: Make, desk_world: World) -> None:
    caller = api()
    assert caller.get("/requests").status_code == 200
    with desk_world.rt.unit() as session:
        session.execute(update(ApiToken).values(revoked_at=desk_world.rt.now()))
    is_problem(caller.get("/requests"), 401, "token")
    other = api(Role.DPO)
    desk_world.clock.advance(days=31)
    is_problem(other.get("/requests"), 401, "token")


def test_a_persons_session_is_no_token(console: Flask) -> None:
    is_problem(Desk(console, "anna").get("/api/v1/requests"), 401, "token")


@pytest.mark.parametrize("role", Role)
def test_a_token_may_what_its_role_may(console: Flask, api: Make, desk_world: World, role: Role) -> None:
    ident = desk_world.open(Right.ERASURE, BOB)
    desk_world.work()
    page = f"/requests/{desk_world.request(ident).reference}"
    caller = api(role)
    expected = {
        "api.requests": caller.get("/requests"),
        "api.show": caller.get(page),
        "api.plan": caller.get(f"{page}/plan"),
        "api.file": caller.file(BODY),
    }
    for endpoint, answer in expected.items():
        allowed = role in roles.roles_of(console.view_functions[endpoint])
        assert (answer.status_code < 300) == allowed, f"{role} {endpoint}"
        if not allowed:
            is_problem(answer, 403, "role")


def test_what_is_shown_of_a_request_holds_no_personal_data(api: Make, desk_world: World) -> None:
    desk_world.open(Right.ERASURE, BOB)
    desk_world.work()
    caller = api(Role.AUDITOR)
    listed = caller.get("/requests")
    assert listed.json is not None
    shown = listed.text + caller.get(f"/requests/{listed.json['requests'][0]['reference']}").text
    assert BOB not in shown
    assert "Bob" not in shown


def test_the_list_goes_on_without_a_gap_and_refuses_nonsense(api: Make, desk_world: World) -> None:
    for _ in range(7):
        desk_world.open(Right.ERASURE)
    caller = api()

    def pages() -> Iterator[str]:
        after = ""
        while after is not None:
            body = caller.get(f"/requests?limit=3&after={after}").json
            assert body is not None
            yield from (r["reference"] for r in body["requests"])
            after = body["next"]

    seen = list(pages())
    assert len(seen) == len(set(seen)) == 7
    for query in ("limit=0", "limit=999", "limit=x", "after=x", "state=asleep", "right=all"):
        is_problem(caller.get(f"/requests?{query}"), 422, "bad_input")


def test_an_unknown_request_address_or_method_is_a_problem_document(api: Make) -> None:
    caller = api()
    is_problem(caller.get("/requests/TP-2026-0000-0000-0"), 404, "request")
    is_problem(caller.get("/nowhere"), 404, "not_found")
    is_problem(caller.client.delete("/api/v1/requests", headers=caller.headers), 405, "method_not_allowed")


def test_a_request_filed_through_the_api_waits_for_the_person_to_prove_themselves(api: Make, desk_world: World) -> None:
    api().file({**BODY, "reply_to": "crm@partner.example"})
    desk_world.work()
    [found] = requests_of(desk_world)
    assert found.state is RequestState.VERIFYING
    assert [m.to for m in desk_world.mailer.sent if re.search(r"\b\d{8}\b", m.body)] == [JANE]


texts = st.one_of(st.text(max_size=30), st.none(), st.integers(), st.lists(st.text(max_size=5), max_size=3))


@settings(max_examples=examples(60), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.dictionaries(st.sampled_from([*BODY, "name", "received_on", "on_behalf", "reply_to", "x"]), texts))
def test_any_body_is_filed_or_refused_with_a_reason(api: Make, body: dict[str, Any]) -> None:
    answer = api().file(body, key=f"k{hash(str(body))}")
    assert answer.status_code in (201, 422)
    if answer.status_code == 422:
        is_problem(answer, 422, "bad_input")
