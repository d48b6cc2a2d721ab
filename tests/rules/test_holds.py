from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.vocabulary import Action, Ownership
from workflows.errors import BadInput
from workflows.register.model import HoldRule
from workflows.rules.hold_ends import never_ending
from workflows.rules.holds import ManualHoldFacts, assess, compile_rules, not_applying
from workflows.rules.items import Item

TODAY = date(2026, 11, 24)
TEXT = {"fi": "x", "sv": "x", "en": "x"}


def rule(rule_id="R1", *, categories=None, trigger="true", until='""', **more):
    return HoldRule.model_validate(
        {
            "id": rule_id,
            "law": {"act": "1/2000", "sections": ("1",)},
            "source": "x",
            "checked_on": TODAY,
            "categories": categories or {"C07": "all"},
            "trigger": trigger,
            "until": until,
            "text": TEXT,
            **more,
        }
    )


def item(category="C07", *, facts=None, fields=None, **more):
    return Item(
        source=more.pop("source", "billing"),
        collection=more.pop("collection", "invoice"),
        locator={"id": 1},
        category=category,
        ownership=more.pop("ownership", Ownership.OWN),
        digest="0" * 64,
        fields=fields or {"id": 1, "name": "A", "amount": "1.00"},
        facts=facts or {},
        **more,
    )


ROLES = {"name": "name", "amount": "amount", "address": "address"}


def verdicts(items, *rules, today=TODAY, roles=ROLES, erasure=(Action.DELETE, ()), **more):
    found = assess(
        items,
        compile_rules(rules),
        today=today,
        roles=lambda _source, _collection: roles,
        erasure_kind=lambda _item: erasure,
        **more,
    )
    return [verdict for _, verdict in found]


def verdict(one, *rules, **more):
    return verdicts([one], *rules, **more)[0]


def test_without_a_hold_an_item_is_erased_as_its_collection_says():
    found = verdict(item(), rule(categories={"C01": "all"}))
    assert (found.action, found.fields, found.holds, found.reason) == (Action.DELETE, (), (), "no_hold")
    found = verdict(item(), erasure=(Action.MASK, ("name",)))
    assert (found.action, found.fields) == (Action.MASK, ("name",))


@pytest.mark.parametrize(
    ("on", "held"), [("2026-11-23", True), ("2026-11-24", True), ("2026-11-25", False), ("2026-11-26", False)]
)
def test_a_hold_covers_its_last_day_and_ends_the_day_after(on, held):
    found = verdict(item(), rule(until='"2026-11-24"'), today=date.fromisoformat(on))
    assert (found.action is Action.KEEP) is held
    if held:
        assert found.holds[0].until == date(2026, 11, 24)
        assert found.erase_on == date(2026, 11, 25)


def test_of_several_holds_the_last_decides_and_all_are_listed():
    found = verdict(item(), rule("A", until='"2027-01-01"'), rule("B", until='"2029-12-31"'))
    assert [h.rule for h in found.holds] == ["A", "B"]
    assert found.erase_on == date(2030, 1, 1)
    found = verdict(item(), rule("A", until='"2027-01-01"'), rule("B"))
    assert found.erase_on is None


def test_only_the_fields_a_rule_needs_are_kept_and_the_rest_goes_now():
    facts = item("C01", fields={"id": 1, "name": "A", "amount": "1", "note": "n"})
    found = verdict(facts, rule(categories={"C01": ("name",)}), rule("B", categories={"C01": ("amount",)}))
    assert (found.action, found.fields) == (Action.MASK, ("note",))
    assert [h.keeps for h in found.holds] == [("name",), ("amount",)]


def test_a_record_with_nothing_left_to_mask_is_kept():
    assert (
        verdict(item("C01", fields={"id": 1, "name": "A"}), rule(categories={"C01": ("name",)})).action is Action.KEEP
    )
    masked = item("C01", fields={"id": 1, "name": "A", "note": None})
    assert verdict(masked, rule(categories={"C01": ("name",)})).action is Action.KEEP


def test_one_rule_that_needs_the_whole_record_keeps_it_whole():
    found = verdict(item("C01"), rule(categories={"C01": ("name",)}), rule("B", categories={"C01": "all"}))
    assert (found.action, found.fields) == (Action.KEEP, ())


def test_a_rule_that_needs_nothing_of_a_record_does_not_hold_it():
    found = verdict(item("C02", fields={"id": 1, "email": "x"}), rule(categories={"C02": ("address",)}))
    assert found.action is Action.DELETE


