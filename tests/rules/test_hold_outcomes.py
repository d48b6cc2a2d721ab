"""Asking the rules once for all records that say the same gives what asking them for each record gives."""

from dataclasses import replace
from datetime import date
from pathlib import Path
from types import SimpleNamespace

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from models.vocabulary import Action, Ownership
from tests.effort import examples
from workflows.register.model import HoldRule
from workflows.rules.cel import evaluate
from workflows.rules.hold_phases import last_day
from workflows.rules.holds import ManualHoldFacts, assess, compile_rules
from workflows.rules.item_facts import ItemFacts, known_facts
from workflows.rules.items import FACTS, Item, Verdict
from workflows.rules.overdue import compile_retention, judge_of, overdue_since
from workflows.rules.subject import _Gathering, subject_facts

TODAY = date(2026, 11, 24)
HOLDS = Path(__file__).parents[2] / "register" / "holds.yaml"
RULES = [HoldRule.model_validate(rule) for rule in yaml.safe_load(HOLDS.read_text(encoding="utf-8"))]


def another(rule_id, *, reads, categories, until, words=""):
    text = dict.fromkeys(("fi", "sv", "en"), words)
    more = {"id": rule_id, "trigger": reads, "until": until, "categories": categories, "text": text}
    return HoldRule.model_validate({**RULES[0].model_dump(), **more})


COMPILED = compile_rules(
    [
        *RULES,
        another("P1", reads="disputed || amount > 1.0", categories={"C07": ["amount"], "C05": ["name"]}, until="on"),
        another("P2", reads='company == "x"', categories={"C07": ["name"]}, until='""', words="{number} {company}"),
        another("P3", reads='link != "1"', categories={"C11": "all", "C05": "all"}, until="add_years(on, 9)"),
        another("P4", reads='contract_end != ""', categories={"C05": "all"}, until="add_years(contract_end, 30)"),
    ]
)
ROLES = {"invoice": {"name": "name", "sum": "amount", "no": "invoice_no"}, "bare": {}}

DAYS = ["2026-11-24", "2020-02-29", "", "bad", "2025-01-01T00:00:00", None]
NUMBERS = [0, 0.0, -0.0, 1, 1.0, True, False, 40.5, -3, None, "1", float("nan"), []]
TRUTHS = [True, False, 1, 0, None, "yes", 1.0]
TEXTS = ["1", "x", "", None, 1, True]
facts = st.fixed_dictionaries(
    {},
    optional={
        **{n: st.sampled_from(DAYS) for n in ("on", "fiscal_year_end", "due_on", "contract_end")},
        **{n: st.sampled_from(NUMBERS) for n in ("open_balance", "amount")},
        **{n: st.sampled_from(TRUTHS) for n in ("disputed", "collection_open", "enforced")},
        **{n: st.sampled_from(TEXTS) for n in ("number", "company", "link")},
    },
)
items = st.lists(
    st.builds(
        Item,
        source=st.just("s"),
        collection=st.sampled_from(sorted(ROLES)),
        locator=st.just({"id": 1}),
        category=st.sampled_from(["C01", "C03", "C05", "C07", "C07", "C10", "C11", "C99"]),
        ownership=st.sampled_from([Ownership.OWN] * 5 + [Ownership.SHARED]),
        digest=st.just("0" * 64),
        fields=st.sampled_from([{"id": 1, "name": "A", "sum": "1", "no": "7"}, {"id": 1, "name": None}, {"sum": "2"}]),
        facts=facts,
        on=st.sampled_from([None, None, date(2024, 3, 1), date(2019, 3, 1)]),
        series=st.sampled_from([(), (), ((),)]),
        referenced=st.sampled_from([False, False, False, True]),
    ),
    max_size=4,
)
by_hand = st.lists(
    st.sampled_from(
        [
            ManualHoldFacts("H11", date(2027, 1, 1), category="C07", params={"ref": "K"}),
            ManualHoldFacts("H17", None, of=lambda item: item.collection == "bare"),
            ManualHoldFacts("H17", date(2020, 1, 1)),
        ]
    ),
    max_size=2,
)


def kind(item):
    if item.category == "C11":
        return Action.KEEP, ()
    return (Action.MASK, ("name", "sum")) if item.collection == "bare" else (Action.DELETE, ())


def almost(many):
    """The same records, and for each some that differ from it in one thing only."""
    for one in many:
        yield one
        yield replace(one, on=date(2024, 3, 1))
        yield replace(one, facts={name: ALIKE.get(str(value), value) for name, value in one.facts.items()})
        yield replace(one, category="C03" if one.category == "C05" else "C05")
        yield replace(one, category="C10" if one.category == "C07" else "C07")


ALIKE = {"1": True, "True": 1.0, "1.0": 1, "0": False, "False": 0, "0.0": False}


