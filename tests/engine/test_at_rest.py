"""What a hold keeps after an erasure rests: with us at once, in its source where there is a column, until it goes."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from models.decision import PlanItem
from models.delivery import Artifact
from models.restriction import RestrictedHow, RestrictedItem, Restriction, RestrictionGround
from models.staff import HumanTask
from models.step import Step
from models.vocabulary import Event, Ground, Kind, Outcome, RequestState, Right, TaskState
from tests.engine.test_restriction import locked
from tests.world import BOB, JANE, fill_source, open_world, prepare, write_register
from workflows import lifecycle, manual_holds
from workflows.post import send_all
from workflows.restricting import lifting, naming
from workflows.restriction import restrictions_on, restrictions_on_record
from workflows.stages import decision
from workflows.sweeps import expired_leases, rechecks

S = RequestState
FIELD = "          - {name: owed, data_categories: [user.financial], fides_meta: {data_type: float}}\n"
FLAG = "          - {name: locked, data_categories: [system.operations], fides_meta: {data_type: string}}\n"
RESTRICT = ", restrict: {column: locked, value: 'yes', free: 'no'}"
IN_USE = """
- id: H12
  in_use: true
  law: {act: 1/2001, gdpr: ["6(1)(b)"]}
  source: Finlex
  checked_on: 2026-01-15
  categories: {C07: all}
  trigger: open_balance > 30.0
  until: '""'
  text: {fi: Sopimus on voimassa., sv: Avtalet gäller., en: The contract is in force.}
"""


def billing_with(tmp_path, change=lambda text: text, *, holds: str = "", column: bool = True, debts: bool = True):
    environ = prepare(tmp_path)
    folder = tmp_path / "register"
    text = change((folder / "sources/billing.yaml").read_text(encoding="utf-8").replace(FIELD, FIELD + FLAG))
    if column:
        text = text.replace("facts: {open_balance: owed}", "facts: {open_balance: owed}" + RESTRICT)
    rules = (folder / "holds.yaml").read_text(encoding="utf-8") + holds
    if not debts:
        rules = rules.replace("- id: H06\n", "- id: H06\n  active: false\n  why_inactive: not here\n")
    write_register(folder, {"sources/billing.yaml": text, "holds.yaml": rules})
    fill_source(environ["BILLING_URL"], "ALTER TABLE invoice ADD COLUMN locked VARCHAR(3) DEFAULT 'no'")
    return open_world(environ)


@pytest.fixture
def world(tmp_path):
    made = billing_with(tmp_path)
    yield made
    made.close()


def erased(world, who: str = BOB):
    ident = world.open(Right.ERASURE, who)
    world.work()
    world.approve(ident)
    world.work()
    return ident


def marks(world) -> dict[int, str]:
    return {row[0]: row[4] for row in world.rows("billing", "invoice")}


def how(world) -> list[RestrictedHow]:
    with world.rt.unit() as session:
        return list(session.scalars(select(RestrictedItem.how)))


def look(world) -> None:
    rechecks(world.rt, every=True)
    world.work()


def found(world, who: str = BOB) -> list[Restriction]:
    with world.rt.unit() as session:
        return restrictions_on(session, world.rt, [("email", who)])


def letters(world, ident) -> list[str]:
    with world.rt.unit() as session:
        return list(session.scalars(select(Artifact.name).where(Artifact.request_id == ident)))


def codes(world) -> set[str]:
    with world.rt.unit() as session:
        return set(session.scalars(select(HumanTask.code).where(HumanTask.state == TaskState.OPEN)))


def test_what_is_kept_rests_and_goes_by_itself_on_the_day_its_hold_ends(world):
    ident = erased(world)
    assert (world.state(ident), world.request(ident).outcome) == (S.HELD, Outcome.PARTLY_ERASED)
    assert marks(world) == {70: "no", 71: "no", 72: "yes"}
    [row] = found(world)
    assert (row.ground, row.categories, row.sources) == (RestrictionGround.KEPT, ["C07"], ["billing"])
    with world.rt.unit() as session:
        assert restrictions_on_record(session, world.rt, "billing", "invoice", locator={"id": 72})
        assert not restrictions_on_record(session, world.rt, "billing", "invoice", locator={"id": 71})
    look(world)
    assert world.state(ident) is S.HELD
    assert len(letters(world, ident)) == 1  # a look in between says nothing
    world.execute("billing", "UPDATE invoice SET owed = 0 WHERE id = 72")
    look(world)
    assert world.state(ident) is S.DECIDING  # what was approved was another content
    world.approve(ident)
    world.work()
    assert world.state(ident) is S.CLOSED
    assert marks(world) == {70: "no", 71: "no"}
    assert how(world) == [RestrictedHow.GONE]
    assert found(world) == []


DATED = """
- id: H98
  law: {act: 1/2001, gdpr: ["17(3)(b)"]}
  source: Finlex
  checked_on: 2026-01-15
  categories: {C07: all}
  trigger: open_balance > 0.0
  until: '"2026-12-31"'
  text: {fi: Kirjanpito., sv: Bokföring., en: Accounting.}
