import dataclasses
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from models.audit import AuditEntry
from models.decision import Plan
from models.erasure import Tombstone
from models.request import DataKey, Request
from models.restriction import Restriction, RestrictionGround
from models.retention import RetentionItem, RetentionRun, RetentionState
from models.staff import HumanTask
from models.vocabulary import Action, PlanState, ReceiptOutcome, RequestState, Right, TaskState
from tests.retention.conftest import late_world
from tests.world import BOB, JANE
from workflows import engine, manual_holds, pausing
from workflows.errors import (
    BadInput,
    Conflict,
    Fenced,
    NotAllowed,
    NotFound,
    PersonMustLook,
    SourceDown,
    TryAgain,
    WaitFor,
)
from workflows.ports import ErasedItem
from workflows.restricting import naming
from workflows.restricting.hand import done_by_hand
from workflows.retention import carrying, people
from workflows.retention.carrying import carry_out
from workflows.retention.lists import approve, freeze
from workflows.retention.looking import look


def ids(world, source, table):
    return [row[0] for row in world.rows(source, table)]


def through(world, category):
    made = freeze(world.rt, category, user="anna")
    assert approve(world.rt, category, made.plan_hash, user="anna")[1] == 1
    assert approve(world.rt, category, made.plan_hash, user="ben")[1] == 0
    return carry_out(world.rt, category, user="ben")


def test_what_is_past_its_time_goes_and_what_a_rule_holds_or_is_younger_stays(world):
    tally = look(world.rt, "C07").tallies["billing"]
    assert (tally.seen, tally.late, tally.held) == (4, 1, 1)
    assert tally.first.isoformat() == "2022-03-01"  # two years from a leap day end on the last of February
    assert through(world, "C07") == {"erased": 1}
    assert ids(world, "billing", "invoice") == [71, 72, 73]
    assert look(world.rt, "C07").tallies["billing"].late == 0
    assert freeze(world.rt, "C07", user="anna") is None


def test_a_dry_run_says_what_the_run_then_does(world):
    planned = {late.locator["id"] for late in look(world.rt, "C07").late}
    before = set(ids(world, "billing", "invoice"))
    through(world, "C07")
    assert before - set(ids(world, "billing", "invoice")) == planned


def test_what_rests_on_the_person_is_judged_by_person(world):
    tally = look(world.rt, "C12").tallies["shop"]
    assert (tally.late, tally.unclear) == (1, 2)  # Bob owes money, so his orders stay
    through(world, "C12")
    assert ids(world, "shop", "orders") == [2, 3, 4]


def test_a_record_that_no_person_leads_to_stays_where_the_rules_need_one(world):
    world.execute("shop", "UPDATE orders SET customer_id = NULL WHERE id = 1")
    assert look(world.rt, "C12").tallies["shop"].unclear == 3


def test_a_hold_by_hand_keeps_the_records_of_that_person_and_no_others(world):
    world.execute("billing", "UPDATE invoice SET owed = 0")
    request = world.open(Right.ACCESS, BOB)
    world.work()
    with world.rt.unit() as session:
        placing = manual_holds.Placing("H99", "dispute", world.rt.today() + timedelta(days=9))
        manual_holds.place(
            session, world.rt, session.get_one(type(world.request(request)), request), placing, user="anna"
        )
    assert {late.locator["id"] for late in look(world.rt, "C07").late} == {70}


@pytest.mark.parametrize("gone", ["UPDATE customer SET email = NULL WHERE id = 2", None])
def test_a_hold_by_hand_on_somebody_whom_no_register_shows_keeps_all_that_may_be_theirs(world, gone):
    world.execute("billing", "UPDATE invoice SET owed = 0")
    request = world.open(Right.ACCESS, BOB)
    world.work()
    with world.rt.unit() as session:
        case = session.get_one(Request, request)
        case.subject_digest = case.subject_digest if gone else bytes(32)  # as one proven by another register
        placing = manual_holds.Placing("H99", "dispute", world.rt.today() + timedelta(days=9), category="C07")
        manual_holds.place(session, world.rt, case, placing, user="anna")
    if gone:
        world.execute("shop", gone)
    tally = look(world.rt, "C07").tallies["billing"]
    assert (tally.late, tally.unclear) == (0, 2)
    world.clock.advance(days=10)
    assert look(world.rt, "C07").tallies["billing"].late == 2


