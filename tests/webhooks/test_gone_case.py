"""A case whose key was destroyed still has its page: what was asked, when and how it ended, but not by whom."""

from collections.abc import Callable

import pytest

from models.vocabulary import Right
from tests.webhooks.desk import Desk
from tests.world import JANE, World
from webhooks.public import create_app
from workflows.purge.run import purge

#: Years go by night for night.
pytestmark = pytest.mark.slow


@pytest.mark.parametrize("right", [Right.ACCESS, Right.ERASURE])
def test_staff_see_the_frame_of_a_case_that_was_let_go(
    desk_world: World, desk: Callable[..., Desk], right: Right
) -> None:
    ident = desk_world.open(right)
    desk_world.work()
    if right is Right.ERASURE:
        desk_world.approve(ident)
        desk_world.work()
    reference = desk_world.request(ident).reference
    for _ in range(374):
        desk_world.clock.advance(days=1)
        purge(desk_world.rt)
    assert desk_world.request(ident).claim_sealed == b""
    answer = desk("anna").get(f"/requests/{reference}")
    assert answer.status_code == 200
    page = answer.get_data(as_text=True)
    assert reference in page
    assert JANE not in page


def test_the_person_s_link_leads_nowhere_any_more(desk_world: World) -> None:
    ident = desk_world.open(Right.ACCESS)
    desk_world.work()
    (link,) = {word for mail in desk_world.mailer.sent for word in mail.body.split() if "/status/" in word}
    door = create_app(desk_world.rt).test_client()
    path = "/" + link.split("/", 3)[3]
    assert door.get(path).status_code == 200
    for _ in range(374):
        desk_world.clock.advance(days=1)
        purge(desk_world.rt)
    assert desk_world.request(ident).proof_sealed is None
    assert door.get(path).status_code == 404
