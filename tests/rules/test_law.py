"""The demo register's rules, with the cases of the law's own dates."""

from datetime import date, timedelta
from pathlib import Path

import pytest
import yaml

from models.vocabulary import Action, Ownership
from workflows.register.model import HoldRule
from workflows.rules.holds import ManualHoldFacts, assess, compile_rules
from workflows.rules.items import Item

D = date.fromisoformat
HOLDS = Path(__file__).parents[2] / "register" / "holds.yaml"
COMPILED = compile_rules([HoldRule.model_validate(rule) for rule in yaml.safe_load(HOLDS.read_text())])
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
        ("C07", {"fiscal_year_end": "2024-12-31"}, {"H01", "H03"}, "2030-12-31"),
        ("C07", {"fiscal_year_end": "2024-09-30"}, {"H01", "H03"}, "2030-12-31"),
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


@pytest.mark.parametrize("balance", [0.0, -12.0])
def test_a_paid_invoice_and_one_we_owe_are_no_open_claim(balance):
    assert judge(invoice(open_balance=balance))[0].action is Action.DELETE


def test_an_open_invoice_keeps_of_the_person_only_what_collecting_it_needs():
    customer, contact, _ = judge(item("C01"), item("C02"), invoice())
    assert customer.action is Action.MASK
    assert customer.fields == ("email", "contract", "other")
    assert held(customer) == {"H09": D("2028-03-01")}
    assert contact.fields == ("name", "no", "email", "contract", "other")
    customer = judge(item("C01"), invoice(), today="2028-03-02")[0]
    assert customer.action is Action.DELETE


def test_a_claim_at_the_collection_agency_holds_without_end():
    claim = item("C10", collection_open=True, number="P-9", agency="Esimerkki", amount=80.5)
    customer, bill, line, case = judge(item("C01"), invoice(), item("C07", number="L-1"), claim)
    for verdict in (customer, bill, case):
        hold = next(hold for hold in verdict.holds if hold.rule == "H10")
        assert hold.until is None
        assert not hold.unknown
        assert hold.params == {"ref": "P-9", "agency": "Esimerkki"}
        assert verdict.erase_on is None
    assert line.action is Action.DELETE
    closed = item("C10", collection_open=False, number="P-9", agency="Esimerkki")
    assert judge(closed)[0].action is Action.DELETE


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
