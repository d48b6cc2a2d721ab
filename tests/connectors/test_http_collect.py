"""A service is asked by what is known of the person, page by page, and only the person's records are taken."""

from collections.abc import Iterator

import pytest

from models.vocabulary import Ownership
from tests.connectors.service import CALLS, MEMBERS, PAGES, TICKETS, collected, named, service
from tests.http_source import ANNA, BERTTA, WAV, HttpSource, hashed, running
from workflows.errors import NeverAgain
from workflows.rules.attachments import FETCH


@pytest.fixture
def http_source() -> Iterator[HttpSource]:
    with running() as source:
        yield source


def test_everything_of_one_person_is_found_in_every_collection(http_source: HttpSource) -> None:
    found = collected(service(http_source), email=ANNA, phone_number="+358401111111")
    assert named(found) == [
        "calls/c-1",
        f"members/{hashed(ANNA)[:8]}",
        "messages/1-1",
        "messages/2-1",
        "tickets/1",
        "tickets/3",
        "tickets/4",
    ]
    assert {i.ownership for i in found} == {Ownership.OWN}


@pytest.mark.parametrize("style", list(PAGES))
def test_every_style_of_paging_is_read_to_its_end(http_source: HttpSource, style: str) -> None:
    http_source.page_size = 1
    tickets = {**TICKETS, "find": [{**TICKETS["find"][0], "page": PAGES[style]}]}
    assert named(collected(service(http_source, {"tickets": tickets}), email=ANNA)) == [
        "tickets/1",
        "tickets/3",
        "tickets/4",
    ]


def test_fields_inside_objects_and_arrays_are_shown_by_their_path(http_source: HttpSource) -> None:
    (ticket,) = collected(service(http_source, {"tickets": TICKETS}), email=BERTTA)
    assert ticket.fields["requester.name"] == "Name 2"
    assert ticket.fields["thread.text"] == ["Too large"]


def test_an_identity_is_spelled_as_the_service_keeps_it(http_source: HttpSource) -> None:
    (member,) = collected(service(http_source, {"members": MEMBERS}), email=ANNA.upper())
    assert member.locator == {"hash": hashed(ANNA)}
    assert member.fields["topics"] == ["saving", "solar"]
    assert [c.path for c in http_source.calls] == [f"/members/{hashed(ANNA)}"] * len(http_source.calls)


def test_seconds_since_1970_become_an_instant(http_source: HttpSource) -> None:
    person = {"collections": {"calls": {"erase": "delete", "on": "at"}}}
    (call,) = collected(service(http_source, {"calls": CALLS}, person=person), phone_number="+358401111111")
    assert call.fields["at"] == "2024-03-31T01:00:00+00:00"
    assert call.on is not None
    assert call.on.isoformat() == "2024-03-31"


def test_a_recording_is_fetched_when_it_is_to_be_kept(http_source: HttpSource) -> None:
    kept: list[tuple[bytes, str]] = []
    service(http_source, {"calls": CALLS}).collect(
        {"identity:phone_number": [_lead("+358401111111")]},
        lambda item: kept.extend(file[FETCH]() for file in item.files),
    )
    assert kept == [(WAV + b"c-1.wav", "audio/wav")]


def _lead(value: str):
    from workflows.ports import Lead

    return Lead(value)


def test_a_service_that_ignores_the_filter_gives_nobody_anybodys_records(http_source: HttpSource) -> None:
    http_source.ignores_filters = True
    with pytest.raises(NeverAgain, match="other_record"):
        collected(service(http_source, {"tickets": TICKETS}), email=ANNA)
    more = {**TICKETS, "find": [{**TICKETS["find"][0], "answers": "more"}]}
    assert named(collected(service(http_source, {"tickets": more}), email=ANNA)) == [
        "tickets/1",
        "tickets/3",
        "tickets/4",
    ]


def test_a_list_without_any_filter_is_searched_record_by_record(http_source: HttpSource) -> None:
    whole = {**TICKETS, "find": [{"path": "/tickets", "records": "items", "page": PAGES["offset"]}]}
    assert named(collected(service(http_source, {"tickets": whole}), email=BERTTA)) == ["tickets/2"]


def test_a_summary_is_replaced_by_the_record_itself(http_source: HttpSource) -> None:
    summary = {**TICKETS, "find": [{**TICKETS["find"][0], "whole": False}]}
    found = collected(service(http_source, {"tickets": summary}), email=ANNA)
    assert named(found) == ["tickets/1", "tickets/3", "tickets/4"]
    assert {c.path for c in http_source.calls} >= {"/tickets/1", "/tickets/3", "/tickets/4"}


def test_a_value_may_go_into_the_body_of_a_search(http_source: HttpSource) -> None:
    find = {"path": "/tickets", "method": "POST", "body": {"requester": "{identity:email}"}, "records": "items"}
    tickets = {**TICKETS, "find": [{**find, "page": PAGES["offset"]}]}
    found = collected(service(http_source, {"tickets": tickets}), email=ANNA)
    assert named(found) == ["tickets/1", "tickets/3", "tickets/4"]
    assert not any("anna" in c.path or "requester" in c.query for c in http_source.calls)


@pytest.mark.parametrize("value", ["../tickets/2", "..", ".", "a/b?c=d#e", "%2e%2e", "ä ö"])
def test_a_value_never_leads_to_another_path(http_source: HttpSource, value: str) -> None:
    one = {**MEMBERS, "spelled": {}}
    assert collected(service(http_source, {"members": one}), email=value) == []
    assert all(len(c.path.split("/")) >= 3 and c.path.startswith("/members/") for c in http_source.calls)


def test_health_says_that_the_service_lets_us_in(http_source: HttpSource) -> None:
    service(http_source).health()
    http_source.api_key = "another"
    with pytest.raises(NeverAgain, match="forbidden"):
        service(http_source).health()
