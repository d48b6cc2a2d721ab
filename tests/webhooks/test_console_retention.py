"""Data past their time at the console: a list by category, looked at and approved by two."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.retention.conftest import late_world
from tests.webhooks.browsing import LOOKS, Visit, check, press
from tests.webhooks.desk import Desk, give_passwords
from tests.world import World
from workflows.retention.carrying import carry_out_approved

Seat = Callable[..., Desk]
PAGE = "/retention/C07"


@pytest.fixture
def desk_world(tmp_path: Path) -> Iterator[World]:
    """Two invoices are past their time, and of one of them something is still owed."""
    world = late_world(tmp_path)
    give_passwords(world)
    yield world
    world.close()


def test_a_list_is_made_looked_at_and_approved_by_two_and_goes_at_night(desk: Seat, desk_world: World) -> None:
    anna, ben = desk("anna"), desk("ben")
    assert PAGE in anna.get("/retention").text
    assert anna.send(PAGE, f"{PAGE}/list").status_code == 302
    shown = ben.get(PAGE).text
    assert "id=70" in shown
    assert "add_years(on, 2)" in shown
    assert "our policy" in shown
    assert ben.send(PAGE, f"{PAGE}/approve").status_code == 302
    assert f"{PAGE}/approve" not in ben.get(PAGE).text  # nobody approves twice
    assert carry_out_approved(desk_world.rt) == 0
    assert anna.send(PAGE, f"{PAGE}/approve").status_code == 302
    assert carry_out_approved(desk_world.rt) == 1
    assert [row[0] for row in desk_world.rows("billing", "invoice")] == [71, 72, 73]


def test_another_list_than_was_looked_at_is_not_approved(desk: Seat, desk_world: World) -> None:
    anna, ben = desk("anna"), desk("ben")
    anna.send(PAGE, f"{PAGE}/list")
    token = ben.token()
    answer = ben.post(f"{PAGE}/approve", {"csrf": token, "plan": "00" * 32})
    assert answer.status_code == 409
    desk_world.execute("billing", "UPDATE invoice SET owed = 0 WHERE id = 72")
    form = {"csrf": token, "plan": "00" * 32}
    anna.send(PAGE, f"{PAGE}/list")
    assert ben.post(f"{PAGE}/approve", form).status_code == 409


def test_a_category_without_a_rule_or_with_nothing_late_says_so(desk: Seat, desk_world: World) -> None:
    anna = desk("anna")
    assert "no retention rule" in anna.get("/retention/C01").text
    assert anna.get("/retention/C99").status_code == 404
    desk_world.execute("billing", "UPDATE invoice SET day = '2026-02-01'")
    answer = anna.send(PAGE, f"{PAGE}/list")
    assert "free to go" in anna.get(answer.location).text


@pytest.mark.slow
@pytest.mark.parametrize(("look", "language"), [(LOOKS[0], "fi"), (LOOKS[-1], "sv")])
def test_the_pages_are_readable_at_every_step(
    desk_world: World, visit: Visit, look: tuple[str, int], language: str
) -> None:
    page = visit("anna", language=language, color_scheme=look[0], viewport={"width": look[1], "height": 900})
    page.goto("/retention")
    check(page, "the categories")
    page.goto(PAGE)
    press(page, "#make button")
    check(page, "the list")
    press(page, "#approve button")
    check(page, "approved by one")
