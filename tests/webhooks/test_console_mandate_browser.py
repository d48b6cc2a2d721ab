"""The pages of a mandate and of a case near to oneself in a real browser, with axe, in every look."""

import pytest

from models.vocabulary import Right
from tests.webhooks.browsing import LOOKS, Visit, check
from tests.webhooks.test_console_mandate import page_of
from tests.world import BOB, World
from workflows import nearness

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(("scheme", "width"), LOOKS)
def test_the_pages_are_accessible(desk_world: World, visit: Visit, scheme: str, width: int) -> None:
    lawyer = page_of(desk_world, Right.ERASURE)
    with desk_world.rt.unit() as session:
        nearness.know(session, desk_world.rt, "ben", own={}, near={"surname": "Bob"}, by="cli")
    near = desk_world.open(who=BOB)
    desk_world.work()
    page = visit("anna", color_scheme=scheme, viewport={"width": width, "height": 900})
    page.goto(f"{lawyer}/mandate")
    check(page, "mandate")
    page.click("button[value=accept]")
    check(page, "mandate with mistakes")
    page.goto(f"{lawyer}/mandate?kind=estate")
    check(page, "estate")
    other = visit("ben", color_scheme=scheme, viewport={"width": width, "height": 900})
    other.goto(f"/requests/{desk_world.request(near).reference}")
    check(other, "near")
