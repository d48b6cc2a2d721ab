"""The demo register's rules, with the cases of the law's own dates."""

from datetime import date, timedelta
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from models.vocabulary import Action, Ownership
from workflows.register.model import HoldRule
from workflows.rules.holds import ManualHoldFacts, assess, compile_rules
from workflows.rules.items import Item

D = date.fromisoformat
HOLDS = Path(__file__).parents[2] / "register" / "holds.yaml"
RULES = [HoldRule.model_validate(rule) for rule in yaml.safe_load(HOLDS.read_text())]
COMPILED = compile_rules(RULES)
ROLES = {"name": "name", "no": "customer_no", "street": "address", "email": "email", "contract": "contract_no"}
FIELDS = {"id": 1, "name": "A", "no": "1", "street": "s", "email": "e", "contract": "c", "other": "o"}


def item(category, **facts):
    return Item("s", "c", {"id": 1}, category, Ownership.OWN, "0" * 64, FIELDS, facts)


def judge(*items, today="2026-11-24", manual=()):
    found = assess(
        list(items),
        COMPILED,
        today=D(today),
        roles=lambda _source, _collection: ROLES,
        erasure_kind=lambda _item: (Action.DELETE, ()),
        manual=manual,
    )
    return [verdict for _, verdict in found]


def held(verdict):
    return {hold.rule: hold.until for hold in verdict.holds}


@pytest.mark.parametrize(
    ("category", "facts", "rules", "last"),
    [
        ("C07", {"fiscal_year_end": "2024-12-31"}, {"H01", "H03", "H04"}, "2030-12-31"),
        ("C07", {"fiscal_year_end": "2024-09-30"}, {"H01", "H03", "H04"}, "2030-12-31"),
        ("C08", {"fiscal_year_end": "2024-09-30"}, {"H01"}, "2030-12-31"),
        ("C09", {"fiscal_year_end": "2024-09-30"}, {"H02"}, "2034-09-30"),
        ("C09", {"fiscal_year_end": "2024-02-29"}, {"H02"}, "2034-02-28"),
        ("C05", {"on": "2024-02-29"}, {"H05"}, "2030-02-28"),
        ("C05", {"on": "2022-02-28"}, {"H05"}, "2028-02-28"),
        ("C03", {"contract_start": "2020-01-01", "contract_end": "2025-07-01"}, {"H06"}, "2031-06-30"),
        ("C03", {"contract_start": "2020-01-01", "contract_end": "2024-03-01"}, {"H06"}, "2030-02-28"),
        ("C03", {"contract_start": "2020-01-01", "contract_end": "2022-03-01"}, {"H06"}, "2028-02-28"),
        ("C06", {"on": "2025-06-15"}, {"H07"}, "2027-06-15"),
        ("C16", {"role_active": False, "role_end": "2026-11-10"}, {"H13"}, "2026-12-10"),
        ("C19", {"on": "2025-06-15"}, {"H15"}, "2028-06-15"),
        # the day before, on and after each border; a fiscal year that was moved to September
        ("C07", {"fiscal_year_end": "2023-12-31"}, {"H01", "H03", "H04"}, "2029-12-31"),
        ("C07", {"fiscal_year_end": "2024-01-01"}, {"H01", "H03", "H04"}, "2030-12-31"),
        ("C17", {"fiscal_year_end": "2024-06-30"}, {"H01"}, "2030-12-31"),
        ("C09", {"fiscal_year_end": "2023-12-31"}, {"H02"}, "2033-12-31"),
        ("C05", {"on": "2024-02-28"}, {"H05"}, "2030-02-28"),
        ("C05", {"on": "2024-03-01"}, {"H05"}, "2030-03-01"),
        ("C04", {"on": "2023-12-31"}, {"H05"}, "2029-12-31"),
        ("C21", {"on": "2022-08-31"}, {"H05"}, "2028-08-31"),
        ("C06", {"on": "2024-11-30"}, {"H07"}, "2026-11-30"),
        ("C06", {"on": "2026-02-28"}, {"H07"}, "2028-02-28"),
        ("C03", {"contract_start": "2020-01-01", "contract_end": "2024-02-29"}, {"H06"}, "2030-02-28"),
        ("C03", {"contract_start": "2020-01-01", "contract_end": "2025-01-01"}, {"H06"}, "2030-12-31"),
        ("C16", {"role_active": False, "role_end": "2026-10-31"}, {"H13"}, "2026-11-30"),
        ("C11", {"made_on": "2024-02-29", "made_at_distance": True}, {"H18"}, "2027-02-28"),
    ],
)
def test_each_law_holds_to_its_last_day_and_not_a_day_longer(category, facts, rules, last):
    one = item(category, **facts)
    found = judge(one)[0]
    assert held(found) == dict.fromkeys(rules, D(last))
    assert found.erase_on == D(last) + timedelta(days=1)
    assert held(judge(one, today=last)[0]).keys() == rules
    assert judge(one, today=found.erase_on.isoformat())[0].action is Action.DELETE


