"""A fee in place of a refusal, and the register's own grounds, at the console."""

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from models.request import Request
from models.vocabulary import Outcome, RequestState, Right
from tests.webhooks.desk import Desk, give_passwords
from tests.webhooks.test_console_refusal import agree, prepare
from tests.world import BOB, World, open_world, write_register
from tests.world import prepare as made
from workflows import guarding
from workflows.documents.formats import long_date
from workflows.errors import Conflict

Seat = Callable[..., Desk]
GROUNDS = """
- id: excessive
  law: [GDPR 12(5)]
  source: EUR-Lex
  checked_on: 2026-01-15
  guard: two_people
  text: {fi: Pyyntö on kohtuuton., sv: Begäran är orimlig., en: The request is excessive.}
  fees: [{id: copy, cents: 2500, basis: one hour of work}]
- id: court_file
  law: [Act 1/2001 s. 2]
  source: Finlex
  checked_on: 2026-01-15
  text: {fi: Asiakirja on salassa., sv: Handlingen är sekretessbelagd., en: The file of the court is secret.}
- id: old_law
  law: [Act 2/2001 s. 2]
  source: Finlex
  checked_on: 2026-01-15
  valid_to: 2025-12-31
  text: {fi: Vanha., sv: Gammal., en: A ground of old.}
"""


@pytest.fixture
def desk_world(tmp_path: Path) -> Iterator[World]:
    """With a scale of fees, a ground of the register's own, and one that holds no more."""
    environ = made(tmp_path)
    write_register(tmp_path / "register", {"grounds.yaml": GROUNDS})
    world = open_world(environ)
    give_passwords(world)
    yield world
    world.close()


@pytest.fixture
def erasure(desk_world: World) -> tuple[uuid.UUID, str]:
    ident = desk_world.open(Right.ERASURE, BOB)
    desk_world.work()
    return ident, f"/requests/{desk_world.request(ident).reference}"


def announce(seat: Desk, page: str, fee: str = "copy") -> int:
    return seat.send(page, f"{page}/refusal/fee", {"fee": fee}).status_code


@pytest.mark.parametrize("how", ["accepted", "paid"])
def test_a_fee_that_is_accepted_or_paid_takes_the_place_of_the_refusal(
    desk: Seat, desk_world: World, erasure: tuple[uuid.UUID, str], how: str
) -> None:
    ident, page = erasure
    cleo, anna = desk("cleo"), desk("anna")
    assert prepare(cleo, page) == 302
    assert announce(cleo, page, "none") == 422
    assert announce(cleo, page) == 302
    anna.get(page)
    form = {"csrf": anna.token(), "reference": page.rpartition("/")[2], "digest": "00" * 32}
    assert anna.post(f"{page}/refusal/agree", form).status_code == 409  # the person is to answer first
    assert cleo.send(page, f"{page}/refusal/settled", {"how": "perhaps"}).status_code == 409
    assert cleo.send(page, f"{page}/refusal/settled", {"how": how}).status_code == 302
    assert desk_world.state(ident) is RequestState.DECIDING
    desk_world.approve(ident)
    desk_world.work()
    assert desk_world.request(ident).outcome is Outcome.PARTLY_ERASED


def test_who_declines_the_fee_may_be_refused_by_two(
    desk: Seat, desk_world: World, erasure: tuple[uuid.UUID, str]
) -> None:
    ident, page = erasure
    cleo, anna = desk("cleo"), desk("anna")
    prepare(cleo, page)
    announce(cleo, page)
    assert prepare(cleo, page, case_fee="declined") == 302
    assert agree(anna, page) == 302
    desk_world.work()
    assert desk_world.request(ident).outcome is Outcome.REFUSED


def test_the_person_is_asked_by_letter_and_has_their_days_to_answer(
    desk: Seat, desk_world: World, erasure: tuple[uuid.UUID, str]
) -> None:
    ident, page = erasure
    cleo = desk("cleo")
    prepare(cleo, page)
    announce(cleo, page)
    with desk_world.rt.unit() as session, pytest.raises(Conflict):  # it is one letter
        guarding.announce_fee(session, desk_world.rt, session.get_one(Request, ident), user="cleo", fee="copy")
    desk_world.work()
    (mail,) = [mail for mail in desk_world.mailer.sent if "fee" in mail.subject]
    assert mail.to == BOB  # the contact on file
    last = desk_world.rt.today() + guarding.FEE_DAYS
    for said in ("€25.00", "one hour of work", "The request is excessive.", long_date(last, "en")):
        assert said in mail.body
    assert "This is the ninth" not in mail.body
    assert prepare(cleo, page, case_fee="unanswered") == 422
    assert prepare(cleo, page, case_fee="unsuitable") == 422  # it was suitable enough to be asked for
    desk_world.clock.advance(days=guarding.FEE_DAYS.days)
    cleo = desk("cleo")
    assert prepare(cleo, page, case_fee="unanswered") == 422  # the last day counts
    desk_world.clock.advance(days=1)
    cleo = desk("cleo")
    assert prepare(cleo, page, case_fee="unanswered") == 302


def test_one_person_refuses_on_a_ground_of_the_register_that_holds_today(
    desk: Seat, desk_world: World, erasure: tuple[uuid.UUID, str]
) -> None:
    ident, page = erasure
    anna = desk("anna")
    shown = anna.get(page).text
    assert "The file of the court is secret." in shown
    assert "A ground of old." not in shown
    fields = {"reason": "The court has not released the file."}
    for wrong in ("old_law", "nothing", "excessive"):
        assert anna.send(page, f"{page}/refuse", {**fields, "ground": wrong}).status_code in (403, 422)
    assert anna.send(page, f"{page}/refuse", {**fields, "ground": "court_file"}).status_code == 302
    desk_world.work()
    assert desk_world.request(ident).refusal_ground == "court_file"
