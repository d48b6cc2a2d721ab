"""What is erased in a service is what was approved, once, and nothing else: seen in everything it holds."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from models.vocabulary import Action, ReceiptOutcome
from tests.connectors.service import CALLS, MEMBERS, MESSAGES, TICKETS, Notes, collected, service, to_erase
from tests.http_source import ANNA, BERTTA, Handler, HttpSource, running
from workflows.connectors.http import HttpConnector
from workflows.errors import Fenced, NeverAgain, PersonMustLook, SourceDown, TryAgain, WaitFor
from workflows.ports import EraseItem

OP = "plan:0:0"
ERASED, MASKED, ABSENT = ReceiptOutcome.ERASED, ReceiptOutcome.MASKED, ReceiptOutcome.ABSENT
DRIFTED, KEPT, REFUSED = ReceiptOutcome.DRIFTED, ReceiptOutcome.KEPT, ReceiptOutcome.REFUSED


@pytest.fixture
def http_source() -> Iterator[HttpSource]:
    with running() as source:
        yield source


def outcomes(connector: HttpConnector, items: list[EraseItem], fence: int = 1) -> list[ReceiptOutcome]:
    return [done.outcome for done in connector.erase(OP, fence, items)]


def mask_of(connector: HttpConnector, *fields: str, email: str = BERTTA) -> list[EraseItem]:
    """Mask these fields of Bertta's one ticket."""
    (item,) = collected(connector, email=email)
    return [EraseItem(0, item.collection, item.locator, Action.MASK, fields, item.digest)]


def test_the_dry_run_is_the_run_and_everything_else_stays_as_it_was(http_source: HttpSource) -> None:
    connector = service(http_source)
    plan = to_erase(collected(connector, email=ANNA, phone_number="+358401111111"), connector)
    before = http_source.dump()
    assert [p.refused for p in connector.preview(plan)] == [""] * len(plan)
    assert http_source.dump() == before
    assert set(outcomes(connector, plan)) == {ERASED}
    assert http_source.dump() == {
        "tickets": [before["tickets"][1]],
        "messages": [before["messages"][2]],
        "calls": [before["calls"][1]],
        "members": [before["members"][1]],
    }
    assert connector.present(plan) == {}


def test_what_hangs_below_a_record_goes_before_it(http_source: HttpSource) -> None:
    connector = service(http_source, {"tickets": TICKETS, "messages": MESSAGES})
    plan = to_erase(collected(connector, email=ANNA), connector)
    outcomes(connector, plan)
    deleted = [c.path for c in http_source.made("DELETE")]
    assert deleted == sorted(deleted, key=lambda path: -path.count("/"))


def test_only_the_fields_that_were_approved_are_masked(http_source: HttpSource) -> None:
    connector = service(http_source, {"tickets": TICKETS})
    plan = mask_of(connector, "requester.name", "subject")
    before = http_source.dump()
    assert connector.preview(plan)[0].fields == ("requester.name", "subject")
    assert outcomes(connector, plan) == [MASKED]
    before["tickets"][1]["requester"]["name"] = ""
    before["tickets"][1]["subject"] = None
    assert http_source.dump() == before
    assert [c.body for c in http_source.made("PATCH")] == [{"requester": {"name": ""}, "subject": None}]


def test_a_field_that_the_service_can_not_empty_is_refused_before_anyone_approves(http_source: HttpSource) -> None:
    connector = service(http_source, {"tickets": TICKETS})
    plan = mask_of(connector, "subject", "thread.text")
    assert connector.preview(plan)[0].refused == "unmaskable"
    before = http_source.dump()
    assert outcomes(connector, plan) == [REFUSED]
    assert http_source.dump() == before


def test_what_stands_in_an_array_is_refused_before_and_at_the_erasure(http_source: HttpSource) -> None:
    mask = {**TICKETS["mask"], "values": {"thread.text": "", "subject": ""}}
    connector = service(http_source, {"tickets": {**TICKETS, "mask": mask}})
    plan = mask_of(connector, "subject", "thread.text")
    before = http_source.dump()
    assert connector.preview(plan)[0].refused == "in_array"
    assert outcomes(connector, plan) == [REFUSED]
    assert http_source.dump() == before


