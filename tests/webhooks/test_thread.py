"""Messages both ways, from the console to the page of the case and back, and who may read them."""

import io
from collections.abc import Callable

import pytest
from flask import Flask
from sqlalchemy import select

from models.audit import AuditEntry
from models.request import Request
from models.staff import HumanTask
from models.vocabulary import RequestState, TaskState
from tests.webhooks.desk import Desk, has_form
from tests.webhooks.visitor import Caller, code_in_mail, link_in_mail, reference_of
from tests.world import JANE, World
from webhooks.public import create_app

Seat = Callable[..., Desk]
WORDS = "Your meter was changed in 2019, was it not?"


@pytest.fixture
def portal(desk_world: World) -> Flask:
    return create_app(desk_world.rt)


@pytest.fixture
def caller(portal: Flask) -> Caller:
    return Caller(portal)


@pytest.fixture
def page(desk_world: World, caller: Caller) -> str:
    """The page of an answered case of which something is kept, so that it is not closed."""
    page = caller.ask(email=JANE)
    assert caller.post(f"{page}/code", {"code": code_in_mail(desk_world, JANE)}).status_code == 303
    desk_world.work()
    with desk_world.rt.unit() as session:
        session.scalars(select(Request)).one().state = RequestState.HELD
    return page


def case_of(page: str) -> str:
    return f"/requests/{reference_of(page)}"


def write(seat: Desk, page: str, words: str = WORDS, **more: object) -> int:
    return seat.send(case_of(page), f"{case_of(page)}/message", {"words": words, **more}).status_code


def test_what_staff_write_is_read_by_whoever_proves_it_again_and_by_nobody_else(
    desk: Seat, desk_world: World, portal: Flask, caller: Caller, page: str
) -> None:
    cleo = desk("cleo")
    assert write(cleo, page, file=(io.BytesIO(b"%PDF-1.4 meter %%EOF"), "Jane Doe.pdf")) == 302
    assert "not shown yet" in cleo.text(case_of(page))
    stranger = Caller(portal)
    seen = stranger.get(page).text
    assert "There is a new message" in seen
    assert WORDS not in seen
    assert "attachment_1.pdf" not in seen
    assert stranger.get(f"{page}/files/attachment_1.pdf").status_code == 303
    seen = caller.get(page).text
    assert WORDS in seen
    assert caller.get(f"{page}/files/attachment_1.pdf").data == b"%PDF-1.4 meter %%EOF"
    assert "There is a new message" not in caller.get(page).text
    assert "not shown yet" not in cleo.text(case_of(page))
    with desk_world.rt.unit() as session:
        events = session.scalars(select(AuditEntry.event).where(AuditEntry.actor == "person")).all()
    assert "message:read" in events
    assert "letter:fetched" in events
    assert WORDS not in desk("otto").get(case_of(page)).text


def test_the_mailed_link_opens_the_message_after_a_code_and_takes_an_answer(
    desk: Seat, desk_world: World, portal: Flask, page: str
) -> None:
    cleo = desk("cleo")
    write(cleo, page)
    desk_world.work()
    link = link_in_mail(desk_world, "fetch")
    person = Caller(portal)
    assert WORDS not in person.get(link).text
    assert person.post(f"{link}/message", {"note": "Yes."}).status_code == 303  # not opened: it is not taken
    person.post(f"{link}/send")
    assert person.post(f"{link}/code", {"code": code_in_mail(desk_world, JANE)}).status_code == 303
    assert WORDS in person.get(link).text
    assert person.post(f"{link}/message", {"note": " "}).status_code == 422
    assert person.post(f"{link}/message", {"note": "Yes, in May."}).status_code == 303
    assert "Yes, in May." in person.get(person.answer.headers["Location"]).text
    shown = cleo.text(case_of(page))
    assert "Yes, in May." in shown
    assert "Yes. " not in shown
    assert "not answered yet" in shown
    write(cleo, page, "Thank you.")
    assert "not answered yet" not in cleo.text(case_of(page))


def test_a_fresh_code_opens_the_messages_of_a_case_that_has_no_files_yet(
    desk: Seat, desk_world: World, portal: Flask, caller: Caller
) -> None:
    page = caller.ask(email=JANE, right="erasure")
    caller.post(f"{page}/code", {"code": code_in_mail(desk_world, JANE)})
    desk_world.work()
    write(desk("cleo"), page)
    other = Caller(portal)
    assert "it is shown once" not in other.get(page).text
    assert other.post(f"{page}/resend").status_code == 303
    assert 'name="code"' in other.get(other.answer.headers["Location"].partition("#")[0]).text
    assert other.post(f"{page}/code", {"code": code_in_mail(desk_world, JANE)}).status_code == 303
    assert WORDS in other.get(page).text


def test_a_question_to_somebody_unproven_says_nothing_of_anybody_and_takes_no_file(desk: Seat, caller: Caller) -> None:
    page = caller.ask(email="nobody@shop.example")
    cleo = desk("cleo")
    assert "f-thread-file" not in cleo.get(case_of(page)).text
    assert write(cleo, page, "131052-308T") == 422
    assert write(cleo, page, "Which year do you mean?") == 302
    assert "Which year do you mean?" in caller.get(page).text


def test_the_conversation_ends_with_the_case_and_a_complaint_does_not(
    desk: Seat, desk_world: World, caller: Caller
) -> None:
    page = caller.ask(email=JANE)
    write(desk("cleo"), page, "Which year do you mean?")
    caller.post(f"{page}/withdraw")
    desk_world.work()
    assert not has_form(caller.get(page).text, f"{page}/message")
    assert caller.post(f"{page}/message", {"note": "One more thing."}).status_code == 409
    assert not has_form(desk("cleo").get(case_of(page)).text, f"{case_of(page)}/message")
    assert caller.post(f"{page}/complaint", {"complaint": ""}).status_code == 422
    for _ in range(2):
        assert caller.post(f"{page}/complaint", {"complaint": "Nobody answered me."}).status_code == 303
    assert "received your complaint" in caller.get(caller.answer.headers["Location"]).text
    with desk_world.rt.unit() as session:
        task = session.scalars(select(HumanTask).where(HumanTask.code == "complaint")).one()
        assert (task.state, task.due_on is not None) == (TaskState.OPEN, True)


def test_a_role_that_sees_no_records_writes_to_nobody(desk: Seat, page: str) -> None:
    for name in ("ilse", "otto"):
        seat = desk(name)
        assert not has_form(seat.get(case_of(page)).text, f"{case_of(page)}/message")
        assert seat.post(f"{case_of(page)}/message", {"words": WORDS, "csrf": seat.token()}).status_code == 403