"""


def test_our_own_mark_is_no_change_that_people_have_to_decide_on_again(tmp_path):
    world = billing_with(tmp_path, holds=DATED, debts=False)
    ident = erased(world)
    assert marks(world)[72] == "yes"
    world.clock.advance(days=400)
    look(world)
    assert world.state(ident) is S.CLOSED
    assert marks(world) == {70: "no", 71: "no"}
    assert sorted(letters(world, ident)) == ["letter_final_erasure.pdf", "letter_partial_erasure.pdf"]
    assert found(world) == []
    world.close()


def test_what_is_kept_so_that_it_is_used_does_not_rest_until_nothing_but_a_duty_keeps_it(tmp_path):
    world = billing_with(tmp_path, holds=IN_USE)
    ident = erased(world)
    assert marks(world)[72] == "no"
    assert found(world) == []
    world.execute("billing", "UPDATE invoice SET owed = 20 WHERE id = 72")
    look(world)
    assert (world.state(ident), marks(world)[72]) == (S.HELD, "yes")
    assert len(found(world)) == 1
    assert len(letters(world, ident)) == 1
    world.execute("billing", "UPDATE invoice SET owed = 40 WHERE id = 72")
    look(world)
    assert (world.state(ident), marks(world)[72]) == (S.HELD, "no")
    assert found(world) == []
    world.execute("billing", "UPDATE invoice SET owed = 20 WHERE id = 72")
    look(world)  # and rests anew
    assert (world.state(ident), marks(world)[72]) == (S.HELD, "yes")
    assert len(found(world)) == 1
    world.close()


def test_our_taking_a_mark_away_is_no_change_that_people_have_to_decide_on_again(tmp_path):
    world = billing_with(tmp_path, holds=DATED + IN_USE.replace("30.0", "30000.0"), debts=False)
    ident = erased(world)
    assert marks(world)[72] == "yes"
    with locked(world, ident) as (session, request):
        needed = manual_holds.Placing("H12", "dispute", world.rt.today() + timedelta(days=60))
        manual_holds.place(session, world.rt, request, needed, user="cleo")
    look(world)
    assert (world.state(ident), marks(world)[72]) == (S.HELD, "no")
    world.clock.advance(days=400)
    look(world)
    assert world.state(ident) is S.CLOSED
    assert marks(world) == {70: "no", 71: "no"}
    world.close()


def test_what_somebody_changed_under_our_mark_is_no_change_of_ours_once_the_mark_is_taken_away(tmp_path):
    world = billing_with(tmp_path, holds=DATED + IN_USE.replace("30.0", "30000.0"), debts=False)
    ident = erased(world)
    world.execute("billing", "UPDATE invoice SET payer = 'Robert' WHERE id = 72")
    with locked(world, ident) as (session, request):
        needed = manual_holds.Placing("H12", "dispute", world.rt.today() + timedelta(days=60))
        manual_holds.place(session, world.rt, request, needed, user="cleo")
    look(world)
    assert marks(world)[72] == "no"
    world.clock.advance(days=400)
    look(world)
    assert world.state(ident) is S.DECIDING
    world.close()


def test_a_plan_that_was_tampered_with_marks_nothing(world):
    def tamper(name: str) -> None:
        if name != "settled":
            return
        with world.rt.unit() as session:
            if session.scalar(select(Step.id).where(Step.kind == Kind.CHANGE)) is not None:  # the mark is next
                for item in session.scalars(select(PlanItem).where(PlanItem.collection == "invoice")):
                    item.reason = "tampered"

    world.rt = replace(world.rt, failpoint=tamper)
    ident = erased(world)
    assert (world.state(ident), marks(world)[72]) == (S.CHANGING, "no")
    assert "plan_tampered" in codes(world)


def test_a_source_without_a_column_is_known_by_us_alone_and_nobody_is_called(tmp_path):
    world = billing_with(tmp_path, column=False)
    ident = erased(world)
    assert world.state(ident) is S.HELD
    assert how(world) == [RestrictedHow.NOTED]
    assert len(found(world)) == 1
    assert "rest_by_hand" not in codes(world)
    world.close()


def test_a_source_that_does_not_take_the_mark_calls_a_person_and_the_answer_goes_out(world):
    world.execute(
        "billing",
        "CREATE TRIGGER locks BEFORE UPDATE ON invoice BEGIN SELECT RAISE(ABORT, 'CHECK constraint failed'); END",
    )
    ident = erased(world)
    assert world.state(ident) is S.HELD
    assert how(world) == [RestrictedHow.NOTED]
    assert "rest_by_hand" in codes(world)
    assert len(found(world)) == 1


def test_a_record_that_somebody_changed_after_our_mark_is_not_erased_on_the_old_word(world):
    ident = erased(world)
    world.execute("billing", "UPDATE invoice SET payer = 'Another', owed = 0 WHERE id = 72")
    look(world)
    assert world.state(ident) is S.DECIDING
    assert marks(world)[72] == "yes"


def test_an_erasure_that_is_taken_back_lets_go_of_what_rested(world):
    ident = erased(world)
    world.clock.advance(days=1)
    with locked(world, ident) as (session, request):
        decision.withdraw(session, world.rt, request, actor="person")
    world.work()
    assert (world.state(ident), world.request(ident).outcome) == (S.CLOSED, Outcome.WITHDRAWN)
    assert marks(world)[72] == "no"
    assert found(world) == []
    assert how(world) == [RestrictedHow.FREED]


def test_a_rest_of_the_erasure_that_is_refused_lets_go_too(world):
    ident = erased(world)
    world.execute("billing", "UPDATE invoice SET owed = 0, payer = 'Bo' WHERE id = 72")
    look(world)
    with locked(world, ident) as (session, request):
        reason = "It is needed for a claim of ours."
        decision.refuse(session, world.rt, request, user="anna", ground=Ground.LEGAL_CLAIM, reason=reason)
    world.work()
    assert (world.state(ident), marks(world)[72]) == (S.CLOSED, "no")
    assert found(world) == []


def test_lifting_another_restriction_leaves_the_mark_of_what_rests(world):
    other = world.open(Right.RESTRICTION, BOB)
    scope = naming.Scope(RestrictionGround.ACCURACY, "He says that the invoice is wrong.", sources=("billing",))
    with locked(world, other) as (session, request):
        naming.name_scope(session, world.rt, request, scope, user="cleo")
    world.work()
    world.approve(other, "anna")
    world.work()
    assert marks(world) == {70: "no", 71: "no", 72: "yes", 73: "yes"}
    erased(world)
    with locked(world, other) as (session, request):
        reason = lifting.Reason("verified", "The invoice is right as it stands.")
        lifting.ask_to_lift(session, world.rt, request, reason, user="anna")
    send_all(world.rt)
    world.clock.advance(days=lifting.DAYS)
    with locked(world, other) as (session, request):
        lifting.lift(session, world.rt, request, user="anna")
    world.work()
    assert world.state(other) is S.CLOSED
    assert marks(world) == {70: "no", 71: "no", 72: "yes"}
    assert [row.ground for row in found(world)] == [RestrictionGround.KEPT]


def test_a_record_that_is_emptied_and_stays_is_let_go_with_its_last_hold(tmp_path):
    def emptied(text: str) -> str:  # what tells of the hold stays
        return text.replace("{category: C07,", "{category: C07, erase: mask,").replace(
            "user.financial", "system.operations"
        )

    world = billing_with(tmp_path, emptied)
    ident = erased(world)
    assert marks(world)[72] == "yes"
    world.execute("billing", "UPDATE invoice SET owed = 0 WHERE id = 72")
    look(world)
    world.approve(ident)
    world.work()
    assert world.state(ident) is S.CLOSED
    assert marks(world)[72] == "no"
    assert world.rows("billing", "invoice")[2][2] != "Bob"
    assert found(world) == []


@pytest.mark.parametrize("where", ["intended", "changed", "worked", "settling"])
def test_a_worker_that_dies_while_it_marks_loses_nothing(world, where):
    class Killed(BaseException):
        pass

    died, now = [], "no" if where == "intended" else "yes"

    def die(name: str) -> None:
        if name == where and not died and 73 not in marks(world) and marks(world)[72] == now:
            died.append(name)
            raise Killed

    ident = world.open(Right.ERASURE, BOB)
    world.work()
    world.rt = replace(world.rt, failpoint=die)
    world.approve(ident)
    with pytest.raises(Killed):
        world.work()
    world.clock.advance(minutes=5)
    expired_leases(world.rt)
    world.clock.advance(minutes=5)
    world.work()
    assert (world.state(ident), marks(world)[72]) == (S.HELD, "yes")
    assert len(letters(world, ident)) == 1


def test_no_event_marks_anything_before_the_plan_is_approved(world):
    ident = world.open(Right.ERASURE, JANE)
    world.work()
    assert world.state(ident) is S.DECIDING
    with pytest.raises(Exception, match="no_transition"), locked(world, ident) as (session, request):
        lifecycle.advance(session, world.rt, request, Event.KEPT_IN_USE)


def test_a_record_that_was_changed_before_our_mark_rests_and_is_decided_on_again(tmp_path):
    world = billing_with(tmp_path, holds=DATED, debts=False)

    def change(name: str) -> None:
        if name == "intended" and 73 not in marks(world):  # it was erased: what follows is the mark
            world.execute("billing", "UPDATE invoice SET payer = 'Robert' WHERE id = 72")

    world.rt = replace(world.rt, failpoint=change)
    ident = erased(world)
    assert (world.state(ident), marks(world)[72]) == (S.HELD, "yes")
    world.clock.advance(days=400)
    look(world)
    assert world.state(ident) is S.DECIDING
    world.close()
