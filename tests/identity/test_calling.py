"""A call proves only who is called on a number that was theirs on file long before they asked."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from models.audit import AuditEntry
from models.request import Request
from models.staff import HumanTask
from models.vocabulary import Method, RequestState, TaskState
from tests.identity.shop import NUMBER, OTHER, SUBJECT, open_shop
from tests.mandates.holder import HELPER, accept, ask_for, terms
from tests.world import BOB, JANE, World
from workflows.acting import Holder
from workflows.casefile import Claim
from workflows.errors import BadInput
from workflows.ladder import calling
from workflows.ports import Contact, Person
from workflows.rules.contact_age import unsettled
from workflows.rules.identity import Match
from workflows.stages import verification

UNSAID = SUBJECT.replace("    phone_since: phone_since\n", "")


@pytest.fixture
def world(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[World]:
    made = open_shop(tmp_path, **getattr(request, "param", {}))
    yield made
    made.close()


def call(world: World, ident, who: str, number: str, since: date | None = None) -> None:
    with world.rt.unit() as session:
        row = session.get_one(Request, ident, with_for_update=True)
        checked = {"email": who, "phone_number": number}
        verification.by_staff(
            session, world.rt, row, user="cleo", method=Method.CALL_BACK, identifiers=checked, number_since=since
        )
    world.work()


def asked(world: World, who: str):
    ident = world.open(who=who, desk=False)
    world.work()
    return ident


def is_proven(world: World, ident) -> bool:
    return world.request(ident).proof_sealed is not None


def codes(world: World, ident) -> set[str]:
    with world.rt.unit() as session:
        return {
            t.code for t in session.scalars(select(HumanTask)) if t.request_id == ident and t.state is TaskState.OPEN
        }


def test_a_call_to_the_number_on_file_proves_the_person_and_the_check_is_on_record(world: World) -> None:
    ident = asked(world, JANE)
    call(world, ident, JANE, "040 123 4567")
    row = world.request(ident)
    assert (row.verified_method, row.verified_by) == (Method.CALL_BACK, "cleo")
    assert is_proven(world, ident)
    with world.rt.unit() as session:
        entry = session.scalars(select(AuditEntry).where(AuditEntry.event == "identity:checked")).one()
    assert entry.actor == "cleo"
    assert entry.facts["checked"] == ["email", "phone_number"]
    assert NUMBER not in str(entry.facts)


@pytest.mark.parametrize("number", ["+358409999999", OTHER])
def test_a_call_to_another_number_proves_nobody(world: World, number: str) -> None:
    ident = asked(world, JANE)
    call(world, ident, JANE, number)
    row = world.request(ident)
    assert (row.state, row.proof_sealed, row.verified_method) == (
        (RequestState.VERIFYING, None, None) if number != OTHER else (RequestState.VERIFYING, None, Method.CALL_BACK)
    )
    assert codes(world, ident) & {"number_not_on_file", "ambiguous"}


def test_a_number_that_changed_before_the_request_came_proves_nobody_for_a_month(world: World) -> None:
    ident = asked(world, BOB)
    call(world, ident, BOB, OTHER, date(2019, 1, 1))  # whatever is said, the source tells it better
    assert not is_proven(world, ident)
    assert "number_changed" in codes(world, ident)
    world.clock.advance(days=20)
    call(world, ident, BOB, OTHER)
    assert not is_proven(world, ident), "what counts is how long it stood when the request came"


@pytest.mark.parametrize("world", [{"subject": UNSAID}], indirect=True)
def test_where_the_source_does_not_tell_since_when_named_staff_do(world: World) -> None:
    ident = asked(world, JANE)
    call(world, ident, JANE, NUMBER)
    assert "number_unknown" in codes(world, ident)
    call(world, ident, JANE, NUMBER, world.rt.today() - timedelta(days=29))
    assert "number_changed" in codes(world, ident)
    assert not is_proven(world, ident)
    call(world, ident, JANE, NUMBER, world.rt.today() - timedelta(days=30))
    assert is_proven(world, ident)


@pytest.mark.parametrize("world", [{"subject": UNSAID, "identity": ", identity: {unchanged_days: 0}"}], indirect=True)
def test_a_controller_may_ask_for_no_time(world: World) -> None:
    ident = asked(world, JANE)
    call(world, ident, JANE, NUMBER)
    assert is_proven(world, ident)


@pytest.mark.parametrize(
    ("who", "holder", "why"),
    [
        (BOB, Holder("Jane", HELPER, "040 123 4567"), ""),
        (JANE, Holder("Helena Helper", HELPER, NUMBER), "number_not_on_file"),  # the number of whom it is about
        (JANE, Holder("Helena Helper", HELPER, "+358409999999"), "number_not_on_file"),
        (JANE, Holder("Bob", HELPER, OTHER), "number_changed"),
    ],
)
def test_whoever_acts_for_another_is_called_on_their_own_number_on_file(world: World, who, holder, why) -> None:
    ident = ask_for(world, who=who)
    called = {"email": who, "phone_number": NUMBER if who == JANE else OTHER}
    said = terms(who=who, method=Method.CALL_BACK, identifiers=called)
    with pytest.raises(BadInput, match="number_missing"):
        accept(world, ident, said)
    accept(world, ident, replace(said, holder=holder))
    world.work()
    assert is_proven(world, ident) is (why == "")
    assert codes(world, ident) & {"number_not_on_file", "number_changed", "number_missing"} == ({why} if why else set())


@pytest.mark.parametrize(
    ("since", "why"),
    [
        (("2020-01-01", "2019-05-05"), ""),
        (("2020-01-01", "15.11.2026"), "number_unknown"),  # whatever a source writes that is no day
        (("2020-01-01", "2026-01-14"), "number_changed"),
    ],
)
def test_each_record_that_tells_since_when_has_to_tell_a_day_long_ago(world: World, since, why) -> None:
    contacts = [Contact(name="Jane", phone=NUMBER, phone_since=day) for day in since]
    people = tuple(Person("shop", str(n), {"email": JANE}, one) for n, one in enumerate(contacts))
    match = Match("one", "strong", person=people[0], people=people, matched=("email", "phone_number"))
    request = Request(verified_method=Method.CALL_BACK, received_on=date(2026, 1, 15))
    claim = Claim(checked={"email": JANE, "phone_number": NUMBER}, number_since="2019-01-01")
    assert calling.doubt(world.rt, request, claim, match=match) == why


def test_a_call_without_a_number_is_no_call(world: World) -> None:
    ident = asked(world, JANE)
    with world.rt.unit() as session:
        row = session.get_one(Request, ident, with_for_update=True)
        with pytest.raises(BadInput):
            verification.by_staff(
                session, world.rt, row, user="cleo", method=Method.CALL_BACK, identifiers={"email": JANE}
            )


@given(
    st.dates(date(2000, 1, 1), date(2100, 1, 1)),
    st.integers(1, 365),
    st.integers(-400, 400),
    st.sampled_from(["", "T09"]),
)
def test_a_contact_has_to_stand_for_all_the_days_before_the_request(asked_on, days, before, hour) -> None:
    since = (asked_on - timedelta(days=before)).isoformat() + hour
    assert (unsettled(since, asked_on=asked_on, days=days) == "") is (before >= days)
    assert unsettled(since, asked_on=asked_on, days=0) == ""


@given(st.text(max_size=12))
def test_what_is_no_day_is_not_known(text) -> None:
    assert unsettled(text + "?", asked_on=date(2026, 1, 1), days=30) in ("unknown", "", "changed")
    assert unsettled("?" + text, asked_on=date(2026, 1, 1), days=30) == "unknown"