def plainly(item, *, manual, subject):
    """What `assess` says of one record, by asking each rule about this very record and remembering nothing."""
    if item.ownership is not Ownership.OWN or item.referenced:
        return Action.KEEP, (), [], item.ownership.value if item.ownership is not Ownership.OWN else "referenced", None
    known = {name: value for name, value in subject.facts.items() if value is not None} | {"today": TODAY.isoformat()}
    said = ItemFacts(item, known)
    holds = [(h.rule, h.until, False, (), dict(h.params)) for h in manual if _concerns(h, item)]
    for rule in COMPILED.by_category.get(item.category, ()):
        declared = bool(rule.needs & said.declared)
        answer = evaluate(rule.trigger, said.filled if declared else said.bare)
        if answer is False or (answer is None and rule.needs and not declared and rule.subject_needs <= known.keys()):
            continue
        until = last_day(evaluate(rule.until, said.filled)) if answer else None
        if until is not None and until < TODAY:
            continue
        wanted, roles = rule.categories[item.category], ROLES[item.collection]
        keeps = () if wanted is None or item.series or not roles else _of_role(item, roles, wanted)
        if keeps is not None:
            holds.append(
                (rule.id, None if until == date.max else until, until is None, keeps, _words(rule, said, subject))
            )
    action, fields = kind(item)
    if action is Action.KEEP:
        return Action.KEEP, (), holds, "register", None
    if not holds:
        return action, () if action is Action.DELETE else fields, [], "no_hold", None
    return *_what_goes(item, holds, fields), holds, "hold_unknown" if any(h[2] for h in holds) else "hold", _end(holds)


def _concerns(hold, item):
    lasting = hold.until is None or hold.until >= TODAY
    return lasting and hold.category in (None, item.category) and (hold.of is None or hold.of(item))


def _of_role(item, roles, wanted):
    return tuple(sorted(name for name in item.fields if roles.get(name) in wanted)) or None


def _words(rule, said, subject):
    words = said.words()
    if "subject_open_balance" in rule.subject_needs and not said.owes:
        words |= subject.claims
    if "subject_credit" in rule.subject_needs and not said.is_owed:
        words |= subject.credits
    if "subject_collection_open" in rule.subject_needs and said.known.get("collection_open") is not True:
        words |= subject.collections
    return {name: word for name, word in words.items() if name in rule.words}


def _what_goes(item, holds, fields):
    if any(not keeps for _, _, _, keeps, _ in holds):
        return Action.KEEP, ()
    kept = {name for hold in holds for name in hold[3]}
    rest = tuple(n for n in fields or (n for n in item.fields if n != "id") if n not in kept)
    return (Action.MASK, rest) if any(item.fields.get(n) is not None for n in rest) else (Action.KEEP, ())


def _end(holds):
    ends = [until for _, until, _, _, _ in holds]
    return None if None in ends else date.fromordinal(max(ends).toordinal() + 1)


def told(verdict: Verdict):
    holds = [(h.rule, h.until, h.unknown, h.keeps, dict(h.params)) for h in verdict.holds]
    return verdict.action, verdict.fields, holds, verdict.reason, verdict.erase_on


@settings(max_examples=examples(200), deadline=None)
@given(items, by_hand)
def test_rules_asked_once_for_many_say_the_same_as_asked_for_each(many, manual):
    many = [*almost(many), *many[:3]]
    subject = subject_facts(many, today=TODAY)
    more = {"roles": lambda _source, collection: ROLES[collection], "erasure_kind": kind, "manual": manual}
    found = list(assess(many, COMPILED, today=TODAY, subject=subject, **more))
    assert [item for item, _ in found] == many
    for item, verdict in found:
        assert told(verdict) == plainly(item, manual=manual, subject=subject)
        for hold in verdict.holds:
            assert hold.law == COMPILED.laws[hold.rule]


def test_records_with_a_value_that_is_no_fact_are_judged_each_for_itself():
    days = [date(2027, 1, n).isoformat() for n in range(1, 29)]
    said = [{"on": day, "disputed": True, "amount": []} for day in days]
    many = [Item("s", "bare", {"id": 1}, "C07", Ownership.OWN, "0" * 64, {}, facts=facts) for facts in said]
    more = {"roles": lambda _source, _collection: {}, "erasure_kind": kind, "subject": subject_facts([], today=TODAY)}
    found = [verdict for _, verdict in assess(many, COMPILED, today=TODAY, **more)]
    assert [str(hold.until) for one in found for hold in one.holds if hold.rule == "P1"] == days


RETAINED = compile_retention(
    {
        "C03": SimpleNamespace(until="add_years(on, 5)"),
        "C05": SimpleNamespace(until="add_years(on, 2)"),
        "C07": SimpleNamespace(until='open_balance > 0.0 ? today : disputed ? "" : add_years(fiscal_year_end, 1)'),
        "C10": SimpleNamespace(until='collection_open ? "" : latest(due_on, "2020-01-01")'),
        "C11": SimpleNamespace(until='subject_open_balance > 0.0 ? "" : "2020-01-01"'),
    }
)


@settings(max_examples=examples(200), deadline=None)
@given(items)
def test_the_time_of_many_records_is_over_as_that_of_each(many):
    many = [*almost(many), *many[:3]]
    subject = subject_facts(many, today=TODAY)
    judge = judge_of(RETAINED, subject=subject, today=TODAY)
    for item in many:
        assert judge(item) == overdue_since(item, RETAINED, subject=subject, today=TODAY)


@given(
    st.lists(
        st.dictionaries(
            st.sampled_from(sorted(FACTS)), st.sampled_from([None, "2020-01-01", -3.0, 4.0, True, ""]), max_size=2
        ),
        max_size=3,
    )
)
def test_a_record_that_is_passed_over_would_have_told_nothing_of_the_person(said):
    plain = _Gathering(TODAY)
    many = [Item("s", "c", {"id": 1}, "C07", Ownership.OWN, "0" * 64, {}, facts=one) for one in said]
    for item in many:
        plain.add(known_facts(item))
    assert subject_facts(many, today=TODAY) == plain.subject()
