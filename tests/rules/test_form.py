"""A form in any state is read or refused field by field, with what to mend."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.vocabulary import Right
from workflows.errors import BadInput
from workflows.rules.form import REMEDIES, understand_form
from workflows.rules.identifiers import KINDS

TODAY = date(2026, 11, 24)


def faults(fields, **more):
    with pytest.raises(BadInput) as caught:
        understand_form(fields, **more)
    return {f.where: f.what for f in caught.value.faults}


def test_a_plain_request_is_read():
    form = understand_form(
        {"right": "access", "language": "sv", "name": "Åsa  Öhman", "email": "Asa@Exempel.example", "csrf_token": "x"}
    )
    assert (form.right, form.language, form.name) == (Right.ACCESS, "sv", "Åsa Öhman")
    assert form.identifiers == {"email": "asa@exempel.example"}
    assert (form.triage, form.received_on) == (None, None)


def test_every_mistake_is_named_at_once():
    assert faults(
        {"right": "everything", "language": "xx", "email": "no", "national_id": "1", "message": "x" * 5001}
    ) == {
        "right": "right_unknown",
        "language": "language_unknown",
        "email": "email_invalid",
        "national_id": "national_id_invalid",
        "message": "too_long",
    }


def test_a_missing_right_and_nobody_to_find_are_faults():
    assert faults({}) == {"right": "right_missing", "email": "nothing_to_find_by"}


def test_a_fault_says_what_to_mend_and_repeats_nothing_personal():
    with pytest.raises(BadInput) as caught:
        understand_form({"right": "access", "email": "matti.meikäläinen"})
    assert caught.value.faults[0].remedy == REMEDIES["email_invalid"]
    assert "matti" not in str(caught.value)


def test_a_name_alone_opens_a_request_that_a_person_must_look_at():
    assert understand_form({"right": "access", "name": "Niillas Vuolab"}).triage == "no_identifier"


def test_somebody_elses_request_goes_to_a_person():
    form = understand_form({"right": "access", "email": "a@b.example", "on_behalf": "on"})
    assert (form.on_behalf, form.triage) == (True, "on_behalf")


def test_rights_without_an_automatic_flow_go_to_a_person():
    assert understand_form({"right": "rectification", "email": "a@b.example"}).triage == "other_right"


def test_access_and_erasure_together_keep_their_order():
    form = understand_form({"right": "access, erasure", "email": "a@b.example"})
    assert (form.rights, form.triage) == ((Right.ACCESS, Right.ERASURE), "several_rights")


@pytest.mark.parametrize(
    ("day", "result"),
    [
        ("2026-11-24", date(2026, 11, 24)),
        ("3.11.2026", date(2026, 11, 3)),
        ("2025-11-24", date(2025, 11, 24)),
        ("", None),
        ("2026-11-25", "date_in_future"),
        ("2025-11-23", "date_too_old"),
        ("31.11.2026", "date_invalid"),
        ("yesterday", "date_invalid"),
    ],
)
def test_staff_say_when_it_arrived(day, result):
    fields = {"right": "access", "customer_number": "100042", "received_on": day}
    if isinstance(result, str):
        assert faults(fields, today=TODAY) == {"received_on": result}
    else:
        assert understand_form(fields, today=TODAY).received_on == result


def test_a_year_before_leap_day_is_the_last_of_february():
    fields = {"right": "access", "customer_number": "100042", "received_on": "2027-02-28"}
    assert understand_form(fields, today=date(2028, 2, 29)).received_on == date(2027, 2, 28)


def test_the_public_cannot_say_when_it_arrived():
    form = understand_form({"right": "access", "email": "a@b.example", "received_on": "2020-01-01"})
    assert form.received_on is None


def test_the_controllers_pattern_of_customer_numbers_is_kept():
    fields = {"right": "access", "customer_number": "AB-1"}
    assert faults(fields, customer_number=r"\d{6}") == {"customer_number": "customer_number_invalid"}
    assert understand_form({**fields, "customer_number": "100042"}, customer_number=r"\d{6}").identifiers


@pytest.mark.parametrize("text", ["😀 poistakaa", "مرحبا", "שלום", "ŋŧđ Čuovga", "a\tb\nc"])
def test_any_script_is_kept(text):
    assert understand_form({"right": "erasure", "email": "a@b.example", "message": text}).message == text


def test_what_turns_or_hides_text_is_taken_out():
    form = understand_form({"right": "access", "name": "A\u202eB\x00C\u200bD", "message": "x\x1b[31my\r\nz"})
    assert (form.name, form.message) == ("ABCD", "x[31my\nz")


fields_ = st.dictionaries(
    st.sampled_from(["right", "language", "name", "message", "received_on", "on_behalf", *KINDS]), st.text(max_size=60)
)


@given(fields_, st.sampled_from([None, TODAY]))
def test_any_form_is_read_or_refused_with_known_codes(fields, today):
    try:
        form = understand_form(fields, today=today)
    except BadInput as refused:
        mistakes = refused.faults
    else:
        assert form.rights
        return
    assert len({f.where for f in mistakes}) == len(mistakes)
    assert all(f.what in REMEDIES for f in mistakes)
