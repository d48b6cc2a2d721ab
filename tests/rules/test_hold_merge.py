from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflows.errors import NeverAgain
from workflows.rules.hold_merge import later
from workflows.rules.items import HoldMatch

matches = st.builds(
    HoldMatch, st.just("H05"), st.just("x"), st.none() | st.dates(date(2026, 1, 1), date(2040, 1, 1)), st.booleans()
)


def test_the_days_of_a_series_share_a_line_that_ends_with_the_last():
    days = [(HoldMatch("H05", "x", date(2030, 1, 1) + timedelta(days=n)),) for n in range(3)]
    assert later(later(days[2], days[0]), days[1])[0].until == date(2030, 1, 3)


@given(matches, matches)
def test_a_shared_line_never_promises_an_earlier_end_than_one_of_its_records(a, b):
    (both,) = later((a,), (b,))
    assert both.unknown == (a.unknown or b.unknown)
    if a.until is None or b.until is None:
        assert both.until is None
    else:
        assert both.until == max(a.until, b.until)
    assert later((b,), (a,))[0].until == both.until


def test_records_held_by_other_rules_never_share_a_line():
    with pytest.raises(NeverAgain, match="other_holds"):
        later((HoldMatch("H05", "", None),), (HoldMatch("H12", "", None),))
