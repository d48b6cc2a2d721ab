"""The console's pages for work by hand: search, scan, folder, tick, confirm."""

import io
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from models.staff import StaffUser
from models.vocabulary import RequestState, Right
from tests.hand.archive import open_archive, task_of
from tests.webhooks.desk import Desk, form_of, give_passwords
from tests.world import World
from webhooks.staff import create_app

Seat = Callable[[str], Desk]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = open_archive(tmp_path)
    give_passwords(made)
    yield made
    made.close()


@pytest.fixture
def seat(world: World) -> Seat:
    app = create_app(world.rt)
    app.testing = True
    return lambda name: Desk(app, name)


def test_paper_is_found_scanned_shredded_and_confirmed_on_the_pages(world: World, seat: Seat) -> None:
    request = world.open(Right.ERASURE)
    world.work()
    cleo, anna = seat("cleo"), seat("anna")
    task = task_of(world, request, "search_by_hand").id
    page = f"/hand/{task}"
    assert cleo.get(f"/tasks/{task}").headers["Location"] == page
    assert "jane@shop.example" in cleo.text(page)
    assert cleo.send(page, page, {"found": "yes", "do": "add:paper"}).status_code == 303
    form = form_of(cleo.get(page).text, page)
    given = {"found": "yes", "r0.f.content": "a note", "r0.shelf": "Cellar / A", "do": "save"}
    assert cleo.post(page, {**form, **given}).status_code == 303
    scan = {**form_of(cleo.get(page).text, f"{page}/scan"), "file": (io.BytesIO(b"plain words"), "a.txt")}
    assert cleo.post(f"{page}/scan", scan).status_code == 303
    assert "text/plain" in cleo.text(page)
    assert cleo.send(page, f"{page}/folder", {"folder": "Blue folder"}).status_code == 303
    assert "Folders that are not back" in cleo.text("/tasks")
    form = form_of(cleo.get(page).text, page)
    assert cleo.post(page, {**form, **given, "do": "answer"}).status_code == 303
    world.work()
    world.approve(request)
    world.work()
    task = task_of(world, request, "erase_by_hand").id
    items = f"/hand/{task}/items"
    assert "Cellar / A" in cleo.text(items)
    assert cleo.send(items, f"{items}/1/tick", {"evidence": "shredded"}).status_code == 303
    token = {"csrf": cleo.token(), "looked": "yes", "do": "confirm"}
    assert cleo.post(f"{items}/1/confirm", token).status_code == 403
    assert anna.send(items, f"{items}/1/confirm", {"looked": "yes", "do": "confirm"}).status_code == 303
    world.work()
    assert world.state(request) is RequestState.CLOSED


def test_a_mistake_is_told_at_its_field_and_what_was_typed_stays(world: World, seat: Seat) -> None:
    request = world.open()
    world.work()
    cleo = seat("cleo")
    page = f"/hand/{task_of(world, request, 'search_by_hand').id}"
    answer = cleo.send(page, page, {"found": "no", "comment": "typed words", "do": "answer"})
    assert answer.status_code == 422
    assert "Tick every place that was searched." in answer.text
    assert "typed words" in answer.text


def test_paper_is_closed_to_staff_who_did_not_sign(world: World, seat: Seat) -> None:
    request = world.open()
    world.work()
    with world.rt.unit() as session:
        session.get_one(StaffUser, "cleo").nda_signed_on = None
    page = f"/hand/{task_of(world, request, 'search_by_hand').id}"
    answer = seat("cleo").get(page)
    assert answer.status_code == 403
    assert "jane@shop.example" not in answer.text
