"""Events from other systems: signed, fresh, once; and they make the sweep look again."""

import base64
import hashlib
import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from standardwebhooks.webhooks import Webhook

from models.intake import EventKey, InboundEvent
from models.vocabulary import RequestState, Right
from tests.effort import examples
from tests.fakes import RecordingBell
from tests.world import BOB, JANE, World, open_world, prepare
from webhooks.problems import MEDIA_TYPE
from webhooks.public import create_app
from workflows.sweeps import sweep


def secret_of(name: str) -> str:
    return f"whsec_{base64.b64encode(hashlib.sha256(name.encode()).digest()).decode()}"


OLD, NEW = secret_of("old"), secret_of("new")
PAID = {"type": "invoice.paid", "data": {"source": "shop", "key": "2"}}

Send = Callable[..., Any]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    environ = {**prepare(tmp_path), "VASTINE_WEBHOOK_SECRET": f"{NEW} {OLD}"}
    world = open_world(environ, bell=RecordingBell())
    yield world
    world.close()


@pytest.fixture
def app(world: World) -> Flask:
    return create_app(world.rt)


@pytest.fixture
def send(world: World, app: Flask) -> Send:
    def post(body: Any = PAID, *, ident: str = "msg_1", secret: str = NEW, late: float = 0, **headers: str) -> Any:
        raw = body if isinstance(body, str) else json.dumps(body)
        at = world.rt.now() - timedelta(seconds=late)
        signed = {
            "webhook-id": ident,
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": Webhook(secret).sign(ident, at, raw),
        }
        return app.test_client().post("/webhooks/events", data=raw.encode(), headers={**signed, **headers})

    return post


def noted(world: World) -> list[InboundEvent]:
    with world.rt.unit() as session:
        return list(session.scalars(select(InboundEvent)))


@pytest.mark.parametrize(
    "event", ["invoice.paid", "invoice.opened", "collection.opened", "collection.closed", "contract.ended"]
)
def test_an_event_is_noted_under_digests_alone_and_rings_for_the_sweep(world: World, send: Send, event: str) -> None:
    told = {**PAID, "type": event, "data": {"identity": "email", "key": "Bob@Shop.example"}}
    assert send(told).status_code == 202
    (row,) = noted(world)
    assert row.event == event
    with world.rt.unit() as session:
        (key,) = session.scalars(select(EventKey)).all()
    assert key.digest == world.rt.vault.digest("named", '["identity:email","bob@shop.example"]')
    assert ("sweep", "") in world.rt.bell.rings  # type: ignore[attr-defined]


def test_the_same_event_twice_is_one_event(world: World, send: Send) -> None:
    assert [send().status_code, send().status_code] == [202, 202]
    assert len(noted(world)) == 1
    assert send(ident="msg_2").status_code == 202
    assert len(noted(world)) == 2


def test_a_payment_reopens_the_look_at_what_was_kept(world: World, send: Send) -> None:
    ident = world.open(Right.ERASURE, BOB)
    world.work()
    world.approve(ident)
    world.work()
    assert world.state(ident) is RequestState.HELD
    world.execute("billing", "UPDATE invoice SET owed = 0")
    assert send().status_code == 202
    assert sweep(world.rt)["rechecks"] == 1


@pytest.mark.parametrize(
    "whose",
    [
        {"source": "shop", "key": "2"},
        {"source": "shop", "field": "customer.id", "key": 2},
        {"source": "shop", "field": "orders.customer_id", "key": "2"},
        {"source": "billing", "field": "invoice.customer_no", "key": "2"},
        {"source": "billing", "field": "invoice.id", "key": "72"},
        {"identity": "email", "key": " BOB@shop.example "},
    ],
)
def test_a_sender_names_the_person_by_what_it_has_at_hand(world: World, send: Send, whose: dict[str, Any]) -> None:
    bob, jane = world.open(Right.ERASURE, BOB), world.open(Right.ERASURE, JANE)
    world.work()
    world.clock.advance(minutes=10)
    assert send({"type": "invoice.paid", "data": whose}).status_code == 202
    assert sweep(world.rt)["rechecks"] == 1
    assert [world.state(ident) for ident in (bob, jane)] == [RequestState.COLLECTING, RequestState.DECIDING]


