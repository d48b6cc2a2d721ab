"""The page of a mandate: what was seen, by whom, and what follows."""

from collections.abc import Callable

import pytest
from sqlalchemy import select

from models.intake import Message
from models.mandate import Mandate, MandateState
from models.request import DataKey, Request
from models.vocabulary import Channel, Outcome, RequestState, Right
from tests.webhooks.desk import Desk, has_form
from tests.world import JANE, World
from workflows.acting import Acting, Holder
from workflows.casefile import Claim
from workflows.stages import intake
from workflows.thread import UPLOAD
from workflows.uploads import take_file

Seat = Callable[..., Desk]
HELPER = "helper@elsewhere.example"
LINES = ["holder_seen", "power_seen", "power_covers_it"]


def page_of(world: World, right: Right = Right.ACCESS, kind: str = "lawyer") -> str:
    claim = Claim(name="Jane", identifiers={"email": JANE}, reply_to=HELPER, for_another=True)
    acting = Acting(kind, Holder("Helena Helper", HELPER))
    with world.rt.unit() as session:
        asked = intake.Asked(right, "en", Channel.LETTER, claim, acting=acting)
        reference = intake.open_request(session, world.rt, asked).request.reference
    world.work()
    return f"/requests/{reference}"


def request_of(world: World, page: str) -> Request:
    with world.rt.unit() as session:
        return session.scalars(select(Request).where(Request.reference == page.rpartition("/")[2])).one()


def fields(*, right: Right = Right.ACCESS, **more: object) -> dict[str, object]:
    lines = [*LINES, "person_confirms"] if right is Right.ERASURE else LINES
    return {
        "check": lines, "method": "desk", "answer_to": "representative", "rights": [right.value], "go": "accept", **more
    }  # fmt: skip


@pytest.mark.parametrize("language", ["fi", "sv", "en"])
def test_a_mandate_is_ticked_and_accepted_and_the_case_goes_on(desk: Seat, desk_world: World, language: str) -> None:
    page = page_of(desk_world)
    cleo = desk("cleo", language=language)
    assert not has_form(cleo.get(page).text, f"{page}/verify")
    shown = cleo.text(f"{page}/mandate")
    assert "Helena Helper" in shown
    assert cleo.send(f"{page}/mandate", f"{page}/mandate/check", fields()).status_code == 302
    desk_world.work()
    request = request_of(desk_world, page)
    assert (request.state, request.outcome) == (RequestState.CLOSED, Outcome.DELIVERED)
    assert has_form(cleo.get(f"{page}/mandate").text, f"{page}/mandate/end")


def test_a_document_that_was_sent_with_the_case_stands_beside_the_check_list(desk: Seat, desk_world: World) -> None:
    page = page_of(desk_world)
    other = page_of(desk_world)
    with desk_world.rt.unit() as session:
        for one, content in ((page, b"%PDF-1.7 the power"), (other, b"%PDF-1.7 of somebody else")):
            reference = one.rpartition("/")[2]
            request = session.scalars(select(Request).where(Request.reference == reference)).one()
            assert take_file(session, desk_world.rt, request, content)
        sent = {m.id: m.request_id for m in session.scalars(select(Message).where(Message.why == UPLOAD))}
    mine = request_of(desk_world, page).id
    cleo = desk("cleo")
    shown = cleo.get(f"{page}/mandate").text
    assert {ident for ident in sent if f"/messages/{ident}" in shown} == {i for i, of in sent.items() if of == mine}
    with desk_world.rt.unit() as session:  # its time is over: nothing leads to it any more
        for key in session.scalars(select(DataKey).join(Message, Message.data_key_id == DataKey.id)):
            key.wrapped, key.destroyed_at = None, desk_world.rt.now()
    assert "/messages/" not in cleo.get(f"{page}/mandate").text


def test_what_is_missing_is_named_and_nothing_typed_is_lost(desk: Seat, desk_world: World) -> None:
    page = page_of(desk_world)
    cleo = desk("cleo")
    less = fields(check=LINES[:1], method="", until="31.12.2019", holder_name="Henrik Heir")
    answer = cleo.send(f"{page}/mandate", f"{page}/mandate/check", less)
    assert answer.status_code == 422
    assert "Henrik Heir" in answer.text
    answer = cleo.send(f"{page}/mandate", f"{page}/mandate/check", fields(check=LINES[:1]))
    assert answer.status_code == 422
    assert answer.text.count("Every line has to be seen") >= 2
    assert request_of(desk_world, page).state is RequestState.VERIFYING


def test_an_erasure_waits_for_a_second_person_who_reads_what_the_first_one_saw(desk: Seat, desk_world: World) -> None:
    page = page_of(desk_world, Right.ERASURE)
    cleo, anna = desk("cleo"), desk("anna")
    assert cleo.send(f"{page}/mandate", f"{page}/mandate/check", fields(right=Right.ERASURE)).status_code == 302
    assert not has_form(cleo.get(f"{page}/mandate").text, f"{page}/mandate/confirm")
    assert "cleo looked at the mandate" in anna.text(f"{page}/mandate")
    assert anna.send(f"{page}/mandate", f"{page}/mandate/confirm").status_code == 302
    desk_world.work()
    assert request_of(desk_world, page).state is RequestState.DECIDING


def test_the_check_list_follows_the_kind_and_the_dead_get_a_letter(desk: Seat, desk_world: World) -> None:
    page = page_of(desk_world)
    cleo = desk("cleo")
    assert "The child, being 15 or older" in cleo.text(f"{page}/mandate?kind=guardian")
    letter = {"check": ["death_seen"], "go": "estate"}
    assert cleo.send(f"{page}/mandate?kind=estate", f"{page}/mandate/check", {**letter, "check": []}).status_code == 422
    assert cleo.send(f"{page}/mandate?kind=estate", f"{page}/mandate/check", letter).status_code == 302
    desk_world.work()
    assert request_of(desk_world, page).outcome is Outcome.ESTATE


def test_it_is_refused_taken_back_or_found_to_be_ones_own(desk: Seat, desk_world: World) -> None:
    first, second, third = page_of(desk_world), page_of(desk_world), page_of(desk_world)
    anna = desk("anna")
    refuse = {"go": "refuse", "reason": "No power of attorney was shown to us."}
    assert anna.send(f"{first}/mandate", f"{first}/mandate/end", {**refuse, "reason": ""}).status_code == 422
    assert anna.send(f"{first}/mandate", f"{first}/mandate/end", refuse).status_code == 302
    own = {"go": "themselves", "own_reason": "The box was ticked by mistake."}
    assert anna.send(f"{second}/mandate", f"{second}/mandate/end", own).status_code == 302
    assert anna.get(f"{second}/mandate").status_code == 404
    anna.send(f"{third}/mandate", f"{third}/mandate/check", fields())
    revoke = {"go": "revoke", "revoke_reason": "The person called and took it back."}
    assert anna.send(f"{third}/mandate", f"{third}/mandate/end", revoke).status_code == 302
    with desk_world.rt.unit() as session:
        rows = {row.request_id: row for row in session.scalars(select(Mandate))}
    assert rows[request_of(desk_world, first).id].state is MandateState.REFUSED
    assert rows[request_of(desk_world, third).id].ended_why == "revoked"
    assert request_of(desk_world, second).id not in rows


def test_a_case_without_a_helper_has_no_such_page(desk: Seat, desk_world: World) -> None:
    ident = desk_world.open(who=JANE)
    page = f"/requests/{desk_world.request(ident).reference}"
    assert desk("cleo").get(f"{page}/mandate").status_code == 404
