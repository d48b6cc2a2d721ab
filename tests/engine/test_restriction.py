"""Restriction and objection from the request to the letter, and how a restriction ends: never by accident."""

import uuid
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import delete, select

from models.decision import Approval, PlanItem
from models.delivery import Artifact
from models.hand import HandSearch
from models.notices import Notice, NoticeKind
from models.request import Request
from models.restriction import RestrictedHow, RestrictedItem, Restriction, RestrictionGround, Weighed
from models.staff import HumanTask
from models.step import Effect
from models.vocabulary import (
    Action,
    EffectState,
    Event,
    Ground,
    HandState,
    Kind,
    Letter,
    Method,
    Outcome,
    RequestState,
    Right,
    TaskState,
)
from tests.world import BOB, JANE, fill_source, open_world, prepare, write_register
from workflows import lifecycle
from workflows.engine import claim, run
from workflows.errors import BadInput, Conflict, NotAllowed, TryAgain
from workflows.exchange import ChangedItem, ChangeItem
from workflows.messages import WORK
from workflows.post import send_all
from workflows.reopening import reopen
from workflows.restricting import lifting, naming, objecting
from workflows.restricting.hand import done_by_hand
from workflows.restriction import restriction_of, restrictions_on, restrictions_on_record, wanted_kept
from workflows.stages import decision
from workflows.stages.by_hand import answer_by_hand
from workflows.stages.changing import look_again
from workflows.stages.verification import by_staff
from workflows.sweeps import expired_leases, unidentified
from workflows.work import Changes

S = RequestState
RECIPIENTS = """
- {id: printer, name: Printer Oy, role: processor, email: privacy@printer.example, categories: [C01], language: en}
- {id: archive, name: Archive Oy, role: recipient, categories: [C07]}
"""
WHY = "She says that the note on her order is wrong."


@pytest.fixture
def world(tmp_path):
    """The shop can mark its orders; its customers and the billing can't."""
    environ = prepare(tmp_path)
    shop = (tmp_path / "register" / "sources" / "shop.yaml").read_text(encoding="utf-8")
    field = "          - {name: note, data_categories: [user.content], fides_meta: {data_type: string}}\n"
    flag = "          - {name: locked, data_categories: [system.operations], fides_meta: {data_type: string}}\n"
    person = "person:\n  collections:\n    orders: {restrict: {column: locked, value: 'yes', free: 'no'}}\n"
    changed = {"sources/shop.yaml": shop.replace(field, field + flag) + person, "recipients.yaml": RECIPIENTS}
    write_register(tmp_path / "register", changed)
    fill_source(environ["SHOP_URL"], "ALTER TABLE orders ADD COLUMN locked VARCHAR(3) DEFAULT 'no'")
    world = open_world(environ)
    yield world
    world.close()


def locked(world, ident: uuid.UUID):
    class Unit:
        def __enter__(self):
            self.unit = world.rt.unit()
            session = self.unit.__enter__()
            return session, session.get_one(Request, ident, with_for_update=True)

        def __exit__(self, *error):
            return self.unit.__exit__(*error)

    return Unit()


def named(world, *, ground=RestrictionGround.ACCURACY, sources=("shop",), who=JANE) -> uuid.UUID:
    """A restriction that has come to its decision, with ground and data named."""
    ident = world.open(Right.RESTRICTION, who)
    scope = naming.Scope(ground, WHY, sources=sources)
    with locked(world, ident) as (session, request):
        naming.name_scope(session, world.rt, request, scope, user="cleo")
    world.work()
    return ident


def by_hand(world, ident: uuid.UUID, *, possible: bool = True) -> None:
    with locked(world, ident) as (session, request):
        for task in session.scalars(
            select(HumanTask).where(HumanTask.request_id == ident, HumanTask.state == TaskState.OPEN)
        ):
            if task.code in ("restrict_by_hand", "unrestrict_by_hand"):
                done_by_hand(session, world.rt, request, task, possible=possible, user="cleo")
    world.work()


def restricted(world, **how) -> uuid.UUID:
    ident = named(world, **how)
    world.approve(ident, "anna")
    world.work()
    by_hand(world, ident)
    return ident


def row_of(world, ident: uuid.UUID) -> Restriction:
    with locked(world, ident) as (session, request):
        return restriction_of(session, request)


