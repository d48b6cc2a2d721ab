"""A restriction at the console and at the door for other systems: named, decided, marked by hand, asked for, lifted."""

import json
import uuid
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from werkzeug.test import TestResponse

from models.audit import AuditEntry
from models.restriction import RestrictedIdentifier
from models.staff import HumanTask
from models.vocabulary import Outcome, RequestState, Right, Role, TaskState
from tests.webhooks.desk import Desk
from tests.world import BOB, JANE, World
from workflows.post import send_all
from workflows.restricting.lifting import DAYS
from workflows.staffing import new_token

Seat = Callable[..., Desk]
SCOPE = {"ground": "accuracy", "note": "The address on the invoice is wrong.", "sources": "billing"}


@pytest.fixture
def ask(console: Flask, desk_world: World) -> Callable[..., TestResponse]:
    """Another system asks whether it may use somebody's data."""
    with desk_world.rt.unit() as session:
        token = new_token(session, desk_world.rt, label="mailings", role=Role.INTAKE, days=30)

    def send(body: object, *, bearer: str = token) -> TestResponse:
        headers = {"Authorization": f"Bearer {bearer}"}
        return console.test_client().post("/api/v1/restrictions/check", json=body, headers=headers)

    return send


def answer_of(response: TestResponse) -> Any:
    """What the door said."""
    return response.json


def case(world: World, right: Right = Right.RESTRICTION) -> tuple[uuid.UUID, str]:
    ident = world.open(right)
    world.work()
    return ident, f"/requests/{world.request(ident).reference}"


def approve(world: World, seat: Desk, page: str) -> None:
    """As the page asks for it: by the reference typed, and the plan looked at."""
    seat.send(page, f"{page}/approve", {"reference": page.rsplit("/", 1)[1]})
    world.work()


def by_hand(world: World, seat: Desk, page: str, answer: Mapping[str, str]) -> TestResponse:
    with world.rt.unit() as session:
        [task] = session.scalars(
            select(HumanTask).where(HumanTask.state == TaskState.OPEN, HumanTask.code.like("%restrict_by_hand"))
        )
    return seat.send(page, f"{page}/restriction/hand/{task.id}", answer)


def test_a_restriction_goes_from_the_page_of_its_case_to_the_letter_and_is_lifted_there(
    desk: Seat, desk_world: World, ask: Callable[..., TestResponse]
) -> None:
    ident, page = case(desk_world)
    cleo, anna = desk("cleo"), desk("anna")
    assert cleo.send(page, f"{page}/restriction/scope", SCOPE).status_code == 302
    desk_world.work()
    approve(desk_world, anna, page)
    assert desk_world.state(ident) is RequestState.CHANGING
    assert by_hand(desk_world, cleo, page, {"answer": ""}).status_code == 422
    assert by_hand(desk_world, cleo, page, {"answer": "done"}).status_code == 302
    desk_world.work()
    assert desk_world.request(ident).outcome is Outcome.RESTRICTED
    told = answer_of(ask({"identifiers": {"email": " JANE@shop.example "}}))
    assert (told["restricted"], told["restrictions"][0]["ground"]) == (True, "accuracy")
    assert "Marked by hand: 2" in anna.text(page)

    reason = {"code": "verified", "words": "The address is right as it stands."}
    assert anna.send(page, f"{page}/restriction/tell", reason).status_code == 302
    assert "Lift the restriction now" not in anna.text(page)
    send_all(desk_world.rt)
    desk_world.clock.advance(days=DAYS)
    assert desk("anna").send(page, f"{page}/restriction/lift").status_code == 302
    desk_world.work()
    assert by_hand(desk_world, desk("cleo"), page, {"answer": "done"}).status_code == 302
    desk_world.work()
    assert desk_world.state(ident) is RequestState.CLOSED
    assert answer_of(ask({"identifiers": {"email": JANE}})) == {"restricted": False, "restrictions": []}


