"""The page of a case: what it shows to whom, and what people decide there."""

import re
import uuid
from collections.abc import Callable
from datetime import date

import pytest
from sqlalchemy import select, update

from models.audit import AuditEntry
from models.decision import Approval, Plan
from models.request import Request
from models.vocabulary import Event, Outcome, PlanState, RequestState, Right
from tests.webhooks.desk import Desk, form_of, has_form, words_of
from tests.world import BOB, JANE, World
from workflows import lifecycle
from workflows.casefile import Claim, open_key, seal_claim

Seat = Callable[..., Desk]


@pytest.fixture
def erasure(desk_world: World) -> tuple[uuid.UUID, str]:
    """An erasure of Bob's, who owes for an invoice, waiting for its decision: (id, address of its page)."""
    ident = desk_world.open(Right.ERASURE, BOB)
    desk_world.work()
    assert desk_world.state(ident) is RequestState.DECIDING
    return ident, f"/requests/{desk_world.request(ident).reference}"


def entries(world: World, event: str) -> list[AuditEntry]:
    with world.rt.unit() as session:
        return list(session.scalars(select(AuditEntry).where(AuditEntry.event == event).order_by(AuditEntry.n)))


def approvals(world: World) -> list[str]:
    with world.rt.unit() as session:
        return list(session.scalars(select(Approval.approver).order_by(Approval.approver)))


def approve(seat: Desk, page: str, **more: str) -> int:
    return seat.send(page, f"{page}/approve", {"reference": page.rpartition("/")[2], **more}).status_code


def test_two_people_approve_and_the_erasure_is_done(
    desk: Seat, desk_world: World, erasure: tuple[uuid.UUID, str]
) -> None:
    ident, page = erasure
    anna, ben = desk("anna"), desk("ben")
    assert approve(anna, page) == 302
    assert "Somebody else must approve" in anna.text(f"{page}?done=one_more")
    assert "You have approved this plan" in anna.text(page)
    assert desk_world.state(ident) is RequestState.DECIDING
    assert approve(ben, page) == 302
    desk_world.work()
    assert desk_world.request(ident).outcome is Outcome.PARTLY_ERASED
    shown = ben.text(page)
    assert "Partly erased" in shown
    assert "carried out" in shown or "approved" in shown
    assert desk_world.rows("shop", "orders") == [(1, 1, "first"), (2, 1, "second")]
    assert [r[0] for r in desk_world.rows("billing", "invoice")] == [70, 71, 72]


def test_the_plan_stands_in_three_columns(desk: Seat, erasure: tuple[uuid.UUID, str]) -> None:
    page = desk("anna").get(erasure[1]).text
    columns = re.split(r'<div class="plancolumn (\w+)">', page)
    shown = {name: words_of("<body" + text) for name, text in zip(columns[1::2], columns[2::2], strict=True)}
    assert shown["erased"].startswith("Erased now 4")
    assert "The record is deleted" in shown["erased"]
    assert shown["kept"].startswith("Kept 0")
    assert shown["held"].startswith("Held 1")
    assert "H06" in shown["held"]


def test_an_approval_wants_the_reference_typed_and_loses_nothing(
    desk: Seat, desk_world: World, erasure: tuple[uuid.UUID, str]
) -> None:
    _, page = erasure
    anna = desk("anna")
    assert approve(anna, page, reference="TP-2026-0000-0000-0") == 422
    assert anna.answer is not None
    assert 'value="TP-2026-0000-0000-0"' in anna.answer.text
    assert "not the one of this request" in anna.answer.text
    assert "<title>Error:" in anna.answer.text
    assert approve(anna, page, reference="") == 422
    assert approvals(desk_world) == []
    typed = page.rpartition("/")[2].lower().replace("-", " ")
    assert approve(anna, page, reference=typed) == 302


def test_an_approval_counts_for_the_plan_that_was_looked_at_and_no_other(
    desk: Seat, desk_world: World, erasure: tuple[uuid.UUID, str]
) -> None:
    ident, page = erasure
    anna = desk("anna")
    looked_at = form_of(anna.get(page).text, f"{page}/approve")
    desk_world.execute("shop", "INSERT INTO orders VALUES (9, 2, 'a new one')")
    with desk_world.rt.unit() as session:
        case = session.get_one(Request, ident, with_for_update=True)
        lifecycle.advance(session, desk_world.rt, case, Event.RECHECK)
    desk_world.work()
    answer = anna.post(f"{page}/approve", {**looked_at, "reference": page.rpartition("/")[2]})
    assert answer.status_code == 409
    assert "The plan has changed since you looked at it" in words_of(answer.text)
    assert approvals(desk_world) == []
    again = form_of(answer.text, f"{page}/approve")
    assert again["plan_hash"] != looked_at["plan_hash"]
    with desk_world.rt.unit() as session:
        current = session.scalars(select(Plan).where(Plan.state == PlanState.FROZEN)).one()
    assert again["plan_hash"] == current.plan_hash.hex()


