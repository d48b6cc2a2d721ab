"""A case that concerns a member of staff is kept from them: nobody looks into, decides or carries out their own."""

from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from models.audit import AuditEntry
from models.nearness import CaseNearness, Nearness
from models.request import Request
from models.staff import HumanTask, StaffUser
from models.vocabulary import Channel, Ground, Method, RequestState, Right, Role, TaskState
from tests.webhooks.desk import Desk, give_passwords
from tests.world import BOB, JANE, World, make_world
from webhooks.staff import create_app
from workflows import audit, nearness
from workflows.barring import READ
from workflows.casefile import Claim
from workflows.errors import BadInput, NotAllowed, NotFound
from workflows.staffing import add_user
from workflows.stages import decision, intake
from workflows.stages.verification import by_staff

REASON = "The person stands at my desk and nobody else is here."


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = make_world(tmp_path)
    give_passwords(made)
    yield made
    made.close()


def know(world: World, name: str, *, own: dict[str, str] | None = None, near: dict[str, str] | None = None) -> None:
    with world.rt.unit() as session:
        nearness.know(session, world.rt, name, own=own or {}, near=near or {}, by="cli")


def desk(world: World, name: str) -> Desk:
    return Desk(create_app(world.rt), name)


def page_of(world: World, ident: UUID) -> str:
    return f"/requests/{world.request(ident).reference}"


def near(world: World, ident: UUID) -> dict[str, Nearness]:
    with world.rt.unit() as session:
        rows = session.scalars(select(CaseNearness).where(CaseNearness.request_id == ident))
        return {row.name: row.nearness for row in rows}


def tasks(world: World, ident: UUID) -> set[str]:
    with world.rt.unit() as session:
        open_ones = (HumanTask.request_id == ident, HumanTask.state == TaskState.OPEN)
        return set(session.scalars(select(HumanTask.code).where(*open_ones)))


def events(world: World, ident: UUID) -> list[tuple[str, str]]:
    with world.rt.unit() as session:
        rows = session.scalars(select(AuditEntry).where(AuditEntry.chain == str(ident)).order_by(AuditEntry.n))
        return [(row.actor, row.event) for row in rows]


def held(world: World, ident: UUID, work: Callable[[Session, Request], object]) -> None:
    with world.rt.unit() as session:
        work(session, session.get_one(Request, ident, with_for_update=True))


def vouch(session: Session, world: World, request: Request, user: str) -> None:
    by_staff(session, world.rt, request, user=user, method=Method.DESK, identifiers={"email": JANE})


def deciding(world: World, who: str = JANE) -> UUID:
    ident = world.open(Right.ERASURE, who)
    world.work()
    assert world.state(ident) is RequestState.DECIDING
    return ident


def test_ones_own_case_is_not_there_for_them_and_the_officer_hears_that_they_tried(world: World) -> None:
    know(world, "ben", own={"email": JANE})
    ident = deciding(world)
    page, ben, anna = page_of(world, ident), desk(world, "ben"), desk(world, "anna")
    reference = world.request(ident).reference
    for path in (page, f"{page}/sources/shop"):
        assert ben.get(path).status_code == 404
    assert reference not in ben.text("/requests")
    assert reference not in ben.text("/tasks")
    assert reference in anna.text("/requests")
    assert anna.get(page).status_code == 200
    assert "near_tried" in tasks(world, ident)
    assert ("ben", "case:near:denied") in events(world, ident)
    assert ("ben", "case:read") not in events(world, ident)


def test_nobody_decides_on_or_works_on_their_own_case_by_any_door(world: World) -> None:
    know(world, "ben", own={"email": JANE})
    ident = deciding(world)
    with pytest.raises(NotFound):
        world.approve(ident, "ben")
    why = "There is no ground for it."
    with pytest.raises(NotFound):
        held(
            world, ident, lambda s, r: decision.refuse(s, world.rt, r, user="ben", ground=Ground.NO_GROUND, reason=why)
        )
    with pytest.raises(NotFound):
        held(world, ident, lambda s, r: decision.extend(s, world.rt, r, user="ben", reason="complexity"))
    assert world.state(ident) is RequestState.DECIDING
    with world.rt.unit() as session:
        user = StaffUser(name="bea", role=session.get_one(StaffUser, "ben").role, display_name="Bea",
                         created_at=world.rt.now())  # fmt: skip
        session.add(user)
    world.approve(ident, "anna", "bea")
    world.work()
    assert world.state(ident) is RequestState.CLOSED


