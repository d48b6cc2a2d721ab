"""Other systems ask whom they may not address, and leave no trace of whom they asked about."""

import json
import logging

import pytest
import sqlalchemy as sa
from flask import Flask

from models import Base
from models.vocabulary import Ban, Channel, Role
from tests.world import World, make_world
from webhooks.api.openapi import document
from webhooks.staff import create_app
from workflows.staffing import new_token
from workflows.suppression import Banning, set_bans

HOW = Banning(Channel.PHONE, origin="staff", proof="call", by="cleo")


@pytest.fixture
def world(tmp_path):
    made = make_world(tmp_path)
    yield made
    made.close()


@pytest.fixture
def console(world: World) -> Flask:
    return create_app(world.rt)


def token(world: World, role: Role = Role.INTAKE) -> str:
    with world.rt.unit() as session:
        return new_token(session, world.rt, label=f"crm-{role.value}", role=role, days=30)


def ask(console: Flask, bearer: str, body: object):
    headers = {"Authorization": f"Bearer {bearer}"}
    data = body if isinstance(body, bytes) else json.dumps(body)
    return console.test_client().post("/api/v1/suppression/check", data=data, headers=headers)


def test_a_system_learns_line_by_line_who_is_banned_and_the_question_is_kept_nowhere(console, world, caplog) -> None:
    with world.rt.unit() as session:
        set_bans(session, world.rt, bans=[Ban.ELECTRONIC], contacts={"email": "jane@shop.example"}, how=HOW)
    caplog.set_level(logging.DEBUG)
    lines = [{"email": "Jane@Shop.example"}, {"email": "bob@shop.example"}, {"email": "secret-word"}, {}]
    answer = ask(console, token(world), {"purpose": "B3", "contacts": lines})
    assert answer.json == {"purpose": "B3", "answers": ["banned", "allowed", "unreadable", "unreadable"]}
    with world.rt.unit() as session:
        kept = "".join(str(session.execute(sa.select(t)).all()) for t in Base.metadata.sorted_tables)
    for word in ("secret-word", "jane@", "bob@"):
        assert word not in kept
        assert word not in caplog.text


def test_the_check_needs_a_token_of_a_role_that_writes_requests_down(console, world) -> None:
    body = {"purpose": "B3", "contacts": []}
    assert ask(console, "nothing", body).status_code == 401
    assert ask(console, token(world, Role.AUDITOR), body).status_code == 403


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        [],
        {"purpose": "B3"},
        {"purpose": "B9", "contacts": []},
        {"purpose": ["B3"], "contacts": []},
        {"purpose": "B3", "contacts": [{"hetu": "secret-word"}]},
        {"purpose": "B3", "contacts": [{"email": 5}]},
        {"purpose": "B3", "contacts": [{}] * 1001},
        {"purpose": "B3", "contacts": "secret-word"},
    ],
)
def test_a_wrong_question_is_a_problem_that_repeats_nothing(console, world, body) -> None:
    answer = ask(console, token(world), body)
    assert answer.status_code in (400, 422)
    assert answer.mimetype == "application/problem+json"
    assert "secret-word" not in answer.text


def test_the_description_has_the_check_and_every_ban() -> None:
    described = document("")
    assert "post" in described["paths"]["/suppression/check"]
    purpose = described["components"]["schemas"]["SuppressionCheck"]["properties"]["purpose"]
    assert purpose["enum"] == [ban.value for ban in Ban]
