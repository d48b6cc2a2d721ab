"""Each right's way through the house, as data."""

import pytest

from models.request import Request
from models.vocabulary import Event, RequestState, Right
from workflows import lifecycle
from workflows.errors import Conflict
from workflows.rules.flows import FLOWS, VERSION, Decides, Identity, flow_of

S = RequestState
_ORDER = list(RequestState)


@pytest.mark.parametrize("flow", FLOWS.values(), ids=lambda f: f.right.value)
def test_a_flow_goes_through_the_house_in_the_order_of_the_story_and_ends(flow):
    assert list(flow.states) == sorted(flow.states, key=_ORDER.index)
    assert flow.states[0] is S.RECEIVED
    assert flow.states[-1] is S.CLOSED
    assert flow.carried_out in flow.states


def test_every_right_has_a_flow_of_today():
    assert {right for version, right in FLOWS if version == VERSION} == set(Right)


@pytest.mark.parametrize("right", [Right.ERASURE, Right.RECTIFICATION, Right.RESTRICTION, Right.OBJECTION])
def test_what_changes_or_erases_records_is_decided_by_people(right):
    request = Request(right=right, flow_version=VERSION, state=S.ASSESSING)
    assert flow_of(right).decides is not Decides.NOBODY
    with pytest.raises(Conflict):
        lifecycle.next_state(request, Event.ASSESSED)


def test_only_bans_do_without_a_proof_of_who_asks():
    loose = {right for (_, right), flow in FLOWS.items() if flow.identity is Identity.MATCH}
    assert loose == {Right.MARKETING_BAN, Right.WITHDRAW_CONSENT}


def test_a_state_that_a_flow_does_not_pass_is_passed_over():
    objection = Request(right=Right.OBJECTION, flow_version=VERSION, state=S.VERIFYING)
    assert lifecycle.next_state(objection, Event.IDENTIFIED) is S.ASSESSING
    restriction = Request(right=Right.RESTRICTION, flow_version=VERSION, state=S.DECIDING)
    assert lifecycle.next_state(restriction, Event.APPROVED) is S.CHANGING


def test_a_request_goes_by_the_version_it_was_opened_under():
    with pytest.raises(KeyError):
        lifecycle.next_state(Request(right=Right.ACCESS, flow_version=99, state=S.DECIDING), Event.APPROVED)