def test_what_is_missing_is_said_on_the_page_and_nothing_typed_is_lost(desk: Seat, desk_world: World) -> None:
    _, page = case(desk_world)
    answer = desk("cleo").send(page, f"{page}/restriction/scope", {"ground": "claim", "note": "short"})
    assert answer.status_code == 422
    assert "Say in a sentence which data and why." in answer.text
    assert ">short</textarea>" in answer.text


def test_the_task_to_mark_by_hand_is_not_closed_by_a_word(desk: Seat, desk_world: World) -> None:
    _, page = case(desk_world)
    cleo = desk("cleo")
    cleo.send(page, f"{page}/restriction/scope", SCOPE)
    desk_world.work()
    approve(desk_world, desk("anna"), page)
    with desk_world.rt.unit() as session:
        [task] = session.scalars(select(HumanTask).where(HumanTask.code == "restrict_by_hand"))
    cleo.post(f"/tasks/{task.id}/close", {"csrf": cleo.token(), "answer": "done"})
    with desk_world.rt.unit() as session:
        assert session.get_one(HumanTask, task.id).state is TaskState.OPEN


def test_an_objection_is_weighed_and_upheld_on_its_page(
    desk: Seat, desk_world: World, ask: Callable[..., TestResponse]
) -> None:
    ident, page = case(desk_world, Right.OBJECTION)
    anna = desk("anna")
    assert answer_of(ask({"identifiers": {"email": JANE}}))["restricted"]
    weighed = {"result": "stop", "ours": "We plan the grid by it.", "theirs": "She is hiding from somebody."}
    assert anna.send(page, f"{page}/restriction/weigh", weighed).status_code == 302
    approve(desk_world, anna, page)
    assert desk_world.request(ident).outcome is Outcome.STOPPED
    assert answer_of(ask({"identifiers": {"email": JANE}}))["restricted"]
    assert not answer_of(ask({"identifiers": {"email": BOB}}))["restricted"]


def test_asking_leaves_neither_identifier_nor_locator_anywhere(
    desk_world: World, ask: Callable[..., TestResponse]
) -> None:
    case(desk_world, Right.OBJECTION)
    ask({"identifiers": {"email": BOB}})
    ask({"record": {"source": "shop", "collection": "orders", "locator": {"id": 4711}}})
    with desk_world.rt.unit() as session:
        entries = session.scalars(select(AuditEntry).where(AuditEntry.event == "restriction:checked")).all()
        assert [e.facts for e in entries] == [
            {"restrictions": 0, "by": "identifiers"},
            {"restrictions": 0, "by": "record"},
        ]
        assert all(len(row.digest) == 32 for row in session.scalars(select(RestrictedIdentifier)))


@pytest.mark.parametrize(
    "body",
    [
        [],
        {},
        {"identifiers": {}},
        {"identifiers": {"shoe": "42"}},
        {"identifiers": {"email": ""}},
        {"identifiers": {"email": "x" * 400}},
        {"identifiers": {"email": JANE}, "record": {}},
        {"record": {"source": "nowhere", "collection": "orders", "locator": {"id": 1}}},
        {"record": {"source": "shop", "collection": "orders", "locator": {}}},
        {"record": {"source": "shop", "collection": "order", "locator": {"id": 1}}},
        {"record": {"source": [], "collection": "orders", "locator": {"id": 1}}},
    ],
    ids=lambda body: json.dumps(body)[:40],
)
def test_a_question_that_makes_no_sense_is_told_what_to_mend(ask: Callable[..., TestResponse], body: object) -> None:
    answer = ask(body)
    assert answer.status_code == 422
    assert answer_of(answer)["errors"]


def test_nobody_without_a_token_hears_anything(ask: Callable[..., TestResponse]) -> None:
    assert ask({"identifiers": {"email": JANE}}, bearer="wrong").status_code == 401


def test_the_days_of_the_notice_are_long_enough_to_object() -> None:
    assert timedelta(days=DAYS) >= timedelta(days=14)
