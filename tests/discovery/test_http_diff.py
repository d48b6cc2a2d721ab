"""A field that a service sends and nobody described is told; what could not be looked at is never said to be gone."""

from collections.abc import Iterator
from datetime import date

import pytest

from tests.connectors.service import CALLS, ENVIRON, MEMBERS, MESSAGES, TICKETS, service
from tests.connectors.shop import register
from tests.http_source import ANNA, HttpSource, running
from workflows.connectors.http import HttpConnector
from workflows.errors import VastineError
from workflows.register.drift import Change
from workflows.register.model import Canary
from workflows.rules.picture import picture_of
from workflows.unmapped import changes_of

TODAY = date(2026, 11, 24)
ALL = {"tickets": TICKETS, "messages": MESSAGES, "calls": CALLS, "members": MEMBERS}
LISTED = {"tickets": {**TICKETS, "find": [{"path": "/tickets", "records": "items"}]}}


@pytest.fixture
def http_source() -> Iterator[HttpSource]:
    with running() as source:
        yield source


def changes(source: HttpSource, collections: dict, **canary: str) -> list[Change]:
    spec = service(source, collections).spec
    if canary:
        named = Canary(identity=canary, expect=dict.fromkeys(collections, 1))
        spec = spec.model_copy(update={"canary": named})
    connector = HttpConnector(spec, register=register(spec), environ=ENVIRON)
    return changes_of(spec, connector, today=TODAY)


def test_a_service_that_sends_what_is_described_has_no_difference(http_source: HttpSource) -> None:
    assert changes(http_source, LISTED) == []
    assert changes(http_source, {"tickets": TICKETS}, email=ANNA) == []


def test_a_new_field_inside_an_object_is_told_by_its_path(http_source: HttpSource) -> None:
    for number, ticket in enumerate(http_source.data["tickets"]):
        ticket["requester"]["mobile"] = f"04012345{number}7"
        ticket["weight"] = number
    found = {(c.field, c.personal) for c in changes(http_source, LISTED)}
    assert found == {("requester.mobile", True), ("weight", False)}
    assert not any("0401234" in c.what for c in changes(http_source, LISTED))


def test_where_nothing_lists_records_those_of_the_canary_are_looked_at(http_source: HttpSource) -> None:
    assert [c.field for c in changes(http_source, {"calls": CALLS}, phone_number="+358401111111")] == ["agent"]


def test_what_no_call_lists_and_no_canary_is_in_is_left_alone(http_source: HttpSource) -> None:
    assert changes(http_source, ALL) == []
    http_source.data["tickets"].clear()
    assert changes(http_source, LISTED) == []


def test_a_scan_of_a_described_service_guesses_its_fields(http_source: HttpSource) -> None:
    connector = service(http_source, LISTED)
    looked = connector.look(connector.discover().tables, today=TODAY)
    (tickets,) = picture_of(looked).tables
    assert tickets.guesses["requester.email"].category == "user.contact.email"


def test_a_service_that_is_away_is_away(http_source: HttpSource) -> None:
    spec = service(http_source, LISTED).spec
    gone = spec.model_copy(update={"connection": {**spec.connection, "base_url": "http://127.0.0.1:1"}})
    with pytest.raises(VastineError):
        HttpConnector(gone, register=register(gone), environ=ENVIRON).discover()