def flags(world) -> list[str]:
    return [row[3] for row in world.rows("shop", "orders")]


def told_to_lift(world, ident: uuid.UUID) -> None:
    with locked(world, ident) as (session, request):
        reason = lifting.Reason("verified", "The note is right as it stands.")
        lifting.ask_to_lift(session, world.rt, request, reason, user="anna")


def test_a_restriction_marks_exactly_what_was_approved_and_ends_with_its_letter(world):
    before = {name: world.rows("shop", name) for name in ("customer",)}
    ident = named(world)
    assert world.state(ident) is S.DECIDING
    assert flags(world) == ["no"] * 4
    world.approve(ident, "anna")
    world.work()
    assert flags(world) == ["yes", "yes", "no", "no"]
    assert world.state(ident) is S.CHANGING  # the customer's own row has no mark: a person has to
    by_hand(world, ident)
    request = world.request(ident)
    assert (request.state, request.outcome) == (S.HELD, Outcome.RESTRICTED)
    with world.rt.unit() as session:
        names = session.scalars(select(Artifact.name).where(Artifact.request_id == ident)).all()
        how = {i.collection: i.how for i in session.scalars(select(RestrictedItem))}
        assert session.scalars(select(Effect.state)).all() == [EffectState.CONFIRMED]
        told = session.scalars(select(Notice).where(Notice.request_id == ident)).all()
    assert [(n.recipient, n.kind) for n in told] == [("printer", NoticeKind.RESTRICTION)]
    assert names == ["letter_restriction.pdf"]
    assert how == {"orders": RestrictedHow.IN_SOURCE, "customer": RestrictedHow.BY_HAND}
    assert {name: world.rows("shop", name) for name in before} == before


def test_nobody_approves_a_restriction_without_ground_and_data(world):
    ident = world.open(Right.RESTRICTION)
    world.work()
    with pytest.raises(Conflict, match="ground_missing"):
        world.approve(ident, "anna")


def test_ground_and_data_are_named_in_words_and_from_the_register(world):
    ident = world.open(Right.RESTRICTION)
    scope = naming.Scope(RestrictionGround.KEPT, "short", categories=("C77",), sources=("nowhere",))
    with pytest.raises(BadInput) as wrong, locked(world, ident) as (session, request):
        naming.name_scope(session, world.rt, request, scope, user="cleo")
    assert {f.where for f in wrong.value.faults} == {"ground", "note", "categories", "sources"}


def test_naming_other_data_makes_the_plan_anew_and_voids_what_was_planned(world):
    ident = named(world, sources=("billing",))
    scope = naming.Scope(RestrictionGround.CLAIM, WHY, sources=("shop",))
    with locked(world, ident) as (session, request):
        naming.name_scope(session, world.rt, request, scope, user="cleo")
    world.work()
    world.approve(ident, "anna")
    with world.rt.unit() as session:
        assert set(session.scalars(select(RestrictedItem.source))) == {"shop"}


def test_a_record_that_changed_since_the_decision_is_decided_on_again(world):
    ident = named(world)
    world.approve(ident, "anna")
    world.execute("shop", "UPDATE orders SET note = 'another' WHERE id = 2")
    world.work()
    assert world.state(ident) is S.DECIDING
    assert flags(world)[2:] == ["no", "no"]
    world.approve(ident, "anna")
    world.work()
    assert flags(world) == ["yes", "yes", "no", "no"]


def test_other_systems_find_it_by_person_and_by_record_while_it_is_in_force(world):
    ident = restricted(world)
    with world.rt.unit() as session:
        [found] = restrictions_on(session, world.rt, [("email", JANE)])
        assert found.request_id == ident
        assert restrictions_on(session, world.rt, [("email", BOB)]) == []
        assert restrictions_on_record(session, world.rt, "shop", "orders", locator={"id": 1}) == [found]
        assert restrictions_on_record(session, world.rt, "shop", "orders", locator={"id": "1"}) == [found]
        assert restrictions_on_record(session, world.rt, "shop", "orders", locator={"id": 3}) == []


