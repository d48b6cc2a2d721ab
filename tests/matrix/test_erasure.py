"""M28 to M58: what an erasure ends in, by the state of the data and of the contract."""

from datetime import date, timedelta

import pytest

from models.notices import NoticeKind
from models.restriction import RestrictionGround, Weighed
from models.vocabulary import Ban, Outcome, RequestState, Right
from tests.matrix.company import check, finish, items_of, receipts_of, rules_of, words_of, work
from tests.matrix.conftest import Played
from tests.matrix.row import row, row_of
from tests.story.house import House
from workflows import views
from workflows.demo.planting import customer_number
from workflows.manual_holds import Placing, place
from workflows.recipients.listed import notices_of
from workflows.restricting import naming, objecting
from workflows.restricting.following import follower_of
from workflows.suppression import bans_of

E, S = Right.ERASURE, RequestState
GONE = {"erased"}
REPLY = "asks@elsewhere.example"


def years(day: date, count: int) -> date:
    """The same day so many years on; none of these is a leap day."""
    return day.replace(year=day.year + count)


def hold(house: House, reference: str, rule: str, reason: str, category: str | None = None) -> None:
    """Somebody of the staff holds this person's data until a year from now."""
    with house.held(reference) as (session, request):
        placing = Placing(rule, reason, house.rt.today() + timedelta(days=365), category)
        place(session, house.rt, request, placing, user="tuulikki")


@row("erasure of what rests on consent: newsletter, surveys, no contract", S.CLOSED, Outcome.ERASED, "L01 L10")
def test_m28_what_rests_on_consent_is_erased_and_no_import_begins_it_again(house: House, played: Played) -> None:
    reference = played("newsletter-reader", E)
    assert receipts_of(house, reference, "tilaaja") == GONE
    with house.rt.unit() as session:
        request = views.find_request(session, reference)
        assert {ban.ban for ban in bans_of(session, request)} == {Ban.ELECTRONIC}
    assert "sähköpostilla" in words_of(house, reference, "letter_erasure.pdf")
    check(house, row_of(test_m28_what_rests_on_consent_is_erased_and_no_import_begins_it_again), reference)


@row("erasure while a contract is in force", S.HELD, Outcome.KEPT, "L01 L09")
def test_m29_while_a_contract_is_in_force_its_data_stay(house: House, played: Played) -> None:
    reference = played("active", E)
    for collection in ("asiakas", "sopimus", "sarja_15"):
        assert "H12" in rules_of(house, reference, collection)
    check(house, row_of(test_m29_while_a_contract_is_in_force_its_data_stay), reference)


@row("erasure of contract data, contract ended two years ago", S.HELD, Outcome.PARTLY_ERASED, "L01 L09")
def test_m30_contract_data_stay_six_years_after_the_end(house: House, played: Played) -> None:
    reference = played("ended-2-years", E)
    n = str(customer_number("ended-2-years"))
    ((end,),) = set(house.query("laskutus", "SELECT loppu FROM sopimus WHERE asnro = :n", n=n))
    assert {item["erase_on"] for item in items_of(house, reference, "sopimus")} == {
        years(date.fromisoformat(end), 6).isoformat()
    }
    check(house, row_of(test_m30_contract_data_stay_six_years_after_the_end), reference)


@row("erasure of contract data, contract ended more than six years ago", S.CLOSED, Outcome.ERASED, "L01 L10")
def test_m31_contract_data_go_once_six_years_are_over(house: House, played: Played) -> None:
    boundary = played("six-years-and-a-day", E)
    assert receipts_of(house, boundary, "sopimus") == GONE
    reference = played("ended-12-years", E)
    assert receipts_of(house, reference, "sopimus") == GONE
    check(house, row_of(test_m31_contract_data_go_once_six_years_are_over), reference)