def test_the_case_of_somebody_with_the_same_name_opens_with_a_reason_for_a_while_and_for_reading_only(
    world: World,
) -> None:
    know(world, "ben", near={"surname": "jane"})
    ident = deciding(world)
    assert near(world, ident) == {"ben": Nearness.NEAR}
    page, ben = page_of(world, ident), desk(world, "ben")
    with pytest.raises(NotAllowed, match="near_reason"):  # by any other door too
        held(world, ident, lambda s, r: audit.record(s, READ, at=world.rt.now(), actor="ben", request_id=r.id))
    assert ben.get(page).status_code == 403
    assert ben.send(page, f"{page}/near", {"near_reason": "short"}).status_code == 422
    assert ben.send(page, f"{page}/near", {"near_reason": REASON}).status_code == 302
    assert ben.get(page).status_code == 200
    assert "near_opened" in tasks(world, ident)
    with pytest.raises(NotAllowed, match="near_case"):
        world.approve(ident, "ben")
    world.clock.advance(hours=9)
    again = desk(world, "ben")
    assert again.get(page).status_code == 403


def test_who_says_that_the_person_is_near_to_them_does_not_see_the_case_again(world: World) -> None:
    ident = deciding(world, BOB)
    with pytest.raises(NotAllowed), world.rt.unit() as session:
        nearness.bar(session, world.rt, session.get_one(Request, ident), "ben", by="cleo", reason=REASON)
    with pytest.raises(BadInput), world.rt.unit() as session:
        nearness.bar(session, world.rt, session.get_one(Request, ident), "ben", by="ben", reason="no")
    with world.rt.unit() as session:
        nearness.bar(session, world.rt, session.get_one(Request, ident), "ben", by="ben", reason=REASON)
    assert desk(world, "ben").get(page_of(world, ident)).status_code == 404
    with pytest.raises(NotFound):
        world.approve(ident, "ben")


def test_nobody_vouches_for_themselves_at_the_desk(world: World) -> None:
    know(world, "cleo", own={"email": JANE})
    ident = world.open(Right.ACCESS)  # cleo says that they saw the person
    world.work()
    request = world.request(ident)
    assert (request.state, request.verified_method) == (RequestState.VERIFYING, None)


def test_who_turns_out_near_only_by_what_is_on_file_has_vouched_for_nobody(world: World) -> None:
    know(world, "cleo", near={"surname": "Jane"})
    ident = world.open(Right.ACCESS)
    world.work()
    request = world.request(ident)
    assert (request.state, request.verified_method, request.proof_sealed) == (RequestState.VERIFYING, None, None)
    assert "near_case" in tasks(world, ident)
    with pytest.raises(NotAllowed, match="near_case"):
        held(world, ident, lambda s, r: vouch(s, world, r, "cleo"))
    held(world, ident, lambda s, r: vouch(s, world, r, "ben"))
    world.work()
    assert world.state(ident) is RequestState.CLOSED


def test_the_address_of_an_account_is_known_to_be_its_holders_without_a_key(world: World) -> None:
    claim = Claim(identifiers={"email": "ben@shop.example"}, reply_to="ben@shop.example")
    with world.rt.unit() as session:
        asked = intake.Asked(Right.ACCESS, "en", Channel.PORTAL, claim)
        ident = intake.open_request(session, world.rt, asked).request.id
    assert near(world, ident) == {"ben": Nearness.OWN}


def test_an_account_s_address_is_its_holders_however_it_is_spelt(world: World) -> None:
    with world.rt.unit() as session:
        session.get_one(StaffUser, "ben").email = "Ben.Buyer@Shop.Example"
        claim = Claim(identifiers={}, reply_to="ben.buyer@shop.example")
        asked = intake.Asked(Right.ACCESS, "en", Channel.PORTAL, claim)
        ident = intake.open_request(session, world.rt, asked).request.id
    assert near(world, ident) == {"ben": Nearness.OWN}