def test_what_two_share_stays_while_one_of_them_can_not_be_told_apart(tmp_path):
    world = late_world(tmp_path, joint=True)
    world.execute("billing", "UPDATE invoice SET owed = 0")
    world.execute("shop", "UPDATE orders SET partner_id = 3 WHERE id = 1")
    assert look(world.rt, "C12").tallies["shop"].late == 3
    world.execute("shop", "UPDATE customer SET email = NULL WHERE id = 3")
    assert {late.locator["id"] for late in look(world.rt, "C12").late} == {3, 4}
    world.close()


def test_the_records_of_an_open_case_go_by_their_own_plan(world):
    ident = world.open(Right.ERASURE, JANE)
    world.work()
    assert world.state(ident) is RequestState.DECIDING
    tally = look(world.rt, "C07").tallies["billing"]
    assert (tally.late, tally.in_case) == (0, 1)


@pytest.mark.parametrize("desk", [True, False], ids=["proven", "not yet proven"])
def test_what_somebody_waits_for_stays_until_they_have_it(world, desk):
    ident = world.open(Right.ACCESS, JANE, desk=desk)
    if desk:
        engine.drain(world.rt, ("verify",), follow=())
        assert world.state(ident) is RequestState.COLLECTING
    tally = look(world.rt, "C07").tallies["billing"]
    assert (tally.late, tally.in_case) == (0, 1)
    if desk:
        world.work()
        assert look(world.rt, "C07").tallies["billing"].late == 1


def test_what_is_restricted_stays_as_long_as_the_restriction_lasts(world):
    ident = world.open(Right.RESTRICTION, JANE)
    with world.rt.unit() as session:
        request = session.get_one(Request, ident, with_for_update=True)
        scope = naming.Scope(RestrictionGround.CLAIM, "She needs it in court.", sources=("billing",))
        naming.name_scope(session, world.rt, request, scope, user="cleo")
    world.work()
    world.approve(ident, "anna")
    world.work()
    with world.rt.unit() as session:
        request = session.get_one(Request, ident, with_for_update=True)
        for task in session.scalars(select(HumanTask).where(HumanTask.code == "restrict_by_hand")):
            done_by_hand(session, world.rt, request, task, possible=True, user="cleo")
    world.work()
    assert world.state(ident) is RequestState.HELD
    with world.rt.unit() as session:  # whatever became of its plan, the restriction lasts
        session.execute(update(Plan).values(state=PlanState.EXECUTED))
    tally = look(world.rt, "C07").tallies["billing"]
    assert (tally.late, tally.in_case) == (0, 1)
    with world.rt.unit() as session:
        row = session.scalars(select(Restriction)).one()
        row.ended_at, row.ended_by = world.rt.now(), "anna"
    assert look(world.rt, "C07").tallies["billing"].late == 1


def test_a_request_that_comes_while_a_list_is_carried_out_stops_it(world, monkeypatch):
    monkeypatch.setattr(carrying, "BATCH", 1)
    world.execute("billing", "UPDATE invoice SET owed = 0")
    made = freeze(world.rt, "C07", user="anna")
    for user in ("anna", "ben"):
        approve(world.rt, "C07", made.plan_hash, user=user)
    rt = dataclasses.replace(world.rt, failpoint=lambda name: name == "erased" and world.open(Right.ACCESS, BOB))
    with pytest.raises(TryAgain, match="request_came"):
        carry_out(rt, "C07", user="ben")
    world.clock.advance(minutes=1)
    assert carry_out(world.rt, "C07", user="ben") == {"erased": 1, "kept": 1}
    assert ids(world, "billing", "invoice") == [71, 72, 73]


def pause(world, source):
    with world.rt.unit() as session:
        pausing.pause(session, world.rt, source, user="cleo", reason="an old copy is being put back")


def test_nothing_is_late_while_a_source_is_paused_that_might_tell_of_a_hold(world):
    pause(world, "billing")
    with pytest.raises(WaitFor, match="paused"):
        look(world.rt, "C12")
    with pytest.raises(WaitFor, match="paused"):
        freeze(world.rt, "C12", user="anna")


def test_a_source_that_is_paused_while_a_list_is_carried_out_stops_it(world, monkeypatch):
    monkeypatch.setattr(carrying, "BATCH", 1)
    world.execute("billing", "UPDATE invoice SET owed = 0")
    made = freeze(world.rt, "C07", user="anna")
    for user in ("anna", "ben"):
        approve(world.rt, "C07", made.plan_hash, user=user)
    rt = dataclasses.replace(world.rt, failpoint=lambda name: name == "erased" and pause(world, "billing"))
    with pytest.raises(WaitFor, match="paused"):
        carry_out(rt, "C07", user="ben")
    assert len(ids(world, "billing", "invoice")) == 3


