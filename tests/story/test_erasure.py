"""An erasure from the plan to the last day of the last hold: what was approved goes, and nothing else."""

import json
import subprocess
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import update
from standardwebhooks.webhooks import Webhook

from models.decision import Plan
from models.staff import StaffUser
from models.vocabulary import Right
from tests.story.conftest import Move
from tests.story.house import TWO, WEBHOOK_SECRET, House
from tests.story.touched import check_touched
from webhooks.public import create_app
from workflows.demo.planting import CAST, as_person, customer_number
from workflows.documents.words import words
from workflows.errors import Conflict, NotAllowed
from workflows.manual_holds import Placing, place

ERASE = Right.ERASURE


def due_now(house: House, reference: str) -> list[dict[str, object]]:
    """The items that the present plan erases as soon as it is approved."""
    return [i for i in house.plan(reference)["items"] if i["action"] in ("delete", "mask")]


def to_decision(house: House, who: str) -> str:
    """An erasure that waits for its approvals."""
    reference = house.ask(who, ERASE)
    house.work()
    assert house.state(reference) == "deciding"
    return reference


@pytest.mark.parametrize("who", ["paid-all", "open-invoice", "ended-12-years", "prospect-with-ban", "contact-active"])
def test_what_was_approved_is_erased_and_no_other_record_is_touched(house: House, who: str) -> None:
    reference = to_decision(house, who)
    before, items = house.dump(), due_now(house, reference)
    house.approve(reference)
    house.work()
    member = next(m for m in CAST if m.slug == who)
    state = "held" if member.erasure.holds else "closed"
    assert house.ended(reference) == (state, member.erasure.outcome.value)
    assert check_touched(before, house.dump(), items) > 0
    assert house.tasks(reference) == []


def test_a_joint_holder_s_contract_and_the_other_holder_stay(house_here: House) -> None:
    reference = to_decision(house_here, "co-debtor-2")
    before, items = house_here.dump(), due_now(house_here, reference)
    house_here.approve(reference)
    house_here.work()
    after = house_here.dump()
    check_touched(before, after, items)
    first = str(customer_number("co-debtor-1"))
    theirs = [row for rows in before.values() for row in rows if ("asnro", first) in row]
    assert theirs
    assert all(any(row in rows for rows in after.values()) for row in theirs)


def test_an_erasure_needs_two_different_people_who_may_decide(house: House) -> None:
    reference = to_decision(house, "paid-all")
    before = house.dump()
    for name in ("ilona", "kaspar", "aatos", "yllapito", "nobody"):
        with pytest.raises(NotAllowed):
            house.approve(reference, name)
    assert house.approve(reference, "anneli") == 1
    assert house.approve(reference, "anneli") == 1
    house.work()
    assert house.state(reference) == "deciding"
    assert house.dump() == before
    assert house.approve(reference, "tuulikki") == 0


def test_who_is_disabled_or_prepared_the_plan_approves_nothing(house_here: House) -> None:
    reference = to_decision(house_here, "paid-all")
    with house_here.rt.unit() as session:
        session.execute(update(StaffUser).where(StaffUser.name == "anneli").values(disabled_at=house_here.clock.now()))
        session.execute(update(Plan).values(prepared_by="tuulikki"))
    for name in TWO:
        with pytest.raises(NotAllowed):
            house_here.approve(reference, name)
    assert house_here.state(reference) == "deciding"


def test_the_hash_of_an_older_plan_approves_nothing(house: House) -> None:
    reference = to_decision(house, "paid-all")
    looked_at = house.plan(reference)["hash"]
    hold_by_hand(house, reference)
    house.work()
    assert house.plan(reference)["hash"] != looked_at
    with pytest.raises(Conflict):
        house.approve(reference, "anneli", plan_hash=looked_at)
    assert house.plan(reference)["approvals"] == []
    assert house.approve(reference, "anneli", plan_hash=house.plan(reference)["hash"][:12]) == 1


def hold_by_hand(house: House, reference: str) -> None:
    """The data protection officer holds the basic data."""
    with house.held(reference) as (session, request):
        until = house.rt.today() + timedelta(days=90)
        place(session, house.rt, request, Placing("H17", "authority_order", until, "C01"), user="tuulikki")


