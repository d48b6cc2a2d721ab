from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflows.errors import BadInput
from workflows.rules import deadlines
from workflows.rules.deadlines import (
    Pause,
    due_dates,
    expiry_instant,
    extended_until,
    is_working_day,
    may_extend,
    suspended,
)

D = date.fromisoformat
HELSINKI = "Europe/Helsinki"
EVES = frozenset({"Midsummer Eve", "Christmas Eve"})

# received, raw, due A, due B, extension from receipt A, B, extension by the earlier reading
VECTORS = """
2026-03-05 2026-04-05 2026-04-07 2026-04-07 2026-06-05 2026-06-05 2026-06-05
2026-08-31 2026-09-30 2026-09-30 2026-09-30 2026-11-30 2026-11-30 2026-11-30
2026-01-30 2026-02-28 2026-03-02 2026-03-02 2026-04-30 2026-04-30 2026-04-28
2026-01-31 2026-02-28 2026-03-02 2026-03-02 2026-04-30 2026-04-30 2026-04-28
2027-01-31 2027-02-28 2027-03-01 2027-03-01 2027-04-30 2027-04-30 2027-04-28
2028-01-31 2028-02-29 2028-02-29 2028-02-29 2028-05-02 2028-05-02 2028-05-02
2028-01-29 2028-02-29 2028-02-29 2028-02-29 2028-05-02 2028-05-02 2028-05-02
2027-01-29 2027-02-28 2027-03-01 2027-03-01 2027-04-29 2027-04-29 2027-04-28
2028-02-29 2028-03-29 2028-03-29 2028-03-29 2028-05-29 2028-05-29 2028-05-29
2026-02-28 2026-03-28 2026-03-30 2026-03-30 2026-05-28 2026-05-28 2026-05-28
2026-03-31 2026-04-30 2026-04-30 2026-04-30 2026-06-30 2026-06-30 2026-06-30
2026-09-30 2026-10-30 2026-10-30 2026-10-30 2026-12-30 2026-12-30 2026-12-30
2026-03-03 2026-04-03 2026-04-07 2026-04-07 2026-06-03 2026-06-03 2026-06-03
2026-03-06 2026-04-06 2026-04-07 2026-04-07 2026-06-08 2026-06-08 2026-06-08
2026-04-01 2026-05-01 2026-05-04 2026-05-04 2026-07-01 2026-07-01 2026-07-01
2026-04-14 2026-05-14 2026-05-15 2026-05-15 2026-07-14 2026-07-14 2026-07-14
2026-05-19 2026-06-19 2026-06-19 2026-06-22 2026-08-19 2026-08-19 2026-08-19
2026-05-20 2026-06-20 2026-06-22 2026-06-22 2026-08-20 2026-08-20 2026-08-20
2027-05-25 2027-06-25 2027-06-25 2027-06-28 2027-08-25 2027-08-25 2027-08-25
2026-11-06 2026-12-06 2026-12-07 2026-12-07 2027-02-08 2027-02-08 2027-02-08
2026-11-24 2026-12-24 2026-12-24 2026-12-28 2027-02-24 2027-02-24 2027-02-24
2026-11-25 2026-12-25 2026-12-28 2026-12-28 2027-02-25 2027-02-25 2027-02-25
2026-11-26 2026-12-26 2026-12-28 2026-12-28 2027-02-26 2027-02-26 2027-02-26
2026-12-01 2027-01-01 2027-01-04 2027-01-04 2027-03-01 2027-03-01 2027-03-01
2026-12-06 2027-01-06 2027-01-07 2027-01-07 2027-03-08 2027-03-08 2027-03-08
2026-12-31 2027-01-31 2027-02-01 2027-02-01 2027-03-31 2027-03-31 2027-03-31
2026-11-30 2026-12-30 2026-12-30 2026-12-30 2027-03-01 2027-03-01 2027-03-01
2027-11-30 2027-12-30 2027-12-30 2027-12-30 2028-02-29 2028-02-29 2028-02-29
2026-09-24 2026-10-24 2026-10-26 2026-10-26 2026-12-24 2026-12-28 2026-12-24
2026-10-31 2026-11-30 2026-11-30 2026-11-30 2027-02-01 2027-02-01 2027-02-01
2026-03-31T20:59:59Z 2026-04-30 2026-04-30 2026-04-30 2026-06-30 2026-06-30 2026-06-30
2026-03-31T21:00:00Z 2026-05-01 2026-05-04 2026-05-04 2026-07-01 2026-07-01 2026-07-01
2026-10-24T21:30:00Z 2026-11-25 2026-11-25 2026-11-25 2027-01-25 2027-01-25 2027-01-25
2026-12-31T22:30:00Z 2027-02-01 2027-02-01 2027-02-01 2027-04-01 2027-04-01 2027-04-01
""".strip().splitlines()