def test_neither_another_request_nor_a_withdrawal_lifts_it(world):
    ident = restricted(world)
    world.open(Right.ACCESS)
    world.work()
    assert flags(world) == ["yes", "yes", "no", "no"]
    with pytest.raises(Conflict), locked(world, ident) as (session, request):
        decision.withdraw(session, world.rt, request, actor="person")
    assert row_of(world, ident).ended_at is None
    assert world.state(ident) is S.HELD


def test_it_is_lifted_after_the_notice_went_out_and_the_days_are_over(world):
    ident = restricted(world)
    with pytest.raises(Conflict, match="too_early"), locked(world, ident) as (session, request):
        lifting.lift(session, world.rt, request, user="anna")
    told_to_lift(world, ident)
    send_all(world.rt)
    assert flags(world) == ["yes", "yes", "no", "no"]
    with pytest.raises(Conflict, match="too_early"), locked(world, ident) as (session, request):
        lifting.lift(session, world.rt, request, user="anna")
    world.clock.advance(days=lifting.DAYS)
    world.execute("shop", "UPDATE orders SET note = 'put right' WHERE id = 2")  # a correction lifts nothing
    world.work()
    assert flags(world) == ["yes", "yes", "no", "no"]
    with pytest.raises(NotAllowed), locked(world, ident) as (session, request):
        lifting.lift(session, world.rt, request, user="cleo")
    with locked(world, ident) as (session, request):
        lifting.lift(session, world.rt, request, user="anna")
    world.work()
    by_hand(world, ident)
    assert flags(world) == ["no"] * 4
    assert world.state(ident) is S.CLOSED
    row = row_of(world, ident)
    assert (row.ended_by, row.ended_why) == ("anna", "verified")
    with world.rt.unit() as session:
        assert restrictions_on(session, world.rt, [("email", JANE)]) == []


def test_a_notice_that_never_went_out_lifts_nothing(world):
    ident = restricted(world)
    told_to_lift(world, ident)
    world.clock.advance(days=lifting.DAYS)
    with pytest.raises(Conflict, match="not_told"), locked(world, ident) as (session, request):
        lifting.lift(session, world.rt, request, user="anna")
    assert flags(world) == ["yes", "yes", "no", "no"]


def test_even_a_forged_state_lifts_nothing_that_nobody_was_told_of(world):
    ident = restricted(world)
    told_to_lift(world, ident)
    with locked(world, ident) as (session, request):
        lifecycle.advance(session, world.rt, request, Event.LIFT_DUE, actor="anna")
    world.work()
    assert flags(world) == ["yes", "yes", "no", "no"]
    assert row_of(world, ident).ended_at is None


@pytest.mark.parametrize("ground", [RestrictionGround.CLAIM, RestrictionGround.UNLAWFUL])
def test_what_the_person_wants_kept_is_held_from_their_erasure(world, ground):
    restricted(world, ground=ground, sources=())
    ident = world.open(Right.ERASURE)
    world.work()
    with world.rt.unit() as session:
        items = session.scalars(select(PlanItem).where(PlanItem.action != Action.RESTRICT)).all()
        assert items
        assert {i.action for i in items} == {Action.KEEP}
        assert {h["rule"] for i in items for h in i.holds} == {"H16"}
    assert world.state(ident) is S.DECIDING


def test_contested_data_may_still_be_erased_when_the_person_asks_for_that(world):
    restricted(world, ground=RestrictionGround.ACCURACY)
    world.open(Right.ERASURE)
    world.work()
    with world.rt.unit() as session:
        assert Action.DELETE in set(session.scalars(select(PlanItem.action)))


def test_a_source_that_can_not_be_marked_at_all_is_told_as_such(world):
    ident = named(world, sources=("billing",))
    world.approve(ident, "anna")
    world.work()
    by_hand(world, ident, possible=False)
    with world.rt.unit() as session:
        assert set(session.scalars(select(RestrictedItem.how))) == {RestrictedHow.NOTED}
    assert world.request(ident).outcome is Outcome.RESTRICTED


def test_a_plan_that_was_tampered_with_after_its_approval_restricts_nothing(world):
    ident = named(world)
    world.approve(ident, "anna")
    with world.rt.unit() as session:
        item = session.scalars(select(PlanItem).where(PlanItem.collection == "orders")).first()
        item.reason = "another"
    world.work()
    assert flags(world) == ["no"] * 4
    assert world.state(ident) is S.CHANGING


