"""A mandate that ends stops what was asked by it, wherever the case has come to; and the dead have none."""

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from models.collection import Finding
from models.delivery import Grant
from models.mandate import AnswerTo
from models.request import Request
from models.restriction import RestrictionGround
from models.step import Step
from models.vocabulary import Channel, Ground, Kind, Outcome, RequestState, Right, StepState
from tests.mandates.holder import (
    HELPER,
    HOLDER,
    accept,
    ask_for,
    confirm,
    events,
    held,
    letters,
    mailed_to,
    mandate,
    tasks,
    terms,
)
from tests.world import JANE, World
from workflows.acting import Acting, Holder
from workflows.answer import fetch
from workflows.casefile import Claim
from workflows.errors import BadInput, Conflict, NotFound
from workflows.mandates import checking, ending
from workflows.mandates.seen import ticked
from workflows.restricting import naming
from workflows.stages import decision, intake
from workflows.views import show_plan

S = RequestState


def revoke(world: World, ident: UUID, reason: str = "The person called and took it back.") -> None:
    held(world, ident, lambda s, r: ending.revoke(s, world.rt, r, user="cleo", reason=reason))


def decided(world: World, *, days: int = 3) -> UUID:
    """An erasure by a mandate of a few days, decided on by two people and not yet carried out."""
    ident = ask_for(world, Right.ERASURE)
    accept(world, ident, terms(Right.ERASURE, until_on=world.rt.today() + timedelta(days=days)))
    confirm(world, ident)
    world.work()
    world.approve(ident, "anna", "ben")
    return ident


def test_a_mandate_that_ends_between_approval_and_erasure_stops_it_whole(world: World) -> None:
    before = world.rows("shop", "customer"), world.rows("shop", "orders")
    ident = decided(world)
    world.clock.advance(days=4)
    world.work()
    assert (world.rows("shop", "customer"), world.rows("shop", "orders")) == before
    assert world.state(ident) is S.DECIDING
    with pytest.raises(Conflict, match="mandate_expired"):
        world.approve(ident, "anna")
    assert "plan:voided" in events(world, ident)


def test_an_erasure_within_the_mandate_goes_through(world: World) -> None:
    ident = decided(world)
    world.work()
    assert world.state(ident) is S.CLOSED
    assert JANE not in str(world.rows("shop", "customer"))


def test_one_that_was_taken_back_stops_an_erasure_and_asks_for_another(world: World) -> None:
    ident = decided(world)
    revoke(world, ident)
    world.work()
    assert JANE in str(world.rows("shop", "customer"))
    assert "mandate_ended" in tasks(world, ident)
    assert "ask" in letters(world, ident)


def test_a_new_mandate_goes_on_where_the_old_one_stopped_it(world: World) -> None:
    ident = decided(world)
    world.clock.advance(days=4)
    world.work()
    assert accept(world, ident, terms(Right.ERASURE, until_on=world.rt.today() + timedelta(days=9))) == 1
    with pytest.raises(Conflict):
        world.approve(ident, "anna")
    confirm(world, ident)
    world.approve(ident, "anna", "ben")
    world.work()
    assert world.state(ident) is S.CLOSED
    assert "mandate_ended" not in tasks(world, ident)


def test_a_new_mandate_moves_neither_the_address_nor_the_scope(world: World) -> None:
    ident = decided(world)
    revoke(world, ident)
    with pytest.raises(BadInput) as wrong:
        accept(world, ident, terms(Right.ERASURE, holder=Holder("Other", "other@elsewhere.example")))
    assert [f.what for f in wrong.value.faults] == ["mandate_reply_frozen"]
    with pytest.raises(BadInput) as wrong:
        accept(world, ident, terms(Right.ERASURE, categories=frozenset({"C01"})))
    assert [f.what for f in wrong.value.faults] == ["mandate_scope_frozen"]


def test_a_mandate_that_ends_before_the_delivery_stops_it_and_it_can_be_refused(patient: World) -> None:
    ident = ask_for(patient)
    accept(patient, ident, terms(until_on=patient.rt.today() + timedelta(days=1)))
    patient.work()
    assert patient.state(ident) is S.DELIVERING
    patient.clock.advance(days=4)
    patient.work()
    with patient.rt.unit() as session:
        step = session.scalars(select(Step).where(Step.request_id == ident, Step.kind == Kind.DELIVER)).one()
    assert (step.state, step.error_code) == (StepState.NEEDS_HUMAN, "mandate_expired")
    assert "/fetch/" not in mailed_to(patient, HELPER)

    def refuse(session: Session, request: Request) -> None:
        reason = "The power of attorney has run out."
        decision.refuse(session, patient.rt, request, user="anna", ground=Ground.NO_MANDATE, reason=reason)

    held(patient, ident, refuse)
    patient.work()
    assert (patient.state(ident), patient.request(ident).outcome) == (S.CLOSED, Outcome.REFUSED)