def test_a_surname_of_several_words_is_found_in_a_name(world: World) -> None:
    know(world, "ben", near={"surname": "von Essen"})
    know(world, "cleo", near={"surname": "Essen"})
    know(world, "anna", near={"surname": "von"})
    claim = Claim(name="Jane Maria VON  Essen", identifiers={"email": JANE}, reply_to=JANE)
    with world.rt.unit() as session:
        asked = intake.Asked(Right.ACCESS, "en", Channel.PORTAL, claim)
        ident = intake.open_request(session, world.rt, asked).request.id
    assert near(world, ident)["ben"] is Nearness.NEAR
    assert near(world, ident)["cleo"] is Nearness.NEAR


def test_the_record_of_ones_own_case_is_not_there_either(world: World) -> None:
    know(world, "anna", own={"email": JANE})
    ident = deciding(world)
    reference = world.request(ident).reference
    with world.rt.unit() as session:
        session.get_one(StaffUser, "anna").role = Role.DPO
        session.get_one(StaffUser, "ben").role = Role.DPO
    page = f"/audit?q={reference}"
    assert "the request was registered" in desk(world, "ben").text(page).lower()
    assert "the request was registered" not in desk(world, "anna").text(page).lower()


def test_a_name_or_number_is_kept_as_a_digest_and_replaced_as_a_whole(world: World) -> None:
    know(world, "ben", own={"email": JANE}, near={"surname": "Jane", "address": "Shop Street 1"})
    know(world, "ben", near={"surname": "Bob"})
    ident = deciding(world)
    assert near(world, ident) == {}
    with pytest.raises(BadInput):
        know(world, "ben", own={"shoe_size": "44"})
    with pytest.raises(BadInput):
        know(world, "ben", near={"cousin": "Jane"})
    with pytest.raises(NotFound):
        know(world, "nobody")


def test_a_colleague_keeps_a_case_from_themselves_on_its_page(world: World) -> None:
    ident = deciding(world, BOB)
    page, ben = page_of(world, ident), desk(world, "ben")
    assert ben.send(page, f"{page}/near/bar", {"near_reason": "no"}).status_code == 422
    assert ben.send(page, f"{page}/near/bar", {"near_reason": "He is my brother in law."}).status_code == 302
    assert ben.get(page).status_code == 404


def test_who_stands_near_may_keep_the_case_from_themselves_but_not_from_others(world: World) -> None:
    know(world, "ben", near={"surname": "jane"})
    with world.rt.unit() as session:
        session.get_one(StaffUser, "ben").role = Role.DPO
    ident = deciding(world)
    page, ben = page_of(world, ident), desk(world, "ben")
    why = "She is my sister, and lives next door."
    with pytest.raises(NotAllowed, match="near_case"):
        held(world, ident, lambda s, r: nearness.bar(s, world.rt, r, "anna", by="ben", reason=why))
    assert ben.send(page, f"{page}/near/bar", {"near_reason": why}).status_code == 302
    assert near(world, ident) == {"ben": Nearness.BARRED}
    assert ben.get(page).status_code == 404
    with pytest.raises(NotFound):
        held(world, ident, lambda s, r: nearness.bar(s, world.rt, r, "ben", by="ben", reason=why))


def test_a_look_at_the_record_of_a_case_is_on_record_too(world: World) -> None:
    ident = deciding(world)
    with world.rt.unit() as session:
        session.get_one(StaffUser, "anna").role = Role.DPO
    anna = desk(world, "anna")
    assert anna.get("/audit").status_code == 200
    assert ("anna", "case:read") not in events(world, ident)
    assert anna.get(f"/audit?q={world.request(ident).reference}").status_code == 200
    assert events(world, ident)[-1] == ("anna", "case:read")


@pytest.mark.parametrize("name", ["vastine", "person", "recipient"])
def test_nobody_is_called_what_the_record_calls_somebody_else(world: World, name: str) -> None:
    with pytest.raises(BadInput), world.rt.unit() as session:
        add_user(session, world.rt, name, role=Role.CASEWORKER)