def collection_opens(house: House, reference: str) -> None:
    """The agency's file has a new line about the same customer."""
    who = as_person(next(m for m in CAST if m.slug == "paid-all"))
    invoice = house.query("laskutus", "SELECT max(laskunro) FROM lasku WHERE asnro = :n", n=number("paid-all"))[0][0]
    line = f"TOIMEKSIANTO|T60001|{invoice}|{who.hetu}|X|10.00|0.00|0.00|New|2026-11-24||Esimerkkiperintä Oy\n"
    with Path(house.urls["perinta"]).open("a", encoding="utf-8") as file:
        file.write(line)
    house.execute(
        "laskutus",
        "UPDATE lasku SET avoin = 10.00, tila = 'ERAANTYNYT', erapvm = '2026-10-01' WHERE laskunro = :i",
        i=invoice,
    )  # one that fell due years ago would be time-barred, and hold nothing


def event_arrives(house: House, who: str, event: str = "collection.opened") -> None:
    """Another system says, signed, that something happened to a customer."""
    told = json.dumps({"type": event, "data": {"source": "asiakas", "key": str(customer_number(who))}})
    now = house.clock.now()
    ident = f"{event}:{now.timestamp()}"
    headers = {
        "webhook-id": ident,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(WEBHOOK_SECRET).sign(ident, now, told),
    }
    answer = create_app(house.rt).test_client().post("/webhooks/events", data=told, headers=headers)
    assert answer.status_code == 202


def number(slug: str) -> str:
    """Billing writes customer numbers as text."""
    return str(customer_number(slug))


def told_by_event(house: House, reference: str) -> None:
    """The agency's system tells."""
    event_arrives(house, "paid-all")


@pytest.mark.parametrize("news", [collection_opens, hold_by_hand, told_by_event])
def test_a_hold_that_begins_between_approval_and_erasure_stops_it(
    house: House, news: Callable[[House, str], None]
) -> None:
    reference = to_decision(house, "paid-all")
    house.approve(reference)
    assert house.state(reference) == "erasing"
    news(house, reference)
    before = house.dump()
    house.work()
    assert house.state(reference) == "deciding"
    assert house.dump() == before
    plan = house.plan(reference)
    assert plan["version"] > 1
    assert plan["approvals"] == []
    house.approve(reference)
    items = due_now(house, reference)
    house.work()
    assert house.ended(reference)[0] == "held"
    check_touched(before, house.dump(), items)


def test_a_hold_that_begins_when_half_the_sources_are_erased_stops_the_rest(house: House) -> None:
    reference = to_decision(house, "ended-12-years")
    house.approve(reference)
    erased = []

    def hold_now(name: str) -> None:
        if name == "erased" and not erased:
            erased.append(name)
            hold_by_hand(house, reference)

    half = house.again(failpoint=hold_now)
    before = house.dump()
    half.work()
    half.close()
    assert house.state(reference) == "deciding"
    now = house.dump()
    assert now["asiakas", "asiakas"] == before["asiakas", "asiakas"]
    assert now != before
    house.approve(reference)
    house.work()
    assert house.ended(reference) == ("held", "partly_erased")
    assert house.dump()["asiakas", "asiakas"] == before["asiakas", "asiakas"]
    house.clock.advance(days=91)
    house.work()
    assert house.ended(reference) == ("closed", "erased")


def test_paying_the_invoice_ends_its_hold_and_the_plan_shrinks(house: House) -> None:
    reference = to_decision(house, "open-invoice")
    assert "H09" in {h["rule"] for h in house.show(reference)["holds"]}
    house.approve(reference, "anneli")
    house.execute(
        "laskutus", "UPDATE lasku SET avoin = 0, tila = 'MAKSETTU' WHERE asnro = :n", n=number("open-invoice")
    )
    event_arrives(house, "open-invoice", "invoice.paid")
    house.work()
    shown = house.show(reference)
    assert shown["state"] == "deciding"
    assert "H09" not in {h["rule"] for h in shown["holds"]}
    assert house.plan(reference)["approvals"] == []


def test_a_paid_invoice_ends_the_hold_of_what_was_kept(house_here: House) -> None:
    reference = to_decision(house_here, "interrupted")
    house_here.approve(reference)
    house_here.work()
    assert house_here.state(reference) == "held"
    before = house_here.dump()
    house_here.execute(
        "laskutus", "UPDATE lasku SET avoin = 0, tila = 'MAKSETTU' WHERE asnro = :n", n=number("interrupted")
    )
    before = house_here.dump()
    event_arrives(house_here, "interrupted", "invoice.paid")
    house_here.work()
    gone = {table for table, rows in house_here.dump().items() if rows != before[table]}
    assert ("laskutus", "sopimus") in gone
    assert house_here.state(reference) == "held"


