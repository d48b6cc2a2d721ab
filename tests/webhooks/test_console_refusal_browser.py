"""The forms of a guarded refusal and of a question to the person, in a real browser, with axe."""

import pytest

from models.vocabulary import Outcome, Right
from tests.webhooks.browsing import LOOKS, Visit, check, press
from tests.world import BOB, World

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(("scheme", "width"), [LOOKS[0], LOOKS[-1]])
def test_a_question_and_a_refusal_by_two_are_readable_at_every_step(
    desk_world: World, visit: Visit, scheme: str, width: int
) -> None:
    ident = desk_world.open(Right.ERASURE, BOB)
    desk_world.work()
    look = {"color_scheme": scheme, "viewport": {"width": width, "height": 900}}
    page = visit("cleo", **look)
    page.goto(f"/requests/{desk_world.request(ident).reference}")
    page.click("details:has(#ask) summary")
    press(page, "#ask button")
    check(page, "the question that lacks everything")
    page.select_option("#ask select", "specification")
    page.check("#f-wanted-contract")
    page.fill("#f-words", "Bob has two contracts and we cannot tell which he means.")
    press(page, "#ask button")
    check(page, "the question that waits")
    page.click("details:has(#refusal-prepare) summary")
    press(page, "#refusal-prepare button")
    check(page, "the case that lacks everything")
    page.select_option("#f-case_ground", "excessive")
    page.select_option("#f-case_fee", "unsuitable")
    page.fill("#f-case_evidence", "The same was asked and answered three times this month, with no change.")
    page.fill("#f-case_reason", "You got the same answer three days ago and nothing has changed.")
    press(page, "#refusal-prepare button")
    check(page, "the case that waits")
    other = visit("anna", **look)
    other.goto(f"/requests/{desk_world.request(ident).reference}")
    check(other, "the case for the second person")
    press(other, "#refusal-agree button")
    check(other, "the reference that is missing")
    other.fill("#refusal-agree input[name=reference]", desk_world.request(ident).reference)
    press(other, "#refusal-agree button")
    desk_world.work()
    assert desk_world.request(ident).outcome is Outcome.REFUSED
