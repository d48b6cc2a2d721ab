"""Mail that a provider posts: signed, fresh, and taken once."""

import base64
import hmac
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from models.intake import Message
from models.vocabulary import MessageState
from tests.effort import examples
from tests.webhooks.test_events import NEW, OLD, secret_of
from tests.world import World, open_world, prepare
from webhooks.public import create_app

RAW = b"From: x@y.example\r\nMessage-ID: <1@y.example>\r\n\r\nP\xe4iv\xe4\xe4. Milloin olette auki?\r\n"
Send = Callable[..., Any]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = open_world({**prepare(tmp_path), "VASTINE_WEBHOOK_SECRET": f"{NEW} {OLD}"})
    yield world
    world.close()


@pytest.fixture
def send(world: World) -> Send:
    client = create_app(world.rt).test_client()

    def post(
        body: bytes = RAW, *, ident: str = "m1", secret: str = NEW, late: int = 0, kind: str = "message/rfc822"
    ) -> int:
        stamp = str(int((world.rt.now() - timedelta(seconds=late)).timestamp()))
        key = base64.b64decode(secret.removeprefix("whsec_"))
        mac = hmac.new(key, f"{ident}.{stamp}.".encode() + body, "sha256").digest()
        headers = {"webhook-id": ident, "webhook-timestamp": stamp, "content-type": kind}
        headers["webhook-signature"] = "v1," + base64.b64encode(mac).decode()
        return client.post("/webhooks/mail", data=body, headers=headers).status_code

    return post


def kept(world: World) -> list[MessageState]:
    with world.rt.unit() as session:
        return [m.state for m in session.scalars(select(Message))]


def test_a_signed_mail_is_kept_once_however_often_it_is_sent(world: World, send: Send) -> None:
    assert [send(), send(), send(ident="m2"), send(secret=OLD)] == [202] * 4
    assert kept(world) == [MessageState.TRIAGE]


@pytest.mark.parametrize("wrong", [{"secret": secret_of("stranger")}, {"late": 400}, {"late": -400}, {"ident": ""}])
def test_one_that_is_not_signed_or_not_fresh_is_refused(world: World, send: Send, wrong: dict[str, Any]) -> None:
    assert send(**wrong) == 401
    assert kept(world) == []


def test_what_is_no_mail_is_refused_with_a_word(world: World, send: Send) -> None:
    assert send(kind="application/json") == 415
    assert send(b"") == 422
    assert kept(world) == []


@settings(max_examples=examples(25), suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.binary(min_size=1, max_size=400))
def test_any_bytes_are_kept(world: World, send: Send, body: bytes) -> None:
    before = len(kept(world))
    assert send(body) == 202
    assert len(kept(world)) in (before, before + 1)
    assert MessageState.RECEIVED not in kept(world)