def test_a_delivery_goes_on_with_the_new_days(patient: World) -> None:
    ident = ask_for(patient)
    accept(patient, ident, terms(until_on=patient.rt.today()))
    patient.work()
    patient.clock.advance(days=4)
    patient.work()
    assert patient.state(ident) is S.DELIVERING
    assert accept(patient, ident, terms()) == 0
    patient.work()
    assert patient.state(ident) is S.CLOSED


def test_nobody_is_refused_for_want_of_a_mandate_that_is_in_force(patient: World) -> None:
    ident = ask_for(patient)
    accept(patient, ident, terms())
    patient.work()
    with pytest.raises(Conflict, match="not_deciding"):
        held(
            patient,
            ident,
            lambda s, r: decision.refuse(
                s, patient.rt, r, user="anna", ground=Ground.NO_MANDATE, reason="None was shown to us."
            ),
        )


@pytest.mark.parametrize("how", ["revoked", "expired"])
def test_an_answer_that_lies_ready_opens_for_nobody_once_the_mandate_ended(world: World, how: str) -> None:
    ident = ask_for(world)
    accept(world, ident, terms(until_on=world.rt.today() + timedelta(days=2)))
    world.work()
    held(world, ident, lambda s, r: fetch(s, world.rt, r, "package.zip", actor="person"))
    if how == "revoked":
        revoke(world, ident)
    else:
        world.clock.advance(days=3)
    with pytest.raises(NotFound):
        held(world, ident, lambda s, r: fetch(s, world.rt, r, "package.zip", actor="person"))
    world.work()
    with world.rt.unit() as session:
        grants = session.scalars(select(Grant).where(Grant.request_id == ident)).all()
    assert grants
    assert all(grant.revoked_at is not None for grant in grants)


def test_what_goes_to_the_person_themselves_stays_theirs(world: World) -> None:
    ident = ask_for(world)
    accept(world, ident, terms(answer_to=AnswerTo.SUBJECT))
    world.work()
    revoke(world, ident)
    held(world, ident, lambda s, r: fetch(s, world.rt, r, "package.zip", actor="person"))


def test_only_what_a_mandate_covers_is_found_for_whoever_acts(world: World) -> None:
    ident = ask_for(world)
    accept(world, ident, terms(categories=frozenset({"C07"})))
    world.work()
    with world.rt.unit() as session:
        counts = {f.source: dict(f.counts) for f in session.scalars(select(Finding).where(Finding.request_id == ident))}
    assert counts == {"shop": {}, "billing": {"invoice": 2}}
    assert world.state(ident) is S.CLOSED


def test_only_what_a_mandate_covers_is_erased(world: World) -> None:
    before = world.rows("shop", "customer"), world.rows("shop", "orders")
    ident = ask_for(world, Right.ERASURE)
    accept(world, ident, terms(Right.ERASURE, categories=frozenset({"C07"})))
    confirm(world, ident)
    world.work()
    with world.rt.unit() as session:  # nothing else is even named
        plan = show_plan(session, world.rt, session.get_one(Request, ident))
    assert {item["category"] for item in plan["items"]} == {"C07"}
    world.approve(ident)
    world.work()
    assert world.state(ident) is S.CLOSED
    assert (world.rows("shop", "customer"), world.rows("shop", "orders")) == before
    assert [row[0] for row in world.rows("billing", "invoice")] == [72, 73]


def test_one_power_for_two_rights_asked_in_one_message_is_looked_at_for_each(world: World) -> None:
    claim = Claim(name="Jane", identifiers={"email": JANE}, reply_to=HELPER, for_another=True)
    asked = [
        intake.Asked(right, "en", Channel.DESK, claim, acting=Acting("lawyer", HOLDER))
        for right in (Right.ACCESS, Right.ERASURE)
    ]
    with world.rt.unit() as session:
        message, _ = intake.store(session, world.rt, channel=Channel.DESK, external_id="1", raw=b"one letter")
        first, second = (o.request.id for o in intake.open_requests(session, world.rt, asked, message=message))
    world.work()
    accept(world, first, terms())
    world.work()
    assert world.state(first) is S.CLOSED
    assert (world.state(second), world.request(second).proof_sealed) == (S.VERIFYING, None)
    with pytest.raises(BadInput):  # the power names access alone
        accept(world, second, terms(Right.ERASURE, rights=frozenset({Right.ACCESS})))