def test_who_may_not_decide_is_offered_no_form(desk: Seat, desk_world: World, erasure: tuple[uuid.UUID, str]) -> None:
    _, page = erasure
    for name in ("ilse", "cleo", "otto"):
        seat = desk(name)
        assert not has_form(seat.get(page).text, f"{page}/approve")
        answer = seat.post(f"{page}/approve", {"csrf": seat.token(), "reference": page.rpartition("/")[2]})
        assert answer.status_code == 403
    assert approvals(desk_world) == []


def test_a_refusal_needs_ground_and_reasons_and_keeps_what_was_typed(
    desk: Seat, desk_world: World, erasure: tuple[uuid.UUID, str]
) -> None:
    ident, page = erasure
    ben = desk("ben")
    answer = ben.send(page, f"{page}/refuse", {"ground": "", "reason": "Written with care <b>."})
    assert answer.status_code == 422
    assert "Written with care &lt;b&gt;." in answer.text
    assert "Choose a ground" in answer.text
    assert ben.send(page, f"{page}/refuse", {"ground": "no_ground", "reason": "no"}).status_code == 422
    words = {"ground": "no_ground", "reason": "This is the ninth request this week."}
    assert ben.send(page, f"{page}/refuse", words).status_code == 302
    assert desk_world.request(ident).outcome is Outcome.REFUSED


def test_somebody_elses_decision_is_told_as_a_sentence(
    desk: Seat, desk_world: World, erasure: tuple[uuid.UUID, str]
) -> None:
    ident, page = erasure
    ben = desk("ben")
    form = form_of(ben.get(page).text, f"{page}/refuse")
    desk_world.approve(ident)
    answer = ben.post(f"{page}/refuse", {**form, "ground": "no_ground", "reason": "This is the ninth one."})
    assert answer.status_code == 409
    assert "Somebody else may have decided it" in words_of(answer.text)


def test_extending_is_once_with_a_reason(desk: Seat, desk_world: World, erasure: tuple[uuid.UUID, str]) -> None:
    ident, page = erasure
    cleo = desk("cleo")
    assert cleo.send(page, f"{page}/extend", {"extension_reason": ""}).status_code == 422
    form = form_of(cleo.get(page).text, f"{page}/extend")
    assert cleo.post(f"{page}/extend", {**form, "extension_reason": "complexity"}).status_code == 302
    assert desk_world.request(ident).extended_until is not None
    again = cleo.post(f"{page}/extend", {**form, "extension_reason": "complexity"})
    assert again.status_code == 409
    assert "extended once already" in words_of(again.text)


def test_the_day_of_arrival_is_put_right_with_a_reason_and_the_page_shows_it(
    desk: Seat, desk_world: World, erasure: tuple[uuid.UUID, str]
) -> None:
    ident, page = erasure
    cleo, form = desk("cleo"), {"received_on": "26.2.2026", "correction_reason": "It came by post to the shop."}
    for mistake in ({"received_on": "soon"}, {"received_on": ""}, {"correction_reason": "late"}):
        answer = cleo.send(page, f"{page}/received", {**form, **mistake})
        assert answer.status_code == 422
        assert "It came by post" in answer.text or "26.2.2026" in answer.text
    assert cleo.send(page, f"{page}/received", form).status_code == 302
    assert desk_world.request(ident).due_a == date(2026, 3, 26)
    shown = cleo.text(page)
    assert "2 March 2026 → 26 February 2026" in shown
    assert "It came by post to the shop." in shown
    assert "It came by post" not in desk("otto").text(page)
    later = cleo.send(page, f"{page}/received", {**form, "received_on": "2026-03-01"})
    assert (later.status_code, "Only the data protection officer" in words_of(later.text)) == (403, True)
    assert desk("anna").send(page, f"{page}/received", {**form, "received_on": "2026-03-01"}).status_code == 302