@row("erasure of metering data, contract ended two years ago", S.HELD, Outcome.PARTLY_ERASED, "L01 L09")
def test_m32_metering_data_go_day_by_day_six_years_after_each(house: House, played: Played) -> None:
    reference = played("ended-2-years", E)
    days = items_of(house, reference, "sarja_15")
    assert days
    for day in days:
        assert "H05" in day["holds"]
    assert len({day["erase_on"] for day in days}) == len(days)
    check(house, row_of(test_m32_metering_data_go_day_by_day_six_years_after_each), reference)


@row("erasure where metering data older than six years are still stored", S.HELD, Outcome.PARTLY_ERASED, "L01 L09")
def test_m33_metering_data_past_their_time_go_and_that_they_were_there_is_told(own: House) -> None:
    reference = finish(own, "ended-7-years", E)
    assert receipts_of(own, reference, "sarja_15") == GONE
    assert "C05" in {code for task in own.tasks() if task.code == "retention_breach" for code in task.facts}
    check(own, row_of(test_m33_metering_data_past_their_time_go_and_that_they_were_there_is_told), reference)


@row("erasure of paid invoices inside the accounting time", S.HELD, Outcome.PARTLY_ERASED, "L01 L09")
def test_m34_paid_invoices_stay_six_years_from_the_end_of_the_year(house: House, played: Played) -> None:
    reference = played("ended-2-years", E)
    invoices = items_of(house, reference, "lasku")
    n = str(customer_number("ended-2-years"))
    ends = {
        number: date.fromisoformat(end)
        for number, end in house.query("laskutus", "SELECT laskunro, tilikausi_loppu FROM lasku WHERE asnro = :n", n=n)
    }
    assert invoices
    for invoice in invoices:
        assert {"H01", "H03", "H04"} <= set(invoice["holds"])
        assert invoice["erase_on"] == f"{ends[invoice['locator']['laskunro']].year + 7}-01-01"
    check(house, row_of(test_m34_paid_invoices_stay_six_years_from_the_end_of_the_year), reference)


@row("erasure of the ledger", S.HELD, Outcome.PARTLY_ERASED, "L01 L09")
def test_m35_the_ledger_stays_ten_years_after_its_fiscal_year(house: House, played: Played) -> None:
    reference = played("ended-2-years", E)
    entries = items_of(house, reference, "osareskontra")
    n = str(customer_number("ended-2-years"))
    ends = dict(house.query("laskutus", "SELECT tosite, tilikausi_loppu FROM osareskontra WHERE asnro = :n", n=n))
    for entry in entries:
        assert entry["holds"] == ["H02"]
        end = date.fromisoformat(ends[entry["locator"]["tosite"]])
        assert entry["erase_on"] == (years(end, 10) + timedelta(days=1)).isoformat()
    check(house, row_of(test_m35_the_ledger_stays_ten_years_after_its_fiscal_year), reference)


@row("erasure with an open invoice that is not due yet", S.HELD, Outcome.PARTLY_ERASED, "L01 L09")
def test_m36_an_open_invoice_keeps_what_the_claim_needs(house: House, played: Played) -> None:
    reference = played("open-invoice", E)
    for collection in ("lasku", "asiakas", "osoite"):
        assert "H09" in rules_of(house, reference, collection)
    check(house, row_of(test_m36_an_open_invoice_keeps_what_the_claim_needs), reference)


@row("erasure with an overdue invoice, reminded", S.HELD, Outcome.PARTLY_ERASED, "L01 L09")
def test_m37_an_overdue_invoice_keeps_what_the_claim_needs(house: House, played: Played) -> None:
    reference = played("overdue", E)
    assert "H09" in rules_of(house, reference, "lasku")
    assert items_of(house, reference, "muistutus")
    check(house, row_of(test_m37_an_overdue_invoice_keeps_what_the_claim_needs), reference)


@row("erasure while an agency collects", S.HELD, Outcome.PARTLY_ERASED, "L01 L09")
def test_m38_what_an_agency_collects_stays_and_nothing_is_ordered_of_it(house: House, played: Played) -> None:
    reference = played("in-collection", E)
    (claim,) = items_of(house, reference, "toimeksianto")
    assert (claim["action"], claim["holds"], claim["receipt"]) == ("keep", ["H10"], None)
    check(house, row_of(test_m38_what_an_agency_collects_stays_and_nothing_is_ordered_of_it), reference)