def _received(text: str) -> date:
    return deadlines.received_on(datetime.fromisoformat(text), HELSINKI) if "T" in text else D(text)


@pytest.mark.parametrize("line", VECTORS)
def test_the_due_dates_and_extensions_of_the_finnish_calendar(line):
    received, raw, due_a, due_b, ext_a, ext_b, earlier = line.split()
    due = due_dates(_received(received))
    assert (due.raw, due.due_a, due.due_b) == (D(raw), D(due_a), D(due_b))
    extended = extended_until(_received(received))
    assert (extended.from_receipt.due_a, extended.from_receipt.due_b) == (D(ext_a), D(ext_b))
    assert extended.due_a == extended.from_first_end.due_a == D(earlier)
    assert extended.due_b == D(ext_b)


@pytest.mark.parametrize(
    ("received", "last"),
    [
        ("2026-01-31", "2026-03-02"),
        ("2026-03-05", "2026-04-07"),
        ("2026-04-01", "2026-05-04"),
        ("2026-05-19", "2026-06-22"),
        ("2026-11-24", "2026-12-28"),
        ("2026-11-06", "2026-12-07"),
    ],
)
def test_the_outer_limit_follows_the_whole_list_of_holidays(received, last):
    assert due_dates(D(received)).due_b == D(last)


@pytest.mark.parametrize(
    ("due", "instant"), [("2026-04-07", "2026-04-07T21:00:00Z"), ("2026-12-28", "2026-12-28T22:00:00Z")]
)
def test_a_period_ends_with_the_last_hour_of_its_last_day(due, instant):
    assert expiry_instant(D(due), HELSINKI) == datetime.fromisoformat(instant)


@pytest.mark.parametrize("day", ["2026-03-29", "2026-10-25", "2026-03-28", "2026-10-24"])
def test_the_last_hour_is_right_on_the_days_the_clocks_change(day):
    end = expiry_instant(D(day), HELSINKI)
    assert deadlines.received_on(end - timedelta(seconds=1), HELSINKI) == D(day)
    assert deadlines.received_on(end, HELSINKI) == D(day) + timedelta(days=1)


def test_an_extension_can_be_told_until_the_last_day_and_no_longer():
    due = due_dates(D("2026-03-05")).due_a
    assert may_extend(D("2026-04-07"), due)
    assert not may_extend(D("2026-04-08"), due)


PAUSES = [
    ("one question", "2026-03-02", [("2026-03-04", "2026-03-14")], "2026-04-12", "2026-04-13", "2026-04-13"),
    ("answered at once", "2026-03-02", [("2026-03-04", "2026-03-04")], "2026-04-02", "2026-04-02", "2026-04-02"),
    ("a week", "2026-05-11", [("2026-05-12", "2026-05-19")], "2026-06-18", "2026-06-18", "2026-06-18"),
    ("added to the raw day", "2026-01-31", [("2026-02-02", "2026-02-12")], "2026-03-10", "2026-03-10", "2026-03-10"),
    ("to an Eve", "2026-11-13", [("2026-11-16", "2026-11-27")], "2026-12-24", "2026-12-24", "2026-12-28"),
    ("asked too late", "2026-03-02", [("2026-03-22", "2026-03-30")], "2026-04-02", "2026-04-02", "2026-04-02"),
    (
        "overlapping",
        "2026-03-02",
        [("2026-03-03", "2026-03-10"), ("2026-03-05", "2026-03-13")],
        "2026-04-12",
        "2026-04-13",
        "2026-04-13",
    ),
    ("not yet answered", "2026-03-02", [("2026-03-04", None)], "2026-04-12", "2026-04-13", "2026-04-13"),
]


@pytest.mark.parametrize(("name", "received", "asked", "raw", "due_a", "due_b"), PAUSES, ids=[p[0] for p in PAUSES])
def test_a_question_asked_in_time_stops_the_clock(name, received, asked, raw, due_a, due_b):
    pauses = [Pause(D(q), D(a) if a else None) for q, a in asked]
    due = suspended(D(received), pauses, mode="pause", today=D("2026-03-14"))
    assert (due.raw, due.due_a, due.due_b) == (D(raw), D(due_a), D(due_b))


@pytest.mark.parametrize("pause", PAUSES, ids=[p[0] for p in PAUSES])
def test_without_suspension_no_question_stops_the_clock(pause):
    pauses = [Pause(D(q), D(a) if a else None) for q, a in pause[2]]
    assert suspended(D(pause[1]), pauses, mode="none", today=D("2026-03-14")) == due_dates(D(pause[1]))


