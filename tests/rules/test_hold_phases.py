from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.vocabulary import Action, Ownership
from workflows.register.model import HoldRule
from workflows.rules.hold_phases import free_alone, free_days, is_later, must_tell
from workflows.rules.holds import assess, compile_rules
from workflows.rules.items import HoldMatch, Item

FIRST = date(2026, 11, 24)
FIELDS = ("name", "address", "phone", "note")
ROLES = {"name": "name", "address": "address", "phone": "phone"}

days = st.integers(0, 9).map(lambda n: FIRST + timedelta(days=n))
some_days = st.none() | days
scopes = st.just(()) | st.lists(st.sampled_from(sorted(ROLES)), unique=True, min_size=1).map(tuple)
holds = st.lists(st.builds(HoldMatch, st.just("R"), st.just("x"), some_days, keeps=scopes), min_size=1, max_size=5)


def rules_of(held: list[HoldMatch]) -> list[HoldRule]:
    return [
        HoldRule.model_validate(
            {
                "id": f"R{n}",
                "law": {"act": "1/2000", "sections": ("1",)},
                "source": "x",
                "checked_on": FIRST,
                "categories": {"C01": hold.keeps or "all"},
                "trigger": "true",
                "until": f'"{hold.until or ""}"',
                "text": {"fi": "x", "sv": "x", "en": "x"},
            }
        )
        for n, hold in enumerate(held)
    ]


def free_on(held: list[HoldMatch], day: date) -> frozenset[str]:
    """The fields that the engine itself lets go on a day."""
    item = Item("s", "c", {"id": 1}, "C01", Ownership.OWN, "0" * 64, {"id": 1, **dict.fromkeys(FIELDS, "x")})
    judged = assess(
        [item],
        compile_rules(rules_of(held)),
        today=day,
        roles=lambda _s, _c: ROLES,
        erasure_kind=lambda _i: (Action.DELETE, ()),
    )
    verdict = next(iter(judged))[1]
    return frozenset({*FIELDS, "id"} if verdict.action is Action.DELETE else verdict.fields)


@given(holds)
def test_the_days_are_those_on_which_the_engine_lets_more_go(held):
    at_first = free_on(held, FIRST)
    seen, moved = at_first, []
    for n in range(1, 12):
        day = FIRST + timedelta(days=n)
        now = free_on(held, day)
        assert seen <= now, "what was free is never held again by the passing of days"
        if now != seen:
            moved.append(day)
        seen = now
    told = free_days(held)
    assert moved == [day for day in told if day is not None]
    assert (None in told) == ("id" not in seen)


@given(holds)
def test_the_last_day_is_the_day_after_the_last_hold(held):
    ends = [hold.until for hold in held]
    assert free_days(held)[-1] == (None if None in ends else max(ends) + timedelta(days=1))


def test_two_holds_that_end_on_the_same_day_are_one_day():
    both = [HoldMatch("A", "", FIRST, keeps=("name",)), HoldMatch("B", "", FIRST, keeps=("address",))]
    assert free_days(both) == (FIRST + timedelta(days=1),)


def test_a_hold_with_no_known_end_does_not_keep_what_it_does_not_need():
    held = [HoldMatch("A", "", FIRST, keeps=("address",)), HoldMatch("B", "", None, unknown=True, keeps=("name",))]
    assert free_days(held) == (FIRST + timedelta(days=1), None)


@pytest.mark.parametrize(
    ("later", "scope", "goes"),
    [
        (Action.DELETE, (), ("address", "phone")),
        (Action.MASK, ("name", "phone"), ("phone",)),
        (Action.KEEP, ("phone",), ()),
        (None, ("phone",), ()),
    ],
)
def test_never_more_goes_alone_than_was_approved_for_later(later, scope, goes):
    assert free_alone(("address", "note", "phone"), later=later, scope=scope, gone={"note"}) == goes


@given(st.lists(st.sampled_from(FIELDS)), st.sampled_from([*Action, None]), st.sets(st.sampled_from(FIELDS)))
def test_what_is_gone_is_never_due_again(free, later, gone):
    assert not gone & set(free_alone(free, later=later, scope=FIELDS, gone=gone))


@given(some_days, some_days, some_days)
def test_later_is_an_order_in_which_no_known_day_comes_last(a, b, c):
    assert not is_later(a, a)
    assert not (is_later(a, b) and is_later(b, a))
    assert not (is_later(a, b) and is_later(b, c)) or is_later(a, c)
    assert is_later(a, b) or is_later(b, a) or a == b


@given(some_days, some_days, st.booleans(), days)
def test_an_earlier_day_is_never_told_and_a_later_one_always_is(day, told, unknown, today):
    tells = must_tell(day, told, unknown=unknown, today=today)
    assert not tells or is_later(day, told)
    if is_later(day, told) and not tells:
        assert day is None
        assert unknown
        assert told > today


def test_a_missing_fact_is_told_when_the_day_has_come_and_not_before():
    told = FIRST + timedelta(days=1)
    assert not must_tell(None, told, unknown=True, today=FIRST)
    assert must_tell(None, told, unknown=True, today=told)
    assert must_tell(None, told, unknown=False, today=FIRST)
