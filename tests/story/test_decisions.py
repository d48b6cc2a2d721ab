"""What people decide beside a plan: refuse, extend, take note of a withdrawal; and who is reminded of it when."""

import json
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from threading import Thread

import pikepdf
import pytest
from sqlalchemy import select

from models.request import Reminder
from models.vocabulary import Ground, Method, Right, StepState
from tests.story.conftest import Move
from tests.story.house import TODAY, TWO, House, mail_of
from workflows.demo.planting import customer_number
from workflows.errors import BadInput, Conflict, NotAllowed
from workflows.reminding import remind
from workflows.stages import decision, verification

REASON = "Sopimus on voimassa, ja tarvitsemme kaikki tiedot sen täyttämiseen."


def deciding(house: House, who: str = "paid-all", *, handed: bool = True) -> str:
    """An erasure that waits for people."""
    reference = house.ask(who, Right.ERASURE, handed=handed)
    house.work()
    return reference


def refuse(house: House, reference: str, user: str = "tuulikki", reason: str = REASON) -> None:
    """Refuse."""
    with house.held(reference) as (session, request):
        decision.refuse(session, house.rt, request, user=user, ground=Ground.NO_GROUND, reason=reason)


def extend(house: House, reference: str, user: str = "tuulikki", reason: str = "complexity") -> date:
    """Two further months."""
    with house.held(reference) as (session, request):
        return decision.extend(session, house.rt, request, user=user, reason=reason)


def withdraw(house: House, reference: str) -> None:
    """The person takes it back."""
    with house.held(reference) as (session, request):
        decision.withdraw(session, house.rt, request, actor="person")


def test_a_refusal_ends_with_a_certificate_that_names_ground_and_reason(house: House) -> None:
    reference = deciding(house, "active")
    before = house.dump()
    for user in ("kaspar", "ilona", "nobody"):
        with pytest.raises(NotAllowed):
            refuse(house, reference, user)
    with pytest.raises(BadInput):
        refuse(house, reference, reason="ei")
    refuse(house, reference)
    house.work()
    assert house.ended(reference) == ("closed", "refused")
    assert house.dump() == before
    notice, mail = house.mails_to(mail_of("active"))
    assert notice.startswith("Joku asioi tiedoistasi nimissäsi")
    assert "/fetch/" in mail
    assert "voimassa" not in mail
    assert house.file(reference, "letter_refusal.pdf").stat().st_size > 0
    with pytest.raises(Conflict):
        house.approve(reference, "anneli")
    assert house.tasks(reference) == []


@pytest.mark.slow
def test_the_certificate_of_a_refusal_is_a_tagged_pdf(move_in_here: Move) -> None:
    house = move_in_here(render_pdf=True)
    reference = deciding(house, "active")
    refuse(house, reference)
    house.work()
    with pikepdf.open(house.file(reference, "letter_refusal.pdf")) as pdf:
        assert pdf.Root.MarkInfo.Marked


def test_an_extension_is_told_once_inside_the_first_month(house: House) -> None:
    reference = deciding(house)
    with pytest.raises(NotAllowed):
        extend(house, reference, "ilona")
    with pytest.raises(BadInput):
        extend(house, reference, reason="holidays")
    house.clock.advance(days=20)
    assert extend(house, reference) == date(2027, 2, 24)
    house.work()
    shown = house.show(reference)
    assert (shown["extended_until"], shown["due_on"]) == ("2027-02-24", "2027-02-24")
    _, mail = house.mails_to(mail_of("paid-all"))  # the first one told of the request itself
    assert "24.2.2027" in mail
    with pytest.raises(Conflict):
        extend(house, reference)


def test_an_extension_after_the_first_month_is_refused(house_here: House) -> None:
    reference = deciding(house_here)
    house_here.clock.set(datetime(2026, 12, 29, 8, 0, tzinfo=UTC))
    with pytest.raises(Conflict):
        extend(house_here, reference)
    assert house_here.show(reference)["extended_until"] is None


