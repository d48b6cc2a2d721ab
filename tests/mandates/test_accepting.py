"""Nobody is proven by whoever helps them: a mandate has to be seen, by two where the harm can't be undone."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy.orm import Session

from models.mandate import AnswerTo, MandateState
from models.request import Request
from models.vocabulary import Channel, Method, Outcome, RequestState, Right
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
from tests.world import BOB, JANE, World
from workflows import nearness
from workflows.acting import Acting, Holder, hand_on, holder_of, mandate_of, standing_of
from workflows.casefile import Claim, open_key, open_proof
from workflows.errors import BadInput, Conflict, NotAllowed
from workflows.mandates import checking
from workflows.mandates.seen import ticked
from workflows.reopening import reopen
from workflows.rules.mandates import Standing
from workflows.stages import decision, intake, verification

S = RequestState


def faults(world: World, ident: UUID, **more: Any) -> set[str]:
    """What is wrong with terms that differ from good ones by this."""
    with pytest.raises(BadInput) as wrong:
        accept(world, ident, terms(**more))
    return {fault.what for fault in wrong.value.faults}


def test_who_was_seen_themselves_has_proven_nothing_of_the_person_they_ask_for(world: World) -> None:
    ident = ask_for(world, desk=True)
    request = world.request(ident)
    assert (request.state, request.verified_method, request.proof_sealed) == (S.VERIFYING, None, None)
    assert mandate(world, ident).state is MandateState.CLAIMED
    assert "for_another" in tasks(world, ident)


def test_no_colleagues_word_on_whom_they_saw_stands_for_a_mandate(world: World) -> None:
    ident = ask_for(world)

    def seen(session: Session, request: Request) -> None:
        verification.by_staff(
            session,
            world.rt,
            request,
            user="cleo",
            method=Method.DESK,
            identifiers={"email": JANE},
        )

    with pytest.raises(NotAllowed, match="mandate_needed"):
        held(world, ident, seen)
    accept(world, ident, terms())
    with pytest.raises(NotAllowed, match="mandate_needed"):  # whom it is about, the mandate says
        held(world, ident, seen)


def test_nothing_goes_to_the_person_or_tells_of_them_before_the_mandate_is_accepted(world: World) -> None:
    ident = ask_for(world)
    assert mailed_to(world, JANE) == ""
    assert letters(world, ident) == {"acknowledgement", "ask"}
    assert "Jane" not in mailed_to(world, HELPER)
    world.clock.advance(days=2)
    world.work()
    assert world.state(ident) is S.VERIFYING


def test_an_accepted_mandate_brings_the_answer_to_where_it_says(world: World) -> None:
    ident = ask_for(world)
    assert accept(world, ident, terms()) == 0
    world.work()
    assert (world.state(ident), world.request(ident).outcome) == (S.CLOSED, Outcome.DELIVERED)
    assert "/fetch/" in mailed_to(world, HELPER)
    assert "/fetch/" not in mailed_to(world, JANE)
    row = mandate(world, ident)
    assert (row.state, row.proven_by, row.people, row.rights) == (MandateState.PROVEN, "cleo", 1, ["access"])
    assert events(world, ident).count("mandate:accepted") == 1


def test_the_person_hears_that_somebody_acts_for_them(world: World) -> None:
    ident = ask_for(world)
    accept(world, ident, terms())
    world.work()
    assert "notice" in letters(world, ident)
    assert "somebody acts for you" in mailed_to(world, JANE)


def test_unless_the_mandate_says_otherwise_the_answer_goes_to_the_person(world: World) -> None:
    ident = ask_for(world)
    accept(world, ident, terms(answer_to=AnswerTo.SUBJECT))
    world.work()
    assert "/fetch/" in mailed_to(world, JANE)
    assert "/fetch/" not in mailed_to(world, HELPER)


def test_the_helpers_address_is_never_taken_for_the_persons_own(world: World) -> None:
    ident = ask_for(world)
    accept(world, ident, terms())
    world.work()
    with world.rt.unit() as session:
        request = session.get_one(Request, ident)
        proof = open_proof(open_key(session, world.rt, request.data_key_id), request)
    assert (proof.contact.email, proof.reply.email) == (JANE, HELPER)
    assert HELPER not in str(proof.told())


@pytest.mark.parametrize("missing", ["holder_seen", "power_seen", "power_covers_it"])
def test_one_line_that_nobody_ticked_keeps_everything_back(world: World, missing: str) -> None:
    ident = ask_for(world)
    assert faults(world, ident, ticked=terms().ticked - {missing}) == {"mandate_unchecked"}
    world.work()
    assert world.state(ident) is S.VERIFYING


def test_two_colleagues_may_tick_the_lines_between_them_each_by_name(world: World) -> None:
    ident = ask_for(world)
    lines = terms().ticked
    held(world, ident, lambda s, r: checking.tick(s, world.rt, r, user="ben", kind="lawyer", codes=["power_seen"]))
    assert accept(world, ident, terms(ticked=lines - {"power_seen"})) == 0
    with world.rt.unit() as session:
        rows = ticked(session, session.get_one(Request, ident))
    assert {code: row.checked_by for code, row in rows.items()} == {
        "holder_seen": "cleo", "power_seen": "ben", "power_covers_it": "cleo",
    }  # fmt: skip


def test_what_else_is_missing_is_said_all_at_once(world: World) -> None:
    ident = ask_for(world)
    wrong = faults(
        world, ident, holder=Holder(), identifiers={}, method=Method.CODE, until_on=world.rt.today() - timedelta(days=1)
    )
    assert wrong == {"mandate_holder", "mandate_holder_email", "nothing_checked", "method_missing", "mandate_over"}
    assert faults(world, ident, categories=frozenset({"C99"})) == {"mandate_category_unknown"}
    assert faults(world, ident, kind="trustee") == {"mandate_categories"}
    assert faults(world, ident, kind="estate") == {"mandate_of_the_dead"}


def test_an_erasure_by_a_mandate_needs_a_second_person_who_may_decide(world: World) -> None:
    ident = ask_for(world, Right.ERASURE)
    assert accept(world, ident, terms(Right.ERASURE)) == 1
    world.work()
    assert (world.state(ident), mandate(world, ident).state) == (S.VERIFYING, MandateState.CLAIMED)
    with pytest.raises(NotAllowed, match="role"):
        confirm(world, ident, user="cleo")
    confirm(world, ident, user="ben")
    world.work()
    assert world.state(ident) is S.DECIDING
    row = mandate(world, ident)
    assert (row.offered_by, row.proven_by, row.people, row.offer_sealed) == ("cleo", "ben", 2, None)


def test_who_looked_first_does_not_confirm_it_themselves(world: World) -> None:
    ident = ask_for(world, Right.ERASURE)
    accept(world, ident, terms(Right.ERASURE), user="anna")
    with pytest.raises(NotAllowed, match="preparer"):
        confirm(world, ident, user="anna")
    assert mandate(world, ident).state is MandateState.CLAIMED


def test_the_second_person_confirms_exactly_what_the_first_one_saw(world: World) -> None:
    ident = ask_for(world, Right.ERASURE)
    accept(world, ident, terms(Right.ERASURE))
    seen = mandate(world, ident).offer_digest
    assert seen is not None
    accept(world, ident, terms(Right.ERASURE, who=BOB))
    with pytest.raises(Conflict, match="mandate_changed"):
        confirm(world, ident, digest=seen.hex())
    with pytest.raises(Conflict, match="mandate_changed"):
        confirm(world, ident, digest="0" * 64)
    confirm(world, ident)


def test_what_ran_out_while_it_waited_for_the_second_person_is_not_confirmed(world: World) -> None:
    ident = ask_for(world, Right.ERASURE)
    accept(world, ident, terms(Right.ERASURE, until_on=world.rt.today()))
    world.clock.advance(days=1)
    with pytest.raises(BadInput):
        confirm(world, ident)
    assert world.state(ident) is S.VERIFYING


def test_a_power_to_look_erases_nothing_though_both_were_asked_in_one_message(world: World) -> None:
    ident = ask_for(world, Right.ERASURE)
    assert faults(world, ident, right=Right.ACCESS, ticked=terms(Right.ERASURE).ticked) == {"mandate_not_for_this"}


def test_a_grown_person_has_no_guardian_and_a_child_of_fifteen_is_heard(world: World) -> None:
    ident = ask_for(world, kind="guardian")
    today = world.rt.today()
    grown, young = date(today.year - 18, 1, 1), date(today.year - 16, 1, 1)
    assert "mandate_of_age" in faults(world, ident, kind="guardian", born_on=grown)
    assert faults(world, ident, kind="guardian") == {"mandate_age_unknown", "mandate_unchecked"} or faults(
        world, ident, kind="guardian"
    ) == {"mandate_age_unknown"}
    heard = terms(kind="guardian", born_on=young)
    assert "child_heard" in heard.ticked
    assert faults(world, ident, kind="guardian", born_on=young, ticked=heard.ticked - {"child_heard"}) == {
        "mandate_unchecked"
    }
    assert accept(world, ident, heard) == 0
    world.work()
    assert world.state(ident) is S.CLOSED
    assert mandate(world, ident).offer_sealed is None  # it would hold the day of birth


def test_a_mandate_is_shown_late_and_the_case_taken_up_only_by_staff(world: World) -> None:
    ident = ask_for(world)
    held(
        world,
        ident,
        lambda s, r: checking.refuse(s, world.rt, r, user="anna", reason="No power of attorney was shown."),
    )
    world.work()
    request = world.request(ident)
    assert (request.state, request.outcome, request.refusal_ground) == (S.CLOSED, Outcome.REFUSED, "no_mandate")
    assert mailed_to(world, JANE) == ""
    with pytest.raises(Conflict, match="mandate_settled"):
        accept(world, ident, terms())


def test_only_who_may_decide_refuses_for_want_of_a_mandate(world: World) -> None:
    ident = ask_for(world)
    with pytest.raises(NotAllowed, match="role"):
        held(world, ident, lambda s, r: checking.refuse(s, world.rt, r, user="cleo", reason="Nothing was shown."))


def test_whoever_asked_for_themselves_after_all_has_to_prove_it_like_anybody(world: World) -> None:
    ident = ask_for(world, desk=True)
    held(
        world,
        ident,
        lambda s, r: checking.themselves(s, world.rt, r, user="cleo", reason="The box was ticked by mistake."),
    )
    world.work()
    assert world.state(ident) is S.VERIFYING
    assert "code" in letters(world, ident)
    assert HELPER not in mailed_to(world, JANE)


def test_silence_ends_it_without_a_word_of_the_person(world: World) -> None:
    ident = ask_for(world)
    world.clock.advance(days=29)
    world.work()
    request = world.request(ident)
    assert (request.state, request.outcome, request.refusal_ground) == (S.CLOSED, Outcome.NOT_IDENTIFIED, "no_mandate")
    assert mailed_to(world, JANE) == ""


def test_no_plan_is_approved_by_who_can_not_decide_or_before_the_mandate(world: World) -> None:
    ident = ask_for(world, Right.ERASURE)
    with pytest.raises(Conflict):
        held(world, ident, lambda s, r: decision.approve(s, world.rt, r, user="anna"))
    assert world.rows("shop", "customer")[0][1] == JANE


def test_the_holder_named_by_staff_is_the_one_who_counts(world: World) -> None:
    ident = ask_for(world)
    accept(world, ident, terms(holder=replace(HOLDER, email="office@lawyers.example")))
    world.work()
    assert "/fetch/" in mailed_to(world, "office@lawyers.example")
    assert "/fetch/" not in mailed_to(world, HELPER)


def test_of_somebody_who_is_not_on_file_nothing_goes_to_whoever_helps_unless_the_mandate_says_so(world: World) -> None:
    ident = ask_for(world, who="nobody@shop.example")
    accept(world, ident, terms(who="nobody@shop.example", answer_to=AnswerTo.SUBJECT))
    world.work()
    assert "/fetch/" not in mailed_to(world, HELPER)


def test_a_case_that_was_refused_for_want_of_a_mandate_goes_on_once_one_is_shown(world: World) -> None:
    ident = ask_for(world)
    why = "No power of attorney was shown."
    held(world, ident, lambda s, r: checking.refuse(s, world.rt, r, user="anna", reason=why))
    world.work()
    held(world, ident, lambda s, r: reopen(s, world.rt, r, user="cleo", reason="The power came by post today."))
    world.work()
    assert (world.state(ident), mandate(world, ident).state) == (S.VERIFYING, MandateState.REFUSED)
    accept(world, ident, terms())
    world.work()
    assert (world.state(ident), world.request(ident).outcome) == (S.CLOSED, Outcome.DELIVERED)


def test_a_case_that_fills_the_gaps_of_an_answer_rests_on_the_same_mandate(world: World) -> None:
    first, other = ask_for(world), world.open(who=BOB)
    accept(world, first, terms())
    world.work()
    with world.rt.unit() as session:
        old, new = session.get_one(Request, first), session.get_one(Request, other)
        keys = [open_key(session, world.rt, one.data_key_id) for one in (old, new)]
        hand_on(session, old, new, old=keys[0], key=keys[1])
        session.flush()
        row = mandate_of(session, new)
        assert row is not None
        assert (holder_of(keys[1], row).email, standing_of(world.rt, new, row)) == (HELPER, Standing.LIVE)


def test_who_saw_a_mandate_first_and_turns_out_near_to_the_person_has_seen_none(world: World) -> None:
    with world.rt.unit() as session:
        nearness.know(session, world.rt, "cleo", own={}, near={"surname": "Jane"}, by="cli")
    claim = Claim(identifiers={"email": JANE}, reply_to=HELPER, for_another=True)
    asked = intake.Asked(Right.ERASURE, "en", Channel.PORTAL, claim, acting=Acting("lawyer", HOLDER))
    with world.rt.unit() as session:
        ident = intake.open_request(session, world.rt, asked).request.id
    world.work()
    accept(world, ident, terms(Right.ERASURE))
    confirm(world, ident)
    world.work()
    request = world.request(ident)
    assert (request.state, request.proof_sealed, request.verified_method) == (RequestState.VERIFYING, None, None)
    assert "near_case" in tasks(world, ident)
    row = mandate(world, ident)
    assert (row.state, row.offered_by) == (MandateState.CLAIMED, None)
    with pytest.raises(BadInput):  # what cleo ticked was seen by nobody
        accept(world, ident, terms(Right.ERASURE, ticked=frozenset()), user="ben")
    accept(world, ident, terms(Right.ERASURE), user="ben")
    confirm(world, ident)
    world.work()
    assert world.state(ident) is RequestState.DECIDING


def test_who_saw_a_mandate_first_and_is_kept_from_the_case_since_has_seen_none(world: World) -> None:
    ident = ask_for(world, Right.ERASURE)
    accept(world, ident, terms(Right.ERASURE))
    with world.rt.unit() as session:
        case = session.get_one(Request, ident, with_for_update=True)
        nearness.bar(session, world.rt, case, "cleo", by="cleo", reason="The person is my former husband.")
    with pytest.raises(NotAllowed):
        confirm(world, ident)


def test_what_was_seen_of_a_mandate_that_was_refused_says_nothing_of_the_next_one(world: World) -> None:
    ident = ask_for(world)
    whole = terms().ticked
    held(world, ident, lambda s, r: checking.tick(s, world.rt, r, user="cleo", kind="lawyer", codes=whole))
    why = "The signature under the power is not hers."
    held(world, ident, lambda s, r: checking.refuse(s, world.rt, r, user="anna", reason=why))
    world.work()
    held(world, ident, lambda s, r: reopen(s, world.rt, r, user="cleo", reason="Another power came by post today."))
    world.work()
    with pytest.raises(BadInput):
        accept(world, ident, terms(ticked=frozenset()))
    accept(world, ident, terms())


def test_the_kind_of_a_mandate_by_which_somebody_was_proven_stays(world: World) -> None:
    ident = ask_for(world)
    accept(world, ident, terms())
    world.work()
    with pytest.raises(BadInput) as wrong:
        held(world, ident, lambda s, r: checking.tick(s, world.rt, r, user="cleo", kind="estate", codes=["death_seen"]))
    assert [f.what for f in wrong.value.faults] == ["mandate_scope_frozen"]
    assert mandate(world, ident).kind == "lawyer"