def test_a_record_that_changed_since_the_approval_is_kept_and_asked_about_again(house: House) -> None:
    reference = to_decision(house, "ended-12-years")
    items = due_now(house, reference)
    house.approve(reference)
    house.execute(
        "asiakas", "UPDATE osoite SET katu = 'Uusi tie 300' WHERE asnro = :n", n=customer_number("ended-12-years")
    )
    before = house.dump()
    house.work()
    assert house.state(reference) == "deciding"
    # Nothing of that source is touched: what leads to the changed record must be there for the next search.
    others = [i for i in items if i["source"] != "asiakas"]
    check_touched(before, house.dump(), others)
    assert {i["collection"] for i in due_now(house, reference)} >= {"osoite"}
    assert house.plan(reference)["approvals"] == []
    house.approve(reference)
    house.work()
    assert house.ended(reference) == ("closed", "erased")
    assert not house.query("asiakas", "SELECT 1 FROM osoite WHERE asnro = :n", n=customer_number("ended-12-years"))


@pytest.mark.slow
def test_what_is_kept_goes_by_itself_on_the_day_after_its_hold(house_here: House) -> None:
    reference = to_decision(house_here, "paid-all")
    plan = house_here.plan(reference)["items"]
    house_here.approve(reference)
    house_here.work()
    days = sorted({i["erase_on"] for i in plan if i["erase_on"]})
    assert len(days) > 6
    for day in map(date.fromisoformat, days):
        before = house_here.dump()
        for eve in (day - timedelta(days=1), day):
            house_here.clock.set(datetime(eve.year, eve.month, eve.day, 4, 0, tzinfo=UTC))
            house_here.mailer.sent.clear()
            if eve < day:
                house_here.work()
                assert house_here.dump() == before, f"something went before {day}"
                assert house_here.state(reference) == "held"
        house_here.work()
        due = [{**i, "action": i["later"], "fields": []} for i in plan if i["erase_on"] == day.isoformat()]
        assert check_touched(before, house_here.dump(), due) >= len(due), f"nothing went on {day}"
    assert house_here.ended(reference) == ("closed", "erased")
    assert len(house_here.mails_to(as_person(next(m for m in CAST if m.slug == "paid-all")).email)) == 1
    assert house_here.chain_is_whole()


def test_a_day_on_which_the_system_was_down_is_caught_up_once(house: House) -> None:
    reference = to_decision(house, "paid-all")
    plan = house.plan(reference)["items"]
    house.approve(reference)
    house.work()
    before = house.dump()
    house.clock.set(datetime(2029, 6, 1, 4, 0, tzinfo=UTC))
    house.work()
    late = [{**i, "action": i["later"], "fields": []} for i in plan if (i["erase_on"] or "9999") <= "2029-06-01"]
    check_touched(before, house.dump(), late)
    after = house.dump()
    house.work()
    assert house.dump() == after
    assert house.state(reference) == "held"


@pytest.mark.slow
@pytest.mark.parametrize("language", ["fi", "sv", "en"])
def test_the_plan_and_the_certificate_say_what_each_system_can_prove(move_in_here: Move, language: str) -> None:
    house = move_in_here(render_pdf=True)
    reference = house.ask("paid-all", ERASE, language=language)
    house.work()
    plan = house.plan(reference)
    assert set(plan["guarantees"]) == {i["source"] for i in plan["items"] if i["action"] != "keep" or i["later"]}
    house.approve(reference)
    house.work()
    treated = {i["source"] for i in house.plan(reference)["items"] if i["receipt"]}
    (letter,) = [f["name"] for f in house.show(reference)["files"]]
    pdf = house.file(reference, letter).read_bytes()
    text = subprocess.run(["pdftotext", "-raw", "-", "-"], input=pdf, capture_output=True, check=True).stdout.decode()
    told = {tier for tier, sentence in words(language).guarantee.items() if sentence in " ".join(text.split())}
    assert told == {plan["guarantees"][name] for name in treated} != set()
