"""Manifestly unfounded or excessive: facts on record, a fee thought of first, two people, one of them the DPO."""

import uuid
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from models.delivery import Artifact
from models.refusing import CaseState, RefusalCase
from models.request import Request
from models.vocabulary import Ground, Outcome, RequestState, Right
from tests.world import BOB, World, open_world, prepare, write_register
from workflows import guarding, pausing
from workflows.casefile import open_key
from workflows.caseview import case_facts
from workflows.documents.catalogue import Catalogue
from workflows.documents.facts import letter_facts
from workflows.errors import BadInput, Conflict, NotAllowed, WaitFor
from workflows.register.check import check_folder
from workflows.register.grounds import built_in
from workflows.stages import decision

EVIDENCE = "The same was asked and answered three times this month; nothing has changed since."
REASON = "You got the same answer three days ago and nothing has changed."
GROUNDS = """
- id: excessive
  law: [GDPR 12(5)]
  source: EUR-Lex
  checked_on: 2026-01-15
  guard: two_people
  text: {fi: Pyyntö on kohtuuton., sv: Begäran är orimlig., en: The request is excessive.}
  fees: [{id: copy, cents: 2500, basis: one hour of work}]
- id: old_law
  law: [GDPR 12(5)]
  source: EUR-Lex
  checked_on: 2026-01-15
  valid_to: 2025-12-31
  text: {fi: Vanha., sv: Gammal., en: Old.}
"""


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    environ = prepare(tmp_path)
    write_register(tmp_path / "register", {"grounds.yaml": GROUNDS})
    made = open_world(environ)
    yield made
    made.close()


@pytest.fixture
def case(world: World) -> uuid.UUID:
    """Bob wants everything erased, and it waits for a decision."""
    ident = world.open(Right.ERASURE, BOB)
    world.work()
    assert world.state(ident) is RequestState.DECIDING
    return ident


def prepared(
    world: World,
    ident: uuid.UUID,
    user: str = "cleo",
    *,
    ground: str = "excessive",
    reason: str = REASON,
    fee: str = "unsuitable",
) -> str:
    with world.rt.unit() as session:
        request = session.get_one(Request, ident, with_for_update=True)
        row = guarding.prepare(
            session, world.rt, request, user=user, ground=ground, evidence=EVIDENCE, reason=reason, fee=fee
        )
        return row.digest.hex()


def agree(world: World, ident: uuid.UUID, user: str, digest: str) -> None:
    with world.rt.unit() as session:
        request = session.get_one(Request, ident, with_for_update=True)
        decision.agree_to_refuse(session, world.rt, request, user=user, digest=digest)


def refuse(world: World, ident: uuid.UUID, ground: str) -> None:
    with world.rt.unit() as session:
        request = session.get_one(Request, ident, with_for_update=True)
        decision.refuse(session, world.rt, request, user="anna", ground=ground, reason=REASON)


@pytest.mark.parametrize("ground", ["excessive", "unfounded"])
def test_nobody_refuses_alone_what_is_called_unfounded_or_excessive(world: World, case: uuid.UUID, ground: str) -> None:
    with pytest.raises(NotAllowed) as refused:
        refuse(world, case, ground)
    assert refused.value.code == "guarded_ground"
    prepared(world, case, ground=ground)
    with pytest.raises(NotAllowed):
        refuse(world, case, ground)
    assert world.state(case) is RequestState.DECIDING


def test_two_people_one_of_them_the_dpo_refuse_on_the_facts_they_saw(world: World, case: uuid.UUID) -> None:
    digest = prepared(world, case)
    with pytest.raises(NotAllowed) as refused:
        agree(world, case, "ben", digest)  # neither he nor Cleo is the DPO
    assert refused.value.code == "dpo_needed"
    agree(world, case, "anna", digest)
    world.work()
    request = world.request(case)
    assert (request.state, request.outcome, request.refusal_ground) == (
        RequestState.CLOSED,
        Outcome.REFUSED,
        "excessive",
    )
    with world.rt.unit() as session:
        row = session.scalars(select(RefusalCase)).one()
    assert (row.prepared_by, row.agreed_by, row.state) == ("cleo", "anna", CaseState.REFUSED)
    assert EVIDENCE.encode() not in (row.evidence_sealed or b"")


def test_the_letter_says_the_register_s_own_sentence_of_its_ground(world: World, case: uuid.UUID) -> None:
    with world.rt.unit() as session:
        request = session.get_one(Request, case)
        key = open_key(session, world.rt, request.data_key_id)
        facts = case_facts(world.rt, request, key, language="fi", refusal_ground="excessive")
    said = letter_facts(Catalogue(world.rt.register), facts)["refusal_ground"]
    assert said == "Pyyntö on kohtuuton."


def test_who_prepared_the_case_does_not_agree_to_it(world: World, case: uuid.UUID) -> None:
    digest = prepared(world, case, "anna")
    with pytest.raises(NotAllowed) as refused:
        agree(world, case, "anna", digest)
    assert refused.value.code == "preparer"
    agree(world, case, "ben", digest)
    assert world.request(case).outcome is Outcome.REFUSED


def test_a_caseworker_does_not_agree_even_beside_the_dpo(world: World, case: uuid.UUID) -> None:
    digest = prepared(world, case, "anna")
    with pytest.raises(NotAllowed):
        agree(world, case, "cleo", digest)