def test_a_collection_that_says_nothing_of_its_columns_is_kept_whole():
    assert verdict(item("C01"), rule(categories={"C01": ("name",)}), roles={}).action is Action.KEEP


def test_a_fact_the_source_cannot_tell_holds_and_calls_a_person():
    found = verdict(item(facts={"open_balance": None}), rule(trigger="open_balance > 0.0"))
    assert (found.action, found.reason, found.erase_on) == (Action.KEEP, "hold_unknown", None)
    assert found.holds[0].unknown
    assert found.holds[0].until is None


@pytest.mark.parametrize("value", ["12", True, float("nan"), float("inf"), [], "x"])
def test_a_fact_of_the_wrong_kind_is_unknown(value):
    assert verdict(item(facts={"open_balance": value}), rule(trigger="open_balance > 0.0")).holds[0].unknown


@pytest.mark.parametrize("value", ["2024", "20240101", "2024-02-30", "2024-01-01T10:00:00", "1.1.2024", 5])
def test_a_text_that_is_no_date_is_unknown(value):
    assert verdict(item(facts={"on": value}), rule(trigger='on != ""', until="add_years(on, 6)")).holds[0].unknown


def test_a_date_from_a_column_that_could_hold_a_time_is_that_date():
    for value in ("2024-01-01T00:00:00", "2024-01-01 00:00"):
        found = verdict(item(facts={"on": value}), rule(trigger='on != ""', until="add_years(on, 6)"))
        assert found.holds[0].until == date(2030, 1, 1)


def test_the_day_at_the_seat_stands_for_an_instant():
    held = rule(trigger='on != ""', until="add_years(on, 6)")
    for facts in ({"on": "2024-02-29T22:15:00Z"}, {}):
        assert verdict(item(facts=facts, on=date(2024, 3, 1)), held).holds[0].until == date(2030, 3, 1)
    assert verdict(item(facts={"on": None}, on=date(2024, 3, 1)), held).holds[0].unknown


def test_a_match_carries_no_word_that_its_sentence_does_not_need():
    one = item(facts={"number": "77", "amount": 5.0, "due_on": "2026-10-01"})
    assert verdict(one, rule()).holds[0].params == {}
    assert verdict(one, rule(text=dict.fromkeys(TEXT, "{number}"))).holds[0].params == {"number": "77"}


def test_a_known_fact_that_decides_alone_makes_an_unknown_one_harmless():
    one = item(facts={"open_balance": None, "disputed": True})
    assert not verdict(one, rule(trigger="disputed || open_balance > 0.0")).holds[0].unknown


def test_an_end_that_cannot_be_computed_holds_as_unknown():
    assert verdict(item(), rule(until="add_years(today, 9000)")).holds[0].unknown
    assert verdict(item(facts={"on": None}), rule(until="add_years(on, 1)")).holds[0].unknown
    assert verdict(item(), rule(until='"never"')).holds[0].unknown


def test_a_rule_about_facts_a_collection_does_not_have_does_not_apply():
    assert verdict(item(facts={"on": "2026-01-01"}), rule(trigger="open_balance > 0.0")).action is Action.DELETE
    one = item(facts={"contract_start": "2026-01-01"})
    assert verdict(one, rule(trigger='contract_start != "" && contract_end == ""')).action is Action.KEEP
    assert verdict(one, rule(trigger='contract_start != "" && fiscal_year_end != ""')).holds[0].unknown


def test_a_rule_about_the_person_always_applies():
    bill = item(facts={"open_balance": 5, "due_on": "2026-10-01", "number": "77"})
    name = item("C01", collection="customer")
    words = dict.fromkeys(TEXT, "{number} {amount} {due}")
    held = rule(
        categories={"C01": ("name",)}, trigger="subject_open_balance > 0.0", until="subject_claim_until", text=words
    )
    found = verdicts([name, bill], held)
    assert found[0].holds[0].until == date(2029, 10, 1)
    assert found[0].holds[0].params == {"number": "77", "amount": "5.00", "due": "2026-10-01"}
    assert found[1].action is Action.DELETE
    assert verdicts([name], held)[0].action is Action.DELETE
    assert verdicts([name, item(facts={"open_balance": None})], held)[0].holds[0].unknown


def test_a_debt_that_is_known_counts_even_where_another_is_not():
    held = rule(categories={"C01": "all"}, trigger="subject_open_balance > 0.0")
    bills = [item(facts={"open_balance": None}), item(facts={"open_balance": 1.0})]
    assert not verdicts([item("C01"), *bills], held)[0].holds[0].unknown


