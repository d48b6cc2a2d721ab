from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflows.rules.cel import compile_expression, environment, evaluate

dates = st.dates(date(1950, 1, 1), date(2100, 1, 1)).map(date.isoformat)


def value(text, gives=str, **facts):
    return evaluate(compile_expression(text, gives=gives, where="x"), environment().Activation(facts))


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ('add_years("2024-02-29", 6)', "2030-02-28"),
        ('add_years("2024-02-29", 4)', "2028-02-29"),
        ('add_years("2025-07-01", -1)', "2024-07-01"),
        ('add_months("2026-01-31", 1)', "2026-02-28"),
        ('add_days("2024-02-28", 2)', "2024-03-01"),
        ('add_days("2025-07-01", -1)', "2025-06-30"),
        ('year_end("2024-09-30")', "2024-12-31"),
        ('month_end("2024-02-01")', "2024-02-29"),
        ('month_end("2025-12-31")', "2025-12-31"),
        ('latest("2024-01-01", "2025-01-01")', "2025-01-01"),
        ('earliest("2024-01-01", "2025-01-01")', "2024-01-01"),
        ('earliest("", "2025-01-01")', "2025-01-01"),
        ('latest("2025-01-01", "")', "2025-01-01"),
        ('latest("", "")', ""),
        ('add_years("", 6)', ""),
        ('year_end("")', ""),
        ('month_end("")', ""),
        ('prescription("2023-03-15", "2025-03-01", "", "2026-11-24")', "2028-03-01"),
    ],
)
def test_the_functions_over_dates(text, result):
    assert value(text) == result


@pytest.mark.parametrize(
    "text",
    [
        'add_years("2024-02-30", 1)',
        'add_years("20240228", 1)',
        'add_years("2024-W01-1", 1)',
        'add_years("2024-02-28", 9000)',
        'add_days("2024-02-28", 99999999)',
        'add_days("2024-02-28", 9223372036854775807)',
        'latest("x", "2024-01-01")',
        'prescription("", "", "", "2026-11-24")',
        'prescription("2023-03-15", "2027-03-01", "", "2026-11-24")',
        "on",
    ],
)
def test_what_cannot_be_computed_is_an_error_and_never_raises(text):
    assert value(text) is None


@given(st.text(max_size=30), st.integers(-(2**63), 2**63 - 1))
def test_any_text_and_number_give_a_date_or_an_error(text, number):
    for name in ("add_years", "add_months", "add_days"):
        found = evaluate(
            compile_expression(f"{name}(on, {number})", gives=str, where="x"), environment().Activation({"on": text})
        )
        assert found in (None, "") or date.fromisoformat(found)


@given(dates, dates)
def test_latest_and_earliest_choose_as_the_calendar_does(a, b):
    assert value(f'latest("{a}", "{b}")') == max(a, b)
    assert value(f'earliest("{a}", "{b}")') == min(a, b)


@given(dates, st.integers(0, 30))
def test_years_added_keep_the_order_of_days(day, years):
    later = value(f'add_years("{day}", {years})')
    assert later >= day
    assert value(f'add_days(add_years("{day}", {years}), 1)') > later


@given(st.text(max_size=60))
def test_any_text_compiles_or_names_its_mistake(text):
    found = compile_expression(text, gives=bool, where="holds.X.trigger")
    if isinstance(found, list):
        assert found
        assert all(f.where.startswith("holds.X.trigger:") and f.what and f.remedy for f in found)


def test_facts_named_inside_quotes_are_not_needed():
    assert compile_expression('category == "on"', gives=bool, where="x").names == {"category"}