def test_a_request_that_is_committed_after_the_instant_it_carries_stops_it_too(world, monkeypatch):
    monkeypatch.setattr(carrying, "BATCH", 1)
    world.execute("billing", "UPDATE invoice SET owed = 0")
    made = freeze(world.rt, "C07", user="anna")
    for user in ("anna", "ben"):
        approve(world.rt, "C07", made.plan_hash, user=user)

    def come(name):
        if name == "erased":
            ident = world.open(Right.ACCESS, BOB)
            earlier = world.rt.now() - timedelta(seconds=5)
            with world.rt.unit() as session:
                session.execute(
                    update(Request).where(Request.id == ident).values(registered_at=earlier, verified_at=earlier)
                )

    with pytest.raises(TryAgain, match="request_came"):
        carry_out(dataclasses.replace(world.rt, failpoint=come), "C07", user="ben")
    assert ids(world, "billing", "invoice") == [71, 72, 73]


def test_a_category_without_a_retention_rule_is_refused(world):
    for category in ("C01", "C99"):
        with pytest.raises(BadInput):
            look(world.rt, category)


def test_two_different_people_who_may_decide_must_approve_exactly_this_list(world):
    with pytest.raises(NotAllowed):
        freeze(world.rt, "C07", user="cleo")
    made = freeze(world.rt, "C07", user="anna")
    assert approve(world.rt, "C07", made.plan_hash, user="anna")[1] == 1
    assert approve(world.rt, "C07", made.plan_hash, user="anna")[1] == 1
    with pytest.raises(Conflict, match="not_approved"):
        carry_out(world.rt, "C07", user="anna")
    with pytest.raises(NotAllowed):
        approve(world.rt, "C07", made.plan_hash, user="cleo")
    with pytest.raises(Conflict, match="other_plan"):
        approve(world.rt, "C07", "00" * 32, user="ben")
    with pytest.raises(NotFound):
        approve(world.rt, "C12", made.plan_hash, user="ben")
    assert ids(world, "billing", "invoice") == [70, 71, 72, 73]


@pytest.mark.parametrize("change", [{"item_digest": bytes(32)}, {"action": Action.MASK, "fields": ["payer"]}])
def test_a_list_that_was_changed_is_not_carried_out(world, change):
    made = freeze(world.rt, "C07", user="anna")
    for user in ("anna", "ben"):
        approve(world.rt, "C07", made.plan_hash, user=user)
    with world.rt.unit() as session:
        session.execute(update(RetentionItem).values(**change))
    with pytest.raises(PersonMustLook, match="plan_tampered"):
        carry_out(world.rt, "C07", user="ben")
    assert 70 in ids(world, "billing", "invoice")


@pytest.mark.parametrize("change", ["owed = 12", "payer = 'Somebody'", "day = '2026-11-01'"])
def test_what_changed_since_the_list_was_made_stays(world, change):
    made = freeze(world.rt, "C07", user="anna")
    for user in ("anna", "ben"):
        approve(world.rt, "C07", made.plan_hash, user=user)
    world.execute("billing", f"UPDATE invoice SET {change} WHERE id = 70")
    assert carry_out(world.rt, "C07", user="ben") == {"kept": 1}
    assert 70 in ids(world, "billing", "invoice")


@pytest.mark.parametrize("point", ["intended", "erased"])
def test_a_run_that_was_killed_is_taken_up_and_erases_once(world, point):
    made = freeze(world.rt, "C07", user="anna")
    for user in ("anna", "ben"):
        approve(world.rt, "C07", made.plan_hash, user=user)

    class KilledError(Exception):
        pass

    def kill(name):
        if name == point:
            raise KilledError

    with pytest.raises(KilledError):
        carry_out(dataclasses.replace(world.rt, failpoint=kill), "C07", user="ben")
    with pytest.raises(Conflict, match="not_through"):
        freeze(world.rt, "C07", user="anna")
    assert carry_out(world.rt, "C07", user="ben") == {"erased": 1}
    assert ids(world, "billing", "invoice") == [71, 72, 73]


def test_a_run_leaves_receipts_tombstones_and_an_account_and_forgets_where_the_records_were(world):
    through(world, "C07")
    with world.rt.unit() as session:
        run = session.scalars(select(RetentionRun)).one()
        assert run.state is RetentionState.DONE
        assert session.get_one(DataKey, run.data_key_id).wrapped is None
        assert [item.outcome.value for item in session.scalars(select(RetentionItem))] == ["erased"]
        assert [stone.collection for stone in session.scalars(select(Tombstone))] == ["invoice"]
        said = [e.event for e in session.scalars(select(AuditEntry)) if e.event.startswith("retention:")]
    assert said == [
        "retention:frozen",
        "retention:approved",
        "retention:approved",
        "retention:intended",
        "retention:done",
    ]