def test_a_record_that_changed_since_it_was_approved_is_left_alone(http_source: HttpSource) -> None:
    connector = service(http_source, {"tickets": TICKETS})
    plan = to_erase(collected(connector, email=BERTTA), connector)
    http_source.data["tickets"][1]["subject"] = "Something new"
    before = http_source.dump()
    assert connector.preview(plan)[0].refused == "drifted"
    assert outcomes(connector, plan) == [DRIFTED]
    assert http_source.dump() == before


def test_a_record_that_somebody_else_erased_is_absent(http_source: HttpSource) -> None:
    connector = service(http_source, {"tickets": TICKETS})
    plan = to_erase(collected(connector, email=BERTTA), connector)
    del http_source.data["tickets"][1]
    assert connector.preview(plan)[0].refused == "absent"
    assert outcomes(connector, plan) == [ABSENT]
    assert http_source.made("DELETE") == []


def test_an_answer_lost_after_the_deed_is_found_out_by_looking(http_source: HttpSource) -> None:
    marks = Notes()
    connector = service(http_source, {"tickets": TICKETS}, marks=marks)
    plan = to_erase(collected(connector, email=BERTTA), connector)
    http_source.once("DELETE /tickets", lambda handler: handler.answer_then_hang_up())
    with pytest.raises((SourceDown, TryAgain)):
        outcomes(connector, plan)
    assert outcomes(service(http_source, {"tickets": TICKETS}, marks=marks), plan, fence=2) == [ERASED]
    assert len(http_source.made("DELETE")) == 1


def test_a_call_that_never_arrived_is_made_again(http_source: HttpSource) -> None:
    connector = service(http_source, {"tickets": TICKETS})
    plan = to_erase(collected(connector, email=BERTTA), connector)
    http_source.once("DELETE /tickets", lambda handler: handler.raw(b""))
    with pytest.raises((SourceDown, TryAgain)):
        outcomes(connector, plan)
    assert outcomes(connector, plan, fence=2) == [ERASED]


def test_a_masking_whose_answer_was_lost_is_found_out_by_looking(http_source: HttpSource) -> None:
    connector = service(http_source, {"tickets": TICKETS})
    plan = mask_of(connector, "subject")
    http_source.once("PATCH /tickets", lambda handler: handler.answer_then_hang_up())
    with pytest.raises((SourceDown, TryAgain)):
        outcomes(connector, plan)
    assert outcomes(connector, plan, fence=2) == [MASKED]
    assert len(http_source.made("PATCH")) == 1


def test_the_idempotency_key_is_the_same_over_all_attempts(http_source: HttpSource) -> None:
    tickets = {**TICKETS, "delete": {**TICKETS["delete"], "idempotency_header": "Idempotency-Key"}, "mask": None}
    connector = service(http_source, {"tickets": tickets})
    assert connector.guarantee == "B"
    plan = to_erase(collected(connector, email=BERTTA), connector)
    http_source.once("DELETE /tickets", lambda handler: handler.raw(b""), times=2)
    for fence in (1, 2):
        with pytest.raises((SourceDown, TryAgain)):
            outcomes(connector, plan, fence=fence)
    assert outcomes(connector, plan, fence=3) == [ERASED]
    assert {c.headers["idempotency-key"] for c in http_source.made("DELETE")} == {f"{OP}:0"}


def test_a_job_is_looked_up_until_it_is_done(http_source: HttpSource) -> None:
    http_source.asynchronous = True
    members = {**MEMBERS, "delete": {**MEMBERS["delete"], "job": {"every_seconds": 7}}}
    connector = service(http_source, {"members": members})
    plan = to_erase(collected(connector, email=ANNA), connector)
    with pytest.raises(WaitFor) as waits:
        outcomes(connector, plan)
    assert waits.value.after_seconds == 7
    with pytest.raises(WaitFor):
        outcomes(connector, plan, fence=2)
    assert outcomes(connector, plan, fence=3) == [ERASED]
    assert len(http_source.made("DELETE")) == 1
    assert len(http_source.data["members"]) == 1


