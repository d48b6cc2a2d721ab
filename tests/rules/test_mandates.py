"""What a mandate must show, how far it goes and when it ends."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.vocabulary import Right
from workflows.register.mandates import mandate_kinds
from workflows.rules.mandates import (
    CheckList,
    Scope,
    Standing,
    age_on,
    covers,
    faults_of,
    last_day,
    lines_needed,
    of_age_on,
    people_needed,
    standing_on,
)

TODAY = date(2026, 11, 24)
RIGHTS = st.sampled_from(list(Right))
DAYS = st.dates(date(1990, 1, 1), date(2060, 12, 31))
EVERYTHING = frozenset(Right)


def known(kind: str) -> CheckList:
    return mandate_kinds()[kind].check_list()


def scope(*rights: Right, until: date = TODAY, categories: frozenset[str] | None = None) -> Scope:
    return Scope(frozenset(rights) or EVERYTHING, TODAY, until, categories)


def wrong(kind: str, right: Right, how_far: Scope, *, age: int | None = None, less: str = "") -> set[str]:
    ticked = set(lines_needed(known(kind), right, age)) - {less}
    return {f.what for f in faults_of(known(kind), right, how_far, today=TODAY, age=age, ticked=ticked)}


def test_a_mandate_with_everything_seen_has_no_fault() -> None:
    assert wrong("lawyer", Right.ERASURE, scope(Right.ERASURE)) == set()
    assert wrong("guardian", Right.ACCESS, scope(Right.ACCESS), age=7) == set()
    assert wrong("trustee", Right.ACCESS, scope(Right.ACCESS, categories=frozenset({"C07"}))) == set()


@pytest.mark.parametrize("kind", [k for k in mandate_kinds() if k != "estate"])
def test_each_line_that_is_not_ticked_keeps_it_from_being_accepted(kind: str) -> None:
    age = 16 if kind == "guardian" else None
    for right in mandate_kinds()[kind].rights:
        far = scope(right, categories=frozenset({"C01"}))
        assert wrong(kind, right, far, age=age) == set()
        for line in lines_needed(known(kind), right, age):
            assert wrong(kind, right, far, age=age, less=line) == {"mandate_unchecked"}


@pytest.mark.parametrize("kind", mandate_kinds())
def test_who_acts_must_always_be_seen_themselves_and_so_must_their_right(kind: str) -> None:
    if kind == "estate":
        assert known(kind).ends_here
        return
    for right in mandate_kinds()[kind].rights:
        lines = lines_needed(known(kind), right, None)
        assert lines[0] == "holder_seen"
        assert len(lines) >= 3


def test_a_child_of_fifteen_is_asked_and_one_of_thirteen_keeps_their_own_consents() -> None:
    assert "child_heard" not in lines_needed(known("guardian"), Right.ACCESS, 14)
    assert "child_heard" in lines_needed(known("guardian"), Right.ACCESS, 15)
    assert "own_consents" not in lines_needed(known("guardian"), Right.ACCESS, 12)
    assert "own_consents" in lines_needed(known("guardian"), Right.ACCESS, 13)


def test_nobody_is_guardian_of_a_grown_person_or_of_somebody_of_unknown_age() -> None:
    assert wrong("guardian", Right.ACCESS, scope(), age=18) == {"mandate_of_age"}
    assert wrong("guardian", Right.ACCESS, scope(), age=-1) == {"mandate_of_age"}
    assert wrong("guardian", Right.ACCESS, scope()) == {"mandate_age_unknown"}
    assert wrong("guardian", Right.ACCESS, scope(), age=17) == set()


def test_a_power_to_look_is_no_power_to_erase() -> None:
    assert wrong("lawyer", Right.ERASURE, scope(Right.ACCESS)) == {"mandate_not_for_this"}
    assert wrong("company", Right.ERASURE, scope(categories=frozenset({"C01"}))) == {"mandate_never_for_this"}
    assert "person_confirms" in lines_needed(known("lawyer"), Right.ERASURE, None)
    assert "person_confirms" not in lines_needed(known("lawyer"), Right.ACCESS, None)


@pytest.mark.parametrize("kind", ["trustee", "company"])
def test_a_task_that_was_ordered_goes_no_further_than_the_data_it_names(kind: str) -> None:
    assert wrong(kind, Right.ACCESS, scope()) == {"mandate_categories"}
    assert wrong(kind, Right.ACCESS, scope(categories=frozenset())) == {"mandate_categories"}


def test_the_dead_have_no_mandate_and_nothing_else_is_said_of_it() -> None:
    assert wrong("estate", Right.ACCESS, scope()) == {"mandate_of_the_dead"}


def test_a_mandate_that_ran_out_or_has_not_begun_is_not_accepted() -> None:
    assert wrong("lawyer", Right.ACCESS, scope(until=TODAY)) == set()
    past = Scope(EVERYTHING, TODAY - timedelta(days=9), TODAY - timedelta(days=1))
    assert wrong("lawyer", Right.ACCESS, past) == {"mandate_over"}
    to_come = Scope(EVERYTHING, TODAY + timedelta(days=1), TODAY + timedelta(days=9))
    assert wrong("lawyer", Right.ACCESS, to_come) == {"mandate_not_begun"}
    backwards = Scope(EVERYTHING, TODAY, TODAY - timedelta(days=1))
    assert wrong("lawyer", Right.ACCESS, backwards) == {"mandate_days"}


@pytest.mark.parametrize("kind", [k for k in mandate_kinds() if k != "estate"])
def test_what_cannot_be_undone_needs_two_people(kind: str) -> None:
    for right in mandate_kinds()[kind].rights:
        twice = right in (Right.ERASURE, Right.RESTRICTION, Right.RECTIFICATION)
        assert people_needed(known(kind), right) == (2 if twice else 1)


@given(told=st.none() | DAYS, born=st.none() | DAYS, kind=st.sampled_from(sorted(mandate_kinds())))
def test_a_mandate_never_outlives_its_document_the_childhood_or_the_time_its_kind_allows(
    told: date | None, born: date | None, kind: str
) -> None:
    grown = of_age_on(born) if born else None
    last = last_day(known(kind), TODAY, told=told, of_age_on=grown)
    assert last <= TODAY + timedelta(days=known(kind).longest_days)
    assert told is None or last <= told
    assert born is None or age_on(born, last) < 18


def test_who_is_born_on_leap_day_comes_of_age_on_the_first_of_march() -> None:
    born = date(2008, 2, 29)
    assert of_age_on(born) == date(2026, 3, 1)
    assert (age_on(born, date(2026, 2, 28)), age_on(born, date(2026, 3, 1))) == (17, 18)
    assert of_age_on(date(2008, 2, 28)) == date(2026, 2, 28)


@given(day=DAYS, from_on=st.none() | DAYS, until_on=st.none() | DAYS, why=st.sampled_from([None, "expired", "revoked"]))
def test_only_a_proven_mandate_within_its_days_that_nobody_ended_is_live(
    day: date, from_on: date | None, until_on: date | None, why: str | None
) -> None:
    for state in ("claimed", "refused"):
        assert standing_on(day, state=state, from_on=from_on, until_on=until_on, ended_why=why) is not Standing.LIVE
    live = standing_on(day, state="proven", from_on=from_on, until_on=until_on, ended_why=why) is Standing.LIVE
    inside = until_on is not None and day <= until_on and (from_on is None or from_on <= day)
    assert live == (inside and why is None)


def test_what_is_outside_the_mandate_is_not_covered() -> None:
    assert covers(None, "C12")
    assert covers(scope(), "C12")
    assert covers(scope(categories=frozenset({"C12"})), "C12")
    assert not covers(scope(categories=frozenset({"C07"})), "C12")


@given(right=RIGHTS, age=st.none() | st.integers(-1, 30))
def test_every_kind_says_something_for_every_right_and_age(right: Right, age: int | None) -> None:
    for kind in mandate_kinds():
        assert isinstance(faults_of(known(kind), right, scope(), today=TODAY, age=age, ticked=()), list)