def test_records_that_point_at_each_other_go_leaves_first_whatever_the_batch(world, monkeypatch):
    monkeypatch.setattr(carrying, "BATCH", 1)
    world.execute("billing", "UPDATE invoice SET owed = 0")
    assert through(world, "C07") == {"erased": 2}


def test_what_should_have_gone_unasked_and_is_found_in_a_case_is_an_incident(world):
    world.open(Right.ERASURE, JANE)
    world.work()
    with world.rt.unit() as session:
        tasks = session.scalars(select(HumanTask).where(HumanTask.code == "retention_breach")).all()
    assert [task.facts for task in tasks] == [{"C07": 1, "C12": 1}]


def test_what_a_rule_holds_past_its_time_is_no_incident(world):
    world.open(Right.ERASURE, BOB)
    world.work()
    with world.rt.unit() as session:
        assert not session.scalars(select(HumanTask).where(HumanTask.code == "retention_breach")).all()


def test_a_hold_that_is_placed_while_a_list_is_carried_out_stops_it(world, monkeypatch):
    monkeypatch.setattr(carrying, "BATCH", 1)
    world.execute("billing", "UPDATE invoice SET owed = 0")
    request = world.open(Right.ACCESS, BOB)
    world.work()
    made = freeze(world.rt, "C07", user="anna")
    for user in ("anna", "ben"):
        approve(world.rt, "C07", made.plan_hash, user=user)

    def hold(name):
        if name == "erased":
            with world.rt.unit() as session:
                placing = manual_holds.Placing("H99", "dispute", world.rt.today() + timedelta(days=9))
                case = session.get_one(Request, request)
                manual_holds.place(session, world.rt, case, placing, user="anna")

    with pytest.raises(TryAgain, match="hold_placed"):
        carry_out(dataclasses.replace(world.rt, failpoint=hold), "C07", user="ben")
    world.clock.advance(minutes=1)
    assert carry_out(world.rt, "C07", user="ben") == {"erased": 1, "kept": 1}
    assert ids(world, "billing", "invoice") == [71, 72, 73]


@pytest.mark.parametrize("point", ["intended", "erased"])
def test_who_was_overtaken_by_another_run_changes_nothing_that_the_other_wrote(world, point):
    made = freeze(world.rt, "C07", user="anna")
    for user in ("anna", "ben"):
        approve(world.rt, "C07", made.plan_hash, user=user)
    theirs = []

    def overtaken(name):
        if name == point:
            theirs.append(carry_out(world.rt, "C07", user="anna"))

    with pytest.raises((Conflict, Fenced)):
        carry_out(dataclasses.replace(world.rt, failpoint=overtaken), "C07", user="ben")
    assert theirs == [{"erased": 1}]
    with world.rt.unit() as session:
        assert [item.outcome.value for item in session.scalars(select(RetentionItem))] == ["erased"]
        assert len(session.scalars(select(Tombstone)).all()) == 1


def test_a_search_that_does_not_end_frees_nothing(world, monkeypatch):
    monkeypatch.setattr(people, "_ROUNDS", 1)
    with pytest.raises(PersonMustLook, match="too_many_rounds"):
        look(world.rt, "C12")


@pytest.mark.parametrize("how", ["time", "event"])
def test_a_fact_that_begins_while_a_list_is_carried_out_holds_what_is_left_of_it(world, monkeypatch, how):
    monkeypatch.setattr(carrying, "BATCH", 1)
    world.execute("billing", "UPDATE invoice SET owed = 0")
    made = freeze(world.rt, "C12", user="anna")
    assert made.items == 3
    for user in ("anna", "ben"):
        approve(world.rt, "C12", made.plan_hash, user=user)

    def bill(name):
        if name == "erased":
            world.execute("billing", "UPDATE invoice SET owed = 10")
            if how == "time":
                world.clock.advance(seconds=carrying.FRESH.total_seconds())
            else:
                world.tell("1")

    assert carry_out(dataclasses.replace(world.rt, failpoint=bill), "C12", user="ben") == {"erased": 1, "kept": 2}
    assert len(ids(world, "shop", "orders")) == 3


