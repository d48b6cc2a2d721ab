"""The page of the letters is what the program holds them to, and every test that it names exists."""

from tests.docs.test_guards import ROOT, names_in
from tests.documents.page import PAGE, SHOWN, page
from workflows.documents.contents import CONTENTS


def test_the_page_of_the_letters_is_what_the_program_holds_them_to() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "write it anew: python -m tests.documents.page"


def test_every_letter_names_a_test_that_exists() -> None:
    assert set(SHOWN) == set(CONTENTS)
    for named in SHOWN.values():
        file, _, test = named.partition("::")
        assert test in names_in(ROOT / "tests" / file), named