def test_a_withdrawal_before_anything_is_erased_stops_everything(house: House) -> None:
    reference = deciding(house)
    house.approve(reference, "anneli")
    before = house.dump()
    withdraw(house, reference)
    house.work()
    assert house.ended(reference) == ("closed", "withdrawn")
    assert house.dump() == before
    with pytest.raises(Conflict):
        house.approve(reference, "tuulikki")
    assert house.tasks(reference) == []


def test_a_withdrawal_between_approval_and_erasure_comes_too_late_or_stops_it_whole(house: House) -> None:
    reference = deciding(house)
    house.approve(reference)
    with pytest.raises(Conflict):
        withdraw(house, reference)
    house.work()
    assert house.ended(reference) == ("held", "partly_erased")


def test_a_withdrawal_of_what_is_kept_leaves_it_kept(house_here: House) -> None:
    reference = deciding(house_here)
    house_here.approve(reference)
    house_here.work()
    withdraw(house_here, reference)
    house_here.work()
    before = house_here.dump()
    house_here.clock.advance(days=365 * 11)
    house_here.work()
    assert house_here.ended(reference) == ("closed", "withdrawn")
    assert house_here.dump() == before


def test_a_desk_request_is_proven_by_the_named_colleague_who_saw_the_person(house: House) -> None:
    reference = house.ask({"customer_number": str(customer_number("paid-all"))}, desk=False)
    house.work()
    with pytest.raises(NotAllowed), house.held(reference) as (session, request):
        verification.by_staff(session, house.rt, request, user="ilona", method=Method.CODE, identifiers={})
    with pytest.raises(BadInput), house.held(reference) as (session, request):
        verification.by_staff(session, house.rt, request, user="ilona", method=Method.DESK, identifiers={})
    number = {"customer_number": str(customer_number("paid-all"))}
    with house.held(reference) as (session, request):
        verification.by_staff(session, house.rt, request, user="ilona", method=Method.DESK, identifiers=number)
    house.work()
    shown = house.show(reference)
    assert (shown["state"], shown["verified"]) == ("closed", "desk")


def test_what_a_stranger_wrote_into_the_form_counts_nothing_at_the_desk(house: House) -> None:
    neighbour = str(customer_number("paid-all"))
    reference = house.ask({"customer_number": neighbour}, desk=False)
    house.work()
    seen = {"phone_number": "+358401234567"}  # the stranger's own, on no record
    with house.held(reference) as (session, request):
        verification.by_staff(session, house.rt, request, user="ilona", method=Method.DESK, identifiers=seen)
    house.work()
    assert house.ended(reference) == ("closed", "nothing_found")


def test_an_address_two_people_share_needs_a_person_to_say_who_it_is(house: House) -> None:
    reference = house.ask({"email": "heinoset@posti.example"}, desk=False)
    house.work()
    assert house.state(reference) == "verifying"
    assert "ambiguous" in [t.code for t in house.tasks(reference)]
    assert house.mails_to("heinoset@posti.example") == []
    number = {"customer_number": str(customer_number("shared-mail-2"))}
    [person] = house.rt.look_up(number)[1]
    number["phone_number"] = person.contact.phone
    with house.held(reference) as (session, request):
        verification.by_staff(
            session,
            house.rt,
            request,
            user="ilona",
            method=Method.CALL_BACK,
            identifiers=number,
            number_since=date(2020, 1, 1),
        )
    house.work()
    assert house.ended(reference) == ("closed", "delivered")


def rungs(house: House) -> list[tuple[str, bool]]:
    """What is on record, in the order of writing."""
    with house.rt.unit() as session:
        rows = session.scalars(select(Reminder).order_by(Reminder.created_at, Reminder.sent, Reminder.rung)).all()
        return list(dict.fromkeys((row.rung, row.sent) for row in rows))


