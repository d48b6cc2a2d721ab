"""What is enough for a case is decided by its risk, and by nobody's wish alone."""

import re

import pytest

from models.request import Request
from models.staff import HumanTask
from models.verification import Lowering
from models.vocabulary import Channel, Ground, Method, RequestState, Right, TaskState
from tests.identity.broker import back
from tests.identity.conftest import BOBS, JANES, Bank
from tests.identity.test_signin import asked, go, request_of
from tests.webhooks.visitor import code_in_mail
from tests.world import JANE, make_world
from workflows import lifecycle
from workflows.casefile import Claim
from workflows.errors import BadInput, Conflict, NotAllowed
from workflows.ladder import lowering
from workflows.ladder.codes import open_challenge
from workflows.stages import decision, intake, verification

CHECKED = {"email": JANE}


def held(bank: Bank, session, ident):
    return session.get_one(Request, ident, with_for_update=True)


def by_staff(bank: Bank, ident, method: Method, number: str = "+358401234567", **more) -> None:
    checked = {**CHECKED, **({"phone_number": number} if method is Method.CALL_BACK else {})}
    with bank.world.rt.unit() as session:
        row = held(bank, session, ident)
        verification.by_staff(session, bank.world.rt, row, user="cleo", method=method, identifiers=checked, **more)


def test_a_call_is_not_enough_for_high_risk_and_the_desk_is(bank):
    ident = bank.world.open(desk=False)
    bank.world.work()
    with pytest.raises(NotAllowed, match="proof_too_weak"):
        by_staff(bank, ident, Method.CALL_BACK)
    assert bank.world.state(ident) is RequestState.VERIFYING
    by_staff(bank, ident, Method.DESK)
    bank.world.work()
    assert bank.world.request(ident).proof_sealed is not None


def test_a_weak_proof_that_staff_wrote_down_at_the_desk_proves_nobody(bank):
    claim = Claim(identifiers=CHECKED, checked=CHECKED)
    with bank.world.rt.unit() as session:
        wish = intake.Asked(Right.ACCESS, "en", Channel.PHONE, claim, method=Method.CALL_BACK, by="cleo")
        ident = intake.open_request(session, bank.world.rt, wish).request.id
    bank.world.work()
    row = bank.world.request(ident)
    assert (row.state, row.proof_sealed, row.verified_method) == (RequestState.VERIFYING, None, None)
    with bank.world.rt.unit() as session:
        assert "proof_too_weak" in {t.code for t in session.query(HumanTask) if t.request_id == ident}


def test_what_was_looked_up_before_somebody_logged_in_proves_nobody(bank):
    # Between the look-up of the claims and its result the person logs in: the claims were never vouched for.
    caller, page = asked(bank)
    ident = request_of(bank, page).id
    with bank.world.rt.unit() as session:
        verification_again(bank, session, ident)
    step = bank.world.rt.stages
    rt = bank.world.rt
    stage = next(stage for kind, stage in step.items() if kind.value == "verify")
    with rt.unit() as session:
        row = held(bank, session, ident)
        inputs = stage.prepare(session, rt, row, None)
    looked = stage.work(rt, None, inputs)
    caller.get(back(bank.broker.log_in(go(caller, page), BOBS)))
    with rt.unit() as session:
        row = held(bank, session, ident)
        assert stage.settle(session, rt, row, None, inputs, looked) is None
        assert row.proof_sealed is None


def less(session, rt, row, *, user: str) -> None:
    """Read what was asked for, and confirm it."""
    asked = lowering.asked_of(session, rt, row)
    lowering.confirm(session, rt, row, user=user, read=asked.read if asked else "")


def verification_again(bank: Bank, session, ident) -> None:
    verification.again(session, bank.world.rt, held(bank, session, ident))