def test_a_jobs_id_may_stand_in_the_answer(http_source: HttpSource) -> None:
    http_source.asynchronous, http_source.job_polls = True, 0
    members = {**MEMBERS, "delete": {**MEMBERS["delete"], "job": {"id": "job.id", "path": "/jobs/{job}"}}}
    connector = service(http_source, {"members": members})
    plan = to_erase(collected(connector, email=ANNA), connector)
    with pytest.raises(WaitFor):
        outcomes(connector, plan)
    assert outcomes(connector, plan, fence=2) == [ERASED]


def test_a_job_nobody_said_how_to_look_up_is_never_called_done(http_source: HttpSource) -> None:
    http_source.asynchronous = True
    connector = service(http_source, {"members": MEMBERS})
    plan = to_erase(collected(connector, email=ANNA), connector)
    with pytest.raises(NeverAgain, match="no_job"):
        outcomes(connector, plan)


def test_a_job_that_failed_is_begun_again(http_source: HttpSource) -> None:
    http_source.asynchronous, http_source.job_polls = True, 0
    members = {**MEMBERS, "delete": {**MEMBERS["delete"], "job": {}}}
    connector = service(http_source, {"members": members})
    plan = to_erase(collected(connector, email=ANNA), connector)
    with pytest.raises(WaitFor):
        outcomes(connector, plan)
    http_source.once("GET /jobs", lambda handler: handler.reply(200, {"status": "Failed"}))
    with pytest.raises(TryAgain, match="job_failed"):
        outcomes(connector, plan, fence=2)
    with pytest.raises(WaitFor):
        outcomes(connector, plan, fence=3)
    assert outcomes(connector, plan, fence=4) == [ERASED]


def test_a_yes_that_does_not_show_is_not_believed(http_source: HttpSource) -> None:
    connector = service(http_source, {"tickets": TICKETS})
    plan = to_erase(collected(connector, email=BERTTA), connector)
    http_source.once("DELETE /tickets", lambda handler: handler.reply(200, {"deleted": True}))
    with pytest.raises(TryAgain, match="not_gone"):
        outcomes(connector, plan)
    assert outcomes(connector, plan, fence=2) == [ERASED]


def test_a_yes_is_given_time_to_show(http_source: HttpSource) -> None:
    marks = Notes()
    connector = service(http_source, {"tickets": TICKETS}, settle_seconds=60, marks=marks)
    plan = to_erase(collected(connector, email=BERTTA), connector)
    http_source.once("DELETE /tickets", lambda handler: handler.reply(200, {"deleted": True}))
    with pytest.raises(WaitFor) as waits:
        outcomes(connector, plan)
    assert 50 < (waits.value.after_seconds or 0) <= 60
    del http_source.data["tickets"][1]
    assert outcomes(connector, plan, fence=2) == [ERASED]
    assert len(http_source.made("DELETE")) == 1


def test_what_was_never_asked_for_is_called_off_for_good(http_source: HttpSource) -> None:
    marks = Notes()
    connector = service(http_source, {"tickets": TICKETS}, marks=marks)
    plan = to_erase(collected(connector, email=ANNA), connector)
    before = http_source.dump()
    assert {d.outcome for d in connector.call_off(OP, 2, plan)} == {KEPT}
    assert http_source.dump() == before
    with pytest.raises(Fenced):
        marks.set(OP, plan[0].item_no, "asked", fence=1)
    assert set(outcomes(connector, plan, fence=3)) == {KEPT}
    assert http_source.dump() == before