def test_an_approval_that_is_gone_restricts_nothing(world):
    ident = named(world)
    world.approve(ident, "anna")
    with world.rt.unit() as session:
        session.execute(delete(Approval))
    world.work()
    assert flags(world) == ["no"] * 4


def test_what_the_source_does_not_show_as_written_is_not_called_done():
    class Source:
        def present(self, items):
            return {items[0].item_no: "11" * 32}

    items = (ChangeItem(1, "orders", {"id": 1}, "00" * 32),)
    changes = Changes("shop", "op", items=items, connector=Source())
    look_again(changes, [ChangedItem(1, "changed", "11" * 32)])
    with pytest.raises(TryAgain, match="not_as_written"):
        look_again(changes, [ChangedItem(1, "changed", "22" * 32)])


def weighed(world, result: Weighed) -> uuid.UUID:
    ident = world.open(Right.OBJECTION)
    world.work()
    with locked(world, ident) as (session, request):
        grounds = objecting.Grounds(result, "We plan the grid by it.", "She is hiding from somebody.")
        objecting.weigh(session, world.rt, request, grounds, user="anna")
    return ident


def test_the_uses_that_are_objected_to_rest_from_the_day_it_came_in(world):
    world.open(Right.OBJECTION, desk=False)
    with world.rt.unit() as session:
        [found] = restrictions_on(session, world.rt, [("email", JANE)])
        assert found.ground is RestrictionGround.OBJECTION


def test_an_objection_is_not_decided_before_somebody_weighed_it(world):
    ident = world.open(Right.OBJECTION)
    world.work()
    assert world.state(ident) is S.DECIDING
    with pytest.raises(Conflict, match="not_weighed"):
        world.approve(ident, "anna")


def test_an_objection_that_is_upheld_stops_the_use_for_good(world):
    ident = weighed(world, Weighed.STOP)
    world.approve(ident, "anna")
    world.work()
    request = world.request(ident)
    assert (request.state, request.outcome) == (S.CLOSED, Outcome.STOPPED)
    world.clock.advance(days=400)
    with world.rt.unit() as session:
        assert restrictions_on(session, world.rt, [("email", JANE)])
        assert session.scalars(select(Artifact.name)).all() == ["letter_objection.pdf"]


@pytest.mark.parametrize("result", [Weighed.GO_ON, Weighed.NOT_APPLICABLE])
def test_an_objection_that_is_not_upheld_is_refused_and_the_rest_ends_with_it(world, result):
    ident = weighed(world, result)
    with pytest.raises(Conflict, match="weighed_otherwise"):
        world.approve(ident, "anna")
    with locked(world, ident) as (session, request):
        decision.refuse(
            session, world.rt, request, user="anna", ground=Ground.NO_GROUND, reason="The use rests on your contract."
        )
    world.work()
    assert world.request(ident).outcome is Outcome.REFUSED
    with world.rt.unit() as session:
        assert restrictions_on(session, world.rt, [("email", JANE)]) == []


def test_the_law_of_days_is_told_to_the_person_with_the_notice(world):
    ident = restricted(world)
    told_to_lift(world, ident)
    row = row_of(world, ident)
    assert row.lift_on == world.rt.today() + timedelta(days=lifting.DAYS)
    send_all(world.rt)
    [mail] = [m for m in world.mailer.sent if m.subject.startswith("The restriction is going to end")]
    assert f"{row.lift_on.day}\N{NO-BREAK SPACE}March 2026 at the earliest" in mail.body
    assert mail.to == JANE
    assert WHY not in mail.body


@pytest.mark.parametrize("where", ["intended", "changed", "worked", "settling"])
def test_a_worker_that_dies_on_the_way_marks_nothing_twice_and_nobody_else_s(world, where):
    class Killed(BaseException):
        pass

    died = []

    def die(name: str) -> None:
        if name == where and not died:
            died.append(name)
            raise Killed

    ident = named(world)
    world.approve(ident, "anna")
    world.rt = replace(world.rt, failpoint=die)
    with pytest.raises(Killed):
        world.work()
    world.clock.advance(minutes=5)
    expired_leases(world.rt)
    world.clock.advance(minutes=5)
    world.work()
    by_hand(world, ident)
    assert flags(world) == ["yes", "yes", "no", "no"]
    assert world.request(ident).outcome is Outcome.RESTRICTED
    with world.rt.unit() as session:
        assert session.scalars(select(Effect.state).where(Effect.kind == "change")).all() == [EffectState.CONFIRMED]