def test_a_withdrawal_is_recorded_only_when_confirmed(
    desk: Seat, desk_world: World, erasure: tuple[uuid.UUID, str]
) -> None:
    ident, page = erasure
    cleo = desk("cleo")
    assert cleo.send(page, f"{page}/withdraw").status_code == 422
    assert cleo.send(page, f"{page}/withdraw", {"asked": "yes"}).status_code == 302
    assert desk_world.request(ident).outcome is Outcome.WITHDRAWN


def test_every_look_at_a_case_and_its_records_is_on_record(
    desk: Seat, desk_world: World, erasure: tuple[uuid.UUID, str]
) -> None:
    ident, page = erasure
    anna = desk("anna")
    anna.get(page)
    anna.get(f"{page}/sources/shop")
    anna.get(f"{page}/sources/shop?reveal=1")
    looks = [(e.actor, e.request_id, e.facts) for e in entries(desk_world, "case:read")]
    assert looks == [
        ("anna", ident, {"what": "request"}),
        ("anna", ident, {"what": "records", "source": "shop", "page": 1, "reveal": False}),
        ("anna", ident, {"what": "records", "source": "shop", "page": 1, "reveal": True}),
    ]


def test_identifiers_are_behind_dots_until_they_are_asked_for(desk: Seat, erasure: tuple[uuid.UUID, str]) -> None:
    anna, page = desk("anna"), erasure[1]
    assert BOB not in anna.text(f"{page}/sources/shop")
    assert BOB in anna.text(f"{page}/sources/shop?reveal=1")


def test_records_come_a_hundred_to_a_page(desk: Seat, desk_world: World) -> None:
    for n in range(100, 260):
        desk_world.execute("shop", f"INSERT INTO orders VALUES ({n}, 1, 'order {n}')")
    ident = desk_world.open(Right.ERASURE, JANE)
    desk_world.work()
    page = f"/requests/{desk_world.request(ident).reference}/sources/shop"
    anna = desk("anna")
    first, second = anna.get(page).text, anna.get(f"{page}?page=2").text
    assert first.count('<article class="record">') == 100
    assert second.count('<article class="record">') == 63
    assert "?page=2" in first
    assert "?page=3" not in second
    for odd in ("0", "-1", "9" * 40, "x", "٣"):
        assert anna.get(f"{page}?page={odd}").status_code == 200


def test_names_are_masked_for_roles_that_need_none(desk: Seat, erasure: tuple[uuid.UUID, str]) -> None:
    _, page = erasure
    for name in ("ilse", "otto"):
        seat = desk(name)
        for address in (page, "/requests"):
            shown = seat.text(address)
            assert "Bob" not in shown
            assert BOB not in shown
    assert "Bob" in desk("cleo").text("/requests")


def test_what_a_stranger_wrote_is_shown_as_text(desk: Seat, desk_world: World) -> None:
    ident = desk_world.open(Right.ACCESS, JANE, desk=False)
    attack = "<script>alert(1)</script>'\"><img src=x onerror=alert(1)>"
    with desk_world.rt.unit() as session:
        case = session.get_one(Request, ident)
        key = open_key(session, desk_world.rt, case.data_key_id)
        claim = Claim(name=attack, reply_to=attack, identifiers={"email": attack}, text=attack)
        sealed = seal_claim(key, ident, claim)
        session.execute(update(Request).where(Request.id == ident).values(claim_sealed=sealed))
    anna = desk("anna")
    page = f"/requests/{desk_world.request(ident).reference}"
    for address in (page, "/requests"):
        text = anna.get(address).text
        assert "<script" not in text
        assert "<img" not in text
        assert "&lt;script&gt;" in text


def test_a_failed_source_is_shown_tried_again_and_gone_without_only_when_confirmed(
    desk: Seat, desk_world: World
) -> None:
    desk_world.execute("billing", "ALTER TABLE invoice RENAME TO elsewhere")
    ident = desk_world.open(Right.ACCESS, JANE)
    desk_world.work()
    page = f"/requests/{desk_world.request(ident).reference}"
    cleo = desk("cleo")
    assert "Search failed" in cleo.text(page)
    assert "Missing" in cleo.text("/requests")
    again = next(a for a in re.findall(r'action="([^"]+/requeue)"', cleo.get(page).text))
    assert cleo.send(page, again).status_code == 302
    assert [e.actor for e in entries(desk_world, "step:requeued")] == ["cleo"]
    desk_world.work()
    skip = f"{page}/sources/billing/skip"
    assert cleo.send(page, skip).status_code == 422
    assert desk_world.state(ident) is RequestState.COLLECTING
    assert cleo.send(page, skip, {"sure": "yes"}).status_code == 302
    desk_world.work()
    assert desk_world.state(ident) is RequestState.DECIDING
    assert "Not every system could be searched" in cleo.text(page)