def invoice(**more):
    return item(
        "C07",
        **{
            "fiscal_year_end": "2017-12-31",
            "open_balance": 80.5,
            "due_on": "2023-03-15",
            "reminded_on": "2025-03-01",
            "judgment_on": "",
            "number": "L-1",
            **more,
        },
    )


def test_an_open_invoice_is_kept_until_it_is_time_barred():
    found = judge(invoice())[0]
    assert held(found) == {"H09": D("2028-03-01")}
    assert found.holds[0].params == {"number": "L-1", "amount": "80.50", "due": "2023-03-15"}
    assert held(judge(invoice(judgment_on="2026-01-10"))[0]) == {"H09": D("2031-01-10")}
    assert judge(invoice(), today="2028-03-02")[0].action is Action.DELETE


def test_each_open_invoice_speaks_of_itself_and_the_person_of_all():
    customer, first, second = judge(
        item("C01"), invoice(), invoice(number="L-2", open_balance=20.0, due_on="2024-05-02")
    )
    assert customer.holds[0].params == {"number": "L-1, L-2", "amount": "100.50", "due": "2023-03-15"}
    assert first.holds[0].params["number"] == "L-1"
    assert second.holds[0].params == {"number": "L-2", "amount": "20.00", "due": "2024-05-02"}


def test_of_a_claim_that_is_time_barred_nothing_is_said():
    barred = invoice(number="L-0", due_on="2020-01-01", reminded_on="")
    customer, old, _ = judge(item("C01"), barred, invoice())
    assert customer.holds[0].params["number"] == "L-1"
    assert old.action is Action.DELETE


def test_one_claim_without_a_due_date_leaves_the_end_unknown():
    customer, _, _ = judge(item("C01"), invoice(), invoice(number="L-2", due_on=None))
    assert [hold.unknown for hold in customer.holds] == [True]


def test_a_contract_is_over_on_the_first_day_out_of_force():
    over = item("C03", contract_start="2024-01-01", contract_end="2026-11-24")
    assert held(judge(item("C01"), over)[0]) == {"H06": D("2032-11-23")}
    assert held(judge(item("C01"), over, today="2026-11-23")[0]) == {"H12": None}


def test_a_paid_invoice_is_no_open_claim():
    assert judge(invoice(open_balance=0.0))[0].action is Action.DELETE


def test_an_open_invoice_keeps_of_the_person_only_what_collecting_it_needs():
    customer, contact, _ = judge(item("C01"), item("C02"), invoice())
    assert customer.action is Action.MASK
    assert customer.fields == ("email", "contract", "other")
    assert held(customer) == {"H09": D("2028-03-01")}
    assert contact.fields == ("name", "no", "email", "contract", "other")
    customer = judge(item("C01"), invoice(), today="2028-03-02")[0]
    assert customer.action is Action.DELETE


