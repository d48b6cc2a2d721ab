from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflows.errors import BadInput
from workflows.rules.limitation import prescription

D = date.fromisoformat
TODAY = date(2026, 11, 24)


@pytest.mark.parametrize(
    ("due", "reminded", "judged", "last"),
    [
        ("2023-03-15", "2025-03-01", None, "2028-03-01"),
        ("2023-03-15", None, None, "2026-03-15"),
        ("2023-03-15", None, "2026-01-10", "2031-01-10"),
        ("2023-03-15", "2026-02-10", "2026-01-10", "2031-02-10"),
        ("2024-02-29", None, None, "2027-02-28"),
        ("2005-03-15", "2024-06-01", None, "2025-03-15"),  # twenty years, however often it was interrupted
        ("2010-03-15", "2026-06-01", "2012-01-01", "2030-03-15"),
    ],
)
def test_a_claim_becomes_time_barred(due, reminded, judged, last):
    found = prescription(D(due), D(reminded) if reminded else None, D(judged) if judged else None, today=TODAY)
    assert found == D(last)


def test_an_interruption_in_the_future_is_no_fact():
    with pytest.raises(BadInput):
        prescription(D("2023-03-15"), TODAY + timedelta(days=1), None, today=TODAY)
    prescription(D("2023-03-15"), TODAY, None, today=TODAY)


past = st.dates(date(1990, 1, 1), TODAY)


@given(past, st.none() | past, st.none() | past)
def test_an_interruption_never_shortens_and_twenty_years_always_end_it(due, reminded, judged):
    last = prescription(due, reminded, judged, today=TODAY)
    plain = prescription(due, None, None, today=TODAY)
    assert plain <= last
    assert last.year <= due.year + 20
