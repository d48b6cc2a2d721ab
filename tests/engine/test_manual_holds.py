"""A hold that people place: it holds at once, a second person confirms it, and two let it go before its day."""

import uuid
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from models.audit import AuditEntry
from models.decision import Approval, Plan
from models.holds import ManualHold
from models.nearness import CaseNearness, Nearness
from models.request import Request
from models.staff import HumanTask, StaffUser
from models.vocabulary import PlanState, RequestState, Right, Role, TaskState
from tests.world import JANE, World, make_world
from workflows import sweeps
from workflows.errors import BadInput, Conflict, NotAllowed, NotFound
from workflows.hold_tasks import mind_holds
from workflows.manual_holds import Placing, confirm, keep, mark_of, place, release
from workflows.repair import close_by_word
from workflows.stages import decision


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = make_world(tmp_path)
    with made.rt.unit() as session:
        for name in ("dora", "eli"):
            session.add(StaffUser(name=name, role=Role.APPROVER, display_name=name, created_at=made.rt.now()))
    yield made
    made.close()


def deciding(world: World) -> uuid.UUID:
    ident = world.open(Right.ERASURE, JANE)
    world.work()
    assert world.state(ident) is RequestState.DECIDING
    return ident


def hold(world: World, ident: uuid.UUID, *, user: str = "cleo", days: int = 60, words: str = "") -> uuid.UUID:
    with world.rt.unit() as session:
        placing = Placing("H99", "legal_claim", world.rt.today() + timedelta(days=days), words=words)
        return place(session, world.rt, session.get_one(Request, ident), placing, user=user).id


def let_go(world: World, held: uuid.UUID, user: str, **more: str) -> bool:
    with world.rt.unit() as session:
        return release(session, world.rt, held, user=user, **more)


def asked(world: World, code: str) -> list[TaskState]:
    with world.rt.unit() as session:
        return list(session.scalars(select(HumanTask.state).where(HumanTask.code == code)))


def test_it_holds_on_one_persons_word_and_a_second_is_asked_until_they_confirm_it(world: World) -> None:
    ident = deciding(world)
    held = hold(world, ident, words="Claim 12/2026 at the district court")
    world.work()
    world.approve(ident, "anna", "ben")
    world.work()
    assert len(world.rows("billing", "invoice")) == 4
    assert world.state(ident) is RequestState.HELD
    assert asked(world, "hold_unconfirmed") == [TaskState.OPEN]
    with world.rt.unit() as session:
        task = session.scalars(select(HumanTask).where(HumanTask.code == "hold_unconfirmed")).one()
        with pytest.raises(Conflict, match="task_by_doing"):
            close_by_word(session, world.rt, task, by="anna", answer="done")
    with world.rt.unit() as session, pytest.raises(NotAllowed, match="role"):
        confirm(session, world.rt, held, user="cleo")
    with world.rt.unit() as session:
        confirm(session, world.rt, held, user="ben")
    assert asked(world, "hold_unconfirmed") == [TaskState.DONE]
    with world.rt.unit() as session, pytest.raises(Conflict, match="hold_confirmed"):
        confirm(session, world.rt, held, user="anna")


def test_who_placed_it_does_not_confirm_it_nor_does_the_table_take_that(world: World) -> None:
    held = hold(world, deciding(world), user="ben")
    with world.rt.unit() as session, pytest.raises(NotAllowed, match="placed_it"):
        confirm(session, world.rt, held, user="ben")
    with pytest.raises(IntegrityError), world.rt.unit() as session:
        session.execute(sa.update(ManualHold).values(confirmed_by="ben"))
    with pytest.raises(IntegrityError), world.rt.unit() as session:
        session.execute(sa.update(ManualHold).values(released_by="ben", release_second="ben"))


def test_a_case_that_ended_takes_no_question_along(world: World) -> None:
    hold(world, deciding(world))
    with world.rt.unit() as session:
        session.execute(sa.update(HumanTask).values(state=TaskState.DONE, done_by="cleo", done_at=world.rt.now()))
    assert sweeps.sweep(world.rt)["holds"] == 1
    assert asked(world, "hold_unconfirmed") == [TaskState.OPEN]
    assert mind_holds(world.rt) == 0


def test_somebody_hears_before_a_hold_ends_and_once(world: World) -> None:
    hold(world, deciding(world), days=20)
    assert mind_holds(world.rt) == 0
    world.clock.advance(days=7)
    assert [mind_holds(world.rt) for _ in range(2)] == [1, 0]
    assert asked(world, "hold_ends") == [TaskState.OPEN]