def test_restarting_counts_the_month_from_the_answer():
    due = suspended(D("2026-03-02"), [Pause(D("2026-03-04"), D("2026-03-14"))], mode="restart", today=D("2026-03-20"))
    assert due.due_a == due_dates(D("2026-03-14")).due_a


def test_a_further_question_right_after_an_answer_counts_and_a_late_one_does_not():
    first = Pause(D("2026-03-03"), D("2026-03-10"))
    soon, late = Pause(D("2026-03-11"), D("2026-03-16")), Pause(D("2026-03-18"), D("2026-03-23"))
    one = suspended(D("2026-03-02"), [first], mode="pause", today=D("2026-03-30"))
    assert suspended(D("2026-03-02"), [soon, first], mode="pause", today=D("2026-03-30")).raw == one.raw + timedelta(5)
    assert suspended(D("2026-03-02"), [late, first], mode="pause", today=D("2026-03-30")).raw == one.raw


def test_a_question_from_before_receipt_stops_nothing():
    early = Pause(D("2026-02-20"), D("2026-03-10"))
    assert suspended(D("2026-03-02"), [early], mode="pause", today=D("2026-03-30")) == due_dates(D("2026-03-02"))


def test_the_reasons_tell_each_day_that_was_passed_over():
    why = " ".join(due_dates(D("2026-03-05")).why)
    assert "2026-04-05 is a Sunday and Easter Sunday" in why
    assert "2026-04-06 is a Monday and Easter Monday" in why
    assert "reading B only" in " ".join(due_dates(D("2026-11-24")).why)


def test_a_controller_can_name_further_days_that_are_no_statutory_holidays():
    assert due_dates(D("2026-04-01"), not_holidays=("May Day",)).due_a == D("2026-05-01")
    assert due_dates(D("2026-04-01"), not_holidays=("May Day",)).due_b == D("2026-05-04")


@pytest.mark.parametrize(
    "call",
    [
        lambda: due_dates(D("2026-04-01"), months=0),
        lambda: due_dates(D("2026-04-01"), country="XX"),
        lambda: due_dates(D("9999-12-31")),
        lambda: deadlines.received_on(datetime(2026, 1, 1), HELSINKI),  # noqa: DTZ001
        lambda: expiry_instant(D("2026-04-01"), "Europe/Nowhere"),
    ],
)
def test_bad_input_says_what_to_mend(call):
    with pytest.raises(BadInput) as caught:
        call()
    assert caught.value.faults[0].remedy


days = st.dates(date(1990, 1, 1), date(2090, 12, 31))
months = st.integers(1, 12)


@given(days, months)
def test_a_period_ends_on_a_working_day_never_early_and_b_never_before_a(day, count):
    due = due_dates(day, months=count)
    assert day < due.raw <= due.due_a <= due.due_b <= due.raw + timedelta(days=7)
    assert is_working_day(due.due_a, leave_out=EVES)
    assert is_working_day(due.due_b)
    assert due.raw.day == day.day or (due.raw + timedelta(days=1)).day == 1


@given(days, days, months)
def test_received_later_is_never_due_earlier(one, other, count):
    first, second = sorted((one, other))
    a, b = due_dates(first, months=count), due_dates(second, months=count)
    assert a.raw <= b.raw
    assert a.due_a <= b.due_a
    assert a.due_b <= b.due_b


@given(days)
def test_an_extension_is_never_later_than_either_reading_and_later_than_the_first_period(day):
    extended = extended_until(day)
    assert extended.due_a <= extended.from_receipt.due_a <= extended.due_b
    assert extended.due_a > due_dates(day).due_b


@given(st.datetimes(datetime(1990, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001
def test_an_instant_lies_before_the_end_of_its_own_day(instant):
    day = deadlines.received_on(instant, HELSINKI)
    assert expiry_instant(day - timedelta(days=1), HELSINKI) <= instant < expiry_instant(day, HELSINKI)


@given(days, st.lists(st.tuples(st.integers(0, 40), st.integers(0, 30)), max_size=4))
def test_a_pause_never_shortens_the_period(day, questions):
    pauses = [Pause(day + timedelta(days=a), day + timedelta(days=a + n)) for a, n in questions]
    for mode in ("pause", "restart"):
        assert suspended(day, pauses, mode=mode, today=day + timedelta(days=80)).raw >= due_dates(day).raw


@pytest.mark.parametrize(
    ("working_days", "expected"),
    [(None, date(2026, 11, 15)), (2, date(2026, 10, 28)), (5, date(2026, 11, 2)), (60, date(2026, 11, 26))],
)
def test_a_target_is_in_days_or_in_working_days_and_never_after_the_day_it_is_due(working_days, expected):
    received, due = date(2026, 10, 26), date(2026, 11, 26)  # a Monday
    assert deadlines.target_day(received, due, target_days=20, working_days=working_days) == expected