@row("erasure while the debt is disputed", S.HELD, Outcome.PARTLY_ERASED, "L01 L07 L09")
def test_m39_a_disputed_debt_is_kept_for_both_reasons_and_rests(house: House, played: Played) -> None:
    reference = played("disputed", E)
    assert {"H10", "H11"} <= rules_of(house, reference, "lasku")
    with house.rt.unit() as session:
        (notice,) = notices_of(session, views.find_request(session, reference))
        assert (notice.recipient, notice.kind) == ("agency", NoticeKind.PAUSE)
    assert "Perintätoimisto" in words_of(house, reference, "letter_partial_erasure.pdf")
    check(house, row_of(test_m39_a_disputed_debt_is_kept_for_both_reasons_and_rests), reference)


@row("erasure after the debt became time-barred", S.HELD, Outcome.PARTLY_ERASED, "L01 L09")
def test_m40_a_time_barred_debt_holds_nothing(house: House, played: Played) -> None:
    reference = played("prescribed", E)
    rules = {rule for item in house.plan(reference)["items"] for rule in item["holds"]}
    assert not rules & {"H09", "H10"}
    assert receipts_of(house, reference, "lasku") == GONE
    check(house, row_of(test_m40_a_time_barred_debt_holds_nothing), reference)


@row("erasure while we owe the person money", S.HELD, Outcome.PARTLY_ERASED, "L01 L09")
def test_m41_what_we_owe_keeps_what_paying_it_back_needs(house: House, played: Played) -> None:
    reference = played("credit-balance", E)
    assert "H21" in rules_of(house, reference, "lasku")
    assert "38,20" in words_of(house, reference, "letter_partial_erasure.pdf")
    check(house, row_of(test_m41_what_we_owe_keeps_what_paying_it_back_needs), reference)


@row("erasure of a recorded call of four months ago", S.HELD, Outcome.PARTLY_ERASED, "L01 L09")
def test_m42_a_recording_goes_while_the_contract_behind_it_stays(house: House, played: Played) -> None:
    played("calls-and-tickets", Right.ACCESS)  # others look at it before it goes
    reference = played("calls-and-tickets", E)
    assert receipts_of(house, reference, "puhelu") == GONE
    check(house, row_of(test_m42_a_recording_goes_while_the_contract_behind_it_stays), reference)


@row("erasure of a recorded call while a complaint is open", S.HELD, Outcome.PARTLY_ERASED, "L01 L09")
def test_m43_a_recording_that_a_complaint_needs_stays(own: House) -> None:
    reference = own.ask("calls-and-tickets", E, reply_to=REPLY)
    work(own)
    hold(own, reference, "H11", "dispute", "C11")
    work(own)
    own.approve(reference)
    work(own)
    assert {item["action"] for item in items_of(own, reference, "puhelu")} == {"keep"}
    assert rules_of(own, reference, "puhelu") == {"H11"}
    check(own, row_of(test_m43_a_recording_that_a_complaint_needs_stays), reference)


@row("erasure of a recording because being recorded is objected to", S.HELD, Outcome.PARTLY_ERASED, "L01 L09")
def test_m44_a_recording_needs_no_further_reason_to_go(house: House, played: Played) -> None:
    played("calls-and-tickets", Right.ACCESS)
    reference = played("calls-and-tickets", E)
    assert rules_of(house, reference, "puhelu") == set()
    check(house, row_of(test_m44_a_recording_needs_no_further_reason_to_go), reference)


@row("erasure of a support case closed long ago", S.HELD, Outcome.PARTLY_ERASED, "L01 L09",
     instead="erased; that it was there too long is told only where the category says how long it keeps")  # fmt: skip
def test_m45_a_closed_support_case_goes(house: House, played: Played) -> None:
    played("calls-and-tickets", Right.ACCESS)
    reference = played("calls-and-tickets", E)
    assert receipts_of(house, reference, "tiketti") == GONE
    check(house, row_of(test_m45_a_closed_support_case_goes), reference)