def test_a_persons_own_request_does_not_end_in_that_of_whoever_acts_for_them(world: World) -> None:
    theirs = ask_for(world, Right.ERASURE)
    accept(world, theirs, terms(Right.ERASURE))
    confirm(world, theirs)
    world.work()
    own = world.open(Right.ERASURE)
    world.work()
    assert world.state(own) is S.DECIDING
    later = ask_for(world, Right.ERASURE)
    accept(world, later, terms(Right.ERASURE))
    confirm(world, later)
    world.work()
    assert world.state(later) is S.DECIDING


def test_a_request_about_the_dead_ends_with_the_letter_to_the_estate_and_says_nothing_of_them(world: World) -> None:
    ident = ask_for(world, kind="estate")
    with pytest.raises(BadInput):
        held(world, ident, lambda s, r: checking.estate(s, world.rt, r, user="cleo"))
    held(world, ident, lambda s, r: checking.tick(s, world.rt, r, user="cleo", kind="estate", codes=["death_seen"]))
    held(world, ident, lambda s, r: checking.estate(s, world.rt, r, user="cleo"))
    world.work()
    request = world.request(ident)
    assert (request.state, request.outcome, request.proof_sealed) == (S.CLOSED, Outcome.ESTATE, None)
    assert "estate" in letters(world, ident)
    assert "Jane" not in mailed_to(world, HELPER)
    assert mailed_to(world, JANE) == ""


def test_three_hundred_requests_of_one_company_are_three_hundred_mandates(world: World) -> None:
    one, other = ask_for(world), ask_for(world, who="bob@shop.example")
    accept(world, one, terms())
    world.work()
    assert (world.state(one), world.state(other)) == (S.CLOSED, S.VERIFYING)
    assert world.request(other).extended_at is None


def test_a_mandate_is_revoked_with_a_reason_and_only_once(world: World) -> None:
    ident = ask_for(world)
    accept(world, ident, terms())
    with pytest.raises(BadInput):
        revoke(world, ident, reason="no")
    revoke(world, ident)
    with pytest.raises(Conflict):
        revoke(world, ident)
    assert mandate(world, ident).ended_why == "revoked"


def test_a_mandate_that_ends_before_a_restriction_is_carried_out_stops_it(patient: World) -> None:
    ident = ask_for(patient, Right.RESTRICTION)
    accept(patient, ident, terms(Right.RESTRICTION, until_on=patient.rt.today() + timedelta(days=1)))
    confirm(patient, ident)
    scope = naming.Scope(RestrictionGround.ACCURACY, "The address is said to be wrong.", sources=("shop",))
    held(patient, ident, lambda s, r: naming.name_scope(s, patient.rt, r, scope, user="cleo"))
    patient.work()
    patient.approve(ident, "anna")
    patient.work()
    assert patient.state(ident) is S.CHANGING
    patient.clock.advance(days=4)
    patient.work()
    with patient.rt.unit() as session:
        steps = session.scalars(select(Step).where(Step.request_id == ident, Step.kind == Kind.CHANGE)).all()
    assert "mandate_expired" in {step.error_code for step in steps}
    assert patient.request(ident).answered_at is None


@pytest.mark.parametrize("swept", [True, False])
def test_what_was_seen_of_a_mandate_that_ended_says_nothing_of_the_new_one(patient: World, swept: bool) -> None:
    ident = ask_for(patient)
    accept(patient, ident, terms(until_on=patient.rt.today()))
    if swept:
        patient.work()
    patient.clock.advance(days=2)
    if swept:
        patient.work()
        with patient.rt.unit() as session:
            assert ticked(session, session.get_one(Request, ident)) == {}
    with pytest.raises(BadInput) as wrong:
        accept(patient, ident, terms(ticked=frozenset()))
    assert {f.what for f in wrong.value.faults} == {"mandate_unchecked"}
    assert accept(patient, ident, terms()) == 0
