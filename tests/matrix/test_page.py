"""The page of the matrix is what its tests say, and no row is missing."""

from models.vocabulary import Letter
from tests.matrix.page import PAGE, page, rows
from tests.matrix.row import LETTERS


def test_the_page_of_the_documentation_is_what_the_tests_say() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "write it anew: python -m tests.matrix.page"


def test_every_row_from_1_to_72_is_one_test() -> None:
    assert [row.number for row, _ in rows()] == [f"M{n:02}" for n in range(1, 73)]


def test_only_notices_and_codes_have_no_number_and_are_left_out() -> None:
    notices = {Letter.READY, Letter.NOTICE, Letter.FETCH_CODE, Letter.REMINDER, Letter.MESSAGE, Letter.EXPIRING}
    assert {letter for letter in Letter if letter.value not in LETTERS} == notices
