"""No way into the states that end a request goes by without a letter."""

import uuid

import pytest

from models.request import Request
from models.vocabulary import Event, Letter, Outcome, RequestState, Right
from workflows.documents.contents import CONTENTS
from workflows.lifecycle import TABLE
from workflows.rules.flows import VERSION, flow_of
from workflows.stages.closing import _letter

S, E = RequestState, Event
ALWAYS = (Outcome.REFUSED, Outcome.NOT_IDENTIFIED, Outcome.WITHDRAWN, Outcome.DUPLICATE)
OWN = {
    Right.ACCESS: (Outcome.DELIVERED, Outcome.NOTHING_FOUND),
    Right.PORTABILITY: (Outcome.DELIVERED, Outcome.NOTHING_FOUND),
    Right.ERASURE: (Outcome.ERASED, Outcome.PARTLY_ERASED, Outcome.KEPT),
}
ENDINGS = [
    (right, outcome)
    for right in Right
    for outcome in (*ALWAYS, *(OWN[right] if right in OWN else flow_of(right).letters))
]


def test_a_request_ends_through_its_letter_or_after_it() -> None:
    into = {(state, event) for (state, event), after in TABLE.items() if after in (S.CLOSED, S.HELD)}
    by_letter = {(S.CLOSING, E.ANSWERED), (S.CLOSING, E.ANSWERED_WITH_REST)}
    told_before = {(S.CHANGING, E.LIFTED), (S.ASSESSING, E.NOTHING_DUE), (S.CHANGING, E.NOTHING_DUE)}
    assert into == by_letter | told_before


@pytest.mark.parametrize(("right", "outcome"), ENDINGS)
def test_every_ending_has_its_letter(right: Right, outcome: Outcome) -> None:
    request = Request(id=uuid.uuid4(), right=right, flow_version=VERSION, outcome=outcome)
    letter = _letter(request, outcome)
    assert isinstance(letter, Letter)
    assert letter in CONTENTS
