"""What may be the person's and may be somebody else's is a candidate; what is another's for sure is not even that."""

from collections.abc import Callable
from typing import Any

import pytest

from models.vocabulary import Ownership
from tests.connectors.household import (
    COLLECTIONS,
    DDL,
    OLD_PHONE,
    PERSON,
    ROWS,
    SHARED_MAIL,
    household_as_records,
    household_in_database,
    maija,
)
from tests.connectors.shop import collected, dataset, marks, register, run_sql, seeds, source
from workflows.connectors.sql import SqlConnector
from workflows.ports import Lead
from workflows.rules.items import Item

Connect = Callable[..., Any]


@pytest.fixture
def home_url(database_url: str) -> str:
    """The household, on SQLite and on PostgreSQL."""
    run_sql(database_url, DDL + ROWS)
    return database_url


@pytest.fixture(params=["database", "records"])
def household(request: pytest.FixtureRequest) -> Connect:
    """A function that connects to the household: as to a database, and as to a source of records."""
    return {"database": household_in_database, "records": household_as_records}[request.param]


@pytest.fixture
def quiet_url(home_url: str) -> str:
    """The same without calls."""
    run_sql(home_url, "DELETE FROM call")
    return home_url


def test_what_only_a_shared_address_leads_to_is_a_candidate(quiet_url: str, household: Connect) -> None:
    found = marks(collected(household(quiet_url), maija()))
    assert found == {
        "person/1": "own",
        "person/2": "third_party",
        "phone/1": "own",
        "ticket/10": "candidate",
        "ticket/11": "own",
        "ticket/12": "third_party*",
        "reply/100": "candidate",
        "reply/110": "own",
    }


def test_a_number_that_only_the_persons_record_names_leads_to_candidates(home_url: str, household: Connect) -> None:
    found = marks(collected(household(home_url), seeds(customer_number="1001")))
    assert {k: v for k, v in found.items() if k.startswith("call")} == dict.fromkeys(
        ("call/20", "call/21", "call/22"), "candidate"
    )


def test_a_candidate_says_by_which_path_it_was_found(home_url: str, household: Connect) -> None:
    items = {f"{i.collection}/{i.locator['id']}": i.path for i in collected(household(home_url), maija())}
    assert items["ticket/10"] == "ticket.email = email"
    assert items["reply/100"] == "ticket.id → reply.ticket_id"


def test_an_address_that_was_known_to_be_shared_leads_to_candidates_and_never_to_the_other_persons_record(
    quiet_url: str, household: Connect
) -> None:
    known = {**seeds(customer_number="1001"), "shared:email": [Lead(SHARED_MAIL)]}
    found = marks(collected(household(quiet_url), known))
    assert found == {
        "person/1": "own",
        "phone/1": "own",
        "ticket/10": "candidate",
        "ticket/11": "own",
        "reply/100": "candidate",
        "reply/110": "own",
    }


def test_two_records_by_one_address_and_nothing_else_are_both_candidates(home_url: str, household: Connect) -> None:
    found = marks(collected(household(home_url), seeds(email=SHARED_MAIL)))
    assert {found["person/1"], found["person/2"]} == {"candidate"}
    assert "own" not in found.values()


def test_two_records_that_are_both_proven_are_one_persons(home_url: str, household: Connect) -> None:
    both = {**maija(), "identity:customer_number": [Lead("1001"), Lead("1002")]}
    found = marks(collected(household(home_url), both))
    assert {found["person/1"], found["person/2"], found["ticket/11"], found["ticket/12"]} == {"own"}


def test_an_address_of_one_person_only_needs_nobody(quiet_url: str, household: Connect) -> None:
    found = marks(collected(household(quiet_url), seeds(email="liisa@example.fi")))
    assert found == {"person/3": "own", "phone/2": "own", "ticket/13": "own"}


def test_a_number_that_changed_hands_is_the_persons_while_it_was_theirs(home_url: str, household: Connect) -> None:
    found = marks(collected(household(home_url), maija(phone_number=OLD_PHONE)))
    assert {k: v for k, v in found.items() if k.startswith("call")} == {
        "call/20": "own",
        "call/21": "candidate",
        "call/22": "candidate",
    }


def test_a_name_alone_never_makes_a_record_the_persons(home_url: str, household: Connect) -> None:
    anna = seeds(customer_number="1004", name="Anna Ahonen")
    found = marks(collected(household(home_url), anna))
    assert found == {"person/4": "own", "person/5": "third_party", "letter/30": "candidate"}


def test_a_name_alone_makes_candidates_of_all_who_have_it(home_url: str, household: Connect) -> None:
    found = marks(collected(household(home_url), seeds(name="Anna Ahonen")))
    assert found == {"person/4": "candidate", "person/5": "candidate", "letter/30": "candidate"}


def test_a_personal_identity_code_that_differs_makes_a_record_another_persons(
    home_url: str, household: Connect
) -> None:
    run_sql(home_url, "UPDATE person SET number = '1001' WHERE id = 2")
    known = {**maija(), **seeds(national_id="010180-9026", customer_number="1001")}
    found = marks(collected(household(home_url), known))
    assert found["person/1"] == "own"
    assert found["person/2"] == "candidate", "one number on two people's records: a person has to look"
    run_sql(home_url, "UPDATE person SET number = '1002' WHERE id = 2")
    assert marks(collected(household(home_url), known))["person/2"] == "third_party"


def test_a_number_given_out_again_makes_candidates_of_both(home_url: str, household: Connect) -> None:
    run_sql(home_url, "UPDATE person SET number = '1001' WHERE id = 3")
    found = marks(collected(household(home_url), seeds(customer_number="1001")))
    assert {found["person/1"], found["person/3"]} == {"candidate"}


def test_the_register_says_what_an_identity_is_worth(home_url: str, household: Connect) -> None:
    liisa = seeds(email="liisa@example.fi")
    found = marks(collected(household(home_url, strength={"email": "hint"}), liisa))
    assert set(found.values()) == {"candidate"}
    run_sql(home_url, "UPDATE letter SET name = 'Liisa Lahtinen'")
    named = seeds(name="Liisa Lahtinen")
    assert marks(collected(household(home_url), named))["letter/30"] == "candidate"
    assert marks(collected(household(home_url, strength={"name": "strong"}), named))["letter/30"] == "own"


def test_a_candidate_leads_nowhere_outside_and_carries_what_it_would_lead_to(home_url: str, household: Connect) -> None:
    other = source(
        "archive",
        dataset(
            {
                "scan": [
                    {"name": "id", "fides_meta": {"primary_key": True}},
                    {
                        "name": "ticket",
                        "fides_meta": {"references": [{"dataset": "shop", "field": "ticket.id", "direction": "from"}]},
                    },
                ]
            },
            key="archive",
        ),
    )
    spec = source("shop", dataset(COLLECTIONS), person=PERSON)
    connector = SqlConnector(spec, register=register(spec, other), url=home_url)
    items: list[Item] = []
    leads = connector.collect(maija(), items.append)
    assert [lead.value for lead in leads["shop:ticket.id"]] == ["11"]
    assert [lead.value for lead in leads["shared:email"]] == [SHARED_MAIL]
    told = {i.locator["id"]: i.leads for i in items if i.collection == "ticket" and i.ownership is Ownership.CANDIDATE}
    assert told == {10: {"shop:ticket.id": [["10", None, None]]}}