def test_another_case_than_the_one_looked_at_is_not_agreed_to(world: World, case: uuid.UUID) -> None:
    first = prepared(world, case)
    with pytest.raises(Conflict) as refused:
        agree(world, case, "anna", "0" * 64)
    assert refused.value.code == "case_changed"
    with world.rt.unit() as session:
        request = session.get_one(Request, case, with_for_update=True)
        guarding.prepare(
            session,
            world.rt,
            request,
            user="cleo",
            ground="excessive",
            evidence=EVIDENCE + " More.",
            reason=REASON,
            fee="unsuitable",
        )
    with pytest.raises(Conflict):
        agree(world, case, "anna", first)


def test_the_program_counts_the_earlier_requests_itself(world: World) -> None:
    first = world.open(Right.ACCESS, BOB)
    world.work()
    world.clock.advance(days=5)
    other = world.open(Right.ERASURE, BOB)
    world.work()
    with world.rt.unit() as session:
        facts = guarding.facts_of(session, session.get_one(Request, other))
    (row,) = facts["earlier"]
    assert row["reference"] == world.request(first).reference
    assert (row["days_between"], row["same_scope"], row["answered"]) == (5, False, True)


def test_nothing_goes_out_while_two_people_have_not_settled_it(world: World) -> None:
    with world.rt.unit() as session:
        pausing.pause(session, world.rt, "billing", user="anna", reason="Billing is moved today.")
    ident = world.open(Right.ACCESS, BOB)
    world.work()
    assert world.state(ident) is RequestState.COLLECTING
    prepared(world, ident)
    with world.rt.unit() as session:
        pausing.resume(session, world.rt, "billing", user="anna")
    world.work()
    assert world.state(ident) is RequestState.DELIVERING
    with world.rt.unit() as session:
        assert session.scalars(select(Artifact)).all() == []
        request = session.get_one(Request, ident, with_for_update=True)
        with pytest.raises(WaitFor):
            guarding.require_no_open_case(session, request)
        guarding.drop(session, world.rt, request, user="cleo")
    world.clock.advance(hours=2)
    world.work()
    assert world.request(ident).outcome is Outcome.DELIVERED


def test_a_fee_of_the_scale_comes_first_and_who_pays_is_not_refused(world: World, case: uuid.UUID) -> None:
    digest = prepared(world, case)
    with world.rt.unit() as session:
        request = session.get_one(Request, case, with_for_update=True)
        with pytest.raises(BadInput):
            guarding.announce_fee(session, world.rt, request, user="cleo", fee="gold")
        assert guarding.announce_fee(session, world.rt, request, user="cleo", fee="copy") == 2500
    with pytest.raises(Conflict) as refused:
        agree(world, case, "anna", digest)
    assert refused.value.code == "fee_open"
    with world.rt.unit() as session:
        request = session.get_one(Request, case, with_for_update=True)
        guarding.settle_fee(session, world.rt, request, user="cleo", how="paid")
    with pytest.raises(Conflict):
        agree(world, case, "anna", digest)
    with pytest.raises(Conflict, match="fee_settled"):  # nor on another case, prepared after the payment
        prepared(world, case)
    assert world.state(case) is RequestState.DECIDING


def test_a_case_whose_reason_holds_a_personal_identity_code_is_not_put_on_record(world: World, case: uuid.UUID) -> None:
    with pytest.raises(BadInput) as refused:
        prepared(world, case, reason="The person 131052-308T asked three times.")
    assert "131052" not in str(refused.value) + str(refused.value.faults)
    with world.rt.unit() as session:
        assert session.scalars(select(RefusalCase)).all() == []


def test_nobody_refuses_on_another_ground_while_the_case_is_open(world: World, case: uuid.UUID) -> None:
    prepared(world, case)
    with world.rt.unit() as session:
        request = session.get_one(Request, case, with_for_update=True)
        guarding.announce_fee(session, world.rt, request, user="cleo", fee="copy")
    with pytest.raises(Conflict, match="refusal_case_open"):
        refuse(world, case, Ground.NO_GROUND)
    with world.rt.unit() as session:
        guarding.drop(session, world.rt, session.get_one(Request, case, with_for_update=True), user="cleo")
    refuse(world, case, Ground.NO_GROUND)
    assert world.request(case).outcome is Outcome.REFUSED


def test_that_a_fee_was_declined_can_be_said_only_of_one_that_was_announced(world: World, case: uuid.UUID) -> None:
    with pytest.raises(BadInput):
        prepared(world, case, fee="declined")
    prepared(world, case)
    with world.rt.unit() as session:
        request = session.get_one(Request, case, with_for_update=True)
        guarding.announce_fee(session, world.rt, request, user="cleo", fee="copy")
    agree(world, case, "anna", prepared(world, case, fee="declined"))
    assert world.request(case).outcome is Outcome.REFUSED


def test_a_ground_out_of_date_or_unknown_refuses_nothing(world: World, case: uuid.UUID) -> None:
    for ground in ("old_law", "because"):
        with pytest.raises(BadInput):
            refuse(world, case, ground)


def test_the_register_s_file_can_t_take_the_guard_away(tmp_path: Path) -> None:
    prepare(tmp_path)
    changed = GROUNDS.replace("  guard: two_people\n", "")
    changed = changed.replace("  valid_to: ", "  valid_from: 2026-01-01\n  valid_to: ")
    write_register(tmp_path / "register", {"grounds.yaml": changed})
    found = [fault.what for fault in check_folder(tmp_path / "register")]
    assert "`excessive` would be refused by one person" in found
    assert "`old_law` ends before it begins" in found


def test_every_built_in_ground_names_its_law_and_its_day() -> None:
    assert {g.id for g in built_in().values() if g.guard == "two_people"} == {"unfounded", "excessive"}
    assert set(built_in()) == {g.value for g in Ground}  # each can be chosen, and has its sentence in the letters
    assert all(g.source and g.checked_on > date(2026, 1, 1) - timedelta(days=1) for g in built_in().values())
