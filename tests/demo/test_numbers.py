from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum import iban as std_iban
from stdnum.fi import hetu as std_hetu
from stdnum.fi import ytunnus as std_ytunnus

from workflows.demo import numbers


@pytest.mark.parametrize(
    ("born", "individual", "separator", "expected"),
    [
        (date(1958, 3, 7), 902, 0, "070358-9020"),
        (date(1974, 11, 30), 917, 1, "301174Y917W"),
        (date(1989, 6, 21), 944, 0, "210689-944T"),
        (date(2001, 2, 28), 935, 0, "280201A9353"),
        (date(2009, 9, 9), 980, 1, "090909B9800"),
        (date(1936, 1, 1), 901, 2, "010136X901T"),
        (date(2012, 2, 29), 999, 0, "290212A999M"),
    ],
)
def test_known_test_codes_come_out(born: date, individual: int, separator: int, expected: str) -> None:
    assert numbers.hetu(born, individual, separator) == expected


@given(st.dates(min_value=date(1850, 1, 1), max_value=date(2020, 12, 31)), st.integers(900, 999), st.integers(0, 100))
def test_every_code_is_a_valid_test_code(born: date, individual: int, separator: int) -> None:
    code = numbers.hetu(born, individual, separator)
    assert std_hetu.is_valid(code, allow_temporary=True)
    assert not std_hetu.is_valid(code)


@pytest.mark.parametrize("individual", [2, 899, 1000])
def test_a_code_that_could_be_somebodys_is_refused(individual: int) -> None:
    with pytest.raises(ValueError, match="900-999"):
        numbers.hetu(date(1970, 1, 1), individual)


def test_all_separators_of_both_centuries_are_used() -> None:
    signs = {numbers.hetu(date(year, 1, 1), 900, i)[6] for year in (1970, 2005) for i in range(6)}
    assert signs == set("-YXWVUABCDEF")


@given(st.integers(0, 999_999))
def test_a_business_id_is_valid_or_none(serial: int) -> None:
    made = numbers.ytunnus(serial)
    assert made is None or std_ytunnus.is_valid(made)


@given(st.integers(0, 10**11 - 1))
def test_a_metering_point_number_has_its_check_digit(serial: int) -> None:
    made = numbers.gsrn(serial)
    weighted = sum(int(d) * (3 if i % 2 else 1) for i, d in enumerate(reversed(made)))
    assert len(made) == 18
    assert weighted % 10 == 0


def test_known_numbers_come_out() -> None:
    assert numbers.gsrn(1) == "649999000000000013"
    assert numbers.gsrn(123456789) == "649999001234567891"
    assert numbers.reference_number(100000427) == "1000004270"
    made = [numbers.ytunnus(i) for i in (137, 274, 411, 685)]
    assert made == ["9000137-2", "9000274-6", "9000411-9", "9000685-1"]


@given(st.integers(0, 10**12 - 1))
def test_an_iban_has_valid_check_digits_and_no_bank(serial: int) -> None:
    made = numbers.iban(serial)
    assert std_iban.is_valid(made, check_country=False)
    assert made.startswith("FI")
    assert made[4:6] == "99"