def test_a_claim_at_the_collection_agency_holds_until_it_is_time_barred():
    claim = item("C10", collection_open=True, number="P-9", agency="Esimerkki", amount=80.5)
    customer, bill, line, case = judge(item("C01"), invoice(), item("C07", number="L-1"), claim)
    for verdict in (customer, bill, case):
        hold = next(hold for hold in verdict.holds if hold.rule == "H10")
        assert hold.until == D("2028-03-01")
        assert not hold.unknown
        assert hold.params == {"ref": "P-9", "agency": "Esimerkki"}
    assert line.action is Action.DELETE
    closed = item("C10", collection_open=False, number="P-9", agency="Esimerkki")
    assert judge(closed)[0].action is Action.DELETE


def test_a_claim_whose_debt_no_source_tells_holds_without_end():
    customer, case = judge(item("C01"), item("C10", collection_open=True, number="P-9", agency="Esimerkki"))
    assert held(customer) == held(case) == {"H10": None}


def test_a_state_of_collection_that_cannot_be_told_holds_as_unknown():
    customer, case = judge(item("C01"), item("C10", collection_open=None))
    assert [hold.unknown for hold in customer.holds] == [True]
    assert [hold.unknown for hold in case.holds] == [True]


def test_a_contract_in_force_keeps_what_it_needs_and_a_dead_one_is_not_kept_with_it():
    live = item("C03", contract_start="2024-01-01", contract_end="")
    dead = item("C03", contract_start="2010-01-01", contract_end="2015-01-01")
    customer, alive, gone, day, old = judge(
        item("C01"), live, dead, item("C05", on="2023-01-01"), item("C05", on="2019-11-23")
    )
    assert held(customer) == {"H12": None}
    assert customer.action is Action.KEEP
    assert held(alive) == {"H12": None}
    assert gone.action is Action.DELETE
    assert held(day) == {"H05": D("2029-01-01"), "H12": D("2026-12-31")}
    assert old.action is Action.DELETE


def test_a_contract_that_ends_later_is_in_force_until_the_day_before():
    ending = item("C03", contract_start="2024-01-01", contract_end="2026-12-01")
    assert held(judge(ending)[0]) == {"H12": D("2026-11-30")}
    assert held(judge(ending, today="2026-12-01")[0]) == {"H06": D("2032-11-30")}


def test_after_the_last_contract_name_and_number_stay_six_years():
    old = item("C03", contract_start="2010-01-01", contract_end="2015-01-01")
    last = item("C03", contract_start="2015-01-01", contract_end="2025-07-01")
    customer, contact, *_ = judge(item("C01"), item("C02"), old, last)
    assert held(customer) == {"H06": D("2031-06-30")}
    assert customer.fields == ("street", "email", "contract", "other")
    assert contact.fields == ("name", "no", "email", "contract", "other")


def test_a_contact_person_is_kept_while_the_role_lasts_and_thirty_days_more():
    assert held(judge(item("C16", role_active=True, role_end=""))[0]) == {"H13": None}
    assert held(judge(item("C16", role_active=True, role_end="2026-01-01"))[0]) == {"H13": None}
    assert judge(item("C16", role_active=False, role_end="2026-10-01"))[0].action is Action.DELETE
    assert judge(item("C16", role_active=False, role_end=""))[0].action is Action.DELETE


def test_a_ban_is_kept_and_a_consent_is_not():
    assert held(judge(item("C14", ban=True))[0]) == {"H14": None}
    assert judge(item("C14", ban=False))[0].action is Action.DELETE


def test_only_a_person_places_the_holds_for_disputes_and_authorities():
    assert judge(item("C12"))[0].action is Action.DELETE
    found = judge(item("C12"), manual=[ManualHoldFacts("H11", D("2027-05-24"))])[0]
    assert held(found) == {"H11": D("2027-05-24")}


def test_a_person_who_left_long_ago_is_forgotten_whole():
    items = [
        item("C01"),
        item("C02"),
        item("C03", contract_start="2009-01-01", contract_end="2012-01-01"),
        item("C05", on="2011-01-01"),
        item("C07", fiscal_year_end="2011-12-31", open_balance=0.0, due_on="2011-02-01"),
        item("C09", fiscal_year_end="2011-12-31"),
        item("C13"),
    ]
    assert {verdict.action for verdict in judge(*items)} == {Action.DELETE}


