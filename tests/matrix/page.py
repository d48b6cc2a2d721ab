"""The page of the decision matrix, written from what the tests say; run this module to write it anew."""

from tests.composed import ROOT
from tests.matrix import test_access, test_erasure, test_rights
from tests.matrix.row import Row

PAGE = ROOT / "docs" / "reference" / "matrix.md"
_HEAD = """# The decision matrix

What a request ends in, by what is asked for and by the state of the data. Each row is a test of this number that goes
the whole way, from the desk to the letter, on the demo company with all its sources. State, outcome and letters are
what the test saw; *Less than wanted* says where the program does less than the row asks for, or does it otherwise.

The letters: L01 acknowledgement, L02 code or question, L03 extension, L04 access, L05 portability, L06 correction,
L07 notice to a recipient or source, L08 refusal, L08e about the dead, L09 partial erasure, L10 erasure,
L11 restriction, L11b lifting, L12 objection or ban.

This page is written by `python -m tests.matrix.page` and compared with the tests by `tests/matrix/test_page.py`.

| Row | Request | State | Outcome | Letters | Less than wanted | Test |
|---|---|---|---|---|---|---|
"""


def rows() -> list[tuple[Row, str]]:
    """Every row with its test, in the order of the numbers."""
    found = [
        (test.row, f"matrix/{module.__name__.rpartition('.')[2]}.py::{name}")
        for module in (test_access, test_rights, test_erasure)
        for name, test in vars(module).items()
        if isinstance(getattr(test, "row", None), Row)
    ]
    return sorted(found, key=lambda pair: pair[0].number)


def page() -> str:
    """The page in Markdown."""
    return _HEAD + "".join(_line(row, test) for row, test in rows())


def _line(row: Row, test: str) -> str:
    state = row.state.value if row.state else "–"
    outcome = row.outcome.value.replace("_", " ") if row.outcome else "–"
    cells = (row.number, row.request, state, outcome, " ".join(row.letters), row.instead or "–", f"`{test}`")
    return f"| {' | '.join(cells)} |\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