def test_a_letter_that_nobody_prints_is_reminded_of_until_it_is_posted(house_here: House) -> None:
    reference = deciding(house_here, handed=False)
    house_here.clock.advance(days=5)
    house_here.work()
    assert rungs(house_here) == [("department_5", True)]
    house_here.post_letters(reference)
    house_here.clock.advance(days=5)
    house_here.work()
    assert rungs(house_here) == [("department_5", True)]


@pytest.mark.slow
def test_each_rung_of_the_ladder_is_climbed_once(house_here: House) -> None:
    reference = deciding(house_here)
    for _ in range(40):
        house_here.clock.advance(days=1)
        house_here.work()
        house_here.work()
    climbed = [name for name, sent in rungs(house_here) if sent]
    assert len(climbed) == len(set(climbed))
    assert climbed[0] == "holds_14"
    assert {"extension_21", "dpo_25", "management_29", "overdue"} <= set(climbed)
    mails = house_here.mails_to("tuulikki@staff.example")
    assert len(mails) == len(set(mails)) or len(mails) <= len(climbed)
    assert all(reference in mail for mail in mails)
    assert not any("Heikkilä" in mail for mail in mails)
    house_here.approve(reference)
    house_here.work()
    house_here.clock.advance(days=3)
    house_here.work()
    assert house_here.mails_to("tuulikki@staff.example") == mails


def test_two_schedulers_at_once_climb_no_rung_twice(house: House) -> None:
    deciding(house)
    house.clock.advance(days=15)
    twins = [house.again(), house.again()]
    threads = [Thread(target=remind, args=(twin.rt,)) for twin in twins]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for twin in twins:
        twin.close()
    house.work()
    assert [name for name, sent in rungs(house) if sent] == ["holds_14"]
    assert len(house.mails_to("tuulikki@staff.example")) == 1


def test_after_a_standstill_only_the_highest_rung_is_sent(house_here: House) -> None:
    deciding(house_here)
    house_here.clock.advance(days=26)
    house_here.work()
    sent = [name for name, sent in rungs(house_here) if sent]
    assert len(sent) == 1
    assert sent[0].startswith(("last_days", "dpo_25"))
    assert {"holds_14", "extension_21"} <= {name for name, was_sent in rungs(house_here) if not was_sent}
    assert len(house_here.mails_to("tuulikki@staff.example")) == 1


@pytest.mark.slow
@pytest.mark.parametrize(
    ("received", "due"),
    [
        ("2026-01-31", "2026-03-02"),
        ("2026-03-05", "2026-04-07"),
        ("2026-04-01", "2026-05-04"),
        ("2026-05-19", "2026-06-22"),
        ("2026-11-24", "2026-12-28"),
        ("2026-11-06", "2026-12-07"),
    ],
)
def test_the_command_counts_the_due_dates(received: str, due: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", "from workers.cli import main; main()", "deadline", received, "--json"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    told = json.loads(done.stdout)
    assert told["due_b"] == due
    assert told["due_a"] <= due
    assert {"received_on", "months", "raw", "due_a", "due_b", "why"} <= told.keys()


def test_the_person_is_answered_before_the_due_date_that_was_acknowledged(house_here: House) -> None:
    reference = house_here.ask("active", reply_to="one@where.example")
    house_here.work()
    shown = house_here.show(reference)
    assert shown["answered_at"][:10] <= shown["due_a"] <= shown["due_b"]
    assert TODAY.date() + timedelta(days=28) <= date.fromisoformat(shown["due_a"])


def test_a_step_nobody_decides_waits_for_ever_and_is_never_lost(house_here: House) -> None:
    reference = deciding(house_here)
    for _ in range(5):
        house_here.clock.advance(days=200)
        house_here.work()
    assert house_here.state(reference) == "deciding"
    waiting = [s for s in house_here.show(reference)["steps"] if s["state"] == StepState.WAITING.value]
    assert len(waiting) == 1
    house_here.approve(reference, *TWO)
    house_here.work()
    assert house_here.ended(reference)[0] == "held"