def test_one_person_asks_for_less_another_confirms_and_then_a_code_goes_out(bank):
    rt, ident = bank.world.rt, bank.world.open(desk=False)
    bank.world.work()
    with rt.unit() as session, pytest.raises(BadInput):
        lowering.ask(session, rt, held(bank, session, ident), user="cleo", reason="please")
    with rt.unit() as session:
        lowering.ask(session, rt, held(bank, session, ident), user="ben", reason="Has no bank codes and can not come.")
    with rt.unit() as session:
        for name in ("ben", "cleo", "nobody"):  # the one who asked, one who may not decide, one who is not there
            with pytest.raises(NotAllowed):
                less(session, rt, held(bank, session, ident), user=name)
    bank.world.work()
    assert not [m for m in bank.world.mailer.sent if re.search(r"\b\d{8}\b", m.body)]
    with rt.unit() as session:
        less(session, rt, held(bank, session, ident), user="anna")
    bank.world.work()
    assert [m.to for m in bank.world.mailer.sent if re.search(r"\b\d{8}\b", m.body)] == [JANE]
    with rt.unit() as session, pytest.raises(Conflict):
        less(session, rt, held(bank, session, ident), user="anna")


def test_a_code_that_was_sent_while_less_was_enough_proves_nobody_any_more(bank):
    rt, ident = bank.world.rt, bank.world.open(desk=False)
    bank.world.work()  # so that one code goes out: of two at once either mail may be the last
    with rt.unit() as session:
        lowering.ask(session, rt, held(bank, session, ident), user="ben", reason="Has no bank codes and can not come.")
        less(session, rt, held(bank, session, ident), user="anna")
    bank.world.work()
    code = code_in_mail(bank.world, JANE)
    with rt.unit() as session:
        session.delete(session.get_one(Lowering, ident))
    with rt.unit() as session:
        assert not verification.answer(session, rt, held(bank, session, ident), code)
    assert bank.world.request(ident).proof_sealed is None


def test_an_answer_that_a_code_opened_is_shut_when_a_code_is_not_enough_any_more(bank):
    caller, page = asked(bank)
    rt, ident = bank.world.rt, request_of(bank, page).id
    with rt.unit() as session:
        lowering.ask(session, rt, held(bank, session, ident), user="ben", reason="Has no bank codes and can not come.")
        less(session, rt, held(bank, session, ident), user="anna")
    caller.post(f"{page}/code", {"code": code_in_mail(bank.world, JANE)})
    bank.world.work()
    assert caller.get(f"{page}/files/package.zip").status_code == 200
    with rt.unit() as session:
        session.delete(session.get_one(Lowering, ident))
    assert caller.get(f"{page}/files/package.zip").status_code == 303


def test_the_second_request_of_a_message_needs_its_own_proof_where_the_first_was_proven_by_less(bank):
    rt = bank.world.rt
    claim = Claim(identifiers=CHECKED, reply_to="asks@elsewhere.example")
    with rt.unit() as session:
        first = intake.Asked(Right.RECTIFICATION, "en", Channel.PORTAL, claim)
        one = intake.open_request(session, rt, first).request
        second = intake.Asked(Right.ERASURE, "en", Channel.PORTAL, claim)
        two = intake.open_request(session, rt, second, after=one).request.id
        first_id = one.id
    bank.world.work()
    code = code_in_mail(bank.world, JANE)
    with rt.unit() as session:
        assert verification.answer(session, rt, held(bank, session, first_id), code)
    assert bank.world.request(first_id).verified_method is Method.CODE
    bank.world.work()
    row = bank.world.request(two)
    assert (row.proof_sealed, row.verified_method) == (None, None)


def two_rights(rt, first: Right) -> tuple:
    """One message asks for this right and for erasure; the ids of both."""
    claim = Claim(identifiers=CHECKED, reply_to="asks@elsewhere.example")
    with rt.unit() as session:
        one = intake.open_request(session, rt, intake.Asked(first, "en", Channel.PORTAL, claim)).request
        wish = intake.Asked(Right.ERASURE, "en", Channel.PORTAL, claim)
        return one.id, intake.open_request(session, rt, wish, after=one).request.id


def test_the_second_request_of_a_message_goes_on_where_the_first_was_taken_back_before_anybody_was_proven(tmp_path):
    world = make_world(tmp_path)
    first, second = two_rights(world.rt, Right.ACCESS)
    world.work()
    before = len(world.mailer.sent)
    with world.rt.unit() as session:
        decision.withdraw(session, world.rt, session.get_one(Request, first, with_for_update=True), actor="person")
    world.work()
    assert [m.to for m in world.mailer.sent[before:] if re.search(r"\b\d{8}\b", m.body)] == [JANE]
    code = code_in_mail(world, JANE)
    with world.rt.unit() as session:
        row = session.get_one(Request, second, with_for_update=True)
        assert verification.answer(session, world.rt, row, code)
    assert world.request(second).proof_sealed is not None
    world.close()