@row("erasure of the ban itself", S.HELD, Outcome.PARTLY_ERASED, "L01 L09")
def test_m46_a_ban_is_kept_so_that_it_can_be_respected(house: House, played: Played) -> None:
    reference = played("prospect-with-ban", E)
    assert rules_of(house, reference, "kielto") == {"H14"}
    assert receipts_of(house, reference, "asiakas") <= {"erased", "masked"}
    check(house, row_of(test_m46_a_ban_is_kept_so_that_it_can_be_respected), reference)


@row("erasure of what a service knows by an identifier of its own", S.CLOSED, Outcome.ERASED, "L01 L10",
     instead="the demo has no web analytics: the newsletter's service stands for it")  # fmt: skip
def test_m47_a_service_erases_by_the_identifier_it_knows(house: House, played: Played) -> None:
    reference = played("newsletter-reader", E)
    (subscriber,) = items_of(house, reference, "tilaaja")
    assert subscriber["source"] == "uutiskirje"
    assert subscriber["receipt"] == "erased"
    check(house, row_of(test_m47_a_service_erases_by_the_identifier_it_knows), reference)


@row("erasure by a contact person still in the role", S.HELD, Outcome.PARTLY_ERASED, "L01 L09",
     instead="the role is kept and the letter says so in its part, as the rest is erased")  # fmt: skip
def test_m48_who_still_speaks_for_a_company_stays_in_that_role(house: House, played: Played) -> None:
    reference = played("contact-active", E)
    assert rules_of(house, reference, "yhteyshenkilo") == {"H13"}
    check(house, row_of(test_m48_who_still_speaks_for_a_company_stays_in_that_role), reference)


@row("erasure by a contact person whose role ended", S.CLOSED, Outcome.ERASED, "L01 L10")
def test_m49_who_spoke_for_a_company_is_erased(house: House, played: Played) -> None:
    reference = played("contact-ended", E)
    assert receipts_of(house, reference, "yhteyshenkilo") == GONE
    check(house, row_of(test_m49_who_spoke_for_a_company_is_erased), reference)


@row("erasure of a contract on paper, ended a year ago", S.HELD, Outcome.PARTLY_ERASED, "L01 L09")
def test_m50_a_contract_on_paper_is_kept_with_its_day(house: House, played: Played) -> None:
    reference = played("paper-contract", E)
    (paper,) = items_of(house, reference, "sopimuspaperi")
    assert paper["holds"] == ["H06"]
    assert paper["erase_on"] > house.rt.today().isoformat()
    check(house, row_of(test_m50_a_contract_on_paper_is_kept_with_its_day), reference)


@row("erasure of a loose note on paper", S.HELD, Outcome.PARTLY_ERASED, "L01 L09")
def test_m51_a_loose_note_is_shredded_by_one_and_confirmed_by_another(house: House, played: Played) -> None:
    reference = played("paper-contract", E)
    (note,) = items_of(house, reference, "muistilappu")
    assert (note["action"], note["receipt"]) == ("delete", "erased")
    check(house, row_of(test_m51_a_loose_note_is_shredded_by_one_and_confirmed_by_another), reference)


@row("erasure and the backup copies", S.CLOSED, Outcome.ERASED, "L01 L10")
def test_m52_the_letter_says_until_when_copies_hold_the_data(house: House, played: Played) -> None:
    reference = played("ended-12-years", E)
    last = house.rt.today() + timedelta(days=house.rt.register.controller.backups.days)
    assert f"{last.day}.{last.month}.{last.year}" in words_of(house, reference, "letter_erasure.pdf")
    check(house, row_of(test_m52_the_letter_says_until_when_copies_hold_the_data), reference)


