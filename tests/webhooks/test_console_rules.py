"""The hold rules at the console: which are in force, what a change does to open schedules, and the officer's word."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from models.audit import AuditEntry
from models.holds import RuleSet
from models.nearness import CaseNearness, Nearness
from models.request import Request
from models.staff import HumanTask
from models.vocabulary import RequestState, Right, TaskState
from tests.fakes import SettableClock
from tests.webhooks.browsing import LOOKS, Visit, check, press
from tests.webhooks.desk import Desk, form_of, give_passwords, has_form
from tests.world import BOB, World, open_world, prepare
from webhooks.console import rules as page_of_rules
from workflows import sweeps
from workflows.rulediff import held_cases

Seat = Callable[..., Desk]
WHY = "The lawyer has not read it yet."


def hold_until(folder: Path, day: str) -> None:
    """Unpaid invoices are held until this day."""
    path = folder / "register/holds.yaml"
    head, mark, rest = path.read_text(encoding="utf-8").partition("trigger: open_balance > 0.0\n")
    path.write_text(f"{head}{mark}  until: '\"{day}\"'\n{rest.partition(chr(10))[2]}", encoding="utf-8")


@pytest.fixture
def desk_world(tmp_path: Path) -> Iterator[World]:
    """An invoice is held until the end of January, and the register says the end of June now."""
    environ = prepare(tmp_path)
    hold_until(tmp_path, "2027-01-31")
    world = open_world(environ, clock=SettableClock())
    sweeps.sweep(world.rt)
    ident = world.open(Right.ERASURE, BOB)
    world.work()
    world.approve(ident)
    world.work()
    assert world.state(ident) is RequestState.HELD
    world.clock.advance(hours=1)
    clock = world.clock
    world.close()
    hold_until(tmp_path, "2027-06-30")
    changed = open_world(environ, clock=clock)
    give_passwords(changed)
    sweeps.sweep(changed.rt)
    yield changed
    changed.close()


def the_task(world: World) -> HumanTask:
    with world.rt.unit() as session:
        return session.scalars(select(HumanTask).where(HumanTask.code == "rules_changed")).one()


def reference(world: World) -> str:
    with world.rt.unit() as session:
        return session.scalars(select(Request.reference)).one()


def test_every_rule_is_shown_with_its_law_source_and_who_approved_it(desk: Seat) -> None:
    shown = desk("otto").text("/rules")
    for words in ("H06", "728/2003 4; GDPR 17(3)(e)", "Finlex", "15 January 2026", "Nobody yet", "open_balance > 0.0"):
        assert words in shown
    assert "2 rules have not been approved by a lawyer." in shown
    assert "2027-01-31" in shown  # before
    assert "2027-06-30" in shown  # and now


def test_a_change_is_looked_at_by_rule_and_case_and_adopted_by_the_officer_alone(desk: Seat, desk_world: World) -> None:
    anna, ben = desk("anna"), desk("ben")
    assert ben.get(f"/tasks/{the_task(desk_world).id}").location == "/rules"
    seen = ben.text("/rules/change")
    assert "H06 C07 Invoices Stays longer 1" in seen
    assert reference(desk_world) in seen
    assert "30 June 2027" not in seen
    assert "1 July 2027" in seen  # the day on which it goes
    assert not has_form(ben.get("/rules/change").text, "/rules/adopt")
    assert ben.post("/rules/adopt", {"csrf": ben.token(), "diff": "0" * 64}).status_code == 403
    form = form_of(anna.get("/rules/change").text, "/rules/adopt")
    assert anna.post("/rules/adopt", {**form, "diff": "0" * 64}).status_code == 409
    assert anna.post("/rules/adopt", form).status_code == 302
    assert anna.post("/rules/adopt", form).status_code == 409  # a click that came twice
    assert the_task(desk_world).state is TaskState.DONE
    assert "The rules have changed" not in anna.text("/rules")
    with desk_world.rt.unit() as session:
        assert len(session.scalars(select(AuditEntry).where(AuditEntry.event == "rules:adopted")).all()) == 1


def test_a_refused_change_is_asked_about_no_more_and_may_be_adopted_later(desk: Seat, desk_world: World) -> None:
    anna = desk("anna")
    form = form_of(anna.get("/rules").text, "/rules/refuse")
    assert anna.post("/rules/refuse", {**form, "reason": "no"}).status_code == 422
    assert anna.post("/rules/refuse", {**form, "reason": WHY, "rules": "0" * 64}).status_code == 409
    assert the_task(desk_world).state is TaskState.OPEN
    assert anna.post("/rules/refuse", {**form, "reason": WHY}).status_code == 302
    assert anna.post("/rules/refuse", {**form, "reason": WHY}).status_code == 409
    sweeps.sweep(desk_world.rt)
    assert the_task(desk_world).state is TaskState.DONE
    shown = desk("otto").text("/rules")
    assert WHY in shown
    assert "Refused by anna" in shown
    assert anna.send("/rules/change", "/rules/adopt").status_code == 302
    assert anna.post("/rules/refuse", {**form, "reason": WHY}).status_code == 409
    with desk_world.rt.unit() as session:
        adopted = session.scalars(select(RuleSet).where(RuleSet.adopted_by == "anna")).one()
        assert adopted.refused_at is None


def test_a_word_does_not_close_the_question(desk: Seat, desk_world: World) -> None:
    cleo = desk("cleo")
    answer = cleo.post(f"/tasks/{the_task(desk_world).id}/close", {"csrf": cleo.token(), "answer": "done"})
    assert answer.status_code != 200
    assert the_task(desk_world).state is TaskState.OPEN


def test_a_case_that_is_kept_from_the_reader_is_not_named(desk: Seat, desk_world: World) -> None:
    with desk_world.rt.unit() as session:
        ident = session.scalars(select(Request.id)).one()
        row = CaseNearness(request_id=ident, name="ben", nearness=Nearness.OWN, noted_at=desk_world.rt.now())
        session.add(row)
    shown = desk("ben").text("/rules/change")
    assert reference(desk_world) not in shown
    assert "And 1 cases that are not shown here." in shown


def test_more_schedules_than_a_page_can_look_at_are_for_the_command_line(
    desk: Seat, desk_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    with desk_world.rt.unit() as session:
        assert held_cases(session) == 1
    monkeypatch.setattr(page_of_rules, "MOST_CASES", 0)
    answer = desk("anna").get("/rules/change")
    assert answer.status_code == 409
    assert "vastine holds diff" in answer.text


@pytest.mark.parametrize("language", ["fi", "sv"])
def test_it_is_said_in_every_language(desk: Seat, language: str) -> None:
    anna = desk("anna", language=language)
    for shown in (anna.text("/rules"), anna.text("/rules/change")):
        assert not re.search(r"\brules\.[a-z]", shown)


@pytest.mark.slow
@pytest.mark.parametrize(("look", "language"), [(LOOKS[0], "sv"), (LOOKS[-1], "fi")])
def test_the_pages_are_readable_at_every_step(
    desk_world: World, visit: Visit, look: tuple[str, int], language: str
) -> None:
    page = visit("anna", language=language, color_scheme=look[0], viewport={"width": look[1], "height": 900})
    page.goto("/rules")
    page.locator("#changed summary").press("Enter")
    press(page, "#refuse button")
    check(page, "a refusal without a reason")
    press(page, "#changed a.button")
    check(page, "what it does")
    press(page, "#adopt button")
    check(page, "adopted")