def test_calling_off_tells_what_was_done_already(http_source: HttpSource) -> None:
    connector = service(http_source, {"tickets": TICKETS})
    plan = to_erase(collected(connector, email=ANNA), connector)
    http_source.once("DELETE /tickets/3", lambda handler: handler.answer_then_hang_up())
    with pytest.raises((SourceDown, TryAgain)):
        outcomes(connector, plan)
    told = {p.locator["id"]: d.outcome for p, d in zip(plan, connector.call_off(OP, 2, plan), strict=True)}
    assert told == {1: ERASED, 3: ERASED, 4: KEPT}


def conditional(http_source: HttpSource, call: str) -> HttpConnector:
    """Tickets that are erased only as they were looked at."""
    return service(http_source, {"tickets": {**TICKETS, call: {**TICKETS[call], "if_match": True}}})


@pytest.mark.parametrize("call", ["delete", "mask"])
def test_a_record_is_erased_only_as_it_was_looked_at(http_source: HttpSource, call: str) -> None:
    http_source.etags = '"'
    connector = conditional(http_source, call)
    plan = mask_of(connector, "subject") if call == "mask" else to_erase(collected(connector, email=BERTTA), connector)

    def change_in_between(handler: Handler) -> None:
        http_source.data["tickets"][1]["created"] = "2024-04-01T10:00:00"
        answer = handler.source_answer()
        handler.reply(*answer[:2], **answer[2])

    http_source.once("DELETE /tickets" if call == "delete" else "PATCH /tickets", change_in_between)
    with pytest.raises(TryAgain, match="changed_meanwhile"):
        outcomes(connector, plan)
    before = http_source.dump()
    assert outcomes(connector, plan, fence=2) == [DRIFTED]
    assert http_source.dump() == before


def test_as_it_was_looked_at_is_erased(http_source: HttpSource) -> None:
    http_source.etags = '"'
    connector = conditional(http_source, "delete")
    assert outcomes(connector, to_erase(collected(connector, email=BERTTA), connector)) == [ERASED]


@pytest.mark.parametrize("tag", ["", 'W/"'])
def test_without_a_strong_etag_nothing_is_asked_that_needs_one(http_source: HttpSource, tag: str) -> None:
    http_source.etags = tag
    connector = conditional(http_source, "delete")
    plan = to_erase(collected(connector, email=BERTTA), connector)
    with pytest.raises(NeverAgain, match="no_etag"):
        outcomes(connector, plan)
    assert http_source.made("DELETE") == []


def test_a_service_that_only_reads_is_for_a_person_to_erase(http_source: HttpSource) -> None:
    only = {"tickets": {k: v for k, v in TICKETS.items() if k in ("find", "one")}}
    connector = service(http_source, only)
    plan = to_erase(collected(connector, email=ANNA), connector)
    assert connector.guarantee == "D"
    assert {p.refused for p in connector.preview(plan)} == {"by_hand"}
    with pytest.raises(PersonMustLook, match="by_hand"):
        outcomes(connector, plan)
    assert {d.outcome for d in connector.call_off(OP, 1, plan)} == {KEPT}


def test_another_record_than_the_one_asked_for_is_not_touched(http_source: HttpSource) -> None:
    connector = service(http_source, {"tickets": TICKETS})
    plan = to_erase(collected(connector, email=BERTTA), connector)
    http_source.once("GET /tickets/2", lambda handler: handler.reply(200, {"id": 1, "requester": {}}))
    with pytest.raises(NeverAgain, match="wrong_record"):
        outcomes(connector, plan)
    assert http_source.made("DELETE") == []


def test_an_item_of_an_unknown_place_is_refused(http_source: HttpSource) -> None:
    connector = service(http_source, {"calls": CALLS})
    (item,) = to_erase(collected(connector, phone_number="+358401111111"), connector)
    told = connector.preview(
        [replace(item, collection="gone"), replace(item, locator={"no": 1}), replace(item, action=Action.KEEP)]
    )
    assert [p.refused for p in told] == ["unknown_collection", "unknown_locator", "action"]