@row("erasure and surveys that nothing links to the person", S.CLOSED, Outcome.ERASED, "L01 L10")
def test_m53_an_answer_to_a_survey_goes_only_where_it_is_linked(house: House, played: Played) -> None:
    reference = played("newsletter-reader", E)
    assert {item["receipt"] for item in items_of(house, reference, "vastaus")} == GONE
    everybody_else = played("prospect", E)
    assert items_of(house, everybody_else, "vastaus") == []
    check(house, row_of(test_m53_an_answer_to_a_survey_goes_only_where_it_is_linked), reference)


@row("erasure of copies in the archive of metering data", S.HELD, Outcome.PARTLY_ERASED, "L01 L09",
     instead="the copies are held as long as the original; no recipe makes the demo's archive anonymous")  # fmt: skip
def test_m54_copies_in_an_archive_go_no_sooner_than_the_original(house: House, played: Played) -> None:
    reference = played("visited", E)
    assert rules_of(house, reference, "vanha_sarja") == {"H05"}
    check(house, row_of(test_m54_copies_in_an_archive_go_no_sooner_than_the_original), reference)


@row("erasure by who asked for an offer and made no contract", S.CLOSED, Outcome.ERASED, "L01 L10")
def test_m55_who_never_made_a_contract_is_erased(house: House, played: Played) -> None:
    reference = played("prospect", E)
    check(house, row_of(test_m55_who_never_made_a_contract_is_erased), reference)


@row("erasure while an authority ordered the data kept", S.HELD, Outcome.KEPT, "L01 L09")
def test_m56_what_an_authority_ordered_kept_stays(own: House) -> None:
    reference = own.ask("ended-12-years", E, reply_to=REPLY)
    work(own)
    hold(own, reference, "H17", "authority_order")
    work(own)
    own.approve(reference)
    work(own)
    assert {rule for item in own.plan(reference)["items"] for rule in item["holds"]} == {"H17"}
    check(own, row_of(test_m56_what_an_authority_ordered_kept_stays), reference)


@pytest.mark.parametrize("ground", [RestrictionGround.CLAIM])
@row("erasure of what the person wants restricted for a claim of theirs", S.HELD, Outcome.KEPT, "L01 L09",
     instead="the restriction keeps it as H16; its own letter, L11, came with the restriction")  # fmt: skip
def test_m57_what_the_person_needs_for_a_claim_stays(own: House, ground: RestrictionGround) -> None:
    first = own.ask("prospect", Right.RESTRICTION, reply_to=REPLY)
    with own.held(first) as (session, request):
        scope = naming.Scope(ground, "Tarvitsen tiedot korvausvaatimukseen.")
        naming.name_scope(session, own.rt, request, scope, user="kaspar")
    work(own)
    own.approve(first, "tuulikki")
    work(own)
    reference = finish(own, "prospect", E)
    assert {rule for item in own.plan(reference)["items"] for rule in item["holds"]} == {"H16"}
    check(own, row_of(test_m57_what_the_person_needs_for_a_claim_stays), reference)


@row("erasure of copies after an objection to development was upheld", S.CLOSED, Outcome.ERASED, "L01 L10 L12")
def test_m58_an_upheld_objection_stops_the_use_and_erases_what_only_it_allowed(own: House) -> None:
    reference = own.ask("newsletter-reader", Right.OBJECTION, reply_to=REPLY)
    work(own)
    with own.held(reference) as (session, request):
        grounds = objecting.Grounds(Weighed.STOP, "Emme tarvitse niitä kehitykseen.", "En halua sitä.")
        objecting.weigh(session, own.rt, request, grounds, user="tuulikki")
    own.approve(reference, "tuulikki")
    work(own)
    assert own.ended(reference) == ("closed", "stopped")
    with own.rt.unit() as session:
        follower = follower_of(session, views.find_request(session, reference))
        assert follower is not None
        erasure = follower.reference
    assert erasure in words_of(own, reference, "letter_objection.pdf")
    own.approve(erasure)
    work(own)
    assert {item["collection"] for item in own.plan(erasure)["items"]} == {"vastaus"}
    assert receipts_of(own, erasure, "vastaus") == GONE
    row = row_of(test_m58_an_upheld_objection_stops_the_use_and_erases_what_only_it_allowed)
    check(own, row, reference, erasure)