def test_another_persons_debt_is_not_this_persons():
    held = rule(categories={"C01": "all"}, trigger="subject_open_balance > 0.0")
    theirs = item(facts={"open_balance": 1.0}, ownership=Ownership.THIRD_PARTY)
    assert verdicts([item("C01"), theirs], held)[0].action is Action.DELETE


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"ownership": Ownership.THIRD_PARTY}, "third_party"),
        ({"ownership": Ownership.SHARED}, "shared"),
        ({"referenced": True}, "referenced"),
    ],
)
def test_what_is_also_somebody_elses_is_never_erased(more, reason):
    found = verdict(item(**more))
    assert (found.action, found.reason, found.erase_on) == (Action.KEEP, reason, None)


def test_a_collection_that_is_never_erased_is_kept():
    found = verdict(item(), erasure=(Action.KEEP, ()))
    assert (found.action, found.reason) == (Action.KEEP, "register")


def test_a_mask_is_cut_to_what_no_rule_needs():
    found = verdict(item("C01"), rule(categories={"C01": ("name",)}), erasure=(Action.MASK, ("name", "amount")))
    assert (found.action, found.fields) == (Action.MASK, ("amount",))


def test_a_day_of_a_series_is_kept_whole():
    one = item("C05", columns=("at", "kwh"), series=(("2026-01-01T00:00Z", "1"),))
    assert verdict(one, rule(categories={"C05": ("name",)})).holds[0].keeps == ()


@pytest.mark.parametrize(
    "more",
    [
        {"active": False},
        {"valid_from": TODAY + timedelta(days=1)},
        {"valid_to": TODAY - timedelta(days=1)},
    ],
)
def test_a_rule_that_is_not_in_force_does_not_run(more):
    assert verdict(item(), rule(**more)).action is Action.DELETE


def test_a_rule_runs_on_its_first_and_last_day():
    assert verdict(item(), rule(valid_from=TODAY, valid_to=TODAY)).action is Action.KEEP


def test_a_hold_placed_by_hand_holds_until_its_end():
    hold = ManualHoldFacts("H11", TODAY, category="C07", params={"ref": "K-1"})
    found = verdict(item(), rule("H11", trigger="false"), manual=[hold])
    assert (found.action, found.erase_on) == (Action.KEEP, TODAY + timedelta(days=1))
    assert found.holds[0].law == "1/2000 1"
    assert verdict(item("C01"), manual=[hold]).action is Action.DELETE
    assert verdict(item(), manual=[ManualHoldFacts("H17", TODAY - timedelta(days=1))]).action is Action.DELETE


def test_items_that_can_be_gone_through_only_once_are_refused():
    with pytest.raises(TypeError):
        verdicts(iter([item()]), rule())


def test_every_mistake_of_every_rule_is_named_with_its_place_and_remedy():
    wrong = [
        rule("A", trigger="open_balnce > 0.0 && open_balance > 0"),
        rule("A", until="on +"),
        rule("B", trigger="on", until="true", categories={"C01": ("name",), "C02": ()}),
        rule("C", active=False, trigger="nothing(on)", valid_from=TODAY, valid_to=TODAY - timedelta(days=1)),
        rule("D", text={"fi": "{date}", "sv": "{datum}", "en": "{date"}),
        rule("E", text={"fi": "{date}", "sv": "x", "en": "{date}"}),
        rule("F").model_copy(update={"categories": {}}),
    ]
    with pytest.raises(BadInput) as caught:
        compile_rules(wrong)
    faults = {f.where: f for f in caught.value.faults}
    assert faults["holds.A.trigger:1:1"].remedy == "Did you mean open_balance?"
    assert "decimal point" in faults["holds.A.trigger:1:35"].remedy
    assert faults.keys() >= {
        "holds.A",
        "holds.A.until:1:5",
        "holds.B.trigger:1:1",
        "holds.B.until:1:1",
        "holds.B.categories.C02",
        "holds.C.trigger:1:8",
        "holds.C.valid_to",
        "holds.D.text.sv",
        "holds.D.text.en",
        "holds.E.text",
        "holds.F.categories",
    }
    assert all(f.remedy for f in caught.value.faults)


def test_rules_that_a_collection_would_escape_are_named():
    compiled = compile_rules([rule("A", trigger='fiscal_year_end != ""'), rule("B"), rule("C", trigger='on != ""')])
    assert not_applying(compiled, "C07", ["on"]) == ("A",)
    assert not_applying(compiled, "C01", []) == ()