@pytest.mark.parametrize(
    ("year_end", "last"),
    [("2023-12-31", "2029-12-31"), ("2024-09-30", "2030-12-31"), ("2025-09-30", "2031-12-31")],
)
def test_each_voucher_goes_by_the_fiscal_year_it_carries_when_the_year_was_moved(year_end, last):
    voucher, book = judge(item("C07", fiscal_year_end=year_end), item("C09", fiscal_year_end=year_end))
    assert {hold.until for hold in voucher.holds} == {D(last)}
    assert held(book) == {"H02": D(year_end).replace(year=D(year_end).year + 10)}


def test_a_payment_or_another_word_of_the_debtor_interrupts_as_a_reminder_does():
    assert held(judge(invoice(acknowledged_on="2025-12-06"))[0]) == {"H09": D("2028-12-06")}  # a holiday moves nothing
    assert held(judge(invoice(acknowledged_on="2024-01-01"))[0]) == {"H09": D("2028-03-01")}
    customer = judge(item("C01"), invoice(acknowledged_on="2025-12-06"))[0]
    assert held(customer) == {"H09": D("2028-12-06")}


@pytest.mark.parametrize(
    ("more", "last"),
    [
        ({"due_on": "2010-03-15", "judgment_on": "2026-01-10", "reminded_on": ""}, "2030-03-15"),  # twenty years
        ({"judgment_on": "2026-01-10", "acknowledged_on": "2026-05-31"}, "2031-05-31"),
        ({"due_on": "2024-02-29", "reminded_on": ""}, "2027-02-28"),
    ],
)
def test_a_judgment_gives_five_years_and_twenty_are_the_most(more, last):
    assert held(judge(invoice(**more))[0]) == {"H09": D(last)}
    on_the_last_day, after = (judge(invoice(**more), today=day)[0] for day in (last, _after(last)))
    assert on_the_last_day.holds
    assert after.action is Action.DELETE


def _after(last):
    return (D(last) + timedelta(days=1)).isoformat()


def test_each_instalment_of_a_payment_programme_has_a_limitation_of_its_own():
    first = invoice(number="L-1/1", due_on="2024-01-31", reminded_on="")
    last = invoice(number="L-1/2", due_on="2026-08-31", reminded_on="")
    customer, early, late = judge(item("C01"), first, last)
    assert held(early) == {"H09": D("2027-01-31")}
    assert held(late) == {"H09": D("2029-08-31")}
    assert held(customer) == {"H09": D("2029-08-31")}
    assert judge(first, today="2027-02-01")[0].action is Action.DELETE


def test_what_is_owed_to_the_person_is_kept_until_it_is_paid_back_or_time_barred():
    credit = invoice(open_balance=-38.2, due_on="2026-09-15", reminded_on="")
    customer, contact, bill = judge(item("C01"), item("C02"), credit)
    assert held(bill) == held(customer) == held(contact) == {"H21": D("2029-09-15")}
    assert customer.holds[0].params == {"number": "L-1", "amount": "38.20"}
    assert bill.holds[0].params == {"number": "L-1", "amount": "38.20"}
    assert customer.fields == ("email", "contract", "other")
    refunded, *_ = judge(item("C01"), invoice(open_balance=0.0))
    assert refunded.action is Action.DELETE
    assert judge(credit, today="2029-09-16")[0].action is Action.DELETE


def test_a_debt_and_a_credit_do_not_cancel_each_other():
    customer, *_ = judge(
        item("C01"), invoice(), invoice(number="L-2", open_balance=-80.5, due_on="2026-09-15", reminded_on="")
    )
    assert held(customer) == {"H09": D("2028-03-01"), "H21": D("2029-09-15")}


