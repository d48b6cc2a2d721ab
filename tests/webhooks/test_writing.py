"""What people write outside the form, and the addresses by which other places send them here."""

from datetime import timedelta
from urllib.parse import unquote

import pytest
from sqlalchemy import select

from models.intake import Message
from models.staff import HumanTask
from models.vocabulary import MessageState, Right
from tests.webhooks.visitor import Caller
from tests.world import World
from workflows.mailroom import receive
from workflows.stages.intake import open_raw, requests_of

LANGUAGES = ("fi", "sv", "en")


def tasks(world: World, code: str) -> list[HumanTask]:
    with world.rt.unit() as session:
        return list(session.scalars(select(HumanTask).where(HumanTask.code == code)))


def test_a_message_on_the_page_of_a_case_is_kept_sealed_and_waits_for_a_person(world: World, caller: Caller) -> None:
    page = caller.ask()
    for _ in range(2):  # a double click
        assert caller.post(f"{page}/message", {"note": "I moved in 2024."}).status_code == 303
    assert "We have received your message" in caller.get(caller.answer.headers["Location"]).text
    (task,) = tasks(world, "message_attached")
    with world.rt.unit() as session:
        message = session.get_one(Message, task.message_id)
        assert message.state is MessageState.ATTACHED
        assert [r.id for r in requests_of(session, message)] == [task.request_id]
        assert b"I moved in 2024." in open_raw(session, world.rt, message)
        assert b"moved" not in message.raw_sealed


@pytest.mark.parametrize("text", ["", "  ", "x" * 5001])
def test_an_empty_or_endless_message_is_refused_and_what_was_typed_stays(
    world: World, caller: Caller, text: str
) -> None:
    page = caller.ask()
    answer = caller.post(f"{page}/message", {"note": text})
    assert answer.status_code == 422
    assert "<title>Error:" in answer.text
    assert 'href="#note"' in answer.text
    assert text.strip() in answer.text
    assert not tasks(world, "message_attached")


def test_a_case_takes_ten_messages_an_hour(world: World, caller: Caller) -> None:
    page = caller.ask()
    seen = [caller.post(f"{page}/message", {"note": str(n)}).status_code for n in range(11)]
    assert seen == [303] * 10 + [429]
    assert len(tasks(world, "message_attached")) == 10


def test_nobody_writes_to_a_case_without_its_secret(world: World, caller: Caller) -> None:
    page = caller.ask()
    assert caller.post(f"{page.rpartition('/')[0]}/{'x' * 22}/message", {"note": "hello"}).status_code == 404
    assert not tasks(world, "message_attached")


def test_feedback_on_accessibility_is_in_the_queue_for_fourteen_days(world: World, caller: Caller) -> None:
    assert caller.post("/fi/accessibility", {"note": ""}).status_code == 422
    assert caller.post("/fi/accessibility", {"note": "Teksti on liian pientä."}).status_code == 303
    assert "Kiitos." in caller.get(caller.answer.headers["Location"]).text
    (task,) = tasks(world, "accessibility_feedback")
    assert task.due_on == world.rt.today() + timedelta(days=14)
    seen = [caller.post("/fi/accessibility", {"note": str(n)}).status_code for n in range(10)]
    assert seen[-1] == 429


def test_other_places_may_link_to_the_form_with_a_right_chosen(caller: Caller) -> None:
    ways = {
        "/fi/start?right=erasure": "/fi/request?right=erasure",
        "/sv/start": "/sv/",
        "/fi/start?right=everything": "/fi/",
        "/dsar/erasure?src=eudiw": "/sv/request?right=erasure",
    }
    for way, leads in ways.items():
        answer = caller.get(way, headers={"Accept-Language": "sv-FI"})
        assert (answer.status_code, answer.headers["Location"]) == (302, leads)
    assert caller.get("/dsar/everything").status_code == 404


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_form_on_paper_names_every_right_also_in_large_print(caller: Caller, lang: str) -> None:
    small, large = caller.get(f"/{lang}/paper").text, caller.get(f"/{lang}/paper?size=large").text
    assert 'class="large"' in large
    assert 'class="large"' not in small
    assert small.count("<li>") >= len(Right)


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("right", [Right.ACCESS, Right.ERASURE])
def test_a_mail_with_the_subject_of_the_link_is_understood(
    world: World, caller: Caller, lang: str, right: Right
) -> None:
    from webhooks.words import load_words

    subject = load_words()[lang](f"right.{right.value}")
    page = caller.get(f"/{lang}/").text
    if "mailto:" in page and "?subject=" in page:
        assert f"?subject={subject}" in unquote(page)
    raw = f"From: x@shop.example\nMessage-ID: <{lang}{right.value}@shop.example>\nSubject: {subject}\n\n.\n"
    taken = receive(world.rt, raw.encode())
    with world.rt.unit() as session:
        message = session.get_one(Message, taken.message_id)
        assert [r.right for r in requests_of(session, message)] == [right], taken.why
