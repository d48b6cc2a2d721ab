"""A rule that is edited changes no open schedule until the officer has seen what it does."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import select

from models.decision import KeptItem, Plan, PlanItem
from models.delivery import Artifact
from models.holds import RuleSet
from models.staff import HumanTask
from models.vocabulary import RequestState, Right, TaskState
from tests.fakes import SettableClock
from tests.world import BOB, World, open_world, prepare
from workflows import sweeps
from workflows.errors import Conflict, NotAllowed
from workflows.rulediff import adopt, diff, refuse
from workflows.rulesets import rules_digest

FIRST = "2027-01-31"


def rules(folder: Path, until: str) -> None:
    """Unpaid invoices are held until this day."""
    path = folder / "register/holds.yaml"
    text = path.read_text(encoding="utf-8")
    head, mark, rest = text.partition("trigger: open_balance > 0.0\n")
    _, _, tail = rest.partition("\n")
    path.write_text(f"{head}{mark}  until: '\"{until}\"'\n{tail}", encoding="utf-8")


def reopened(world: World, folder: Path, until: str) -> World:
    """The same controller, started again with the rule edited."""
    rules(folder, until)
    clock = world.clock
    clock.advance(hours=1)
    world.close()
    return open_world(world.environ, clock=clock)


@pytest.fixture
def held(tmp_path: Path):
    environ = prepare(tmp_path)
    rules(tmp_path, FIRST)
    world = open_world(environ, clock=SettableClock())
    sweeps.sweep(world.rt)
    ident = world.open(Right.ERASURE, BOB)
    world.work()
    world.approve(ident)
    world.work()
    assert world.state(ident) is RequestState.HELD
    return world, ident, tmp_path


def day_of(world: World) -> str:
    """The day on which the kept invoice goes, as the schedule has it."""
    with world.rt.unit() as session:
        kept = session.scalar(select(KeptItem.erase_on))
        planned = session.scalar(
            select(PlanItem.erase_on).join(Plan, Plan.id == PlanItem.plan_id).where(PlanItem.erase_on.is_not(None))
        )
        return (kept or planned).isoformat()


def invoices(world: World) -> list[int]:
    return [row[0] for row in world.rows("billing", "invoice")]


def tomorrow_of(world: World, day: str) -> None:
    world.clock.set(datetime.fromisoformat(f"{day}T09:00:00").replace(tzinfo=UTC))
    sweeps.rechecks(world.rt, every=True)
    world.work()


def test_without_a_change_there_is_nothing_to_adopt(held) -> None:
    world, _, _ = held
    seen = diff(world.rt)
    assert (seen.changed, seen.cases) == (False, ())
    with pytest.raises(Conflict, match="no_change"):
        adopt(world.rt, seen.hash, user="anna")


def test_a_later_day_is_shown_first_and_told_once_it_is_adopted(held) -> None:
    world, ident, folder = held
    world = reopened(world, folder, "2027-06-30")
    sweeps.sweep(world.rt)
    sweeps.rechecks(world.rt, every=True)
    world.work()
    assert day_of(world) == "2027-02-01"
    seen = diff(world.rt)
    assert [(m.later, m.earlier, m.free, m.until.isoformat()) for m in seen.cases] == [(1, 0, 0, "2027-07-01")]
    adopt(world.rt, seen.hash, user="anna")
    for _ in range(2):
        sweeps.rechecks(world.rt, every=True)
        world.work()
    assert day_of(world) == "2027-07-01"
    with world.rt.unit() as session:
        told = session.scalars(select(Artifact).where(Artifact.request_id == ident)).all()
    assert sum(a.name.startswith("letter_hold_later") for a in told) == 1
    world.close()


def test_what_a_shorter_rule_lets_go_stays_until_it_is_adopted(held) -> None:
    world, _, folder = held
    world = reopened(world, folder, "2026-12-31")
    tomorrow_of(world, "2027-01-02")
    assert 72 in invoices(world)
    seen = diff(world.rt)
    assert [(m.later, m.earlier, m.free) for m in seen.cases] == [(0, 0, 1)]
    assert seen.by_rule() == [("H06", "C07", "free", 1)]
    adopt(world.rt, seen.hash, user="anna")
    tomorrow_of(world, "2027-01-03")
    assert 72 not in invoices(world)
    world.close()


def test_what_a_longer_rule_holds_is_not_erased_although_nobody_adopted_it(held) -> None:
    world, ident, folder = held
    world = reopened(world, folder, "2027-06-30")
    tomorrow_of(world, "2027-02-02")
    assert 72 in invoices(world)
    assert world.state(ident) is RequestState.DECIDING  # people look at it anew
    world.close()


def test_only_the_officer_adopts_and_only_what_they_saw(held) -> None:
    world, _, folder = held
    world = reopened(world, folder, "2027-06-30")
    sweeps.sweep(world.rt)
    with world.rt.unit() as session:
        assert [t.state for t in session.scalars(select(HumanTask).where(HumanTask.code == "rules_changed"))] == [
            TaskState.OPEN
        ]
    seen = diff(world.rt)
    for user in ("ben", "cleo", "nobody"):
        with pytest.raises(NotAllowed):
            adopt(world.rt, seen.hash, user=user)
        with pytest.raises(NotAllowed):
            refuse(world.rt, rules_digest(world.rt).hex(), user=user, reason="It was not read by a lawyer.")
    with pytest.raises(Conflict, match="other_diff"):
        adopt(world.rt, "00" * 32, user="anna")
    adopt(world.rt, seen.hash, user="anna")
    with world.rt.unit() as session:
        assert [row.adopted_by for row in session.scalars(select(RuleSet).order_by(RuleSet.seen_at))] == [
            "vastine",
            "anna",
        ]
        assert not session.scalars(
            select(HumanTask).where(HumanTask.code == "rules_changed", HumanTask.state == TaskState.OPEN)
        ).all()
    world.close()


def test_going_back_to_rules_of_old_calls_the_officer_too(held) -> None:
    world, _, folder = held
    world = reopened(world, folder, "2027-06-30")
    adopt(world.rt, diff(world.rt).hash, user="anna")
    world = reopened(world, folder, FIRST)
    assert [sweeps.sweep(world.rt)["rules"] for _ in range(2)] == [1, 0]
    open_ones = select(HumanTask).where(HumanTask.code == "rules_changed", HumanTask.state == TaskState.OPEN)
    with world.rt.unit() as session:
        assert len(session.scalars(open_ones).all()) == 1
    adopt(world.rt, diff(world.rt).hash, user="anna")
    assert sweeps.sweep(world.rt)["rules"] == 0
    world.close()


def test_rules_that_were_put_back_ask_nobody_any_more(held) -> None:
    world, _, folder = held
    world = reopened(world, folder, "2027-06-30")
    sweeps.sweep(world.rt)
    world = reopened(world, folder, FIRST)
    sweeps.sweep(world.rt)
    with world.rt.unit() as session:
        states = session.scalars(select(HumanTask.state).where(HumanTask.code == "rules_changed")).all()
    assert states == [TaskState.DONE]
    world.close()


def test_new_words_alone_change_no_schedule(held) -> None:
    world, _, folder = held
    path = folder / "register/holds.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("The invoice is not paid.", "It is unpaid."))
    world = reopened(world, folder, FIRST)
    assert not diff(world.rt).changed
    world.close()