iso = st.one_of(st.just(""), st.dates(date(2000, 1, 1), date(2040, 1, 1)).map(date.isoformat))
fact_maps = st.fixed_dictionaries(
    {},
    optional={
        "on": st.one_of(iso, st.none(), st.just("bad")),
        "open_balance": st.one_of(st.floats(), st.none(), st.just("bad")),
        "collection_open": st.one_of(st.booleans(), st.none()),
        "due_on": st.one_of(iso, st.none()),
    },
)
MANY = [
    rule("A", trigger='on != ""', until="add_years(on, 6)", categories={"C07": "all"}),
    rule("B", trigger="open_balance > 0.0", until='prescription(due_on, "", "", today)', categories={"C07": ("name",)}),
    rule("C", trigger="collection_open", until='""', categories={"C07": ("amount", "name")}),
    rule("D", trigger="subject_open_balance > 0.0", until="subject_claim_until", categories={"C07": ("address",)}),
]
FIELDS = {"id": 1, "name": "A", "amount": "1", "address": "a", "note": "n"}


@given(fact_maps)
def test_nothing_whose_rule_failed_is_ever_deleted_and_what_is_kept_is_never_masked(facts):
    found = verdict(item(facts=facts, fields=FIELDS), *MANY)
    if any(facts.get(name, "") in (None, "bad") for name in ("on", "open_balance", "collection_open")):
        assert found.action in (Action.KEEP, Action.MASK)
        assert found.reason == "hold_unknown"
        assert found.erase_on is None
    if found.holds:
        assert found.action is not Action.DELETE
    kept = {name for hold in found.holds for name in hold.keeps}
    assert not kept & set(found.fields)
    if any(not hold.keeps for hold in found.holds):
        assert found.action is Action.KEEP


@given(fact_maps, st.integers(0, 3))
def test_one_more_rule_never_lets_anything_go_earlier(facts, more):
    one = item(facts=facts, fields=FIELDS)
    few = verdict(one, *(r for i, r in enumerate(MANY) if i != more))
    many = verdict(one, *MANY)
    assert set(many.fields) <= set(few.fields) or few.action is Action.DELETE
    if few.holds and few.erase_on is None:
        assert many.erase_on is None
    if few.erase_on is not None and many.erase_on is not None:
        assert many.erase_on >= few.erase_on


@given(fact_maps, st.dates(date(2020, 1, 1), date(2040, 1, 1)))
def test_a_hold_never_ends_before_today(facts, today):
    for hold in verdict(item(facts=facts, fields=FIELDS), *MANY, today=today).holds:
        assert hold.until is None or hold.until >= today


def test_rules_whose_last_day_moves_on_with_today_are_named_and_those_that_only_ask_today_are_not():
    compiled = compile_rules(
        [
            rule("A", until="add_years(today, 6)"),
            rule("B", until='on == "" ? add_days(today, 1) : on'),
            rule("C", until="prescription(due_on, reminded_on, judgment_on, today)"),
            rule("D", until="add_years(on, 6)"),
            rule("E", until='contract_end < today ? add_years(contract_end, 6) : ""'),
        ]
    )
    assert never_ending(compiled) == ("A", "B")


def test_records_that_look_alike_and_are_not_are_judged_apart():
    open_debt = rule(trigger="open_balance > 0.0", until="add_years(on, 1)")
    alike = [
        item(facts={"open_balance": value, "on": on})
        for value, on in ((1, "2026-06-01"), (True, "2026-06-01"), (1.0, "2026-06-01"), (1, "2026-07-01"), (None, ""))
    ] + [item(facts={"on": "2026-06-01"}), item(facts={"open_balance": [], "on": "2026-06-01"})]
    together = verdicts(alike, open_debt)
    assert together == [verdict(one, open_debt) for one in alike]
    assert [[hold.unknown for hold in found.holds] for found in together] == [
        [False], [True], [False], [False], [True], [], [True]
    ]  # fmt: skip


def test_each_record_is_named_in_its_own_sentence_although_the_rules_were_asked_once():
    told = rule(text=dict.fromkeys(("fi", "sv", "en"), "{number}"))
    found = verdicts([item(facts={"number": "1"}), item(facts={"number": "2"})], told)
    assert [one.holds[0].params for one in found] == [{"number": "1"}, {"number": "2"}]