class Refusing:
    """A source that lets only the first record of the first call go; all of them later."""

    def __init__(self, real, then):
        self.real, self.then, self.calls = real, then, 0

    def __getattr__(self, name):
        return getattr(self.real, name)

    def erase(self, op_id, fence, items):
        self.calls += 1
        if self.calls > 1:
            return self.real.erase(op_id, fence, items)
        done = self.real.erase(op_id, fence, items[:1])
        self.then()
        return [*done, *(ErasedItem(item.item_no, ReceiptOutcome.REFUSED) for item in items[1:])]


def test_a_fact_that_begins_before_another_round_holds_what_a_source_refused_in_the_first(world):
    world.execute("billing", "UPDATE invoice SET owed = 0")
    made = freeze(world.rt, "C12", user="anna")
    for user in ("anna", "ben"):
        approve(world.rt, "C12", made.plan_hash, user=user)

    def bill():
        world.execute("billing", "UPDATE invoice SET owed = 10")
        world.clock.advance(seconds=carrying.FRESH.total_seconds())

    shop = Refusing(world.rt.connectors["shop"], bill)
    rt = dataclasses.replace(world.rt, connectors={**world.rt.connectors, "shop": shop})
    assert carry_out(rt, "C12", user="ben") == {"erased": 1, "kept": 2}
    assert len(ids(world, "shop", "orders")) == 3


def test_what_two_people_approved_is_carried_out_at_night_and_nothing_else(world):
    for category, users in (("C07", ("anna",)), ("C12", ("anna", "ben"))):
        made = freeze(world.rt, category, user="anna")
        for user in users:
            approve(world.rt, category, made.plan_hash, user=user)
    assert carrying.carry_out_approved(world.rt) == 1
    assert ids(world, "billing", "invoice") == [70, 71, 72, 73]
    assert ids(world, "shop", "orders") == [2, 3, 4]
    assert carrying.carry_out_approved(world.rt) == 0


def test_a_list_whose_source_left_the_register_asks_a_person_and_stops_no_other(world):
    for category in ("C07", "C12"):
        made = freeze(world.rt, category, user="anna")
        for user in ("anna", "ben"):
            approve(world.rt, category, made.plan_hash, user=user)

    class KilledError(Exception):
        pass

    def kill(name):
        if name == "intended":
            raise KilledError

    with pytest.raises(KilledError):
        carry_out(dataclasses.replace(world.rt, failpoint=kill), "C07", user="ben")
    left = {name: one for name, one in world.rt.connectors.items() if name != "billing"}
    for _ in range(2):  # night after night: one task
        carrying.carry_out_approved(dataclasses.replace(world.rt, connectors=left))
    with world.rt.unit() as session:
        tasks = session.scalars(select(HumanTask).where(HumanTask.code == carrying.NOT_DONE)).all()
        assert {"category": "C07", "error": "source_not_in_register"} in [task.facts for task in tasks]
        assert len([task for task in tasks if task.facts["category"] == "C07"]) == 1
    assert carrying.carry_out_approved(world.rt) >= 1
    assert ids(world, "billing", "invoice") == [71, 72, 73]
    with world.rt.unit() as session:  # done after all: nobody is asked any more
        tasks = session.scalars(select(HumanTask).where(HumanTask.code == carrying.NOT_DONE)).all()
        assert {task.state for task in tasks} == {TaskState.DONE}


@pytest.mark.parametrize(
    ("error", "days", "asked"),
    [
        (SourceDown("source_down"), 1, []),
        (SourceDown("source_down"), 4, ["source_down"]),
        (PersonMustLook("plan_tampered"), 1, ["plan_tampered"]),
        (KeyError("a bug"), 1, ["unexpected"]),
    ],
)
def test_one_list_that_can_not_be_carried_out_stops_no_other_and_asks_unless_it_passes(
    world, monkeypatch, error, days, asked
):
    for category in ("C07", "C12"):
        made = freeze(world.rt, category, user="anna")
        for user in ("anna", "ben"):
            approve(world.rt, category, made.plan_hash, user=user)
    look = carrying.look

    def fails(rt, category):
        if category == "C07":
            raise error
        return look(rt, category)

    monkeypatch.setattr(carrying, "look", fails)
    world.clock.advance(days=days)
    assert carrying.carry_out_approved(world.rt) == 1
    assert (ids(world, "billing", "invoice"), ids(world, "shop", "orders")) == ([70, 71, 72, 73], [2, 3, 4])
    with world.rt.unit() as session:
        tasks = session.scalars(select(HumanTask).where(HumanTask.code == carrying.NOT_DONE)).all()
        assert [task.facts["error"] for task in tasks] == asked