def test_a_collected_debt_that_is_time_barred_holds_nothing_and_one_before_a_bailiff_holds_without_end():
    barred = invoice(due_on="2020-01-01", reminded_on="")
    claim = item("C10", collection_open=True, number="P-9", agency="Esimerkki")
    customer, bill, case = judge(item("C01"), barred, claim)
    assert {verdict.action for verdict in (customer, bill, case)} == {Action.DELETE}
    enforced = item("C10", collection_open=True, enforced=True, number="P-9", agency="Esimerkki")
    for verdict in judge(item("C01"), barred, enforced):
        assert held(verdict)["H10"] is None
    unknown = item("C10", collection_open=True, enforced=None, number="P-9", agency="Esimerkki")
    assert all(verdict.holds[0].unknown for verdict in judge(item("C01"), barred, unknown))


def test_a_disputed_invoice_is_kept_for_the_dispute_and_for_the_claim():
    found = held(judge(invoice(disputed=True))[0])
    assert found == {"H09": D("2028-03-01"), "H11": None}
    assert held(judge(invoice(open_balance=0.0, disputed=True))[0]) == {"H11": None}
    assert held(judge(invoice(disputed=False))[0]) == {"H09": D("2028-03-01")}


def test_a_case_the_agency_closed_holds_on_until_the_settlement_is_booked():
    closed = item("C10", collection_open=False, number="P-9", agency="Esimerkki")
    customer, bill, case = judge(item("C01"), invoice(), closed)
    assert held(customer).keys() == held(bill).keys() == {"H09"}
    assert case.action is Action.DELETE
    assert judge(item("C01"), invoice(open_balance=0.0), closed)[0].action is Action.DELETE


def test_what_was_agreed_by_telephone_is_provable_for_three_years_and_never_longer_than_the_contract_is_kept():
    phone = {"contract_start": "2025-01-01", "made_on": "2024-12-01", "made_at_distance": True}
    assert held(judge(item("C03", **phone, contract_end=""))[0]) == {"H12": None, "H18": D("2027-12-01")}
    ended = judge(item("C03", **phone, contract_end="2026-01-01"))[0]
    assert held(ended) == {"H06": D("2031-12-31"), "H18": D("2027-12-01")}
    assert held(judge(item("C03", **{**phone, "made_at_distance": False}, contract_end=""))[0]) == {"H12": None}


def test_rules_that_are_not_used_say_why_and_hold_nothing():
    unused = [rule for rule in RULES if not rule.active]
    assert [rule.id for rule in unused] == ["H08", "H19", "H20"]
    assert all(rule.why_inactive.endswith(".") for rule in unused)
    assert judge(item("C03", wholesale=True, fiscal_year_end="2025-12-31"))[0].holds == ()


def test_the_rules_are_all_there_with_their_law_and_the_day_it_was_read():
    assert {rule.id for rule in RULES} == {f"H{n:02}" for n in range(1, 22)}
    assert all(rule.law.sections and rule.source and rule.checked_on for rule in RULES)


DAYS = st.dates(D("2015-01-01"), D("2026-11-24")).map(date.isoformat)


@given(DAYS, st.none() | DAYS, st.none() | DAYS, DAYS)
def test_a_later_interruption_never_lets_a_debt_go_earlier(due, reminded, judged, later):
    def last(**more):
        dates = {"due_on": due, "reminded_on": reminded or "", "judgment_on": judged or "", **more}
        return held(judge(invoice(**dates))[0]).get("H09", date.min)

    assert last(acknowledged_on=later) >= last()
    assert last(reminded_on=max(later, reminded or "")) >= last()


@given(st.dates(D("2000-01-01"), D("2060-12-31")), st.integers(0, 800))
def test_a_later_day_never_ends_a_hold_earlier(day, more):
    later = day + timedelta(days=more)
    for category, fact in (("C05", "on"), ("C06", "on"), ("C07", "fiscal_year_end"), ("C09", "fiscal_year_end")):
        one, other = (
            judge(item(category, **{fact: d.isoformat()}), today="1999-01-01")[0].erase_on for d in (day, later)
        )
        assert one <= other