def test_data_that_are_named_while_the_plan_is_being_made_are_what_is_planned(world):
    ident = world.open(Right.RESTRICTION)
    claimed = claim(world.rt, WORK)
    while claimed is not None and claimed.lease.kind is not Kind.ASSESS:
        run(world.rt, claimed)
        claimed = claim(world.rt, WORK)
    scope = naming.Scope(RestrictionGround.CLAIM, WHY, sources=("billing",))
    with locked(world, ident) as (session, request):
        naming.name_scope(session, world.rt, request, scope, user="cleo")
    run(world.rt, claimed)
    world.work()
    assert world.state(ident) is S.DECIDING
    with world.rt.unit() as session:
        assert set(session.scalars(select(PlanItem.source))) == {"billing"}


def test_what_people_wrote_for_the_search_goes_when_the_restriction_ends(world):
    ident = restricted(world)
    with world.rt.unit() as session:
        told = {"asked_digest": bytes(32), "answer_sealed": b"hers", "terms_sealed": b"hers"}
        session.add(HandSearch(request_id=ident, source="cellar", state=HandState.ASKED, **told))
    told_to_lift(world, ident)
    send_all(world.rt)
    world.clock.advance(days=lifting.DAYS)
    with locked(world, ident) as (session, request):
        lifting.lift(session, world.rt, request, user="anna")
    world.work()
    by_hand(world, ident)
    assert world.state(ident) is S.CLOSED
    with world.rt.unit() as session:
        search = session.scalars(select(HandSearch)).one()
        assert (search.answer_sealed, search.terms_sealed) == (None, None)


def in_doubt(world, ident: uuid.UUID) -> None:
    """The contact on file has five hours to say that it was not them."""
    with locked(world, ident) as (_, request):
        request.objection_until = world.rt.now() + timedelta(hours=5)


def test_people_are_asked_to_mark_no_earlier_than_programs_do(world):
    ident = named(world, sources=("billing",))
    in_doubt(world, ident)
    world.approve(ident, "anna")
    world.work()
    asked = select(HumanTask.state).where(HumanTask.code == "restrict_by_hand")
    with world.rt.unit() as session:
        assert session.scalars(asked).all() == []
    world.clock.advance(hours=6)
    world.work()
    with world.rt.unit() as session:
        assert session.scalars(asked).all() == [TaskState.OPEN]
    by_hand(world, ident)
    assert world.state(ident) is S.HELD


def test_nobody_is_asked_to_free_what_the_person_was_not_told_of(world):
    ident = named(world, sources=("billing",))
    world.approve(ident, "anna")
    world.work()
    by_hand(world, ident)
    told_to_lift(world, ident)
    with locked(world, ident) as (session, request):
        lifecycle.advance(session, world.rt, request, Event.LIFT_DUE, actor="anna")
    world.work()
    with world.rt.unit() as session:
        codes = set(session.scalars(select(HumanTask.code).where(HumanTask.state == TaskState.OPEN)))
    assert "not_told" in codes
    assert "unrestrict_by_hand" not in codes
    assert row_of(world, ident).ended_at is None


def disowned(world, ident: uuid.UUID) -> None:
    with locked(world, ident) as (session, request):
        reason = "The person on file says that it was somebody else."
        decision.refuse(session, world.rt, request, user="anna", ground=Ground.NOT_IDENTIFIED, reason=reason)
    world.work()


def taken_up(world, ident: uuid.UUID) -> None:
    with locked(world, ident) as (session, request):
        reopen(session, world.rt, request, user="cleo", reason="She came to the desk today.")
    world.work()


def test_a_restriction_that_the_person_on_file_disowns_does_not_stay(world):
    ident = named(world, ground=RestrictionGround.CLAIM)
    in_doubt(world, ident)
    world.approve(ident, "anna")
    world.work()
    disowned(world, ident)
    assert world.state(ident) is S.CLOSED
    with world.rt.unit() as session:
        assert restrictions_on(session, world.rt, [("email", JANE)]) == []
        assert wanted_kept(session, world.rt) is None