def test_while_secrets_change_the_old_one_counts_too(send: Send) -> None:
    assert send(secret=OLD).status_code == 202


@pytest.mark.parametrize("late", [-301, 301, 86_400])
def test_an_event_that_is_not_fresh_is_refused(world: World, send: Send, late: int) -> None:
    assert send(late=late).status_code == 401
    assert noted(world) == []


@pytest.mark.parametrize("late", [-299, 299])
def test_a_clock_may_be_a_little_wrong(send: Send, late: int) -> None:
    assert send(late=late).status_code == 202


@pytest.mark.parametrize(
    "headers",
    [
        {"webhook-signature": ""},
        {"webhook-signature": "v1,AAAA"},
        {"webhook-signature": "v1,ä v2 ,,"},
        {"webhook-id": "msg_other"},
        {"webhook-id": ""},
        {"webhook-timestamp": "now"},
        {"webhook-timestamp": "²"},
        {"webhook-timestamp": "9" * 40},
        {"webhook-timestamp": "9" * 12},  # a year that no calendar knows
    ],
)
def test_a_signature_that_does_not_fit_is_refused_with_a_problem_document(
    world: World, send: Send, headers: dict[str, str]
) -> None:
    answer = send(**headers)
    assert answer.status_code == 401
    assert answer.mimetype == MEDIA_TYPE
    assert noted(world) == []


def test_a_stranger_s_secret_is_refused(send: Send) -> None:
    assert send(secret=secret_of("stranger")).status_code == 401


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({**PAID, "type": "person.erased"}, "type"),
        ({"type": "invoice.paid"}, "data"),
        ({**PAID, "data": {"source": "shop"}}, "data.key"),
        ({**PAID, "data": {**PAID["data"], "name": "Bob"}}, "data.name"),  # type: ignore[dict-item]
        ({**PAID, "admin": True}, "admin"),
        ({**PAID, "data": {"source": "nowhere", "key": "2"}}, "data.source"),
        ({**PAID, "data": {"source": "billing", "key": "72", "field": "invoice.payer"}}, "data.field"),
        ({**PAID, "data": {"source": "billing", "key": "72", "field": "nothing"}}, "data.field"),
        ({**PAID, "data": {"identity": "shoe_size", "key": "42"}}, "data.identity"),
        ({**PAID, "data": {"identity": "email", "source": "shop", "key": "2"}}, "data"),
        ({**PAID, "data": {"key": "2"}}, "data"),
        ({**PAID, "data": {"identity": "email", "field": "customer.email", "key": "2"}}, "data"),
        ("{", "body"),
        ("[]", "body"),
    ],
)
def test_an_event_with_a_mistake_says_where_it_is(world: World, send: Send, body: Any, field: str) -> None:
    answer = send(body)
    assert answer.status_code == 422
    assert field in [e["field"] for e in json.loads(answer.text)["errors"]]
    assert "Bob" not in answer.text
    assert noted(world) == []


def test_without_a_secret_the_door_is_shut(tmp_path: Path) -> None:
    world = open_world(prepare(tmp_path / "none"))
    answer = create_app(world.rt).test_client().post("/webhooks/events", json=PAID)
    assert (answer.status_code, answer.mimetype) == (404, MEDIA_TYPE)
    world.close()


@settings(max_examples=examples(60), suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.one_of(st.text(max_size=200), st.recursive(st.none() | st.text() | st.integers(), st.lists).map(json.dumps)))
def test_whatever_is_signed_gets_an_answer(send: Send, body: str) -> None:
    assert send(body.encode("utf-8", "replace").decode()).status_code == 422
