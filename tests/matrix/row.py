"""One row of the decision matrix as a test states it: the page is written from these, and each test keeps its own."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from models.vocabulary import Outcome, RequestState

LETTERS = {
    "acknowledgement": "L01",
    "code": "L02",
    "ask": "L02",
    "extension": "L03",
    "access": "L04",
    "portability": "L05",
    "rectification": "L06",
    "recipient_notice": "L07",
    "refusal": "L08",
    "fee": "L08f",
    "estate": "L08e",
    "answer": "own words",
    "partial_erasure": "L09",
    "hold_later": "L09",
    "erasure": "L10",
    "final_erasure": "L10b",
    "restriction": "L11",
    "lifting": "L11b",
    "objection": "L12",
    "ban": "L12",
    "consent": "L12",
    "duplicate": "L13",
    "withdrawn": "L13",
    "late": "L14",
}
"""Name of a template to the letter's number; what only says that an answer is ready has none."""


@dataclass(frozen=True, slots=True)
class Row:
    """What a row of the matrix ends in. `letters` are all that the person got, by number.

    `instead`: what the program does where it does less than the row asks for, and what is missing.
    """

    number: str
    request: str
    state: RequestState | None
    outcome: Outcome | None
    letters: tuple[str, ...]
    instead: str = ""


def row(
    request: str, state: RequestState | None, outcome: Outcome | None, letters: str, *, instead: str = ""
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Say which row a test is; its number is in the test's name."""

    def mark(test: Callable[..., None]) -> Callable[..., None]:
        found = re.match(r"test_(m\d\d)_", test.__name__)
        if found is None:
            raise ValueError(f"{test.__name__} names no row")
        number = found[1].upper()
        test.row = Row(number, request, state, outcome, tuple(letters.split()), instead)  # type: ignore[attr-defined]
        return test

    return mark


def row_of(test: Any) -> Row:
    """The row a test was marked with; raises `LookupError` where it was not."""
    found = getattr(test, "row", None)
    if not isinstance(found, Row):
        raise LookupError(f"{test.__name__} says no row")
    return found