def test_a_proof_that_the_person_on_file_disowned_proves_no_second_request(bank):
    rt = bank.world.rt
    first, second = two_rights(rt, Right.RECTIFICATION)
    bank.world.work()
    code = code_in_mail(bank.world, JANE)
    with rt.unit() as session:
        assert verification.answer(session, rt, held(bank, session, first), code)
    bank.world.work()
    with rt.unit() as session:
        row, why = held(bank, session, first), "It was not her who called."
        decision.refuse(session, rt, row, user="anna", ground=Ground.NOT_IDENTIFIED, reason=why)
    with rt.unit() as session:
        lowering.ask(session, rt, held(bank, session, second), user="ben", reason="Has no bank codes and can not come.")
        less(session, rt, held(bank, session, second), user="anna")
    bank.world.work()
    row = bank.world.request(second)
    assert (row.state, row.proof_sealed, row.verified_method) == (RequestState.VERIFYING, None, None)


def test_the_words_of_the_person_change_nothing(bank):
    caller, page = asked(bank, message="I lost my bank codes. My lawyer wants it within 24 hours, skip the check!")
    row = request_of(bank, page)
    assert (row.state, row.proof_sealed) == (RequestState.VERIFYING, None)
    assert 'name="code"' not in caller.get(page).text
    assert JANES not in caller.answer.text


def test_a_second_code_takes_the_place_of_the_first_and_gives_no_more_tries(tmp_path):
    world = make_world(tmp_path)
    rt, ident = world.rt, world.open(desk=False)
    world.work()
    with rt.unit() as session:  # two look-ups at once, as two staff who press at the same moment make them
        row = session.get_one(Request, ident, with_for_update=True)
        lifecycle.add_steps(session, rt, row, verification.begin(session, rt, row))
    world.work()
    codes = [m[1] for mail in world.mailer.sent if (m := re.search(r"\b(\d{8})\b", mail.body))]
    assert len(codes) == 2
    tries = rt.register.controller.delivery.code_tries
    wrong = next(f"{n:08d}" for n in range(9) if f"{n:08d}" not in codes)
    for given in [codes[0], *[wrong] * (tries - 1)]:
        with rt.unit() as session:
            assert not verification.answer(session, rt, session.get_one(Request, ident, with_for_update=True), given)
    with rt.unit() as session:
        row = session.get_one(Request, ident, with_for_update=True)
        assert open_challenge(session, rt, row) is None
        assert not verification.answer(session, rt, row, codes[1])
    assert world.request(ident).proof_sealed is None
    world.close()


def test_whoever_confirms_has_read_the_reason_as_it_is_now(bank):
    rt, ident = bank.world.rt, bank.world.open(desk=False)
    bank.world.work()
    with rt.unit() as session:
        row = held(bank, session, ident)
        lowering.ask(session, rt, row, user="ben", reason="Has no bank codes and can not come.")
        assert [one[:2] for one in lowering.waiting(session)] == [(row.reference, "ben")]
        read = lowering.show(session, rt, row, user="anna")
        assert read.reason == "Has no bank codes and can not come."
    with rt.unit() as session:
        lowering.ask(session, rt, held(bank, session, ident), user="ben", reason="The caller sounded very nice to me.")
    for mark in (read.read, ""):
        with rt.unit() as session, pytest.raises(Conflict, match="read_another"):
            lowering.confirm(session, rt, held(bank, session, ident), user="anna", read=mark)
    with rt.unit() as session:
        assert {t.code for t in session.query(HumanTask) if t.state is TaskState.OPEN} >= {"lowering"}
        less(session, rt, held(bank, session, ident), user="anna")
        assert not lowering.waiting(session)
    with rt.unit() as session:
        assert "lowering" not in {t.code for t in session.query(HumanTask) if t.state is TaskState.OPEN}
