"""The pages of work by hand in a real browser, with axe, in every look."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from models.vocabulary import Right
from tests.hand.archive import answer, found, open_archive, task_of
from tests.webhooks.browsing import LOOKS, Visit, check, press
from tests.webhooks.desk import give_passwords
from tests.world import World
from webhooks.staff import create_app

pytestmark = pytest.mark.slow


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = open_archive(tmp_path)
    give_passwords(made)
    yield made
    made.close()


@pytest.fixture
def console(world: World) -> Flask:
    return create_app(world.rt)


@pytest.mark.parametrize(("scheme", "width"), LOOKS)
def test_the_pages_of_work_by_hand_are_accessible(world: World, visit: Visit, scheme: str, width: int) -> None:
    search, erasure = world.open(), world.open(Right.ERASURE)
    world.work()
    answer(world, erasure, found({"values": {"content": "a loose note"}}))
    world.work()
    world.approve(erasure)
    world.work()
    form = f"/hand/{task_of(world, search, 'search_by_hand').id}"
    items = f"/hand/{task_of(world, erasure, 'erase_by_hand').id}/items"
    page = visit("cleo", color_scheme=scheme, viewport={"width": width, "height": 900})
    page.goto(form)
    check(page, "search")
    press(page, "button[value='add:paper']")
    check(page, "search with a record")
    press(page, "button[value=answer]")
    check(page, "search with mistakes")
    page.goto(items)
    check(page, "items")


@pytest.mark.parametrize("language", ["fi", "sv"])
def test_they_are_not_too_wide_in_any_language(world: World, visit: Visit, language: str) -> None:
    search = world.open()
    world.work()
    page = visit("cleo", language=language, viewport={"width": 320, "height": 900})
    page.goto(f"/hand/{task_of(world, search, 'search_by_hand').id}")
    assert page.locator("html").get_attribute("lang") == language
    assert not page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