def test_a_refusal_does_not_free_what_is_marked_already(world):
    ident = named(world)
    world.approve(ident, "anna")
    world.execute("shop", "UPDATE orders SET note = 'another' WHERE id = 2")
    world.work()
    assert flags(world) == ["yes", "no", "no", "no"]
    with locked(world, ident) as (session, request):
        reason = "The data are right as they stand."
        decision.refuse(session, world.rt, request, user="anna", ground=Ground.NO_GROUND, reason=reason)
    world.work()
    assert world.state(ident) is S.HELD
    assert row_of(world, ident).ended_at is None


def test_a_restriction_that_is_taken_up_again_is_in_force_again(world):
    ident = named(world)
    world.approve(ident, "anna")
    world.execute("shop", "UPDATE orders SET note = 'another' WHERE id IN (1, 2)")
    world.work()
    with locked(world, ident) as (session, request):
        reason = "You did not say which of your data."
        decision.refuse(session, world.rt, request, user="anna", ground="not_specified", reason=reason)
    world.work()
    assert world.state(ident) is S.CLOSED
    with world.rt.unit() as session:
        assert restrictions_on(session, world.rt, [("email", JANE)]) == []
    taken_up(world, ident)
    world.approve(ident, "anna")
    world.work()
    by_hand(world, ident)
    assert world.state(ident) is S.HELD
    with world.rt.unit() as session:
        assert len(restrictions_on(session, world.rt, [("email", JANE)])) == 1


def test_an_objection_that_is_taken_up_again_rests_again_and_can_be_upheld(world):
    ident = world.open(Right.OBJECTION, desk=False)
    world.work()
    world.clock.advance(days=28)
    unidentified(world.rt)
    world.work()
    assert world.state(ident) is S.CLOSED
    taken_up(world, ident)
    with locked(world, ident) as (session, request):
        by_staff(session, world.rt, request, user="cleo", method=Method.DESK, identifiers={"email": JANE})
    world.work()
    with world.rt.unit() as session:
        assert len(restrictions_on(session, world.rt, [("email", JANE)])) == 1
    with locked(world, ident) as (session, request):
        grounds = objecting.Grounds(Weighed.STOP, "We plan the grid by it.", "She is hiding from somebody.")
        objecting.weigh(session, world.rt, request, grounds, user="anna")
    world.approve(ident, "anna")
    world.work()
    assert world.request(ident).outcome is Outcome.STOPPED
    with world.rt.unit() as session:
        assert len(restrictions_on(session, world.rt, [("email", JANE)])) == 1


@pytest.mark.parametrize("goes_on", [True, False])
def test_what_rests_for_an_objection_answered_by_hand_goes_on_only_where_somebody_says_so(world, goes_on):
    ident = world.open(Right.OBJECTION)
    world.work()
    with locked(world, ident) as (session, request):
        words = "We looked into what you object to, and this is what came of it."
        answer_by_hand(session, world.rt, request, user="cleo", letter=Letter.ANSWER, words=words, goes_on=goes_on)
    world.work()
    assert world.state(ident) is S.CLOSED
    with world.rt.unit() as session:
        assert bool(restrictions_on(session, world.rt, [("email", JANE)])) is not goes_on


def test_what_is_marked_in_a_source_that_left_the_register_is_freed_by_a_person(world):
    ident = restricted(world)
    told_to_lift(world, ident)
    send_all(world.rt)
    world.clock.advance(days=lifting.DAYS)
    sources = {name: spec for name, spec in world.rt.register.sources.items() if name != "shop"}
    connectors = {name: one for name, one in world.rt.connectors.items() if name != "shop"}
    register = world.rt.register.model_copy(update={"sources": sources})
    world.rt = replace(world.rt, register=register, connectors=connectors)
    with locked(world, ident) as (session, request):
        lifting.lift(session, world.rt, request, user="anna")
    world.work()
    assert row_of(world, ident).ended_at is None
    by_hand(world, ident)
    assert world.state(ident) is S.CLOSED
    with world.rt.unit() as session:
        assert set(session.scalars(select(RestrictedItem.how))) == {RestrictedHow.FREED}
        assert restrictions_on(session, world.rt, [("email", JANE)]) == []