def test_the_same_placed_twice_is_placed_once(world: World) -> None:
    ident = deciding(world)
    assert hold(world, ident) == hold(world, ident)
    assert hold(world, ident, user="ben") != hold(world, ident)


def test_one_placed_again_while_its_release_is_asked_for_is_another_and_lasts(world: World) -> None:
    ident = deciding(world)
    held = hold(world, ident)
    assert let_go(world, held, "anna", reason="matter_closed") is False
    again = hold(world, ident)
    assert again != held
    assert let_go(world, held, "ben") is True
    with world.rt.unit() as session:
        lasting = session.scalars(select(ManualHold.id).where(ManualHold.released_at.is_(None))).all()
    assert lasting == [again]


def test_two_people_and_a_reason_end_it_early_and_the_plan_is_made_anew(world: World) -> None:
    ident = deciding(world)
    held = hold(world, ident, user="anna")
    world.work()
    world.approve(ident, "anna")
    with world.rt.unit() as session:
        old = session.scalars(select(Plan).where(Plan.state == PlanState.FROZEN)).one().plan_hash
    with pytest.raises(BadInput):
        let_go(world, held, "dora")
    assert not let_go(world, held, "dora", reason="matter_closed")
    with pytest.raises(Conflict, match="same_person"):
        let_go(world, held, "dora", reason="matter_closed")
    with pytest.raises(BadInput):
        let_go(world, held, "eli", reason="mistake")
    assert world.state(ident) is RequestState.DECIDING
    assert let_go(world, held, "eli", reason="matter_closed")
    with pytest.raises(Conflict, match="released"):
        let_go(world, held, "ben", reason="matter_closed")
    assert asked(world, "hold_unconfirmed") == [TaskState.DONE]
    world.work()
    with world.rt.unit() as session:
        new = session.scalars(select(Plan).where(Plan.state == PlanState.FROZEN)).one()
        assert new.plan_hash != old
        assert not session.scalars(select(Approval).where(Approval.plan_id == new.id)).all()
        told = {e.event: e.facts for e in session.scalars(select(AuditEntry).where(AuditEntry.chain == str(ident)))}
    assert told["hold:release:asked"]["reason"] == "matter_closed"
    assert told["hold:released"]["first"] == "dora"


def test_one_word_can_be_taken_back_and_then_it_takes_two_again(world: World) -> None:
    held = hold(world, deciding(world))
    let_go(world, held, "ben", reason="mistake")
    with world.rt.unit() as session:
        keep(session, world.rt, held, user="anna")
    assert not let_go(world, held, "anna", reason="no_ground")
    with world.rt.unit() as session, pytest.raises(NotAllowed, match="role"):
        keep(session, world.rt, held, user="cleo")


def test_what_was_seen_before_somebody_acted_on_it_lets_nothing_go(world: World) -> None:
    held = hold(world, deciding(world))
    with world.rt.unit() as session:
        seen = mark_of(session.get_one(ManualHold, held))
    let_go(world, held, "ben", reason="mistake")
    with pytest.raises(Conflict, match="hold_changed"):
        let_go(world, held, "anna", reason="mistake", seen=seen)


@pytest.mark.parametrize(("near", "error"), [(Nearness.OWN, NotFound), (Nearness.NEAR, NotAllowed)])
def test_nobody_acts_on_a_hold_of_their_own_data_nor_of_somebody_near(
    world: World, near: Nearness, error: type[Exception]
) -> None:
    ident = deciding(world)
    held = hold(world, ident)
    with world.rt.unit() as session:
        session.add(CaseNearness(request_id=ident, name="ben", nearness=near, noted_at=world.rt.now()))
        decision.withdraw(session, world.rt, session.get_one(Request, ident, with_for_update=True), actor="cleo")
    world.work()
    assert world.state(ident) is RequestState.CLOSED
    again = world.open(Right.ERASURE, JANE)  # a later case of theirs, of which nobody has said so
    world.work()
    for act in (
        lambda: let_go(world, held, "ben", reason="mistake"),
        lambda: hold(world, again, user="ben", days=9),
    ):
        with pytest.raises(error):
            act()
    with world.rt.unit() as session, pytest.raises(error):
        confirm(session, world.rt, held, user="ben")
