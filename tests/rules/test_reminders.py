from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.vocabulary import RequestState
from workflows.rules.deadlines import due_dates, extended_until
from workflows.rules.reminders import ReminderFacts, due_rungs, ladder

D = date.fromisoformat


def facts(received="2026-09-30", **more):
    day = D(received) if isinstance(received, str) else received
    return ReminderFacts(**{"received_on": day, "due_a": due_dates(day).due_a, "state": RequestState.DECIDING, **more})


def days(of):
    return {rung.name: (rung.on - of.received_on).days for rung in ladder(of)}


def test_the_ladder_of_a_request_that_waits_for_its_decision():
    assert days(facts(open_tasks=True)) == {
        "department_5": 5,
        "department_8": 8,
        "department_10": 10,
        "holds_14": 14,
        "extension_21": 21,
        "letter_22": 22,
        "dpo_25": 25,
        "last_days_1": 27,
        "last_days_2": 28,
        "last_days_3": 29,
        "management_29": 29,
        "last_days_4": 30,
        "overdue": 31,
    }


def test_the_ladder_of_a_request_whose_person_is_not_proven():
    found = days(facts(state=RequestState.VERIFYING))
    assert [found[f"identity_{n}"] for n in (3, 7, 14)] == [3, 7, 14]
    assert "holds_14" not in found
    assert "department_5" not in found


def test_a_receipt_is_acknowledged_on_the_next_working_day():
    assert days(facts("2026-09-30", acknowledged=False))["acknowledge"] == 1
    assert days(facts("2026-10-02", acknowledged=False))["acknowledge"] == 3  # a Friday
    assert days(facts("2026-12-23", acknowledged=False))["acknowledge"] == 5  # over Christmas
    assert "acknowledge" not in days(facts())


def test_in_february_the_late_rungs_come_earlier():
    short = facts("2028-01-31")  # due on 29 February, after 29 days
    found = days(short)
    assert (found["letter_22"], found["dpo_25"], found["management_29"], found["overdue"]) == (21, 24, 28, 30)


def test_after_an_extension_the_late_rungs_keep_their_distance_to_the_new_date():
    extended = facts(extended=True, due_a=extended_until(D("2026-09-30")).due_a)
    found = {rung.name: (extended.due_a - rung.on).days for rung in ladder(extended)}
    assert "extension_21" not in found
    assert (found["letter_22"], found["dpo_25"], found["management_29"]) == (8, 5, 1)


def test_a_late_rung_sent_before_an_extension_is_sent_again_for_the_new_date():
    before = facts()
    sent = {("dpo_25", before.due_a)}
    after = facts(extended=True, due_a=extended_until(before.received_on).due_a)
    assert due_rungs(after, D("2026-10-26"), sent).send.name == "holds_14"
    sent |= {("holds_14", before.received_on)}
    assert due_rungs(after, D("2026-10-26"), sent).send is None
    sent |= {("letter_22", after.due_a)}
    assert due_rungs(after, after.due_a - timedelta(days=5), sent).send.name == "dpo_25"


@pytest.mark.parametrize("state", [RequestState.HELD, RequestState.CLOSED])
def test_an_answered_request_needs_no_reminder(state):
    assert due_rungs(facts(state=state), D("2027-01-01"), ()).send is None


def test_after_a_standstill_only_the_highest_rung_is_sent():
    found = due_rungs(facts(), D("2026-10-26"), ())
    assert found.send.name == "dpo_25"
    assert [rung.name for rung in found.supersede] == ["holds_14", "extension_21", "letter_22"]


def test_a_rung_below_one_already_sent_is_only_put_on_record():
    request = facts(open_tasks=True)
    found = due_rungs(request, D("2026-10-15"), {("holds_14", request.received_on)})
    assert found.send is None
    assert {rung.name for rung in found.supersede} == {"department_5", "department_8", "department_10"}


def test_before_its_day_no_rung_is_due():
    assert due_rungs(facts(), D("2026-10-13"), ()).send is None
    assert due_rungs(facts(), D("2026-10-14"), ()).send.name == "holds_14"


states = st.sampled_from(sorted(RequestState))
received = st.dates(date(2020, 1, 1), date(2040, 1, 1))
requests = st.builds(
    lambda day, state, ack, tasks: facts(day, state=state, acknowledged=ack, open_tasks=tasks),
    received,
    states,
    st.booleans(),
    st.booleans(),
)


def keys(found):
    rungs = [*found.supersede, *([found.send] if found.send else [])]
    return {(rung.name, rung.counted_from) for rung in rungs}


@given(requests, st.integers(0, 60))
def test_asked_again_it_says_nothing(request_facts, after):
    today = request_facts.received_on + timedelta(days=after)
    sent = keys(due_rungs(request_facts, today, ()))
    again = due_rungs(request_facts, today, sent)
    assert again.send is None
    assert again.supersede == ()


@given(requests, st.lists(st.integers(0, 45), min_size=1, max_size=8))
def test_however_often_the_sweep_runs_each_rung_is_sent_at_most_once_and_in_rising_order(request_facts, sweeps):
    done, sent = set(), []
    for after in sorted(sweeps):
        found = due_rungs(request_facts, request_facts.received_on + timedelta(days=after), done)
        assert not keys(found) & done
        done |= keys(found)
        if found.send:
            sent.append(found.send)
    assert sent == sorted(sent, key=lambda rung: rung.on)
    assert len({rung.name for rung in sent}) == len(sent)


@given(requests)
def test_every_warning_comes_before_the_due_date_has_passed(request_facts):
    for rung in ladder(request_facts):
        if rung.name != "overdue" and rung.name not in {"acknowledge", "identity_14", "identity_7"}:
            assert request_facts.received_on <= rung.on <= request_facts.due_a


@given(requests)
def test_a_name_and_what_it_counts_from_name_one_rung(request_facts):
    rungs = ladder(request_facts)
    assert len({(rung.name, rung.counted_from) for rung in rungs}) == len(rungs)
    assert all(len(rung.name) <= 32 for rung in rungs)


def test_a_correction_of_receipt_starts_the_ladder_anew():
    first = facts("2026-10-05")
    sent = keys(due_rungs(first, D("2026-10-20"), ()))
    earlier = replace(first, received_on=D("2026-09-25"), due_a=due_dates(D("2026-09-25")).due_a)
    assert due_rungs(earlier, D("2026-10-20"), sent).send.name == "dpo_25"


def test_the_day_we_mean_to_answer_by_is_a_rung_of_its_own_until_the_request_is_extended():
    aimed = facts(target_on=D("2026-10-20"))
    assert days(aimed)["target"] == 20
    assert "target" not in days(replace(aimed, extended=True))
    assert "target" not in days(facts(target_on=aimed.due_a))  # the law's own rungs are enough
    known = {("target", aimed.received_on)}
    assert "target" not in {rung.name for rung in due_rungs(aimed, D("2026-10-20"), known).supersede}