def test_a_source_that_came_back_ends_the_search(desk: Seat, desk_world: World) -> None:
    desk_world.execute("billing", "ALTER TABLE invoice RENAME TO elsewhere")
    ident = desk_world.open(Right.ACCESS, JANE)
    desk_world.work()
    desk_world.execute("billing", "ALTER TABLE elsewhere RENAME TO invoice")
    page = f"/requests/{desk_world.request(ident).reference}"
    cleo = desk("cleo")
    again = next(a for a in re.findall(r'action="([^"]+/requeue)"', cleo.get(page).text))
    form = form_of(cleo.get(page).text, again)
    assert cleo.post(again, form).status_code == 302
    desk_world.work()
    assert desk_world.request(ident).outcome is Outcome.DELIVERED
    assert cleo.post(again, form).status_code == 409
    assert cleo.post(re.sub(r"[0-9a-f-]{36}", str(uuid.UUID(int=7)), again), form).status_code == 404


def test_staff_verify_whom_they_saw_with_what_they_checked(desk: Seat, desk_world: World) -> None:
    ident = desk_world.open(Right.ACCESS, JANE, desk=False)
    desk_world.work()
    page = f"/requests/{desk_world.request(ident).reference}"
    ilse = desk("ilse")
    assert ilse.send(page, f"{page}/verify", {"email": JANE}).status_code == 422
    answer = ilse.send(page, f"{page}/verify", {"method": "desk", "email": "no address"})
    assert answer.status_code == 422
    assert 'value="no address"' in answer.text
    assert ilse.send(page, f"{page}/verify", {"method": "code", "email": JANE}).status_code == 422
    assert ilse.send(page, f"{page}/verify", {"method": "desk", "email": JANE}).status_code == 302
    desk_world.work()
    assert desk_world.request(ident).verified_by == "ilse"
    assert desk_world.request(ident).outcome is Outcome.DELIVERED


def test_files_are_streamed_to_those_who_may_and_each_fetch_is_on_record(desk: Seat, desk_world: World) -> None:
    ident = desk_world.open(Right.ACCESS, JANE)
    desk_world.work()
    page = f"/requests/{desk_world.request(ident).reference}"
    answer = desk("cleo").get(f"{page}/files/package.zip")
    assert answer.data.startswith(b"PK")
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert [e.actor for e in entries(desk_world, "package:fetched")] == ["cleo"]
    assert desk("otto").get(f"{page}/files/package.zip").status_code == 403
    assert desk("cleo").get(f"{page}/files/nothing.pdf").status_code == 404


@pytest.mark.parametrize("language", ["fi", "sv", "en"])
def test_the_whole_story_reads_in_every_language(
    desk: Seat, desk_world: World, erasure: tuple[uuid.UUID, str], language: str
) -> None:
    ident, page = erasure
    desk_world.approve(ident)
    desk_world.work()
    shown = desk("anna", language=language).text(page)
    codes = re.findall(r"\b(?:request|source|erasure|plan|identity|letter|mail):[a-z:_]+", shown)
    assert codes == []
    assert desk_world.request(ident).reference in shown


def test_less_proof_is_asked_for_and_confirmed_by_somebody_who_reads_why(desk: Seat, desk_world: World) -> None:
    ident = desk_world.open(desk=False)
    desk_world.work()
    page = f"/requests/{desk_world.request(ident).reference}"
    ben, anna = desk("ben"), desk("anna")
    assert ben.send(page, f"{page}/lower", {"reason": "short"}).status_code == 422
    assert ben.send(page, f"{page}/lower", {"reason": "Has no e-mail and cannot travel."}).status_code == 302
    assert not has_form(ben.get(page).text, f"{page}/lower/confirm")
    assert "Has no e-mail and cannot travel." in anna.text(page)
    assert "Has no e-mail" not in desk("ilse").text(page)
    assert not has_form(desk("cleo").get(page).text, f"{page}/lower/confirm")
    assert anna.send(page, f"{page}/lower/confirm").status_code == 302
    assert len(entries(desk_world, "identity:lowered")) == 1
    assert not has_form(anna.get(page).text, f"{page}/lower")
