"""A source that is silent while the end comes near: a person chooses, is reminded, and nobody else is kept waiting."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from models.collection import Finding
from models.request import Reminder, Request
from models.staff import HumanTask
from models.vocabulary import RequestState, SourceResult, TaskKind, TaskState
from tests.engine.switched import Switch, switched
from tests.world import JANE, World
from workflows import engine, pausing, reminding, sweeps
from workflows.human import close_task, open_task
from workflows.stages.collection import skip_source


@pytest.fixture
def house(tmp_path: Path, database_url: str) -> Iterator[tuple[World, dict[str, Switch]]]:
    """The shop and its billing, each behind a switch."""
    world, switches = switched(tmp_path, database_url=database_url if database_url.startswith("postgresql") else "")
    yield world, switches
    world.close()


def work(world: World) -> None:
    sweeps.sweep(world.rt)
    engine.drain(world.rt)


def days_before_due(world: World, ident: uuid.UUID, days: int) -> None:
    """Let time pass, a day at a time."""
    due = world.request(ident).due_on
    while (due - world.rt.today()).days > days:
        world.clock.advance(hours=24)
        work(world)


def tasks(world: World, *, state: TaskState = TaskState.OPEN) -> list[HumanTask]:
    with world.rt.unit() as session:
        return list(session.scalars(select(HumanTask).where(HumanTask.state == state)))


def go_on_without(world: World, ident: uuid.UUID, source: str = "billing") -> None:
    with world.rt.unit() as session:
        request = session.get_one(Request, ident, with_for_update=True)
        skip_source(session, world.rt, request, source, user="cleo")


def test_seven_days_before_the_end_and_not_earlier_a_person_is_asked(house) -> None:
    world, switches = house
    switches["billing"].off()
    ident = world.open(who=JANE)
    days_before_due(world, ident, 8)
    assert tasks(world) == []
    days_before_due(world, ident, 7)
    (task,) = tasks(world)
    assert (task.code, task.facts["source"], task.due_on) == ("gap_or_wait", "billing", world.request(ident).due_on)
    work(world)
    assert len(tasks(world)) == 1


@pytest.mark.parametrize("why", ["down", "paused"])
def test_going_on_without_the_source_answers_the_rest_and_names_the_gap(house, why: str) -> None:
    world, switches = house
    if why == "down":
        switches["billing"].off()
    else:
        with world.rt.unit() as session:
            pausing.pause(session, world.rt, "billing", user="cleo", reason="moved")
    ident = world.open(who=JANE)
    days_before_due(world, ident, 7)
    go_on_without(world, ident)
    work(world)
    assert not [task for task in tasks(world) if task.code == "gap_or_wait"]
    world_state = world.state(ident)
    assert world_state is RequestState.DECIDING  # an answer with a gap is looked at by a person
    world.approve(ident, "anna")
    work(world)
    assert world.state(ident) is RequestState.CLOSED
    with world.rt.unit() as session:
        finding = session.scalars(select(Finding).where(Finding.source == "billing")).one()
        assert finding.result is SourceResult.FAILED


def test_whoever_decides_to_wait_is_asked_again_some_days_later(house) -> None:
    world, switches = house
    switches["billing"].off()
    ident = world.open(who=JANE)
    days_before_due(world, ident, 7)
    with world.rt.unit() as session:
        task = session.get_one(HumanTask, tasks(world)[0].id)
        close_task(session, world.rt, task, by="cleo", answer="wait")
    work(world)
    assert tasks(world) == []
    days_before_due(world, ident, 5)
    assert [task.code for task in tasks(world)] == ["gap_or_wait"]


def test_the_question_is_over_when_the_source_answers(house) -> None:
    world, switches = house
    switches["billing"].off()
    ident = world.open(who=JANE)
    days_before_due(world, ident, 7)
    switches["billing"].on()
    world.clock.advance(minutes=10)
    work(world)
    assert world.state(ident) is RequestState.CLOSED
    work(world)
    assert tasks(world) == []


def test_a_task_about_another_source_stays_when_one_is_left_out(house) -> None:
    world, switches = house
    switches["billing"].off()
    ident = world.open(who=JANE)
    days_before_due(world, ident, 7)
    with world.rt.unit() as session:
        request = session.get_one(Request, ident, with_for_update=True)
        facts = {"source": "shop"}
        kind = TaskKind.SOURCE_FAILED
        open_task(session, world.rt, key="other", kind=kind, code="http_404", request_id=request.id, facts=facts)
    go_on_without(world, ident, "billing")
    assert [task.key for task in tasks(world) if task.kind is TaskKind.SOURCE_FAILED] == ["other"]


def test_staff_are_reminded_while_nobody_has_chosen(house) -> None:
    world, switches = house
    switches["billing"].off()
    ident = world.open(who=JANE)
    days_before_due(world, ident, 8)
    reminding.remind(world.rt)
    days_before_due(world, ident, 7)
    reminding.remind(world.rt)
    with world.rt.unit() as session:
        sent = session.scalars(select(Reminder.rung).where(Reminder.request_id == ident, Reminder.sent)).all()
    assert "gap_23" in sent


def test_who_asks_is_looked_up_in_vain_and_somebody_hears_of_it_in_time(house) -> None:
    world, _ = house
    with world.rt.unit() as session:
        pausing.pause(session, world.rt, "shop", user="cleo", reason="moved")
    ident = world.open(who=JANE)
    days_before_due(world, ident, 7)
    assert [task.code for task in tasks(world)] == ["waits_near_due"]
    assert world.state(ident) is RequestState.VERIFYING
