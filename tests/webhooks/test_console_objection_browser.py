"""The form that ends a request which was not the person's, in a real browser, with axe, in every look."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from models.vocabulary import Outcome, RequestState, Right
from tests.webhooks.browsing import LOOKS, Visit, check, press
from tests.webhooks.desk import give_passwords
from tests.world import World, open_world, prepare, write_register
from webhooks.staff import create_app

pytestmark = pytest.mark.slow


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """The shop, which gives whoever is on file a day."""
    environ = prepare(tmp_path)
    write_register(tmp_path / "register", {"controller.yaml": "{name: Shop Oy, email: office@shop.example}"})
    made = open_world(environ)
    give_passwords(made)
    yield made
    made.close()


@pytest.fixture
def console(world: World) -> Flask:
    return create_app(world.rt)


@pytest.mark.parametrize(("scheme", "width"), LOOKS)
def test_a_request_that_was_not_theirs_is_ended_on_its_page(
    world: World, visit: Visit, scheme: str, width: int
) -> None:
    ident = world.open(Right.ERASURE)
    world.work()
    world.approve(ident)
    world.work()
    page = visit("anna", color_scheme=scheme, viewport={"width": width, "height": 900})
    page.goto(f"/requests/{world.request(ident).reference}")
    check(page, "the form")
    press(page, "#objection button")
    check(page, "the form without a reason")
    assert page.locator("#e-objection").count() == 1
    page.fill("#f-objection", "The person on file called and knows nothing of it.")
    press(page, "#objection button")
    check(page, "the request that was ended")
    world.work()
    assert world.request(ident).outcome is Outcome.REFUSED
    assert world.state(ident) is RequestState.CLOSED
    assert len(world.rows("shop", "orders")) == 4
